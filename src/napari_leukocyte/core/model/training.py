"""Training as a plain generator: the command line, a test and napari each iterate it their own way.

Stopping the iteration is the cancel. The best weights so far are on disk before the event that announces them,
and so is the checkpoint from which the same call goes on after a crash.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.augment import augment
from napari_leukocyte.core.model.composites import cut_out_cells
from napari_leukocyte.core.model.crowding import cut_out_red_cells
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.device import autocast, describe_device, resolve_device
from napari_leukocyte.core.model.drawn import DRAWN
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.core.model.losses import segmentation_loss
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.sampling import Additions, draw_batch, sample_weights
from napari_leukocyte.core.model.training_run import TrainingRun
from napari_leukocyte.core.model.unet import UNet
from napari_leukocyte.core.model.validation import validate
from napari_leukocyte.core.model.weights import ModelInfo, read_info, save_model

__all__ = ["TrainEpoch", "TrainFinished", "TrainParameters", "TrainStep", "checkpoint_path", "train"]


@dataclass(frozen=True, kw_only=True)
class TrainParameters:
    """One training run beside its recipe.

    Attributes
    ----------
    out
        Weight file; its checkpoint lies beside it until the run is complete.
    name
        The model's name in lists; the file's stem when empty.
    licence
        Terms that the data put on the weights.
    data
        Summary of the data (hashes, split, counts) that goes into the header unchanged.
    """

    out: Path
    recipe: Recipe
    name: str = ""
    device: str = "auto"
    seed: int = 0
    licence: str = "not stated"
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class TrainFinished:
    """The last event: where the best weights are and how they scored on the validation part."""

    path: Path
    info: ModelInfo
    score: float


def checkpoint_path(out: Path) -> Path:
    """Where a run that writes ``out`` keeps its state."""
    return out.with_name(out.name + ".checkpoint")


def train(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    parameters: TrainParameters,
    *,
    start: UNet | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Iterator[TrainStep | TrainEpoch | TrainFinished]:
    """Train a network and keep its best weights by validation score on disk.

    Parameters
    ----------
    training, validation
        Samples at the recipe's working resolution. An empty validation part is scored on the training part,
        and the header says so.
    parameters
        The run; a checkpoint beside ``parameters.out`` of a run with the same parameters is continued.
    start
        Weights to start from instead of random ones; of the recipe's architecture.
    weights
        Probability of each training sample, summing to 1, instead of `sample_weights`.

    Yields
    ------
    TrainStep, TrainEpoch, TrainFinished
        In the end exactly one ``TrainFinished``.

    Raises
    ------
    LeukocyteError
        No training images; a recipe that needs a start without one; a start that is another architecture; a
        checkpoint of another run; a loss that is no longer finite (what was best before stays on disk); a disk that
        cannot be written.
    """
    recipe, out = parameters.recipe, Path(parameters.out)
    if not training:
        raise LeukocyteError("There is no image to train on.")
    if start is not None and start.config != recipe.architecture:
        raise LeukocyteError("The model to start from has another architecture than the recipe.")
    if start is None and (recipe.frozen_encoder or recipe.frozen_statistics or recipe.anchor or recipe.start_share):
        raise LeukocyteError("The recipe holds on to the model that it starts from: name that model.")
    device = resolve_device(parameters.device)
    steps_per_epoch = recipe.epoch_steps or max(1, round(len(training) / recipe.batch))
    steps = recipe.epochs * steps_per_epoch
    run = TrainingRun(recipe, device, parameters.seed, start, steps)
    fingerprint = _fingerprint(parameters, training, start, weights)
    checkpoint = checkpoint_path(out)
    if checkpoint.exists():
        run.load(checkpoint, fingerprint)
    weights = sample_weights(training) if weights is None else weights
    additions = _additions(recipe, training)
    losses: list[float] = []
    info = _info(parameters, training, validation, steps, device, run.bfloat16)
    started = perf_counter() - run.seconds
    while run.step < steps and not (recipe.patience and run.waited >= recipe.patience):
        loss = _step(run, recipe, training, weights, additions, device)
        if not math.isfinite(loss):
            raise LeukocyteError(f"Training diverged at step {run.step}: start again with a lower learning rate.")
        losses.append(loss)
        yield TrainStep(run.step, steps, loss)
        epoch, rest = divmod(run.step, steps_per_epoch)
        if rest or (epoch % recipe.validate_every and epoch < recipe.epochs):
            continue
        result = run.result(recipe.start_share)
        scores = validate(result, validation or training, recipe, device=device, bfloat16=run.bfloat16)
        run.seconds = perf_counter() - started
        saved = scores.score > run.best
        run.waited = 0 if saved else run.waited + 1
        if saved:
            run.best = scores.score
            reached = {"seconds": round(run.seconds), "epoch": epoch, "validation_score": round(scores.score, 4)}
            info.training.update(reached)
            save_model(out, result, info)
        run.save(checkpoint, fingerprint)
        yield TrainEpoch(epoch, recipe.epochs, float(np.mean(losses)), scores.loss, scores.score, saved, scores.iou_b)
        losses.clear()
    checkpoint.unlink(missing_ok=True)
    # from the file: after an interruption the best epoch may be one that this call has not seen
    yield TrainFinished(out, read_info(out), run.best)


def _fingerprint(
    parameters: TrainParameters,
    training: Sequence[Sample],
    start: UNet | None,
    weights: NDArray[np.float64] | None,
) -> str:
    """What makes a run the same run: recipe, seed, the training pixels and the weights that it starts from."""
    digest = hashlib.sha256(repr((parameters.recipe, parameters.seed)).encode())
    for sample in training:
        digest.update(repr((sample.name, sample.source, sample.whole_cell, sample.image.shape)).encode())
        digest.update(sample.image.tobytes())
        digest.update(sample.target.tobytes())
    if start is not None:
        for value in start.state_dict().values():
            digest.update(value.cpu().contiguous().numpy().tobytes())
    if weights is not None:
        digest.update(weights.tobytes())
    return digest.hexdigest()


def _additions(recipe: Recipe, training: Sequence[Sample]) -> Additions | None:
    """Cut out of the photographs what the recipe asks for."""
    if not (recipe.neighbours or recipe.red_cells):
        return None
    photographs = [sample for sample in training if sample.source != DRAWN]
    size = recipe.pixel_size
    return Additions(
        pixel_size=size,
        neighbours=recipe.neighbours,
        cells=cut_out_cells(photographs, pixel_size=size) if recipe.neighbours else {},
        red_share=recipe.red_cells,
        red_cells=cut_out_red_cells(photographs, pixel_size=size) if recipe.red_cells else (),
    )


def _step(
    run: TrainingRun,
    recipe: Recipe,
    samples: Sequence[Sample],
    weights: NDArray[np.float64],
    additions: Additions | None,
    device: torch.device,
) -> float:
    # Half as large again as the window: room for turned corners and shifts before mirroring sets in.
    image, target = draw_batch(samples, weights, recipe.batch, round(1.5 * recipe.window), run.rng, additions)
    x, y = augment(
        torch.from_numpy(image).to(device).float() / 255,
        torch.from_numpy(target).to(device).float() / 255,
        recipe.window,
        recipe.augmentation,
        run.generator,
    )
    run.train_mode(frozen_statistics=recipe.frozen_statistics)
    with autocast(device, bfloat16=run.bfloat16):
        logits = run.model(x.contiguous(memory_format=torch.channels_last))
    loss = segmentation_loss(logits, y, dice=recipe.dice, border_weight=recipe.border_weight)
    run.descend(loss, recipe)
    return float(loss.detach())


def _info(
    parameters: TrainParameters,
    training: Sequence[Sample],
    validation: Sequence[Sample],
    steps: int,
    device: torch.device,
    bfloat16: bool,
) -> ModelInfo:
    recipe = parameters.recipe
    trained = {id(sample) for sample in training}
    seen = any(id(sample) in trained for sample in validation)
    summary: dict[str, Any] = {
        "data": parameters.data or {},
        "training_images": len(training),
        "validation_images": len(validation),
        "validated_on": "training part" if seen or not validation else "validation part",
        "recipe": asdict(recipe),
        "steps": steps,
        "seed": parameters.seed,
        "device": describe_device(device),
        "precision": "bfloat16 mixed" if bfloat16 else "float32",
        "date": datetime.now(UTC).date().isoformat(),
        "plugin_version": __version__,
    }
    return ModelInfo(
        name=parameters.name or Path(parameters.out).stem,
        architecture=recipe.architecture,
        pixel_size=recipe.pixel_size,
        recipe=recipe.name,
        licence=parameters.licence,
        training=summary,
    )
