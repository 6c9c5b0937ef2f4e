"""From what a file says to a map of cells: how large its image is, what its pixels measure, what it is called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_same_shape
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.assemble import Region, assemble, regions_of_labels
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.imaging.pixel_size import PixelSize

__all__ = [
    "FindImage",
    "ImageHint",
    "Read",
    "cell_number",
    "from_labels",
    "from_maps",
    "from_regions",
    "no_image",
    "stem_of",
]

_LARGEST = 2**31 - 1
_LARGEST_SIDE = 1_000_000  # px; a larger one is a slip, and its map would fill the memory
_ENDS = (
    *(".ome.zarr", ".zarr", ".ome.tiff", ".ome.tif", ".coco.json", "_seg.npy"),
    *(".geojson", ".json", ".zip", ".roi", ".npy", ".tiff", ".tif", ".png"),
)
_PARTS = (
    *("_cell_labels", "_nucleus_labels", "_cp_masks", "_classes", "_masks", "_mask"),
    *("_cells", "_nuclei", "_cell", "_nucleus"),
)


@dataclass(frozen=True)
class ImageHint:
    """The image that a mask is of.

    Attributes
    ----------
    shape
        Rows and columns, px.
    """

    path: Path
    shape: tuple[int, int]
    pixel_size: PixelSize


FindImage = Callable[[str], ImageHint | None]
"""Finds the image of a stem or a file name; None when it was not given."""


def no_image(_name: str) -> None:
    """Find none: the files must say everything themselves."""


@dataclass(frozen=True)
class Read:
    """A map of cells from a file.

    Attributes
    ----------
    source
        The file.
    notes
        What the user should know of how it was read.
    image
        The image that it is of, where it was given.
    """

    cell_map: CellMap
    source: Path
    notes: tuple[str, ...] = ()
    image: Path | None = None


def stem_of(path: Path) -> str:
    """The name that a file shares with its image.

    >>> [stem_of(Path(name)) for name in ("a.ome.tif", "a_seg.npy", "a.b.geojson", "a_nuclei.png", "_cells.tif")]
    ['a', 'a', 'a.b', 'a', '_cells']
    """
    name = path.name
    end = next((end for end in _ENDS if name.lower().endswith(end)), "")
    stem = name[: len(name) - len(end)]
    part = next((part for part in _PARTS if stem.lower().endswith(part)), "")
    return stem[: len(stem) - len(part)] or stem or name


def cell_number(value: Any) -> int | None:
    """Read the number of a cell; None where it is none.

    >>> cell_number("12"), cell_number(3), cell_number("0001-0042"), cell_number(True), cell_number(-1)
    (12, 3, None, None, None)
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:11])
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST else None


def from_regions(
    regions: Sequence[Callable[[tuple[int, int]], Region]],
    facts: Mapping[str, Any],
    *,
    path: Path,
    find_image: FindImage,
    shape: tuple[int, int] | None = None,
    image: str = "",
) -> Read:
    """Assemble regions, which are drawn when the size of the image is known.

    Parameters
    ----------
    regions
        Each a function that draws it for an image of these rows and columns.
    facts
        `CellMap.facts` of a file of ours, empty for one of other origin.
    shape
        What the file itself says of its image.
    image
        What the file calls its image; empty: by the file's own name.

    Raises
    ------
    LeukocyteError
        When nobody says how large the image is, or two that say it differ.
    """
    name = image or stem_of(path)
    hint = find_image(image) if image else None
    hint = hint or find_image(stem_of(path))
    stated = shape or _stated_shape(facts)
    if stated is None and hint is None:
        raise LeukocyteError(
            f"{path} does not say how large its image is: give the image itself, too (--images), by the name {name}."
        )
    if stated is not None and hint is not None and stated != hint.shape:
        raise LeukocyteError(
            f"{path} is of an image of {stated[1]} x {stated[0]} px, but {hint.path.name} has {hint.shape[1]} x "
            f"{hint.shape[0]} px: give the image that it is of."
        )
    size = stated or hint.shape  # type: ignore[union-attr]  # one of them is there
    if not all(0 < side <= _LARGEST_SIDE for side in size):
        raise LeukocyteError(f"{path} says that its image has {size[1]} x {size[0]} px, which no image has.")
    made = assemble([draw(size) for draw in regions], size)
    cell_map = CellMap.from_facts(
        facts, classes=made.classes, cells=made.cells, remarks=made.remarks, types=made.types, image=name
    )
    return _finished(cell_map, path, made.notes, hint)


def from_labels(
    cells: NDArray[np.int32],
    nuclei: NDArray[np.int32] | None,
    *,
    path: Path,
    find_image: FindImage,
    facts: Mapping[str, Any] = MappingProxyType({}),
    remarks: Mapping[int, frozenset[Flag]] = MappingProxyType({}),
    types: Mapping[int, str] = MappingProxyType({}),
) -> Read:
    """Put cell labels and nucleus labels (Y, X) together; a nucleus belongs to the cell in which it lies.

    Raises
    ------
    LeukocyteError
        When they have not one size, or not that of their image.
    """
    if nuclei is not None:
        check_same_shape(nuclei.shape, cells.shape, names=(f"The nuclei of {path.name}", "the cells"))
    regions = [*regions_of_labels(cells, part="cell")]
    if nuclei is not None:
        regions += regions_of_labels(nuclei, part="nucleus")
    regions = [
        replace(one, flags=remarks.get(one.cell or 0, frozenset()), type=types.get(one.cell or 0, ""))
        for one in regions
    ]
    ready = [partial(_ready, region) for region in regions]
    return from_regions(ready, facts, path=path, find_image=find_image, shape=(cells.shape[0], cells.shape[1]))


def from_maps(
    classes: NDArray[Any],
    cells: NDArray[Any],
    facts: Mapping[str, Any],
    *,
    path: Path,
    find_image: FindImage,
    remarks: Mapping[int, Any],
    types: Mapping[int, str],
) -> Read:
    """Take whole maps, as the files of ours hold them.

    Raises
    ------
    LeukocyteError
        When they are no maps, or do not cover the same pixels.
    """
    whole = check_class_map(classes, name=f"class map in {path.name}")
    labels = check_cell_labels(cells, shape=whole.shape, name=f"cell labels in {path.name}")
    if not np.array_equal(whole > 0, labels > 0):
        raise LeukocyteError(f"The class map and the cell labels in {path} do not cover the same pixels: export again.")
    hint = find_image(stem_of(path))
    if hint is not None and hint.shape != whole.shape:
        raise LeukocyteError(f"{path} has not the size of {hint.path.name}: give the image that it is of.")
    cell_map = CellMap.from_facts(facts, classes=whole, cells=labels, remarks=remarks, types=types, image=stem_of(path))
    return _finished(cell_map, path, (), hint)


def _finished(cell_map: CellMap, path: Path, notes: tuple[str, ...], hint: ImageHint | None) -> Read:
    if hint is None:
        return Read(cell_map, path, notes)
    size = cell_map.pixel_size if cell_map.pixel_size.um is not None else hint.pixel_size
    return Read(replace(cell_map, image=hint.path.name, pixel_size=size), path, notes, hint.path)


def _ready(region: Region, _shape: tuple[int, int]) -> Region:
    return region


def _stated_shape(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = (cell_number(facts.get(f"image_{side}")) for side in ("height", "width"))
    return None if height is None or width is None else (height, width)
