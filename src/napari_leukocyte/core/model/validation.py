"""The score that decides which weights of a run are kept."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.device import autocast
from napari_leukocyte.core.model.losses import segmentation_loss
from napari_leukocyte.core.model.unet import probabilities

__all__ = ["validate"]


@torch.no_grad()
def validate(
    model: nn.Module,
    samples: Sequence[Sample],
    *,
    multiple: int,
    dice: bool,
    device: torch.device,
    bfloat16: bool,
) -> tuple[float, float]:
    """Mean loss and score of whole images at the working resolution.

    The score is the mean over sources of the mean IoU over the images and the classes that their masks know.
    """
    model.eval()
    losses = []
    by_source: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        image = torch.from_numpy(sample.image).to(device).permute(2, 0, 1)[None].float() / 255
        target = torch.from_numpy(sample.target).to(device)[None].float() / 255
        height, width = target.shape[2:]
        padding = (0, -width % multiple, 0, -height % multiple)
        with autocast(device, bfloat16=bfloat16):
            logits = model(F.pad(image, padding, mode="replicate"))[..., :height, :width]
        whole = torch.tensor([sample.whole_cell], device=device)
        losses.append(float(segmentation_loss(logits, target, whole, dice=dice)))
        by_source[sample.source].append(_mean_iou(probabilities(logits), target, whole_cell=sample.whole_cell))
    return float(np.mean(losses)), float(np.mean([np.mean(v) for v in by_source.values()]))


def _mean_iou(p: torch.Tensor, target: torch.Tensor, *, whole_cell: bool) -> float:
    predicted, true = p.argmax(dim=1), target.argmax(dim=1)
    pairs = [(predicted > 0, target[:, 0] < 0.5)]
    if p.shape[1] == 3 and not whole_cell:
        pairs += [(predicted == c, true == c) for c in (1, 2)]
    ious = []
    for found, wanted in pairs:
        union = float((found | wanted).sum())
        ious.append(float((found & wanted).sum()) / union if union else 1.0)
    return float(np.mean(ious))
