"""Results of a list of images as files: class maps, cell labels and one table of cells."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from napari_leukocyte.cli.names import OutputName
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.cells.table import cell_rows, write_cells_csv
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png, write_class_tiff
from napari_leukocyte.core.segmentation.segment import Segmentation

__all__ = ["ResultWriter"]

_LARGE = 100_000_000  # px above which a class map becomes a tiled TIFF: readers of PNG refuse larger ones


class ResultWriter:
    """Writes each file's results as soon as its last plane is there, and in the end the table.

    Parameters
    ----------
    folder
        Made when it is not there.
    names
        For each input's path (or, for an image without a file, its name) what its results are called.

    Raises
    ------
    LeukocyteError
        When the folder cannot be made, or results would replace one of the inputs.
    """

    def __init__(self, folder: Path, names: Mapping[Path, OutputName]) -> None:
        self.folder, self.names = folder, names
        self.images = self.cells = 0
        self._rows: list[dict[str, str]] = []
        self._provenance: dict[str, dict[str, str]] = {}  # of each image or plane in the table
        self._planes: list[Segmentation | None] = []
        self._spare_the_inputs()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LeukocyteError(
                f"The folder {folder} cannot be made ({error.strerror}): choose another one."
            ) from error

    def add(self, source: ImageSource, result: Segmentation | None) -> None:
        """Take the result of the next plane; None where it failed, which leaves an empty plane in a stack.

        Raises
        ------
        LeukocyteError
            When a file cannot be written.
        """
        self._planes.append(result)
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
        if self._provenance:
            write_cells_csv(self.folder / "cells.csv", self._rows, provenance=_table_provenance(self._provenance))

    def _write(self, name: OutputName, planes: Sequence[Segmentation | None]) -> None:
        done = [plane for plane in planes if plane is not None]
        provenance = {"image": name.label, **_common([plane.provenance for plane in done])}
        # an estimate is not written as the file's resolution: read again, it would pass for a measured one
        sizes = {plane.pixel_size.for_areas for plane in done}
        pixel_size = sizes.pop() if len(sizes) == 1 else None
        if len(planes) == 1:
            classes, cells = done[0].classes, done[0].cells
        else:
            empty = np.zeros_like(done[0].classes)
            classes = np.stack([empty if plane is None else plane.classes for plane in planes])
            cells = np.stack([empty if plane is None else plane.cells for plane in planes])
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
        write_cells_tiff(f"{start}_cells.tif", cells, provenance=provenance, pixel_size=pixel_size)
        for number, plane in enumerate(planes):
            if plane is None:
                continue
            measures = measure_cells(
                plane.classes, plane.cells, pixel_size=plane.pixel_size.for_areas, binary=plane.binary
            )
            self.cells += len(measures)
            self._rows += cell_rows(measures, image=name.label, plane=number)
            self._provenance[name.label if len(planes) == 1 else f"{name.label} [{number}]"] = plane.provenance
        self.images += 1

    def _name(self, source: ImageSource | BrokenImage) -> OutputName:
        return self.names[source.path or Path(source.name)]

    def _spare_the_inputs(self) -> None:
        inputs = {path.resolve(): path for path in self.names if path.exists()}
        for name in self.names.values():
            for end in ("_classes.png", "_classes.tif", "_cells.tif"):
                file = (self.folder / f"{name.stem}{end}").resolve()
                if file in inputs:
                    raise LeukocyteError(
                        f"The results of {name.label} would replace the input {inputs[file]}: choose another folder."
                    )


def _common(entries: Sequence[Mapping[str, str]]) -> dict[str, str | list[str]]:
    """One value where all planes agree, else a list with one for each plane."""
    return {
        key: entries[0][key] if len({entry[key] for entry in entries}) == 1 else [entry[key] for entry in entries]
        for key in entries[0]
    }


def _table_provenance(entries: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Provenance of the whole table; pixel sizes that differ get a line for each image."""
    header: dict[str, str] = {}
    for key, value in _common(list(entries.values())).items():
        if isinstance(value, str):
            header[key] = value
        elif not key.startswith("pixel_size"):
            header[key] = ", ".join(dict.fromkeys(value))
    if not {"pixel_size_um", "pixel_size_source"} <= header.keys():
        header.pop("pixel_size_um", None)
        header.pop("pixel_size_source", None)
        for label, entry in entries.items():
            header[f"pixel_size_um of {label}"] = f"{entry['pixel_size_um']} ({entry['pixel_size_source']})"
    return header
