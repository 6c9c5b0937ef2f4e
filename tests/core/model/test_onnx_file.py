import numpy as np
import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model import onnx_file
from napari_leukocyte.core.model.onnx_file import export_onnx
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, load_model, save_model


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    config = UNetConfig(widths=(4, 6))
    info = ModelInfo(name="m", architecture=config, pixel_size=0.2, recipe="default", licence="")
    save_model(tmp_path / "m.safetensors", UNet(config), info)
    return tmp_path / "m.safetensors"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about itself
def test_the_file_computes_what_torch_computes_at_any_size(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # the exporter's progress would leave a thread
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from onnx.reference import ReferenceEvaluator

    out = tmp_path / "new" / "m.onnx"
    assert export_onnx(weights, out) < 1e-4
    model = onnx.load(out)
    assert {entry.key: entry.value for entry in model.metadata_props}["um_per_px"] == "0.2"
    rgb = torch.rand(3, 3, 16, 8)
    (logits,) = ReferenceEvaluator(model).run(None, {"rgb": rgb.numpy()})
    with torch.inference_mode():
        np.testing.assert_allclose(logits, load_model(weights)[0](rgb).numpy(), atol=1e-4)


def test_without_the_extra_the_sentence_says_how(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(LeukocyteError, match=r"napari-leukocyte\[onnx\]"):
        export_onnx(weights, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
