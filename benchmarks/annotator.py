"""Simulated annotators: who clicks gestures, who paints with the plain brush, and who sets discs.

Each knows the truth, takes the largest connected error by its true class, and is up to ``off`` px off. An action is a
stroke, a click, or taking up another tool; traced length is what is drawn with the button held, in px.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric
from skimage.measure import find_contours
from skimage.morphology import skeletonize

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.interactive.session import GestureSession
from napari_leukocyte.core.interactive.stroke import Kind, Stroke, covered

__all__ = ["Brush", "Discs", "Error", "Gestures", "Step", "Tool", "innermost", "largest_error"]

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Line = NDArray[np.float64]

_WAVE = 12.0  # px along a line over which a hand's deviation changes
_KINDS: tuple[Kind, Kind, Kind] = ("background", "cytoplasm", "nucleus")


@dataclass(frozen=True)
class Error:
    """The largest connected error: the true class, and where it is (Y, X)."""

    value: int
    area: Mask


@dataclass(frozen=True)
class Step:
    """The map after a step, and what the step cost."""

    classes: Map
    actions: int
    traced: float
    seconds: float = 0.0


class Tool(Protocol):
    """One cell's correction with one tool."""

    def step(self, classes: Map, truth: Map, rng: np.random.Generator) -> Step | None:
        """Make one correction; None where nothing is left to do."""


def innermost(area: Mask) -> Line:
    """The point that lies deepest in an area; rows and columns."""
    # one pixel of frame: a cell cut by the image edge is deep there, but nobody clicks on the very edge
    depth = ndimage.distance_transform_edt(np.pad(area, 1))[1:-1, 1:-1]
    return np.array(np.unravel_index(int(depth.argmax()), area.shape), np.float64)


def largest_error(classes: Map, truth: Map) -> Error | None:
    """Find it; None where the map is the truth."""
    best, size = None, 0
    for value in range(3):
        parts, count = ndimage.label((classes != truth) & (truth == value))
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            if sizes.max() > size:
                best, size = Error(value, parts == int(sizes.argmax()) + 1), int(sizes.max())
    return best


class Gestures:
    """Clicks that the network answers.

    Parameters
    ----------
    session
        On the image.
    whole
        The truth knows no nuclei.
    off
        How far a click is off at most, px.
    anywhere
        The first click lies anywhere in nucleus or cytoplasm, not at the innermost point of the nucleus.
    """

    def __init__(self, session: GestureSession, *, whole: bool, off: float, anywhere: bool = False) -> None:
        self._session, self._whole, self._off, self._anywhere = session, whole, off, anywhere
        self._strokes: list[Stroke] = []
        self._cells: NDArray[np.int32] | None = None

    def step(self, classes: Map, truth: Map, rng: np.random.Generator) -> Step | None:
        if not self._strokes and not classes.any():
            stroke = self._first(truth, rng)
        else:
            error = largest_error(np.minimum(classes, 1) if self._whole else classes, truth)
            if error is None:
                return None
            kind: Kind = "cell" if self._whole and error.value == 1 else _KINDS[error.value]
            stroke = Stroke(kind, _jittered(innermost(error.area), truth.shape, rng, self._off))
        new = classes.copy()
        if self._cells is None:
            self._cells = label_cells(new, pixel_size=self._session.um)
        began = process_time()
        change = self._session.follow(new, self._cells, stroke, self._strokes)
        seconds = process_time() - began
        new[change.box], self._cells[change.box] = change.classes, change.cells
        taken_up = not self._strokes or self._strokes[-1].kind != stroke.kind
        self._strokes.append(stroke)
        return Step(new, 1 + taken_up, 0.0, seconds)

    def _first(self, truth: Map, rng: np.random.Generator) -> Stroke:
        nucleus = truth == 2
        if not self._anywhere:
            return Stroke("cell", innermost(nucleus if nucleus.any() else truth > 0))
        part = truth == rng.integers(1, 3)
        ys, xs = np.nonzero(part if part.any() else truth > 0)
        i = int(rng.integers(len(ys)))
        return Stroke("cell", (ys[i], xs[i]))


class Brush:
    """The plain brush: a missed cell by ring and fill, then one stroke along the middle line of each error."""

    def __init__(self, *, whole: bool, off: float) -> None:
        self._whole, self._off = whole, off
        self._in_hand = -1  # class of the brush; the fill tool has none

    def step(self, classes: Map, truth: Map, rng: np.random.Generator) -> Step | None:
        if not classes.any():
            return self._ring_and_fill(truth, rng)
        error = largest_error(np.minimum(classes, 1) if self._whole else classes, truth)
        if error is None:
            return None
        line = _wavering(middle_line(error.area), rng, self._off)
        area = _best_disc(line, classes, truth, error)
        new = classes.copy()
        new[area] = error.value
        actions = 1 + (error.value != self._in_hand)
        self._in_hand = error.value
        return Step(new, actions, _length(line))

    def _ring_and_fill(self, truth: Map, rng: np.random.Generator) -> Step:
        """Cytoplasm brush, ring, fill, click; nucleus brush and so on, for each piece of the nucleus."""
        new, actions, traced = np.zeros_like(truth), 0, 0.0
        pieces = [(1, truth > 0)]
        if not self._whole:
            pieces += [(2, piece) for piece in _pieces(truth == 2)]
        for value, piece in pieces:
            ring = _wavering(_outline(piece), rng, self._off)
            new[ndimage.binary_fill_holes(covered(ring, _RING, truth.shape))] = value
            actions, traced = actions + 4, traced + _length(ring)
        return Step(new, actions, traced)


class Discs:
    """Single discs of the best radius, as if each were one click with the plain brush."""

    def __init__(self, *, whole: bool, off: float) -> None:
        self._whole, self._off = whole, off
        self._in_hand = -1

    def step(self, classes: Map, truth: Map, rng: np.random.Generator) -> Step | None:
        error = largest_error(np.minimum(classes, 1) if self._whole else classes, truth)
        if error is None:
            return None
        at = _jittered(innermost(error.area), truth.shape, rng, self._off)[np.newaxis]
        new = classes.copy()
        new[_best_disc(at, classes, truth, error)] = error.value
        actions = 1 + (error.value != self._in_hand)
        self._in_hand = error.value
        return Step(new, actions, 0.0)


_RING = 2.0  # px, radius of the brush that draws rings


def middle_line(area: Mask) -> Line:
    """The longest path along the middle of an area, as points (N, 2); its innermost point where it has no length."""
    box = ndimage.find_objects(area.astype(np.uint8))[0]
    corner = np.array([part.start for part in box], np.float64)
    middle = skeletonize(np.pad(area[box], 1))
    points = np.argwhere(middle)
    if len(points) < 2:
        return innermost(area)[np.newaxis]
    costs = np.where(middle, 1.0, -1.0)  # below 0: no way
    ends = tuple(points[0])
    path: list[tuple[int, ...]] = []
    for _ in range(2):  # from anywhere to an end, from there to the other end
        graph = MCP_Geometric(costs)
        found, _ = graph.find_costs([ends])
        found = np.where(np.isfinite(found), found, -1)
        ends = tuple(int(at) for at in np.unravel_index(int(found.argmax()), found.shape))
        path = graph.traceback(ends)
    line: Line = np.array(path, np.float64) - 1 + corner
    return line


def _pieces(mask: Mask) -> Iterator[Mask]:
    parts, count = ndimage.label(mask, structure=np.ones((3, 3)))
    for number in range(1, count + 1):
        yield parts == number


def _outline(piece: Mask) -> Line:
    """Where the middle of the brush goes so that its edge draws the outline; the middle line of what is too thin."""
    depth = ndimage.distance_transform_edt(np.pad(piece, 1))
    contours = find_contours(depth, _RING + 0.5)
    if not contours:
        return middle_line(piece)
    line: Line = max(contours, key=len) - 1
    return line


def _wavering(line: Line, rng: np.random.Generator, off: float) -> Line:
    """The line as a hand draws it: up to ``off`` px off, which changes slowly along it."""
    n = len(line)
    knots = max(2, round(_length(line) / _WAVE) + 1)
    angle, distance = rng.uniform(0, 2 * np.pi, knots), off * np.sqrt(rng.random(knots))
    offsets = distance[:, np.newaxis] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    if n > 2 and np.array_equal(line[0], line[-1]):
        offsets[-1] = offsets[0]
    at = np.linspace(0, knots - 1, n)
    moved: Line = line + np.stack([np.interp(at, np.arange(knots), offsets[:, i]) for i in (0, 1)], axis=1)
    return moved


def _best_disc(line: Line, classes: Map, truth: Map, error: Error) -> Mask:
    """The pixels of the stroke whose radius puts most of the map right."""
    value, depth = error.value, float(ndimage.distance_transform_edt(np.pad(error.area, 1)).max())
    radii = np.arange(0.5, depth + 4, 0.5 if depth < 12 else 1)
    gains = np.where(truth == value, 1, 0) - np.where(classes == truth, 1, 0)
    gains[classes == value] = 0
    distance = ndimage.distance_transform_edt(~covered(line, 0, truth.shape))
    best: float = max(radii, key=lambda radius: int(gains[distance <= radius].sum()))
    area: Mask = distance <= best
    return area


def _jittered(point: Line, shape: tuple[int, ...], rng: np.random.Generator, off: float) -> Line:
    angle, distance = rng.uniform(0, 2 * np.pi), off * np.sqrt(rng.random())
    moved: Line = np.clip(point + distance * np.array([np.sin(angle), np.cos(angle)]), 0, np.array(shape) - 1)
    return moved


def _length(line: Line) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum()) if len(line) > 1 else 0.0
