"""One plane to a class map: whole when it is small, else in overlapping windows with blended probabilities."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.windows import BLOCK, Grid, Span, ramp

__all__ = ["Network", "Prediction", "Strip", "WindowDone", "most_probable", "predict_class_map", "relay", "strips"]

Result = TypeVar("Result")

_SURE = 0.8  # probability of its class from which a pixel counts as sure
_WHOLE = 640 * 640  # px at the working resolution up to which a plane goes through the network in one piece


class Network(Protocol):
    """What is asked of a network: probabilities of windows, at the resolution that it works at."""

    @property
    def pixel_size(self) -> float:
        """Working resolution, um per px."""
        ...

    @property
    def batch(self) -> int:
        """How many windows it takes at a time; less when memory runs short."""
        ...

    def __call__(
        self, windows: list[NDArray[np.float32]], working: tuple[int, int], native: tuple[int, int]
    ) -> list[NDArray[np.float32]]:
        """Class probabilities (C, *native) of RGB windows (*native, 3) in 0-1, looked at in the shape ``working``."""
        ...


@dataclass(frozen=True)
class WindowDone:
    """``done`` of ``windows`` windows of the plane are through; Cancel takes effect between two."""

    done: int
    windows: int


def relay(events: Iterator[WindowDone | Result]) -> Generator[WindowDone, None, Result]:
    """Pass a job's progress on and return its result: ``result = yield from relay(job(...))``."""
    result: Result | None = None
    for event in events:
        if isinstance(event, WindowDone):
            yield event
        else:
            result = event
    assert result is not None  # the last event of a job carries its result
    return result


@dataclass(frozen=True)
class Prediction:
    """What a method says of a plane.

    Attributes
    ----------
    classes
        Class map (Y, X) uint8 with the values that the model has.
    sure
        (Y, X) bool: the pixels whose class has a probability of at least 0.8; all of them where there are none.
    surely_cell
        (Y, X) bool: the pixels that are cell, of whichever part, with at least that probability.
    """

    classes: NDArray[np.uint8]
    sure: NDArray[np.bool_]
    surely_cell: NDArray[np.bool_]

    @property
    def unsure(self) -> float:
        """Share of pixels, 0-1, that are not sure."""
        return 1 - float(self.sure.mean())


def predict_class_map(
    plane: Any, conversion: Conversion, network: Network, *, pixel_size: float
) -> Iterator[WindowDone | Prediction]:
    """Yield progress and, last, the prediction.

    Memory beside the plane and what is returned: one row of windows.

    Parameters
    ----------
    plane
        (Y, X) or (Y, X, 3 or 4), as it came; windows of it are converted as they are needed.
    pixel_size
        um per px of the plane.
    """
    shape = (int(plane.shape[0]), int(plane.shape[1]))
    scale = pixel_size / network.pixel_size
    working = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
    if working[0] * working[1] <= _WHOLE:
        p = network([conversion(plane)], working, shape)[0]
        yield WindowDone(1, 1)
        yield most_probable(p)
        return
    grid = Grid.over(shape, scale)
    rows, columns = grid.spans(0), grid.spans(1)
    result = Prediction(np.empty(shape, np.uint8), np.empty(shape, np.bool_), np.empty(shape, np.bool_))
    for event in strips(plane, conversion, network, grid.native_block, rows, columns):
        if isinstance(event, WindowDone):
            yield event
            continue
        stop = min(event.start + event.p.shape[1], shape[0])
        _decide(event.p[:, : stop - event.start, : shape[1]], result, slice(event.start, stop))
        del event  # a name would keep the strip alive through the next row
    yield result


@dataclass(frozen=True)
class Strip:
    """Rows of a plane whose probabilities are final.

    Attributes
    ----------
    start
        Of the rows, px.
    p
        (C, Y, X), from the first of the columns on; it may go beyond the plane.
    """

    start: int
    p: NDArray[np.float32]


def strips(
    plane: Any,
    conversion: Conversion,
    network: Network,
    block: int,
    rows: Sequence[Span],
    columns: Sequence[Span],
    *,
    shared: NDArray[np.float32] | None = None,
    seen: Callable[[Span, Span], bool] | None = None,
    classes: int = 3,
) -> Generator[WindowDone | Strip, None, NDArray[np.float32] | None]:
    """Blend windows row by row; yields progress and what is final, in the same numbers however a plane is cut.

    Parameters
    ----------
    plane
        (Y, X) or (Y, X, 3 or 4); windows of it are asked for in its own coordinates.
    block
        Native px of the grid's block.
    rows, columns
        Neighbouring spans of the grid of the whole plane: all of them, or some.
    shared
        What was returned for the rows right above these; None where there are none, or the first strip is dropped.
    seen
        Which windows the network looks at; the others are background. None: all.
    classes
        How many the network has, where windows are left out.

    Returns
    -------
    ndarray or None
        What the last row gives to the next one; None below the last row of all.
    """
    left = columns[0].start
    for i, row in enumerate(rows):
        band: NDArray[np.float32] | None = None
        step = network.batch  # fixed for the row: the batch itself shrinks when memory runs short
        for j in range(0, len(columns), step):
            group = columns[j : j + step]
            wanted = [span for span in group if seen is None or seen(row, span)]
            found = dict(zip(wanted, _predict(plane, conversion, network, row, wanted, block), strict=True))
            for span in group:
                p = found.get(span)
                if band is None:
                    shape = (classes if p is None else len(p), row.stop - row.start, columns[-1].stop - left)
                    band = np.zeros(shape, np.float32)
                weights = ramp(span, block)
                if p is None:
                    band[0, :, span.start - left : span.stop - left] += weights
                else:
                    band[:, :, span.start - left : span.stop - left] += p * weights
            yield WindowDone(i * len(columns) + j + len(group), len(rows) * len(columns))
        assert band is not None  # there is at least one column
        band *= ramp(row, block)[:, np.newaxis]
        if shared is not None:
            band[:, :block] += shared
        shared = None if row.last else band[:, -block:].copy()
        yield Strip(row.start, band if row.last else band[:, :-block])
    return shared


def _decide(p: NDArray[np.float32], result: Prediction, rows: slice) -> None:
    """Write what the probabilities (C, rows, X) of some rows say into the prediction of the plane."""
    own = most_probable(p)
    result.classes[rows], result.sure[rows], result.surely_cell[rows] = own.classes, own.sure, own.surely_cell


def most_probable(p: NDArray[np.float32]) -> Prediction:
    """Decide on the largest of the probabilities (C, Y, X); numpy's argmax would copy them."""
    classes = np.zeros(p.shape[1:], np.uint8)
    best = p[0]
    for c in range(1, len(p)):
        classes[p[c] > best] = c
        best = np.maximum(best, p[c])
    return Prediction(classes, best >= _SURE, p[0] <= 1 - _SURE)


def _predict(
    plane: Any, conversion: Conversion, network: Network, row: Span, columns: Sequence[Span], block: int
) -> list[NDArray[np.float32]]:
    """Probabilities (C, y, x) of windows of one row; windows of one width go through together."""
    windows = [conversion(_mirrored_window(plane, row, column)) for column in columns]
    result: list[NDArray[np.float32]] = []
    for blocks in dict.fromkeys(column.blocks for column in columns):
        same = [w for w, column in zip(windows, columns, strict=True) if column.blocks == blocks]
        result += network(same, (row.blocks * BLOCK, blocks * BLOCK), (row.blocks * block, blocks * block))
    return result


def _mirrored_window(plane: Any, row: Span, column: Span) -> NDArray[np.generic]:
    """The window's pixels; what lies beyond the image is the image mirrored at its edge."""
    window = np.asarray(plane[row.start : row.stop, column.start : column.stop])
    missing = [(0, span.stop - span.start - n) for span, n in zip((row, column), window.shape, strict=False)]
    if any(after for _, after in missing):
        window = np.pad(window, [*missing, *[(0, 0)] * (window.ndim - 2)], mode="symmetric")
    return window
