"""What has to wait until napari is done with an event of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["after_event"]


def after_event(viewer: ViewerModel, job: Callable[[], None]) -> None:
    """Call a job once napari is done with what it tells of.

    napari takes layers out one by one and tells of each in between: to take others out then, or to put any in, breaks
    its loop ("is not in list") and has its canvas draw what is gone, which ends the process. A viewer without a window
    has neither canvas nor event loop: there the job is done at once.
    """
    if not hasattr(viewer, "window"):
        job()
        return
    from qtpy.QtCore import QTimer

    def act(_alive: ViewerModel = viewer) -> None:  # the viewer lives until then
        job()

    QTimer.singleShot(0, act)
