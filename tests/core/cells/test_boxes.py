import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte.core.cells import boxes
from napari_leukocyte.core.cells.boxes import boxes_by_number, in_plane, within


@pytest.mark.parametrize("small", [0, 2**21], ids=["large", "small"])
def test_boxes_are_those_of_the_numbers_wherever_they_lie(small, monkeypatch):
    monkeypatch.setattr(boxes, "_SMALL_PX", small)
    rng = np.random.default_rng(0)
    for _ in range(100):
        labels = np.zeros((12, 15), np.int32)
        for number in rng.choice(9, 4):
            y, x = rng.integers(0, 11), rng.integers(0, 14)
            labels[y : y + rng.integers(1, 6), x : x + rng.integers(1, 6)] = number
        found = boxes_by_number(labels)
        expected = {n: box for n, box in enumerate(ndimage.find_objects(labels), start=1) if box is not None}
        assert found == expected
        assert list(found) == list(expected)


def test_of_nothing_there_is_no_box():
    assert boxes_by_number(np.zeros((3, 4), np.int32)) == {}


def test_a_box_of_an_area_is_found_in_the_plane_and_back():
    area, box = (slice(4, 9), slice(9, 12)), (slice(5, 7), slice(9, 10))
    assert in_plane(within(box, area), area) == box
