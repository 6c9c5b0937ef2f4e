"""Gestures: a click or a short stroke that says what lies there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["KINDS", "Kind", "Stroke", "class_under", "covered"]

Kind = Literal["cell", "nucleus", "cytoplasm", "background"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CLASS_OF: dict[Kind, int] = {"background": 0, "cytoplasm": 1, "nucleus": 2}


@dataclass(frozen=True, eq=False)
class Stroke:
    """One gesture.

    Attributes
    ----------
    kind
        What lies under it: ``cell`` (of whichever part), ``nucleus``, ``cytoplasm`` or ``background``.
    points
        (N, 2) rows and columns in px, N at least 1; one point is a click, several are joined by lines.
    radius
        Of the disc that is drawn along it, px; 0 to 100.

    Raises
    ------
    LeukocyteError
        When the kind is unknown, the points are not finite numbers (N, 2), or the radius is out of range.

    Examples
    --------
    >>> Stroke("nucleus", [(12, 30)]).is_click
    True
    """

    kind: Kind
    points: npt.ArrayLike
    radius: float = 2.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise LeukocyteError(f"There is no gesture {self.kind!r}: use {', '.join(KINDS)}.")
        try:
            points = np.array(self.points, np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim == 1 and points.shape == (2,):
            points = points[np.newaxis]
        if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
            raise LeukocyteError("The points of a gesture are no rows and columns: give finite numbers (N, 2), N >= 1.")
        try:
            radius = float(self.radius)
        except (TypeError, ValueError):
            radius = np.nan
        if not 0 <= radius <= 100:
            raise LeukocyteError(f"A gesture cannot have the radius {self.radius!r}: give 0 to 100 px.")
        points.setflags(write=False)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "radius", radius)

    @property
    def line(self) -> NDArray[np.float64]:
        """The points, (N, 2) float64."""
        points: NDArray[np.float64] = np.asarray(self.points)
        return points

    @property
    def is_click(self) -> bool:
        """Whether it is one point."""
        return len(self.line) == 1


def class_under(kind: Kind, *, binary: bool) -> int:
    """Class that the pixels under a stroke get; not for ``cell``, which leaves the class of a cell's pixel open."""
    return min(_CLASS_OF[kind], 1 if binary else 2)


def covered(
    line: NDArray[np.float64] | Sequence[tuple[float, float]], radius: float, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """The pixels (Y, X) whose centres lie within ``radius`` of a line through points (N, 2); beyond ``shape`` none.

    A line that passes over the array covers at least the pixels that it passes through.
    """
    points = _sampled(np.asarray(line, np.float64))
    mask = np.zeros(shape, np.bool_)
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for y, x in points:
        cy, cx = round(float(y)), round(float(x))
        near = (rows + cy - y) ** 2 + (columns + cx - x) ** 2 <= radius**2
        near[reach, reach] = True
        ys, xs = rows[near] + cy, columns[near] + cx
        inside = (ys >= 0) & (ys < shape[0]) & (xs >= 0) & (xs < shape[1])
        mask[ys[inside], xs[inside]] = True
    return mask


def _sampled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points along a line, at most one px apart."""
    parts = [points[:1]]
    for a, b in pairwise(points):
        n = max(1, int(np.ceil(np.hypot(*(b - a)))))
        parts.append(a + (b - a) * (np.arange(1, n + 1) / n)[:, np.newaxis])
    return np.concatenate(parts)
