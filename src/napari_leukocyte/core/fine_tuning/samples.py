"""From accepted masks to what training takes, and the smears that remind the network of what it knew."""

from collections.abc import Sequence

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
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["OWN", "REPLAY", "item_sample", "replay_samples", "sample_shares"]

OWN, REPLAY = "own", "replay"
_REPLAY_SEED = 20_000  # far from the seeds of the guard: what reminds must not be what is asked
_REPLAY_UM = 32.0


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
        if len(p) == 2:
            p = np.concatenate([p, np.zeros_like(p[:1])])
        target = np.round(p * 255).astype(np.uint8)
        samples.append(Sample(f"smear {i}", REPLAY, smear.image, target, whole_cell=start.config.classes == 2))
    return samples


def sample_shares(samples: Sequence[Sample], replay_share: float) -> NDArray[np.float64]:
    """Probability of each sample: the user's images alike, synthetic smears ``replay_share`` of all together."""
    replay = np.array([sample.source == REPLAY for sample in samples])
    share = replay_share if replay.any() else 0.0
    weights: NDArray[np.float64] = np.where(replay, share / max(1, replay.sum()), (1 - share) / max(1, (~replay).sum()))
    return weights


@torch.inference_mode()
def _predict(network: UNet, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (classes, Y, X) of an image at the working resolution."""
    device = next(network.parameters()).device
    logits = whole_image_logits(network, image.copy(), multiple=network.config.multiple, device=device)
    result: NDArray[np.float32] = probabilities(logits)[0].cpu().numpy()
    return result
