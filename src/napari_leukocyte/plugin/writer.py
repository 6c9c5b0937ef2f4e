"""Saving a Labels layer as a class-map PNG in the mask colours (napari's own writer knows only TIFF)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["write_class_map"]


def write_class_map(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write one (Y, X) class map as palette PNG, values 0, 1, 2 in blue, green, red.

    Raises
    ------
    LeukocyteError
        When the layer is no class map of one image, or the file cannot be written.
    """
    from napari_leukocyte.core.cells.class_map import check_class_map
    from napari_leukocyte.core.imaging.write import write_class_png
    from napari_leukocyte.plugin.layers import METADATA_KEY

    classes = check_class_map(data, name=str(meta.get("name", "class map")))
    provenance = meta.get("metadata", {}).get(METADATA_KEY, {})
    write_class_png(Path(path), classes, provenance={str(k): str(v) for k, v in provenance.items()})
    return [path]
