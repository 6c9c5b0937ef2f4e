"""Training the network that follows gestures: from a model that segments, on simulated gestures."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.encode import INPUTS
from napari_leukocyte.core.interactive.simulate import Scene, draw_scene, next_stroke
from napari_leukocyte.core.model.augment import augment
from napari_leukocyte.core.model.composites import cut_out_cells
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.device import autocast, describe_device, resolve_device
from napari_leukocyte.core.model.drawn import DRAWN
from napari_leukocyte.core.model.events import TrainStep
from napari_leukocyte.core.model.losses import segmentation_loss
from napari_leukocyte.core.model.recipes import Recipe, default_recipe
from napari_leukocyte.core.model.sampling import Additions, draw_batch, sample_weights
from napari_leukocyte.core.model.training_run import TrainingRun
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import GESTURE_MODEL, ModelInfo, save_model

__all__ = ["GestureTraining", "gesture_recipe", "train_gestures", "widened"]

_ITERATED = 0.4  # share of the batches in which the network's own answers are corrected further
_ROUNDS = 3  # at most
_SAVE_EVERY = 100  # steps between checkpoints


def gesture_recipe(steps: int = 1500) -> Recipe:
    """The default recipe from weights that segment already: fewer steps and lower rates."""
    default = default_recipe()
    return replace(
        default,
        architecture=replace(default.architecture, inputs=INPUTS),
        augmentation=replace(default.augmentation, zoom=0.4),
        learning_rate=1e-3,
        kernel_rate=0.008,
        epochs=1,
        epoch_steps=steps,
    )


@dataclass(frozen=True, kw_only=True)
class GestureTraining:
    """One training run beside its recipe: the weight file, the data's summary and terms, as in `TrainParameters`.

    ``thin_rims``: see `simulate.Scene`.
    """

    out: Path
    recipe: Recipe
    device: str = "auto"
    seed: int = 0
    licence: str = "not stated"
    thin_rims: bool = False
    data: dict[str, Any] | None = None


def widened(start: UNet, inputs: int = INPUTS) -> UNet:
    """Return a network that says what ``start`` says, and can learn to heed further channels: their kernels are zero.

    Raises
    ------
    LeukocyteError
        When ``start`` tells no nucleus from cytoplasm, or has more channels than that.
    """
    config = start.config
    if config.classes != 3 or config.inputs > inputs:
        raise LeukocyteError("Gestures are learnt from a model with three classes that sees RGB alone.")
    wide = UNet(UNetConfig(**{**asdict(config), "widths": config.widths, "inputs": inputs}))
    state = start.state_dict()
    first = next(name for name, value in state.items() if value.ndim == 4)
    kernel = torch.zeros_like(wide.state_dict()[first])
    kernel[:, : config.inputs] = state[first]
    wide.load_state_dict({**state, first: kernel})
    return wide.eval()


def train_gestures(training: Sequence[Sample], parameters: GestureTraining, *, start: UNet) -> Iterator[TrainStep]:
    """Train from ``start``, widened, and write the averaged weights when all steps are done.

    A checkpoint beside ``parameters.out`` of a run with the same parameters is continued.

    Raises
    ------
    LeukocyteError
        No training images; a start of another architecture; a checkpoint of another run; a loss that is no longer
        finite; a disk that cannot be written.
    """
    recipe = parameters.recipe
    if not training:
        raise LeukocyteError("There is no image to train on.")
    wide = widened(start)
    if wide.config != recipe.architecture:
        raise LeukocyteError("The model to start from has another architecture than the recipe.")
    device = resolve_device(parameters.device)
    steps = recipe.epochs * recipe.epoch_steps
    run = TrainingRun(recipe, device, parameters.seed, wide, steps)
    fingerprint = _fingerprint(parameters, training, start)
    checkpoint = parameters.out.with_name(parameters.out.name + ".checkpoint")
    if checkpoint.exists():
        run.load(checkpoint, fingerprint)
    photographs = [sample for sample in training if sample.source != DRAWN]
    cells = cut_out_cells(photographs, pixel_size=recipe.pixel_size) if recipe.neighbours else {}
    additions = Additions(
        pixel_size=recipe.pixel_size, neighbours=recipe.neighbours, cells=cells, red_share=0, red_cells=()
    )
    weights = sample_weights(training)
    started = perf_counter() - run.seconds
    while run.step < steps:
        loss = _step(run, parameters, training, weights, additions)
        if not math.isfinite(loss):
            raise LeukocyteError(f"Training diverged at step {run.step}: start again with a lower learning rate.")
        run.seconds = perf_counter() - started
        if run.step == steps:
            save_model(parameters.out, run.average, _info(parameters, training, run))
        elif not run.step % _SAVE_EVERY:
            run.save(checkpoint, fingerprint)
        yield TrainStep(run.step, steps, loss)
    checkpoint.unlink(missing_ok=True)


def _step(
    run: TrainingRun,
    parameters: GestureTraining,
    samples: Sequence[Sample],
    weights: NDArray[np.float64],
    additions: Additions,
) -> float:
    recipe = parameters.recipe
    image, target = draw_batch(samples, weights, recipe.batch, round(1.5 * recipe.window), run.rng, additions)
    x, y = augment(
        torch.from_numpy(image).float() / 255,
        torch.from_numpy(target).float() / 255,
        recipe.window,
        recipe.augmentation,
        run.generator,
    )
    scenes = [
        draw_scene(own, wanted, run.rng, pixel_size=recipe.pixel_size, thin_rims=parameters.thin_rims)
        for own, wanted in zip(x.numpy(), y.numpy(), strict=True)
    ]
    if run.rng.random() < _ITERATED:
        for _ in range(int(run.rng.integers(1, _ROUNDS + 1))):
            _go_on(run, recipe, scenes)
    wanted = torch.from_numpy(np.stack([scene.weighted_target() for scene in scenes])).to(run.device)
    run.train_mode(frozen_statistics=False)
    with autocast(run.device, bfloat16=run.bfloat16):
        logits = run.model(_batch(run, recipe, scenes))
    loss = segmentation_loss(logits, wanted, dice=recipe.dice, border_weight=recipe.border_weight)
    run.descend(loss, recipe)
    return float(loss.detach())


def _batch(run: TrainingRun, recipe: Recipe, scenes: Sequence[Scene]) -> torch.Tensor:
    channels = torch.from_numpy(np.stack([scene.channels(recipe.pixel_size) for scene in scenes]))
    return channels.to(run.device).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def _go_on(run: TrainingRun, recipe: Recipe, scenes: Sequence[Scene]) -> None:
    """Put the network's answer into each map, and the next gesture on its largest error."""
    run.average.eval()
    with autocast(run.device, bfloat16=run.bfloat16):
        answers = run.average(_batch(run, recipe, scenes)).argmax(dim=1).to(torch.uint8).cpu().numpy()
    for scene, answer in zip(scenes, answers, strict=True):
        scene.classes = answer
        stroke = next_stroke(scene, run.rng) if scene.focus.any() else None
        if stroke is not None:
            scene.strokes.append(stroke)


def _fingerprint(parameters: GestureTraining, training: Sequence[Sample], start: UNet) -> str:
    """What makes a run the same run."""
    digest = hashlib.sha256(repr((parameters.recipe, parameters.seed, parameters.thin_rims)).encode())
    for sample in training:
        digest.update(repr((sample.name, sample.source, sample.whole_cell, sample.image.shape)).encode())
        digest.update(sample.image.tobytes())
        digest.update(sample.target.tobytes())
    for value in start.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _info(parameters: GestureTraining, training: Sequence[Sample], run: TrainingRun) -> ModelInfo:
    recipe = parameters.recipe
    return ModelInfo(
        name=GESTURE_MODEL,
        architecture=recipe.architecture,
        pixel_size=recipe.pixel_size,
        recipe="gestures",
        licence=parameters.licence,
        training={
            "data": parameters.data or {},
            "training_images": len(training),
            "recipe": asdict(recipe),
            "steps": run.step,
            "seconds": round(run.seconds),
            "seed": parameters.seed,
            "thin_rims": parameters.thin_rims,
            "device": describe_device(run.device),
            "precision": "bfloat16 mixed" if run.bfloat16 else "float32",
            "date": datetime.now(UTC).date().isoformat(),
            "plugin_version": __version__,
        },
    )
