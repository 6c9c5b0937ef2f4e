"""Out to other programs and in again, from Python."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import napari_leukocyte as nl
from napari_leukocyte.api.result import Result
from napari_leukocyte.core.exchange.cell_map import cell_map_of
from napari_leukocyte.core.exchange.formats import MASK_FORMATS
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.results.record_file import read_record

SHAPE = (60, 80)
ONE, TWO = ((30, 30, 15, 7),), ((30, 20, 12, 6), (30, 62, 18, 9))


@pytest.fixture
def result(segmentation, disc_map, tmp_path):
    return Result("a.png", tmp_path / "a.png", (segmentation(disc_map(SHAPE, *TWO)),), False, {})


@pytest.fixture
def stack(segmentation, disc_map):
    """Three planes, the middle one failed."""
    planes = (segmentation(disc_map(SHAPE, *ONE)), None, segmentation(disc_map(SHAPE, *TWO)))
    return Result("stack.tif", None, planes, True, {1: "It is damaged."})


@pytest.mark.parametrize("to", ["geojson", "ome-tiff"])
def test_a_result_comes_back_as_a_result(result, tmp_path, to):
    files = nl.export_results(result, to, tmp_path / "out")
    assert [file.name for file in files] == [f"a{MASK_FORMATS[to].end}"]
    (back,) = nl.import_masks(files)
    np.testing.assert_array_equal(back.classes, result.classes)
    np.testing.assert_array_equal(back.cells, result.cells)
    assert back.name == "a.png"
    assert back.measure() == result.measure()
    np.testing.assert_array_equal(back.table()["cnr"], result.table()["cnr"])


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_a_neighbour_that_was_left_out_is_still_said_and_shapes_are_those_of_the_maps(
    result, segmentation, disc_map, tmp_path, to
):
    plane = segmentation(disc_map(SHAPE, (30, 20, 12, 6), (30, 58, 16, 8)))
    known = cell_map_of(plane, image="a.png").with_shapes().shapes
    given = replace(result, planes=(replace(plane, beside={2: frozenset({nl.Flag.TOUCHING})}, shapes=known),))
    flags = [measure.flags for measure in given.measure()]
    assert [nl.Flag.TOUCHING in one for one in flags] == [False, True]
    files = nl.export_results(given, to, tmp_path / "out")
    (back,) = nl.import_masks(tmp_path / "out", shape_columns=True, out=tmp_path / "results")
    assert [measure.flags for measure in back.measure()] == flags
    assert back.table()["cell_circularity"].tolist() == pytest.approx([known[n]["cell_circularity"] for n in (1, 2)])
    assert back.table()["cell_od_red"].isna().all()
    if to == "geojson":
        cell = json.loads(files[0].read_text())["features"][0]["properties"]
        assert cell["measurements"]["cell_solidity"] == known[1]["cell_solidity"]
    (table, _, _) = nl.export_results(tmp_path / "results", "csv", tmp_path / "table")
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["flags"] for row in rows] == [";".join(one) for one in flags]
    assert [float(row["nucleus_feret_max_px"]) for row in rows] == pytest.approx(
        [known[n]["nucleus_feret_max_px"] for n in (1, 2)], rel=1e-6
    )


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_the_planes_of_a_stack_go_out_one_by_one_and_become_a_stack_again(stack, tmp_path, to):
    files = nl.export_results(stack, to, tmp_path / "out")
    assert [file.name for file in files] == [f"stack_plane{plane}{MASK_FORMATS[to].end}" for plane in (0, 2)]
    back = nl.import_masks(tmp_path / "out", out=tmp_path / "results")
    assert [one.name for one in back] == ["stack.tif [0]", "stack.tif [2]"]
    np.testing.assert_array_equal(
        read_image(tmp_path / "results" / "stack_classes.tif", planes=True).array, stack.classes
    )
    record = read_record(tmp_path / "results").images["stack"]
    assert [plane.reason for plane in record.planes] == ["", "It was not among what was imported.", ""]
    again = nl.export_results(tmp_path / "results", "tsv", tmp_path / "table")
    assert again[0].read_text().count("stack.tif") == 3


def test_two_masks_of_one_name_keep_apart_and_two_of_one_image_are_refused(result, tmp_path):
    for folder in ("x", "y"):
        nl.export_results(result, "geojson", tmp_path / folder)
    masks = [tmp_path / folder / "a.geojson" for folder in ("x", "y")]
    nl.import_masks(masks, out=tmp_path / "both")
    assert set(read_record(tmp_path / "both").images) == {"x_a", "y_a"}
    Image.new("L", SHAPE[::-1]).save(tmp_path / "a.png")
    with pytest.raises(nl.LeukocyteError, match="are both masks of"):
        nl.import_masks(masks, images=tmp_path / "a.png", out=tmp_path / "one")


def test_the_record_of_imported_masks_has_their_image_and_protects_them(result, tmp_path):
    Image.new("L", SHAPE[::-1]).save(tmp_path / "a.png")
    files = nl.export_results(result, "roi", tmp_path / "rois")
    nl.import_masks(files, images=tmp_path, out=tmp_path / "results")
    image = read_record(tmp_path / "results").images["a"]
    assert image.image.source(tmp_path / "results") == tmp_path / "a.png"
    assert not image.corrected  # a model made it
    plain = Result("a.png", None, (replace(result.planes[0], provenance={}),), False, {})
    files = nl.export_results(plain, "roi", tmp_path / "plain")
    nl.import_masks(files, out=tmp_path / "others")
    assert read_record(tmp_path / "others").images["a"].corrected  # no model of ours made it


def test_a_bad_file_comes_as_failed_and_nothing_to_export_is_said(result, tmp_path):
    (tmp_path / "bad.geojson").write_text("{")
    good = nl.export_results(result, "coco", tmp_path / "out")
    bad, fine = nl.import_masks([tmp_path / "bad.geojson", *good])
    assert isinstance(bad, nl.Failed)
    assert "no JSON" in bad.reason
    assert fine.name == "a.png"
    with pytest.raises(nl.LeukocyteError, match="nothing to export"):
        nl.export_results([], "geojson", tmp_path / "none")
    with pytest.raises(nl.LeukocyteError, match="no format svg"):
        nl.export_results(result, "svg", tmp_path / "none")
    with pytest.raises(nl.LeukocyteError, match="cannot be mixed"):
        nl.export_results([result, tmp_path], "geojson", tmp_path / "none")
