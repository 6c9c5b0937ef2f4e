from pathlib import Path

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import find_images


@pytest.fixture
def folder(tmp_path):
    for name in (
        "cell10.png",
        "cell2.PNG",
        "cell1.tif",
        "b[1].jpg",
        ".hidden.png",
        "cell2_classes.png",
        "cell2_cells.tif",
        "cells.csv",
        "notes.txt",
    ):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "deep.png").touch()
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_folder(folder):
    assert names(find_images([folder])) == ["b[1].jpg", "cell1.tif", "cell2.PNG", "cell10.png"]
    assert find_images(str(folder)) == find_images([folder])


def test_outputs_can_be_asked_for(folder):
    assert names(find_images(folder / "*_classes.png", skip_stems=())) == ["cell2_classes.png"]
    assert names(find_images(folder, skip_stems=["_cells"]))[-2:] == ["cell2_classes.png", "cell10.png"]
    assert names(find_images(folder, suffixes=[".csv"])) == ["cells.csv"]


def test_glob(folder):
    assert names(find_images([str(folder / "cell*")])) == ["cell1.tif", "cell2.PNG", "cell10.png"]
    assert names(find_images([str(folder / "**" / "*.png")])) == ["cell10.png", "deep.png"]


def test_a_named_file_is_kept_even_when_it_is_missing_or_no_image(folder):
    named = [folder / "notes.txt", folder / "missing.png", folder / "b[1].jpg", folder / "cell2_classes.png"]
    assert find_images(named) == named


def test_each_file_once_in_the_order_given(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = find_images(["cell10.png", folder / "cell1.tif", ".", folder / "sub" / ".." / "cell10.png"])
    assert names(found) == ["cell10.png", "cell1.tif", "b[1].jpg", "cell2.PNG"]
    assert found[0] == Path("cell10.png")


@pytest.mark.parametrize("pattern", ["sub2", "*.bmp", "*_classes.png"])
def test_nothing_found_is_an_error(folder, pattern):
    (folder / "sub2").mkdir()
    with pytest.raises(LeukocyteError, match="o image"):
        find_images([folder / pattern])


def test_no_input_is_no_image():
    assert find_images([]) == []
