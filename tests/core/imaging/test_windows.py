from itertools import pairwise

import numpy as np
import pytest

from napari_leukocyte.core.imaging.windows import BLOCK, Grid, ramp

SIZES = [1, 2, 63, 64, 65, 128, 129, 511, 512, 513, 576, 577, 960, 961, 1024, 5000]


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("size", SIZES)
def test_weights_sum_to_one_everywhere(size, block):
    spans = Grid((size, 3), block).spans(0)
    total = np.zeros(spans[-1].stop)
    for span in spans:
        total[span.start : span.stop] += ramp(span, block)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert len(total) >= size


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("size", SIZES)
def test_spans_tile_the_axis_and_share_one_block(size, block):
    spans = Grid((3, size), block).spans(1)
    assert spans[0].start == 0
    assert [s.first for s in spans] == [True, *[False] * (len(spans) - 1)]
    assert [s.last for s in spans] == [*[False] * (len(spans) - 1), True]
    assert spans[-1].stop - block < size <= spans[-1].stop  # no window without a pixel of the image
    for span in spans:
        assert span.stop - span.start == span.blocks * block
        assert 1 <= span.blocks <= 8
    for before, after in pairwise(spans):
        assert before.stop - after.start == block
        assert before.blocks == 8
        assert after.blocks >= 2


@pytest.mark.parametrize("scale", [0.1, 0.5, 6 / 10.2, 1.0, 1.9])
def test_a_block_is_64_px_for_the_network(scale):
    block = Grid.over((10, 10), scale).native_block
    assert block * scale == pytest.approx(BLOCK, rel=0.01)


def test_an_extreme_magnification_still_has_a_block():
    assert Grid.over((10, 10), 1000.0).native_block == 1


def test_a_ramp_never_vanishes():
    for span in Grid((30, 3), 3).spans(0):
        assert ramp(span, 3).min() > 0
