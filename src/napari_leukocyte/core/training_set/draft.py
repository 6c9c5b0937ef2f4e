"""A mask in work, and the file that holds everything of one moment of it."""

import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_leukocyte.core.cells.origin import check_makers
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.json_files import FORMAT, read_text_of
from napari_leukocyte.core.training_set.records import Correction, check_maps, facts_json, read_facts, with_counts

__all__ = ["Draft", "correction_of", "decode_draft", "draft_problem", "encode_draft", "same_draft"]


@dataclass(frozen=True)
class Draft:
    """A mask in work; it never trains.

    Attributes
    ----------
    classes
        Class map (Y, X): 0 background, 1 cytoplasm (or cell), 2 nucleus.
    cells
        Cell labels (Y, X), covering the same pixels.
    facts
        What is known of it.
    saved
        The moment that it shows, with its time zone.
    makers
        What made each pixel (Y, X), see ``core.cells.origin.MAKERS``; None where that is not known.
    by
        Who reads the image; empty: not known.
    note
        What was wrong when it was read, as a sentence; empty: nothing. It is not written.
    """

    classes: NDArray[np.integer]
    cells: NDArray[np.integer]
    facts: MaskFacts
    saved: datetime
    note: str = field(default="", compare=False)
    makers: NDArray[np.uint8] | None = None
    by: str = ""


def same_draft(one: Draft, other: Draft) -> bool:
    """Whether two drafts are the same moment of the same strokes."""
    return (
        one.saved == other.saved
        and np.array_equal(one.classes, other.classes)
        and np.array_equal(one.cells, other.cells)
    )


def correction_of(draft: Draft) -> Correction:
    """Return what becomes of a draft that is accepted as it is; CNRs are not in it."""
    return Correction(draft.classes, draft.cells, draft.facts, makers=draft.makers, by=draft.by)


def draft_problem(path: Path, shape: tuple[int, int]) -> str:
    """Return what is wrong with the file of a draft; empty when nothing is."""
    try:
        decode_draft(path, shape)
    except LeukocyteError as error:
        return str(error)
    return ""


def encode_draft(draft: Draft, shape: tuple[int, int]) -> bytes:
    """Return the file of a draft: a TIFF of class map, labels and what made each pixel, a page each, and a description.

    The last page is left out where it is not known. The description is JSON with all the rest.

    Raises
    ------
    LeukocyteError
        When it is no mask of an image of ``shape``.
    """
    classes, cells = check_maps(draft.classes, draft.cells, shape, whole_cell=draft.facts.whole_cell)
    if draft.saved.tzinfo is None:
        raise LeukocyteError("The moment of a draft needs its time zone.")
    facts = with_counts(draft.facts, classes, draft.makers)
    makers = [] if draft.makers is None else [check_makers(draft.makers, shape)]
    about = {
        "format": FORMAT,
        "saved": draft.saved.isoformat(),
        "by": draft.by,
        **facts_json(facts),
        "sha256": _maps_hash(classes, cells, *makers),
    }
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as tiff:
        description: str | None = json.dumps(about, allow_nan=False)
        for plane in (classes, cells, *makers):
            tiff.write(
                plane,
                photometric="minisblack",
                compression="zlib",
                compressionargs={"level": 1},  # quick: the user is painting
                description=description,
                metadata=None,
            )
            description = None
    return stream.getvalue()


def decode_draft(path: Path, shape: tuple[int, int]) -> Draft:
    """Read the file of a draft.

    Raises
    ------
    UnreadableError
        When the system does not let it be read.
    NewerFormatError
        When a newer version of the plugin wrote it.
    LeukocyteError
        When it is damaged, or does not fit its image of ``shape``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(f"The draft {path}", error) from error
    damaged = LeukocyteError(f"The draft {path} is damaged: restore it from a copy.")
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            text = str(tiff.pages[0].description)
    except Exception as error:  # a decoder raises almost anything on a damaged file
        raise damaged from error
    fields = read_text_of(text, f"The draft {path}")  # a newer one may hold other pages
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            if any(page.shape != shape for page in tiff.pages):  # before memory is taken for it
                raise LeukocyteError(f"The draft {path} does not fit its image: restore it from a copy.")
            classes, cells, *rest = (tiff.pages[i].asarray() for i in range(min(len(tiff.pages), 3)))
    except LeukocyteError:
        raise
    except Exception as error:
        raise damaged from error
    draft = Draft(
        classes=classes,
        cells=cells,
        facts=read_facts(fields),
        saved=fields.moment("saved"),
        makers=rest[0] if rest else None,
        by=fields.text("by") if "by" in fields else "",  # later than format 1 itself
    )
    if _maps_hash(classes, cells, *rest) != fields.text("sha256"):
        raise damaged
    try:
        check_maps(classes, cells, shape, whole_cell=draft.facts.whole_cell)
        with_counts(draft.facts, classes, draft.makers)
    except LeukocyteError as error:
        raise LeukocyteError(f"The draft {path} does not fit its image: {error}") from error
    return draft


def _maps_hash(*maps: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for plane in maps:
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()
