"""The Train job in napari: a worker trains and compares, handlers on the GUI thread tell the dock. No widgets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.events import FineTuneFinished, ImageScored, StageStarted
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.progress_file import is_resumable
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.train.resuming import forget_run, remember_run
from napari_leukocyte.plugin.train.time_left import TimeLeft

__all__ = ["TrainJob", "training_threads"]


class TrainJob:
    """Runs at most one fine-tuning at a time.

    Signals
    -------
    progress(done, total, text)
        In steps, or in images while comparing; the text names the stage and the time left.
    epoch_done(epoch)
        A ``TrainEpoch`` of the model that is kept; those of the cross-validation are not told.
    ended(sentence)
        Always the last one: what was done, or why not.
    """

    progress = Signal(int, int, str)
    epoch_done = Signal(object)
    ended = Signal(str)

    def __init__(self) -> None:
        self.worker = Background("the training", advice="close other programs, or use the device cpu")
        self.parameters: FineTuneParameters | None = None  # those of the current run, or of the last one
        self._time_left = TimeLeft()

    @property
    def running(self) -> bool:
        """Whether a worker is at it."""
        return self.worker.running

    def start(self, folder: Path, parameters: FineTuneParameters) -> None:
        """Train on the accepted masks of a training set, or go on with a run that was cut off.

        Raises
        ------
        LeukocyteError
            When a run is under way, the name is taken, or the models folder cannot be written to.
        """
        if self.running:
            raise LeukocyteError("A training is running: wait for it, or cancel it first.")
        out = Path(parameters.out)
        if out.exists() and not is_resumable(out):
            raise LeukocyteError(f"There is a model {out.stem} already: give the new one another name.")
        if not is_resumable(out):
            remember_run(parameters)
        self.parameters = parameters
        self._stage: StageStarted | None = None
        self._finished, self._problem = False, ""
        self.progress.emit(0, 0, "Reading the masks …")
        self.worker.start(
            lambda: _run(folder, parameters), event=self._on_event, done=self._on_done, failed=self._on_failed
        )

    def cancel(self) -> None:
        """Stop at the next step; the best weights so far stay, and the run can go on."""
        self.worker.cancel()

    def leave(self) -> None:
        """Stop in the same way, and report nothing more."""
        self.worker.leave()

    def _on_event(self, event: object) -> None:
        if isinstance(event, StageStarted):
            self._stage = event
            if event.kind == "comparison":
                self._time_left.restart()
            self._tell(event.steps_before, event.steps_total, "")
        elif isinstance(event, TrainStep) and self._stage is not None:
            done, total = self._stage.steps_before + event.step, self._stage.steps_total
            self._tell(done, total, self._time_left.after_step(total - done))
        elif isinstance(event, ImageScored):
            self._tell(event.done, event.total, self._time_left.after_step(event.total - event.done))
        elif isinstance(event, TrainEpoch) and self._stage is not None and self._stage.kind == "final":
            self.epoch_done.emit(event)
        elif isinstance(event, FineTuneFinished):
            self._finished = True

    def _tell(self, done: int, total: int, time_left: str) -> None:
        assert self._stage is not None
        stage = self._stage.text[:1].upper() + self._stage.text[1:]
        self.progress.emit(done, total, f"{stage} · {time_left}" if time_left else stage)

    def _on_done(self, _result: None) -> None:
        assert self.parameters is not None
        self.ended.emit(self._summary(Path(self.parameters.out)))

    def _on_failed(self, sentence: str) -> None:
        self._problem = sentence
        self._on_done(None)

    def _summary(self, out: Path) -> str:
        kept = out.is_file()
        if self._finished:
            return f"{out.stem} is trained. Read what changed, then decide."
        going_on = " Resume goes on from here." if is_resumable(out) else ""
        if self._problem:
            return self._problem + (f" The best weights so far are kept as {out.stem}.{going_on}" if kept else "")
        if kept:
            return f"Cancelled: the best weights so far are kept as {out.stem}, not compared yet.{going_on}"
        return f"Cancelled before the first epoch was done: there are no new weights yet.{going_on}"


def training_threads(cores: int) -> int:
    """How many threads train. Of 4 or more cores one is left for painting; of fewer that would cost too much time."""
    return cores - 1 if cores >= 4 else cores


def _run(folder: Path, parameters: FineTuneParameters) -> Generator[object, None, None]:
    """The worker's generator. torch is imported here, so that the dock opens at once."""
    import torch

    from napari_leukocyte.core.fine_tuning.fine_tune import fine_tune
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    try:
        with _threads(torch):
            yield from fine_tune(TrainingSet.open(folder).items(), parameters)
    finally:  # here, because the dock may have been closed
        if not is_resumable(Path(parameters.out)):
            forget_run(Path(parameters.out))


@contextlib.contextmanager
def _threads(torch: Any) -> Iterator[None]:
    """Train with fewer threads than usual; torch keeps the number for each calling thread."""
    usual = torch.get_num_threads()
    torch.set_num_threads(min(usual, training_threads(os.cpu_count() or 1)))
    try:
        yield
    finally:
        torch.set_num_threads(usual)
