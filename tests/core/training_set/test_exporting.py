import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.scoring.pairing import find_maps
from napari_leukocyte.core.training_set.exporting import ExportFailed, MaskExported, export_masks
from napari_leukocyte.core.training_set.importing import ImportParameters, import_images
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet


@pytest.mark.parametrize("format", ["rgb", "index", "cell-nucleus"])
def test_what_is_exported_can_be_imported_again(training_set, tmp_path, pixels, correction, format):
    (tmp_path / "images").mkdir()
    for i in range(3):
        Image.fromarray(pixels(i)).save(tmp_path / "images" / f"smear {i}.png")
        image = training_set.add_image(pixels(i), name=f"smear {i}.png")
        training_set.accept(image, correction(i, pixel_size=0.1))
    training_set.accept(image, correction(5))
    training_set.revoke(image, 2)
    events = list(export_masks(training_set, format, tmp_path / "out"))
    assert all(isinstance(event, MaskExported) for event in events)
    assert {path for event in events for path in event.files} == set((tmp_path / "out").iterdir())
    other = TrainingSet.create(tmp_path / "other")
    maps = {name.replace("_", " "): paths for name, paths in find_maps(tmp_path / "out").items()}
    list(import_images(other, find_images(tmp_path / "images"), maps, ImportParameters(accept=True)))
    assert other.image_ids() == training_set.image_ids()
    for one in other.image_ids():
        mine, theirs = (each.read_mask(each.current(one)) for each in (training_set, other))
        np.testing.assert_array_equal(mine[0], theirs[0])
        if format == "index":
            np.testing.assert_array_equal(mine[1], theirs[1])


def test_whole_cells_have_no_colour(training_set, tmp_path, pixels, maps, correction):
    classes, cells = maps()
    a, b = (training_set.add_image(pixels(i), name=f"{i}.png") for i in range(2))
    training_set.accept(a, Correction((classes > 0).astype(np.uint8), cells, whole_cell=True))
    training_set.accept(b, correction())
    first, second = export_masks(training_set, "rgb", tmp_path / "rgb")
    assert isinstance(first, ExportFailed)
    assert "0.png knows only whole cells" in first.reason
    assert isinstance(second, MaskExported)
    first, second = export_masks(training_set, "cell-nucleus", tmp_path / "bw")
    assert [path.name for path in first.files] == ["0_cell.png"]
    assert [path.name for path in second.files] == ["1_cell.png", "1_nucleus.png"]


def test_names_that_are_equal_become_ids(training_set, tmp_path, pixels, correction):
    ids = [training_set.add_image(pixels(i), name=name) for i, name in enumerate(("a.png", "A.tif", "b.png"))]
    for one in ids:
        training_set.accept(one, correction())
    list(export_masks(training_set, "rgb", tmp_path / "out"))
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {*ids[:2], "b"}


def test_nothing_to_export_is_told(training_set, tmp_path, pixels):
    training_set.add_image(pixels(), name="a.png")
    with pytest.raises(LeukocyteError, match="no accepted mask yet"):
        list(export_masks(training_set, "index", tmp_path / "out"))
    assert not (tmp_path / "out").exists()
