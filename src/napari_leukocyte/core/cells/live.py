"""The cells of one class map, followed through edits: stable numbers, measures that are always up to date."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import Box, box_of, boxes_by_number, changed_box, in_plane, joined, meet, widened
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.history import ByHand, Fingerprint, History, Step, Taken, fingerprint
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cell, outline_uncertainty_px
from napari_leukocyte.core.cells.origin import Maker, OriginMap, Touch
from napari_leukocyte.core.cells.relabel import relabel
from napari_leukocyte.core.cells.standing import StandingRemarks
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.packed import Packed

__all__ = ["Change", "LiveCells"]


_NOWHERE = slice(0, 0), slice(0, 0)


@dataclass(frozen=True)
class Change:
    """What an edit did.

    Attributes
    ----------
    box
        Where classes or labels changed.
    cells
        The cells that were measured again, or are gone.
    """

    box: Box
    cells: frozenset[int]


class LiveCells:
    """Class map, cell labels and measures of one image while it is edited.

    The class map belongs to someone else (a layer with its own undo stack); here is a copy of it, brought in
    step by `follow` after an edit, an undo or a redo. Work is proportional to the edit and the cells that it
    touches; only to find an edit the whole plane is compared once.

    Parameters
    ----------
    classes : (Y, X) uint8 array
        Copied. A value above 2, painted by a slip, counts as nucleus.
    cells : (Y, X) int32 array
        Copied; 0 exactly where ``classes`` is 0.
    pixel_size : PixelSize
        An estimate serves to tell cells apart, but gives no areas.
    binary : bool
        The map has no nuclei.
    unsure : collection of int
        Cells that the model is unsure of.
    blurred : collection of int
        Cells that are out of focus.
    marks : mapping, optional
        Cells that are no white cells, and what they are: one of the ``NOT_A_WBC`` flags.
    edited : collection of int
        Cells that were edited by hand before.
    origin : OriginMap, optional
        What made the pixels of ``classes``; without it a model.
    types : mapping, optional
        What type a person says that cells are.
    beside : mapping, optional
        Flags that cells have for neighbours which are not in the maps.

    Attributes
    ----------
    by_hand
        What people say of the cells, and which they have edited.
    """

    def __init__(
        self,
        classes: npt.NDArray[np.uint8],
        cells: npt.NDArray[np.int32],
        *,
        pixel_size: PixelSize,
        binary: bool = False,
        unsure: Collection[int] = (),
        blurred: Collection[int] = (),
        marks: Mapping[int, Flag] | None = None,
        edited: Collection[int] = (),
        origin: OriginMap | None = None,
        types: Mapping[int, str] | None = None,
        beside: Mapping[int, Collection[Flag]] | None = None,
    ) -> None:
        self.pixel_size, self.binary = pixel_size, binary
        self.history = History()
        self.maps = Packed(classes.copy()), Packed(cells.copy())  # which may be put away
        self.origin = OriginMap(classes.copy()) if origin is None else origin
        self.by_hand = ByHand(dict(marks or {}), frozenset(edited), dict(types or {}))
        self._standing = StandingRemarks(frozenset(unsure), frozenset(blurred), dict(beside or {}))
        self._map = self._labels = 0  # fingerprints of class map and labels, relative to the first
        self._kept: Fingerprint | None = self.fingerprint
        self._next = int(self.cells.max(initial=0)) + 1
        self.revision = 0  # counts changes, so that an answer to an earlier question is known as such
        self.boxes: dict[int, Box] = boxes_by_number(self.cells)
        self._measures: dict[int, CellMeasure] = {}
        self._measure(self.boxes)

    @property
    def classes(self) -> npt.NDArray[np.uint8]:
        """The class map (Y, X)."""
        return self.maps[0].array

    @property
    def cells(self) -> npt.NDArray[np.int32]:
        """The cell labels (Y, X)."""
        return self.maps[1].array

    @property
    def measures(self) -> list[CellMeasure]:
        """The measures of all cells, by rising number."""
        return [self._measures[number] for number in sorted(self._measures)]

    @property
    def edited(self) -> bool:
        """Whether anything differs from how it began, or from what was kept since."""
        return self.fingerprint != self._kept

    def keep(self) -> None:
        """Note that class map, labels, marks and types as they are now are kept elsewhere."""
        self._kept = self.fingerprint

    def keep_nothing(self) -> None:
        """Note that they are kept nowhere after all."""
        self._kept = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What all of it is now, to be compared with what it was or will be."""
        return self._map, self._labels, self.by_hand

    def measure_of(self, number: int) -> CellMeasure | None:
        """Return the measure of a cell; None when there is no such cell."""
        return self._measures.get(number)

    def measure_at(self, pixel_size: PixelSize) -> None:
        """Measure all cells again, at another pixel size; labels, marks, types and edits stay."""
        self.pixel_size = pixel_size
        self._measure(self.boxes)

    def beside(self, number: int) -> frozenset[Flag]:
        """Flags that a cell has for neighbours which are not in the maps, as long as nobody has edited it."""
        return frozenset(() if number in self.by_hand.edited else self._standing.beside.get(number, ()))

    # ---- following the class map --------------------------------------------------------------------------

    def follow(self, now: npt.NDArray[np.generic], maker: Maker = "brush") -> Change | None:
        """Bring labels and measures in step with an edited class map.

        Parameters
        ----------
        now : (Y, X) array of integers
            The class map; it is only read.
        maker
            What the edit was made with.

        Returns
        -------
        Change or None
            None when the map is as it was.
        """
        taken = self._take(now)
        return None if taken is None else self._relabel(taken, maker)

    def follow_undo(self, now: npt.NDArray[np.generic], *, back: bool) -> Change | None:
        """Bring labels and measures in step after the class map's holder took a step back, or took it again.

        Labels, marks and types return to what they were with that class map. A step that changed those
        alone is one step of the holder too, which leaves the map as it is.
        """
        taken = self._take(now)
        map_now = self._map if taken is None else taken.map_now
        steps = self.history.back(map_now) if back else self.history.forward(map_now)
        if steps is not None:
            return self._replay(steps, taken, back=back)
        # a step from before this history began is followed like any other edit
        return None if taken is None else self._relabel(taken, "brush")

    def _take(self, now: npt.NDArray[np.generic]) -> Taken | None:
        """Copy what changed in the class map."""
        box = changed_box(self.classes, now)
        return None if box is None else self._write(box, now[box].astype(np.uint8))

    def _write(self, box: Box, after: npt.NDArray[np.uint8]) -> Taken:
        before = self.classes[box]
        rows, columns = np.nonzero(before != after)
        where = self._flat(box, rows, columns)
        change = fingerprint(where, after[rows, columns]) - fingerprint(where, before[rows, columns])
        before[...] = after
        return Taken(box, where, after[rows, columns], (self._map + change) % 2**64)

    def _relabel(self, taken: Taken, maker: Maker) -> Change:
        lost = np.unique(self.cells[taken.box][self.classes[taken.box] == 0])
        area = joined(
            widened(taken.box, 1, self.cells.shape), *(self.boxes[number] for number in lost.tolist() if number)
        )
        labels = relabel(self.cells[area], self.classes[area], next_number=self._next, pixel_size=self.pixel_size.um)
        touch = self.origin.touch(taken.where, taken.values, maker)
        return self._step(area, labels, taken=taken, touch=touch)

    def _step(
        self,
        area: Box,
        labels: npt.NDArray[np.int32],
        *,
        taken: Taken | None = None,
        by_hand: ByHand | None = None,
        touch: Touch | None = None,
    ) -> Change:
        """Take over the labels of an area, what people said, or both, and note the step."""
        rows, columns = np.nonzero(self.cells[area] != labels)
        before, after = self.cells[area][rows, columns], labels[rows, columns]
        where = self._flat(area, rows, columns)
        self._relabelled(where, before, after)
        numbers = {*before.tolist(), *after.tolist()}
        if taken is not None:
            numbers.update(self.cells.reshape(-1)[taken.where].tolist())
        self.cells[area] = labels
        if taken is not None:
            numbers.update(self.cells.reshape(-1)[taken.where].tolist())
        numbers.discard(0)
        by_hand = self.by_hand if by_hand is None else by_hand
        by_hand = replace(by_hand, edited=by_hand.edited | numbers)
        map_now = self._map if taken is None else taken.map_now
        self.history.push(Step(self._map, map_now, where, before, after, self.by_hand, by_hand, touch))
        numbers |= self.by_hand.differing(by_hand)
        self._map, self.by_hand = map_now, by_hand
        self._next = max(self._next, int(after.max(initial=0)) + 1)
        return self._changed(numbers, where, taken)

    def _replay(self, steps: Sequence[Step], taken: Taken | None, *, back: bool) -> Change:
        flat = self.cells.reshape(-1)
        numbers = set() if taken is None else set(flat[taken.where].tolist())
        for step in steps:
            labels, others = (step.before, step.after) if back else (step.after, step.before)
            flat[step.where] = labels
            self._relabelled(step.where, others, labels)
            if step.touch is not None:
                self.origin.replay(step.touch, back=back)
            numbers.update(step.before.tolist(), step.after.tolist())
            numbers |= step.by_hand_before.differing(step.by_hand_after)
        last = steps[-1]
        self._map = last.map_before if back else last.map_after
        self.by_hand = last.by_hand_before if back else last.by_hand_after
        numbers.discard(0)
        return self._changed(numbers, np.concatenate([step.where for step in steps]), taken)

    def _relabelled(
        self, where: npt.NDArray[np.intp], before: npt.NDArray[np.int32], after: npt.NDArray[np.int32]
    ) -> None:
        self._labels = (self._labels + fingerprint(where, after) - fingerprint(where, before)) % 2**64

    # ---- taking over labels, marks and types -----------------------------------------------------------------------

    @property
    def next_number(self) -> int:
        """The first number that no cell has had."""
        return self._next

    def set_labels(self, area: Box, labels: npt.NDArray[np.int32]) -> Change:
        """Take over the labels of an area, as one step that can be undone; they cover the same pixels as before."""
        return self._step(area, labels)

    def take_over(
        self,
        box: Box,
        classes: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int32],
        *,
        marks: Mapping[int, Flag] | None = None,
    ) -> Change | None:
        """Take over a part of the class map with its labels, as a gesture gave them: one step that can be undone.

        Parameters
        ----------
        box
            Rows and columns of the part.
        classes, labels : arrays of the box's shape
            What stands there from now on; ``labels`` is 0 exactly where ``classes`` is 0.
        marks
            Those of all cells from now on; None: as they are.

        Returns
        -------
        Change or None
            None when all of it is so already.
        """
        by_hand = self.by_hand if marks is None else replace(self.by_hand, marks=marks)
        same_map = np.array_equal(self.classes[box], classes)
        if same_map and np.array_equal(self.cells[box], labels) and by_hand == self.by_hand:
            return None
        if same_map:
            return self._step(box, labels, by_hand=by_hand)
        taken = self._write(box, classes)
        self.origin.end_stroke()
        touch = self.origin.touch(taken.where, taken.values, "gesture")
        self.origin.end_stroke()
        return self._step(box, labels, taken=taken, by_hand=by_hand, touch=touch)

    def set_marks(self, marks: Mapping[int, Flag]) -> Change | None:
        """Take over the marks of all cells, as one step that can be undone; None when they are so already."""
        return self._say(replace(self.by_hand, marks=marks))

    def set_types(self, types: Mapping[int, str]) -> Change | None:
        """Take over the types of all cells, as one step that can be undone; None when they are so already."""
        return self._say(replace(self.by_hand, types=types))

    def _say(self, by_hand: ByHand) -> Change | None:
        return None if by_hand == self.by_hand else self._step(_NOWHERE, self.cells[_NOWHERE], by_hand=by_hand)

    # ---- measuring ------------------------------------------------------------------------------------------

    def _changed(self, numbers: set[int], where: npt.NDArray[np.intp], taken: Taken | None) -> Change:
        """Measure again what a change can have touched."""
        self.revision += 1
        boxes = [] if taken is None else [taken.box]
        if where.size:
            rows, columns = np.divmod(where, self.cells.shape[1])
            boxes.append(
                (slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1))
            )
        if not boxes:  # marks or types alone
            boxes = [self.boxes[number] for number in numbers if number in self.boxes]
        box = joined(*boxes)
        for number in numbers:
            region = joined(box, self.boxes[number]) if number in self.boxes else box
            found = box_of(self.cells[region] == number)
            if found is None:
                self.boxes.pop(number, None)
                self._measures.pop(number, None)
            else:
                self.boxes[number] = in_plane(found, region)
        # what is said of a neighbour depends on all that lies in its box and a little around it
        reach = int(np.ceil(outline_uncertainty_px(self.pixel_size.for_areas))) + 2
        around = widened(box, reach, self.cells.shape)
        numbers = numbers | {number for number, its_box in self.boxes.items() if meet(its_box, around)}
        self._measure(number for number in numbers if number in self.boxes)
        return Change(box, frozenset(numbers))

    def _measure(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._measures[number] = measure_cell(
                self.classes,
                self.cells,
                number,
                self.boxes[number],
                pixel_size=self.pixel_size.for_areas,
                binary=self.binary,
                remarks=self._remarks(number),
                cell_type=self.by_hand.types.get(number, ""),
            )

    def _remarks(self, number: int) -> set[Flag]:
        by_hand = self.by_hand
        remarks = {by_hand.marks[number]} if number in by_hand.marks else set()
        remarks |= self._standing.on(number, edited=number in by_hand.edited)
        return remarks | {Flag.PIXEL_SIZE_DOUBTFUL} if self.pixel_size.doubt else remarks

    def _flat(self, box: Box, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Flat indices in the plane of pixels of a box."""
        flat: npt.NDArray[np.intp] = (rows + box[0].start) * self.cells.shape[1] + (columns + box[1].start)
        return flat
