"""What is read by blocks is what is there, and areas are one whatever border crosses them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_leukocyte.core.slides.blocks import Blocks
from napari_leukocyte.core.slides.components import find_components
from napari_leukocyte.core.slides.tiles import Tile, Tiles

part = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: slice(min(pair), max(pair) + 1))


@given(st.lists(st.tuples(part, part, st.booleans()), max_size=12), st.integers(1, 17))
def test_blocks_read_and_write_as_an_array_does(steps, side):
    """Few blocks are kept, so that some are written and read again."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 99, (37, 29), np.int32)
    store = truth.copy()
    blocks = Blocks(store, side=side, most=0)
    for rows, columns, write in steps:
        values = truth[rows, columns]
        if write:
            mask = rng.random(values.shape) < 0.5
            new = rng.integers(100, 200, values.shape).astype(np.int32)
            blocks.put((rows, columns), mask, new)
            truth[rows, columns] = np.where(mask, new, values)
        assert np.array_equal(blocks[rows, columns], truth[rows, columns])
    blocks.flush()
    assert np.array_equal(store, truth)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.2, 0.7))
def test_areas_over_borders_are_those_of_the_whole(seed, side, full):
    codes = (np.random.default_rng(seed).random((23, 31)) < full).astype(np.uint8)
    tiles = [
        Tile((i // side, j // side), slice(i, min(i + side, 23)), slice(j, min(j + side, 31)))
        for i in range(0, 23, side)
        for j in range(0, 31, side)
    ]
    found = find_components(codes, tiles)
    labels, count = ndimage.label(codes, structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    assert len(found) == count
    for one in found:
        number = labels[one.first]
        rows, columns = boxes[number - 1]
        assert (one.top, one.bottom, one.left, one.right) == (rows.start, rows.stop, columns.start, columns.stop)
        assert one.area == np.count_nonzero(labels == number)
        assert one.first == tuple(int(k[0]) for k in np.nonzero(labels == number))


@given(st.integers(50, 4000), st.integers(50, 4000), st.floats(0.4, 2), st.integers(1, 5), st.integers(0, 99))
def test_tiles_cover_what_is_looked_at_once(height, width, scale, windows, seed):
    wanted = np.random.default_rng(seed).random((5, 6)) < 0.3
    tiles = Tiles((height, width), scale=scale, wanted=wanted, reach=20, windows=windows)
    covered = np.zeros((height, width), np.uint8)
    for tile in tiles.tiles():
        covered[tile.rows, tile.columns] += 1
    assert covered.max(initial=0) <= 1
    for row in tiles.spans[0]:
        for column in tiles.spans[1]:
            if tiles.seen(row, column):  # all of what it decides, also together with its neighbours
                inside = covered[row.start : row.start + tiles.grid.step, column.start : column.start + tiles.grid.step]
                assert inside.all()
    down, across = height / 5, width / 6
    for i, j in zip(*np.nonzero(wanted), strict=True):  # no place that counts is left out
        y, x = int((i + 0.5) * down), int((j + 0.5) * across)
        assert covered[min(y, height - 1), min(x, width - 1)]
