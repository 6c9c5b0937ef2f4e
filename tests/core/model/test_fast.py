"""The network through OpenVINO, and what it needs for 8-bit integers."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model import fast
from napari_leukocyte.core.model.fast import FastNetwork
from napari_leukocyte.core.model.folded import folded
from napari_leukocyte.core.model.int8 import inner_convolutions, ranges_path, read_ranges, watched, write_ranges
from napari_leukocyte.core.model.unet import UNet, UNetConfig, after_thesis, probabilities
from napari_leukocyte.core.model.weights import (
    ModelInfo,
    load_model,
    model_hash,
    model_path,
    save_model,
)
from napari_leukocyte.core.segmentation import predictor as predictor_module
from napari_leukocyte.core.segmentation.predictor import Predictor


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino")


def network(config, seed=0):
    torch.manual_seed(seed)
    return folded(UNet(config))


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    config = UNetConfig(widths=(4, 6, 8, 10))
    info = ModelInfo(name="m", architecture=config, pixel_size=0.2, recipe="default", licence="")
    save_model(tmp_path / "m.safetensors", UNet(config), info)
    return tmp_path / "m.safetensors"


@pytest.mark.parametrize("config", [UNetConfig(widths=(4, 6, 8)), after_thesis(2)], ids=["three", "thesis"])
def test_it_computes_what_torch_computes(openvino, config):
    ours = network(config)
    compiled = FastNetwork(ours)
    for shape in ((1, 3, 32, 48), (2, 3, 64, 32)):  # one compilation for all sizes
        rgb = torch.rand(shape)
        with torch.inference_mode():
            torch.testing.assert_close(compiled(rgb), ours(rgb), rtol=1e-4, atol=1e-5)


def test_several_threads_may_ask_it_at_once(openvino):
    ours = network(UNetConfig(widths=(4, 6, 8)))
    compiled = FastNetwork(ours)
    windows = [torch.rand(1, 3, 96, 128) for _ in range(40)]
    with torch.inference_mode(), ThreadPoolExecutor(4) as threads:
        for found, rgb in zip(threads.map(compiled, windows), windows, strict=True):
            torch.testing.assert_close(found, ours(rgb), rtol=1e-4, atol=1e-5)


def test_8_bits_come_near_on_the_shipped_model(openvino):
    path = model_path("default")
    ours = folded(load_model(path)[0])
    compiled = FastNetwork(ours, ranges=read_ranges(path, model_hash(path)))
    rgb = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8), size=(96, 96), mode="bilinear")
    with torch.inference_mode():
        off = (probabilities(compiled(rgb)) - probabilities(ours(rgb))).abs()
    assert 0 < float(off.mean()) < 0.01


def test_the_default_model_is_calibrated():
    # new weights need: python benchmarks/engines.py DATA --split benchmarks/split.json --calibrate 8
    path = model_path("default")
    model = folded(load_model(path)[0])
    assert set(read_ranges(path, model_hash(path))) == set(inner_convolutions(model))


def test_the_finest_levels_stay_as_they_are():
    names = inner_convolutions(network(UNetConfig(widths=(4, 6, 8, 10))))
    assert names == ["down.2.0.0", "down.2.1.0", "bottom.0.0", "bottom.1.0"] + [
        f"up.0.{place}.0" for place in ("upconv.1", "merge.0", "merge.1")
    ]


def test_ranges_are_read_back_and_belong_to_their_weights(weights):
    ours = network(UNetConfig(widths=(4, 6, 8, 10)))
    with watched(ours) as ranges, torch.inference_mode():
        ours(torch.rand(1, 3, 32, 32))
    ours(torch.rand(1, 3, 32, 32) * 100)  # not watched any more
    assert set(ranges) == set(inner_convolutions(ours))
    with pytest.raises(LeukocyteError, match=r"was not calibrated .* model calibrate"):
        read_ranges(weights, model_hash(weights))
    write_ranges(weights, model_hash(weights), ranges, images=1)
    assert read_ranges(weights, model_hash(weights)) == pytest.approx(ranges, rel=1e-4)
    with pytest.raises(LeukocyteError, match="other weights"):
        read_ranges(weights, "0" * 16)
    whole = json.loads(ranges_path(weights).read_text())
    for content, words in (
        ("{", "is damaged"),
        ("{}", "does not state 'model_sha256'"),
        (json.dumps({**whole, "ranges": [1]}), "as 'ranges', which should be an object"),
        (json.dumps({**whole, "ranges": {"bottom.0.0": True}}), "states true as 'ranges.bottom.0.0'"),
        (json.dumps({**whole, "ranges": {"bottom.0.0": 0}}), "states 0 as 'ranges.bottom.0.0'"),
    ):
        ranges_path(weights).write_text(content)
        with pytest.raises(LeukocyteError, match=rf"{words}.*model calibrate"):
            read_ranges(weights, model_hash(weights))


def test_ranges_of_another_network_are_refused(openvino):
    with pytest.raises(LeukocyteError, match="another network"):
        FastNetwork(network(UNetConfig(widths=(4, 6, 8, 10))), ranges={"down.0.0.0": 1.0})


def test_a_predictor_says_which_engine_it_has(openvino, weights, monkeypatch):
    monkeypatch.setattr(predictor_module, "uses_bfloat16", lambda device: False)
    window = [np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)]
    made = {engine: Predictor(weights, device="cpu", engine=engine) for engine in ("torch", "fast", "auto")}
    assert [one.provenance["engine"] for one in made.values()] == ["torch", "openvino", "openvino"]
    assert {one.provenance["precision"] for one in made.values()} == {"float32"}
    (expected,) = made["torch"](window, (40, 50), (40, 50))
    for one in (*made.values(), pickle.loads(pickle.dumps(made["fast"]))):
        np.testing.assert_allclose(one(window, (40, 50), (40, 50))[0], expected, atol=1e-5)
    with pytest.raises(LeukocyteError, match="calibrated"):
        Predictor(weights, engine="fast-int8")
    with pytest.raises(LeukocyteError, match="runs on the CPU"):
        Predictor(weights, device="cuda", engine="fast")


def test_auto_never_changes_the_rounding_of_a_result(weights, monkeypatch):
    monkeypatch.setattr(predictor_module, "uses_bfloat16", lambda device: True)
    assert Predictor(weights, device="cpu", engine="auto").provenance["engine"] == "torch"


def test_without_the_extra_torch_does_it_or_the_refusal_says_how(weights, monkeypatch):
    for module in (fast, predictor_module):
        monkeypatch.setattr(module, "is_installed", lambda: False)
    assert Predictor(weights, device="cpu", engine="auto").provenance["engine"] == "torch"
    with pytest.raises(LeukocyteError, match=r"napari-leukocyte\[fast\]"):
        Predictor(weights, engine="fast")
