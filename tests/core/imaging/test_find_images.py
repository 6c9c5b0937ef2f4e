import os
import tempfile
from pathlib import Path

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import open_mask
from napari_leukocyte.core.imaging.read import find_images, passed_over, read_image


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


def test_only_labels_beside_their_image_are_results(folder):
    for name in ("blood_cells.png", "blood_cells.tif", "white_cells.tif", "white_classes.tif", "b[1]_cells.tif"):
        (folder / name).touch()
    found = names(find_images(folder))
    assert {"blood_cells.png"} <= set(found)
    assert {"white_cells.tif", "white_classes.tif", "b[1]_cells.tif"}.isdisjoint(found)
    (folder / "blood_cells.png").unlink()
    assert "blood_cells.tif" in names(find_images(folder))  # nothing that it could be the labels of
    assert names(find_images(folder / "blood*")) == ["blood_cells.tif"]


def test_what_is_passed_over_is_counted_and_named(folder):
    for name in ("a.jfif", "a.JPE", "b.gif", "c.svs", "d.jp2", "e", "f.heic", "results.jsonl"):
        (folder / name).touch()
    found = find_images(folder)
    assert {"a.jfif", "a.JPE"} <= set(names(found))
    (_, results), (place, others) = passed_over(folder, found)
    assert results == "4 files of earlier results passed over"
    assert place == str(folder)
    assert others.endswith("read: b.gif, c.svs, d.jp2, e, f.heic and 1 more")
    assert passed_over(folder, found, results=False) == [(place, others)]
    pattern = folder / "?.*"
    assert [words for _, words in passed_over(pattern, find_images(pattern))] == [
        "passed over, no kind of image that is read: b.gif, c.svs, d.jp2, f.heic"
    ]
    assert passed_over([folder / "b.gif", folder / "gone"], []) == []


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


def test_an_empty_folder_is_said_to_be_empty_and_not_to_be_unreadable(tmp_path):
    with pytest.raises(LeukocyteError, match=r"^There is no image in the folder .*\.tiff\)\.$"):
        find_images(tmp_path)


def test_a_name_that_no_file_can_have_is_kept_for_read_image_to_refuse(folder):
    named = [folder / f"{'long' * 99}.png", folder / "cell1.tif" / "a.png", folder / "cell1.tif"]
    assert find_images(named) == named
    with pytest.raises(LeukocyteError, match="No image matches"):
        find_images(folder / f"{'long' * 99}*.png")


@pytest.fixture
def closed():
    """A folder with an image in it that this process may not look into, even as root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("the access rights of Windows are others")
    with tempfile.TemporaryDirectory() as name:  # others may not enter the folder above tmp_path
        folder, root = Path(name), os.geteuid() == 0
        (folder / "a.png").touch()
        folder.chmod(0)
        if root:
            os.seteuid(65534)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_a_folder_without_access_is_said_and_a_file_in_it_kept(closed):
    with pytest.raises(LeukocyteError, match=r"cannot be read \(permission denied\): check its name, its access"):
        find_images(closed)
    file = closed / "a.png"
    assert find_images([file]) == [file]
    with pytest.raises(LeukocyteError, match="No image matches"):
        find_images(closed / "*.png")
    for read in (read_image, open_mask):
        with pytest.raises(LeukocyteError, match=r"a\.png (cannot be read \(permission denied\)|does not exist)"):
            read(file)


def test_odd_names_are_kept_for_read_image_to_refuse(folder):
    for one, other in ("xy", "yx"):
        (folder / f"{one}.png").symlink_to(folder / f"{other}.png")
    odd = [Path("~nobody-of-this-name/a.png"), folder / "x.png"]
    assert find_images(odd) == odd
    for path in odd:
        with pytest.raises(LeukocyteError, match="does not exist"):
            read_image(path)
    with pytest.raises(LeukocyteError, match=r"cannot be read \(.*null.*\)"):
        find_images("a\0.png")


def test_no_input_is_no_image():
    assert find_images([]) == []
