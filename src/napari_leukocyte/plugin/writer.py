"""Saving a Labels layer as a class-map PNG in the mask colours (napari's own writer knows only TIFF)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["write_class_map"]


def write_class_map(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write one (Y, X) class map as palette PNG, values 0, 1, 2 in blue, green, red.

    The file says what made the map, as far as the layer knows, and carries a pixel size that is known and not
    estimated as its resolution.

    Raises
    ------
    RuntimeError
        When the layer is no class map of one image, or the file cannot be written. The sentence is that of a
        ``LeukocyteError``, which itself would not arrive: napari takes a writer's ValueError for "no such writer".
    """
    from napari_leukocyte.core.errors import LeukocyteError

    try:
        _write(Path(path), data, meta)
    except LeukocyteError as error:
        raise RuntimeError(str(error)) from error
    return [path]


def _write(path: Path, data: Any, meta: dict[str, Any]) -> None:
    from napari_leukocyte import __version__
    from napari_leukocyte.core.cells.checks import check_class_map
    from napari_leukocyte.core.errors import LeukocyteError
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.imaging.write import write_class_png
    from napari_leukocyte.plugin.canvas.layers import METADATA_KEY, PIXEL_SIZE_KEY, physical_pixel_size

    name = f'layer "{meta.get("name", "class map")}"'
    if np.ndim(data) > 2:
        raise LeukocyteError(
            f"The {name} is a stack of shape {np.shape(data)}, and a PNG holds one plane: save it as .tif, "
            "or save one plane as a layer of its own."
        )
    classes = check_class_map(data, name=name)
    found = meta.get("metadata", {})
    size = physical_pixel_size(meta["scale"], meta["units"]) if "units" in meta else PixelSize(None)
    provenance = {
        "napari-leukocyte": __version__,
        "pixel_size_um": "" if size.um is None else f"{size.um:.6g}",
        "pixel_size_source": size.source,
        **found.get(METADATA_KEY, {}),
    }
    # what the segmentation went by (typed, from the file) goes before the layer's scale
    write_class_png(path, classes, provenance=provenance, pixel_size=found.get(PIXEL_SIZE_KEY, size.um))
