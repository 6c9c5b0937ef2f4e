"""Stable cell numbers through random edits: strokes, fills, erasures, repairs, marks, undo and redo.

    python benchmarks/edits.py [--edits 1000] [--fields 5] [--seed 0]

After each edit every property is checked against the whole image; the first that fails ends the run.
"""

import argparse
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from skimage.draw import disk, polygon

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.boxes import Pixels
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.live import Change, LiveCells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.cells.origin import MAKERS, Maker
from napari_leukocyte.core.cells.repair import line_pixels
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.synthetic.smear import draw_field

MARKS = (Flag.NOT_A_WBC_SMUDGE, Flag.NOT_A_WBC_PLATELET, Flag.NOT_A_WBC_NRBC, Flag.NOT_A_WBC_ARTEFACT, None)

State = tuple[
    NDArray[np.uint8], NDArray[np.int32], dict[int, Flag], frozenset[int], NDArray[np.uint8], Mapping[Maker, int]
]
"""Class map, labels, marks, edited cells, makers and strokes."""


class Editor:
    """Holds a class map with its own undo stack, as a layer does, and edits it at random.

    The stack's items are pairs of maps; beside each stands what the labels and marks were, as the truth that an
    undo must lead back to.
    """

    def __init__(self, classes: NDArray[np.uint8], cells: NDArray[np.int32], *, seed: int, pixel_size: float) -> None:
        self.rng = np.random.default_rng(seed)
        self.map = classes.copy()
        self.live = LiveCells(classes, cells, pixel_size=PixelSize(pixel_size, "drawn"))
        self.states = [self._state()]
        self.position = 0
        self.seconds: list[float] = []

    def edit(self) -> str:
        """Make one random edit and check it; returns its name.

        Raises
        ------
        AssertionError
            When a property does not hold.
        """
        edits: dict[str, tuple[float, Callable[[], None]]] = {
            "stroke": (40, self._stroke),
            "polygon": (6, self._polygon),
            "fill": (4, self._fill_class),
            "split": (8, lambda: self._on_labels(lambda: live_repairs.split(self.live, self._line()))),
            "join": (
                6,
                lambda: self._on_labels(
                    lambda: live_repairs.join(self.live, live_repairs.under(self.live, self._line()))
                ),
            ),
            "mark": (
                6,
                lambda: self._on_labels(
                    lambda: live_repairs.mark(self.live, [self._cell()], MARKS[self.rng.integers(len(MARKS))])
                ),
            ),
            "split off": (4, lambda: self._on_map(lambda: (live_repairs.split_off(self.live, self._line()), 0))),
            "fill hole": (4, lambda: self._on_map(lambda: (live_repairs.fill(self.live, [self._cell()]), 1))),
            "undo": (14, lambda: self._travel(-1)),
            "redo": (8, lambda: self._travel(+1)),
        }
        names = list(edits)
        weights = np.array([weight for weight, _ in edits.values()])
        name = names[int(self.rng.choice(len(names), p=weights / weights.sum()))]
        edits[name][1]()
        self._check_measures()
        return name

    # ---- edits ---------------------------------------------------------------------------------------------

    def _stroke(self) -> None:
        radius = self.rng.uniform(1, 9)
        value = int(self.rng.choice([0, 0, 1, 1, 2]))
        pixels = np.zeros(self.map.shape, bool)
        start, stop = np.array(self._line())
        for y, x in np.linspace(start, stop, 8):
            pixels[disk((y, x), radius, shape=self.map.shape)] = True
        self._write(np.nonzero(pixels), value)

    def _polygon(self) -> None:
        y, x = self._point()
        corners = np.array((y, x)) + self.rng.uniform(-30, 30, (5, 2))
        self._write(polygon(*corners.T, shape=self.map.shape), int(self.rng.integers(0, 3)))

    def _fill_class(self) -> None:
        number = self._cell()
        old = int(self.rng.integers(1, 3))
        self._write(np.nonzero((self.live.cells == number) & (self.map == old)), int(self.rng.integers(0, 3)))

    def _on_map(self, ask: Callable[[], tuple[Pixels, int]]) -> None:
        try:
            pixels, value = ask()
        except LeukocyteError:  # the line parts no cell, there is no hole
            return
        self._write(pixels, value)

    def _on_labels(self, change: Callable[[], Change | None]) -> None:
        before = self.live.cells.copy()
        highest = int(before.max())
        try:
            done = self._timed(change)
        except LeukocyteError:  # the line parts no cell, or lies in one cell only
            return
        if done is None:  # marked so already
            return
        moved = before != self.live.cells
        assert not moved[~self._inside(done)].any(), "labels changed outside the box that was announced"
        joined = set(before[moved].tolist())
        assert all(n > highest or n in set(before.ravel().tolist()) for n in set(self.live.cells[moved].tolist()))
        assert set(np.unique(before).tolist()) - set(np.unique(self.live.cells).tolist()) <= joined
        self._remember()

    def _write(self, pixels: Pixels | tuple[NDArray[np.intp], ...], value: int) -> None:
        before, labels = self.map.copy(), self.live.cells.copy()
        given = self._given()
        self.map[pixels[0], pixels[1]] = value
        changed = self.map != before
        maker: Maker = "gesture" if self.rng.random() < 0.3 else "brush"
        strokes = self.live.origin.strokes
        done = self._timed(lambda: self.live.follow(self.map, maker))
        self.live.origin.end_stroke()
        if not changed.any():
            assert done is None, "a change was announced that is none"
            return
        assert done is not None, "a change was missed"
        self._check_makers(changed, maker, strokes[maker] + 1)
        inside = self._inside(done)
        assert not changed[~inside].any(), "the map changed outside the box that was announced"
        now = self.live.cells
        stayed = (before > 0) & (self.map > 0) & (now != labels)
        assert not stayed[~inside].any(), "labels changed outside the box that was announced"
        assert set(now[stayed].tolist()).isdisjoint(given), "a pixel that stayed went to another known cell"
        for number in set(labels[stayed].tolist()):
            assert (changed & (labels == number)).any(), "a cell lost pixels without being edited"
        self._remember()

    def _travel(self, by: int) -> None:
        if not 0 <= self.position + by < len(self.states):
            return
        self.position += by
        self.map = self.states[self.position][0].copy()
        self._timed(lambda: self.live.follow_undo(self.map, back=by < 0))
        _, cells, marks, edited, makers, strokes = self.states[self.position]
        assert np.array_equal(self.live.cells, cells), "an undo or redo gave other labels"
        assert dict(self.live.by_hand.marks) == marks, "an undo or redo gave other marks"
        assert self.live.by_hand.edited == edited, "an undo or redo gave other edited cells"
        assert np.array_equal(self.live.origin.makers, makers), "an undo or redo gave other makers"
        assert self.live.origin.strokes == strokes, "an undo or redo gave another number of strokes"

    # ---- helpers -------------------------------------------------------------------------------------------

    def _timed(self, job: Callable[[], Change | None]) -> Change | None:
        start = perf_counter()
        done = job()
        self.seconds.append(perf_counter() - start)
        return done

    def _given(self) -> set[int]:
        """All numbers ever given."""
        return set(range(1, max(int(state[1].max()) for state in self.states) + 1))

    def _inside(self, change: Change) -> NDArray[np.bool_]:
        inside = np.zeros(self.map.shape, bool)
        inside[change.box] = True
        return inside

    def _state(self) -> State:
        origin = self.live.origin
        edited = self.live.by_hand.edited
        return (
            self.map.copy(),
            self.live.cells.copy(),
            dict(self.live.by_hand.marks),
            edited,
            origin.makers.copy(),
            origin.strokes,
        )

    def _remember(self) -> None:
        self.states[self.position + 1 :] = [self._state()]
        self.position += 1

    def _check_makers(self, changed: NDArray[np.bool_], maker: Maker, strokes: int) -> None:
        origin, began = self.live.origin, self.states[0][0]
        again = self.map == began
        assert not origin.makers[again].any(), "what is as it began was not put down to the model"
        assert (origin.makers[changed & ~again] == MAKERS.index(maker)).all(), "an edit was put down to another maker"
        assert origin.makers[~again].all(), "what was changed was put down to the model"
        assert origin.strokes[maker] == strokes, "a stroke was not counted as one"

    def _check_measures(self) -> None:
        assert np.array_equal(self.live.cells > 0, self.map > 0), "labels and class map do not cover the same pixels"
        assert np.array_equal(self.live.classes, self.map), "the kept class map is not the holder's"
        remarks = {m.cell: set(m.flags) for m in self.live.measures}
        expected = measure_cells(
            self.map, self.live.cells, pixel_size=self.live.pixel_size.um, remarks=_own_remarks(self.live, remarks)
        )
        assert len(expected) == len(self.live.measures), "a row is missing, or one too many"
        for live, whole in zip(self.live.measures, expected, strict=True):
            assert str(live) == str(whole), f"a measure is out of date:\n{live}\n{whole}"

    def _cell(self) -> int:
        numbers = np.unique(self.live.cells)[1:]
        return int(self.rng.choice(numbers)) if numbers.size else 0

    def _point(self) -> tuple[float, float]:
        """A point near a cell more often than not."""
        y, x = np.nonzero(self.live.cells)
        if not y.size or self.rng.random() < 0.2:
            return float(self.rng.uniform(0, self.map.shape[0])), float(self.rng.uniform(0, self.map.shape[1]))
        at = int(self.rng.integers(y.size))
        return float(y[at]), float(x[at])

    def _line(self) -> list[tuple[float, float]]:
        y, x = self._point()
        dy, dx = self.rng.normal(0, 25, 2)
        line = [(y - dy, x - dx), (y + dy, x + dx)]
        assert len(line_pixels(line)[0])
        return line


def _own_remarks(live: LiveCells, found: dict[int, set[Flag]]) -> dict[int, set[Flag]]:
    """What marks and edits say of each cell, worked out apart from the code under test."""
    remarks: dict[int, set[Flag]] = {number: set() for number in found}
    for number in remarks:
        if number in live.by_hand.marks:
            remarks[number].add(live.by_hand.marks[number])
        if number in live.by_hand.edited:
            remarks[number].add(Flag.EDITED)
    return remarks


def run(edits: int, *, seed: int) -> tuple[dict[str, int], list[float]]:
    """Edit one drawn field at random; returns how often each edit was made, and the seconds that each took."""
    field = draw_field(seed=seed, size=(400, 520), px_per_um=5, n_cells=9)
    editor = Editor(field.classes, field.cells, seed=seed, pixel_size=field.pixel_size)
    made: dict[str, int] = {}
    for _ in range(edits):
        name = editor.edit()
        made[name] = made.get(name, 0) + 1
    return made, editor.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--fields", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for seed in range(given.seed, given.seed + given.fields):
        made, seconds = run(given.edits, seed=seed)
        counts = ", ".join(f"{count} x {name}" for name, count in sorted(made.items()))
        print(
            f"field {seed}: all properties held; {counts}; "
            f"median {1000 * float(np.median(seconds)):.1f} ms, 95 % {1000 * float(np.quantile(seconds, 0.95)):.1f} ms"
        )


if __name__ == "__main__":
    main()
