"""Ctrl+C, and the signals by which a system ends a program: no traceback, nothing half-done, a telling exit status.

Light to import: the program decides here what a signal does before it loads anything slow. Without `begin` (napari,
tests, use from Python) signals are as Python has them.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["begin", "interruptible", "leave_to_system", "nothing_begun", "requested", "status"]

# Ctrl+C; the end that a system, a scheduler or `timeout` asks for; a terminal that is closed
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_state: dict[str, Any] = {"ours": (), "received": 0}


def begin() -> None:
    """Take the signals over, but for those that the program was started to ignore (``nohup``, a shell's ``&``)."""
    _state["ours"] = tuple(one for one in _SIGNALS if signal.getsignal(one) not in (signal.SIG_IGN, None))
    _set(_end_at_once)


def interruptible() -> None:
    """From now on there is work that must end well: a signal raises KeyboardInterrupt."""
    if _state["ours"]:
        sys.unraisablehook = _unraisable
    _set(_interrupt)


@contextlib.contextmanager
def nothing_begun() -> Iterator[None]:
    """While libraries load, which take a signal badly and leave nothing to put right: it ends the program at once."""
    before = {one: signal.getsignal(one) for one in _state["ours"]}
    _set(_end_at_once)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def leave_to_system() -> None:
    """Give the signals back, for a program with a window of its own."""
    _set(signal.SIG_DFL)
    if signal.SIGINT in _state["ours"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _state["ours"] = ()


def requested() -> bool:
    """Whether a signal asked for the end."""
    return bool(_state["received"])


def status() -> int:
    """The exit status after a stop: 128 and the signal's number, 130 for Ctrl+C and 143 for SIGTERM."""
    return 128 + int(_state["received"] or signal.SIGINT)


def _set(handler: Any) -> None:
    for one in _state["ours"]:
        signal.signal(one, handler)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Stopped.\n")
    os._exit(128 + number)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _state["received"] = number
    raise KeyboardInterrupt


def _unraisable(what: Any) -> None:
    """Python drops what is raised while it tidies up; a signal that came then comes again, after this call."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        again = threading.Timer(0.01, os.kill, (os.getpid(), _state["received"] or signal.SIGINT))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(what)
