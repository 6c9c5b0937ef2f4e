"""A folder that is dropped on napari, or opened by File > Open Folder, becomes the image list of the plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["folder_reader"]

_NO_LAYERS = [(None,)]  # napari's sign that a reader did its work and has no layers to add


def folder_reader(path: str | Sequence[str]) -> Callable[[Any], list[Any]] | None:
    """What reads a folder; None for anything else, which napari or other plugins read."""
    if not isinstance(path, str):
        path = path[0] if len(path) == 1 else ""
    return _open_folder if path and Path(path).is_dir() else None


def _open_folder(path: str | Sequence[str]) -> list[Any]:
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        raise LeukocyteError("There is no napari window to open the folder in: open one first.")
    _, dock = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    dock.open_folder(Path(path if isinstance(path, str) else path[0]))
    return list(_NO_LAYERS)
