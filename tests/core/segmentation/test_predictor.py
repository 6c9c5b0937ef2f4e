import numpy as np
import pytest
import torch
from torch import nn

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, model_hash, save_model
from napari_leukocyte.core.segmentation import predictor as predictor_module
from napari_leukocyte.core.segmentation.predictor import Predictor


def windows(n, shape=(24, 32)):
    rng = np.random.default_rng(0)
    return [rng.random((*shape, 3), dtype=np.float32) for _ in range(n)]


class Small(nn.Module):
    """The network on a device whose memory holds ``most`` windows, or raises something else."""

    def __init__(self, network, most, error):
        super().__init__()
        self.network, self.config, self.most, self.error = network, network.config, most, error
        self.batches = []

    def forward(self, batch):
        self.batches.append(len(batch))
        if len(batch) > self.most:
            raise self.error
        return self.network(batch)


@pytest.mark.parametrize("working", [(24, 32), (12, 16), (48, 64), (15, 21), (1, 1)])
def test_probabilities_come_back_in_the_size_of_the_windows(predictor, binary_predictor, working):
    for p, classes in ((predictor, 3), (binary_predictor, 2)):
        results = p(windows(2), working, (24, 32))
        assert [r.shape for r in results] == [(classes, 24, 32)] * 2
        for result in results:
            assert result.dtype == np.float32
            assert result.min() >= 0
            np.testing.assert_allclose(result.sum(axis=0), 1, atol=1e-5)


def test_it_finds_what_the_network_knows(predictor, draw):
    image, classes = draw((40, 50), [(18, 20, 12)])
    (p,) = predictor([image.astype(np.float32) / 255], (40, 50), (40, 50))
    np.testing.assert_array_equal(p.argmax(axis=0), classes)
    assert predictor.notes == []


def test_sizes_that_do_not_fit_the_poolings_change_nothing_inside(tmp_path, monkeypatch):
    monkeypatch.setattr(predictor_module, "uses_bfloat16", lambda device: False)
    torch.manual_seed(0)
    config = UNetConfig(widths=(4, 6, 8))
    path = tmp_path / "m.safetensors"
    save_model(
        path, UNet(config), ModelInfo(name="m", architecture=config, pixel_size=0.2, recipe="default", licence="")
    )
    predictor = Predictor(path, device="cpu")
    (large,) = windows(1, (64, 64))
    (whole,) = predictor([large], (64, 64), (64, 64))
    (part,) = predictor([large[:61, :59]], (61, 59), (61, 59))
    difference = np.abs(whole[:, :61, :59] - part).max(axis=0)
    assert difference[:30, :30].max() < 1e-5
    assert difference.max() < 0.5


def test_name_hash_and_device_are_known(predictor, model_files):
    assert predictor.hash == model_hash(model_files.three)
    assert predictor.info.name == "three"
    assert predictor.used.startswith("cpu (")
    for bfloat16, precision in ((True, "bfloat16"), (False, "float32")):
        predictor.bfloat16 = bfloat16
        made = {"model": "three", "model_sha256": predictor.hash, "engine": "torch", "precision": precision}
        assert predictor.provenance == made
    with pytest.raises(LeukocyteError, match="There is no model"):
        Predictor("nothing", device="cpu")
    with pytest.raises(LeukocyteError, match="Unknown device"):
        Predictor(model_files.three, device="gpu")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("MPS backend out of memory (allocated 1 GB)")]
)
def test_short_of_memory_it_takes_fewer_windows(predictor, error):
    given, predictor.bfloat16 = windows(11), False
    expected = predictor(given, (24, 32), (24, 32))
    predictor.network = Small(predictor.network, 2, error)
    predictor.batch = 8
    results = predictor(given, (24, 32), (24, 32))
    assert predictor.network.batches == [8, 4, 2, 2, 2, 2, 2, 1]
    assert predictor.batch == 2  # it is not tried again and again
    assert predictor.notes == []
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_without_room_for_one_window_the_cpu_goes_on_and_says_so(predictor, monkeypatch):
    given, predictor.bfloat16 = windows(5), False
    expected = predictor(given, (24, 32), (24, 32))
    run = Predictor._run

    def on_a_full_gpu(self, *arguments):
        if self.device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(self, *arguments)

    monkeypatch.setattr(Predictor, "_run", on_a_full_gpu)
    monkeypatch.setattr(predictor_module, "uses_bfloat16", lambda device: False)
    predictor.device, predictor.batch = torch.device("cuda"), 8
    results = predictor(given, (24, 32), (24, 32))
    assert predictor.device == torch.device("cpu")
    assert "cpu" in predictor.used
    assert len(predictor.notes) == 1
    assert "memory of cuda ran out" in predictor.notes[0]
    assert "CPU" in predictor.notes[0]
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    predictor(given, (24, 32), (24, 32))
    assert len(predictor.notes) == 1


def test_a_cpu_without_memory_gives_up(predictor):
    predictor.network = Small(predictor.network, 0, torch.OutOfMemoryError("out of memory"))
    with pytest.raises(RuntimeError, match="out of memory"):
        predictor(windows(1), (24, 32), (24, 32))
    assert predictor.network.batches == [1]


def test_other_errors_pass_through_at_once(predictor):
    predictor.network = Small(predictor.network, 2, RuntimeError("a defect"))
    predictor.batch = 8
    with pytest.raises(RuntimeError, match="a defect"):
        predictor(windows(8), (24, 32), (24, 32))
    assert predictor.network.batches == [8]
    assert predictor.batch == 8
