"""OME-TIFF: class map and cell labels as two channels, with pixel size, provenance and what is known of the cells."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.cells_text import cells_text, label_array, read_cells_text
from napari_leukocyte.core.exchange.reading import FindImage, Read, from_maps
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.imaging.tiff import is_tiff

__all__ = ["is_our_ome_tiff", "read_ome_tiff", "write_ome_tiff"]

_NAMESPACE = "napari-leukocyte"  # of the annotation that holds what is ours
_CELLS = "cells"


def write_ome_tiff(cell_map: CellMap, path: Path) -> None:
    """Write class map and cell labels, in 16 bits where the numbers fit, else in 32.

    An estimated pixel size is said among the provenance and not as the physical size, which would pass for measured.

    Raises
    ------
    LeukocyteError
        When the file cannot be written.
    """
    cells = label_array(cell_map.cells)
    um = cell_map.pixel_size.for_areas
    sizes = (
        {}
        if um is None
        else {f"PhysicalSize{axis}{key}": value for axis in "XY" for key, value in (("", um), ("Unit", "µm"))}
    )
    metadata = {
        "axes": "CYX",
        "Name": cell_map.facts["image"],
        "Channel": {"Name": ["classes", "cells"]},
        **sizes,
        "MapAnnotation": {"Namespace": _NAMESPACE, **cell_map.facts, _CELLS: json.dumps(cells_text(cell_map))},
    }
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            np.stack([cell_map.classes.astype(cells.dtype), cells]),
            ome=True,
            photometric="minisblack",
            compression="zlib",
            tile=(256, 256),
            metadata=metadata,
            resolution=None if um is None else (1e4 / um, 1e4 / um),
            resolutionunit=None if um is None else "CENTIMETER",
        )


def is_our_ome_tiff(path: Path) -> bool:
    """Whether `write_ome_tiff` wrote the file; what cannot be read is no such file."""
    try:
        return is_tiff(path) and _annotation(path) is not None
    except Exception:  # decoders raise almost anything on a damaged file; what is wrong is said when it is read
        return False


def read_ome_tiff(path: Path, find_image: FindImage) -> list[Read]:
    """Read what `write_ome_tiff` wrote; other OME-TIFFs are read as label images.

    Raises
    ------
    LeukocyteError
        When the file is damaged or another one.
    """
    try:
        facts = _annotation(path)
        remarks, types = read_cells_text(json.loads((facts or {}).pop(_CELLS, "{}")))
    except Exception as error:  # decoders raise almost anything on a damaged file
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): export it again.") from error
    file = read_image(path, planes=True)
    if facts is None or file.rgb or plane_count(file.array.shape, rgb=False) != 2:
        raise LeukocyteError(f"{path} has not the two channels of an OME-TIFF of ours: export it again.")
    classes, cells = (get_plane(file.array, number, rgb=False, name=str(path)) for number in range(2))
    return [from_maps(classes, cells, facts, path=path, find_image=find_image, remarks=remarks, types=types)]


def _annotation(path: Path) -> dict[str, Any] | None:
    """Our own annotation in the file's XML; None where it has none."""
    with tifffile.TiffFile(path) as tiff:
        text = tiff.ome_metadata
    if not text or _NAMESPACE not in text:
        return None
    for element in ElementTree.fromstring(text).iter():
        if element.tag.endswith("}MapAnnotation") and element.get("Namespace") == _NAMESPACE:
            return {one.get("K", ""): one.text or "" for one in element.iter() if one.tag.endswith("}M")}
    return None
