"""A study of cells from Python: summaries and comparisons as DataFrames, and the report."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_leukocyte.core.study.coding import Codes
from napari_leukocyte.core.study.report.files import TABLES, tables_of, write_study
from napari_leukocyte.core.study.study import Study as _Study
from napari_leukocyte.core.study.study import make_study
from napari_leukocyte.core.training_set.reader_cells import readers_of_sets

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Study", "study"]


class Study:
    """What `study` found.

    Attributes
    ----------
    warnings : tuple of str
        Sentences on what may mislead: groups that coincide with how their images were made, cells without a CNR that
        are not random, patients that are not known.
    left_out : tuple of str
        Images that belong to no group, by their paths; with study codes without their names.
    """

    def __init__(self, found: _Study, codes: Codes | None) -> None:
        self._found, self._codes = found, codes
        self.warnings = tuple(found.warnings)
        self.left_out = found.samples.left_out

    def table(self, name: str = "summary") -> "DataFrame":
        """Return a table, as `write` writes it; empty when there is nothing to say.

        Parameters
        ----------
        name : str
            ``cells``, ``summary``, ``withheld``, ``smudges``, ``patients`` (one value a patient and type),
            ``comparisons`` or ``readers``.

        Raises
        ------
        ValueError
            For another name.
        """
        from pandas import DataFrame

        if name not in TABLES:
            raise ValueError(f"'{name}' is no table of a study: take one of {', '.join(TABLES)}.")
        return DataFrame(tables_of(self._found)[name])

    def write(self, folder: str | os.PathLike[str], *, title: str = "Study of cells") -> Path:
        """Write ``report.html`` and the tables behind it, and the key of study codes; returns the page.

        Raises
        ------
        LeukocyteError
            When a file cannot be written.
        """
        return write_study(self._found, Path(folder), title=title, codes=self._codes)[0]

    def __repr__(self) -> str:
        """Say what it is in one line."""
        groups = [group for group in self._found.groups if group]
        return f"<Study of {len(self._found.cells)} cells, groups {', '.join(groups) or 'not known'}>"


def study(
    results: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    groups: str | os.PathLike[str] | None = None,
    readers: Sequence[str | os.PathLike[str]] = (),
    merge_bands: bool = True,
    key: str | os.PathLike[str] | None = None,
) -> Study:
    """Summarise cells by type, patient and group, and compare groups by one value a patient.

    Parameters
    ----------
    results : path, or sequence of paths
        Results folders that hold a ``cells.csv``, or such tables under any name.
    groups : str, path or None
        What tells patients and groups: a sample sheet (CSV with the columns file, patient, slide, group, and any
        others), a pattern such as ``"{group}/{patient}_{slide}"``, a regular expression with named groups, or
        ``"folder"``. None: one group.
    readers : sequence of paths
        What other readers made of the same images: results, or training sets with the masks of one or more readers.
    merge_bands : bool
        Count band neutrophils as segmented ones, as the ICSH has it.
    key : path, optional
        Replace files, folders, patients and slides by study codes, and keep their key there; a key that is there keeps
        its codes.

    Raises
    ------
    LeukocyteError
        When results, groups, readers or the key cannot be used.
    """
    several = [results] if isinstance(results, str | os.PathLike) else results
    codes = None if key is None else Codes(key)
    others, by_reader = readers_of_sets([Path(one) for one in readers])
    found = make_study(
        [Path(one) for one in several],
        groups=None if groups is None else os.fspath(groups),
        readers=others,
        by_reader=by_reader,
        merge_bands=merge_bands,
        codes=codes,
    )
    return Study(found, codes)
