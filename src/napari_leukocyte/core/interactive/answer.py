"""What one gesture leads to, ready to be shown and taken over."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from napari_leukocyte.core.cells.boxes import box_of, widened
from napari_leukocyte.core.interactive.session import Change, GestureSession
from napari_leukocyte.core.interactive.stroke import Stroke, class_under, covered

__all__ = ["Answer", "answer", "still_followed"]

_SMALLEST_UM2 = 12.0  # a disc of 4 um: a click that finds no more than that has found no white cell
_NEAR_UM = 60.0  # no window is larger


@dataclass(frozen=True)
class Answer:
    """A gesture and what it leads to.

    Attributes
    ----------
    stroke
        The gesture.
    change
        What it leads to.
    outlines
        Outline of the touched cell, and of its nucleus: (N, 2) rows and columns in the image, closed.
    found
        False where a gesture "cell" found nothing but itself.
    """

    stroke: Stroke
    change: Change
    outlines: tuple[NDArray[np.float64], ...]
    found: bool


def answer(
    session: GestureSession,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    stroke: Stroke,
    before: Iterable[Stroke],
    *,
    new_cell: int,
) -> Answer:
    """Follow a gesture, see `GestureSession.follow`; ``before`` are those made earlier, some perhaps undone.

    Raises as `GestureSession.follow` does.
    """
    known = still_followed(before, classes, near=stroke, um=session.um, binary=session.binary)
    change = session.follow(classes, cells, stroke, known, new_cell=new_cell)
    own = change.cells == change.cell if change.cell else np.zeros(change.cells.shape, np.bool_)
    found = stroke.kind != "cell" or bool(np.count_nonzero(own) * session.um**2 >= _SMALLEST_UM2)
    box = box_of(own)
    outlines: list[NDArray[np.float64]] = []
    if box is not None and found:
        room = widened(box, 1, own.shape)
        corner = np.array([side.start + outer.start for side, outer in zip(room, change.box, strict=True)]) - 1
        for part in (own[room], own[room] & (change.classes[room] == 2)):
            outlines += [line + corner for line in find_contours(np.pad(part, 1).astype(np.float32), 0.5)]
    return Answer(stroke, change, tuple(outlines), found)


def still_followed(
    strokes: Iterable[Stroke], classes: NDArray[np.uint8], *, near: Stroke, um: float, binary: bool
) -> list[Stroke]:
    """Return those of earlier gestures, in their order, that lie near another and that the map (Y, X) still follows.

    One that was undone or painted over is none of them.
    """
    kept = []
    for stroke in strokes:
        away = np.abs(stroke.line.mean(axis=0) - near.line.mean(axis=0)).max()
        if away * um <= _NEAR_UM and _is_followed(stroke, classes, binary=binary):
            kept.append(stroke)
    return kept


def _is_followed(stroke: Stroke, classes: NDArray[np.uint8], *, binary: bool) -> bool:
    reach = int(np.ceil(stroke.radius)) + 1
    low = np.maximum(np.floor(stroke.line.min(axis=0)).astype(int) - reach, 0)
    high = np.ceil(stroke.line.max(axis=0)).astype(int) + reach + 1
    near = classes[low[0] : high[0], low[1] : high[1]]
    under = near[covered(stroke.line - low, stroke.radius, near.shape)]
    wanted = under > 0 if stroke.kind == "cell" else under == class_under(stroke.kind, binary=binary)
    return bool(wanted.all())
