"""How long a run will still take, judged by its pace so far."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

__all__ = ["TimeLeft", "describe_time"]

_FEWEST = 3  # steps whose pace says something


class TimeLeft:
    """Measures the pace of one kind of step.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Forget the pace: another kind of step begins."""
        self._steps = 0
        self._started = self._clock()

    def after_step(self, left: int) -> str:
        """Count a step, and say how long the ``left`` others take; empty while that is not known."""
        if not self._steps:  # the time before the first step is preparation
            self._started = self._clock()
        self._steps += 1
        if self._steps <= _FEWEST:
            return ""
        return describe_time(left * (self._clock() - self._started) / (self._steps - 1))


def describe_time(seconds: float) -> str:
    """Say a duration that is still to come, as roughly as it is known.

    Examples
    --------
    >>> [describe_time(seconds) for seconds in (4, 32, 70, 170, 5400)]
    ['a few seconds left', 'about 30 s left', 'about 1 min left', 'about 3 min left', 'about 1.5 h left']
    """
    if seconds < 10:
        return "a few seconds left"
    if seconds < 55:
        return f"about {10 * round(seconds / 10)} s left"
    if seconds < 55 * 60:
        return f"about {max(1, round(seconds / 60))} min left"
    return f"about {seconds / 3600:.1f} h left"
