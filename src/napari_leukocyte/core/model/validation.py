"""The score that decides which weights of a run are kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.device import autocast
from napari_leukocyte.core.model.losses import segmentation_loss
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.unet import probabilities
from napari_leukocyte.core.scoring.border import band_width_px, border_bands
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, Score, count_pixels, iou_b, mean_score

__all__ = ["Validation", "validate", "whole_image_logits"]


@dataclass(frozen=True)
class Validation:
    """Mean loss, the score that decides, and the mean IoU_b of each class (None: nothing to score)."""

    loss: float
    score: float
    iou_b: Mapping[str, float | None]


@torch.no_grad()
def validate(
    model: nn.Module,
    samples: Sequence[Sample],
    recipe: Recipe,
    *,
    device: torch.device,
    bfloat16: bool,
) -> Validation:
    """Loss and scores of whole images at the recipe's working resolution; the loss is the recipe's own.

    The score is the mean over sources of the mean IoU over the images and the classes that their masks know.
    """
    model.eval()
    losses = []
    scores: dict[str, list[Score]] = {name: [] for name in CLASS_NAMES}
    by_source: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        target = torch.from_numpy(sample.target).to(device)[None].float() / 255
        with autocast(device, bfloat16=bfloat16):
            logits = whole_image_logits(model, sample.image, multiple=recipe.architecture.multiple, device=device)
        loss = segmentation_loss(logits, target, dice=recipe.dice, border_weight=recipe.border_weight)
        losses.append(float(loss))
        p = probabilities(logits)
        by_source[sample.source].append(_mean_iou(p, target, whole_cell=sample.whole_cell))
        predicted = p[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        for name, score in _iou_b(predicted, sample, recipe.pixel_size, binary=p.shape[1] == 2).items():
            scores[name].append(score)
    means = {name: mean_score(own).value for name, own in scores.items()}
    return Validation(
        float(np.mean(losses)),
        float(np.mean([np.mean(v) for v in by_source.values()])),
        {name: None if np.isnan(value) else value for name, value in means.items()},
    )


def whole_image_logits(
    model: nn.Module, image: NDArray[np.uint8], *, multiple: int, device: torch.device
) -> torch.Tensor:
    """Logits (1, classes, Y, X) of an image (Y, X, 3) at the working resolution, padded to what the poolings need."""
    batch = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255
    height, width = image.shape[:2]
    padding = (0, -width % multiple, 0, -height % multiple)
    logits: torch.Tensor = model(F.pad(batch, padding, mode="replicate"))[..., :height, :width]
    return logits


def _iou_b(predicted: NDArray[np.uint8], sample: Sample, pixel_size: float, *, binary: bool) -> dict[str, Score]:
    shares = sample.target
    truth = np.where(shares[0] < 128, 1 + shares[1:3].argmax(axis=0), 0).astype(np.uint8)
    unknown = shares.sum(axis=0, dtype=int) < 128
    truth[unknown] = 0
    predicted = np.where(unknown, 0, predicted).astype(np.uint8)
    if not (binary or sample.whole_cell):  # where the part is not known, either is right
        free = (shares[3] >= 128) & (predicted > 0)
        truth[free] = predicted[free]
    bands = border_bands(truth, width_px=band_width_px(pixel_size), whole_cell=binary or sample.whole_cell)
    return {name: iou_b(counts) for name, counts in count_pixels(predicted, truth, bands).classes.items()}


def _mean_iou(p: torch.Tensor, target: torch.Tensor, *, whole_cell: bool) -> float:
    known = target.sum(dim=1) > 0.5
    predicted, true = p.argmax(dim=1), target[:, :3].argmax(dim=1)
    pairs = [((predicted > 0) & known, (target[:, 0] < 0.5) & known)]
    if p.shape[1] == 3 and not whole_cell:
        part_known = known & (target[:, 3] < 0.5)
        pairs += [((predicted == c) & part_known, (true == c) & part_known) for c in (1, 2)]
    ious = []
    for found, wanted in pairs:
        union = float((found | wanted).sum())
        ious.append(float((found & wanted).sum()) / union if union else 1.0)
    return float(np.mean(ious))
