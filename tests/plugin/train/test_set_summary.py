"""What the Train dock says of a training set."""

from dataclasses import replace

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.card import write_scores
from napari_leukocyte.core.fine_tuning.decision import Decision, decide
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.model.weights import read_info, replace_info
from napari_leukocyte.core.training_set.item import TrainingItem
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.train.own_models import OwnModel, read_own_model
from napari_leukocyte.plugin.train.resuming import forget_run, interrupted_runs, remember_run
from napari_leukocyte.plugin.train.set_summary import SetSummary, read_summary
from napari_leukocyte.plugin.train.time_left import TimeLeft


def item(number, **changes):
    given = TrainingItem(
        f"image-{number}", 1, f"sha-{number}", f"image-{number}", 0.2, True, False, False, lambda: None
    )
    return replace(given, **changes)


@pytest.fixture
def summary(tmp_path):
    def make(items=(), models=()):
        made = TrainingSet.create(tmp_path / f"{len(list(tmp_path.iterdir()))}" / "My stain!")
        return SetSummary(made, tuple(items), (), tuple(models), ())

    return make


def own_model(path, numbers, decision="accepted"):
    masks = frozenset((f"image-{n}", 1, f"sha-{n}") for n in numbers)
    return OwnModel(path, masks, None, Decision(decision, "", ""), "", 0.0)


def test_an_empty_set_says_what_to_do(summary):
    empty = summary()
    assert "accept some in the Correct dock" in empty.describe_masks("default")
    assert empty.describe_judging("default") == ""
    assert empty.plan() is None


def test_masks_are_counted_and_new_ones_are_exact_versions(summary, tmp_path):
    model = own_model(tmp_path / "mine.safetensors", range(5))
    items = [item(n) for n in range(6)] + [item(6, held_out=True), item(7, edited=False)]
    items[0] = item(0, version=2, sha256="painted again")
    text = summary(items, [model]).describe_masks("default")
    assert text == "8 accepted masks (7 edited by hand, 1 unedited), 1 held out, 3 new since mine."
    assert "none new since mine" in summary([item(n) for n in range(5)], [model]).describe_masks("default")
    assert "new" not in summary(items).describe_masks("default")


@pytest.mark.parametrize(
    ("n", "held_out", "words"),
    [
        (1, 0, "Too few images to judge on"),
        (4, 0, "cross-validation over 4 images (they are fewer than 20)"),
        (16, 2, "cross-validation over 16 images"),
        (20, 0, "cross-validation over 20 images (none is held out)"),
        (20, 4, "Judged on the 4 images held out"),
        (2, 2, "none may train"),
    ],
)
def test_it_says_who_judges(summary, n, held_out, words):
    assert words in summary([item(i, held_out=i < held_out) for i in range(n)]).describe_judging("default")


def test_holding_out_is_offered_from_20_images_on(summary):
    assert not summary([item(n) for n in range(19)]).may_hold_out
    assert summary([item(n) for n in range(20)]).may_hold_out
    assert not summary([item(n, held_out=n == 3) for n in range(20)]).may_hold_out


def test_a_start_that_knows_the_judges_is_named_and_not_chosen(summary, tmp_path):
    model = own_model(tmp_path / "mine.safetensors", range(3))
    judged_by_folds = summary([item(n) for n in range(6)], [model])
    assert "mine was trained on 3 of the 6 images that are to judge" in judged_by_folds.describe_judging(
        str(model.path)
    )
    grandchild = replace(model, masks=frozenset(), seen_before=frozenset({"image-1"}))
    assert "mine was trained on 1 of the 6" in summary(judged_by_folds.items, [grandchild]).describe_judging(
        str(model.path)
    )
    assert summary(judged_by_folds.items, [grandchild]).sensible_start() == "default"
    assert "mine" not in judged_by_folds.describe_judging("default")
    assert judged_by_folds.sensible_start() == "default"
    unseen = summary([item(n, held_out=n >= 18) for n in range(24)], [model])
    assert unseen.sensible_start() == str(model.path)
    assert "was trained on" not in unseen.describe_judging(str(model.path))


def test_the_next_name_is_free(summary):
    made = summary()
    assert made.next_name == "my-stain-1"
    made.models_folder.mkdir(exist_ok=True)
    (made.models_folder / "my-stain-1.safetensors").touch()
    (made.models_folder / "my-stain-2.safetensors.fine-tuning").mkdir()
    assert made.next_name == "my-stain-3"


def test_header_and_decision_are_read_back(tmp_path, model, before_after, comparison, drawn_set):
    made = drawn_set(tmp_path / "set", 1)
    path = made.models_folder / "mine.safetensors"
    path.write_bytes(model.read_bytes())
    masks = [{"name": "image-1", "version": 2, "sha256": "abc", "edited": True}]
    data = {"masks": masks, "seen_before": [{"name": "image-0"}]}
    replace_info(path, training={"data": data, "validated_on": "validation part"})
    figures = before_after(unedited=None, seen=comparison(3))
    write_scores(path, figures)
    decide(path, "accepted", "anna")
    found = read_own_model(path)
    assert found.masks == {("image-1", 2, "abc")}
    assert found.known == {"image-0", "image-1"}
    assert found.before_after == figures
    assert found.state == "accepted"
    (made.models_folder / "broken.safetensors").write_bytes(b"nothing")
    summary = read_summary(made.folder)
    assert [one.name for one in summary.models] == ["mine"]
    assert summary.accepted_model == found
    assert any("broken.safetensors" in sentence for sentence in summary.left_out)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"training": {"data": 3}}, "training.data"),
        ({"training": {"data": {"masks": [3]}}}, "training.data.masks"),
        ({"training": {"data": {"masks": [{"name": "a", "version": True, "sha256": ""}]}}}, "masks.0.version"),
        ({"training": {"validated_on": ["x"]}}, "training.validated_on"),
        ({"scores": {"before_after": []}}, "scores.before_after"),
        ({"basis": "a guess"}, "before_after.basis"),
        ({"folds": 3.0}, "before_after.folds"),
        ({"guard": None}, "before_after.guard"),
        ({"own": {}}, "before_after.own.iou"),
    ],
)
def test_a_wrong_field_of_a_header_is_named(tmp_path, model, before_after, change, field):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(model.read_bytes())
    write_scores(path, before_after())
    if not change.keys() & {"training", "scores"}:
        change = {"scores": {"before_after": {**read_info(path).scores["before_after"], **change}}}
    replace_info(path, **change)
    with pytest.raises(LeukocyteError, match=rf"The header of .* '[a-z_.0-9]*{field}'.*: choose another weight file"):
        read_own_model(path)


def test_a_run_is_remembered_until_it_is_complete_or_decided(tmp_path, model):
    parameters = FineTuneParameters(out=tmp_path / "mine.safetensors", start="default", epochs=3, learning_rate=1e-3)
    remember_run(parameters)
    assert interrupted_runs(tmp_path) == ()  # it never began
    state = tmp_path / "mine.safetensors.fine-tuning"
    state.mkdir()
    (state / "run.json").write_text("{}")
    assert interrupted_runs(tmp_path) == (parameters,)
    (tmp_path / "torn.run.json").write_text("{")
    assert interrupted_runs(tmp_path) == (parameters,)
    parameters.out.write_bytes(model.read_bytes())
    decide(parameters.out, "candidate")
    assert interrupted_runs(tmp_path) == (parameters,)
    decide(parameters.out, "accepted")
    assert interrupted_runs(tmp_path) == ()
    assert not state.exists()
    decide(parameters.out, "candidate")
    forget_run(parameters.out)
    assert interrupted_runs(tmp_path) == ()


def test_the_time_left_follows_the_pace():
    now = 0.0
    time_left = TimeLeft(clock=lambda: now)
    texts = []
    for step in range(1, 6):
        texts.append(time_left.after_step(100 - step))
        now += 2.0
    assert texts[:3] == ["", "", ""]
    assert texts[-1] == "about 3 min left"  # 95 steps of 2 s
    time_left.restart()
    assert time_left.after_step(10) == ""


def test_masks_made_by_gestures_are_counted_apart_and_alone_prove_nothing(summary):
    items = [item(n, by_gestures=n < 3) for n in range(5)]
    assert "5 accepted masks (2 edited by hand, 3 made by gestures, 0 unedited)" in summary(items).describe_masks("")
    assert "gestures" not in summary(items).describe_judging("")
    alone = summary([item(n, by_gestures=True) for n in range(5)]).describe_judging("")
    assert "cannot prove a model better: draw with the brush, or import, masks of at least 6" in alone
