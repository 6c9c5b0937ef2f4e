"""Outlines along the edges of pixels, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_leukocyte.core.exchange.outlines import fill_rings, outlines_of

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(masks, st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_the_outlines_of_any_mask_fill_to_the_same_mask(mask, offset):
    shape = (mask.shape[0] + offset[0], mask.shape[1] + offset[1])
    filled = np.zeros(shape, int)
    for outline in outlines_of(mask, offset=offset):
        filled += fill_rings(outline.rings, shape)
    np.testing.assert_array_equal(filled[offset[0] :, offset[1] :], mask)
    assert filled.sum() == mask.sum()


@given(masks)
def test_no_ring_touches_itself_and_each_turns_at_every_corner(mask):
    for outline in outlines_of(mask):
        for ring in outline.rings:
            corners = [tuple(corner) for corner in ring.tolist()]
            assert len(set(corners)) == len(corners)
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps != 0).sum(axis=1) == 1).all()  # along an edge
            assert ((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0)).all()


def test_a_slanted_polygon_fills_the_pixels_whose_centres_it_holds():
    """A triangle, partly outside the image."""
    filled = fill_rings([[(-2, 0), (4, 0), (-2, 6)]], (5, 5))
    y, x = np.mgrid[:5, :5] + 0.5
    np.testing.assert_array_equal(filled, x + y < 4)
