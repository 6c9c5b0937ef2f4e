"""What was tried for fine-tuning: each variant changes the shipped recipe in one or two places."""

from collections.abc import Callable
from dataclasses import replace

from napari_leukocyte.core.fine_tuning.recipe import FineTuneRecipe
from napari_leukocyte.core.model.augment import AugmentParameters

Change = Callable[[FineTuneRecipe], FineTuneRecipe]


def _training(**changes: object) -> Change:
    return lambda recipe: replace(recipe, training=replace(recipe.training, **changes))  # type: ignore[arg-type]


def _own(**changes: object) -> Change:
    return lambda recipe: replace(recipe, **changes)  # type: ignore[arg-type]


VARIANTS: dict[str, Change] = {
    "shipped": lambda recipe: recipe,
    "no start in the result": _training(start_share=0.0),
    "30 % of the start in the result": _training(start_share=0.3),
    "70 % of the start in the result": _training(start_share=0.7),
    "no replay": _own(replayed=0, replay_share=0.0),
    "no replay, no start in the result": lambda recipe: _training(start_share=0.0)(VARIANTS["no replay"](recipe)),
    "replay in two of three windows": _own(replay_share=0.67),
    "batch statistics frozen": _training(frozen_statistics=True),
    "encoder frozen": _training(frozen_encoder=True),
    "anchored to the start instead": _training(start_share=0.0, anchor=20.0),
    "learning rate 1e-3": _training(learning_rate=1e-3),
    "learning rate 2e-4": _training(learning_rate=2e-4),
    "half as many steps": _training(epoch_steps=5),
    "twice as many steps": _training(epoch_steps=20),
    "weak stain augmentation": _training(augmentation=AugmentParameters(gain=0.1, offset=0.03, mixing=0.05, grey=0.0)),
}
