"""``napari-leukocyte train`` on a training set: accepted masks in; a better model, and whether it is, out."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.core.text import columns

if TYPE_CHECKING:  # torch loads when the command runs, so that --help is quick
    from napari_leukocyte.core.fine_tuning.events import FineTuneFinished
    from napari_leukocyte.core.fine_tuning.fine_tune import Event
    from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["epoch_line", "fine_tune"]


def fine_tune(folder: Path, options: dict[str, Any]) -> None:
    """Fine-tune on the accepted masks of a training set; options that are None take their defaults."""
    from napari_leukocyte.core.fine_tuning.before_after_rows import before_after_rows, describe_basis
    from napari_leukocyte.core.fine_tuning.decision import card_path
    from napari_leukocyte.core.fine_tuning.fine_tune import fine_tune as run
    from napari_leukocyte.core.fine_tuning.fine_tune import is_resumable
    from napari_leukocyte.core.fine_tuning.gate import gate
    from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
    from napari_leukocyte.core.model.weights import model_path
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    parameters = FineTuneParameters(**{name: value for name, value in options.items() if value is not None})
    training_set = TrainingSet.open(folder)
    items = training_set.items()
    held_out = sum(item.held_out for item in items)
    echo(f"{len(items)} accepted masks in {folder}, {held_out} of them held out.", err=True)
    for left_out in training_set.items_left_out():
        echo(f"  {left_out}", err=True)
    start = model_path(parameters.start)
    if items and (warning := _warning(items, start, parameters.seed)):
        echo(f"Warning: {warning}", err=True)
    if is_resumable(parameters.out):
        echo("Going on from where the run was stopped.", err=True)
    try:
        with contextlib.closing(run(items, parameters)) as events:  # it holds its folder until it is closed
            finished = _follow(events)
    except KeyboardInterrupt:
        best = f"the best weights so far are in {parameters.out}" if parameters.out.is_file() else "there are none yet"
        echo(f"Stopped: {best}; the same command goes on from there.", err=True)
        raise typer.Exit(stopping.status()) from None
    rows = before_after_rows(finished.before_after)
    echo("\n".join(columns(rows)))
    echo(describe_basis(finished.before_after))
    for sentence in gate(finished.before_after):
        echo(sentence)
    echo(f"Wrote {finished.path} and its card {card_path(finished.path)}.")


def _warning(items: "Sequence[TrainingItem]", start: Path, seed: int) -> str:
    """What must be known of the start model before the figures are believed; empty when nothing is."""
    from napari_leukocyte.core.fine_tuning.plan import describe_known, known_images, make_plan
    from napari_leukocyte.core.model.weights import read_info

    return describe_known(start.stem, make_plan(items, seed=seed), known_images(read_info(start).training))


def epoch_line(event: TrainEpoch) -> str:
    """Write what an epoch gave."""
    scores = [f"{name} {value:.3f}" for name, value in event.iou_b.items() if value is not None]
    return (
        f"epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.4f}, validation loss "
        f"{event.validation_loss:.4f}, validation score {event.score:.4f}"
        + (f", IoU_b {', '.join(scores)}" if scores else "")
        + (", the best so far: saved" if event.saved else "")
    )


def _follow(events: "Iterator[Event]") -> "FineTuneFinished":
    """Show the progress of a run, and return its last event."""
    from rich.progress import TextColumn

    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.fine_tuning.events import FineTuneFinished, ImageScored, StageStarted

    before = 0
    with progress(TextColumn("{task.fields[loss]}", markup=False)) as bar:
        task = bar.add_task("steps", total=None, loss="")

        def say(line: str) -> None:
            logger.info("%s", line)
            bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

        for event in events:
            if isinstance(event, StageStarted):
                before = event.steps_before
                bar.update(task, total=event.steps_total, completed=before)
                say(f"{event.text[:1].upper()}{event.text[1:]}.")
            elif isinstance(event, TrainStep):
                bar.update(task, completed=before + event.step, loss=f"loss {event.loss:.3f}")
            elif isinstance(event, TrainEpoch):
                say(epoch_line(event))
            elif isinstance(event, ImageScored):
                bar.update(task, description="images", completed=event.done, total=event.total, loss="")
            elif isinstance(event, FineTuneFinished):
                return event
    raise AssertionError("the last event of a fine-tuning tells its result")
