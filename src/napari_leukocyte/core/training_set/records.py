"""What an accepted mask says of itself: the correction that was accepted, and the version that it became."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_pixel_size
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash
from napari_leukocyte.core.training_set.json_files import Fields

__all__ = [
    "Correction",
    "Version",
    "check_maps",
    "check_numbers",
    "new_version",
    "read_remarks",
    "read_version",
    "remarks_json",
    "user_name",
    "version_json",
]

Remarks = Mapping[int, frozenset[Flag]]
Ratios = Mapping[int, float | None]


@dataclass(frozen=True)
class Correction:
    """A mask as a user accepts it.

    Attributes
    ----------
    classes
        Class map (Y, X): 0 background, 1 cytoplasm (or cell), 2 nucleus.
    cells
        Cell labels (Y, X), covering the same pixels.
    remarks
        What is known of cells beside the maps, by cell number.
    model
        The model whose output was corrected; empty for a mask drawn or imported without one.
    model_sha256
        Hash of its weight file.
    pixels_changed
        How many pixels of the class map differ from the model's output.
    pixel_size, pixel_size_source
        um per px (None: unknown), and where the number comes from.
    difficulty
        Difficulty class 1-8; None: not judged.
    whole_cell
        It knows only "cell" (values 0 and 1).
    cnr_before, cnr_after
        CNR of each cell before and after the correction; None where it is withheld.
    parent
        Number of the version that was corrected, if one was.
    by
        Who accepted it.
    labels_edited
        Whether cells were split or joined.
    """

    classes: NDArray[np.integer]
    cells: NDArray[np.integer]
    remarks: Remarks = field(default_factory=dict)
    model: str = ""
    model_sha256: str = ""
    pixels_changed: int = 0
    pixel_size: float | None = None
    pixel_size_source: str = "unknown"
    difficulty: int | None = None
    whole_cell: bool = False
    cnr_before: Ratios = field(default_factory=dict)
    cnr_after: Ratios = field(default_factory=dict)
    parent: int | None = None
    by: str = ""
    labels_edited: bool = False


@dataclass(frozen=True)
class Version:
    """An accepted mask on the disk.

    Attributes
    ----------
    image
        Id of its image.
    number
        From 1 for each image; never used twice.
    path, cells_path
        Its class map and its cell labels.
    when
        When it was accepted, with the time zone.
    revoked
        Taken back by the user: it does not train.
    sha256, cells_sha256
        Hashes of the two files; ``cells_sha256`` is empty in a set of format 0.

    The others are those of `Correction`.
    """

    image: str
    number: int
    path: Path
    cells_path: Path
    when: datetime
    revoked: bool
    sha256: str
    cells_sha256: str
    remarks: Remarks
    model: str
    model_sha256: str
    pixels_changed: int
    pixel_size: float | None
    pixel_size_source: str
    difficulty: int | None
    whole_cell: bool
    cnr_before: Ratios
    cnr_after: Ratios
    parent: int | None
    by: str
    labels_edited: bool

    @property
    def edited(self) -> bool:
        """Whether a hand drew, changed, split or joined something; if not, it is a model's own output."""
        return self.model == "" or self.pixels_changed > 0 or self.labels_edited


def check_maps(
    classes: NDArray[np.generic], cells: NDArray[np.generic], shape: tuple[int, int], *, whole_cell: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return both maps of a mask in their types, or say why they are none for an image of ``shape``.

    Raises
    ------
    LeukocyteError
        When one is no map, has another size, or the two do not cover the same pixels.
    """
    plane = check_class_map(classes, binary=whole_cell, name="mask")
    if plane.shape != shape:
        raise LeukocyteError(
            f"The mask has {plane.shape[1]} × {plane.shape[0]} px and its image {shape[1]} × {shape[0]} px: "
            "nothing is resized unasked."
        )
    labels = check_cell_labels(cells, shape=shape)
    if not np.array_equal(plane > 0, labels > 0):
        raise LeukocyteError("The cell labels do not cover the same pixels as the class map: label the cells again.")
    return plane, labels


def check_numbers(correction: Correction) -> None:
    """Say in words which number could not be read back.

    Raises
    ------
    LeukocyteError
        For one out of its range.
    """
    check_pixel_size(correction.pixel_size)
    if correction.difficulty is not None and not 1 <= correction.difficulty <= 8:
        raise LeukocyteError(f"The difficulty class is 1 to 8, not {correction.difficulty}.")
    if correction.pixels_changed < 0:
        raise LeukocyteError("The number of changed pixels cannot be below 0.")


def new_version(correction: Correction, *, image: str, number: int, path: Path, cells_path: Path) -> Version:
    """Make the version that a checked correction becomes, from the two files that are written already."""
    return Version(
        image=image,
        number=number,
        path=path,
        cells_path=cells_path,
        when=datetime.now(UTC).astimezone(),
        revoked=False,
        sha256=file_hash(path),
        cells_sha256=file_hash(cells_path),
        remarks={int(cell): frozenset(flags) for cell, flags in correction.remarks.items() if flags},
        model=correction.model,
        model_sha256=correction.model_sha256,
        pixels_changed=int(correction.pixels_changed),
        pixel_size=None if correction.pixel_size is None else float(correction.pixel_size),
        pixel_size_source=correction.pixel_size_source,
        difficulty=correction.difficulty,
        whole_cell=bool(correction.whole_cell),
        cnr_before=_known(correction.cnr_before),
        cnr_after=_known(correction.cnr_after),
        parent=correction.parent,
        by=correction.by or user_name(),
        labels_edited=bool(correction.labels_edited),
    )


def version_json(version: Version) -> dict[str, Any]:
    """Return the record of a version."""
    return {
        "when": version.when.isoformat(),
        "by": version.by,
        "revoked": version.revoked,
        "parent": version.parent,
        "model": version.model,
        "model_sha256": version.model_sha256,
        "pixels_changed": version.pixels_changed,
        "labels_edited": version.labels_edited,
        "pixel_size_um": version.pixel_size,
        "pixel_size_source": version.pixel_size_source,
        "difficulty": version.difficulty,
        "whole_cell": version.whole_cell,
        "remarks": remarks_json(version.remarks),
        "cnr_before": {str(cell): ratio for cell, ratio in version.cnr_before.items()},
        "cnr_after": {str(cell): ratio for cell, ratio in version.cnr_after.items()},
        "sha256": version.sha256,
        "cells_sha256": version.cells_sha256,
    }


def read_version(fields: Fields, *, image: str, number: int, path: Path, cells_path: Path) -> Version:
    """Read the record of a version.

    Format 0, of before the first release, knew no splits, difficulty, whole-cell masks, CNRs, nor the hash of the
    labels, and nobody's name: what is not stated was not there.

    Raises
    ------
    LeukocyteError
        When something is missing or wrong.
    """
    new = fields.format > 0
    return Version(
        image=image,
        number=number,
        path=path,
        cells_path=cells_path,
        when=fields.moment("when"),
        revoked=fields.truth("revoked"),
        sha256=fields.text("sha256"),
        cells_sha256=fields.text("cells_sha256") if new else "",
        remarks=read_remarks(fields),
        model=fields.text("model"),
        model_sha256=fields.text("model_sha256"),
        pixels_changed=fields.whole("pixels_changed", low=0),
        pixel_size=fields.positive_or_none("pixel_size_um"),
        pixel_size_source=fields.text("pixel_size_source") if new else "unknown",
        difficulty=fields.whole_or_none("difficulty", low=1, high=8) if new else None,
        whole_cell=fields.truth("whole_cell") if new else False,
        cnr_before=_ratios(fields, "cnr_before") if new else {},
        cnr_after=_ratios(fields, "cnr_after") if new else {},
        parent=fields.whole_or_none("parent", low=1),
        by=fields.text("by") if new else "",
        labels_edited=fields.truth("labels_edited") if new else False,
    )


def remarks_json(remarks: Remarks) -> dict[str, list[str]]:
    """Flags by cell, as JSON takes them."""
    return {str(int(cell)): sorted(flag.value for flag in flags) for cell, flags in sorted(remarks.items()) if flags}


def read_remarks(fields: Fields) -> dict[int, frozenset[Flag]]:
    """Read them back.

    Raises
    ------
    LeukocyteError
        When they are missing or a flag is unknown.
    """
    return fields.by_cell("remarks", _flags, "lists of flags")


def user_name() -> str:
    """Name of the account, empty where the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _flags(value: Any) -> frozenset[Flag] | None:
    known = set(Flag)
    if not isinstance(value, list) or not all(isinstance(one, str) and one in known for one in value):
        return None
    return frozenset(Flag(one) for one in value)


def _known(ratios: Ratios) -> dict[int, float | None]:
    """Ratios with None for every withheld one; measures have NaN there."""
    return {
        int(cell): None if ratio is None or not np.isfinite(ratio) else float(ratio)
        for cell, ratio in sorted(ratios.items())
    }


def _ratios(fields: Fields, key: str) -> dict[int, float | None]:
    read = fields.by_cell(key, _ratio, "numbers or null")
    return {cell: None if np.isnan(ratio) else ratio for cell, ratio in read.items()}


def _ratio(value: Any) -> float | None:
    if value is None:
        return float("nan")
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and value >= 0 else None
