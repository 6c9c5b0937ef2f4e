import tracemalloc

import numpy as np
import pytest
import torch

from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import ModelInfo, save_model
from napari_leukocyte.core.segmentation import predictor as predictor_module
from napari_leukocyte.core.segmentation import windowed
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.windowed import WindowDone, predict_class_map


def run(plane, predictor, pixel_size=0.2):
    """The class map, after checking that progress counts up to the total."""
    *progress, prediction = predict_class_map(plane, find_conversion(plane), predictor, pixel_size=pixel_size)
    classes = prediction.classes
    assert all(isinstance(event, WindowDone) for event in progress)
    done = [event.done for event in progress]
    assert done == sorted(set(done))
    assert {event.windows for event in progress} == {done[-1]}
    assert classes.dtype == np.uint8
    assert classes.shape == plane.shape[:2]
    return classes


def in_windows(monkeypatch):
    monkeypatch.setattr(windowed, "_WHOLE", 0)


@pytest.fixture
def textured_predictor(tmp_path, monkeypatch):
    """A random network of small receptive field whose classes depend on the pixels around."""
    torch.manual_seed(3)
    config = UNetConfig(widths=(4, 8))
    model = UNet(config)
    model(torch.rand(8, 3, 32, 32))
    with torch.no_grad():  # all three classes occur
        model.head.weight *= 5
        logits = model.eval()(torch.rand(8, 3, 32, 32))
        model.head.bias -= logits.mean(dim=(0, 2, 3))
    path = tmp_path / "m.safetensors"
    save_model(path, model, ModelInfo(name="m", architecture=config, pixel_size=0.2, recipe="default", licence=""))
    monkeypatch.setattr(predictor_module, "uses_bfloat16", lambda device: False)
    return Predictor(path, device="cpu")


def noise(shape, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (shape[0] // 4 + 1, shape[1] // 4 + 1, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)[: shape[0], : shape[1]]


@pytest.mark.parametrize("shape", [(600, 530), (64, 1100), (513, 449)])
def test_windows_give_what_one_piece_gives(textured_predictor, monkeypatch, shape):
    plane = noise(shape)
    whole = run(plane, textured_predictor)
    assert set(np.unique(whole)) == {0, 1, 2}
    in_windows(monkeypatch)
    textured_predictor.batch = 2
    cut = run(plane, textured_predictor)
    # no seam; only at the lower and right edge does the network see something else, a mirrored margin
    assert np.mean(whole[:-8, :-8] != cut[:-8, :-8]) < 1e-3
    assert np.mean(whole != cut) < 0.01


def test_windows_at_another_resolution(textured_predictor, monkeypatch):
    plane = noise((700, 650))
    whole = run(plane, textured_predictor, pixel_size=0.13)
    in_windows(monkeypatch)
    cut = run(plane, textured_predictor, pixel_size=0.13)
    # windows lie on whole px, so the magnification differs a little; neighbours of another class move by part of a px
    assert np.mean(whole != cut) < 0.15
    assert np.mean(whole[1:, 1:] != cut[:-1, :-1]) > np.mean(whole != cut)


@pytest.mark.parametrize(
    "shape",
    [
        *[(n, 70) for n in (63, 64, 65, 127, 128, 129, 511, 512, 513, 575, 576, 577, 959, 960, 961)],
        (70, 449),
        (449, 449),
        (2, 3000),
        (3000, 2),
        (5, 7),
    ],
)
def test_every_size_is_covered(predictor, draw, monkeypatch, shape):
    in_windows(monkeypatch)
    rng = np.random.default_rng(0)
    radius = min(14, min(shape) / 2)
    cells = [(y, x, radius) for y, x in zip(rng.uniform(0, shape[0], 30), rng.uniform(0, shape[1], 30), strict=True)]
    image, classes = draw(shape, cells)
    np.testing.assert_array_equal(run(image, predictor), classes)


@pytest.mark.parametrize("pixel_size", [0.05, 0.1, 0.31, 1.0])
def test_other_resolutions(predictor, draw, pixel_size, monkeypatch):
    image, classes = draw((300, 400), [(60, 70, 40), (299, 200, 50), (150, 399, 60)])
    for _ in range(2):
        found = run(image, predictor, pixel_size)
        # outlines are soft after resizing and move by a fraction of a coarse pixel
        assert np.mean(found != classes) < 0.03
        in_windows(monkeypatch)


def test_a_batch_that_shrinks_on_the_way_loses_no_window(predictor, draw, monkeypatch):
    in_windows(monkeypatch)
    image, classes = draw((60, 4500), [(30, x, 20) for x in range(40, 4500, 150)])
    predict, sizes = Predictor._run, []

    def in_little_memory(self, windows, *shapes):
        sizes.append(len(windows))
        if len(windows) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return predict(self, windows, *shapes)

    monkeypatch.setattr(Predictor, "_run", in_little_memory)
    predictor.batch = 8
    np.testing.assert_array_equal(run(image, predictor), classes)
    assert sizes[:4] == [8, 4, 2, 1]


@pytest.mark.parametrize("kind", ["grey", "alpha", "uint16"])
def test_every_kind_of_plane_is_cut_alike(predictor, draw, monkeypatch, kind):
    image, classes = draw((520, 70), [(30, 30, 20), (480, 40, 25)])
    if kind == "grey":
        image = image[..., 0]
    elif kind == "alpha":
        image = np.concatenate([image, np.full((520, 70, 1), 255, np.uint8)], axis=-1)
    else:
        image = image.astype(np.uint16) * 257
        image[0, :40:2], image[0, 1:40:2] = 0, 65535  # black and white pixels fix the scale
        classes[0] = run(image, predictor)[0]
    in_windows(monkeypatch)
    np.testing.assert_array_equal(run(image, predictor), classes)


def test_cancelling_is_to_stop_iterating(predictor, draw, monkeypatch):
    in_windows(monkeypatch)
    image, _ = draw((900, 900), [(100, 100, 30)])
    events = predict_class_map(image, find_conversion(image), predictor, pixel_size=0.2)
    assert next(events) == WindowDone(1, 4)
    events.close()
    assert next(events, None) is None


class Constant:
    """Stands in for a network, so that only the arrays around it are counted."""

    batch = 1
    pixel_size = 1 / 6

    def __call__(self, windows, working, native):
        return [np.broadcast_to(np.float32([0.2, 0.5, 0.3])[:, None, None], (3, *native)) for _ in windows]


class Graded(Constant):
    """Surely background at the left, surely cytoplasm in the middle, cell of either part at the right."""

    def __call__(self, windows, working, native):
        return [self.probabilities(w, native) for w in windows]

    def probabilities(self, window, native):
        columns = np.asarray(window)[: native[0], : native[1], 0]  # what the plane says: 0, 0.5 or 1
        p = np.array([[0.9, 0.05, 0.05], [0.1, 0.85, 0.05], [0.1, 0.4, 0.5]], np.float32)
        return p[np.round(2 * columns).astype(int)].transpose(2, 0, 1)


@pytest.mark.parametrize("windows", [False, True])
def test_a_pixel_may_be_surely_cell_without_a_sure_part(monkeypatch, windows):
    if windows:
        in_windows(monkeypatch)
    plane = np.zeros((100, 300, 3), np.uint8)
    plane[:, 100:200], plane[:, 200:] = 128, 255
    *_, found = predict_class_map(plane, find_conversion(plane), Graded(), pixel_size=1 / 6)
    for value, expected in ((found.classes, (0, 1, 2)), (found.sure, (1, 1, 0)), (found.surely_cell, (0, 1, 1))):
        for part, wanted in enumerate(expected):
            assert (value[:, 100 * part + 20 : 100 * part + 80] == wanted).all()


def test_memory_stays_near_one_row_of_windows():
    plane = np.zeros((3000, 4000, 3), np.uint8)
    plane[::7] = 200
    conversion = find_conversion(plane)
    tracemalloc.start()
    try:
        classes = run_without_checks(plane, conversion)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (classes == 1).all()
    row_of_windows = 8 * 109 * 4000 * 3 * 4  # 512 px at 6 px/um are 872 px at 10.2; three classes in float32
    returned = 3 * plane[..., 0].nbytes  # the class map, and whether each pixel's class, and that it is cell, is sure
    assert peak < 2 * row_of_windows + returned
    assert peak < 3000 * 4000 * 3 * 4  # less than the probabilities of the whole plane


def run_without_checks(plane, conversion):
    *_, prediction = predict_class_map(plane, conversion, Constant(), pixel_size=1 / 10.2)
    return prediction.classes
