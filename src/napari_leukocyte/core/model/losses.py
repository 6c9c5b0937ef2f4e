"""What training minimises: cross-entropy, with or without soft Dice; masks that know no part ask only for "cell"."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["segmentation_loss"]


def segmentation_loss(logits: Tensor, target: Tensor, *, dice: bool, border_weight: float = 1.0) -> Tensor:
    """Mean cross-entropy (thesis section 2.3.1), heavier along borders and plus one minus soft Dice when asked.

    Parameters
    ----------
    logits
        (N, 3, Y, X) for three classes or (N, 1, Y, X) for two.
    target
        (N, 4, Y, X) shares of background, cytoplasm, nucleus and "cell, which part is not known" in each pixel, 0-1;
        soft along outlines where the mask was finer than the working resolution. The last is compared with the sum
        of the two cell probabilities, so that the split between cytoplasm and nucleus is left free. Where the
        shares do not add up to 1 the mask says nothing, and the pixel weighs that much less.
    dice
        Add soft Dice, over the batch, of cell and (where known) cytoplasm and nucleus.
    border_weight
        Weight of the cross-entropy of a pixel with a neighbour (of eight) that is known to be wholly of another
        class; 1 elsewhere.
    """
    log_p = _log_background_cell(logits) if logits.shape[1] == 1 else F.log_softmax(logits.float(), dim=1)
    three_class = log_p.shape[1] == 3
    log_cell = torch.logsumexp(log_p[:, 1:], dim=1)
    background, parts, either = target[:, 0], target[:, 1:3], target[:, 3]
    cell = parts.sum(dim=1) + either
    if three_class:
        loss = -(background * log_p[:, 0] + (parts * log_p[:, 1:]).sum(dim=1) + either * log_cell)
    else:
        loss = -(background * log_p[:, 0] + cell * log_cell)
    if border_weight != 1:
        shares = target[:, :3] if three_class else torch.stack([background, cell], dim=1)
        free = (1 - background - cell).clamp(min=0)[:, None].repeat(1, shares.shape[1], 1, 1)
        if three_class:
            free[:, 1:] += either[:, None]
        loss = loss * (1 + (border_weight - 1) * _contrast(shares, free))
    cross_entropy = loss.mean()
    if not dice:
        return cross_entropy
    terms = [_soft_dice_loss(log_cell.exp() * (background + cell), cell)]
    if three_class and (bool(parts.any()) or not bool(either.any())):  # whole-cell masks alone ask only for "cell"
        p = log_p.exp() * (background + parts.sum(dim=1))[:, None]
        terms += [_soft_dice_loss(p[:, c], target[:, c]) for c in (1, 2)]
    return cross_entropy + torch.stack(terms).mean()


def _contrast(shares: Tensor, free: Tensor) -> Tensor:
    """(N, Y, X), 0-1: how much the share of any one class changes at least within the eight neighbours of each pixel.

    ``free`` is how much more of each class than its share a pixel may hold.
    """
    return (F.max_pool2d(shares, 3, 1, 1) + F.max_pool2d(-(shares + free), 3, 1, 1)).clamp(min=0).amax(dim=1)


def _log_background_cell(logit: Tensor) -> Tensor:
    """Log probabilities of background and cell from the one channel of a binary network."""
    logit = logit.float()
    return torch.cat([F.logsigmoid(-logit), F.logsigmoid(logit)], dim=1)


def _soft_dice_loss(p: Tensor, target: Tensor) -> Tensor:
    overlap = 2 * (p * target).sum() + 1
    return 1 - overlap / (p.sum() + target.sum() + 1)
