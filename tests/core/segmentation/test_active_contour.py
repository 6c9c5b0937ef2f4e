import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation import nuclei
from napari_leukocyte.core.segmentation.active_contour import ActiveContour
from napari_leukocyte.core.segmentation.contour_parameters import ActiveContourParameters
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import ImageFailed, method_of, segment_images, segment_plane
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.synthetic.smear import draw_cell, draw_field

CHOSEN = SegmentParameters(model="active-contour", keep="all")


@pytest.fixture(scope="module")
def contour():
    return method_of(CHOSEN)


def predict(image, contour, pixel_size):
    *progress, prediction = contour.predict(image, find_conversion(image), pixel_size=pixel_size)
    assert progress
    assert all(isinstance(event, WindowDone) for event in progress)
    assert prediction.sure.all()
    assert prediction.classes.shape == prediction.sure.shape == image.shape[:2]
    assert prediction.classes.dtype == np.uint8
    return prediction.classes


def run(image, contour, pixel_size=None, **parameters):
    source = sources_from_array(image, name="a", pixel_size=PixelSize(pixel_size, "file"))[0]
    *_, result = segment_plane(source, replace(CHOSEN, **parameters), contour)
    return result


def iou(a, b):
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def easy(seed=1, cell_type="lymphocyte", px_per_um=10.2, side=28):
    size = round(side * px_per_um)
    return draw_cell(
        seed=seed, cell_type=cell_type, size=(size, size), px_per_um=px_per_um, stain="may-gruenwald-giemsa"
    )


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=3, size=(600, 800), px_per_um=10.2, n_cells=5)


@pytest.mark.parametrize("cell_type", ["lymphocyte", "neutrophil", "monocyte"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_drawn_cell_and_its_nucleus_are_found(contour, seed, cell_type):
    smear = easy(seed, cell_type)
    classes = run(smear.image, contour, smear.pixel_size, keep="centre").classes
    assert iou(classes > 0, smear.classes > 0) > 0.8
    assert iou(classes == 2, smear.classes == 2) > 0.8


@pytest.mark.parametrize("px_per_um", [3.0, 6.0, 17.0, 25.0])
def test_lengths_are_physical(contour, px_per_um):
    smear = easy(px_per_um=px_per_um)
    classes = run(smear.image, contour, smear.pixel_size, keep="centre").classes
    assert iou(classes > 0, smear.classes > 0) > 0.8
    assert iou(classes == 2, smear.classes == 2) > 0.8


def test_a_field_has_each_cell(contour, field):
    result = run(field.image, contour, field.pixel_size)
    assert iou(result.classes > 0, field.classes > 0) > 0.8
    for cell in range(1, field.cells.max() + 1):
        own = field.cells == cell
        if np.count_nonzero(own & (field.classes == 2)) > 20 / field.pixel_size**2:  # the one cut by the frame may go
            found = np.bincount(result.cells[own]).argmax()
            assert found > 0
            assert iou(result.cells == found, own) > 0.7


def test_grayscale(contour):
    smear = easy(seed=3)
    grey = smear.image.mean(axis=-1).astype(np.uint8)
    result = run(grey, contour, smear.pixel_size, keep="centre")
    assert iou(result.classes > 0, smear.classes > 0) > 0.8
    assert "grayscale" in result.notes[0]
    three = run(np.repeat(grey[..., None], 3, axis=-1), contour, smear.pixel_size, keep="centre")
    np.testing.assert_array_equal(result.classes, three.classes)


@pytest.mark.parametrize("px_per_um", [5.0, 10.2, 20.0])
def test_an_unknown_pixel_size_is_estimated_from_the_nuclei(contour, px_per_um):
    smear = easy(px_per_um=px_per_um)
    result = run(smear.image, contour, keep="centre")
    assert result.pixel_size.um == pytest.approx(smear.pixel_size, rel=0.3)
    assert result.pixel_size.estimated
    assert result.pixel_size.source == "estimated from 1 nucleus"
    assert iou(result.classes > 0, smear.classes > 0) > 0.8


def red_cells(rng=0):
    """Pale red discs on light ground, nothing else."""
    y, x = np.mgrid[:200, :240]
    image = np.full((200, 240, 3), (235, 230, 225), np.uint8)
    for cy, cx in ((40, 50), (60, 150), (140, 90), (150, 190)):
        image[np.hypot(y - cy, x - cx) < 30] = (215, 150, 150)
    return (image + np.random.default_rng(rng).integers(-3, 4, image.shape)).astype(np.uint8)


@pytest.mark.parametrize("pixel_size", [0.1, None])
def test_without_a_white_cell_the_map_is_empty(contour, pixel_size):
    almost_blank = np.full((60, 70, 3), 240, np.uint8)
    almost_blank[30, 30] = 225
    for image in (almost_blank, red_cells()):
        result = run(image, contour, pixel_size)
        assert result.classes.max() == result.cells.max() == 0
        assert ("assumed" in result.pixel_size.source) == (pixel_size is None)


@pytest.mark.parametrize("shape", [(2, 3), (2, 400), (300, 2), (7, 7)])
@pytest.mark.parametrize("pixel_size", [0.02, 0.1, 1.0, None])
def test_every_size_gives_a_map(contour, shape, pixel_size):
    image = np.full((*shape, 3), 230, np.uint8)
    image[: shape[0] // 2 + 1, : shape[1] // 2 + 1] = (70, 20, 110)
    assert run(image, contour, pixel_size).classes.shape == shape


def test_all_nucleus_but_a_corner(contour):
    image = np.full((90, 80, 3), (70, 20, 110), np.uint8)
    image[:3, :3] = 240
    assert predict(image, contour, 0.1).shape == (90, 80)


def test_a_blank_image_is_reported_and_the_rest_runs(contour):
    smear = easy()
    stack = np.stack([smear.image, np.full_like(smear.image, 200)])
    sources = sources_from_array(stack, name="stack", rgb=True, pixel_size=PixelSize(smear.pixel_size, "file"))
    first, last = (event for event in segment_images(sources, CHOSEN, contour) if not isinstance(event, WindowDone))
    assert first.result.cells.max() >= 1
    assert isinstance(last, ImageFailed)
    assert "same colour" in last.reason


@pytest.mark.parametrize("strip", [1, 30_000])
def test_the_strips_in_which_a_plane_is_read_leave_no_trace(contour, field, monkeypatch, strip):
    expected = predict(field.image, contour, field.pixel_size)
    monkeypatch.setattr(nuclei, "_STRIP", strip)
    np.testing.assert_array_equal(predict(field.image, contour, field.pixel_size), expected)


def test_only_a_strip_and_windows_are_read_at_a_time(contour, field, monkeypatch):
    monkeypatch.setattr(nuclei, "_STRIP", 20 * 800)
    reads = []

    class Lazy:
        """An array on a disk that tells what is read of it."""

        shape, dtype, ndim = field.image.shape, field.image.dtype, 3

        def __getitem__(self, key):
            reads.append(field.image[key].size)
            return field.image[key]

    conversion = find_conversion(field.image)
    *_, prediction = contour.predict(Lazy(), conversion, pixel_size=field.pixel_size)
    assert prediction.classes.any()
    assert max(reads) < field.image.size / 2


def test_cancelling_is_to_stop_iterating(contour, field):
    events = contour.predict(field.image, find_conversion(field.image), pixel_size=field.pixel_size)
    while (event := next(events)).windows == 1:
        pass  # the strips in which nuclei are looked for
    assert event.done == 1
    assert event.windows >= 4  # then one window a cell
    events.close()
    assert next(events, None) is None


def test_binary_mode_and_keep(contour, field):
    three, binary = (run(field.image, contour, field.pixel_size, mode=mode) for mode in ("three-class", "binary"))
    np.testing.assert_array_equal(binary.classes, three.classes > 0)
    assert binary.binary
    whole = run(field.image, contour, field.pixel_size, keep="whole")
    assert 0 < whole.cells.max() < three.cells.max()


def test_provenance_has_the_parameters(contour):
    smear = easy()
    made = run(smear.image, contour, smear.pixel_size).provenance
    assert made["model"] == "active-contour"
    assert made["device"] == "cpu"
    assert made["pixel_size_source"] == "file"
    assert json.loads(made["model_parameters"]) == asdict(ActiveContourParameters())
    other = ActiveContour(ActiveContourParameters(reach=6.0)).provenance
    assert other["model_sha256"] != made["model_sha256"]
    assert len(made["model_sha256"]) == 16


def test_parameters_reach_the_contour():
    smear = easy(cell_type="neutrophil")
    near, far = (
        predict(smear.image, ActiveContour(ActiveContourParameters(reach=reach)), smear.pixel_size)
        for reach in (0.5, 7.0)
    )
    assert np.count_nonzero(near) < 0.8 * np.count_nonzero(far)


def test_the_image_is_not_changed(contour):
    image = easy().image.copy()
    image.setflags(write=False)
    run(image, contour, 0.1)


def test_another_name_is_refused():
    with pytest.raises(LeukocyteError, match="There is no model 'active'"):
        method_of(SegmentParameters(model="active"))
