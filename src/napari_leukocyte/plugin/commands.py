"""The repairs of cells as commands of napari, for its menus and command palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["fill_hole", "join_cells", "mark_as_no_wbc", "split_cells", "split_off"]


def _command(name: str, doc: str) -> Callable[..., None]:
    def run(viewer: napari.viewer.Viewer) -> None:
        from napari_leukocyte.plugin.session import get_session

        # the dock holds the tools, and says what was done
        viewer.window.add_plugin_dock_widget("napari-leukocyte", "Measure")
        get_session(viewer).commanded.emit(name)

    run.__doc__ = doc
    return run


split_cells = _command("split", "Wait for a line between two cells.")
join_cells = _command("join", "Wait for a line from one cell into another.")
split_off = _command("split_off", "Wait for a line that cuts a platelet off.")
fill_hole = _command("fill", "Fill the holes of the chosen cell, or its deepest indent.")
mark_as_no_wbc = _command("mark", "Mark the chosen cell as not a WBC; again: the next kind.")
