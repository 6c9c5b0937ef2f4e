"""What is dropped on napari, or opened by its File menu: a folder becomes the image list, a slide a lazy layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["folder_reader", "slide_reader"]

_NO_LAYERS = [(None,)]  # napari's sign that a reader did its work and has no layers to add


def folder_reader(path: str | Sequence[str]) -> Callable[[Any], list[Any]] | None:
    """What reads a folder, of OME-Zarr as a slide; None for anything else, which napari or other plugins read."""
    if not isinstance(path, str):
        path = path[0] if len(path) == 1 else ""
    if not path or not Path(path).is_dir():
        return None
    if any((Path(path) / name).is_file() for name in ("zarr.json", ".zattrs", ".zgroup")):
        return slide_reader(path)
    return _open_folder


def slide_reader(path: str | Sequence[str]) -> Callable[[Any], list[Any]] | None:
    """What reads one slide; None for several."""
    if not isinstance(path, str) and len(path) != 1:
        return None
    from napari_leukocyte.plugin.slide_layers import slide_data

    return slide_data


def _open_folder(path: str | Sequence[str]) -> list[Any]:
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        raise LeukocyteError("There is no napari window to open the folder in: open one first.")
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    dock.open_folder(Path(path if isinstance(path, str) else path[0]))
    return list(_NO_LAYERS)
