import numpy as np
import pytest

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
