"""What an ``index.csv`` says of the images of an evaluation: pixel size, source, cell type, difficulty class."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.results.names import paired_stem
from napari_leukocyte.core.safe_text import from_table

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
                self._by_mask[mask.resolve()] = info
            for stem in {paired_stem(file).removesuffix("_classes") for file in (image, mask) if file is not None}:
                self._by_stem.setdefault(stem, []).append(info)

    def find(self, name: str, truth: Path) -> tuple[CaseInfo, str]:
        """Return what is known of a truth, and a note when its row was not found."""
        by_mask = self._by_mask.get(truth.resolve())
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
        CSV in UTF-8; paths in it are relative to its folder. Other columns, and empty fields, are passed over.

    Raises
    ------
    LeukocyteError
        When it cannot be read, has neither column, or a number in it is impossible.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            lines = [{key: from_table((value or "").strip()) for key, value in line.items() if key} for line in reader]
    except OSError as error:
        raise LeukocyteError(f"The index {path} cannot be read ({error.strerror}): check its name.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LeukocyteError(f"The index {path} is no table: save it as CSV in UTF-8.") from error
    if not columns & {"image", "mask"}:
        raise LeukocyteError(f"The index {path} has neither a column 'image' nor 'mask': add one with the file names.")
    return CaseIndex(path, [_row(path, number, line) for number, line in enumerate(lines, start=2)])


def _row(path: Path, number: int, line: dict[str, str]) -> tuple[Path | None, Path | None, CaseInfo]:
    image, mask = (path.parent / line[key] if line.get(key) else None for key in ("image", "mask"))
    where = f"The index {path} has in line {number}"
    pixel_size = difficulty = None
    if text := line.get("px_per_um"):
        px_per_um = _number(text)
        if not (math.isfinite(px_per_um) and px_per_um > 0):
            raise LeukocyteError(f"{where} '{text}' px_per_um: give a number above 0, or nothing.")
        pixel_size = 1 / px_per_um
    if text := line.get("difficulty"):
        if text not in set("12345678"):
            raise LeukocyteError(f"{where} the difficulty '{text}': give a class from 1 to 8, or nothing.")
        difficulty = int(text)
    return image, mask, CaseInfo(pixel_size, difficulty, line.get("cell_type", ""), line.get("source", ""))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
