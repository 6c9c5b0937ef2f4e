import errno
import os

import imageio.v3 as iio
import npe2
import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image

import napari_leukocyte
from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.plugin.canvas.layers import add_classes, describe
from napari_leukocyte.plugin.writer import write_class_map


@pytest.fixture
def viewer(npe2pm):
    npe2pm.register(npe2.PluginManifest.from_distribution("napari-leukocyte"))
    return ViewerModel()


@pytest.fixture
def classes():
    return np.array([[0, 1, 2, 1], [0, 0, 1, 2], [2, 2, 0, 0]], np.uint8)


def test_round_trip_through_the_layer(viewer, classes, tmp_path):
    path = tmp_path / "map.png"
    layer = viewer.add_labels(classes)
    assert layer.save(str(path)) == [str(path)]
    with Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.array(image), classes)
    colours = np.array([MASK_COLOURS[value] for value in range(3)], np.uint8)
    np.testing.assert_array_equal(iio.imread(path)[..., :3], colours[classes])
    assert [tuple(colour) for colour in colours] == [(0, 0, 255), (0, 255, 0), (255, 0, 0)]


def test_round_trip_through_the_layer_list(viewer, classes, tmp_path):
    path = tmp_path / "map.PNG"
    viewer.add_labels(classes)
    assert viewer.layers.save(str(path)) == [str(path)]
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.array(image), classes)


def test_wider_and_narrower_integers_are_the_same_map(classes, tmp_path):
    for dtype in (bool, np.int64, np.uint16):
        path = tmp_path / f"{np.dtype(dtype)}.png"
        data = (classes if dtype is not bool else classes > 0).astype(dtype)
        write_class_map(str(path), data, {})
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image), data)


def test_the_file_says_what_made_it(viewer, classes, segmentation, tmp_path):
    image = viewer.add_image(np.zeros((*classes.shape, 3), np.uint8), rgb=True)
    result = segmentation(classes, pixel_size=0.2)
    layer = add_classes(viewer, classes, image)
    describe(layer, None, result)
    layer.save(str(tmp_path / "map.png"))
    written = read_provenance(tmp_path / "map.png")
    assert result.provenance.items() <= written.items()
    # the size was typed: the layer has none
    assert read_image(tmp_path / "map.png").pixel_size == pytest.approx(0.2, rel=1e-3)


def test_an_estimated_size_does_not_become_a_stated_one(viewer, classes, segmentation, tmp_path):
    image = viewer.add_image(np.zeros((*classes.shape, 3), np.uint8), rgb=True)
    layer = add_classes(viewer, classes, image)
    describe(layer, None, segmentation(classes, pixel_size=0.2, estimated=True))
    layer.save(str(tmp_path / "map.png"))
    assert read_image(tmp_path / "map.png").pixel_size is None


def test_a_map_painted_by_hand_takes_the_scale_of_its_layer(viewer, classes, tmp_path):
    path = tmp_path / "map.png"
    viewer.add_labels(classes, scale=(0.1, 0.1), units="um").save(str(path))
    assert read_provenance(path) == {
        "napari-leukocyte": napari_leukocyte.__version__,
        "pixel_size_um": "0.1",
        "pixel_size_source": "layer scale",
    }
    assert read_image(path).pixel_size == pytest.approx(0.1, rel=1e-3)


def test_nothing_known(viewer, classes, tmp_path):
    path = tmp_path / "map.png"
    viewer.add_labels(classes).save(str(path))
    assert read_provenance(path)["pixel_size_source"] == "unknown"
    assert read_image(path).pixel_size is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.full((3, 4), 7, np.uint8), 'The layer "cells" holds the value 7'),
        (np.zeros((2, 3, 4), np.uint8), r'The layer "cells" is a stack of shape \(2, 3, 4\).*\.tif'),
        (np.zeros((1, 2, 3, 4), np.uint8), "one plane"),
        (np.full((3, 4), -1), "holds the value -1"),
        (np.zeros((3, 4)), "float64"),
        (np.zeros((0, 4), np.uint8), "empty"),
        (np.zeros(4, np.uint8), "one plane"),
    ],
)
def test_what_is_no_class_map_is_refused(data, sentence, tmp_path):
    path = tmp_path / "map.png"
    with pytest.raises(RuntimeError, match=sentence):
        write_class_map(str(path), data, {"name": "cells"})
    assert list(tmp_path.iterdir()) == []


def test_the_sentence_reaches_who_saves_the_layer(viewer, tmp_path):
    layer = viewer.add_labels(np.full((3, 4), 7), name="cells")
    with pytest.raises(RuntimeError, match='"cells" holds the value 7'):
        layer.save(str(tmp_path / "map.png"))


def test_a_full_disk_keeps_the_old_file(viewer, classes, tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    layer = viewer.add_labels(classes)
    layer.save(str(path))
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    layer.data_setitem(np.nonzero(classes != 2), 2)
    with pytest.raises(RuntimeError, match="no space left"):
        layer.save(str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_such_folder(classes, tmp_path):
    with pytest.raises(RuntimeError, match="folder does not exist"):
        write_class_map(str(tmp_path / "gone" / "map.png"), classes, {})
