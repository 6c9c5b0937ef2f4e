"""What an accepted mask says of itself: the correction that was accepted, and the version that it became."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.cell_types import check_type
from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_pixel_size
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import MAKERS, Maker, Origin, check_makers, count_origin
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.schema import Fields

__all__ = [
    "Correction",
    "Version",
    "check_facts",
    "check_maps",
    "facts_json",
    "new_version",
    "plain_facts",
    "read_facts",
    "read_version",
    "user_name",
    "version_json",
    "with_counts",
]

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
    facts
        What is known of it.
    cnr_before, cnr_after
        CNR of each cell before and after the correction; None where it is withheld.
    by
        Who read the image.
    makers
        What made each pixel (Y, X), see ``core.cells.origin.MAKERS``; None where that is not known.
    reading, repeat
        The blind reading that it was made in, and whether for the second time; empty: in none.
    """

    classes: NDArray[np.integer]
    cells: NDArray[np.integer]
    facts: MaskFacts = field(default_factory=MaskFacts)
    cnr_before: Ratios = field(default_factory=dict)
    cnr_after: Ratios = field(default_factory=dict)
    by: str = ""
    makers: NDArray[np.uint8] | None = None
    reading: str = ""
    repeat: bool = False


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
    makers_path, makers_sha256
        The file that says what made each pixel, and its hash, which is empty where there is none.
    facts, cnr_before, cnr_after, by, reading, repeat
        As in `Correction`.
    """

    image: str
    number: int
    path: Path
    cells_path: Path
    when: datetime
    revoked: bool
    sha256: str
    cells_sha256: str
    facts: MaskFacts
    cnr_before: Ratios
    cnr_after: Ratios
    by: str
    makers_path: Path
    makers_sha256: str = ""
    reading: str = ""
    repeat: bool = False


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


def check_facts(facts: MaskFacts) -> None:
    """Say in words which number could not be read back.

    Raises
    ------
    LeukocyteError
        For one out of its range.
    """
    check_pixel_size(facts.pixel_size.um)
    if facts.difficulty is not None and not 1 <= facts.difficulty <= 8:
        raise LeukocyteError(f"The difficulty class is 1 to 8, not {facts.difficulty}.")
    if facts.pixels_changed < 0:
        raise LeukocyteError("The number of changed pixels cannot be below 0.")


def with_counts(facts: MaskFacts, classes: NDArray[np.integer], makers: NDArray[np.generic] | None) -> MaskFacts:
    """Return the facts with the pixels counted by what made them; without a map of makers as they are.

    Raises
    ------
    LeukocyteError
        When the map of makers does not fit the class map.
    """
    if makers is None:
        return facts
    strokes = {} if facts.made_with is None else facts.made_with.strokes
    return replace(facts, made_with=count_origin(classes, check_makers(makers, classes.shape), strokes))


def new_version(
    correction: Correction, *, image: str, number: int, path: Path, cells_path: Path, makers_path: Path
) -> Version:
    """Make the version that a checked correction becomes, from the files that are written already."""
    return Version(
        image=image,
        number=number,
        path=path,
        cells_path=cells_path,
        when=datetime.now(UTC).astimezone(),
        revoked=False,
        sha256=file_hash(path),
        cells_sha256=file_hash(cells_path),
        facts=plain_facts(with_counts(correction.facts, correction.classes, correction.makers)),
        cnr_before=_known(correction.cnr_before),
        cnr_after=_known(correction.cnr_after),
        by=correction.by or user_name(),
        makers_path=makers_path,
        makers_sha256="" if correction.makers is None else file_hash(makers_path),
        reading=correction.reading,
        repeat=correction.repeat,
    )


def version_json(version: Version) -> dict[str, Any]:
    """Return the record of a version."""
    return {
        "when": version.when.isoformat(),
        "by": version.by,
        **({"reading": version.reading, "repeat": version.repeat} if version.reading else {}),
        "revoked": version.revoked,
        **facts_json(version.facts),
        "cnr_before": {str(cell): ratio for cell, ratio in version.cnr_before.items()},
        "cnr_after": {str(cell): ratio for cell, ratio in version.cnr_after.items()},
        "sha256": version.sha256,
        "cells_sha256": version.cells_sha256,
        **({"makers_sha256": version.makers_sha256} if version.makers_sha256 else {}),
    }


def read_version(
    fields: Fields, *, image: str, number: int, path: Path, cells_path: Path, makers_path: Path
) -> Version:
    """Read the record of a version.

    Format 0, of before the first release, knew no CNRs, no hash of the labels, and nobody's name: what is not stated
    was not there.

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
        facts=read_facts(fields),
        cnr_before=_ratios(fields, "cnr_before") if new else {},
        cnr_after=_ratios(fields, "cnr_after") if new else {},
        by=fields.text("by") if new else "",
        makers_path=makers_path,
        makers_sha256=fields.text("makers_sha256") if "makers_sha256" in fields else "",
        reading=fields.text("reading") if "reading" in fields else "",
        repeat="reading" in fields and fields.truth("repeat"),
    )


def facts_json(facts: MaskFacts) -> dict[str, Any]:
    """Return what is known of a mask as JSON takes it, in the record of a version or the file of a draft."""
    facts = plain_facts(facts)
    return {
        "parent": facts.parent,
        "model": facts.model,
        "model_sha256": facts.model_sha256,
        "pixels_changed": facts.pixels_changed,
        "labels_edited": facts.labels_edited,
        "pixel_size_um": facts.pixel_size.um,
        "pixel_size_source": facts.pixel_size.source,
        "pixel_size_shared": facts.pixel_size.shared,
        "pixel_size_doubt": facts.pixel_size.doubt,
        "difficulty": facts.difficulty,
        "whole_cell": facts.whole_cell,
        "remarks": {str(cell): sorted(flag.value for flag in flags) for cell, flags in sorted(facts.remarks.items())},
        **_origin_json(facts.made_with),
        "types": {str(cell): cell_type for cell, cell_type in sorted(facts.types.items())},
    }


def _origin_json(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {}
    return {"pixels_by": dict(origin.pixels), "strokes_by": dict(origin.strokes)}


def read_facts(fields: Fields) -> MaskFacts:
    """Read them back.

    Format 0 knew no splits, difficulty, or whole-cell masks.

    Raises
    ------
    LeukocyteError
        When something is missing or wrong.
    """
    new = fields.format > 0
    size = PixelSize.stated(
        fields.positive_or_none("pixel_size_um"), fields.text("pixel_size_source") if new else "unknown"
    )
    if "pixel_size_doubt" in fields:  # later than format 1 itself
        size = replace(size, shared=fields.truth("pixel_size_shared"), doubt=fields.text("pixel_size_doubt"))
    return MaskFacts(
        model=fields.text("model"),
        model_sha256=fields.text("model_sha256"),
        pixels_changed=fields.whole("pixels_changed", low=0),
        labels_edited=fields.truth("labels_edited") if new else False,
        pixel_size=size,
        whole_cell=fields.truth("whole_cell") if new else False,
        difficulty=fields.whole_or_none("difficulty", low=1, high=8) if new else None,
        parent=fields.whole_or_none("parent", low=1),
        remarks=fields.by_cell("remarks", _flags, "lists of flags"),
        made_with=_read_origin(fields) if "pixels_by" in fields else None,  # later than format 1 itself
        types=fields.by_cell("types", _cell_type, "cell types") if "types" in fields else {},
    )


def _read_origin(fields: Fields) -> Origin:
    painted: tuple[Maker, ...] = ("brush", "gesture")
    return Origin(fields.counts("pixels_by", MAKERS), fields.counts("strokes_by", painted))


def plain_facts(facts: MaskFacts) -> MaskFacts:
    """Return the facts as they are read back: plain numbers, no cell without a remark, an estimate by its source."""
    size = PixelSize.stated(
        None if facts.pixel_size.um is None else float(facts.pixel_size.um), facts.pixel_size.source
    )
    return replace(
        facts,
        pixels_changed=int(facts.pixels_changed),
        labels_edited=bool(facts.labels_edited),
        pixel_size=replace(size, shared=facts.pixel_size.shared, doubt=facts.pixel_size.doubt),
        whole_cell=bool(facts.whole_cell),
        remarks={int(cell): frozenset(flags) for cell, flags in facts.remarks.items() if flags},
        types={int(cell): cell_type for cell, cell_type in facts.types.items() if cell_type},
    )


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
    return float(value) if plain and 0 <= value < 1e300 else None


def _cell_type(value: Any) -> str | None:
    try:
        return check_type(value) or None if isinstance(value, str) else None
    except LeukocyteError:
        return None
