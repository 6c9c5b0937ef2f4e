"""Outlines and labels that other programs give singly, put together to one map of cells."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, boxes_by_number
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.outlines import Ring, fill_rings
from napari_leukocyte.core.text import counted

__all__ = ["Assembled", "Region", "assemble", "part_named", "region_of_rings", "regions_of_labels"]

Part = Literal["cell", "nucleus"]


@dataclass(frozen=True)
class Region:
    """One cell, nucleus included, or one nucleus, as a file gives it.

    Attributes
    ----------
    mask
        (Y, X) bool, of the box alone.
    box
        Rows and columns of the image.
    cell
        Number of the cell that it is or belongs to; None: the file does not say.
    """

    part: Part
    mask: NDArray[np.bool_]
    box: Box
    cell: int | None = None
    flags: frozenset[Flag] = frozenset()
    type: str = ""


@dataclass(frozen=True)
class Assembled:
    """Class map and cell labels with what is known of the cells, and what the user should know of how it came about."""

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    remarks: dict[int, frozenset[Flag]] = field(default_factory=dict)
    types: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def region_of_rings(
    rings: Iterable[Iterable[Ring]],
    shape: tuple[int, int],
    *,
    part: Part,
    cell: int | None = None,
    flags: frozenset[Flag] = frozenset(),
    type: str = "",
) -> Region:
    """Fill polygons, each of some rings by the rule of even and odd, in a box no larger than they need."""
    polygons = [[np.asarray(ring, np.float64).reshape(-1, 2) for ring in polygon] for polygon in rings]
    corners = np.concatenate([ring for polygon in polygons for ring in polygon] or [np.zeros((1, 2))])
    if not np.isfinite(corners).all():
        raise LeukocyteError("An outline has a corner that is no number: export the outlines again.")
    sides = np.array(shape[::-1])
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, sides).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, sides).astype(int).tolist()
    box = (slice(top, bottom), slice(left, right))
    size = (bottom - top, right - left)
    mask = np.zeros(size, bool)
    for polygon in polygons:
        mask |= fill_rings([ring - (left, top) for ring in polygon], size)
    return Region(part, mask, box, cell, flags, type)


def regions_of_labels(labels: NDArray[np.int32], *, part: Part) -> Iterator[Region]:
    """One region for each number of labels (Y, X); the number of a nucleus need not be that of its cell."""
    for number, box in boxes_by_number(labels).items():
        yield Region(part, labels[box] == number, box, number if part == "cell" else None)


def part_named(name: str) -> Part:
    """Say which part a name means.

    >>> part_named("Nuclei"), part_named("0001-nucleus"), part_named("Neutrophil")
    ('nucleus', 'nucleus', 'cell')
    """
    return "nucleus" if "nucle" in name.lower() and "nucleated" not in name.lower() else "cell"


def assemble(regions: Sequence[Region], shape: tuple[int, int]) -> Assembled:
    """Put cells and nuclei together, in the order of the file.

    Where two cells overlap, the pixels stay with the first. A nucleus goes to the cell of its number, else to the one
    that it overlaps most, and is cut at that cell's outline; where there is no cell at all, it becomes a cell
    of its own, without cytoplasm. A cell whose number is missing or taken gets the next free one.
    """
    classes, cells = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    remarks: dict[int, frozenset[Flag]] = {}
    types: dict[int, str] = {}
    said: Counter[str] = Counter()
    whole = [region for region in regions if region.part == "cell" and region.mask.any()]
    numbers = _numbers(whole)
    for region, number in zip(whole, numbers, strict=True):
        free = region.mask & (cells[region.box] == 0)
        said["overlap"] += int(np.count_nonzero(region.mask & ~free))
        cells[region.box][free] = number
        classes[region.box][free] = 1
        remarks[number], types[number] = region.flags, region.type
    given = {number for number in numbers if (cells == number).any()} if said["overlap"] else set(numbers)
    said["hidden"] = len(numbers) - len(given)
    for region in regions:
        if region.part == "nucleus" and region.mask.any():
            _add_nucleus(region, classes, cells, given, said)
    said["empty"] = sum(not region.mask.any() for region in regions)
    return Assembled(
        classes,
        cells,
        {number: flags for number, flags in remarks.items() if flags and number in given},
        {number: text for number, text in types.items() if text and number in given},
        tuple(_notes(said)),
    )


def _numbers(whole: Sequence[Region]) -> list[int]:
    """A number for each cell that no other has."""
    times = Counter(region.cell for region in whole)
    following = max((number for number in times if number is not None), default=0) + 1
    used: set[int] = set()
    numbers = []
    for region in whole:
        number = region.cell
        if number is None or number < 1 or number in used:
            number, following = following, following + 1
        used.add(number)
        numbers.append(number)
    return numbers


def _add_nucleus(
    region: Region, classes: NDArray[np.uint8], cells: NDArray[np.int32], given: set[int], said: Counter[str]
) -> None:
    under = cells[region.box]
    owner = region.cell if region.cell in given else 0
    if not owner:
        found, shares = np.unique(under[region.mask & (under > 0)], return_counts=True)
        owner = int(found[shares.argmax()]) if found.size else 0
    if owner:
        inside = region.mask & (under == owner)
        said["outside"] += int(np.count_nonzero(region.mask & ~inside))
    else:
        owner = region.cell if region.cell is not None and region.cell > 0 else max(given, default=0) + 1
        inside = region.mask
        cells[region.box][inside] = owner
        given.add(owner)
        said["bare"] += 1
    classes[region.box][inside] = 2


def _notes(said: Counter[str]) -> Iterator[str]:
    if said["overlap"]:
        yield f"{said['overlap']} px lay in two cells and stayed with the first"
    if said["hidden"]:
        yield f"left out, as they lay wholly under others: {counted(said['hidden'], 'cell')}"
    if said["outside"]:
        yield f"{said['outside']} px of nuclei lay outside their cells and were left out"
    if said["bare"]:
        yield f"made cells without cytoplasm, as no cell is around them: {counted(said['bare'], 'nucleus', 'nuclei')}"
    if said["empty"]:
        yield f"left out, as they hold no pixel of the image: {counted(said['empty'], 'outline')}"
