"""The demo with a display: napari opens on a smear, the Segment dock at its side, and segments it at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari

    from napari_leukocyte.plugin.segment.segment_widget import SegmentWidget

__all__ = ["open_demo", "prepare_demo"]

_WINDOW = (1400, 900)


def prepare_demo(path: Path | None = None) -> tuple[napari.Viewer, SegmentWidget]:
    """Open a viewer on an image (a drawn field without one), with the Segment dock, and press Segment.

    Raises
    ------
    LeukocyteError
        When the image cannot be read.
    """
    import napari

    from napari_leukocyte.core.errors import LeukocyteError
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
        widget.image.value = widget.session.image_layer
    widget.segment()
    return viewer, widget


def open_demo(path: Path | None = None) -> None:
    """``prepare_demo``, then napari until the user closes it."""
    import napari

    prepare_demo(path)
    napari.run()
