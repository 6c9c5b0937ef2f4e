"""What made a file: plugin version, model, parameters, pixel size. Written into the file itself as JSON."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.raster import open_raster
from napari_leukocyte.core.imaging.tiff import is_tiff
from napari_leukocyte.core.schema import parse_json

__all__ = ["PNG_KEY", "provenance_json", "read_provenance"]

# The keyword of the PNG text chunk. A TIFF carries the JSON as its image description.
PNG_KEY = "napari-leukocyte"


def provenance_json(provenance: Mapping[str, Any]) -> str:
    r"""Write it as one line of plain ASCII JSON; paths become text, numpy numbers and arrays become lists.

    Examples
    --------
    >>> provenance_json({"model": Path("a.safetensors"), "pixel_size": np.float32(0.5), "unit": "µm"})
    '{"model": "a.safetensors", "pixel_size": 0.5, "unit": "\\u00b5m"}'
    """
    return json.dumps(dict(provenance), default=_plain)


def read_provenance(path: str | PathLike[str]) -> dict[str, Any]:
    """Read what `write_class_png` and its neighbours noted in a file; empty for a file of other origin.

    Raises
    ------
    LeukocyteError
        When the file cannot be read.
    """
    path = Path(path)
    try:
        if is_tiff(path):
            with tifffile.TiffFile(path) as tiff:
                text = tiff.pages[0].description
        else:
            with open_raster(path) as image:
                text = image.info.get(PNG_KEY, "")
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # decoders raise almost anything on a damaged file
        raise LeukocyteError(f"{path} cannot be read; check that it is a PNG or TIFF file.") from error
    try:
        content = parse_json(text)
    except (TypeError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, PathLike):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in provenance")
