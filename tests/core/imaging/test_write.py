import errno
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.provenance import provenance_json, read_provenance
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.imaging.write import (
    write_cells_png,
    write_cells_tiff,
    write_class_png,
    write_class_tiff,
)

NOTE = {"version": "0.1.0", "model": {"name": "default", "sha256": "ab"}, "pixel_size": 0.1, "by": "Åsa, µm"}
RNG = np.random.default_rng(3)
CLASSES = RNG.integers(0, 3, (37, 41)).astype(np.uint8)


@pytest.mark.parametrize("palette", [True, False])
@pytest.mark.parametrize("classes", [CLASSES, np.zeros_like(CLASSES), (CLASSES > 0).astype(np.int32), CLASSES > 0])
def test_class_png_round_trip(tmp_path, classes, palette):
    path = tmp_path / "a_classes.png"
    write_class_png(path, classes, provenance=NOTE, pixel_size=0.1, palette=palette)
    with Image.open(path) as image:
        assert image.mode == ("P" if palette else "L")
        np.testing.assert_array_equal(np.asarray(image), classes)
    data = path.read_bytes()
    assert data[24] == 8  # bits a pixel
    assert read_provenance(path) == NOTE
    assert read_image(path).pixel_size == pytest.approx(0.1, rel=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["a_classes.png"]


def test_class_png_shows_the_mask_colours(tmp_path):
    write_class_png(tmp_path / "a.png", np.array([[0, 1, 2]]), provenance={})
    assert read_image(tmp_path / "a.png").array.tolist() == [[[0, 0, 255], [0, 255, 0], [255, 0, 0]]]


@pytest.mark.parametrize("shape", [(37, 41), (300, 520), (3, 37, 41), (5, 20, 3), (1, 20, 30)])
def test_class_tiff_round_trip(tmp_path, shape):
    classes = RNG.integers(0, 3, shape).astype(np.uint8)
    path = tmp_path / "a_classes.tif"
    write_class_tiff(path, classes, provenance=NOTE, pixel_size=0.25)
    assert read_provenance(path) == NOTE
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].is_tiled
        assert len(tiff.pages) == (1 if len(shape) == 2 else shape[0])
    back = read_image(path)
    np.testing.assert_array_equal(back.array, classes.squeeze())
    assert back.array.dtype == np.uint8
    assert not back.rgb
    assert back.pixel_size == pytest.approx(0.25, rel=1e-4)


@pytest.mark.parametrize(("largest", "dtype"), [(3, np.uint16), (65535, np.uint16), (65536, np.uint32)])
def test_cells_tiff_takes_the_smallest_type_that_holds_them(tmp_path, largest, dtype):
    cells = np.arange(37 * 41, dtype=np.int64).reshape(37, 41) % 3
    cells[3, 4] = largest
    write_cells_tiff(tmp_path / "a.tif", cells, provenance=NOTE)
    back = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(back, cells)
    assert back.dtype == dtype
    assert read_image(tmp_path / "a.tif").pixel_size is None


def test_cells_png_round_trip(tmp_path):
    cells = np.arange(37 * 41, dtype=np.int32).reshape(37, 41) * 40
    write_cells_png(tmp_path / "a.png", cells, provenance=NOTE, pixel_size=0.1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, cells)
    assert read_provenance(tmp_path / "a.png") == NOTE
    with pytest.raises(LeukocyteError, match="65535"):
        write_cells_png(tmp_path / "b.png", cells + 65536, provenance=NOTE)


@pytest.mark.parametrize(
    ("write", "array", "words"),
    [
        (write_class_png, np.array([[0, 3]]), "0, 1 and 2 only"),
        (write_class_tiff, np.array([[-1, 2]]), "0, 1 and 2 only"),
        (write_class_png, np.zeros((2, 4, 5), np.uint8), "(Y, X)"),
        (write_class_tiff, np.zeros((4, 5)), "integers"),
        (write_class_png, np.zeros((0, 5), np.uint8), "non-empty"),
        (write_cells_tiff, np.array([[-1, 2]]), "positive"),
        (write_cells_tiff, np.array([[2**33]]), "renumber"),
    ],
)
def test_wrong_arrays_are_refused_before_anything_is_written(tmp_path, write, array, words):
    with pytest.raises(LeukocyteError) as caught:
        write(tmp_path / "a.png", array, provenance={})
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_class_png, write_class_tiff, write_cells_png, write_cells_tiff])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, write):
    path = tmp_path / "a.png"
    write(path, CLASSES, provenance=NOTE)
    old = path.read_bytes()

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LeukocyteError, match="no space left"):
        write(path, 2 - CLASSES, provenance=NOTE)
    assert path.read_bytes() == old


def test_provenance_of_a_foreign_file_is_empty(tmp_path):
    Image.fromarray(CLASSES).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", CLASSES, description="made elsewhere")
    assert read_provenance(tmp_path / "a.png") == {}
    assert read_provenance(tmp_path / "a.tif") == {}
    (tmp_path / "b.png").write_text("text")
    with pytest.raises(LeukocyteError, match=r"b\.png"):
        read_provenance(tmp_path / "b.png")


def test_provenance_of_a_damaged_or_too_large_file_is_refused_in_words(tmp_path):
    Image.fromarray(CLASSES).save(tmp_path / "cut.tif", compression="tiff_lzw")
    (tmp_path / "cut.tif").write_bytes((tmp_path / "cut.tif").read_bytes()[:60])
    with pytest.raises(LeukocyteError, match=r"cut\.tif cannot be read"):
        read_provenance(tmp_path / "cut.tif")
    Image.fromarray(CLASSES).save(tmp_path / "large.png")
    for side, refused in ((10_000, False), (30_000, True)):  # Pillow warns of the first, which is no warning of ours
        data = bytearray((tmp_path / "large.png").read_bytes())
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        (tmp_path / "large.png").write_bytes(data)
        if not refused:
            assert read_provenance(tmp_path / "large.png") == {}
            continue
        with pytest.raises(LeukocyteError, match=r"large\.png has too many pixels"):
            read_provenance(tmp_path / "large.png")


def test_what_has_no_place_in_provenance():
    with pytest.raises(TypeError, match="object"):
        provenance_json({"a": object()})
