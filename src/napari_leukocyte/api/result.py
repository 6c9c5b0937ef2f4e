"""What a segmentation gives a Python program: arrays, measures and the table of cells."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.calibrated import RANGE_COLUMNS, calibrated_range, range_factor
from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS, MADE_BY_COLUMNS, MEASURE_COLUMNS, WHOLE_COLUMNS
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.shape import SHAPE_COLUMNS
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Failed", "Result"]


@dataclass(frozen=True)
class Failed:
    """An image of a list that could not be segmented.

    Attributes
    ----------
    path : Path or str
        Its file; for an array its place in the list, counted from 0: ``image 3``.
    reason : str
        One sentence on what is wrong and what to do.
    """

    path: Path | str
    reason: str


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """The segmentation of one image or of one stack.

    Attributes
    ----------
    name : str
        What the table calls the image: the name of its file, ``image`` for an array.
    path : Path or None
        Its file; None for an array.
    planes : tuple of Segmentation or None
        One for a single image, N for a stack; each has ``classes``, ``cells``, ``measure()`` and more. None stands
        for a plane that could not be segmented.
    failures : mapping of int to str
        For each such plane, one sentence on the reason. A single image that fails raises instead.
    """

    name: str
    path: Path | None
    planes: tuple[Segmentation | None, ...]
    stack: bool
    failures: dict[int, str]

    @property
    def classes(self) -> NDArray[np.uint8]:
        """Class map (Y, X), of a stack (N, Y, X): 0 background, 1 cytoplasm, 2 nucleus; binary: 0 and 1.

        It holds the kept cells only. A plane that failed is empty.
        """
        return self._stacked([None if plane is None else plane.classes for plane in self.planes])

    @property
    def cells(self) -> NDArray[np.int32]:
        """Cell labels (Y, X), of a stack (N, Y, X): 0 background, 1 to n the cell; each plane counts anew from 1."""
        return self._stacked([None if plane is None else plane.cells for plane in self.planes])

    @property
    def binary(self) -> bool:
        """Whether the classes are background and cell only, which gives no CNR."""
        return self._first.binary

    @property
    def pixel_size(self) -> PixelSize:
        """``um`` per px, the ``source`` of the number in words, and whether it is ``estimated``.

        The planes of a stack share one.
        """
        return self._first.pixel_size

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done or happened that the user should know, such as ``grayscale, repeated for ...``."""
        return tuple(dict.fromkeys(note for plane in self._done for note in plane.notes))

    @property
    def provenance(self) -> dict[str, str]:
        """Version, model and its hash, device, parameters, pixel size and its source; of a stack its first plane's."""
        return self._first.provenance

    def measure(self) -> list[CellMeasure]:
        """Measure every cell, see `CellMeasure`; in a stack one plane after the other (``planes[i].measure()`` one).

        A CNR that is withheld is NaN, and ``flags`` say why. Areas in um2 need a pixel size that is not estimated.
        """
        return [measure for plane in self._done for measure in plane.measure()]

    def table(self) -> "DataFrame":
        """Return the table of cells, a row for each, with the columns of ``cells.csv``.

        It has `core.cells.shape.SHAPE_COLUMNS`, too, if the image was segmented with ``shape_columns=True``.
        Numbers are in full precision, NaN where there is none; ``flags`` are joined with ";".
        """
        from pandas import DataFrame

        rows: list[dict[str, Any]] = [
            {
                "image": self.name,
                "plane": number,
                **{column: getattr(measure, column) for column in MEASURE_COLUMNS[2:-1]},
                "flags": ";".join(measure.flags),
                **{column: plane.provenance.get(column, "") for column in MADE_BY_COLUMNS},
                "pixel_size_um": float(plane.pixel_size.digits),
                "folder": "" if self.path is None else str(self.path.parent),
                **{column: getattr(measure, column) for column in WHOLE_COLUMNS},
                "cnr_at_most": measure.cnr_at_most,
                "type": measure.cell_type,
                **dict(zip(RANGE_COLUMNS, calibrated_range(measure, range_factor(plane.provenance)), strict=True)),
                **({} if plane.shapes is None else plane.shapes.get(measure.cell, {})),
            }
            for number, plane in enumerate(self.planes)
            if plane is not None
            for measure in plane.measure()
        ]
        made_by = dict.fromkeys(MADE_BY_COLUMNS, str) | {"pixel_size_um": float}
        types = {"image": str, "plane": int, **get_type_hints(CellMeasure), "flags": str, **made_by, "type": str}
        types |= dict.fromkeys(RANGE_COLUMNS, float)
        types |= {"folder": str, "cell_px": int, "cell_um2": float} | dict.fromkeys(SHAPE_COLUMNS, float)
        with_shapes = any(plane.shapes is not None for plane in self._done)
        columns = [*CELL_COLUMNS, *(SHAPE_COLUMNS if with_shapes else ())]
        return DataFrame(rows, columns=columns).astype({column: types[column] for column in columns})

    def __repr__(self) -> str:
        """Say what it is in one line."""
        count = sum(int(np.count_nonzero(np.unique(plane.cells))) for plane in self._done)
        planes = f", {len(self.planes)} planes" if self.stack else ""
        planes += f" ({len(self.failures)} failed)" if self.failures else ""
        size = "×".join(map(str, self._first.classes.shape[::-1]))
        cells = "1 cell" if count == 1 else f"{count} cells"
        return f"<Result {self.name}: {size} px{planes}, {cells}, pixel size {self.pixel_size}>"

    @property
    def _done(self) -> list[Segmentation]:
        return [plane for plane in self.planes if plane is not None]

    @property
    def _first(self) -> Segmentation:
        return self._done[0]  # a result has at least one

    def _stacked(self, arrays: list[Any]) -> NDArray[Any]:
        if not self.stack:
            return np.asarray(arrays[0])
        empty = np.zeros_like(next(array for array in arrays if array is not None))
        return np.stack([empty if array is None else array for array in arrays])
