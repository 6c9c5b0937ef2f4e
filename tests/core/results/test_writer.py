import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.results.class_maps import MapMeasured, measure_class_maps
from napari_leukocyte.core.results.remarks import read_remarks
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.results.writer import ResultWriter

NAME = Path("smear")


def writer_in(folder):
    return ResultWriter(folder, [NAME], contents={NAME: ""})


def two_cells(**changes):
    classes = np.zeros((30, 60), np.uint8)
    cells = np.zeros((30, 60), np.int32)
    for number, x in ((1, 5), (2, 35)):
        classes[5:25, x : x + 20], cells[5:25, x : x + 20] = 1, number
        classes[10:20, x + 5 : x + 15] = 2
    result = Segmentation(classes, cells, False, PixelSize(0.4, "typed"), "all", (), {"model": "by hand"})
    return replace(result, **changes)


def sources(planes=1):
    shape = (30, 60) if planes == 1 else (planes, 30, 60)
    return sources_from_array(np.zeros(shape, np.uint8), name="smear", rgb=False)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_edited_maps_and_marks_are_what_is_written(tmp_path):
    edited = two_cells()
    edited = replace(edited, classes=edited.classes.copy(), cells=edited.cells.copy())
    edited.classes[12:18, 12:18] = 1
    marked = measure_cells(
        edited.classes, edited.cells, pixel_size=0.4, remarks={1: {Flag.EDITED}, 2: {Flag.NOT_A_WBC_PLATELET}}
    )
    with writer_in(tmp_path) as writer:
        writer.add(sources()[0], edited, measures=marked)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "smear_classes.png")), edited.classes)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "smear_cells.tif"), edited.cells)
    said = read_provenance(tmp_path / "smear_cells.tif")
    assert (said["not_a_wbc"], said["edited"], said["model"]) == ("2 platelet", "1", "by hand")
    assert read_remarks(said) == {1: {Flag.EDITED}, 2: {Flag.NOT_A_WBC_PLATELET}}
    first, second = rows(tmp_path / "cells.csv")
    assert (first["flags"], first["nucleus_px"]) == ("too_coarse;edited", "64")
    assert (second["flags"], second["cnr"]) == ("not_a_wbc_platelet", "")
    assert (writer.images, writer.cells) == (1, 2)


def test_types_are_in_the_table_and_come_back_with_the_labels(tmp_path):
    with writer_in(tmp_path) as writer:
        writer.add(sources()[0], two_cells(types={2: "lymphocyte", 9: "blast"}))
    assert [row["type"] for row in rows(tmp_path / "cells.csv")] == ["", "lymphocyte"]
    (again,) = measure_class_maps([tmp_path / "smear_classes.png"])
    assert isinstance(again, MapMeasured)
    assert [measure.cell_type for measure in again.measures] == ["", "lymphocyte"]


def test_cells_out_of_focus_or_of_which_the_model_is_unsure_are_flagged_without_measures(tmp_path):
    with writer_in(tmp_path) as writer:
        writer.add(sources()[0], two_cells(unsure_cells=frozenset({2}), blurred_cells=frozenset({1, 2})))
    said = [row["flags"] for row in rows(tmp_path / "cells.csv")]
    assert said == ["out_of_focus;too_coarse", "low_confidence;out_of_focus;too_coarse"]
    assert read_provenance(tmp_path / "smear_cells.tif")["out_of_focus"] == "1, 2"
    assert read_provenance(tmp_path / "smear_cells.tif")["low_confidence"] == "2"


def test_planes_of_a_stack_keep_their_own_marks(tmp_path):
    result = two_cells()
    marked = measure_cells(result.classes, result.cells, remarks={1: {Flag.NOT_A_WBC_SMUDGE}})
    with writer_in(tmp_path) as writer:
        for source, plane in zip(sources(4), (result, None, result, result), strict=True):
            writer.add(source, plane, measures=marked if source.plane in (2, 3) else None)
    said = read_provenance(tmp_path / "smear_cells.tif")
    assert said["not_a_wbc"] == ["", "", "1 smudge", "1 smudge"]
    assert tifffile.imread(tmp_path / "smear_classes.tif").any(axis=(1, 2)).tolist() == [True, False, True, True]
    table = rows(tmp_path / "cells.csv")
    assert [(row["plane"], row["cell"]) for row in table] == [(p, c) for p in "023" for c in "12"]
    assert [row["flags"] for row in table] == ["too_coarse"] * 2 + ["not_a_wbc_smudge", "too_coarse"] * 2


@pytest.mark.parametrize("estimated", [False, True])
def test_only_a_known_pixel_size_is_written_as_one(tmp_path, estimated):
    with writer_in(tmp_path) as writer:
        writer.add(sources()[0], two_cells(pixel_size=PixelSize(0.4, "here", estimated)))
    with Image.open(tmp_path / "smear_classes.png") as image:
        assert ("dpi" in image.info) == (not estimated)
