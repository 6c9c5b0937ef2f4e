import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.plan import (
    deal,
    describe_known,
    known_images,
    known_judges,
    locked_apart,
    make_plan,
)


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_and_nothing_is_lost(make_item, seed):
    rng = np.random.default_rng(seed)
    items = [make_item(i, group=f"slide-{rng.integers(9)}", held_out=bool(rng.random() < 0.1)) for i in range(30)]
    plan = make_plan(items, seed=seed)
    parts = [*plan.folds, plan.locked] if plan.folds else [plan.training, plan.locked]
    assert sorted(item.name for part in parts for item in part) == sorted(item.name for item in items)
    groups = [{item.group for item in part} for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert not any(item.held_out for item in plan.training)
    for i in range(len(plan.folds)):
        assert not {item.group for item in plan.without(i)} & {item.group for item in (*plan.folds[i], *plan.locked)}


def test_parts_are_about_as_large(make_item):
    sizes = [7, 5, 3, 2, 2, 1, 1, 1, 1, 1]
    items = [make_item(100 * g + i, group=str(g)) for g, size in enumerate(sizes) for i in range(size)]
    assert [len(part) for part in deal(items, 3, seed=1)] == [8, 8, 8]
    assert [len(part) for part in deal(items[:12], 3, seed=1)] == [7, 5]


def test_a_held_out_image_locks_its_group(make_item):
    items = [make_item(i, group="ab"[i % 2], held_out=i == 3) for i in range(6)]
    training, locked = locked_apart(items)
    assert [item.group for item in training] == ["a"] * 3
    assert [item.group for item in locked] == ["b"] * 3


@pytest.mark.parametrize(
    ("number", "held_out", "basis", "folds"),
    [
        (1, 0, "none", 0),
        (2, 0, "cross-validation", 2),
        (19, 6, "cross-validation", 3),
        (20, 6, "held-out", 0),
        (20, 0, "cross-validation", 3),
        (2, 1, "held-out", 0),
    ],
)
def test_what_the_comparison_rests_on(make_item, number, held_out, basis, folds):
    plan = make_plan([make_item(i, held_out=i < held_out) for i in range(number)], seed=0)
    assert (plan.basis, len(plan.folds)) == (basis, folds)


def test_where_nothing_may_train_the_advice_can_be_followed(make_item):
    held_out = [make_item(i, group="slide", held_out=i == 0) for i in range(2)]
    for items in ([], held_out):
        with pytest.raises(LeukocyteError, match="accept a mask of an image that is neither held out"):
            make_plan(items, seed=0)
    other = make_item(2, group="another slide")  # an image as the sentence asks for
    assert make_plan([*held_out, other], seed=0).training == (other,)


def test_judges_that_a_start_knows_are_counted_and_warned_of(make_item):
    plan = make_plan([make_item(i, group=f"slide-{i // 2}") for i in range(6)], seed=0)
    assert {item.name for item in known_judges(plan, {"image-0", "elsewhere"})} == {"image-0", "image-1"}
    assert describe_known("mine", plan, {"elsewhere"}) == ""
    text = describe_known("mine", plan, {"image-0"})
    assert text.startswith("mine was trained on 2 of the 6 images that are to judge, or on others of their slides")
    assert "do not count" in text
    assert "all of the 6 images" in describe_known("mine", plan, {f"image-{i}" for i in range(6)})
    locked = make_plan([make_item(i, held_out=i < 6) for i in range(20)], seed=0)
    assert known_judges(locked, {f"image-{i}" for i in range(6, 20)}) == ()


def test_a_header_that_does_not_say_what_trained_it_is_refused():
    assert known_images({}) == known_images({"data": None}) == frozenset()
    both = {"data": {"masks": [{"name": "a"}], "seen_before": [{"name": "b"}]}}
    assert known_images(both) == {"a", "b"}
    for data in ([1], {"masks": [{}]}, {"masks": "ab"}, {"masks": [{"name": 1}]}):
        with pytest.raises(LeukocyteError, match="does not say which masks"):
            known_images({"data": data})
