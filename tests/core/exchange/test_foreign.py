"""Files of other programs, as those write them; and files that are damaged, or made to do harm."""

import gzip
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import roifile
import tifffile
import zarr
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.formats import MASK_FORMATS
from napari_leukocyte.core.exchange.importing import (
    Imported,
    ImportFailed,
    ImportParameters,
    find_masks,
    images_by_name,
    read_masks,
)

CELLS = np.zeros((30, 40), np.uint8)
CELLS[2:12, 3:15] = 7
CELLS[15:30, 20:40] = 9  # cut by the edge
NUCLEI = np.zeros((30, 40), np.uint8)
NUCLEI[4:8, 5:10] = 2  # numbered otherwise than their cells
NUCLEI[18:22, 24:30] = 1
NUCLEI[24:27, 30:34] = 3  # a second lobe
WANTED = np.where(NUCLEI > 0, 2, np.where(CELLS > 0, 1, 0))


@pytest.fixture
def read(tmp_path):
    """Read the files of a folder that are masks of one image: its map of cells, and the notes."""
    Image.new("L", (40, 30)).save(tmp_path / "a.png", dpi=(25400 / 0.2,) * 2)
    (tmp_path / "masks").mkdir()

    def run(*, images=True, **parameters):
        find = images_by_name([tmp_path / "a.png"] if images else [])
        (event,) = read_masks(find_masks([tmp_path / "masks"]), ImportParameters(**parameters), find)
        if isinstance(event, ImportFailed):
            raise LeukocyteError(event.reason)
        (one,) = event.reads
        return one.cell_map, one.notes

    run.folder = tmp_path / "masks"
    return run


def box(mask):
    """A rectangle around a mask as a closed ring of x, y."""
    rows, columns = np.nonzero(mask)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    return [[int(x), int(y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))]


def polygon(mask):
    return area(*box(mask))


def area(*corners):
    return {"type": "Polygon", "coordinates": [corners]}


def test_qupath_cells_with_nuclei_classes_and_no_size(read):
    features = [
        {
            "type": "Feature",
            "id": "PathCellObject",  # as QuPath 0.2 had it
            "geometry": polygon(CELLS == 7),
            "nucleusGeometry": polygon(NUCLEI == 2),
            "properties": {"objectType": "cell", "classification": {"name": "Neutrophil", "colorRGB": -1}},
        },
        {
            "type": "Feature",
            "geometry": polygon(CELLS == 9),
            "nucleusGeometry": {
                "type": "MultiPolygon",
                "coordinates": [[box(NUCLEI == 1)], [box(NUCLEI == 3)]],
            },
            "properties": {
                "object_type": "cell",
                "classification": {"names": ["Blast", "odd, rare"]},
                "measurements": [{"name": "Cell: Area", "value": 3.5}],
                "metadata": {"note": "by hand"},
            },
        },
    ]
    packed = gzip.compress(json.dumps(features).encode())  # a list, as QuPath 0.3 writes it
    (read.folder / "a.geojson").write_bytes(packed)
    found, notes = read()
    np.testing.assert_array_equal(found.classes, WANTED)
    assert found.types == {1: "Neutrophil", 2: "Blast: odd rare"}
    assert found.pixel_size.um == pytest.approx(0.2)  # the image's
    assert found.image == "a.png"
    assert found.provenance == {"made": "imported from a.geojson"}
    assert notes == ()
    with pytest.raises(LeukocyteError, match=r"does not say how large its image is.*--images"):
        read(images=False)


def test_annotations_and_detections_are_cells_unless_their_class_says_nucleus(read):
    features = [
        {
            "type": "Feature",
            "geometry": polygon(mask),
            "properties": {"objectType": kind, "classification": {"name": name}},
        }
        for mask, kind, name in (
            (NUCLEI == 2, "detection", "Nucleus"),
            (CELLS == 7, "annotation", "Tumor"),
            (NUCLEI == 1, "detection", "Nuclei"),
        )
    ]
    (read.folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found, notes = read()
    assert (found.classes == 2).sum() == (NUCLEI == 2).sum() + (NUCLEI == 1).sum()
    assert notes == ("made cells without cytoplasm, as no cell is around them: 1 nucleus",)
    assert Flag.NO_CYTOPLASM in found.measures[1].flags


def test_rois_drawn_in_imagej(read):
    freehand = roifile.ImagejRoi.frompoints(np.array(box(CELLS == 7)[:-1]), name="0007-0009")
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=20, top=15, right=40, bottom=30, name="big")
    nucleus = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=24, top=18, right=30, bottom=22, name="Nucleus 1")
    point = roifile.ImagejRoi.frompoints([[3, 3]], name="spot")
    point.roitype = roifile.ROI_TYPE.POINT
    roifile.roiwrite(read.folder / "a.zip", [freehand, oval, nucleus, point])
    found, notes = read()
    np.testing.assert_array_equal(found.cells == 1, CELLS == 7)
    assert (found.cells == 2).sum() == pytest.approx(np.pi * 20 * 15 / 4, rel=0.03)
    np.testing.assert_array_equal(found.classes == 2, NUCLEI == 1)
    assert notes == ("left out, as they are no areas: 1 ROIs",)


def test_coco_of_others_has_polygons_packed_runs_and_several_images(read, tmp_path):
    rings = [[float(value) for corner in box(CELLS == 7)[:-1] for value in corner]]
    content = {
        "images": [{"id": 3, "file_name": "train/a.png", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "lymphocyte"}, {"id": 5, "name": "nuclei"}],
        "annotations": [
            {"image_id": 3, "category_id": 1, "segmentation": rings},
            {"image_id": 3, "category_id": 5, "segmentation": {"size": [30, 40], "counts": "Z56j05K00000Pd0"}},
        ],
    }
    # the mask that pycocotools packs so
    mask = np.zeros((30, 40), bool)
    mask[4:8, 5:10] = True
    content["annotations"][1]["segmentation"]["counts"] = packed_by_pycocotools(mask)
    (read.folder / "a.json").write_text(json.dumps(content))
    found, _ = read()
    np.testing.assert_array_equal(found.cells == 1, CELLS == 7)
    np.testing.assert_array_equal(found.classes == 2, mask)
    assert found.types == {1: "lymphocyte"}


def packed_by_pycocotools(mask):
    """The packing of pycocotools' ``rleToString``, written out the other way round than `decode_runs` reads it."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    text = ""
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            part = value & 31
            value >>= 5
            more = value != -1 if part & 16 else value != 0
            text += chr((part | 32 if more else part) + 48)
    return text


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "float32"])
@pytest.mark.parametrize("names", [("a_cells.tif", "a_nuclei.tif"), ("a.tif", "a_nucleus.tif")])
def test_label_images_of_cells_and_nuclei_that_are_numbered_otherwise(read, dtype, names):
    for name, labels in zip(names, (CELLS, NUCLEI), strict=True):
        tifffile.imwrite(read.folder / name, labels.astype(dtype))
    found, notes = read()
    np.testing.assert_array_equal(found.cells, CELLS)
    np.testing.assert_array_equal(found.classes, WANTED)
    assert not found.binary
    assert notes == ()


def test_cell_labels_alone_are_whole_cells_and_0_1_2_are_classes_unless_told(read):
    Image.fromarray(CELLS).save(read.folder / "a_cp_masks.png")
    found, _ = read()
    assert found.binary
    np.testing.assert_array_equal(found.cells, CELLS)
    (read.folder / "a_cp_masks.png").unlink()
    Image.fromarray(WANTED.astype(np.uint8)).save(read.folder / "a.png")
    assert (read()[0].classes == 2).any()
    found, _ = read(read_as="cells")
    assert found.binary
    assert set(np.unique(found.cells)) == {0, 1, 2}


def test_cellpose_files_are_whole_cells_with_whatever_else_they_hold(read):
    content = {
        "masks": CELLS.astype(np.uint16),
        "outlines": CELLS,
        "flows": [np.zeros((2, 3), np.float32), [np.float32(1.5)]],
        "manual_changes": [["28-11-2026", "removed mask", [3, 4]]],
        "filename": read.folder / "a.png",
        "est_diam": np.float64(12.5),
    }
    np.save(read.folder / "a_seg.npy", content)
    found, _ = read()
    assert found.binary
    np.testing.assert_array_equal(found.cells, CELLS)
    np.save(read.folder / "a_seg.npy", content | {"masks": CELLS.astype(np.int32) - 1})  # the first versions
    np.testing.assert_array_equal(read()[0].cells, CELLS)
    np.save(read.folder / "a_nuclei_seg.npy", {"masks": NUCLEI})
    np.testing.assert_array_equal(read()[0].classes, WANTED)


class Harmful:
    """Runs a program when it is read the usual way."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("where", ["value", "list", "array"])
def test_a_npy_that_would_run_a_program_is_refused_and_runs_nothing(read, tmp_path, where):
    bad = Harmful(tmp_path / "it ran")
    value = {"value": bad, "list": [[bad]], "array": np.array([bad, None], object)}[where]
    np.save(read.folder / "a_seg.npy", {"masks": CELLS, "more": value})
    with pytest.raises(LeukocyteError, match=r"is not read, because it holds \w+\.mkdir, and could run a program"):
        read()
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "content",
    [np.arange(5), {"masks": "none"}, {"masks": np.zeros((3, 4, 5), int)}, [1, 2], {"masks": np.zeros((3, 3))}],
)
def test_a_npy_of_something_else_is_refused_in_words(read, content):
    np.save(read.folder / "a_seg.npy", np.array(content, object) if isinstance(content, dict) else content)
    with pytest.raises(LeukocyteError):
        read()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_of_others_has_labels_by_name_and_five_axes(read, version):
    path = read.folder / "a.zarr"
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
    labels = group.create_group("labels")
    attributes = {"labels": ["cells", "nuclei"]}
    labels.attrs.update(attributes if version == "0.4" else {"ome": attributes})
    for name, plane in (("cells", CELLS), ("nuclei", NUCLEI)):
        one = labels.create_group(name)
        scales = {"multiscales": [{"datasets": [{"path": "s0"}]}]}
        one.attrs.update(scales if version == "0.4" else {"ome": scales})
        one.create_array("s0", data=plane[np.newaxis, np.newaxis, np.newaxis])
    found, _ = read()
    np.testing.assert_array_equal(found.cells, CELLS)
    np.testing.assert_array_equal(found.classes, WANTED)


def test_overlaps_and_what_lies_outside_are_said(read):
    features = [
        {"type": "Feature", "geometry": polygon(CELLS == 7), "properties": {}},
        {"type": "Feature", "geometry": polygon(CELLS == 7), "properties": {}},
        {"type": "Feature", "geometry": area((14, 2), (18, 2), (18, 12), (13, 12)), "properties": {}},
        {"type": "Feature", "geometry": area((90, 90), (95, 90), (95, 95)), "properties": {}},
    ]
    (read.folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found, notes = read()
    np.testing.assert_array_equal(found.cells == 1, CELLS == 7)
    assert set(np.unique(found.cells)) == {0, 1, 3}
    assert notes[0].endswith("px lay in two cells and stayed with the first")
    assert notes[1:] == (
        "left out, as they lay wholly under others: 1 cell",
        "left out, as they hold no pixel of the image: 1 outline",
    )


def test_images_that_lie_beside_their_masks_are_no_masks(tmp_path):
    Image.new("RGB", (40, 30), "pink").save(tmp_path / "a.png")
    Image.fromarray(CELLS).save(tmp_path / "a_cells.png")
    features = [{"type": "Feature", "geometry": polygon(CELLS == 7), "properties": {}}]
    Image.new("RGB", (40, 30), "pink").save(tmp_path / "b.png")
    (tmp_path / "b.geojson").write_text(json.dumps(features))
    events = list(read_masks(find_masks([tmp_path], images=[tmp_path]), find_image=images_by_name([tmp_path])))
    assert [event.path.name for event in events] == ["a_cells.png", "b.geojson"]
    assert [event.reads[0].cell_map.image for event in events] == ["a.png", "b.png"]


def test_another_size_than_the_image_is_refused(read):
    tifffile.imwrite(read.folder / "a_cells.tif", np.arange(12, dtype=np.uint16).reshape(3, 4))
    with pytest.raises(LeukocyteError, match=r"is of an image of 4 x 3 px, but a\.png has 40 x 30 px"):
        read()


def test_slide_and_type_come_from_the_folders_of_an_analyser(tmp_path):
    for folder in ("slide 7/Neutrophils", "slide 7/12_Blast_cells", "slide 8"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(WANTED.astype(np.uint8)).save(tmp_path / folder / "1.png")
    events = list(read_masks(find_masks([tmp_path], folders=True), ImportParameters(folders=True)))
    said = {
        str(event.path.parent.relative_to(tmp_path)): (
            event.reads[0].cell_map.provenance.get("slide"),
            set(event.reads[0].cell_map.types.values()),
        )
        for event in events
        if isinstance(event, Imported)
    }
    assert said == {
        "slide 7/Neutrophils": ("slide 7", {"Neutrophils"}),
        "slide 7/12_Blast_cells": ("slide 7", {"Blast cells"}),
        "slide 8": ("slide 8", set()),
    }


@pytest.mark.parametrize("to", MASK_FORMATS)
def test_a_damaged_file_is_refused_in_words_or_read_as_cells(to, tmp_path, random_cells):
    """Whatever a byte is turned to, or wherever the file is cut: never an error that is not ours."""
    given = random_cells(3)
    whole = tmp_path / f"a{MASK_FORMATS[to].end}"
    MASK_FORMATS[to].write(given, whole)
    files = [whole] if whole.is_file() else sorted(path for path in whole.rglob("*") if path.is_file())
    rng = np.random.default_rng(0)
    outcomes = set()
    for file in files:
        content = file.read_bytes()
        for _ in range(40 // len(files)):
            broken = bytearray(content)
            for place in rng.integers(0, len(content), 3):
                broken[place] = rng.integers(256)
            file.write_bytes(bytes(broken) if rng.random() < 0.7 else content[: rng.integers(len(content))])
            outcomes |= {type(event) for event in read_masks(find_masks([whole]))}
        file.write_bytes(content)
    assert ImportFailed in outcomes


def test_a_zip_that_unpacks_without_end_and_one_without_rois_are_refused(read, monkeypatch):
    monkeypatch.setattr("napari_leukocyte.core.exchange.imagej_rois._LARGEST_ROI", 1000)
    for entries, words in (({"1.roi": bytes(2000)}, "more than 256 MB"), ({"a.txt": b"hello"}, "holds no ROI")):
        with zipfile.ZipFile(read.folder / "a.zip", "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        with pytest.raises(LeukocyteError, match=words):
            read()


def test_what_a_plain_pickle_holds_is_no_mask(read):
    (read.folder / "a_seg.npy").write_bytes(pickle.dumps({"masks": 1}))
    with pytest.raises(LeukocyteError, match="cannot be read"):
        read()
