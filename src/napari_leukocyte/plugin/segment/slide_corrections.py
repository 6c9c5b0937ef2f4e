"""Regions of a slide that are worked on, and their corrections on the way into the slide's results. No widgets."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.reader_name import is_said, reader_name

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_leukocyte.core.cells.boxes import Box
    from napari_leukocyte.core.cells.history import Fingerprint
    from napari_leukocyte.core.slides.correcting import Correction, Written
    from napari_leukocyte.core.slides.found import FoundOnSlide
    from napari_leukocyte.core.slides.merging import Maps2
    from napari_leukocyte.plugin.image_state import ImageState
    from napari_leukocyte.plugin.session import Session

__all__ = ["RegionWriter", "WorkedOn"]

_UNKNOWN = 1_000_000_000  # from here on are numbers that no cell of a slide has


@dataclass(eq=False)
class WorkedOn:
    """A region that was brought up from the results of a slide.

    Attributes
    ----------
    seen
        What the results hold of it, as far as it is known here.
    numbers
        What cells that were drawn here are called on the slide, by their numbers here.
    """

    layer: Image
    box: Box
    seen: Maps2
    numbers: dict[int, int] = field(default_factory=dict)
    _began: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self._began = frozenset(np.unique(self.seen[1]).tolist())

    def on_slide(self, number: int) -> int:
        """What a cell is called on the slide; one that has no name there yet gets a number that none has."""
        if number in self.numbers:
            return self.numbers[number]
        return number if number in self._began else _UNKNOWN + number

    def here(self, number: int) -> int:
        """What a cell of the slide is called here."""
        return next((own for own, known in self.numbers.items() if known == number), number)

    def correction(self, state: ImageState, made_by: dict[str, str]) -> Correction:
        """What a hand left of it."""
        from napari_leukocyte.core.slides.correcting import Correction

        cells: NDArray[np.int32] = state.cells.copy()
        for number in np.unique(cells[cells > 0]).tolist():
            if (known := self.on_slide(number)) != number:
                cells[state.cells == number] = known
        return Correction(
            box=self.box,
            seen=self.seen,
            maps=(state.classes.copy(), cells),
            remarks={self.on_slide(number): flags for number, flags in state.remarks.items()},
            types={self.on_slide(number): words for number, words in state.types.items()},
            made_by=made_by,
        )

    def take(self, written: Written) -> None:
        """It is in the results."""
        self.seen = written.maps
        self.numbers |= {number - _UNKNOWN: new for number, new in written.numbers.items() if number >= _UNKNOWN}


@dataclass(frozen=True, eq=False)
class _Sent:
    region: WorkedOn
    state: ImageState
    fingerprint: Fingerprint
    correction: Correction


class RegionWriter:
    """Writes the corrections of regions into the results of their slide, one region after the other.

    Signals
    -------
    written(found)
        The results as they are now, after each region.
    ended(sentence)
        Always the last one.
    """

    written = Signal(object)
    ended = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self.worker = Background("the writing of the corrections")
        self.regions: list[WorkedOn] = []

    @property
    def running(self) -> bool:
        """Whether corrections are being written."""
        return self.worker.running

    def add(self, layer: Image, box: Box, seen: Maps2) -> None:
        """A region was brought up."""
        self.regions = [*self._open(), WorkedOn(layer, box, seen)]

    def of(self, layer: object) -> WorkedOn | None:
        """What is known of a layer; None when it is no such region."""
        return next((one for one in self.regions if one.layer is layer), None)

    def state_of(self, region: WorkedOn) -> ImageState | None:
        """Its class map and cells; None when it is in no list any more."""
        part = next((part for part in self._session.parts if part.layer is region.layer), None)
        return None if part is None else self._session.states.get(part.first)

    def unwritten(self) -> list[WorkedOn]:
        """Regions with corrections that are not in the results."""
        self._session.flush()
        states = [(one, self.state_of(one)) for one in self._open()]
        return [one for one, state in states if state is not None and state.at_stake]

    def start(self, found: FoundOnSlide) -> None:
        """Write the corrections of all regions.

        Raises
        ------
        LeukocyteError
            When there is nothing to write.
        """
        name = reader_name(self._session)
        sent = []
        for region in self.unwritten():
            state = self.state_of(region)
            assert state is not None  # it has corrections
            made_by = {**state.facts(None).made_with_text, "reader": name}
            sent.append(_Sent(region, state, state.live.fingerprint, region.correction(state, made_by)))
        if not sent:
            raise LeukocyteError("No region has corrections that are not in the results.")
        self._left, self._cells, self._regions = 0, 0, 0
        said = "" if is_said(self._session) else f" Note: they carry the name of the account, {name}, as their reader."
        self.worker.start(
            lambda: _write(found, sent),
            event=self._on_written,
            done=lambda _: self.ended.emit(self._sentence() + said),
            failed=self.ended.emit,
        )

    def leave(self) -> None:
        """Report nothing more; what has begun is finished."""
        self.worker.leave()

    def _open(self) -> list[WorkedOn]:
        return [one for one in self.regions if one.layer in self._session.viewer.layers]

    def _on_written(self, event: Any) -> None:
        sent, written = event
        sent.region.take(written)
        sent.state.saved = sent.fingerprint
        self._regions += 1
        self._cells += len(written.cells) + len(written.gone)
        self._left += len(written.left)
        self.written.emit(written.found)

    def _sentence(self) -> str:
        said = f"{counted(self._cells, 'cell')} of {counted(self._regions, 'region')} corrected in the results."
        if self._left:
            said += (
                f" {counted(self._left, 'cell')} at the border of a region {'is' if self._left == 1 else 'are'} as "
                "before, for a region may cut them: click their rows, and correct them there."
            )
        return said


def _write(found: FoundOnSlide, sent: Sequence[_Sent]) -> Generator[tuple[_Sent, Written], None, None]:
    """The worker's generator."""
    from napari_leukocyte.core.slides.correcting import write_correction

    for one in sent:
        written = write_correction(found, one.correction)
        yield one, written
