"""What the keys of the class map do, as commands of napari, for its menus and command palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

__all__ = [
    *("accept", "click_cell", "cytoplasm_brush", "delete_cell", "fill_hole", "grow"),
    *("join_cells", "mark_as_no_wbc", "next_cell", "next_doubtful", "next_image", "nucleus_brush"),
    *("previous_image", "show_difference", "show_outlines", "show_truth", "shrink", "skip_image"),
    *("split_cells", "split_off", "type_cells"),
]


def _command(name: str, dock: str, doc: str) -> Callable[..., None]:
    def run(viewer: napari.viewer.Viewer) -> None:
        from napari_leukocyte.plugin.session import get_session

        # the dock does it, and says what was done
        viewer.window.add_plugin_dock_widget("napari-leukocyte", dock)
        get_session(viewer).command(name)

    run.__doc__ = doc
    return run


click_cell = _command("click_cell", "Measure", "Wait for clicks on cells, which then stand there.")
grow = _command("grow", "Measure", "Move the outline under the cursor, of cell or nucleus, half a pixel out.")
shrink = _command("shrink", "Measure", "Move the outline under the cursor, of cell or nucleus, half a pixel in.")
delete_cell = _command("delete_cell", "Measure", "Take the cell under the cursor, or the selected ones, away.")
next_doubtful = _command("next_doubtful", "Measure", "Go to the next cell that is doubtful, the most doubtful first.")
next_cell = _command("next_cell", "Measure", "Go to the next cell, of this image or the next one.")
split_cells = _command("split", "Measure", "Wait for a line between two cells.")
join_cells = _command("join", "Measure", "Wait for a line from one cell into another.")
split_off = _command("split_off", "Measure", "Wait for a line that cuts a platelet off.")
fill_hole = _command("fill", "Measure", "Fill the holes of the selected cells, or their deepest indents.")
mark_as_no_wbc = _command("mark", "Measure", "Mark the selected cells as not a WBC; again: the next kind.")
type_cells = _command("type", "Measure", "Ask what type the selected cells are.")
show_outlines = _command("outlines", "Measure", "Show the classes as outlines, or filled again.")
show_truth = _command("truth", "Compare", "Show the outline of the truth, or hide it.")
show_difference = _command("difference", "Compare", "Show the difference image, or hide it.")
nucleus_brush = _command("nucleus", "Correct", "Take up the brush for nucleus.")
cytoplasm_brush = _command("cytoplasm", "Correct", "Take up the brush for cytoplasm.")
accept = _command("accept", "Correct", "Make the class map on screen a training mask, and go on.")
next_image = _command("next", "Correct", "Go to the next image of the queue.")
previous_image = _command("previous", "Correct", "Go to the previous image of the queue.")
skip_image = _command("skip", "Correct", "Pass the image on screen over.")
