"""What a recipe may hold on to of the model that it starts from, and when a run ends early."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model import training as training_module
from napari_leukocyte.core.model import training_run
from napari_leukocyte.core.model.augment import AugmentParameters
from napari_leukocyte.core.model.recipes import default_recipe
from napari_leukocyte.core.model.training import (
    TrainEpoch,
    TrainFinished,
    TrainParameters,
    TrainStep,
    checkpoint_path,
    train,
)
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import load_model

TINY = UNetConfig(widths=(4, 8))


@pytest.fixture(autouse=True)
def _one_thread_one_precision(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(training_run, "uses_bfloat16", lambda device: False)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def samples(draw_sample):
    return [draw_sample(f"a{i}") for i in range(4)]


@pytest.fixture
def start():
    torch.manual_seed(5)
    return UNet(TINY)


def parameters_in(folder, **changes):
    given = {"architecture": TINY, "window": 32, "batch": 2, "epochs": 2, "validate_every": 1, "averaging": 0.0}
    plain = replace(default_recipe(), augmentation=AugmentParameters(), neighbours=0.0)  # learns in few steps
    recipe = replace(plain, **{**given, "learning_rate": 1e-2, **changes})
    return TrainParameters(out=folder / "m.safetensors", recipe=recipe, device="cpu")


def trained(folder, samples, start, **changes):
    parameters = parameters_in(folder, **changes)
    list(train(samples, samples[:2], parameters, start=start))
    return load_model(parameters.out)[0].state_dict()


def changed(before, after):
    """Names of what moved by more than the half precision of the file."""
    return {
        key
        for key, value in before.items()
        if value.is_floating_point() and not torch.allclose(value, after[key], atol=1e-3, rtol=1e-3)
    }


def test_all_moves_without_a_wish(tmp_path, samples, start):
    moved = changed(start.state_dict(), trained(tmp_path, samples, start))
    assert any(key.startswith("down") for key in moved)
    assert any("running_mean" in key for key in moved)


def test_a_frozen_encoder_stays_with_its_statistics(tmp_path, samples, start):
    moved = changed(start.state_dict(), trained(tmp_path, samples, start, frozen_encoder=True))
    assert moved
    assert all(key.startswith(("up", "head")) for key in moved)
    assert all(value.requires_grad for value in start.parameters())


def test_frozen_statistics_stay_while_weights_train(tmp_path, samples, start):
    moved = changed(start.state_dict(), trained(tmp_path, samples, start, frozen_statistics=True))
    assert any(key.startswith("down") for key in moved)
    assert not any("running" in key for key in moved)


def test_the_anchor_pulls_back(tmp_path, samples, start):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    def distance(state):
        return sum(float((state[key] - value.detach()).square().sum()) for key, value in start.named_parameters())

    free = distance(trained(tmp_path / "a", samples, start))
    assert distance(trained(tmp_path / "b", samples, start, anchor=50.0)) < free / 2


def test_the_result_holds_its_share_of_the_start(tmp_path, samples, start):
    states = []
    for share in (0.0, 0.25, 1.0):
        folder = tmp_path / str(share)
        folder.mkdir()
        # one validation: each run must save the weights of the same step
        states.append(trained(folder, samples, start, start_share=share, epochs=1))
    free, mixed, still = states
    assert not changed(start.state_dict(), still)
    wanted = {
        key: 0.75 * value + 0.25 * start.state_dict()[key] if value.is_floating_point() else value
        for key, value in free.items()
    }
    assert not changed(wanted, mixed)


def test_holding_on_needs_a_start(tmp_path, samples):
    for wish in ({"frozen_encoder": True}, {"frozen_statistics": True}, {"anchor": 1.0}, {"start_share": 0.5}):
        with pytest.raises(LeukocyteError, match="holds on to the model that it starts from"):
            next(train(samples, [], parameters_in(tmp_path, **wish)))


def test_patience_ends_a_run_also_across_an_interruption(tmp_path, samples):
    """At this learning rate nothing gets better after the first validation."""
    wish = {"learning_rate": 1e-12, "epochs": 9, "patience": 3}
    whole = list(train(samples, samples, parameters_in(tmp_path, **wish), start=UNet(TINY)))
    epochs = [event for event in whole if isinstance(event, TrainEpoch)]
    best = max(event.epoch for event in epochs if event.saved)
    assert len(epochs) == best + 3 < 9
    assert isinstance(whole[-1], TrainFinished)
    assert not checkpoint_path(tmp_path / "m.safetensors").exists()

    torch.manual_seed(0)
    start = UNet(TINY)
    (tmp_path / "cut").mkdir()
    parameters = parameters_in(tmp_path / "cut", **wish)
    run = train(samples, samples, parameters, start=start)
    seen = []
    while sum(isinstance(event, TrainEpoch) for event in seen) < 3:
        seen.append(next(run))
    run.close()
    seen += train(samples, samples, parameters, start=start)
    again = [event for event in seen if isinstance(event, TrainEpoch)]
    assert len(again) == max(event.epoch for event in again if event.saved) + 3


def test_an_epoch_has_the_steps_that_the_recipe_says(tmp_path, samples):
    events = list(train(samples[:1], [], parameters_in(tmp_path, epochs=2, epoch_steps=5)))
    assert [event.step for event in events if isinstance(event, TrainStep)] == list(range(1, 11))
    assert [event.epochs for event in events if isinstance(event, TrainEpoch)] == [2, 2]


def test_given_weights_choose_the_samples(tmp_path, samples, monkeypatch):
    drawn = []
    real = training_module.draw_batch

    def watched(given, weights, *rest):
        drawn.append(weights.tolist())
        return real(given, weights, *rest)

    monkeypatch.setattr(training_module, "draw_batch", watched)
    weights = np.array([0.0, 0.0, 1.0, 0.0])
    run = train(samples, [], parameters_in(tmp_path), weights=weights)
    while not isinstance(next(run), TrainEpoch):
        pass
    run.close()
    assert drawn[0] == weights.tolist()
    with pytest.raises(LeukocyteError, match="another training run"):
        next(train(samples, [], parameters_in(tmp_path)))


def test_epochs_tell_the_iou_b_of_what_the_masks_know(tmp_path, draw_sample):
    three, whole = draw_sample("a", size=96), draw_sample("b", size=96, whole_cell=True)
    for number, (own, known) in enumerate((([three], {"cell", "cytoplasm", "nucleus"}), ([whole], {"cell"}))):
        folder = tmp_path / str(number)
        folder.mkdir()
        events = list(train(own, own, parameters_in(folder, epochs=3, epoch_steps=8)))
        last = [event for event in events if isinstance(event, TrainEpoch)][-1]
        assert {name for name, value in last.iou_b.items() if value is not None} == known
        assert all(0 <= value <= 1 for value in last.iou_b.values() if value is not None)
        assert last.iou_b["cell"] > 0.3


def test_what_validated_a_run_is_told(tmp_path, samples):
    for number, (validation, said) in enumerate(
        ((samples[2:], "validation part"), (samples[1:3], "training part"), ([], "training part"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        *_, last = train(samples[:2], validation, parameters_in(folder, epochs=1))
        assert last.info.training["validated_on"] == said
