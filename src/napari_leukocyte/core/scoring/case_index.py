"""What an ``index.csv`` says of the images of an evaluation: pixel size, source, cell type, difficulty class."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import real_path
from napari_leukocyte.core.imaging.pixel_size import pixel_size_in
from napari_leukocyte.core.results.names import paired_stem
from napari_leukocyte.core.table import Row, read_table

__all__ = ["CaseIndex", "CaseInfo", "read_case_index"]


@dataclass(frozen=True)
class CaseInfo:
    """What is known of one image: um per px (None: unknown), difficulty class 1-8 (None), type and source ("")."""

    pixel_size: float | None = None
    difficulty: int | None = None
    cell_type: str = ""
    source: str = ""


class CaseIndex:
    """Finds the row of a truth: by the mask that the row names, else by the stem of its image or mask.

    Parameters
    ----------
    path
        The file.
    rows
        Image, mask (None: not named) and what is known of them.
    """

    def __init__(self, path: Path, rows: Iterable[tuple[Path | None, Path | None, CaseInfo]]) -> None:
        self._path = path
        self._by_mask: dict[Path, CaseInfo] = {}
        self._by_stem: dict[str, list[CaseInfo]] = {}
        for image, mask, info in rows:
            if mask is not None:
                self._by_mask[real_path(mask)] = info
            for stem in {paired_stem(file).removesuffix("_classes") for file in (image, mask) if file is not None}:
                self._by_stem.setdefault(stem, []).append(info)

    def find(self, name: str, truth: Path) -> tuple[CaseInfo, str]:
        """Return what is known of a truth, and a note when its row was not found."""
        by_mask = self._by_mask.get(real_path(truth))
        if by_mask is not None:
            return by_mask, ""
        found = self._by_stem.get(name, [])
        if len(found) == 1:
            return found[0], ""
        return CaseInfo(), f"listed {len(found)} times in {self._path}, so its row was not used" if found else (
            f"not in {self._path}"
        )


def read_case_index(path: Path) -> CaseIndex:
    """Read a table with a column ``image`` or ``mask``, and px_per_um, source, cell_type and difficulty where known.

    Parameters
    ----------
    path : Path
        A table, see ``core.table``; paths in it are relative to its folder. Other columns, and empty fields, are
        passed over.

    Raises
    ------
    LeukocyteError
        When it cannot be read, has neither column, or a number in it is impossible.
    """
    table = read_table(path)
    if not {"image", "mask"} & set(table.columns):
        raise LeukocyteError(f"The index {path} has neither a column 'image' nor 'mask': add one with the file names.")
    return CaseIndex(path, [_row(path, row) for row in table.rows])


def _row(path: Path, row: Row) -> tuple[Path | None, Path | None, CaseInfo]:
    image, mask = (path.parent / row.text(key) if row.text(key) else None for key in ("image", "mask"))
    difficulty = row.text("difficulty")
    if difficulty not in {"", *"12345678"}:
        raise LeukocyteError(f"{row.where} states the difficulty '{difficulty}': give a class from 1 to 8, or nothing.")
    return (
        image,
        mask,
        CaseInfo(
            pixel_size_in(row),
            int(difficulty) if difficulty else None,
            row.text("cell_type"),
            row.text("source"),
        ),
    )
