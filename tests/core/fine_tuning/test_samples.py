from dataclasses import replace

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.fine_tune import divide
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.recipe import fine_tune_recipe
from napari_leukocyte.core.fine_tuning.samples import (
    REPLAY,
    guard_items,
    item_sample,
    replay_samples,
    sample_shares,
)
from napari_leukocyte.core.model.weights import SHIPPED_MODELS, load_model, model_path, read_info
from napari_leukocyte.core.training_set.item import Annotated


@pytest.fixture
def start(model):
    return load_model(model)


@pytest.fixture
def recipe(start, tmp_path):
    return fine_tune_recipe(start[1], FineTuneParameters(out=tmp_path / "a.safetensors"))


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_the_recipe_is_that_of_the_start(name, tmp_path):
    info = read_info(model_path(name))
    made = fine_tune_recipe(info, FineTuneParameters(out=tmp_path / "a", epochs=7, patience=3, learning_rate=1e-5))
    training = made.training
    assert (training.architecture, training.pixel_size, training.name) == (
        info.architecture,
        info.pixel_size,
        info.recipe,
    )
    assert (training.epochs, training.patience, training.learning_rate) == (7, 3, 1e-5)
    assert training.window % info.architecture.multiple == 0
    assert training.dice == (info.recipe == "default")


def test_a_recipe_that_is_not_ours_is_taken_for_the_default(start, tmp_path):
    made = fine_tune_recipe(replace(start[1], recipe="another"), FineTuneParameters(out=tmp_path / "a"))
    assert made.training.name == "default"


def test_images_come_to_the_working_resolution(make_item, recipe):
    fine = item_sample(make_item(1, pixel_size=0.1, size=(200, 100)), recipe.training)
    assert fine.image.shape[:2] == (60, 30)
    assert fine.target.shape == (4, 60, 30)


def test_an_image_that_cannot_be_used_is_named(make_item, recipe):
    flat = Annotated(np.full((9, 9, 3), 7, np.uint8), np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.int32))
    with pytest.raises(LeukocyteError, match="image-1 cannot train a model: Every pixel"):
        item_sample(replace(make_item(1), read=lambda: flat), recipe.training)


def test_replayed_smears_are_labelled_by_the_start(start, recipe, binary_model):
    samples = replay_samples(start[0], recipe.training, 5)
    assert {sample.source for sample in samples} == {REPLAY}
    for sample in samples:
        assert np.abs(sample.target.astype(int).sum(axis=0) - 255).max() <= 1
    again = replay_samples(start[0], recipe.training, 5)
    for one, same in zip(samples, again, strict=True):
        assert np.array_equal(one.image, same.image)
        assert np.array_equal(one.target, same.target)
    guard = [item.read().image for item in guard_items()]
    assert not any(a.image.shape == b.shape and np.array_equal(a.image, b) for a in samples for b in guard)
    two = replay_samples(load_model(binary_model)[0], recipe.training, 1)[0]
    assert two.whole_cell
    assert two.target[1:3].max() == 0
    assert two.target[3].max() > 0


def test_shares_of_the_windows(make_item, start, recipe):
    own = [item_sample(make_item(i), recipe.training) for i in range(3)]
    replayed = replay_samples(start[0], recipe.training, 2)
    shares = sample_shares([*own, *replayed], 0.4)
    np.testing.assert_allclose(shares, [0.2, 0.2, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(sample_shares(own, 0.4), [1 / 3] * 3)


def test_the_guard_holds_every_kind_of_smear_and_never_changes():
    items = guard_items()
    assert len(items) == 24
    assert {item.whole_cell for item in items} == {False}
    first, again = items[3].read(), guard_items()[3].read()
    assert np.array_equal(first.image, again.image)
    assert sum(item.read().cells.max() > 1 for item in items[-4:]) == 4
    assert all(set(np.unique(item.read().classes)) == {0, 1, 2} for item in items[::5])


@pytest.mark.parametrize(("number", "validated"), [(1, 0), (19, 0), (20, 4), (40, 8)])
def test_few_groups_all_train(make_item, recipe, number, validated):
    items = [make_item(i) for i in range(number)]
    training, validation = divide(items, recipe, seed=0)
    assert len(validation) == validated
    assert sorted(one.name for one in (*training, *validation)) == sorted(one.name for one in items)
