"""``napari-leukocyte train``: a folder of images with masks in, a weight file out."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.fine_tune import epoch_line, fine_tune
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:  # torch loads when the command runs, so that --help is quick
    from napari_leukocyte.core.model.training import TrainEpoch, TrainFinished, TrainStep

__all__ = ["train"]


def train(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="A training set (its accepted masks are fine-tuned on), or a folder with index.csv: columns source, "
            "image, mask, px_per_um; cell_type and slide may be added.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Weight file (.safetensors); its checkpoint lies beside it until the run is complete."
        ),
    ],
    recipe: Annotated[
        Literal["thesis", "default"], typer.Option(help="After the thesis, or as the shipped default model.")
    ] = "default",
    classes: Annotated[
        int, typer.Option(min=2, max=3, help="3 background, cytoplasm, nucleus; 2 background and cell.")
    ] = 3,
    from_model: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from a shipped model or a weight file; with index.csv one of the recipe's architecture."
            "  [default: random weights; for a training set default]",
            show_default=False,
        ),
    ] = None,
    start_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="With index.csv and --from: share of the start in the weights that are kept; a half often keeps what "
            "it knew and most of what is learnt.  [default: 0]",
            show_default=False,
        ),
    ] = 0.0,
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Lists train, validation and test of image names.  [default: 70/15/15 by slide and cell type]",
            show_default=False,
        ),
    ] = None,
    mask_notes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="With index.csv: notes on the training masks: where nuclei are drawn, which outlines not to believe.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="One epoch draws as many windows as there are training images, 80 for a training set."
            "  [default: the recipe's; for a training set 8]",
            show_default=False,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Training set: stop after so many epochs without a better validation score; 0 never.  [default: 4]",
            show_default=False,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Of the first step, from which it falls to zero; the recipe's other rates go along."
            "  [default: the recipe's; for a training set 0.0005]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="S", help="For the split, the first weights and the windows.")
    ] = 0,
    device: Annotated[
        Literal["auto", "cuda", "mps", "cpu"],
        typer.Option(help="Where the network is trained; auto takes cuda, else mps, else cpu."),
    ] = "auto",
    name: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The model's name in lists.  [default: FILE without its extension]", show_default=False
        ),
    ] = "",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="Terms that the training images put on the weights.")
    ] = "not stated",
) -> None:
    """Train a network and keep its best weights by validation score.

    With a training set (a folder with training-set.json) a model is fine-tuned on its accepted masks, compared with the
    one it started from on images that it never saw, and judged; FILE gets a card beside it. --recipe, --classes,
    --split and --licence come from the start model then.

    Ctrl+C stops the training and says where the best weights so far are. The same command started again goes on
    from the checkpoint FILE.checkpoint. An existing weight file is not replaced. Images of the test part are not read.
    """
    with stopping.nothing_begun():
        from napari_leukocyte.core.model.device import resolve_device
        from napari_leukocyte.core.model.prepare import prepare
        from napari_leukocyte.core.model.recipes import RECIPES
        from napari_leukocyte.core.model.training import TrainParameters, checkpoint_path
        from napari_leukocyte.core.model.training import train as run
        from napari_leukocyte.core.model.weights import load_model, model_hash, model_path
        from napari_leukocyte.core.training_set.layout import Layout

    if Layout(data).manifest.is_file():
        if start_share:
            raise LeukocyteError("--start-share is for a folder with index.csv; a training set keeps a half always.")
        if mask_notes is not None:
            raise LeukocyteError(
                "--mask-notes is for a folder with index.csv; a training set has accepted masks alone."
            )
        fine_tune(
            data,
            {
                "out": out,
                "start": from_model,
                "name": name,
                "epochs": epochs,
                "patience": patience,
                "learning_rate": learning_rate,
                "device": device,
                "seed": seed,
            },
        )
        return
    if start_share and from_model is None:
        raise LeukocyteError("--start-share needs the model that it is a share of: name it with --from.")
    if patience is not None:
        raise LeukocyteError(f"--patience is for a training set, and {data} is none.")
    if learning_rate is not None and not 0 < learning_rate < math.inf:
        raise LeukocyteError(f"--learning-rate must be above 0, not {learning_rate:g}.")
    checkpoint = checkpoint_path(out)
    resumed = checkpoint.is_file()
    _check_out(out, resumed=resumed)
    resolve_device(device)  # a device that is not there is said before the images are read
    chosen = RECIPES[recipe](classes)
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    if learning_rate is not None:
        times = learning_rate / chosen.learning_rate
        chosen = dataclasses.replace(chosen, learning_rate=learning_rate, kernel_rate=chosen.kernel_rate * times)
    if start_share:
        chosen = dataclasses.replace(chosen, start_share=start_share)
    start = None
    started_from: dict[str, object] | None = None
    if from_model is not None:
        path = model_path(from_model)
        start, origin = load_model(path)
        started_from = {
            "name": origin.name,
            "sha256": model_hash(path),
            **{key: origin.training[key] for key in ("steps", "seconds", "seed") if key in origin.training},
        }
    echo(f"Reading the images of {data}.", err=True)
    training, validation, summary = prepare(data, chosen, split=split, notes=mask_notes, seed=seed)
    if started_from is not None:
        summary["started_from"] = started_from
    echo(f"{len(training)} images to train on, {len(validation)} to validate.", err=True)
    if resumed:
        echo(f"Going on from the checkpoint {checkpoint}.", err=True)
    parameters = TrainParameters(
        out=out, recipe=chosen, name=name, device=device, seed=seed, licence=licence, data=summary
    )
    try:
        finished = _follow(run(training, validation, parameters, start=start))
    except KeyboardInterrupt:
        echo(_after_stop(out, checkpoint), err=True)
        raise typer.Exit(stopping.status()) from None
    about = finished.info.training
    echo(
        f"Wrote {finished.path}: validation score {finished.score:.4f} in epoch {about['epoch']} "
        f"(on the {about['validated_on']}). Device: {about['device']}."
    )
    logger.info("precision: %s", about["precision"])


def _check_out(out: Path, *, resumed: bool) -> None:
    """Find out before hours of work that the weights could not be written."""
    if out.is_dir():
        raise LeukocyteError(f"{out} is a folder: give the name of a weight file in it.")
    if out.exists() and not resumed:
        raise LeukocyteError(f"{out} exists already: choose another name, or delete it to train anew.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LeukocyteError(f"The folder {out.parent} cannot be made ({error.strerror}): choose another.") from error


def _follow(events: "Iterator[TrainStep | TrainEpoch | TrainFinished]") -> "TrainFinished":
    """Show the progress of a training run, and return its last event."""
    from rich.progress import TextColumn

    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.model.training import TrainEpoch, TrainStep

    task = None
    with progress(TextColumn("{task.fields[loss]}", markup=False)) as bar:
        for event in events:
            if isinstance(event, TrainStep):
                if task is None:  # here, so that the steps before a checkpoint do not count for the time that is left
                    task = bar.add_task("steps", total=event.steps, completed=event.step - 1, loss="")
                bar.update(task, completed=event.step, loss=f"loss {event.loss:.3f}")
            elif isinstance(event, TrainEpoch):
                line = epoch_line(event)
                logger.info("%s", line)
                bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                return event
    raise AssertionError("the last event of a training run tells its result")


def _after_stop(out: Path, checkpoint: Path) -> str:
    best = f"the best weights so far are in {out}" if out.is_file() else "there are no weights yet"
    if checkpoint.is_file():
        return f"Stopped: {best}; the same command goes on from {checkpoint}."
    return f"Stopped: {best}."
