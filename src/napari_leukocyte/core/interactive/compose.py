"""From the network's answer to the new map: only the object that a gesture touches changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.interactive.stroke import Kind, class_under

__all__ = ["Discs", "compose", "most_common"]

Mask = NDArray[np.bool_]
Classes = NDArray[np.uint8]
Labels = NDArray[np.int32]

_EIGHT = np.ones((3, 3), bool)
_MOST = 0.5  # of a labelled cell in the answer's cell: they are the same
_REMNANT = 0.35  # of a cell beside a click "background" that takes the rest: all of it is none
_INNER = 0.5  # of a cell's greatest depth
_HELD = 0.2  # of a nucleus: a body that holds less is another than the cell's
_REACH_UM = 1.5
_MARGIN = 0.2  # of the logarithm of odds by which what is clicked wins
_MOST_LED = 6.0  # of it: of what the network is surer, only the disc changes
_SPECK = 0.1  # of a cell: a piece that is cut off and smaller goes too


@dataclass(frozen=True)
class Discs:
    """The pixels (Y, X) that a gesture covers, those that its line runs through, and its kind."""

    kind: Kind
    covered: Mask
    line: Mask
    is_click: bool


def most_common(cells: Labels, where: Mask) -> int:
    """The number that most pixels there have; 0: background, or nothing there."""
    found = cells[where]
    return int(np.bincount(found).argmax()) if found.size else 0


def compose(
    classes: Classes,
    cells: Labels,
    probabilities: NDArray[np.float32],
    gesture: Discs,
    before: Sequence[Discs] = (),
    *,
    new_cell: int,
    binary: bool = False,
    pixel_size: float | None = None,
    unprompted: NDArray[np.float32] | None = None,
) -> tuple[Classes, Labels]:
    """Return the class map and the labels (Y, X) of a window after a gesture.

    Parameters
    ----------
    classes, cells
        The present map and its cells.
    probabilities
        (3, Y, X): what the network says.
    gesture, before
        The gesture to follow, and those that the map follows already.
    new_cell
        Number of a cell that was not there before.
    binary
        The map knows no nuclei.
    pixel_size
        um per px, for what is too thin to be a cell.
    unprompted
        What the network says without the gesture: where it was nearly of the same opinion, it is led to follow.
    """
    part = np.where((probabilities[2] > probabilities[1]) & (not binary), 2, 1).astype(np.uint8)
    answer = np.where(probabilities[0] < 0.5, part, 0).astype(np.uint8)
    if unprompted is not None and gesture.kind != "cell":
        led = _led(unprompted, gesture, binary=binary, reach=_REACH_UM / (pixel_size or 0.1))
        answer[led] = class_under(gesture.kind, binary=binary)
    for discs in (*before, gesture):
        _force(answer, discs, part, binary=binary)
    if gesture.kind == "background":
        return _taken_away(classes, cells, answer, gesture, pixel_size)
    number, piece = _touched(cells, answer, gesture, pixel_size)
    free = (cells == 0) | (cells == number)
    if gesture.kind == "cell":
        changed = free & (piece | ((cells == number) & (number > 0) & (answer == 0)))
    else:
        about = free & (piece | ((cells == number) & (number > 0)))
        moved = about & (answer != classes)
        # who says "nucleus" takes no nucleus away, nor the one who says "cytoplasm" cytoplasm
        moved &= (answer == class_under(gesture.kind, binary=binary)) | (classes == 0)
        changed = _connected(moved, gesture.covered)
    new = np.where(changed, answer, classes).astype(np.uint8)
    _force(new, gesture, part, binary=binary)
    owner = np.where((new > 0) & (cells == 0), number or new_cell, cells)
    return new, np.where(new > 0, owner, 0).astype(np.int32)


def _force(classes: Classes, discs: Discs, part: Classes, *, binary: bool) -> None:
    """Give the pixels under a gesture the class that it names."""
    if discs.kind == "cell":
        empty = discs.covered & (classes == 0)
        classes[empty] = part[empty]
    else:
        classes[discs.covered] = class_under(discs.kind, binary=binary)


def _led(p: NDArray[np.float32], gesture: Discs, *, binary: bool, reach: float) -> Mask:
    """Where the class of a gesture wins when it is made as much likelier as it takes at the gesture, less further off.

    An outline that is a little off all along moves as one, up to where the network is sure; px of ``reach`` tell how
    fast that fades.
    """
    log_p = np.log(np.maximum(p, 1e-6))
    value = class_under(gesture.kind, binary=binary)
    if value == 0 or binary:
        lead = log_p[0] - np.log(np.maximum(p[1] + p[2], 1e-6))
        lead = lead if value == 0 else -lead
    else:
        lead = log_p[value] - np.max(np.delete(log_p, value, axis=0), axis=0)
    if not gesture.line.any():
        return gesture.line
    needed = min(max(0.0, _MARGIN - float(np.median(lead[gesture.line]))), _MOST_LED)
    distance = ndimage.distance_transform_edt(~gesture.covered)
    led: Mask = lead + needed * np.exp(-0.5 * (distance / reach) ** 2) > 0
    return led


def _touched(cells: Labels, answer: Classes, gesture: Discs, pixel_size: float | None) -> tuple[int, Mask]:
    """Which labelled cell the gesture is about, 0: none yet; and the pixels that the answer gives that cell."""
    parts, _ = ndimage.label(answer > 0, structure=_EIGHT)
    component = parts == most_common(parts, gesture.line & (answer > 0))
    single = label_cells(np.where(component, answer, 0), pixel_size=pixel_size)
    piece = single == most_common(single, gesture.line & component)
    number = most_common(cells, gesture.line)
    if not number:  # a part of a cell that the map has not got
        inside = np.bincount(cells[piece], minlength=1)
        whole = np.bincount(cells.ravel(), minlength=len(inside))[: len(inside)]
        share = np.where(np.arange(len(inside)) > 0, inside / np.maximum(whole, 1), 0)
        number = int(share.argmax()) if share.max(initial=0) > _MOST else 0
    return number, piece


def _connected(changed: Mask, gesture: Mask) -> Mask:
    """The parts of what would change that the gesture touches."""
    parts, _ = ndimage.label(changed, structure=_EIGHT)
    touched = np.unique(parts[ndimage.binary_dilation(gesture, structure=_EIGHT)])
    connected: Mask = np.isin(parts, touched[touched > 0])
    return connected


def _is_deep(own: Mask, line: Mask) -> bool:
    """Whether a click lies in the inner half of a cell; what leaked into one lies at its rim."""
    depth = ndimage.distance_transform_edt(np.pad(own, 1, mode="edge"))[1:-1, 1:-1]
    return bool(depth[line & own].max(initial=0) >= _INNER * depth.max())


def _body(own: Mask, classes: Classes, line: Mask, pixel_size: float | None) -> Mask:
    """What is meant by a click inside of a cell: all of it, or the red cell that the map has grown together with it.

    Of an outline that shows two bodies it is one where nearly all of the nucleus lies in the other.
    """
    bodies = label_cells(own.astype(np.uint8), pixel_size=pixel_size)
    body: Mask = bodies == most_common(bodies, line & own)
    nucleus = own & (classes == 2)
    held = np.count_nonzero(body & nucleus)
    return own if held and held >= _HELD * np.count_nonzero(nucleus) else body


def _taken_away(
    classes: Classes, cells: Labels, answer: Classes, gesture: Discs, pixel_size: float | None
) -> tuple[Classes, Labels]:
    """Take off what the answer no longer has beneath the gesture; of a false cell, all."""
    new = classes.copy()
    for number in np.unique(cells[gesture.covered]):
        if number == 0:
            continue
        own = cells == number
        gone = _connected(own & ((answer == 0) | gesture.covered), gesture.covered)
        left = own & ~gone
        at_rim = (ndimage.binary_dilation(gone, structure=_EIGHT) & ~own).any() or not _is_deep(own, gesture.line)
        if gesture.is_click and left.sum() < _REMNANT * own.sum():
            gone = own
        elif gesture.is_click and not at_rim:  # whoever makes a hole in a cell means it, however sure the network is
            gone = _body(own, classes, gesture.line, pixel_size)
        else:
            parts, count = ndimage.label(left, structure=_EIGHT)
            if count > 1:
                sizes = np.bincount(parts.ravel())
                specks = np.flatnonzero((sizes < _SPECK * own.sum()) & (np.arange(count + 1) > 0))
                gone = gone | np.isin(parts, specks)
        new[gone] = 0
    new[gesture.covered] = 0
    return new, np.where(new > 0, cells, 0).astype(np.int32)
