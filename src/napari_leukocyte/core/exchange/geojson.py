"""QuPath's GeoJSON: a cell object for each cell, with its nucleus, class, measurements and what else is known."""

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte.core.cells.boxes import Box, boxes_by_number
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.assemble import Region, part_named, region_of_rings
from napari_leukocyte.core.exchange.cell_map import CellMap, read_flags, read_type
from napari_leukocyte.core.exchange.json_text import read_json, write_json
from napari_leukocyte.core.exchange.outlines import Outline, outlines_of
from napari_leukocyte.core.exchange.reading import FindImage, Read, cell_number, from_regions

__all__ = ["read_geojson", "write_geojson"]

_OURS = "napari-leukocyte"  # of the whole file; QuPath does not keep it, so that each object says the same
_OF_A_CELL = ("cell", "flags", "type")
_MEASUREMENTS = {
    "CNR": "cnr",
    "CNR low": "cnr_low",
    "CNR high": "cnr_high",
    "N:C": "nc_ratio",
    "Nucleus fraction": "nucleus_fraction",
    "Cytoplasm: Area px": "cytoplasm_px",
    "Nucleus: Area px": "nucleus_px",
    "Cytoplasm: Area µm^2": "cytoplasm_um2",
    "Nucleus: Area µm^2": "nucleus_um2",
}


def write_geojson(cell_map: CellMap, path: Path) -> None:
    """Write the cells of an image as QuPath (0.4 and later) reads them; outlines follow the edges of pixels.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    boxes = boxes_by_number(cell_map.cells)
    features = [_feature(cell_map, measure, boxes[measure.cell]) for measure in cell_map.measures]
    write_json(path, {"type": "FeatureCollection", "features": features, _OURS: cell_map.facts})


def read_geojson(path: Path, find_image: FindImage) -> list[Read]:
    """Read objects that QuPath, or `write_geojson`, wrote; annotations and detections count as cells, too.

    A detection or annotation whose class or name says "nucleus" is one, and goes to the cell around it.

    Raises
    ------
    LeukocyteError
        When the file is no such GeoJSON, or does not say how large its image is.
    """
    content = read_json(path)
    whole = content if isinstance(content, dict) else {}
    features = whole.get("features", content)
    if isinstance(content, dict) and content.get("type") == "Feature":
        features = [content]
    if not isinstance(features, list) or not all(isinstance(one, dict) and "geometry" in one for one in features):
        raise LeukocyteError(f"{path} holds no GeoJSON features: export the objects from QuPath as GeoJSON.")
    facts: dict[str, Any] = {}
    regions: list[Callable[[tuple[int, int]], Region]] = []
    for number, feature in enumerate(features, start=1):
        try:
            metadata = _dict(_dict(feature.get("properties")).get("metadata"))
            if "image_width" in metadata:
                facts = facts or {key: text for key, text in metadata.items() if key not in _OF_A_CELL}
            regions += _regions(feature, metadata)
        except (LeukocyteError, TypeError, ValueError, KeyError, IndexError) as error:
            raise LeukocyteError(f"Object {number} of {path} has no outline that can be read ({error}).") from error
    stated = _dict(whole.get(_OURS)) or facts
    return [from_regions(regions, stated, path=path, find_image=find_image)]


def _feature(cell_map: CellMap, measure: CellMeasure, box: Box) -> dict[str, Any]:
    own = cell_map.cells[box] == measure.cell
    offset = (box[0].start, box[1].start)
    nucleus = outlines_of(own & (cell_map.classes[box] == 2), offset=offset)
    kind = cell_map.types.get(measure.cell, "")
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cell_map.label}#{measure.cell}")),
        "geometry": _geometry(outlines_of(own, offset=offset)),
    }
    if nucleus:
        feature["nucleusGeometry"] = _geometry(nucleus)
    values = {name: float(getattr(measure, field)) for name, field in _MEASUREMENTS.items()}
    values |= {} if cell_map.shapes is None else cell_map.shapes.get(measure.cell, {})
    feature["properties"] = {
        "objectType": "cell",
        "name": str(measure.cell),
        **({"classification": {"name": kind, "color": list(MASK_COLOURS[1])}} if kind else {}),
        "measurements": {name: value for name, value in values.items() if math.isfinite(value)},
        "metadata": {
            **cell_map.facts,
            "cell": str(measure.cell),
            "flags": ";".join(measure.flags),
            **({"type": kind} if kind else {}),
        },
    }
    return feature


def _geometry(outlines: list[Outline]) -> dict[str, Any]:
    polygons = [[[*_closed(ring)] for ring in outline.rings] for outline in outlines]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: Any) -> list[list[int]]:
    corners = ring.astype(np.int64).tolist()
    return [*corners, corners[0]]


def _regions(feature: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Callable[[tuple[int, int]], Region]]:
    properties = _dict(feature.get("properties"))
    kind = _class_name(properties.get("classification"))
    name = properties.get("name")
    is_cell = properties.get("objectType", properties.get("object_type")) == "cell"
    part = "cell" if is_cell else part_named(f"{kind} {name}")
    number = cell_number(metadata.get("cell", name)) if part == "cell" else None
    flags = read_flags(str(metadata.get("flags", "")).split(";"))
    yield partial(
        region_of_rings,
        _polygons(feature["geometry"]),
        part=part,
        cell=number,
        flags=flags,
        type=read_type(kind) if part == "cell" else "",
    )
    nucleus = feature.get("nucleusGeometry")
    if nucleus is not None:
        # by number where there is one, else by where it lies
        yield partial(region_of_rings, _polygons(nucleus), part="nucleus", cell=number)


def _polygons(geometry: Mapping[str, Any]) -> list[list[Any]]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "GeometryCollection":
        return [polygon for one in geometry["geometries"] for polygon in _polygons(one)]
    polygons = [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else None
    if not isinstance(polygons, list):
        raise LeukocyteError(f"a {kind} is no area")
    return [[[(float(x), float(y)) for x, y, *_ in ring] for ring in polygon] for polygon in polygons]


def _class_name(classification: Any) -> str:
    """The class of an object, as QuPath 0.2 to 0.6 write it."""
    if isinstance(classification, dict):
        names = classification.get("names")
        return str(classification.get("name") or (": ".join(map(str, names)) if isinstance(names, list) else ""))
    return classification if isinstance(classification, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
