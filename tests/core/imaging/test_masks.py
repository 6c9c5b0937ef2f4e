import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import mask_from_values, read_mask


@pytest.mark.parametrize(
    ("values", "classes", "whole_cell"),
    [
        ([0, 255], [0, 1], True),
        ([0, 1], [0, 1], True),
        ([0, 0], [0, 0], True),
        ([255, 255], [1, 1], True),
        ([0, 1, 2], [0, 1, 2], False),
        ([0, 2], [0, 2], False),
        ([1, 2], [1, 2], False),
        ([0, 128, 255], [0, 1, 2], False),
        ([0, 128], [0, 1], False),
        ([128, 255], [1, 2], False),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32])
def test_the_set_of_values_decides(values, classes, whole_cell, dtype):
    mask = mask_from_values(np.array([values, values[::-1]], dtype))
    assert mask.classes.tolist() == [classes, classes[::-1]]
    assert mask.classes.dtype == np.uint8
    assert mask.whole_cell is whole_cell
    assert mask.reading.startswith("whole cell") == whole_cell


def test_true_and_false_are_whole_cells():
    mask = mask_from_values(np.array([[False, True]]))
    assert mask.classes.tolist() == [[0, 1]]
    assert mask.whole_cell


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([[0, 3]], "0, 3"),
        ([[0, 1, 255]], "0, 1, 255"),
        ([[0, 1, 2, 128]], "128"),
        ([[-1, 0]], "-1, 0"),
        ([list(range(40))], r"5, \.\.\."),
    ],
)
def test_other_values_are_refused_and_shown(values, shown):
    with pytest.raises(LeukocyteError, match=rf"m\.png holds the values .*{shown}: use"):
        mask_from_values(np.array(values), name="m.png")


@pytest.mark.parametrize("value", [0.5, 1.0001, np.nan, np.inf])
def test_shares_are_no_classes(value):
    with pytest.raises(LeukocyteError, match="not whole numbers"):
        mask_from_values(np.array([[0, 1, value]]))


@pytest.mark.parametrize("shape", [(4,), (2, 4, 3), (1, 4, 4)])
def test_it_must_be_one_plane(shape):
    with pytest.raises(LeukocyteError, match=r"not a \(Y, X\) mask"):
        mask_from_values(np.zeros(shape, np.uint8))


def test_files(tmp_path):
    values = np.array([[0, 128], [255, 0]], np.uint8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(values[..., None], 3, axis=-1)).save(tmp_path / "rgb.png")
    alpha = np.full((2, 2, 1), 255, np.uint8)
    Image.fromarray(np.concatenate([np.repeat(values[..., None], 3, axis=-1), alpha], axis=-1)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "grey.tif", values.astype(np.uint16))
    for name in ("grey.png", "rgb.png", "a.png", "grey.tif"):
        mask = read_mask(tmp_path / name)
        assert mask.classes.tolist() == [[0, 1], [2, 0]]
        assert not mask.whole_cell


def test_a_colour_picture_is_no_mask(tmp_path):
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tmp_path / "photo.png")
    with pytest.raises(LeukocyteError, match=r"photo\.png is not a \(Y, X\) mask"):
        read_mask(tmp_path / "photo.png")
    with pytest.raises(LeukocyteError, match=r"none\.png"):
        read_mask(tmp_path / "none.png")
