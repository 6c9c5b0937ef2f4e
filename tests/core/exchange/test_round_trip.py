"""What goes out in a format comes in again: not a pixel, number, mark, flag or type is lost."""

import dataclasses

import numpy as np
import pytest

from napari_leukocyte.core.cells.origin import MAKERS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.formats import MASK_FORMATS
from napari_leukocyte.core.exchange.importing import Imported, find_masks, read_masks
from napari_leukocyte.core.imaging.pixel_size import PixelSize


def round_trip(cell_map, to, folder):
    path = folder / f"a{MASK_FORMATS[to].end}"
    MASK_FORMATS[to].write(cell_map, path)
    (event,) = read_masks(find_masks([folder]))
    assert isinstance(event, Imported), event
    (read,) = event.reads
    assert read.notes == ()
    return read.cell_map


def assert_same(found: CellMap, given: CellMap):
    np.testing.assert_array_equal(found.classes, given.classes)
    np.testing.assert_array_equal(found.cells, given.cells)
    for field in dataclasses.fields(CellMap):
        if field.name not in ("classes", "cells", "provenance"):
            assert getattr(found, field.name) == getattr(given, field.name), field.name
    assert found.provenance.items() >= {k: v for k, v in given.provenance.items() if k != "mode"}.items()
    assert found.segmentation().measure() == given.segmentation().measure() or all(
        repr(a) == repr(b) for a, b in zip(found.measures, given.measures, strict=True)
    )


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_everything_of_random_cells_survives(to, tmp_path, random_cells):
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        given = random_cells(seed, binary=seed % 4 == 3)
        assert_same(round_trip(given, to, folder), given)


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_an_image_without_cells_and_an_estimated_pixel_size_survive(to, tmp_path, random_cells):
    some = random_cells(5, pixel_size=PixelSize(0.1, "estimated from 3 cells", estimated=True, doubt="no red cell"))
    (tmp_path / "some").mkdir()
    assert_same(round_trip(some, to, tmp_path / "some"), some)
    nothing = CellMap("a.png", np.zeros((9, 7), np.uint8), np.zeros((9, 7), np.int32), some.pixel_size)
    (tmp_path / "nothing").mkdir()
    assert_same(round_trip(nothing, to, tmp_path / "nothing"), nothing)


def test_numbers_beyond_16_bits_take_32_and_no_png(tmp_path, random_cells):
    given = random_cells(1)
    given = dataclasses.replace(
        given, cells=np.where(given.cells > 0, given.cells + 2_000_000_000, 0), remarks={}, types={}, beside={}
    )
    for to in MASK_FORMATS:
        (tmp_path / to).mkdir()
        if to == "png":
            with pytest.raises(LeukocyteError, match="TIFF"):
                round_trip(given, to, tmp_path / to)
        else:
            assert_same(round_trip(given, to, tmp_path / to), given)


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_what_gestures_made_is_no_hand_s_after_the_trip(to, tmp_path, random_cells):
    made_with = "gesture 900 px in 2 strokes, brush 20 px in 1 stroke"
    given = dataclasses.replace(random_cells(1), provenance={"made_with": made_with})
    back = round_trip(given, to, tmp_path).segmentation()
    assert set(np.unique(back.makers[back.classes > 0])) == {MAKERS.index("gesture")}
    assert not back.makers[back.classes == 0].any()
