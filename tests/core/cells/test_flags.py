import numpy as np
import pytest
from drawn import clump, disc, rough

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.smear import draw_field

SHAPE = (120, 120)
PX = 5.0


def a_cell(shape=SHAPE, centre=(60, 60), radius=32, nucleus=18):
    classes = disc(shape, centre, radius).astype(np.uint8)
    classes[disc(shape, centre, nucleus)] = 2
    return classes


def flags(classes, cells=None, **options):
    one, *_ = measure_cells(classes, classes > 0 if cells is None else cells, **options)
    return set(one.flags) - {Flag.TOO_COARSE}  # most cells here are, to be quick


def is_too_coarse(classes, **options):
    return Flag.TOO_COARSE in measure_cells(classes, classes > 0, **options)[0].flags


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
    assert flags(a_star()) == {Flag.NO_CYTOPLASM}
    assert flags(a_cell(nucleus=0) > 0) == {Flag.NO_NUCLEUS}
    trace = a_star()
    trace[60, 58:61] = 1
    assert flags(trace) == {Flag.NO_CYTOPLASM}
    # a rim one pixel wide is cytoplasm
    assert flags(a_cell(nucleus=31)) == set()


def a_star(points=7, depth=0.25):
    """A frayed nucleus without cytoplasm."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] - 60
    radius = 32 * (1 - depth * (1 + np.cos(points * np.arctan2(y, x))) / 2)
    return np.where(np.hypot(y, x) <= radius, 2, 0)


@pytest.mark.parametrize("stretch", [1.0, 0.7])
def test_a_smooth_nucleus_without_cytoplasm_is_no_smudge_but_a_rim_that_is_not_resolved(stretch):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] - 60
    oval = np.where(np.hypot(y / stretch, x) <= 32, 2, 0)
    assert flags(oval) == {Flag.RIM_NOT_RESOLVED}
    trace = oval.copy()
    trace[60, 88:91] = 1
    assert flags(trace) == {Flag.RIM_NOT_RESOLVED}
    # a slight waviness frays nothing, a deep one does
    assert flags(a_star(depth=0.06)) == {Flag.RIM_NOT_RESOLVED}


def test_neither_a_cut_nor_a_blurred_nor_a_tiny_nucleus_is_told_to_be_smooth():
    assert flags(a_cell(centre=(60, 20), nucleus=32)) == {Flag.CUT_BY_EDGE, Flag.NO_CYTOPLASM}
    blurred = flags(a_cell(nucleus=32), remarks={1: {Flag.OUT_OF_FOCUS}})
    assert blurred == {Flag.OUT_OF_FOCUS, Flag.NO_CYTOPLASM}
    assert flags(a_cell(nucleus=2, radius=2)) == {Flag.NO_CYTOPLASM}


def test_drawn_smudges_are_frayed():
    frayed = []
    for seed in range(6):
        smear = draw_difficulty(6, seed=seed, size=(240, 240), px_per_um=6)
        own = smear.cells == np.bincount(smear.cells[smear.cells > 0]).argmax()
        frayed.append(Flag.NO_CYTOPLASM in flags(np.where(own, smear.classes, 0), own))
    assert sum(frayed) >= 5


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


def a_pair(reach, radii=(30, 30), *, line=0.5):
    """Two cells whose centres are ``reach`` times the sum of their radii apart: (classes, cells).

    ``line`` is where the labels are cut: 0.5 along the chord, 0 round the second cell, 1 round the first.
    """
    apart = reach * sum(radii)
    shape = (2 * max(radii) + 20, round(sum(radii) + apart) + 20)
    first, second = (shape[0] / 2, 10.0 + radii[0]), (shape[0] / 2, 10 + radii[0] + apart)
    a, b = disc(shape, first, radii[0]), disc(shape, second, radii[1])
    chord = first[1] + (apart**2 + radii[0] ** 2 - radii[1] ** 2) / (2 * apart)
    shared = a & b & ((np.arange(shape[1]) >= chord) if line == 0.5 else line == 0)
    cells = np.where(a & ~shared, 1, np.where(b, 2, 0))
    classes = (cells > 0).astype(int)
    for number, centre, radius in ((1, first, radii[0]), (2, second, radii[1])):
        classes[(cells == number) & disc(shape, centre, radius / 2)] = 2
    return classes, cells


def flags_of_all(classes, cells, **options):
    return [set(one.flags) for one in measure_cells(classes, cells, **options)]


@pytest.mark.parametrize("line", [0, 0.5, 1])
@pytest.mark.parametrize("turn", [0, 1])
def test_cells_that_share_a_tenth_of_their_area_overlap(turn, line):
    # discs share 4 % of their area 0.9 diameters apart, 10 % at 0.8 and 14 % at 0.75
    pressed, over = (tuple(np.rot90(part, turn) for part in a_pair(reach, line=line)) for reach in (0.9, 0.75))
    assert flags_of_all(*pressed) == [{Flag.TOUCHING}] * 2
    assert flags_of_all(*over) == [{Flag.TOUCHING, Flag.OVERLAPPING}] * 2
    assert flags_of_all((over[0] > 0).astype(int), over[1], binary=True) == [{Flag.TOUCHING, Flag.OVERLAPPING}] * 2
    assert all(one.withheld for one in measure_cells(*over))


def test_a_small_cell_withholds_the_cnr_of_a_large_one_only_when_it_covers_a_tenth_of_it():
    beside, on_top = a_pair(0.85, (60, 30), line=0), a_pair(0.5, (60, 30), line=0)
    assert flags_of_all(*beside)[0] == {Flag.TOUCHING}
    assert Flag.OVERLAPPING in flags_of_all(*beside)[1]
    assert Flag.OVERLAPPING in flags_of_all(*on_top)[0] & flags_of_all(*on_top)[1]


def test_neighbours_on_two_sides_are_no_long_line_of_contact():
    classes, cells = a_pair(0.95)
    wider = np.pad(classes, ((0, 0), (60, 0))), np.pad(cells, ((0, 0), (60, 0)))
    third = disc(cells.shape, (cells.shape[0] / 2, 40 - 57), 30)
    wider[1][np.pad(third, ((0, 0), (60, 0)))] = 3
    more = disc(wider[1].shape, (cells.shape[0] / 2, 100 - 57), 30) & (wider[1] == 0)
    wider[1][more], wider[0][more] = 3, 1
    assert flags_of_all(*wider)[0] == {Flag.TOUCHING}


def test_drawn_cells_pressed_together_only_touch():
    for seed in range(8):
        field = draw_field(seed=seed, size=(360, 480), px_per_um=6, n_cells=4)
        found = flags_of_all(field.classes, field.cells, pixel_size=field.pixel_size)
        assert [Flag.TOUCHING in one for one in found] == [False, True, True, False]
        assert not any({Flag.OVERLAPPING, Flag.PLATELET_ATTACHED} & one for one in found)


def with_lump(radius, *, out, classes=None, **cell):
    """A cell with a round lump whose centre lies ``out`` of its radius outside the cell's outline."""
    classes = a_cell(**cell) if classes is None else classes
    classes[disc(SHAPE, (60, 60 + 32 + out * radius), radius) & (classes == 0)] = 1
    return classes


@pytest.mark.parametrize("um", [2.0, 3.0, 4.0])
@pytest.mark.parametrize("out", [0.75, 0.9])
def test_a_round_lump_on_a_narrow_neck_may_be_a_platelet(um, out):
    lumpy = with_lump(PX * um / 2, out=out)
    for turn in range(4):
        turned = np.rot90(lumpy, turn)
        assert flags(turned, pixel_size=1 / PX) == flags(turned) == {Flag.PLATELET_ATTACHED}
        assert flags((turned > 0).astype(int), binary=True) == {Flag.PLATELET_ATTACHED}
    (one,) = measure_cells(lumpy, lumpy > 0)
    assert one.cnr > 0


def test_what_is_no_platelet():
    speck = with_lump(3, out=0.9)
    assert flags(speck) == set()
    lump = with_lump(8, out=0.9)
    assert flags(lump, pixel_size=1 / PX) == {Flag.PLATELET_ATTACHED}
    for known in (1 / 12, 1 / 2.5):  # 1.3 um and 6.4 um across
        assert Flag.PLATELET_ATTACHED not in flags(lump, pixel_size=known)
    lobe = lump.copy()
    lobe[60, 92:104] = 2
    assert flags(lobe) == set()
    cells_in_contact = (lump > 0).astype(int)
    cells_in_contact[:, 93:] *= 2  # the lump is a cell of its own
    assert Flag.PLATELET_ATTACHED not in flags(lump, cells_in_contact)


def with_pseudopod(width, length):
    """A cell with a finger that is as wide at its root as further out, and round at its tip."""
    cell = a_cell(radius=30)
    y, x = np.indices(SHAPE)
    tip = 60 + 30 + length - width / 2
    cell[((abs(y - 60) <= width / 2) & (x > 60) & (x <= tip) | disc(SHAPE, (60, tip), width / 2)) & (cell == 0)] = 1
    return cell


def test_a_pseudopod_is_no_platelet():
    ruffled_flags = []
    for width in (8, 11, 14, 17, 20):
        for length in (6, 9, 12, 16, 20):
            cell = with_pseudopod(width, length)
            assert not any(Flag.PLATELET_ATTACHED in flags(np.rot90(cell, turn)) for turn in range(4))
            ruffled = rough(cell > 0, 1.0, seed=width * length)
            ruffled_flags.append(flags(np.where(ruffled, np.maximum(cell, 1), 0)))
    # noise may pinch a root
    assert sum(Flag.PLATELET_ATTACHED in found for found in ruffled_flags) <= 1


def test_too_coarse_when_a_pixel_moves_the_cnr_by_a_fifth_of_itself():
    assert is_too_coarse(a_cell(radius=15, nucleus=12))
    assert is_too_coarse(np.kron(a_cell(radius=15, nucleus=12), np.ones((2, 2), np.uint8)))
    assert not is_too_coarse(np.kron(a_cell(radius=15, nucleus=12), np.ones((4, 4), np.uint8)))
    assert not is_too_coarse(a_cell(radius=32, nucleus=18))


def test_a_finer_pixel_than_an_outline_is_sure_to_is_judged_for_itself():
    thin = np.kron(a_cell(radius=15, nucleus=12), np.ones((4, 4), np.uint8))
    one, *_ = measure_cells(thin, thin > 0, pixel_size=0.02)  # the range is that of 5 px
    assert one.cnr_high > 1.2 * one.cnr
    assert Flag.TOO_COARSE not in one.flags


def test_a_cell_without_cnr_is_not_too_coarse():
    assert not is_too_coarse(a_cell(radius=12, nucleus=12))
    assert not is_too_coarse((a_cell(radius=6, nucleus=3) > 0).astype(np.uint8), binary=True)
