"""Outlines moved in half pixels: there and back is the same map, nothing else moves, likely pixels come first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_leukocyte.core.interactive.grow import begin_growth, growth_of
from napari_leukocyte.core.interactive.session import GestureSession
from napari_leukocyte.core.synthetic.smear import draw_field

SHAPE = (90, 100)
WHOLE = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))


def scene(seed=0):
    """A cell with a nucleus beside another, and what a network might say: anything, but smooth."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    classes = np.zeros(SHAPE, np.uint8)
    cells = np.zeros(SHAPE, np.int32)
    for number, (cy, cx) in ((3, (45, 38)), (8, (45, 74))):
        away = np.hypot(y - cy, x - cx)
        own = (away < 17) & (cells == 0)
        cells[own], classes[own] = number, np.where(away[own] < 8, 2, 1)
    rng = np.random.default_rng(seed)
    p = np.exp(ndimage.gaussian_filter(rng.normal(size=(3, *SHAPE)), (0, 6, 6)) * 30)
    return classes, cells, (p / p.sum(axis=0)).astype(np.float32)


@settings(max_examples=30)
@given(
    walk=st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=14),
    seed=st.integers(0, 20),
    part=st.sampled_from(["cell", "nucleus"]),
)
def test_where_an_outline_is_depends_on_the_number_of_steps_alone(walk, seed, part):
    classes, cells, p = scene(seed)
    growth = growth_of(classes.copy(), cells.copy(), p, cell=3, part=part, box=WHOLE)
    now, labels, steps, seen = classes.copy(), cells.copy(), 0, {0: classes.copy()}
    for by in walk:
        found = growth.step(now, labels, by)
        if found is None:  # it has come to an end
            continue
        steps += by
        now, labels = found
        assert np.array_equal(seen.setdefault(steps, now), now)
        assert np.array_equal(labels > 0, now > 0)
        # others keep their pixels, and a nucleus stays in its cell
        assert np.array_equal(labels == 8, cells == 8)
        assert np.array_equal(now[cells == 8], classes[cells == 8])
        if part == "nucleus":
            assert np.array_equal(labels, cells)
    for more, less in ((a, b) for a in seen for b in seen if a > b):
        grown, before = (np.isin(seen[i], (2,) if part == "nucleus" else (1, 2)) for i in (more, less))
        assert (grown | ~before).all()  # one lies within the other


def test_without_an_opinion_two_steps_are_a_ring_of_one_pixel():
    classes, cells, p = scene()
    growth = growth_of(classes, cells, np.full_like(p, 1 / 3), cell=3, part="nucleus", box=WHOLE)
    nucleus = classes == 2
    own = cells == 3
    for steps, ring in ((2, 1), (6, 3), (-4, -2)):
        got = (growth.at(steps)[0] == 2) & own
        inside = ndimage.distance_transform_edt(nucleus & own) - ndimage.distance_transform_edt(~(nucleus & own))
        plain = (inside > -ring - 0.5) & own if ring > 0 else inside > -ring + 0.5
        assert (got & plain).sum() / (got | plain).sum() > 0.93
        assert abs(got.sum() - plain.sum()) < 0.06 * plain.sum()


def test_what_is_likely_is_taken_in_first():
    classes, cells, p = scene()
    likely = np.zeros(SHAPE, bool)
    likely[:45] = True  # the cell goes on upwards only
    p[0] = np.where(likely, 0.02, 0.98)
    p[1], p[2] = 1 - p[0], 0
    growth = growth_of(classes, cells, p, cell=3, part="cell", box=WHOLE)
    gained = (growth.at(4)[1] == 3) & (cells == 0)
    assert gained.sum() > 100
    assert (gained & likely).sum() > 0.85 * gained.sum()
    lost = (growth.at(-4)[1] == 0) & (cells == 3)
    assert (lost & ~likely).sum() > 0.85 * lost.sum()


def test_a_map_that_was_changed_in_another_way_is_not_gone_on_with():
    classes, cells, p = scene()
    growth = growth_of(classes.copy(), cells.copy(), p, cell=3, part="cell", box=WHOLE)
    now, labels = growth.step(classes, cells, 1)
    assert growth.where(classes, cells) == 0  # as after an undo
    assert growth.where(now, labels) == 1
    now[1, 1], labels[1, 1] = 1, 9
    assert growth.where(now, labels) is None
    assert growth.step(now, labels, 1) is None


def test_an_outline_is_not_shrunk_to_nothing():
    classes, cells, p = scene()
    growth = growth_of(classes, cells, p, cell=3, part="nucleus", box=WHOLE)
    ends = [steps for steps in range(-60, 0) if growth.at(steps) is not None]
    assert ((growth.at(min(ends))[0] == 2) & (cells == 3)).sum() >= 0.1 * ((classes == 2) & (cells == 3)).sum()
    assert growth.at(-60) is None


@pytest.mark.parametrize("part", ["cell", "nucleus"])
def test_an_outline_that_is_too_tight_grows_towards_the_true_one(part):
    field = draw_field(seed=2, size=(260, 330), px_per_um=5, n_cells=6)
    session = GestureSession(field.image, pixel_size=0.2)
    own = field.cells == 2
    inside = own if part == "cell" else own & (field.classes == 2)
    tight = ndimage.binary_erosion(inside, iterations=3)
    classes, cells = field.classes.copy(), field.cells.copy()
    if part == "cell":
        classes[own & ~tight], cells[own & ~tight] = 0, 0
    else:
        classes[inside & ~tight] = 1
    rows, columns = np.nonzero(cells == 2)
    extent = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    growth = begin_growth(session, classes, cells, 2, part, extent)

    def agreement(steps):
        found = growth.at(steps)
        assert found is not None
        now = (found[1] == 2) & ((found[0] == 2) | (part == "cell"))
        return (now & inside[growth.box]).sum() / (now | inside[growth.box]).sum()

    assert agreement(6) > 0.93 > agreement(0)
