"""ImageJ's ROI zip: two outlines for each cell, its own and its nucleus's, named and coloured."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, boxes_by_number
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.assemble import Part, Region, part_named, region_of_rings
from napari_leukocyte.core.exchange.cell_map import CellMap, read_flags, read_type
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.exchange.outlines import Outline, outlines_of
from napari_leukocyte.core.exchange.reading import FindImage, Read, cell_number, from_regions
from napari_leukocyte.core.files import atomic_path

__all__ = ["read_rois", "write_rois"]

_FACTS = "napari-leukocyte.json"  # in the zip, of an image without cells, too; ImageJ passes over it
_FURTHEST = 2**15 - 1  # px: what a ROI's box can say
_LARGEST_ROI = 2**28  # bytes, unpacked; a larger one was made to fill the memory
_VERSION = 227  # of ImageJ 1.52 and later
_MEASURES = ("cnr", "cnr_low", "cnr_high", "cytoplasm_px", "nucleus_px", "cytoplasm_um2", "nucleus_um2")
_OF_A_CELL = ("cell", "part", "flags", "type", *_MEASURES)
_COLOURS = {part: bytes((255, *MASK_COLOURS[value])) for part, value in (("cell", 1), ("nucleus", 2))}  # ARGB
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
_AREAS = ("POLYGON", "FREEHAND", "TRACED", "RECT", "OVAL")


def write_rois(cell_map: CellMap, path: Path) -> None:
    """Write ``1-cell``, ``1-nucleus``, ``2-cell``, ... as a zip for ImageJ's ROI Manager.

    Outlines follow the edges of pixels; those with holes or of several pieces are composite. The properties of each
    ROI say what is known of the cell, and those of cells what is known of the image.

    Raises
    ------
    LeukocyteError
        When roifile is not installed, the image is wider or higher than 32767 px, or the file cannot be written.
    """
    roifile = library("roifile", wanted_for="ImageJ's ROI format")
    if max(cell_map.shape) > _FURTHEST:
        raise LeukocyteError(
            f"{cell_map.label} has {cell_map.shape[1]} x {cell_map.shape[0]} px, but ImageJ's ROIs reach only to "
            f"{_FURTHEST} px: take another format, such as geojson."
        )
    boxes = boxes_by_number(cell_map.cells)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for measure in cell_map.measures:
            for part, outlines in _parts(cell_map, measure, boxes[measure.cell]):
                roi = _roi(roifile, outlines)
                roi.name = f"{measure.cell}-{part}"
                roi.stroke_color = _COLOURS[part]
                roi.props = _properties(cell_map, measure, part)
                archive.writestr(f"{roi.name}.roi", roi.tobytes())
        archive.writestr(_FACTS, json.dumps(cell_map.facts))


def read_rois(path: Path, find_image: FindImage) -> list[Read]:
    """Read areas from a ROI zip, or one .roi file; a name with "nucleus" in it is one, every other area is a cell.

    Raises
    ------
    LeukocyteError
        When roifile is not installed, the file is damaged, or nobody says how large its image is.
    """
    roifile = library("roifile", wanted_for="ImageJ's ROI format")
    facts, packed = _unpacked(path)
    regions: list[Callable[[tuple[int, int]], Region]] = []
    passed = 0
    for name, data in packed:
        try:
            roi = roifile.ImagejRoi.frombytes(data)
            if roi.roitype.name not in _AREAS:
                passed += 1
                continue
            said = _said(roi.props)
            facts = facts or {key: text for key, text in said.items() if key not in _OF_A_CELL}
            regions.append(_region(roi, name, said))
        except Exception as error:  # a damaged one makes the library raise almost anything
            raise LeukocyteError(f"{name} in {path} is no ROI that can be read ({reason_in(error)}).") from error
    read = from_regions(regions, facts, path=path, find_image=find_image)
    if passed:
        read = replace(read, notes=(*read.notes, f"left out, as they are no areas: {passed} ROIs"))
    return [read]


def _parts(cell_map: CellMap, measure: CellMeasure, box: Box) -> Iterator[tuple[Part, list[Outline]]]:
    own = cell_map.cells[box] == measure.cell
    offset = (box[0].start, box[1].start)
    yield "cell", outlines_of(own, offset=offset)
    nucleus = own & (cell_map.classes[box] == 2)
    if nucleus.any():
        yield "nucleus", outlines_of(nucleus, offset=offset)


def _roi(roifile: Any, outlines: list[Outline]) -> Any:
    rings = [ring for outline in outlines for ring in outline.rings]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    roi = roifile.ImagejRoi(version=_VERSION, top=top, left=left, bottom=bottom, right=right)
    if len(rings) == 1:
        roi.roitype = roifile.ROI_TYPE.TRACED  # what ImageJ's wand makes: an outline along the edges of pixels
        roi.n_coordinates = len(corners)
        roi.integer_coordinates = (corners - (left, top)).astype(np.int32)
        return roi
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: NDArray[np.float64]) -> NDArray[np.float32]:
    steps = np.column_stack([np.full(len(ring), _LINE), ring])
    steps[0, 0] = _MOVE
    return np.append(steps.ravel(), _CLOSE).astype(np.float32)


def _properties(cell_map: CellMap, measure: CellMeasure, part: Part) -> str:
    said = {"cell": str(measure.cell), "part": part, "flags": ";".join(measure.flags)}
    if part == "cell":
        said["type"] = cell_map.types.get(measure.cell, "")
        said |= {name: f"{getattr(measure, name):.8g}" for name in _MEASURES}
        said |= cell_map.facts
    return "".join(f"{key}: {_escaped(text)}\n" for key, text in said.items() if text and text != "nan")


def _escaped(text: str) -> str:
    r"""Text as Java's properties have it: plain ASCII, or ImageJ would show something else.

    >>> print(_escaped("groß"), _escaped("C:" + chr(92) + "a"))
    gro\u00df C:\\a
    """
    units = text.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def _unescaped(text: str) -> str:
    plain = re.sub(r"\\u([0-9a-fA-F]{4})|\\(\\)", lambda found: chr(int(found[1], 16)) if found[1] else "\\", text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _said(props: str) -> dict[str, str]:
    """What `write_rois` put into the properties of a ROI; empty for one of other origin."""
    pairs = (line.partition(":") for line in props.splitlines())
    said = {key.strip(): _unescaped(text.strip()) for key, _, text in pairs if key.strip() and text.strip()}
    return said if {"cell", "part"} <= said.keys() else {}


def _region(roi: Any, name: str, said: Mapping[str, str]) -> Callable[[tuple[int, int]], Region]:
    part: Part = part_named(said.get("part") or roi.name or name)
    return partial(
        region_of_rings,
        [roi.coordinates(multi=True)],
        part=part,
        cell=cell_number(said.get("cell")),
        flags=read_flags(said.get("flags", "").split(";")),
        type=read_type(said.get("type", "")),
    )


def _unpacked(path: Path) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    """What the file says of the image, and its ROIs by name."""
    try:
        if not zipfile.is_zipfile(path):
            return {}, [(path.name, path.read_bytes())]
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.file_size > _LARGEST_ROI for entry in entries):
                raise LeukocyteError(f"{path} holds an entry of more than 256 MB, which is no ROI: save it again.")
            facts = json.loads(archive.read(_FACTS)) if _FACTS in archive.namelist() else {}
            rois = [(one.filename, archive.read(one)) for one in entries if one.filename.lower().endswith(".roi")]
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # zipfile raises almost anything on a damaged file
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): check that it is a ROI zip.") from error
    if not rois and not facts:
        raise LeukocyteError(f"{path} holds no ROI: save the ROI Manager's list as a zip.")
    return facts if isinstance(facts, dict) else {}, rois
