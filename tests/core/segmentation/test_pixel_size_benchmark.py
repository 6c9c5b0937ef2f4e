import json
import math

import numpy as np
import pytest

from napari_leukocyte.core.synthetic.collection import CollectionParameters, draw_collection
from pixel_size import Measured, drawn, figures, photographs


@pytest.fixture
def collection(tmp_path):
    """Four drawn images as a source of photographs at 5 px/um, two of them in the validation part."""
    list(draw_collection(CollectionParameters(tmp_path, n=4, size=(100, 150), px_per_um=5.0, difficulty=7)))
    names = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "images").iterdir())
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": names[:1], "validation": names[1:3], "test": names[3:]}))
    return tmp_path, split, names


def test_photographs_of_the_part_are_rescaled_and_know_it(collection):
    data, split, names = collection
    fields = list(photographs(data, split, "validation", None, seed=1))
    assert sorted(field.name for field in fields) == names[1:3]
    for field in fields:
        assert 0.5 <= field.factor <= 2
        assert field.px_per_um == pytest.approx(5 * field.factor)
        assert field.read().shape[:2] == (round(100 * field.factor), round(150 * field.factor))
    assert len(list(photographs(data, split, "validation", 1, seed=1))) == 1


def test_drawn_smears_differ_and_come_again():
    first, second = drawn(2, seed=3)
    assert 3 <= first.px_per_um <= 15
    assert first.px_per_um != second.px_per_um
    assert np.array_equal(first.read(), next(drawn(1, seed=3)).read())
    assert not np.array_equal(first.read(), second.read())


def measured(red, white=1.0):
    return Measured("a", "s", f"{red}", 5.0, 1.0, red, white, "estimated from 3 red cells", 0.1, 1.0)


def test_figures():
    ratios = [1.0, 1.1, 1 / 1.1, 1.2, 1.4]
    found = figures([measured(red) for red in ratios])
    assert found["red"]["within_15"][0] == pytest.approx(0.6)
    assert found["red"]["within_30"][0] == pytest.approx(0.8)
    assert found["red"]["median_ratio"] == pytest.approx(1.1)
    assert found["red"]["median_error"][0] == pytest.approx(0.1)
    assert found["white"]["within_15"] == [1, 1, 1]
    low, high = found["red"]["within_15"][1:]
    assert 0 <= low < 0.6 < high <= 1
    # twice too large throughout: all off, with no spread
    twice = figures([measured(2.0), measured(2.0)])["red"]
    assert (twice["within_15"][0], twice["spread_within_15"][0]) == (0, 1)
    assert "white" not in figures([measured(1.0, math.nan)])
