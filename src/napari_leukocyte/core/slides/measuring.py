"""What is known of each cell of a slide: which are none, flags, measures and its place on the film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, widened
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cell
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.quality import edge_margin, is_blurred
from napari_leukocyte.core.segmentation.plausible import (
    PLATELET_GROUND_UM,
    UNFAMILIAR,
    Around,
    is_giant_platelet,
    look_around,
)
from napari_leukocyte.core.segmentation.uncertainty import unsure_counts
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.slides.blocks import Blocks
from napari_leukocyte.core.slides.cells import FoundCell
from napari_leukocyte.core.slides.film import Place
from napari_leukocyte.core.slides.overview import Overview
from napari_leukocyte.core.slides.tiles import CLASS_BITS, DOUBTFUL_CELL, UNSURE

__all__ = ["Maps", "MeasuredCells", "SlideCell", "Surroundings", "look_at_surroundings", "measure_slide"]

_STEP = 100  # cells between two events
_THIN = 3  # every third pixel, each way, says what lies around the cells
_GLASS = 0.06  # how far the density of glass lies from its own at most
_CROP_UM = 50.0  # around a cell
_LOOKED_AT = 60  # cells that say how unsure the network is
_CLIPPED = 0.5  # of what is bright, from which the slide is overexposed


@dataclass(frozen=True)
class Maps:
    """A slide's picture and what was found in it, each read window by window.

    Attributes
    ----------
    picture
        (Y, X) or (Y, X, 3), as it comes; ``conversion`` makes RGB of it.
    codes
        (Y, X) uint8, see `tiles.codes_of`.
    classes, labels
        (Y, X) uint8 and int32.
    """

    picture: Blocks
    conversion: Conversion
    codes: Blocks
    classes: Blocks
    labels: Blocks

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.codes.shape[0], self.codes.shape[1]

    def around(self, box: Box, margin: int) -> Box:
        """A box and so many px around it, within the slide."""
        return widened(box, margin, self.shape)


@dataclass(frozen=True)
class Surroundings:
    """What samples all over a slide say of it.

    Attributes
    ----------
    around
        Glass and red cells.
    doubt
        0-1: how unsure the network is of all, see `uncertainty`.
    notes
        What the user should know.
    """

    around: Around
    doubt: float
    notes: tuple[str, ...]

    @property
    def unfamiliar(self) -> bool:
        """Whether the slide looks unlike what the model learnt from."""
        return self.doubt > UNFAMILIAR


@dataclass(frozen=True)
class SlideCell:
    """A cell of a slide.

    Attributes
    ----------
    measure
        With coordinates of the slide, px.
    box
        Rows and columns that hold it.
    """

    measure: CellMeasure
    box: Box


@dataclass(frozen=True, eq=False)
class MeasuredCells:
    """All cells in reading order, numbered 1..n.

    Attributes
    ----------
    numbers
        For each number in the label map its new one, 0 for what is no cell after all.
    red_cells
        How many of those were left out because they look like red cells.
    """

    cells: list[SlideCell]
    numbers: NDArray[np.int32]
    red_cells: int


def look_at_surroundings(
    maps: Maps, overview: Overview, samples: Sequence[Box], cells: Sequence[FoundCell], *, pixel_size: float
) -> Surroundings:
    """Look at samples of the slide; memory: a ninth of their pixels.

    White where there is no film was maybe never scanned, and says nothing of the light.

    How unsure the network is counts around cells alone, as in crops: on a slide they are rare, and what is doubtful
    between them adds up.
    """
    light: list[NDArray[np.float32]] = []
    background: list[NDArray[np.bool_]] = []
    for box in samples:
        window = maps.conversion(maps.picture[box][::_THIN, ::_THIN])
        scanned = (window < 1).any(axis=-1) | (overview.places_in(box, step=_THIN) != Place.GLASS)
        light.append(window[scanned])
        background.append((maps.codes[box][::_THIN, ::_THIN] & CLASS_BITS == 0)[scanned])
    rgb, beside = np.concatenate(light), np.concatenate(background)
    around = look_around(rgb, beside, um2=(_THIN * pixel_size) ** 2)
    glass = beside & (np.abs(around.density(rgb).mean(axis=1)) < _GLASS)
    clipped = float((rgb[glass] >= 1).any(axis=1).mean()) if glass.any() else 0.0
    notes = [f"overexposed: {100 * clipped:.0f} % of the glass is at the top value"] if clipped > _CLIPPED else []
    unsure = found = 0
    reach = round(_CROP_UM / 2 / pixel_size)
    for k in np.linspace(0, len(cells) - 1, min(len(cells), _LOOKED_AT)).round().astype(int).tolist():
        place = slice(round(cells[k].y), round(cells[k].y) + 1), slice(round(cells[k].x), round(cells[k].x) + 1)
        codes = maps.codes[maps.around(place, reach)]
        classes = (codes & CLASS_BITS).astype(np.uint8)
        counts = unsure_counts(classes, codes & UNSURE == 0, pixel_size=pixel_size)
        unsure, found = unsure + counts[0], found + counts[1]
    doubt = unsure / found if found else 0.0
    if doubt > UNFAMILIAR:
        notes.append("the slide looks unlike what the model learnt from, check every outline")
    return Surroundings(around, doubt, tuple(notes))


def measure_slide(
    found: Sequence[FoundCell],
    maps: Maps,
    surroundings: Surroundings,
    *,
    dropped: set[int],
    pixel_size: PixelSize,
    binary: bool,
    nuclei: bool,
    unsure_limit: float,
) -> Iterator[WindowDone | MeasuredCells]:
    """Yield progress and, last, the cells.

    Parameters
    ----------
    dropped
        Numbers of cells that do not count; they are no neighbours of others either.
    binary
        Only whole cells are wanted.
    nuclei
        The network knows them.
    unsure_limit
        Share of unsure pixels, 0-1, over which a cell is flagged.
    """
    assert pixel_size.um is not None
    um = pixel_size.um
    shares: dict[int, float] = {}
    red_cells: set[int] = set()
    for done, cell in enumerate(found, start=1):
        if cell.number not in dropped:
            own = maps.labels[cell.box] == cell.number
            shares[cell.number] = float((maps.codes[cell.box][own] & UNSURE > 0).mean())
            if nuclei and _is_red_cell(cell, own, maps, surroundings.around, shares[cell.number]):
                red_cells.add(cell.number)
        if done % _STEP == 0:
            yield WindowDone(done, 2 * len(found))
    left_out = dropped | red_cells
    kept = sorted((cell for cell in found if cell.number not in left_out), key=lambda cell: cell.first)
    numbers = np.zeros(len(found) + 1, np.int32)
    for new, cell in enumerate(kept, start=1):
        numbers[cell.number] = new
    cells: dict[int, SlideCell] = {}
    # in the order in which they lie on the disk
    for done, cell in enumerate(sorted(kept, key=lambda one: one.number), start=1):
        remarks = _remarks(cell, maps, um)
        if surroundings.unfamiliar or shares[cell.number] > unsure_limit:
            remarks.add(Flag.LOW_CONFIDENCE)
        if pixel_size.doubt:
            remarks.add(Flag.PIXEL_SIZE_DOUBTFUL)
        measure = _measure(cell, maps, numbers, remarks, um=um, for_areas=pixel_size.for_areas, binary=binary)
        cells[measure.cell] = SlideCell(measure, cell.box)
        if done % _STEP == 0:
            yield WindowDone(len(kept) + done, 2 * len(kept))
    yield MeasuredCells([cells[number] for number in sorted(cells)], numbers, len(red_cells))


def _is_red_cell(cell: FoundCell, own: NDArray[np.bool_], maps: Maps, around: Around, unsure: float) -> bool:
    if around.red_cells is None or unsure <= 0:
        return False
    nucleus = own & (maps.classes[cell.box] == 2)
    codes = maps.codes[cell.box][own]
    doubtful = float(((codes & DOUBTFUL_CELL > 0) | (codes & CLASS_BITS == 0)).mean())  # a filled hole is no sure cell
    return around.is_red_cell(_light(maps, cell.box), nucleus, unsure=unsure, doubtful=doubtful)


def _light(maps: Maps, box: Box) -> NDArray[np.float32]:
    return maps.conversion(maps.picture[box])


def _remarks(cell: FoundCell, maps: Maps, um: float) -> set[Flag]:
    """Flags that the maps alone cannot tell."""
    found: set[Flag] = set()
    inside = all(side.start > 0 and side.stop < n for side, n in zip(cell.box, maps.shape, strict=True))
    if inside:
        window, own, nucleus = _seen(cell, maps, round(PLATELET_GROUND_UM / um))
        if is_giant_platelet(window, maps.conversion, own, nucleus, pixel_size=um):
            found.add(Flag.NOT_A_WBC_PLATELET)
    window, _, nucleus = _seen(cell, maps, edge_margin(um))
    if is_blurred(window, maps.conversion, nucleus, pixel_size=um):
        found.add(Flag.OUT_OF_FOCUS)
    return found


def _seen(cell: FoundCell, maps: Maps, margin: int) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """The picture around a cell, the cell and its nucleus in it."""
    box = maps.around(cell.box, margin)
    own = maps.labels[box] == cell.number
    return maps.picture[box], own, own & (maps.classes[box] == 2)


def _measure(
    cell: FoundCell,
    maps: Maps,
    numbers: NDArray[np.int32],
    remarks: set[Flag],
    *,
    um: float,
    for_areas: float | None,
    binary: bool,
) -> CellMeasure:
    box = maps.around(cell.box, int(np.ceil(max(1.0, 0.1 / um))) + 2)
    labels = numbers[maps.labels[box]]
    classes = np.where(labels > 0, maps.classes[box], 0).astype(np.uint8)
    if binary:
        classes = (classes > 0).astype(np.uint8)
    top, left = box[0].start, box[1].start
    rows, columns = (slice(side.start - k, side.stop - k) for side, k in zip(cell.box, (top, left), strict=True))
    number = int(numbers[cell.number])
    one = measure_cell(
        classes, labels, number, (rows, columns), pixel_size=for_areas, binary=binary, remarks=remarks
    )  # fmt: skip
    return replace(one, y=one.y + top, x=one.x + left)
