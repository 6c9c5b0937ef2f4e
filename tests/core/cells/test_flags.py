import numpy as np
import pytest
from drawn import clump, disc

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells

SHAPE = (120, 120)
PX = 5.0


def a_cell(shape=SHAPE, centre=(60, 60), radius=32, nucleus=18):
    classes = disc(shape, centre, radius).astype(np.uint8)
    classes[disc(shape, centre, nucleus)] = 2
    return classes


def flags(classes, cells=None, **options):
    one, *_ = measure_cells(classes, classes > 0 if cells is None else cells, **options)
    return set(one.flags)


def test_every_flag_has_words_and_only_the_withholding_say_no_cnr():
    for flag in Flag:
        assert flag.words.endswith((".", "?"))
        assert flag.words.startswith("No CNR") == flag.withholds
        assert not set(";,") & set(flag)


def test_a_plain_cell_has_none():
    assert flags(a_cell(), pixel_size=1 / PX) == set()


@pytest.mark.parametrize("centre", [(20, 60), (60, 20), (99, 60), (60, 99), (31, 60), (60, 88)])
def test_cut_by_edge(centre):
    assert Flag.CUT_BY_EDGE in flags(a_cell(centre=centre))


def test_one_pixel_from_the_edge_is_not_cut():
    assert flags(a_cell(centre=(33, 60))) == set()


def test_no_cytoplasm_and_no_nucleus():
    assert flags(a_cell(nucleus=32)) == {Flag.NO_CYTOPLASM}
    assert flags(a_cell(nucleus=0) > 0) == {Flag.NO_NUCLEUS}
    trace = a_cell(nucleus=32)
    trace[60, 28:31] = 1
    assert flags(trace) == {Flag.NO_CYTOPLASM}
    # a rim one pixel wide is cytoplasm
    assert flags(a_cell(nucleus=31)) == set()


def test_binary_maps_get_no_flag_about_nuclei():
    assert flags(a_cell() > 0, binary=True) == set()


def test_touching_counts_corners_and_only_labelled_neighbours():
    classes = np.zeros((12, 12), int)
    classes[2:5, 2:5] = 1
    classes[3, 3] = 2
    cells = (classes > 0).astype(int)
    classes[5, 5] = 1
    assert Flag.TOUCHING not in flags(classes, cells)
    cells[5, 5] = 2
    assert Flag.TOUCHING in flags(classes, cells)


def test_hole_and_indent():
    hole = a_cell()
    hole[disc(SHAPE, (60, 84), 4)] = 0
    assert flags(hole) == {Flag.HOLE_OR_INDENT}
    indent = a_cell()
    indent[56:65, 79:] = 0
    assert flags(indent) == {Flag.HOLE_OR_INDENT}
    dent = a_cell()
    dent[56:65, 89:] = 0
    assert flags(dent) == set()


def test_the_bay_that_a_neighbour_fills_is_no_indent():
    classes, cells = a_cell(), (a_cell() > 0).astype(int)
    cells[56:65, 79:] *= 2
    assert flags(classes, cells) == {Flag.TOUCHING}


@pytest.mark.parametrize("lobes", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("px_per_um", [5, 10])
def test_normal_lobes_are_not_far_apart(lobes, px_per_um):
    classes, _ = clump([(0, 0)], [7.0], [lobes], px_per_um=px_per_um)
    assert flags(classes, pixel_size=1 / px_per_um) == set()


def test_two_nuclei_far_apart_only_with_a_pixel_size():
    classes = a_cell(radius=50, nucleus=0)
    classes[disc(SHAPE, (60, 30), 12) | disc(SHAPE, (60, 90), 12)] = 2
    assert flags(classes, pixel_size=1 / PX) == {Flag.NUCLEI_FAR_APART}
    assert flags(classes) == set()
    # a chain of lobes between them makes it one nucleus
    classes[disc(SHAPE, (60, 60), 8)] = 2
    assert flags(classes, pixel_size=1 / PX) == set()


def test_very_small_only_with_a_pixel_size():
    speck = a_cell(radius=11, nucleus=5)
    assert flags(speck, pixel_size=1 / PX) == {Flag.VERY_SMALL}
    assert flags(speck, pixel_size=1 / 2.0) == set()
    assert flags(speck) == set()
