import dask
import dask.array as da
import numpy as np
import pytest
import zarr

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.planes import get_plane, is_colour, plane_count


@pytest.mark.parametrize(
    ("shape", "rgb", "count"),
    [
        ((20, 30), None, 1),
        ((20, 30, 1), None, 1),
        ((20, 30, 3), None, 1),
        ((20, 30, 4), True, 1),
        ((1, 20, 30), None, 1),
        ((12, 20, 30), None, 12),
        ((3, 20, 30), False, 3),
        ((2, 20, 30), False, 2),
        ((20, 30, 3), False, 20),
        ((7, 20, 30, 3), None, 7),
        ((2, 20, 30, 3), None, 2),
        ((1, 20, 30, 3), None, 1),
        ((7, 20, 30, 4), True, 7),
    ],
)
def test_plane_count(shape, rgb, count):
    assert plane_count(shape, rgb=rgb) == count


@pytest.mark.parametrize("shape", [(3, 20, 30), (2, 20, 30), (5, 20, 30), (4, 20, 30), (20, 30, 2), (20, 30, 5)])
def test_two_readings_are_both_named(shape):
    with pytest.raises(LeukocyteError) as caught:
        plane_count(shape)
    message = str(caught.value)
    assert str(shape) in message
    assert "one " in message
    assert "grayscale planes of" in message
    assert "\n" not in message


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 20, 30), (2, 3, 20, 30, 3)])
def test_wrong_number_of_axes(shape):
    with pytest.raises(LeukocyteError, match="shape"):
        plane_count(shape)


def test_rgb_flag_that_cannot_be():
    with pytest.raises(LeukocyteError, match="last axis"):
        is_colour((3, 20, 30), rgb=True)
    assert not is_colour((20, 30), rgb=True)


def test_planes_of_a_stack_are_its_planes():
    stack = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    assert np.array_equal(get_plane(stack, 1), stack[1])
    gray = np.arange(7 * 4 * 6).reshape(7, 4, 6)
    assert np.array_equal(get_plane(gray, 6), gray[6])
    assert get_plane(stack[0], 0).shape == (4, 5, 3)
    assert get_plane(gray[:1], 0).shape == (4, 6)
    for index in (-1, 7):
        with pytest.raises(IndexError):
            get_plane(gray, index)


def test_a_dask_array_of_unknown_size_is_one_sentence():
    array = da.arange(12)
    array = array[array > 5][:, None] * da.ones((1, 8))
    with pytest.raises(LeukocyteError, match=r"not known yet .* compute_chunk_sizes"):
        sources_from_array(array, name="a")


def test_only_the_wanted_plane_of_a_dask_stack_is_computed():
    read = []

    def load(block_info=None):
        read.append(block_info[None]["chunk-location"][0])
        return np.full((1, 4, 5, 3), read[-1], dtype=np.uint8)

    stack = da.map_blocks(load, chunks=((1,) * 6, (4,), (5,), (3,)), dtype=np.uint8, meta=np.empty(0, np.uint8))
    plane = get_plane(stack, 4)
    assert type(plane) is np.ndarray
    assert read == [4]
    assert np.all(plane == 4)


def test_zarr_stack():
    stack = np.arange(6 * 4 * 7, dtype=np.uint16).reshape(6, 4, 7)
    assert np.array_equal(get_plane(zarr.array(stack), 2), stack[2])


def test_a_stack_of_files_of_mixed_sizes_is_one_sentence():
    """As napari's reader makes it: the stack states the shape of its first file."""
    shapes = [(4, 5, 3), (6, 5, 3)]
    stack = da.stack([da.from_delayed(dask.delayed(np.ones)(one), shapes[0], float) for one in shapes])
    assert get_plane(stack, 0).shape == (4, 5, 3)
    with pytest.raises(LeukocyteError, match=r"plane 1, has the shape \(6, 5, 3\), but \(4, 5, 3\) is stated: .* list"):
        get_plane(stack, 1)
