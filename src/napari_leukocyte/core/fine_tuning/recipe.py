"""How a model is fine-tuned: its own network and resolution, with a schedule for few images."""

from dataclasses import dataclass, replace

from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.model.augment import AugmentParameters
from napari_leukocyte.core.model.recipes import RECIPES, Recipe
from napari_leukocyte.core.model.weights import ModelInfo

__all__ = ["FineTuneRecipe", "fine_tune_recipe"]


@dataclass(frozen=True, kw_only=True)
class FineTuneRecipe:
    """A recipe with what only a fine-tuning has. The defaults were found by measurement, see docs/fine-tuning.md.

    Attributes
    ----------
    training
        Schedule and network, as for any training.
    replayed, replay_share
        So many synthetic smears, labelled by the start model itself, fill this share of the windows.
    validation_groups
        With at least so many groups, one in five is kept from the optimiser to choose the best epoch; with fewer
        the training images themselves are looked at, because each of them is needed more for training.
    """

    training: Recipe
    replayed: int = 48
    replay_share: float = 0.5
    validation_groups: int = 20


def fine_tune_recipe(info: ModelInfo, parameters: FineTuneParameters) -> FineTuneRecipe:
    """The recipe for a start model with this header.

    Network, working resolution, windows and loss are those that the start was trained with, but no pixel weighs more
    than another: a drawn outline is not that exact. A file of another recipe than ours is taken for a ``default`` one.
    """
    own = RECIPES.get(info.recipe, RECIPES["default"])(info.classes)
    multiple = info.architecture.multiple
    training = replace(
        own,
        architecture=info.architecture,
        pixel_size=info.pixel_size,
        window=max(1, round(own.window / multiple)) * multiple,
        augmentation=AugmentParameters(),
        neighbours=0.0,
        border_weight=1.0,
        learning_rate=parameters.learning_rate,
        kernel_rate=0.0,
        weight_decay=0.0,
        cosine=True,
        averaging=0.9,
        epochs=parameters.epochs,
        patience=parameters.patience,
        epoch_steps=10,
        validate_every=1,
        start_share=0.5,
    )
    return FineTuneRecipe(training=training)
