"""Tables of cells as a study reads them: the ``cells.csv`` of one or several results folders."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_leukocyte.core.cells.calibrated import RANGE_COLUMNS
from napari_leukocyte.core.cells.cell_types import check_type
from napari_leukocyte.core.cells.cells_csv import MADE_BY_COLUMNS, MEASURE_COLUMNS, SLIDE_COLUMNS
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.safe_text import printable
from napari_leukocyte.core.table import Row, read_table

__all__ = ["StudyCell", "StudyImage", "below_common_folder", "images_of", "read_results", "table_path"]

_MEND = "restore the table from a copy, or save it again"
_RATIOS = MEASURE_COLUMNS[3:10]  # y and x first


@dataclass(frozen=True, order=True)
class StudyImage:
    """An image of a study.

    Attributes
    ----------
    results
        Which of the tables it is in.
    label
        What the table calls it; no other image of the table has that name.
    path
        What folders and patterns are looked for in, with "/": from the folder on that holds all images of the study,
        where records tell; else the name of the results folder and the label.
    """

    results: str
    label: str
    path: str


@dataclass(frozen=True)
class StudyCell:
    """One row of a table; ``made_by`` has `MADE_BY_COLUMNS`, ``cnr_range`` `RANGE_COLUMNS`, as text.

    ``on_slide`` has `SLIDE_COLUMNS` where it is a cell of a whole slide, whose ``measure`` has the slide's pixels.
    """

    image: StudyImage
    plane: int
    measure: CellMeasure
    made_by: Mapping[str, str]
    cnr_range: tuple[str, str] = ("", "")
    on_slide: Mapping[str, str] = field(default_factory=dict)


def read_results(results: Sequence[str | Path]) -> list[StudyCell]:
    """Read the tables of results.

    Parameters
    ----------
    results : sequence of paths
        Folders that hold a ``cells.csv``, or such tables under any name.

    Raises
    ------
    LeukocyteError
        When one is missing, given twice, no table of cells, or when all of them together hold no cell.
    """
    if not results:
        raise LeukocyteError("No results are given: name the folders that segment or Save all wrote.")
    paths = [table_path(Path(one)) for one in results]
    if len({path.resolve() for path in paths}) < len(paths):
        raise LeukocyteError("One table is given twice: name every results folder once.")
    cells = [cell for path in paths for cell in _read(path)]
    if not cells:
        raise LeukocyteError(f"There is no cell in {', '.join(str(path) for path in paths)}: segment images first.")
    return _with_paths(cells)


def table_path(path: Path) -> Path:
    """Return where the table of results lies.

    Raises
    ------
    LeukocyteError
        When there is none.
    """
    table = path / "cells.csv" if path.is_dir() else path
    if not table.is_file():
        what = f"The folder {path} has no cells.csv" if path.is_dir() else f"{path} does not exist"
        raise LeukocyteError(f"{what}: give a folder that segment or Save all wrote, or its table.")
    return table


def images_of(cells: Iterable[StudyCell]) -> list[StudyImage]:
    """The images of cells, each once, in their order."""
    return list(dict.fromkeys(cell.image for cell in cells))


def _read(path: Path) -> list[StudyCell]:
    table = read_table(path)
    missing = [name for name in MEASURE_COLUMNS if name not in table.columns]
    if missing:
        raise LeukocyteError(
            f"{path} is no table of cells, it has no column {', '.join(missing)}: give the cells.csv of results."
        )
    folder = path.resolve().parent.name
    images: dict[str, StudyImage] = {}
    cells = []
    seen: set[tuple[str, str, str]] = set()
    for row in table.rows:
        label = row.text("image")
        image = images.setdefault(label, StudyImage(str(path), label, f"{folder}/{label}"))
        key = label, row.text("plane"), row.text("cell")
        if key in seen:
            raise LeukocyteError(f"{row.where} states a cell that another line has, too: {_MEND}.")
        seen.add(key)
        made_by = {name: row.text(name) for name in MADE_BY_COLUMNS}
        low, high = ("" if math.isnan(_number(row, name)) else row.text(name) for name in RANGE_COLUMNS)
        on_slide = {name: text for name in SLIDE_COLUMNS if (text := row.text(name))}
        cells.append(StudyCell(image, _count(row, "plane"), _measure(row), made_by, (low, high), on_slide))
    return cells


def _with_paths(cells: list[StudyCell]) -> list[StudyCell]:
    """Put in where the images lie, when the records beside all tables say so and that tells any images apart.

    Images that came in by slides (``core.exchange.analyser_folders``) lie in the folders of their slides.
    """
    images = images_of(cells)
    records = {name: read_record(Path(name).parent) for name in dict.fromkeys(image.results for image in images)}
    slides = {
        (name, one.image.label): slide
        for name, record in records.items()
        if record is not None
        for one in record.images.values()
        if (slide := next((plane.provenance.get("slide", "") for plane in one.planes), ""))
    }
    if all((image.results, image.label) in slides for image in images):
        by_slide = {
            image: replace(image, path=f"{slides[image.results, image.label]}/{image.label.replace('/', '-')}")
            for image in images
        }
        return [replace(cell, image=by_slide[cell.image]) for cell in cells]
    files = {
        (name, listed.label): listed.path.replace("\\", "/").split("/")
        for name, record in records.items()
        if record is not None
        for listed in record.listed.values()
        if listed.path
    }
    if not all((image.results, image.label) in files for image in images):
        return cells
    paths = below_common_folder([files[image.results, image.label] for image in images])
    if paths is None:
        return cells  # all in one folder, which is no group
    placed = {image: replace(image, path=path) for image, path in zip(images, paths, strict=True)}
    return [replace(cell, image=placed[cell.image]) for cell in cells]


def below_common_folder(files: Sequence[Sequence[str]]) -> list[str] | None:
    """Return paths from the folder on that all files have in common; None where they all lie in one.

    Examples
    --------
    >>> below_common_folder([["data", "A", "1.png"], ["data", "B", "1.png"]])
    ['A/1.png', 'B/1.png']
    """
    folders = [parts[:-1] for parts in files]
    common = 0
    while all(len(parts) > common for parts in folders) and len({parts[common] for parts in folders}) == 1:
        common += 1
    if all(len(parts) == common for parts in folders):
        return None
    return ["/".join(parts[common:]) for parts in files]


def _measure(row: Row) -> CellMeasure:
    y, x, cnr, cnr_low, cnr_high, nc_ratio, nucleus_fraction = (_number(row, name) for name in _RATIOS)
    try:
        cell_type = check_type(row.text("type"))
    except LeukocyteError as error:
        raise LeukocyteError(f"{row.where} has a type that is none: {error}") from error
    return CellMeasure(
        cell=_count(row, "cell"),
        y=y,
        x=x,
        cnr=cnr,
        cnr_low=cnr_low,
        cnr_high=cnr_high,
        nc_ratio=nc_ratio,
        nucleus_fraction=nucleus_fraction,
        cytoplasm_px=_count(row, "cytoplasm_px"),
        nucleus_px=_count(row, "nucleus_px"),
        cytoplasm_um2=_number(row, "cytoplasm_um2"),
        nucleus_um2=_number(row, "nucleus_um2"),
        flags=tuple(_flag(row, text) for text in row.text("flags").split(";") if text),
        cell_type=cell_type,
        cnr_at_most=_number(row, "cnr_at_most"),  # tables of before have none
    )


def _number(row: Row, name: str) -> float:
    """A figure that is 0 or more; NaN for an empty field. Only the upper end of a range may be infinite."""
    value = row.number(name)
    if value is None:
        return math.nan
    if not value >= 0 or (math.isinf(value) and name != "cnr_high"):
        raise LeukocyteError(f"{row.where} states '{row.text(name)}' as {name}: {_MEND}.")
    return value


def _count(row: Row, name: str) -> int:
    text = row.text(name)
    if not text.isascii() or not text.isdigit():
        raise LeukocyteError(f"{row.where} states '{printable(text)}' as {name}, which is no count: {_MEND}.")
    return int(text)


def _flag(row: Row, text: str) -> Flag:
    try:
        return Flag(text)
    except ValueError:
        raise LeukocyteError(
            f"{row.where} states the flag '{printable(text)}', which this version does not know: update it, or {_MEND}."
        ) from None
