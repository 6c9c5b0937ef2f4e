"""One training of a fine-tuning: the final one or a fold's."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_leukocyte.core.fine_tuning.folds import deal
from napari_leukocyte.core.fine_tuning.recipe import FineTuneRecipe
from napari_leukocyte.core.fine_tuning.samples import item_sample, sample_shares
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.core.model.training import TrainFinished, TrainParameters, train
from napari_leukocyte.core.model.unet import UNet
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["divide", "train_stage"]

_VALIDATION_PARTS = 5  # one of them is kept from the optimiser
_MOST_VALIDATED = 12  # images: looked at after every epoch, they must not take longer than its steps


def divide(
    items: Sequence[TrainingItem], recipe: FineTuneRecipe, *, seed: int
) -> tuple[list[TrainingItem], list[TrainingItem]]:
    """Return the items to train on and those that choose the best epoch; whole groups on either side."""
    if len({item.group for item in items}) < recipe.validation_groups:
        return list(items), []
    validation, *rest = sorted(deal(items, _VALIDATION_PARTS, seed=seed), key=len)
    return [item for part in rest for item in part], validation


def train_stage(
    items: Sequence[TrainingItem],
    start: UNet,
    recipe: FineTuneRecipe,
    out: Path,
    *,
    replay: Sequence[Sample],
    name: str = "",
    licence: str = "not stated",
    data: dict[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Iterator[TrainStep | TrainEpoch | TrainFinished]:
    """Train on items, none of which may be held out, and on ``replay_samples``; events are those of `train`."""
    assert not any(item.held_out for item in items)
    to_train, to_validate = divide(items, recipe, seed=seed)
    training = [item_sample(item, recipe.training) for item in to_train]
    validation = [item_sample(item, recipe.training) for item in to_validate[:_MOST_VALIDATED]]
    if not validation:
        validation = training[:_MOST_VALIDATED]
    training += replay
    parameters = TrainParameters(
        out=out, recipe=recipe.training, name=name, device=device, seed=seed, licence=licence, data=data
    )
    yield from train(
        training, validation, parameters, start=start, weights=sample_shares(training, recipe.replay_share)
    )
