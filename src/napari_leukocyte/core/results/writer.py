"""Results of a list of images as files: class maps, cell labels and one table of cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import make_folder
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png, write_class_tiff
from napari_leukocyte.core.results.cell_table import CellTable, common
from napari_leukocyte.core.results.names import OutputName, input_path
from napari_leukocyte.core.results.remarks import remarks_text
from napari_leukocyte.core.results.segmentation import Segmentation

__all__ = ["ResultWriter"]

_LARGE = 100_000_000  # px above which a class map becomes a tiled TIFF: readers of PNG refuse larger ones


@dataclass(frozen=True)
class _Plane:
    result: Segmentation
    measures: Sequence[CellMeasure]


class ResultWriter:
    """Writes each file's results as soon as its last plane is there, and in the end the table.

    Parameters
    ----------
    folder
        Made when it is not there.
    names
        For each input, as `core.results.names.input_path` gives it, what its results are called.

    Raises
    ------
    LeukocyteError
        When the folder cannot be made, or results would replace one of the inputs.
    """

    def __init__(self, folder: Path, names: Mapping[Path, OutputName]) -> None:
        self.folder, self.names = folder, names
        self._table = CellTable()
        self._planes: list[_Plane | None] = []
        self._spare_the_inputs()
        make_folder(folder)

    @property
    def images(self) -> int:
        """How many images are written so far."""
        return len(self._table.images)

    @property
    def cells(self) -> int:
        """How many cells are in the table so far."""
        return len(self._table.rows)

    def add(
        self,
        source: ImageSource,
        result: Segmentation | None,
        *,
        measures: Sequence[CellMeasure] | None = None,
    ) -> None:
        """Take the result of the next plane.

        Parameters
        ----------
        source
            The planes of a stack come one after the other, none left out.
        result
            None where there is none (it failed), which leaves an empty plane in a stack. Of a map that was edited
            since, ``dataclasses.replace(result, classes=..., cells=...)``.
        measures
            Of the cells as they are now, with what a user marked; None measures them here.

        Raises
        ------
        LeukocyteError
            When a file cannot be written.
        """
        if result is None:
            self._planes.append(None)
        else:
            self._planes.append(_Plane(result, result.measure() if measures is None else measures))
        if source.plane + 1 < source.planes:
            return
        planes, self._planes = self._planes, []
        if any(planes):
            self._write(self._name(source), planes)

    def label(self, source: ImageSource | BrokenImage) -> str:
        """What tables and messages call an image or the plane of a stack."""
        label = self._name(source).label
        return f"{label} [{source.plane}]" if isinstance(source, ImageSource) and source.planes > 1 else label

    def write_table(self) -> None:
        """Write ``cells.csv``; without any result an older table stays as it is."""
        self._table.write(self.folder / "cells.csv")

    def _write(self, name: OutputName, planes: Sequence[_Plane | None]) -> None:
        done = [plane.result for plane in planes if plane is not None]
        provenance = {"image": name.label, **common([result.provenance for result in done])}
        # an estimate is not written as the file's resolution: read again, it would pass for a measured one
        sizes = {result.pixel_size.for_areas for result in done}
        pixel_size = sizes.pop() if len(sizes) == 1 else None
        if len(planes) == 1:
            classes, cells = done[0].classes, done[0].cells
        else:
            empty = np.zeros_like(done[0].classes)
            classes = np.stack([empty if plane is None else plane.result.classes for plane in planes])
            cells = np.stack([empty if plane is None else plane.result.cells for plane in planes])
        start = str(self.folder / name.stem)
        if classes.ndim == 3 or classes.size > _LARGE:
            write_class_tiff(f"{start}_classes.tif", classes, provenance=provenance, pixel_size=pixel_size)
        else:
            write_class_png(
                f"{start}_classes.png",
                classes,
                provenance=provenance,
                pixel_size=pixel_size,
                palette=False,  # many programs open a palette as colours, not as 0, 1, 2
            )
        write_cells_tiff(
            f"{start}_cells.tif", cells, provenance={**provenance, **_remarks(planes)}, pixel_size=pixel_size
        )
        for number, plane in enumerate(planes):
            if plane is not None:
                self._table.add(
                    plane.measures,
                    image=name.label,
                    plane=number,
                    planes=len(planes),
                    provenance=plane.result.provenance,
                )

    def _name(self, source: ImageSource | BrokenImage) -> OutputName:
        return self.names[input_path(source.path, source.name)]

    def _spare_the_inputs(self) -> None:
        inputs = {path.resolve(): path for path in self.names if _is_there(path)}
        for name in self.names.values():
            for end in ("_classes.png", "_classes.tif", "_cells.tif"):
                file = (self.folder / f"{name.stem}{end}").resolve()
                if file in inputs:
                    raise LeukocyteError(
                        f"The results of {name.label} would replace the input {inputs[file]}: choose another folder."
                    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no possible name, or a folder that cannot be looked into
        return False


def _remarks(planes: Sequence[_Plane | None]) -> dict[str, str | list[str]]:
    """What is to be said of cells; in a stack always a list with a text for each plane, so that each keeps its own."""
    texts = [
        {}
        if plane is None
        else remarks_text(
            {one.cell: one.flags for one in plane.measures}, {one.cell: one.cell_type for one in plane.measures}
        )
        for plane in planes
    ]
    keys = dict.fromkeys(key for text in texts for key in text)
    return {key: [text.get(key, "") for text in texts] if len(planes) > 1 else texts[0][key] for key in keys}
