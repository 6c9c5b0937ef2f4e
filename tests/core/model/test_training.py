from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model import training as training_module
from napari_leukocyte.core.model import training_run
from napari_leukocyte.core.model.checkpoint import read_state, write_state
from napari_leukocyte.core.model.losses import segmentation_loss
from napari_leukocyte.core.model.recipes import default_recipe, thesis_recipe
from napari_leukocyte.core.model.training import (
    TrainEpoch,
    TrainFinished,
    TrainParameters,
    TrainStep,
    checkpoint_path,
    train,
)
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.validation import validate
from napari_leukocyte.core.model.weights import load_model, read_info

# dropout draws from torch's own random numbers: the hardest case for going on after an interruption
TINY = UNetConfig(widths=(4, 8), dropout=0.2)


@pytest.fixture(autouse=True)
def _one_thread_one_precision(monkeypatch):
    """Bit for bit needs a fixed order of sums, on every processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(training_run, "uses_bfloat16", lambda device: False)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def samples(draw_sample):
    return [
        *(draw_sample(f"a{i}") for i in range(4)),
        *(draw_sample(f"b{i}", source="other", whole_cell=True) for i in range(2)),
    ]


def recipe_of(**changes):
    given = {"architecture": TINY, "window": 32, "batch": 2, "epochs": 4, "validate_every": 1}
    return replace(default_recipe(), **{**given, **changes})


def parameters_in(folder, *, seed=0, **changes):
    return TrainParameters(out=folder / "m.safetensors", recipe=recipe_of(**changes), device="cpu", seed=seed)


def bits(path):
    model, _ = load_model(path)
    return {key: value.numpy().tobytes() for key, value in model.state_dict().items()}


def test_a_short_run_learns(tmp_path, samples):
    events = list(train(samples, samples[:2], parameters_in(tmp_path, epochs=40, learning_rate=1e-2, averaging=0.9)))
    losses = [e.loss for e in events if isinstance(e, TrainStep)]
    assert len(losses) == 40 * 3
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
    epochs = [e for e in events if isinstance(e, TrainEpoch)]
    assert max(e.score for e in epochs) > 0.6  # 0.31 is a network that sees background everywhere
    assert isinstance(events[-1], TrainFinished)
    assert sum(isinstance(e, TrainFinished) for e in events) == 1
    assert events[-1].score == max(e.score for e in epochs)
    assert not checkpoint_path(tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("recipe", [thesis_recipe(3), thesis_recipe(2), default_recipe(2)])
def test_every_recipe_runs(tmp_path, samples, recipe):
    small = replace(
        recipe, architecture=replace(recipe.architecture, widths=(4, 8)), window=32, batch=2, epochs=1, validate_every=1
    )
    parameters = TrainParameters(out=tmp_path / "m.safetensors", recipe=small, device="cpu")
    *_, last = train(samples, samples, parameters)
    assert last.info.classes == recipe.architecture.classes
    assert load_model(last.path)[1] == last.info


def test_the_validation_loss_is_the_one_that_is_trained_on(samples):
    model = UNet(TINY).eval()
    losses = {}
    for weight in (1.0, 4.0):
        recipe = recipe_of(border_weight=weight)
        losses[weight] = validate(model, samples[:1], recipe, device=torch.device("cpu"), bfloat16=False).loss
        image = torch.from_numpy(samples[0].image).permute(2, 0, 1)[None].float() / 255
        target = torch.from_numpy(samples[0].target)[None].float() / 255
        with torch.no_grad():
            own = segmentation_loss(model(image), target, dice=True, border_weight=weight)
        assert losses[weight] == pytest.approx(float(own), rel=1e-5)
    assert losses[4.0] > losses[1.0]


class Fixed(torch.nn.Module):
    """A network that always sees the same class map."""

    def __init__(self, classes, n):
        super().__init__()
        seen = torch.nn.functional.one_hot(torch.from_numpy(classes.astype(np.int64)), 3).permute(2, 0, 1)[None]
        self.logits = 20.0 * (seen if n == 3 else 2 * (1 - seen[:, :1]) - 1)

    def forward(self, _):
        return self.logits


@pytest.mark.parametrize("n", [2, 3])
def test_what_a_mask_leaves_open_is_not_scored(draw_sample, n):
    sample = draw_sample("a")
    truth = sample.target[:3].argmax(axis=0)
    recipe = recipe_of(architecture=UNetConfig(classes=n, widths=(4, 8)))

    def scored(classes, target):
        given = replace(sample, target=target)
        made = validate(Fixed(classes, n), [given], recipe, device=torch.device("cpu"), bfloat16=False)
        known = {value for value in made.iou_b.values() if value is not None}
        return made.score, min(known)

    wrong = truth.copy()
    wrong[:6], wrong[18:30, 18:30] = 1, 3 - np.clip(truth[18:30, 18:30], 1, 2)  # false cell; parts exchanged
    open_ = sample.target.copy()
    open_[:, :6] = 0
    open_[3, 18:30, 18:30] = open_[1:3, 18:30, 18:30].sum(axis=0)
    open_[1:3, 18:30, 18:30] = 0
    assert scored(truth, sample.target) == (1, 1)
    assert max(scored(wrong, sample.target)) < 1
    assert scored(wrong, open_) == (1, 1)
    missed = np.where(truth > 0, 0, truth)
    assert scored(missed, open_)[0] < 0.5  # that there is a cell is known


def test_best_weights_are_on_disk_when_they_are_announced(tmp_path, samples):
    parameters = parameters_in(tmp_path, epochs=6)
    content = None
    best = -1.0
    for event in train(samples, samples[:2], parameters):
        if isinstance(event, TrainEpoch):
            now = parameters.out.read_bytes()
            assert event.saved == (event.score > best) == (now != content)
            best, content = max(best, event.score), now
            header = read_info(parameters.out).training
            assert header["validation_score"] == round(best, 4)
            if event.saved:
                assert header["epoch"] == event.epoch
        if isinstance(event, TrainFinished):
            assert event.path.read_bytes() == content
            assert event.info == read_info(parameters.out)


@pytest.mark.parametrize("validate_every", [1, 2])
@pytest.mark.parametrize("k", [1, 4, 7, 8, 14])
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path, samples, k, validate_every):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    events = list(train(samples, samples[:2], parameters_in(whole, validate_every=validate_every)))

    run = train(samples, samples[:2], parameters_in(cut, validate_every=validate_every))
    for _ in range(k):
        next(run)
    run.close()
    torch.rand(5)  # other work in between must not matter
    rest = list(train(samples, samples[:2], parameters_in(cut, validate_every=validate_every)))

    assert bits(whole / "m.safetensors") == bits(cut / "m.safetensors")
    skipped = len(events) - len(rest)
    if k >= 4 * validate_every:  # what a checkpoint holds is not done twice
        assert skipped > 0
    assert rest[:-1] == events[skipped:-1]
    first, second = dict(events[-1].info.training), dict(rest[-1].info.training)
    first.pop("seconds")
    second.pop("seconds")
    assert first == second


def test_equal_seeds_give_equal_weights(tmp_path, samples):
    results = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        parameters = parameters_in(tmp_path / name, seed=seed, epochs=2)
        list(train(samples, samples[:2], parameters))
        results.append(bits(parameters.out))
    assert results[0] == results[1]
    assert results[0] != results[2]


def interrupted(folder, samples, **options):
    """Leave a checkpoint behind."""
    run = train(samples, samples[:2], parameters_in(folder), **options)
    while not isinstance(next(run), TrainEpoch):
        pass
    run.close()
    return checkpoint_path(folder / "m.safetensors")


@pytest.mark.parametrize("what", ["seed", "recipe", "images", "masks", "start"])
def test_the_checkpoint_of_another_run_is_refused(tmp_path, samples, what):
    interrupted(tmp_path, samples, start=UNet(TINY) if what == "start" else None)
    again, parameters, start = samples, parameters_in(tmp_path), None
    if what == "seed":
        parameters = parameters_in(tmp_path, seed=1)
    elif what == "recipe":
        parameters = parameters_in(tmp_path, learning_rate=1e-4)
    elif what == "images":
        again = samples[1:]
    elif what == "masks":
        again = [replace(samples[0], target=np.roll(samples[0].target, 3, axis=1)), *samples[1:]]
    else:
        start = UNet(TINY)  # the same architecture, other weights
    with pytest.raises(LeukocyteError, match="belongs to another training run"):
        next(train(again, samples[:2], parameters, start=start))


def test_a_damaged_checkpoint_is_refused(tmp_path, samples):
    path = interrupted(tmp_path, samples)
    whole = path.read_bytes()
    state = read_state(path)
    without, misshapen, texts, backwards = ({**state} for _ in range(4))
    texts["model"], backwards["progress"] = "weights", (-3, 0.5, 1.0, 0)
    del without["rng"]
    misshapen["model"] = {key: tensor[:1] for key, tensor in state["model"].items() if tensor.ndim}
    write_state(tmp_path / "without", without)
    write_state(tmp_path / "misshapen", misshapen)
    write_state(tmp_path / "list", [1, 2])
    write_state(tmp_path / "texts", texts)
    deep = '{"pairs": [["fingerprint", ' + "[" * 100_000
    save_file({"0": torch.zeros(1)}, tmp_path / "deep", metadata={"napari-leukocyte-checkpoint": deep})
    torch.save({"fingerprint": state["fingerprint"]}, tmp_path / "pickle")  # as earlier versions did
    write_state(tmp_path / "backwards", backwards)
    reversed_ = (tmp_path / "backwards").read_bytes()
    others = [(tmp_path / name).read_bytes() for name in ("without", "misshapen", "texts", "list", "deep", "pickle")]
    for content in (whole[: len(whole) // 2], b"", b"garbage" * 100, *others):
        path.write_bytes(content)
        with pytest.raises(LeukocyteError, match="is damaged or of another version: delete it"):
            next(train(samples, samples[:2], parameters_in(tmp_path)))
    path.write_bytes(reversed_)
    with pytest.raises(LeukocyteError, match=r"states -3 as 'step', which should be .*: delete it"):
        next(train(samples, samples[:2], parameters_in(tmp_path)))
    path.write_bytes(whole)
    assert isinstance(next(train(samples, samples[:2], parameters_in(tmp_path))), TrainStep)


def test_the_precision_of_a_run_is_kept_when_it_goes_on(tmp_path, samples, monkeypatch):
    interrupted(tmp_path, samples)
    monkeypatch.setattr(training_run, "uses_bfloat16", lambda device: True)
    *_, last = train(samples, samples[:2], parameters_in(tmp_path))
    assert last.info.training["precision"] == "float32"


@pytest.mark.parametrize("limit", [1024, 20_000])
def test_a_full_disk_leaves_the_earlier_weights_intact(tmp_path, samples, limit, largest_file):
    """1 kB: the weight file does not fit; 20 kB: the weight file does, the checkpoint does not."""
    parameters = parameters_in(tmp_path, epochs=1)
    list(train(samples, samples[:2], parameters))
    before = parameters.out.read_bytes()
    with largest_file(limit), pytest.raises(LeukocyteError, match="could not be written"):
        list(train(samples, samples[:2], parameters_in(tmp_path, epochs=1, seed=1)))
    load_model(parameters.out)
    if limit < len(before):
        assert parameters.out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [parameters.out]


def test_training_needs_an_image(tmp_path):
    with pytest.raises(LeukocyteError, match="no image to train on"):
        next(train([], [], parameters_in(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_one_image_and_no_validation_part(tmp_path, samples):
    *_, last = train(samples[:1], [], parameters_in(tmp_path, epochs=2))
    assert last.info.training["validated_on"] == "training part"
    assert last.info.training["training_images"] == 1


def test_starting_from_a_model(tmp_path, samples):
    start = UNet(TINY)
    before = {key: value.clone() for key, value in start.state_dict().items()}
    list(train(samples, samples[:2], parameters_in(tmp_path, epochs=1, learning_rate=1e-12), start=start))
    assert all(torch.equal(before[key], value) for key, value in start.state_dict().items())
    got = load_model(tmp_path / "m.safetensors")[0]
    torch.testing.assert_close(got.head.weight, before["head.weight"], atol=1e-3, rtol=1e-3)
    with pytest.raises(LeukocyteError, match="another architecture"):
        next(train(samples, [], parameters_in(tmp_path), start=UNet(UNetConfig(widths=(4, 6)))))


def test_a_diverging_run_says_so_and_keeps_the_best(tmp_path, samples, monkeypatch):
    run = train(samples, samples[:2], parameters_in(tmp_path))
    while not isinstance(next(run), TrainEpoch):
        pass
    before = bits(tmp_path / "m.safetensors")
    monkeypatch.setattr(training_module, "segmentation_loss", lambda logits, *a, **k: (logits * torch.nan).mean())
    with pytest.raises(LeukocyteError, match="diverged at step 4: start again with a lower learning rate"):
        next(run)
    assert bits(tmp_path / "m.safetensors") == before
