from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.encode import INPUTS
from napari_leukocyte.core.interactive.session import load_gesture_model
from napari_leukocyte.core.interactive.training import GestureTraining, gesture_recipe, train_gestures, widened
from napari_leukocyte.core.model.dataset import make_sample
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import load_model
from napari_leukocyte.core.synthetic.smear import draw_cell


@pytest.fixture(scope="module")
def samples():
    fields = [draw_cell(seed=seed, size=(120, 120), px_per_um=6) for seed in range(3)]
    return [
        make_sample(
            f.image.astype(np.float32) / 255, f.classes, name=str(i), source="s", whole_cell=i == 2, scale=1, soft=True
        )
        for i, f in enumerate(fields)
    ]


@pytest.fixture(scope="module")
def start():
    torch.manual_seed(0)
    return UNet(UNetConfig(widths=(4, 8))).eval()


def parameters(out, steps=3):
    recipe = gesture_recipe(steps)
    return GestureTraining(
        out=out,
        recipe=replace(recipe, architecture=UNetConfig(widths=(4, 8), inputs=INPUTS), window=64, batch=3),
        device="cpu",
        licence="none",
    )


def test_a_widened_network_says_what_it_said(start):
    wide = widened(start)
    rgb = torch.rand(2, 3, 16, 16)
    more = torch.cat([rgb, torch.rand(2, INPUTS - 3, 16, 16)], dim=1)
    torch.testing.assert_close(wide(more), start(rgb))
    assert wide.config == UNetConfig(widths=(4, 8), inputs=INPUTS)


def test_what_cannot_be_widened():
    with pytest.raises(LeukocyteError, match="three classes"):
        widened(UNet(UNetConfig(classes=2, widths=(4, 8))))


def test_a_run_writes_a_model_that_follows_gestures(samples, start, tmp_path):
    out = tmp_path / "g.safetensors"
    events = list(train_gestures(samples, parameters(out), start=start))
    assert [event.step for event in events] == [1, 2, 3]
    assert not list(tmp_path.glob("*.checkpoint"))
    model = load_gesture_model(out)
    assert model.info.training["steps"] == 3
    assert model.info.licence == "none"
    first = next(model.network.parameters())
    assert first[:, 3:].abs().sum() > 0  # it has begun to heed maps and strokes


def test_a_run_repeats_and_goes_on_where_it_was(samples, start, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_leukocyte.core.interactive.training._SAVE_EVERY", 2)
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    losses = [event.loss for event in train_gestures(samples, parameters(whole, 5), start=start)]
    run = train_gestures(samples, parameters(parted, 5), start=start)
    first = [next(run).loss for _ in range(3)]
    run.close()
    rest = [event.loss for event in train_gestures(samples, parameters(parted, 5), start=start)]
    assert first == losses[:3]
    assert rest == losses[2:]
    a, b = (load_model(path)[0].state_dict() for path in (whole, parted))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_errors_in_words(samples, start, tmp_path):
    with pytest.raises(LeukocyteError, match="no image"):
        next(train_gestures([], parameters(tmp_path / "g.safetensors"), start=start))
    with pytest.raises(LeukocyteError, match="another architecture"):
        next(train_gestures(samples, parameters(tmp_path / "g.safetensors"), start=UNet(UNetConfig(widths=(4, 6)))))
