"""COCO JSON: for each cell an annotation of the whole cell and one of its nucleus, as run lengths."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, box_of, boxes_by_number
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.assemble import Part, Region, part_named, region_of_rings
from napari_leukocyte.core.exchange.cell_map import CellMap, read_flags, read_type
from napari_leukocyte.core.exchange.json_text import read_json, write_json
from napari_leukocyte.core.exchange.reading import FindImage, Read, cell_number, from_regions

__all__ = ["decode_runs", "encode_runs", "read_coco", "write_coco"]

_OURS = "napari-leukocyte"
_CATEGORIES = ((1, "cell"), (2, "nucleus"))


def write_coco(cell_map: CellMap, path: Path) -> None:
    """Write the cells of an image; ``attributes`` hold the number of the cell, its flags, type and CNR.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    height, width = cell_map.shape
    boxes = boxes_by_number(cell_map.cells)
    annotations = [one for measure in cell_map.measures for one in _annotations(cell_map, measure, boxes[measure.cell])]
    image = {"id": 1, "file_name": cell_map.facts["image"], "width": width, "height": height, _OURS: cell_map.facts}
    content = {
        "info": {"description": "White blood cells, from napari-leukocyte"},
        "licenses": [],
        "images": [image],
        "categories": [{"id": number, "name": name, "supercategory": "cell"} for number, name in _CATEGORIES],
        "annotations": [{"id": number, **one} for number, one in enumerate(annotations, start=1)],
    }
    write_json(path, content)


def read_coco(path: Path, find_image: FindImage) -> list[Read]:
    """Read polygons and run lengths, plain or packed as pycocotools packs them; an image for each of the file.

    A category with "nucleus" in its name holds nuclei, every other one cells, and names their type unless it is called
    cell.

    Raises
    ------
    LeukocyteError
        When the file is no COCO JSON, or an annotation cannot be read.
    """
    content = read_json(path)
    try:
        categories = {one["id"]: str(one["name"]) for one in content["categories"]}
        images = {one["id"]: one for one in content["images"]}
        by_image: dict[Any, list[Any]] = {key: [] for key in images}
        for one in content["annotations"]:
            by_image[one["image_id"]].append(one)
    except (KeyError, TypeError) as error:
        raise LeukocyteError(
            f"{path} is no COCO file (no {error}): it needs images, categories, annotations."
        ) from error
    return [_read(path, image, by_image[key], categories, find_image) for key, image in images.items()]


def _read(
    path: Path, image: Mapping[str, Any], annotations: list[Any], categories: Mapping[Any, str], find_image: FindImage
) -> Read:
    try:
        shape = (int(image["height"]), int(image["width"]))
        name = Path(str(image["file_name"]).replace("\\", "/")).name
        regions: list[Callable[[tuple[int, int]], Region]] = [_region(one, categories, shape) for one in annotations]
        facts = image.get(_OURS)
        return from_regions(
            regions,
            facts if isinstance(facts, dict) else {},
            path=path,
            find_image=find_image,
            shape=shape,
            image=name,
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, LeukocyteError):
            raise
        raise LeukocyteError(f"{path} holds an annotation that cannot be read ({error!r}): export it again.") from error


def _annotations(cell_map: CellMap, measure: CellMeasure, box: Box) -> Iterator[dict[str, Any]]:
    own = cell_map.cells[box] == measure.cell
    attributes: dict[str, Any] = {"cell": measure.cell, "flags": list(measure.flags)}
    if kind := cell_map.types.get(measure.cell):
        attributes["type"] = kind
    if np.isfinite(measure.cnr):
        attributes["cnr"] = measure.cnr
    for (category, _), mask in zip(_CATEGORIES, (own, own & (cell_map.classes[box] == 2)), strict=True):
        inner = box_of(mask)
        if inner is None:
            continue
        rows, columns = inner
        y, x = box[0].start + rows.start, box[1].start + columns.start
        yield {
            "image_id": 1,
            "category_id": category,
            "segmentation": {"size": list(cell_map.shape), "counts": encode_runs(mask, box, cell_map.shape)},
            "bbox": [x, y, columns.stop - columns.start, rows.stop - rows.start],
            "area": int(np.count_nonzero(mask)),
            "iscrowd": 0,
            "attributes": attributes,
        }


def encode_runs(mask: NDArray[np.bool_], box: Box, shape: tuple[int, int]) -> list[int]:
    """Lengths of the runs outside and inside, column by column, as COCO counts them.

    Examples
    --------
    >>> encode_runs(np.array([[True], [True]]), (slice(1, 3), slice(1, 2)), (3, 2))
    [4, 2]
    """
    height, width = shape
    columns, rows = np.nonzero(mask.T)
    places = (columns + box[1].start) * height + rows + box[0].start
    ends = np.flatnonzero(np.diff(places) > 1)
    starts = np.concatenate([places[:1], places[ends + 1]])
    stops = np.concatenate([places[ends], places[-1:]]) + 1
    bounds = np.column_stack([starts, stops]).ravel()
    runs = np.diff(np.concatenate([[0], bounds, [height * width]]))
    return [int(run) for run in (runs if runs[-1] else runs[:-1])]


def decode_runs(counts: list[int] | str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw the runs, plain or packed, as a mask (Y, X).

    Raises
    ------
    ValueError
        When they do not fit the image.
    """
    height, width = shape
    runs = np.asarray(_unpacked(counts) if isinstance(counts, str) else counts, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or int(runs.sum()) > height * width:
        raise ValueError("run lengths that do not fit the image")
    inside = np.arange(len(runs)) % 2 == 1
    flat = np.zeros(height * width, bool)
    flat[: int(runs.sum())] = np.repeat(inside, runs)
    return flat.reshape(width, height).T


def _unpacked(text: str) -> list[int]:
    """Runs from pycocotools' text: five bits a character, from the fourth on the difference to the last but one."""
    runs: list[int] = []
    place = 0
    while place < len(text):
        value = shift = 0
        while True:
            part = ord(text[place]) - 48
            value |= (part & 31) << shift
            place, shift = place + 1, shift + 5
            if not part & 32:
                break
        if part & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def _region(
    annotation: Mapping[str, Any], categories: Mapping[Any, str], shape: tuple[int, int]
) -> Callable[[tuple[int, int]], Region]:
    category = categories[annotation["category_id"]]
    part = part_named(category)
    attributes = annotation.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    flags = attributes.get("flags")
    said: dict[str, Any] = {
        "cell": cell_number(attributes.get("cell")),
        "flags": read_flags(flags if isinstance(flags, list) else ()),
        "type": read_type(attributes.get("type", "" if category.lower() in ("cell", "cells") else category)),
    }
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, dict):
        if [int(side) for side in segmentation["size"]] != list(shape):
            raise ValueError("run lengths of another image size")
        return partial(_drawn, segmentation["counts"], part, said)
    rings = [[np.asarray(ring, np.float64).reshape(-1, 2)] for ring in segmentation]
    return partial(region_of_rings, rings, part=part, **said)


def _drawn(counts: list[int] | str, part: Part, said: Mapping[str, Any], shape: tuple[int, int]) -> Region:
    mask = decode_runs(counts, shape)
    box = box_of(mask) or (slice(0, 0), slice(0, 0))
    return Region(part, mask[box], box, **said)
