"""Results come back as they were written: maps, labels, marks, types, edits, pixel size, for images and stacks."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record import RECORD
from napari_leukocyte.core.results.reopen import holds_results, saved_folder
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.results.writer import ResultWriter


def result(shift=0, **known):
    classes = np.zeros((30, 60), np.uint8)
    cells = np.zeros((30, 60), np.int32)
    for number, x in ((1, 3 + shift), (4, 33 + shift)):  # numbers with a gap, as after a deletion
        classes[5:25, x : x + 20], cells[5:25, x : x + 20] = 1, number
        classes[10:20, x + 5 : x + 15] = 2
    made = {"model": "default", "model_sha256": "ab", "keep": "all", **PixelSize(0.4, "typed").facts}
    return replace(Segmentation(classes, cells, False, PixelSize(0.4, "typed"), "all", (), made), **known)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("b.png", "a.png")):
        Image.fromarray(np.full((30, 60, 3), 100 + number, np.uint8)).save(folder / name)
    tifffile.imwrite(folder / "stack.tif", np.arange(6 * 30 * 60, dtype=np.uint16).reshape(6, 30, 60))
    return [folder / name for name in ("b.png", "a.png", "stack.tif")]


RESULTS = (
    result(),
    result(1, marks={4: Flag.NOT_A_WBC_SMUDGE}, edited_cells=frozenset({1}), types={1: "lymphocyte"}),
    result(2, unsure_cells=frozenset({4}), blurred_cells=frozenset({1})),
    *(result(i) for i in (3, 4, 5, 6, 7)),
)


@pytest.fixture
def folder(tmp_path, images):
    """Two images and a stack of six, segmented."""
    with ResultWriter(tmp_path / "out", images) as writer:
        for source, own in zip(sources_from_files(images), RESULTS, strict=True):
            writer.add(source, own)
    return tmp_path / "out"


def reopened(folder):
    saved = saved_folder(folder)
    return saved, {one.index: one for one in saved.results()}


def test_what_was_written_comes_back(folder):
    saved, found = reopened(folder)
    assert [source.label for source in saved.sources] == ["b.png", "a.png", *(f"stack.tif [{i}]" for i in range(6))]
    assert sorted(found) == list(range(8))
    for index, before in enumerate(RESULTS):
        after = found[index].result
        np.testing.assert_array_equal(after.classes, before.classes)
        np.testing.assert_array_equal(after.cells, before.cells)
        assert after.measure() == before.measure()
        for name in ("marks", "edited_cells", "types", "unsure_cells", "blurred_cells", "pixel_size", "binary"):
            assert getattr(after, name) == getattr(before, name), name
        assert found[index].problem == ""
    assert holds_results(folder)
    assert not holds_results(folder.parent)


def test_a_map_that_a_hand_changed_comes_back_as_edited(folder):
    classes = np.array(Image.open(folder / "a_classes.png"))
    classes[12:18, 12:18] = 1
    Image.fromarray(classes).save(folder / "a_classes.png")
    _, found = reopened(folder)
    assert "a_classes.png changed since" in found[1].problem
    np.testing.assert_array_equal(found[1].result.classes, classes)
    assert found[1].result.origin.edited
    assert not found[0].result.origin.edited
    assert (found[1].result.makers > 0).any()


def test_one_bad_image_costs_itself(folder, images):
    images[0].unlink()
    (folder / "stack_classes.tif").write_bytes(b"no map")
    saved, found = reopened(folder)
    assert isinstance(saved.sources[0], BrokenImage)
    assert "is not at" in saved.sources[0].reason
    # the images that can be read are counted
    assert next(source.label for source in saved.sources if isinstance(source, ImageSource)) == "a.png"
    assert found[0].result is not None
    assert found[1].result is None
    assert "stack_classes.tif" in found[1].problem


def test_a_folder_moved_with_its_images_finds_them(folder, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("images", "out"):
        (tmp_path / name).rename(moved / name)
    saved, found = reopened(moved / "out")
    assert all(isinstance(source, ImageSource) for source in saved.sources)
    assert len(found) == 8


def test_images_without_results_in_the_same_folder_are_in_the_list(tmp_path, images):
    with ResultWriter(images[0].parent, images[:1]) as writer:
        writer.add(next(iter(sources_from_files(images[:1]))), RESULTS[0])
    saved, found = reopened(images[0].parent)
    assert [source.label for source in saved.sources] == ["b.png", "a.png", *(f"stack.tif [{i}]" for i in range(6))]
    assert list(found) == [0]


def test_a_folder_without_results_is_a_sentence(tmp_path):
    with pytest.raises(LeukocyteError, match="holds no results"):
        saved_folder(tmp_path)
    (tmp_path / RECORD).write_text('{"format": "another"}\n', encoding="utf-8")
    with pytest.raises(LeukocyteError):
        saved_folder(tmp_path)
