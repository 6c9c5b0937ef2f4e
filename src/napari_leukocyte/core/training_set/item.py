"""One accepted mask with its image, as training and the comparison of models take it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.training_set.images import SetImage, read_own_pixels
from napari_leukocyte.core.training_set.records import Version
from napari_leukocyte.core.training_set.versions import read_maps

__all__ = ["Annotated", "ItemReader", "TrainingItem"]


@dataclass(frozen=True)
class Annotated:
    """The pixels of one item.

    Attributes
    ----------
    image
        As stored: (Y, X) or (Y, X, channels), any type that ``core.imaging.convert`` takes.
    classes
        Class map (Y, X) uint8: 0 background, 1 cytoplasm (or cell), 2 nucleus.
    cells
        Cell labels (Y, X) int32.
    remarks
        What is known of the cells beside the maps, for ``measure_cells``.
    """

    image: NDArray[np.generic]
    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    remarks: Mapping[int, frozenset[Flag]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingItem:
    """An accepted mask in force, light until it is read.

    Attributes
    ----------
    name
        Id of the image in its set.
    version
        Number of the mask version.
    sha256
        Hash of the mask file: with name and version it says exactly what trained a model.
    group
        Images of one slide or patient, or with the same pixels, share it; a group never straddles a split.
    pixel_size
        um per px.
    edited
        Whether a hand changed or drew the mask; an unedited one is a model's own output and proves nothing.
    held_out
        Never trains.
    whole_cell
        The mask knows only "cell" (values 0 and 1).
    read
        Reads the pixels from the disk.
    by_gestures
        Whether the network's gestures made most of what was changed; such a mask proves nothing by itself.
    """

    name: str
    version: int
    sha256: str
    group: str
    pixel_size: float
    edited: bool
    held_out: bool
    whole_cell: bool
    read: Callable[[], Annotated]
    by_gestures: bool = False

    @property
    def is_proof(self) -> bool:
        """Whether a hand, and not a network's gestures, made or changed the mask."""
        return self.edited and not self.by_gestures


@dataclass(frozen=True)
class ItemReader:
    """Reads the pixels of an image and of an accepted mask when it is called."""

    image: SetImage
    version: Version

    def __call__(self) -> Annotated:
        """Raise `LeukocyteError` when a file is missing, damaged, or was changed since."""
        classes, cells = read_maps(self.version, self.image.shape)
        return Annotated(read_own_pixels(self.image), classes, cells, self.version.facts.remarks)
