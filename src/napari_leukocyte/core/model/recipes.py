"""The two ways to train: after the thesis, and the one that the shipped default model uses."""

from dataclasses import dataclass
from typing import Literal

from napari_leukocyte.core.model.augment import AugmentParameters, thesis_augmentation
from napari_leukocyte.core.model.drawn import STAIN_KEPT_OUT
from napari_leukocyte.core.model.unet import UNetConfig, after_thesis

__all__ = ["RECIPES", "Recipe", "default_recipe", "thesis_recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything about training that does not depend on the data or the machine.

    Attributes
    ----------
    pixel_size
        Working resolution, um per px.
    window
        Side of the square windows, px; a multiple of the network's poolings.
    soft_targets
        Area-average the masks instead of nearest sampling.
    dice
        Add soft Dice to the cross-entropy.
    border_weight
        Weight of the cross-entropy beside a border, see `segmentation_loss`.
    learning_rate, weight_decay, cosine
        Adam (``weight_decay`` 0) or AdamW; ``cosine`` lets the rate fall to zero over the run.
    kernel_rate
        Learning rate of Muon for the kernels between hidden layers; 0: Adam or AdamW trains them too.
    averaging
        Decay of the moving average of the weights that is validated and saved; 0 saves the last weights.
    epochs, validate_every
        One epoch draws as many windows as there are training images.
    epoch_steps
        Optimiser steps of an epoch instead; 0: see ``epochs``.
    patience
        Validations without a better score after which the run stops early; 0: never.
    neighbours
        Share of the photographs' windows that get cells of other training images set beside their own.
    red_cells
        Share of the windows that get red cells pressed against their white cells.
    drawn
        Drawn smears added to the training images, as a multiple of their number.
    stains_kept_out
        Stains that no drawn smear has.
    blended_stains
        Share of the drawn smears whose stain is made up between two of the others.
    frozen_encoder
        The contracting path and the bottom stay as they are in the start.
    frozen_statistics
        Batch normalisation keeps the means and variances of the start (its factors and shifts still train).
    anchor
        Share of the way back to the start that each weight goes at every step, in units of the learning rate.
    start_share
        Share of the start in the weights that are validated and saved, 0-1; the rest is what was trained.
    """

    name: Literal["thesis", "default"]
    architecture: UNetConfig
    augmentation: AugmentParameters
    pixel_size: float
    window: int
    soft_targets: bool
    dice: bool
    learning_rate: float
    weight_decay: float
    cosine: bool
    averaging: float
    border_weight: float = 1.0
    kernel_rate: float = 0.0
    batch: int = 8
    epochs: int = 60
    validate_every: int = 1
    epoch_steps: int = 0
    patience: int = 0
    neighbours: float = 0.0
    red_cells: float = 0.0
    drawn: float = 0.0
    stains_kept_out: tuple[str, ...] = (STAIN_KEPT_OUT,)
    blended_stains: float = 0.0
    frozen_encoder: bool = False
    frozen_statistics: bool = False
    anchor: float = 0.0
    start_share: float = 0.0


def thesis_recipe(classes: int = 3) -> Recipe:
    """After the thesis: 128x128 px at 10.2 px/um scaled by 128/480, Adam 1e-4, cross-entropy (section 4.1)."""
    return Recipe(
        name="thesis",
        architecture=after_thesis(classes),
        augmentation=thesis_augmentation(),
        pixel_size=480 / 128 / 10.2,
        window=128,
        soft_targets=False,
        dice=False,
        learning_rate=1e-4,
        weight_decay=0.0,
        cosine=False,
        averaging=0.0,
        epochs=60,
        validate_every=2,
    )


def default_recipe(classes: int = 3) -> Recipe:
    """Fixed 6 px/um, soft outlines, cross-entropy and Dice, stain augmentation, added cells, averaged weights."""
    return Recipe(
        name="default",
        architecture=UNetConfig(classes=classes),
        augmentation=AugmentParameters(
            zoom=0.5, offset=0.15, shading=0.15, cytoplasm=0.3, background=0.4, texture=0.4, grey=0.15
        ),
        pixel_size=1 / 6,
        window=160,
        soft_targets=True,
        dice=True,
        learning_rate=2e-3,
        kernel_rate=0.02,
        weight_decay=0.01,
        cosine=True,
        averaging=0.998,
        epochs=48,
        validate_every=4,
        neighbours=0.3,
        drawn=1.0,
        blended_stains=0.5,
    )


RECIPES = {"thesis": thesis_recipe, "default": default_recipe}
