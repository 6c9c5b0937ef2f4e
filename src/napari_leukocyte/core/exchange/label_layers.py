"""Labels that another tool left open beside an image: classes, or numbered cells with or without numbered nuclei."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels, check_same_shape
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.assemble import assemble, regions_of_labels
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.imaging.masks import mask_from_array
from napari_leukocyte.core.results.segmentation import Segmentation

__all__ = ["LabelMaps", "are_numbered", "maps_of_labels", "segmentation_of_labels"]

_CLASS_VALUES = ({0, 1, 2}, {0, 128, 255})


@dataclass(frozen=True)
class LabelMaps:
    """Class map and cell labels (Y, X) of labels, and how those were read.

    Attributes
    ----------
    classes, cells
        0 background, 1 cytoplasm or (``whole_cell``) cell, 2 nucleus; and the number of each pixel's cell.
    whole_cell
        No nuclei are known.
    reading
        In words.
    notes
        What the user should know of how nuclei and cells went together.
    """

    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    whole_cell: bool
    reading: str
    notes: tuple[str, ...] = ()


def are_numbered(values: NDArray[np.generic]) -> bool:
    """Whether the values of labels are background and more than those of classes, so that each must be a cell.

    Examples
    --------
    >>> are_numbered(np.array([[0, 1], [2, 2]])), are_numbered(np.array([[0, 1], [2, 7]]))
    (False, True)
    """
    found = {int(value) for value in np.unique(values)} if values.dtype.kind in "biu" else set()
    return 0 in found and not any(found <= known for known in _CLASS_VALUES)


def maps_of_labels(
    values: NDArray[np.generic],
    nuclei: NDArray[np.generic] | None = None,
    *,
    name: str,
    pixel_size: float | None = None,
    read_as: ReadAs = "auto",
) -> LabelMaps:
    """Read labels (Y, X) as classes, or where they are numbered, or nuclei lie beside them, as one cell a number.

    Parameters
    ----------
    values
        Classes, or the number of each pixel's cell.
    nuclei
        Labels (Y, X) of the nuclei, with numbers of their own: each belongs to the cell in which it lies.
    name
        What a sentence calls them.
    pixel_size
        um per px, if known.
    read_as
        What the user says of the values; ``auto`` asks where they may mean something else.

    Raises
    ------
    LeukocyteError
        When they are no labels; `DoubtfulMaskError` where it is doubtful what they mean.
    """
    if nuclei is not None:
        return _with_nuclei(values, nuclei, name)
    told = "cells" if read_as == "auto" and are_numbered(values) else read_as
    mask, numbers = mask_from_array(values, name=name, pixel_size=pixel_size, read_as=told)
    if numbers is None:
        cells = label_cells(mask.classes, pixel_size=pixel_size)
    else:
        cells = check_cell_labels(numbers, name=name[:1].lower() + name[1:])
    return LabelMaps(mask.classes, cells, mask.whole_cell, mask.reading)


def _with_nuclei(values: NDArray[np.generic], nuclei: NDArray[np.generic], name: str) -> LabelMaps:
    cells = check_cell_labels(values, name="cells")
    inside = check_cell_labels(nuclei, name="nuclei")
    check_same_shape(inside.shape, cells.shape, names=("The layer of nuclei", name[:1].lower() + name[1:]))
    if not cells.any() and inside.any():
        raise LeukocyteError(f"{name} holds no cell in which the nuclei could lie: choose the layer with the cells.")
    made = assemble(
        [*regions_of_labels(cells, part="cell"), *regions_of_labels(inside, part="nucleus")],
        (cells.shape[0], cells.shape[1]),
    )
    return LabelMaps(
        made.classes, made.cells, False, "each number a cell, with the nuclei of a second layer", made.notes
    )


def segmentation_of_labels(maps: LabelMaps, source: ImageSource, layer: str, facts: Mapping[str, Any]) -> Segmentation:
    """Take maps over as the result of an image, which says where it comes from.

    Raises
    ------
    LeukocyteError
        When they have not the size of the image.
    """
    if maps.classes.shape != source.shape:
        (rows, columns), (height, width) = maps.classes.shape, source.shape
        raise LeukocyteError(
            f'The layer "{layer}" has {columns} x {rows} px, and {source.label} {width} x {height} px: '
            "choose labels of this image, for nothing is resized unasked."
        )
    return CellMap(
        source.name,
        maps.classes,
        maps.cells,
        source.pixel_size,
        maps.whole_cell,
        provenance={**facts, "made": f'the layer "{layer}", read as {maps.reading}'},
        plane=source.plane,
        planes=source.planes,
    ).segmentation()
