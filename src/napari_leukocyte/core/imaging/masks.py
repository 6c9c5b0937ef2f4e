"""Class maps and expert masks from files: what their values or colours mean is found in them, and said in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError, MaskReading, ReadAs, as_told, doubts_of
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.raster import raster_numbers
from napari_leukocyte.core.imaging.read import ImageFile, read_image
from napari_leukocyte.core.imaging.tiff import is_tiff, palette_numbers

__all__ = ["Mask", "MaskFile", "mask_from_array", "mask_from_values", "open_mask", "read_mask", "read_numbers"]


@dataclass(frozen=True)
class _Reading:
    """What values mean: ``nucleus`` is None where only whole cells are known."""

    name: str
    cytoplasm: int
    nucleus: int | None

    @property
    def values(self) -> frozenset[int]:
        return frozenset({0, self.cytoplasm} if self.nucleus is None else {0, self.cytoplasm, self.nucleus})


_READINGS = (
    _Reading("whole cell (0, 255)", 255, None),
    _Reading("whole cell (0, 1)", 1, None),
    _Reading("index (0 background, 1 cytoplasm, 2 nucleus)", 1, 2),
    _Reading("grey (0 background, 128 cytoplasm, 255 nucleus)", 128, 255),
)
_CELLS = _Reading("cells by their numbers", 1, None)
_COLOURS = _Reading("colours (background blue, cytoplasm green, nucleus red)", 1, 2)

_NEAR = 64  # of 255: how far a channel may be off in what counts as a pure mask colour
_EDGE_PX = 5  # softened edges are narrower; a patch of another colour is wider
_PURE_SHARE = 0.5


@dataclass(frozen=True)
class Mask:
    """A class map (Y, X) uint8, whether it knows only "cell" (values 0 and 1 then), and how it was read."""

    classes: NDArray[np.uint8]
    whole_cell: bool
    reading: str


@dataclass(frozen=True)
class MaskFile:
    """A file with one class map or a stack of them, all of one reading; read a plane at a time.

    Attributes
    ----------
    planes
        1 for a single map.
    whole_cell
        Whether it knows only "cell".
    reading
        How its values or colours are read, in words.
    pixel_size
        What the file states.
    """

    planes: int
    whole_cell: bool
    reading: str
    pixel_size: PixelSize
    _planes: Sequence[NDArray[np.generic]]
    _meaning: _Reading
    _read_as: ReadAs = "auto"
    _palette: "MaskFile | None" = None  # the same by the numbers of its palette

    def read(self, plane: int = 0) -> NDArray[np.uint8]:
        """Class map (Y, X) of one plane: 0 background, 1 cytoplasm or cell, 2 nucleus."""
        values = self._planes[plane]
        if self._meaning is _CELLS:
            cell: NDArray[np.uint8] = np.not_equal(_flat(values), 0).astype(np.uint8)
            return cell
        classes = _from_colours(values) if self._meaning is _COLOURS else _classes(_flat(values), self._meaning)
        return as_told(classes, self._read_as)

    def numbers(self, plane: int) -> NDArray[np.generic] | None:
        """Cell labels (Y, X) of a plane, where each number is said to be a cell; else None."""
        return _flat(self._planes[plane]) if self._meaning is _CELLS else None

    @property
    def has_numbered_classes(self) -> bool:
        """Whether 1 and 2 stand for cytoplasm and nucleus."""
        return self._meaning is not _COLOURS and (self._meaning.cytoplasm, self._meaning.nucleus) == (1, 2)

    def check(self) -> MaskReading:
        """Look at all planes for what contradicts the reading; a user's word settles that."""
        if self._read_as != "auto":
            return MaskReading(self.reading)
        palette = None if self._palette is None else [self._palette.read(plane) for plane in range(self.planes)]
        planes = [self.read(plane) for plane in range(self.planes)] if palette else _Maps(self)
        return MaskReading(self.reading, doubts_of(planes, pixel_size=self.pixel_size.um, palette=palette))


def mask_from_values(values: NDArray[np.generic], *, name: str = "The mask") -> Mask:
    """Read a (Y, X) integer array as a mask by its set of values.

    ``{0, 255}`` and ``{0, 1}`` are whole cells, ``{0, 1, 2}`` an index map, ``{0, 128, 255}`` grey with 255 the
    nucleus. A map that lacks some of the values of one reading takes the first reading that holds them all.

    Raises
    ------
    LeukocyteError
        When it is not (Y, X), not of whole numbers, or its values fit no reading.
    """
    if values.ndim != 2:
        raise LeukocyteError(f"{name} is not a (Y, X) mask: its shape is {values.shape}.")
    reading = _reading_of([values], name)
    return Mask(_classes(values, reading), reading.nucleus is None, reading.name)


def open_mask(path: Path, *, read_as: ReadAs = "auto") -> MaskFile:
    """Open a file with class maps, and find out what its values or colours mean over all its planes.

    Values are read as in `mask_from_values`. In colour, it must be the mask colours: blue background, green
    cytoplasm, red nucleus; softened edges between them take the nearest. A file with a palette is read by its
    colours, or else by its numbers. A TIFF whose short first axis is no colours is a stack. Thin lines and specks of
    any other colour belong to the class beside them. Whether the maps look like cells is another question, which
    `MaskFile.check` answers.

    Parameters
    ----------
    path : Path
        The file.
    read_as : ReadAs
        What the user says of it.

    Raises
    ------
    LeukocyteError
        When the file cannot be read, or is no class map; the sentence says why.
    """
    if read_as in ("cells", "numbers"):
        other = _read_otherwise(path)
        if other is None:
            raise LeukocyteError(f"The mask {path} is in colour, without numbers that could be meant.")
        return _interpreted(other.array, False, other, path, read_as)
    try:
        file = read_image(path)
        found = _interpreted(file.array, file.rgb, file, path, read_as)
    except LeukocyteError:
        other = _read_otherwise(path)
        if other is None:
            raise
        return _interpreted(other.array, False, other, path, read_as)
    return replace(found, _palette=_by_numbers(path)) if file.rgb else found


def read_mask(path: Path) -> Mask:
    """Read a file with one mask, see `open_mask`.

    Raises
    ------
    LeukocyteError
        As `open_mask`, and when the file holds a stack.
    """
    file = open_mask(path)
    if file.planes > 1:
        raise LeukocyteError(f"The mask {path} is a stack of {file.planes} planes: save the one you want by itself.")
    return Mask(file.read(), file.whole_cell, file.reading)


def read_numbers(path: Path) -> NDArray[np.generic] | None:
    """The numbers in a file (Y, X), those of a palette rather than its colours; None where it has none in one plane.

    Raises
    ------
    LeukocyteError
        When the file cannot be read.
    """
    file = _read_otherwise(path)
    return np.asarray(file.array) if file is not None and len(file.array.shape) == 2 else None


def mask_from_array(
    values: NDArray[np.generic], *, name: str, pixel_size: float | None, read_as: ReadAs = "auto"
) -> tuple[Mask, NDArray[np.generic] | None]:
    """Read an array (Y, X) of an open layer as a mask, and its cell labels where each number is said to be a cell.

    Raises
    ------
    LeukocyteError
        As `mask_from_values`, and `DoubtfulMaskError` where something contradicts the reading that nobody has told.
    """
    if read_as == "cells":
        if values.ndim != 2 or values.dtype.kind not in "biu":
            raise LeukocyteError(f"{name} holds no whole numbers in one plane, so none can be those of cells.")
        return Mask((values != 0).astype(np.uint8), True, _CELLS.name), values
    mask = mask_from_values(values, name=name)
    if read_as == "auto":
        MaskReading(mask.reading, doubts_of([mask.classes], pixel_size=pixel_size)).check(name)
        return mask, None
    told = "" if read_as in ("as-found", "numbers") else f", {read_as} as told"
    return replace(mask, classes=as_told(mask.classes, read_as), reading=f"{mask.reading}{told}"), None


def _by_numbers(path: Path) -> MaskFile | None:
    """A mask in colours once more by the numbers of its palette, where it has one and they are classes."""
    try:
        other = _read_otherwise(path)
        return None if other is None else _interpreted(other.array, False, other, path, "auto")
    except LeukocyteError:
        return None


def _interpreted(array: Any, rgb: bool, file: ImageFile, path: Path, read_as: ReadAs) -> MaskFile:
    name = f"The mask {path}"
    planes = _Planes(array, rgb, name)
    if rgb and not all(_is_grey(plane) for plane in planes):
        for plane in planes:
            _check_colours(plane, name)
        meaning = _COLOURS
    elif read_as == "cells":
        meaning = _CELLS
    else:
        meaning = _reading_of((_flat(plane) for plane in planes), name)
    name_of_it = meaning.name if read_as in ("auto", "as-found", "cells") else f"{meaning.name}, {read_as} as told"
    pixel_size = PixelSize(file.pixel_size, file.pixel_size_source)
    return MaskFile(len(planes), meaning.nucleus is None, name_of_it, pixel_size, planes, meaning, read_as)


def _reading_of(planes: Iterable[NDArray[np.generic]], name: str) -> _Reading:
    """The first reading that holds all values of all planes."""
    found: set[int] = set()
    for plane in planes:
        distinct = np.unique(plane)
        whole = distinct.dtype.kind in "biu" or (
            distinct.dtype.kind == "f" and (np.isfinite(distinct) & (distinct == np.round(distinct))).all()
        )
        if not whole:
            raise LeukocyteError(f"{name} holds values that are not whole numbers: use 0/1/2, 0/128/255, or 0/255.")
        found |= {int(value) for value in distinct}
    for reading in _READINGS:
        if found <= reading.values:
            return reading
    shown = ", ".join(map(str, sorted(found)[:6])) + (", ..." if len(found) > 6 else "")
    numbered = found == set(range(len(found)))
    doubt = f"{name} holds the values {shown}: use 0/1/2, 0/128/255, or 0/255 for whole cells"
    if numbered:
        raise DoubtfulMaskError(doubt, "If each number is a cell, say --read-masks-as cells.", ("cells",))
    raise LeukocyteError(f"{doubt}.")


def _classes(values: NDArray[np.generic], reading: _Reading) -> NDArray[np.uint8]:
    classes: NDArray[np.uint8] = (values == reading.cytoplasm).astype(np.uint8)
    if reading.nucleus is not None:
        classes[values == reading.nucleus] = 2
    return classes


def _is_grey(plane: NDArray[np.generic]) -> bool:
    return bool((plane[..., :3] == plane[..., :1]).all())


def _flat(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """One channel (Y, X) of a plane whose channels are equal."""
    return plane if plane.ndim == 2 else plane[..., 0]


def _check_colours(plane: NDArray[np.generic], name: str) -> None:
    """Refuse what holds other colours than those of a mask: a photograph, or a mask with one more class."""
    pure = _pure(plane)
    patch = np.ones((_EDGE_PX, _EDGE_PX), bool)
    if pure.mean() < _PURE_SHARE or ndimage.binary_erosion(~pure, patch).any():
        raise LeukocyteError(
            f"{name} is in colour, but not in the mask colours: paint the background blue (0, 0, 255), cytoplasm green "
            "(0, 255, 0) and nucleus red (255, 0, 0), or use 0/1/2."
        )


def _pure(plane: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a plane has one of the mask colours, or nearly."""
    pure = np.zeros(plane.shape[:2], bool)
    rgb: NDArray[Any] = plane[..., :3]
    if rgb.dtype == np.uint16:
        rgb = rgb >> 8
    if rgb.dtype.kind == "u":
        for colour in MASK_COLOURS.values():
            pure |= (np.abs(rgb - np.array(colour, np.int16)) <= _NEAR).all(axis=-1)
    return pure


def _from_colours(plane: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The class of the nearest mask colour, that of the brightest channel, where such a colour is beside the pixel.

    A softened edge is a blend of the colours on its two sides; a line or speck of a colour that none of its neighbours
    has, and that no blend gives, takes the class of the nearest pure pixel.
    """
    values, colours = zip(*MASK_COLOURS.items(), strict=True)
    by_channel = np.zeros(3, np.uint8)
    by_channel[np.argmax(colours, axis=1)] = values
    classes = np.asarray(by_channel[plane[..., :3].argmax(axis=-1)])
    pure = _pure(plane)
    if pure.all() or not pure.any():
        return classes
    rgb: NDArray[Any] = plane[..., :3]
    full = float(np.iinfo(rgb.dtype).max) if rgb.dtype.kind == "u" else 1.0
    light = rgb.sum(axis=-1, dtype=np.float64) / full  # of any blend of the three: 1
    blend = np.abs(light - 1) <= _NEAR / 255
    beside = np.zeros_like(blend)
    for value in values:
        near = ndimage.binary_dilation(pure & (classes == value), np.ones((3, 3)), iterations=_EDGE_PX // 2)
        beside |= near & (classes == value)
    place = ndimage.distance_transform_edt(~pure, return_distances=False, return_indices=True)
    return np.where(pure | (blend & beside), classes, classes[tuple(place)])


def _read_otherwise(path: Path) -> ImageFile | None:
    """A file whose colours are those of a palette, or may be the planes of a stack, without them; None for others."""
    file = read_image(path, planes=True)
    if not file.rgb:
        return file
    numbers = _palette_numbers(path)
    return None if numbers is None else replace(file, array=numbers, rgb=False)


def _palette_numbers(path: Path) -> NDArray[np.generic] | None:
    """The numbers behind the colours of a file with a palette; None when it has none."""
    return palette_numbers(path) if is_tiff(path) else raster_numbers(path)


class _Maps:
    """The class maps of a file, one at a time."""

    def __init__(self, file: MaskFile) -> None:
        self._file = file

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._file.read(plane) for plane in range(self._file.planes))


class _Planes(Sequence[NDArray[np.generic]]):
    """The planes of an array, each read when it is asked for."""

    def __init__(self, array: Any, rgb: bool, name: str) -> None:
        self._array, self._rgb, self._name = array, rgb, name

    def __len__(self) -> int:
        return plane_count(self._array.shape, rgb=self._rgb)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return get_plane(self._array, index, rgb=self._rgb, name=self._name)
