import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning import fine_tune as fine_tune_module
from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter
from napari_leukocyte.core.fine_tuning.decision import card_path, decide
from napari_leukocyte.core.fine_tuning.events import FineTuneFinished, ImageScored, StageStarted
from napari_leukocyte.core.fine_tuning.fine_tune import fine_tune, is_resumable
from napari_leukocyte.core.fine_tuning.gate import findings
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.core.model.weights import load_model, model_hash, read_info


@pytest.fixture(autouse=True)
def small(short_fine_tuning):
    """Short trainings, and one thread, so that bits can be compared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def parameters(tmp_path, model):
    return FineTuneParameters(out=tmp_path / "mine.safetensors", start=str(model), epochs=2, device="cpu")


def bits(path):
    return {key: value.numpy().tobytes() for key, value in load_model(path)[0].state_dict().items()}


def last_of(items, parameters):
    *_, last = fine_tune(items, parameters)
    assert isinstance(last, FineTuneFinished)
    return last


def test_the_order_of_events_and_what_is_left(make_item, parameters, model):
    items = [make_item(i) for i in range(6)]
    events = list(fine_tune(items, parameters))
    stages = [event for event in events if isinstance(event, StageStarted)]
    assert [stage.kind for stage in stages] == ["final", "fold", "fold", "fold", "comparison"]
    assert [stage.steps_before for stage in stages] == [0, 4, 8, 12, 16]
    assert {stage.steps_total for stage in stages} == {16}
    assert sum(isinstance(event, TrainStep) for event in events) == 16
    scored = [event for event in events if isinstance(event, ImageScored)]
    assert [event.done for event in scored] == list(range(1, 2 * (6 + 2) + 1))
    assert all(event.total == len(scored) for event in scored)
    assert isinstance(events[-2], BeforeAfter)
    last = events[-1]
    assert isinstance(last, FineTuneFinished)
    assert last.before_after.basis == "cross-validation"
    assert (last.before_after.own.images, last.before_after.guard.images) == (6, 2)
    assert sorted(path.name for path in parameters.out.parent.iterdir()) == ["mine.md", "mine.safetensors"]
    assert not is_resumable(parameters.out)
    with pytest.raises(LeukocyteError, match="exists already: choose another name"):
        next(fine_tune(items, parameters))


def test_header_and_card_say_what_trained_it(make_item, parameters, model):
    items = [*(make_item(i, edited=i != 2) for i in range(4)), make_item(9, held_out=True, version=3)]
    last = last_of(items, parameters)
    info = read_info(parameters.out)
    assert info == last.info
    data = info.training["data"]
    assert data["masks"] == [
        {"name": item.name, "version": 1, "sha256": item.sha256, "edited": item.edited} for item in items[:4]
    ]
    assert [one["name"] for one in data["held_out"]] == ["image-9"]
    assert data["started_from"] == {"name": "tiny", "sha256": model_hash(model)}
    assert info.licence == "none: set by hand; user's data"
    figures = info.scores["before_after"]
    assert figures["own"]["iou_b"]["cell"]["after"] == last.before_after.own.iou_b["cell"].after
    assert figures["unedited"]["images"] == 1
    json.dumps(info.scores, allow_nan=False)
    card = card_path(parameters.out).read_text()
    for item in items:
        assert f"| {item.name} | {item.version} | {item.sha256} |" in card
    assert f"tiny (sha256 {model_hash(model)})" in card
    assert "1 of 5 unedited" in card
    again = replace(parameters, start=str(parameters.out), out=parameters.out.with_name("b.safetensors"))
    assert last_of(items, again).info.licence == "none: set by hand; user's data"


def test_weights_and_card_are_on_disk_when_they_are_announced(make_item, parameters):
    seen = 0
    for event in fine_tune([make_item(i) for i in range(3)], parameters):
        if isinstance(event, TrainEpoch) and event.saved:
            assert read_info(parameters.out).training["data"]["masks"][0]["name"] == "image-0"
            assert "image-0" in card_path(parameters.out).read_text()
            seen += 1
        if isinstance(event, BeforeAfter):
            assert read_info(parameters.out).scores["before_after"]["folds"] == 3
            assert "Judged by cross-validation" in card_path(parameters.out).read_text()
    assert seen


def test_the_same_call_goes_on_after_a_stop(make_item, tmp_path, parameters):
    """Within the final training, within a fold, within the comparison."""
    items = [make_item(i) for i in range(4)]
    whole = replace(parameters, out=tmp_path / "whole.safetensors")
    events = list(fine_tune(items, whole))
    steps = []
    for stop_after in (4, 11, 30):
        assert not is_resumable(parameters.out)
        parameters.out.unlink(missing_ok=True)
        run = fine_tune(items, parameters)
        seen = [next(run) for _ in range(stop_after)]
        run.close()
        assert any(isinstance(event, TrainEpoch) and event.saved for event in seen)
        load_model(parameters.out)
        assert is_resumable(parameters.out)
        rest = list(fine_tune(list(reversed(items)), parameters))
        assert bits(whole.out) == bits(parameters.out)
        assert repr(rest[-2]) == repr(events[-2])
        steps.append(sum(isinstance(event, TrainStep) for event in rest))
    assert steps == [14, 10, 0]


def test_another_run_is_refused(make_item, parameters):
    items = [make_item(i) for i in range(3)]
    run = fine_tune(items, parameters)
    while not isinstance(next(run), TrainEpoch):
        pass
    run.close()
    for again, changed in (
        (items[:2], parameters),
        ([replace(items[0], held_out=True), *items[1:]], parameters),
        (items, replace(parameters, learning_rate=1e-4)),
    ):
        with pytest.raises(LeukocyteError, match="belongs to another training run"):
            next(fine_tune(again, changed))
    damaged = parameters.out.with_name("mine.safetensors.fine-tuning") / "run.json"
    damaged.write_text("{")
    with pytest.raises(LeukocyteError, match=r"is damaged \(.*\): delete"):
        next(fine_tune(items, parameters))


def test_neither_held_out_images_nor_their_groups_train(make_item, parameters, monkeypatch):
    """What reaches the optimiser or chooses an epoch is recorded where it goes in."""
    trained = []
    real = fine_tune_module.train

    def watched(training, validation, run, **options):
        names = {sample.name for sample in (*training, *validation)}
        trained.append((run.out.stem, {name for name in names if name.startswith("image")}))
        return real(training, validation, run, **options)

    monkeypatch.setattr(fine_tune_module, "train", watched)
    items = [make_item(i, group=f"slide-{i // 2}", held_out=i == 4) for i in range(12)]
    last = last_of(items, parameters)
    assert last.before_after.own.images == 12
    names = dict(trained)
    assert names["mine"] == {item.name for item in items} - {"image-4", "image-5"}
    folds = [names[f"fold-{i}"] for i in (1, 2, 3)]
    for fold in folds:
        assert fold < names["mine"]
        groups = {item.group for item in items if item.name in fold}
        assert not groups & {item.group for item in items if item.name not in fold}
    left_out = [names["mine"] - fold for fold in folds]
    assert set.union(*left_out) == names["mine"]
    assert all(not a & b for a, b in pairwise([*left_out, left_out[0]]))


def test_twenty_images_are_judged_by_those_held_out_alone(make_item, parameters):
    items = [make_item(i, held_out=i < 7, by_gestures=i == 6) for i in range(20)]
    events = list(fine_tune(items, parameters))
    assert not any(isinstance(event, StageStarted) and event.kind == "fold" for event in events)
    before_after = events[-1].before_after
    assert (before_after.basis, before_after.own.images, before_after.gestures.images) == ("held-out", 6, 1)


@pytest.mark.parametrize(
    "items_of",
    [
        lambda make: [make(0)],
        lambda make: [make(i, group="one slide") for i in range(4)],
    ],
)
def test_one_group_is_too_few_to_judge(make_item, parameters, items_of):
    before_after = last_of(items_of(make_item), parameters).before_after
    assert (before_after.basis, before_after.own, before_after.guard.images) == ("none", None, 2)
    assert findings(before_after)[0].text.startswith("Too few to judge: no image is there")


def test_an_odd_set_trains(make_item, parameters, binary_model):
    """Images without cells, whole-cell masks, mixed sizes and pixel sizes; from three classes and from two."""
    items = [
        make_item(0),
        make_item(1, empty=True),
        make_item(2, whole_cell=True),
        make_item(3, pixel_size=0.1, size=(150, 180)),
        make_item(4, size=(30, 25), pixel_size=0.8),
    ]
    three = last_of(items, parameters).before_after
    assert set(three.own.iou_b) == {"cell", "cytoplasm", "nucleus"}
    binary = replace(parameters, start=str(binary_model), out=parameters.out.with_name("binary.safetensors"))
    last = last_of(items, binary)
    assert last.info.classes == 2
    assert set(last.before_after.own.iou_b) == {"cell"}
    assert last.before_after.own.cnr_error.n == 0


def test_what_cannot_start_says_why(make_item, parameters):
    with pytest.raises(LeukocyteError, match="no accepted image that may train"):
        next(fine_tune([], parameters))
    with pytest.raises(LeukocyteError, match="no accepted image that may train"):
        next(fine_tune([make_item(0, held_out=True), make_item(1, group="image-0")], parameters))
    with pytest.raises(LeukocyteError, match="There is no model"):
        next(fine_tune([make_item(0)], replace(parameters, start="none.safetensors")))
    assert list(parameters.out.parent.iterdir()) == []


def test_images_that_trained_the_start_or_its_start_do_not_judge(make_item, parameters):
    """Folds from a model that knows their images would judge it on what it was trained on."""
    items = [make_item(i, group="slide" if i in (1, 4) else f"image-{i}") for i in range(6)]
    last_of(items[:2], parameters)
    second = replace(parameters, start=str(parameters.out), out=parameters.out.with_name("b.safetensors"))
    found = last_of(items[2:], second).before_after  # it knows image 4 by its slide no more than by its name
    assert found.seen is None
    third = replace(parameters, start=str(second.out), out=parameters.out.with_name("c.safetensors"))
    last = last_of([*items, make_item(7), make_item(8, held_out=True)], third)
    found = last.before_after
    assert (found.seen.images, found.own.images) == (6, 2)
    data = last.info.training["data"]
    assert data["seen_before"] == []  # all of them trained it, too
    assert [one["name"] for one in read_info(second.out).training["data"]["seen_before"]] == ["image-0", "image-1"]
    assert last.info.scores["before_after"]["seen"]["images"] == 6
    card = card_path(third.out).read_text()
    assert "Not counted: 6 images" in card
    assert "known to the start (no proof)" in card
    again = replace(parameters, start=str(third.out), out=parameters.out.with_name("d.safetensors"))
    found = last_of(items, again).before_after
    assert (found.own, found.unedited, found.seen.images) == (None, None, 6)
    assert findings(found)[0].kind == "too few"
    assert "Too few to judge" in card_path(again.out).read_text()


def test_a_group_of_a_known_image_is_known(make_item, parameters):
    items = [make_item(i, group="slide" if i in (1, 4) else f"image-{i}") for i in range(6)]
    last_of(items[:2], parameters)
    second = replace(parameters, start=str(parameters.out), out=parameters.out.with_name("b.safetensors"))
    found = last_of(items, second).before_after
    assert (found.seen.images, found.own.images) == (3, 3)


def test_a_run_that_is_under_way_is_nobody_elses(make_item, parameters):
    items = [make_item(i) for i in range(3)]
    run = fine_tune(items, parameters)
    while not isinstance(next(run), TrainEpoch):
        pass
    with pytest.raises(LeukocyteError, match="is being trained in another window"):
        next(fine_tune(items, parameters))
    decide(parameters.out, "rejected")
    assert is_resumable(parameters.out)  # the one that runs needs it
    run.close()
    decide(parameters.out, "candidate")
    assert is_resumable(parameters.out)
    decide(parameters.out, "accepted")
    assert sorted(path.name for path in parameters.out.parent.iterdir()) == [
        "mine.decision.json",
        "mine.md",
        "mine.safetensors",
    ]


def test_a_shipped_model_is_left_alone(make_item, parameters, model):
    before = model_hash(model)
    last_of([make_item(0), make_item(1)], parameters)
    assert model_hash(model) == before
