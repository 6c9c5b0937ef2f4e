import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.stroke import KINDS, Stroke, covered


def test_one_point_is_a_click():
    assert Stroke("cell", (3, 4)).is_click
    assert Stroke("cell", [(3, 4)]).line.tolist() == [[3, 4]]
    assert not Stroke("cell", [(3, 4), (5, 6)]).is_click


def test_the_points_cannot_be_changed_afterwards():
    points = np.array([[3.0, 4.0]])
    stroke = Stroke("cell", points)
    points[0, 0] = 9
    assert stroke.line[0, 0] == 3
    with pytest.raises(ValueError, match="read-only"):
        stroke.line[0, 0] = 9


@pytest.mark.parametrize("points", [[], [1], [[1, 2, 3]], "here", [[1, np.nan]], [[1], [2, 3]], None, [["a", "b"]]])
def test_points_that_are_none(points):
    with pytest.raises(LeukocyteError, match="rows and columns"):
        Stroke("cell", points)


@pytest.mark.parametrize("radius", [-1, 101, np.nan, "wide", None, [2]])
def test_a_radius_that_is_none(radius):
    with pytest.raises(LeukocyteError, match="radius"):
        Stroke("cell", (1, 2), radius)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(LeukocyteError, match="eosinophil") as caught:
        Stroke("eosinophil", (1, 2))
    assert all(kind in str(caught.value) for kind in KINDS)


def test_a_click_covers_a_disc():
    y, x = np.indices((20, 30))
    assert np.array_equal(covered([(8, 11)], 3, (20, 30)), np.hypot(y - 8, x - 11) <= 3)


def test_a_line_is_covered_without_gaps():
    assert covered([(5, 5), (5, 25)], 0, (20, 30))[5, 5:26].all()
    assert covered([(2, 3), (17, 26)], 2, (20, 30))[2, 3]
    y, x = np.indices((20, 30))
    along = np.abs((x - 3) * 15 - (y - 2) * 23) / np.hypot(15, 23)
    inside = (along <= 1.7) & (x > 4) & (x < 25)
    assert covered([(2, 3), (17, 26)], 2, (20, 30))[inside].all()


def test_what_lies_off_the_image_is_left_out():
    assert covered([(-40, 5)], 2, (10, 10)).sum() == 0
    assert covered([(-1, 5)], 2, (10, 10)).sum() == 4  # three in the first row, one in the second
