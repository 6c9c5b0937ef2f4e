from pathlib import Path

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.pairing import find_maps, pair_maps


@pytest.fixture
def folder(tmp_path):
    def make(name, *files):
        path = tmp_path / name
        path.mkdir()
        for file in files:
            (path / file).touch()
        return path

    return make


def names(folder):
    return {name: [part.name for part in (maps.path, maps.nucleus) if part] for name, maps in find_maps(folder).items()}


def test_the_name_is_the_stem_without_classes(folder):
    found = names(folder("p", "a_classes.png", "b.png", "10.tif", "2.tif", "a_cells.tif", "cells.csv", ".hidden.png"))
    assert found == {"2": ["2.tif"], "10": ["10.tif"], "a": ["a_classes.png"], "b": ["b.png"]}
    assert list(found) == ["2", "10", "a", "b"]


def test_cell_and_nucleus_make_one(folder):
    found = names(folder("t", "a_cell.png", "a_nucleus.tif", "b_cell.png", "c_nucleus.png", "d.png"))
    assert found == {
        "a": ["a_cell.png", "a_nucleus.tif"],
        "b_cell": ["b_cell.png"],
        "c_nucleus": ["c_nucleus.png"],
        "d": ["d.png"],
    }


def test_of_one_name_the_map_is_the_one_that_says_so(folder):
    found = names(folder("p", "a.jpg", "a_classes.png", "b.png", "b_cell.png", "b_nucleus.png"))
    assert found == {"a": ["a_classes.png"], "b": ["b_cell.png", "b_nucleus.png"]}


def test_one_stem_twice_keeps_the_extension_as_results_do(folder):
    truth = folder("t", "a.png", "a.tif", "b.png")
    pairing = pair_maps(truth, {"ours": folder("p", "a.png_classes.png", "a.tif_classes.png", "b_classes.png")})
    assert list(pairing.truths) == ["a.png", "a.tif", "b"]
    assert pairing.predictions["ours"]["a.tif"].path.name == "a.tif_classes.png"
    assert names(folder("q", "a_classes.png", "a_classes.tif")) == {
        "a.png": ["a_classes.png"],
        "a.tif": ["a_classes.tif"],
    }


def test_partners(folder):
    truth = folder("t", "a.png", "b.png", "c.png", "d_classes.png")
    one, two = folder("one", "a.tif", "b_classes.png", "d.png", "x.png"), folder("two", "a.png", "c.png", "d.png")
    pairing = pair_maps(truth, {"one": one, "two": two})
    assert list(pairing.truths) == ["a", "d"]
    assert pairing.truths["d"].path == truth / "d_classes.png"
    assert {method: list(maps) for method, maps in pairing.predictions.items()} == {
        "one": ["a", "d"],
        "two": ["a", "d"],
    }
    assert pairing.without_prediction == {"one": ("c",), "two": ("b",)}
    assert pairing.without_truth == {"one": ("x",), "two": ()}


def test_nothing_to_pair(folder, tmp_path):
    truth, other = folder("t", "a.png"), folder("p", "b_classes.png")
    with pytest.raises(LeukocyteError, match=r"there is b in .*p, and a in .*t\."):
        pair_maps(truth, {"ours": other})
    for missing in (tmp_path / "missing", other / "b_classes.png"):
        with pytest.raises(LeukocyteError, match="is no folder"):
            pair_maps(truth, {"ours": missing})
    with pytest.raises(LeukocyteError, match="no image in the folder"):
        pair_maps(folder("empty", "cells.csv"), {"ours": other})
    assert str(find_maps(truth)["a"]) == str(Path(truth / "a.png"))
