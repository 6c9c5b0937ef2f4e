import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_leukocyte.core import packed
from napari_leukocyte.core.packed import Packed


def map_of(dtype, shape=(70, 91)):
    rng = np.random.default_rng(0)
    array = np.zeros(shape, dtype)
    array[20:50, 30:60] = rng.integers(0, np.iinfo(dtype).max, (30, 30), dtype=dtype, endpoint=True)
    return array


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
@pytest.mark.parametrize("shape", [(70, 91), (1, 1), (3, 70, 91)])
def test_what_was_put_away_comes_back_whole_and_can_be_written_to(dtype, shape):
    array = np.zeros(shape, dtype)
    array.reshape(-1)[::3] = np.iinfo(dtype).max
    one = Packed(array.copy())
    one.pack()
    np.testing.assert_array_equal(one.array, array)
    assert one.array.dtype == dtype
    one.array.reshape(-1)[0] = 7
    one.pack()
    assert one.array.reshape(-1)[0] == 7


def test_a_map_that_is_put_away_takes_little():
    one = Packed(np.where(map_of(np.uint8, (480, 480)) > 0, 5, 0).astype(np.int32))
    assert one.nbytes == 480 * 480 * 4
    one.pack()
    assert one.nbytes < 1000


@pytest.mark.parametrize("away", [True, False])
def test_a_snapshot_stays_as_it_was(away):
    array = map_of(np.int32)
    one = Packed(array.copy())
    if away:
        one.pack()
    copy = one.snapshot()
    one.array[:] = 3
    np.testing.assert_array_equal(copy.array, array)
    copy.array[:] = 4
    assert (one.array == 3).all()


def test_a_very_large_map_stays_and_its_snapshot_is_a_copy(monkeypatch):
    monkeypatch.setattr(packed, "_LARGEST_PX", 10)
    one = Packed(map_of(np.uint8))
    one.pack()
    assert one.nbytes == one.array.nbytes
    copy = one.snapshot()
    one.array[:] = 3
    np.testing.assert_array_equal(copy.array, map_of(np.uint8))


MAPS = st.sampled_from([np.uint8, np.int32, np.int64]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(max_dims=3, min_side=0, max_side=12))
)
KINDS = {
    "as it is": lambda array: array,
    "empty": lambda array: array * 0,
    "full": lambda array: array | 1,
    "turned": lambda array: array.T,
    "backwards": lambda array: array[::-1],
    "every second": lambda array: array[..., ::2],
}


@given(array=MAPS, kind=st.sampled_from(sorted(KINDS)), away=st.booleans())
def test_a_pickle_gives_the_map_back_and_leaves_it(array, kind, away):
    expected = KINDS[kind](array)
    one = Packed(KINDS[kind](array.copy()))
    if away:
        one.pack()
    back = pickle.loads(pickle.dumps(one))
    assert (back.shape, back.dtype) == (expected.shape, expected.dtype)
    for found in (back.array, one.array):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    back.array[...] = 3
    np.testing.assert_array_equal(one.array, expected)


def test_a_pickle_is_as_small_as_what_is_put_away_whatever_the_size_of_the_map(monkeypatch):
    monkeypatch.setattr(packed, "_LARGEST_PX", 10)
    one = Packed(np.where(map_of(np.uint8, (480, 480)) > 0, 5, 0).astype(np.int32))
    pickled = pickle.dumps(one)
    assert len(pickled) < 1000
    assert pickle.loads(pickled).nbytes < 1000
    assert one.nbytes == 480 * 480 * 4  # whoever works on it goes on
