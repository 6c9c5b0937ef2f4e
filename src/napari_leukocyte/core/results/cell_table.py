"""One table of cells over many images, with what made it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from napari_leukocyte.core.cells.cells_csv import cell_rows, write_cells_csv
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.shape import Shape

__all__ = ["CellTable", "common"]


class CellTable:
    """Collects the rows of images and planes, in the order in which they come.

    Attributes
    ----------
    rows : list of dict
        As ``core.cells.cells_csv.cell_rows`` makes them.
    images : set of str
        Those that are in the table, with or without cells.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.images: set[str] = set()
        self._provenance: dict[str, Mapping[str, str]] = {}  # of each image or plane
        self._alike: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}  # each of them once

    def add(
        self,
        measures: Iterable[CellMeasure],
        *,
        image: str,
        plane: int = 0,
        planes: int = 1,
        provenance: Mapping[str, str],
        folder: str = "",
        shapes: Mapping[int, Shape] | None = None,
    ) -> None:
        """Add the cells of an image or of one plane of a stack of ``planes``; the rest as for `cell_rows`."""
        rows = cell_rows(measures, image=image, plane=plane, provenance=provenance, folder=folder, shapes=shapes)
        self.add_rows(rows, image=image, plane=plane, planes=planes, provenance=provenance)

    def add_rows(
        self,
        rows: Iterable[dict[str, str]],
        *,
        image: str,
        plane: int = 0,
        planes: int = 1,
        provenance: Mapping[str, str],
    ) -> None:
        """Add rows that are written already."""
        self.images.add(image)
        self.rows += rows
        alike = self._alike.setdefault(tuple(provenance.items()), provenance)
        self._provenance[image if planes == 1 else f"{image} [{plane}]"] = alike

    def write(
        self, path: Path, rows: Iterable[Mapping[str, str]] | None = None, columns: Sequence[str] | None = None
    ) -> None:
        """Write the table, and its provenance beside it; without any image an older table stays as it is.

        Parameters
        ----------
        path
            Of the table.
        rows, columns
            In place of its own, for a table that was made without: of a long one, one row at a time.

        Raises
        ------
        LeukocyteError
            When a file cannot be written.
        """
        if self.images:
            write_cells_csv(path, self.rows if rows is None else rows, columns=columns, provenance=self.header)

    @property
    def header(self) -> dict[str, str]:
        """What made the table."""
        return _header(self._provenance)


def common(entries: Sequence[Mapping[str, str]]) -> dict[str, str | list[str]]:
    """One value where all entries agree, else a list with one for each.

    Examples
    --------
    >>> common([{"model": "m", "pixel_size_um": "0.1"}, {"model": "m"}])
    {'model': 'm', 'pixel_size_um': ['0.1', '']}
    """
    values = {key: [entry.get(key, "") for entry in entries] for key in dict.fromkeys(k for e in entries for k in e)}
    return {key: texts[0] if len(set(texts)) == 1 else texts for key, texts in values.items()}


def _header(entries: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Provenance of the whole table; pixel sizes that differ get a line for each image."""
    header: dict[str, str] = {}
    for key, value in common(list(entries.values())).items():
        if isinstance(value, str):
            header[key] = value
        elif key == "made_with":  # of each image its own
            header |= {f"{key} of {label}": text for label, text in zip(entries, value, strict=True) if text}
        elif not key.startswith("pixel_size"):
            header[key] = ", ".join(dict.fromkeys(filter(None, value)))
    if not {"pixel_size_um", "pixel_size_source"} <= header.keys():
        header = {key: value for key, value in header.items() if not key.startswith("pixel_size")}
        for label, entry in entries.items():
            um, source = (entry.get(key, "") for key in ("pixel_size_um", "pixel_size_source"))
            header[f"pixel_size_um of {label}"] = f"{um} ({source})"
    return header
