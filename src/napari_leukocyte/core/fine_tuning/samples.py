"""From accepted masks to what training takes, and the synthetic smears of a fine-tuning.

Some smears remind the network of what it knew; others, the guard, show whether it forgot.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.model.dataset import Sample, make_sample
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.unet import UNet, probabilities
from napari_leukocyte.core.model.validation import whole_image_logits
from napari_leukocyte.core.synthetic.smear import draw_cell, draw_cluster
from napari_leukocyte.core.training_set.item import Annotated, TrainingItem

__all__ = ["OWN", "REPLAY", "guard_items", "item_sample", "replay_samples", "sample_shares"]

OWN, REPLAY = "own", "replay"
_REPLAY_SEED = 20_000  # far from the seeds of the guard: what reminds must not be what is asked
_REPLAY_UM = 32.0
_GUARD_SEED = 50_000
_GUARD_CELLS, _GUARD_CLUSTERS = 20, 4
_GUARD_PX_PER_UM = 8.0


def item_sample(item: TrainingItem, recipe: Recipe) -> Sample:
    """One accepted mask with its image at the recipe's working resolution.

    Raises
    ------
    LeukocyteError
        When the image is none that can be used; the sentence names it.
    """
    annotated = item.read()
    try:
        image = to_rgb(annotated.image).image
    except LeukocyteError as error:
        raise LeukocyteError(f"{item.name} cannot train a model: {error}") from error
    return make_sample(
        image,
        annotated.classes,
        name=item.name,
        source=OWN,
        whole_cell=item.whole_cell,
        scale=item.pixel_size / recipe.pixel_size,
        soft=recipe.soft_targets,
    )


def replay_samples(start: UNet, recipe: Recipe, n: int) -> list[Sample]:
    """Synthetic smears with what the start model sees in them, as shares: the same ones always."""
    samples = []
    for i in range(n):
        scale = max(1.0, 1 / recipe.pixel_size)
        if i % 4 == 3:  # neighbours are seen too
            smear = draw_cluster(seed=_REPLAY_SEED + i, cell_types=2 + i % 3, px_per_um=scale)
        else:
            side = round(_REPLAY_UM * scale)
            smear = draw_cell(seed=_REPLAY_SEED + i, size=(side, side), px_per_um=scale)
        p = _predict(start, smear.image)
        nothing = np.zeros_like(p[:1])
        p = np.concatenate([p[:1], nothing, nothing, p[1:]] if len(p) == 2 else [p, nothing])
        target = np.round(p * 255).astype(np.uint8)
        samples.append(Sample(f"smear {i}", REPLAY, smear.image, target, whole_cell=start.config.classes == 2))
    return samples


def sample_shares(samples: Sequence[Sample], replay_share: float) -> NDArray[np.float64]:
    """Probability of each sample: the user's images alike, synthetic smears ``replay_share`` of all together."""
    replay = np.array([sample.source == REPLAY for sample in samples])
    share = replay_share if replay.any() else 0.0
    weights: NDArray[np.float64] = np.where(replay, share / max(1, replay.sum()), (1 - share) / max(1, (~replay).sum()))
    return weights


def guard_items() -> list[TrainingItem]:
    """20 one-cell crops and 4 clusters of mixed stains and types, drawn when they are read; masks are exact."""
    items = []
    for i in range(_GUARD_CELLS + _GUARD_CLUSTERS):
        read = partial(_draw_guard, i)
        items.append(
            TrainingItem(
                name=f"synthetic {i + 1}",
                version=0,
                sha256="",
                group=f"synthetic {i + 1}",
                pixel_size=1 / _GUARD_PX_PER_UM,
                edited=True,
                held_out=True,
                whole_cell=False,
                read=read,
            )
        )
    return items


def _draw_guard(i: int) -> Annotated:
    if i < _GUARD_CELLS:
        smear = draw_cell(seed=_GUARD_SEED + i, size=(240, 240), px_per_um=_GUARD_PX_PER_UM)
    else:
        smear = draw_cluster(seed=_GUARD_SEED + i, cell_types=2 + i % 3, px_per_um=_GUARD_PX_PER_UM)
    return Annotated(smear.image, smear.classes, smear.cells)


@torch.inference_mode()
def _predict(network: UNet, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (classes, Y, X) of an image at the working resolution."""
    device = next(network.parameters()).device
    logits = whole_image_logits(network, image.copy(), multiple=network.config.multiple, device=device)
    result: NDArray[np.float32] = probabilities(logits)[0].cpu().numpy()
    return result
