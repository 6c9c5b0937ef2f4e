import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import find_images, read_image
from napari_leukocyte.core.results.class_maps import find_class_maps, measure_class_maps
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.names import output_names
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
        made_by = {"model": "default", "model_sha256": f"{i}a" * 32}
        training_set.accept(image, correction(i, pixel_size=0.1, **made_by))
    training_set.accept(image, correction(5))
    training_set.revoke(image, 2)
    events = list(export_masks(training_set, format, tmp_path / "out"))
    assert all(isinstance(event, MaskExported) for event in events)
    assert {path for event in events for path in event.files} == set((tmp_path / "out").iterdir())
    other = TrainingSet.create(tmp_path / "other")
    maps = find_maps(tmp_path / "out")
    list(import_images(other, find_images(tmp_path / "images"), maps, ImportParameters(accept=True)))
    assert other.image_ids() == training_set.image_ids()
    for one in other.image_ids():
        mine, theirs = (each.read_mask(each.current(one)) for each in (training_set, other))
        np.testing.assert_array_equal(mine[0], theirs[0])
        ours, again = training_set.current(one), other.current(one)
        assert (again.facts.model, again.facts.model_sha256) == (ours.facts.model, ours.facts.model_sha256)
        if format == "index":
            np.testing.assert_array_equal(mine[1], theirs[1])


def test_whole_cells_have_no_colour(training_set, tmp_path, pixels, maps, correction):
    classes, cells = maps()
    a, b = (training_set.add_image(pixels(i), name=f"{i}.png") for i in range(2))
    training_set.accept(a, Correction((classes > 0).astype(np.uint8), cells, MaskFacts(whole_cell=True)))
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


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("zheng1-001 (a).png", "zheng1-001 (a)"),
        ("a name of more than forty letters, Zellen ä.1.tif", "a name of more than forty letters, Zellen ä.1"),
        ("smear .png", "smear "),
        ('a:b? "1".png', "a_b_ _1_"),
        ("stack.tif [1]", "stack [1]"),
    ],
)
def test_files_have_the_name_of_their_image(training_set, tmp_path, pixels, correction, name, stem):
    training_set.accept(training_set.add_image(pixels(), name=name), correction())
    for format, end in (("rgb", ""), ("index", "_classes"), ("cell-nucleus", "_nucleus")):
        list(export_masks(training_set, format, tmp_path / format))
        assert f"{stem}{end}.png" in {path.name for path in (tmp_path / format).iterdir()}
        assert set(find_maps(tmp_path / format)) == {stem}
    if "?" not in name and "[" not in name:  # what no other system takes, or a plane, which segment keeps in its stack
        (segmented,) = output_names([Path(name)]).values()
        assert segmented.stem == stem


@pytest.mark.parametrize("name", ["..", ".hidden.png", "CON.png", "com1.x.png", "x" * 300, "ä" * 130 + ".png"])
def test_a_name_that_no_file_can_have_becomes_the_id(training_set, tmp_path, pixels, correction, name):
    image = training_set.add_image(pixels(), name=name)
    training_set.accept(image, correction())
    (event,) = export_masks(training_set, "index", tmp_path / "out")
    assert [path.name for path in event.files] == [f"{image}_classes.png", f"{image}_cells.tif"]


def test_an_image_that_has_the_id_of_another_as_its_name_does_not_replace_its_mask(
    training_set, tmp_path, pixels, correction
):
    ids = [training_set.add_image(pixels(i), name=name) for i, name in enumerate(("a.png", "A.tif"))]
    ids.append(training_set.add_image(pixels(2), name=f"{ids[0]}.png"))
    for one in ids:
        training_set.accept(one, correction())
    list(export_masks(training_set, "rgb", tmp_path / "out"))
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(ids)


def test_what_is_marked_of_cells_goes_along(training_set, tmp_path, pixels, correction):
    marks = {300: frozenset({Flag.NOT_A_WBC_SMUDGE, Flag.EDITED}), 3: frozenset({Flag.LOW_CONFIDENCE})}
    training_set.accept(training_set.add_image(pixels(), name="a.png"), correction(remarks=marks))
    list(export_masks(training_set, "index", tmp_path / "out"))
    (measured,) = measure_class_maps(find_class_maps([tmp_path / "out"]))
    flags = {one.cell: set(one.flags) for one in measured.measures}
    assert {cell: marks[cell] - own for cell, own in flags.items()} == {3: set(), 300: set()}
    assert [math.isnan(one.cnr) for one in measured.measures] == [False, True]
    Image.fromarray(pixels()).save(tmp_path / "a.png")
    other = TrainingSet.create(tmp_path / "other")
    list(import_images(other, [tmp_path / "a.png"], find_maps(tmp_path / "out"), ImportParameters(accept=True)))
    assert other.current(other.image_ids()[0]).facts.remarks == marks


@pytest.mark.parametrize("format", ["rgb", "index", "cell-nucleus"])
@pytest.mark.parametrize(("source", "resolution"), [("estimated from 2 cells", None), ("typed", 0.1)])
def test_an_estimated_pixel_size_does_not_become_a_measured_one(
    training_set, tmp_path, pixels, correction, format, source, resolution
):
    image = training_set.add_image(pixels(), name="a.png")
    training_set.accept(image, correction(pixel_size=0.1, pixel_size_source=source))
    (event,) = export_masks(training_set, format, tmp_path / "out")
    for path in event.files:
        stated = read_provenance(path)
        assert (stated["pixel_size_um"], stated["pixel_size_source"]) == ("0.1", source)
        size = read_image(path).pixel_size
        assert size is None if resolution is None else size == pytest.approx(resolution, rel=1e-4)
    (measured, *_) = measure_class_maps(find_class_maps([tmp_path / "out"]))
    assert (measured.pixel_size.um, measured.pixel_size.source) == (pytest.approx(0.1), source)
    assert measured.pixel_size.estimated == (resolution is None)
    assert measured.pixel_size.for_areas == (None if resolution is None else pytest.approx(resolution, rel=1e-4))
    assert all(math.isnan(one.cytoplasm_um2) is (resolution is None) for one in measured.measures)


def test_nothing_to_export_is_told(training_set, tmp_path, pixels):
    training_set.add_image(pixels(), name="a.png")
    with pytest.raises(LeukocyteError, match="no accepted mask yet"):
        list(export_masks(training_set, "index", tmp_path / "out"))
    assert not (tmp_path / "out").exists()
