"""The demo with a display: napari opens on a smear, the Segment dock at its side, and segments it at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:
    import napari

    from napari_leukocyte.plugin.segment.segment_widget import SegmentWidget

__all__ = ["check_display", "open_demo", "prepare_demo"]

_WINDOW = (1400, 900)


def prepare_demo(path: Path | None = None) -> tuple[napari.Viewer, SegmentWidget]:
    """Open a viewer on an image (a drawn field without one), with the Segment dock, and press Segment.

    Raises
    ------
    LeukocyteError
        When the image cannot be read.
    """
    import napari

    from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files

    sources = list(sources_from_files([path])) if path is not None else []
    for source in sources:
        if isinstance(source, BrokenImage):
            raise LeukocyteError(source.reason)
    viewer = napari.Viewer(title="napari-leukocyte demo")
    viewer.window.resize(*_WINDOW)
    _, widget = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
    if path is None:
        viewer.open_sample("napari-leukocyte", "field")
    else:
        widget.session.open_files(sources)
        widget.form.image.value = widget.session.image_layer
    widget.segment()
    return viewer, widget


def check_display() -> None:
    """Make sure that Qt can show a window; it ends the process that tries in vain, so another process tries.

    Raises
    ------
    LeukocyteError
        When it cannot: no server answers, or a library of the system is missing. Qt's reason is given.
    """
    probe = "from qtpy.QtWidgets import QApplication; QApplication([])"
    tried = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    if tried.returncode == 0:
        return
    said = tried.stderr.splitlines()
    reason = next((line for line in said if line.startswith("qt.qpa")), said[-1] if said else "it gave no reason")
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    given = ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ)
    raise LeukocyteError(
        f"Qt cannot show a window{f' with {given}' if given else ''}: {reason.rstrip('.')}. "
        "With QT_QPA_PLATFORM=offscreen the demo writes pictures and a table instead."
    )


def open_demo(path: Path | None = None) -> None:
    """``prepare_demo``, then napari until the user closes it.

    Raises
    ------
    LeukocyteError
        When no window can be shown, or the image cannot be read.
    """
    import napari

    check_display()
    prepare_demo(path)
    napari.run()
