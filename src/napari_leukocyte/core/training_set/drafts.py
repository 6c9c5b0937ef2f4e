"""The one working copy of an image while a user paints, a file that holds everything of one moment; and older ones."""

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import tifffile
from filelock import FileLock
from numpy.typing import NDArray

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.training_set.json_files import FORMAT, read_text_of
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.locks import try_lock
from napari_leukocyte.core.training_set.records import Correction, check_maps, read_remarks, remarks_json

__all__ = [
    "Draft",
    "DraftClaim",
    "begin_draft",
    "claim",
    "correction_of",
    "discard_draft",
    "draft_problem",
    "drop_kept_draft",
    "read_draft",
    "read_kept_drafts",
    "same_draft",
    "save_draft",
]


@dataclass(frozen=True)
class Draft:
    """A mask in work; it never trains.

    Attributes
    ----------
    classes
        Class map (Y, X): 0 background, 1 cytoplasm (or cell), 2 nucleus.
    cells
        Cell labels (Y, X), covering the same pixels.
    saved
        The moment that it shows, with its time zone.
    note
        What was wrong when it was read, as a sentence; empty: nothing. It is not written.

    The others are those of ``records.Correction``.
    """

    classes: NDArray[np.integer]
    cells: NDArray[np.integer]
    remarks: Mapping[int, frozenset[Flag]]
    saved: datetime
    parent: int | None = None
    model: str = ""
    model_sha256: str = ""
    pixels_changed: int = 0
    labels_edited: bool = False
    pixel_size: float | None = None
    pixel_size_source: str = "unknown"
    whole_cell: bool = False
    difficulty: int | None = None
    note: str = field(default="", compare=False)


class DraftClaim:
    """An image that this window drafts; `release` it, or use it in a ``with`` statement."""

    def __init__(self, image: str, lock: FileLock) -> None:
        self.image = image
        self._lock = lock

    def release(self) -> None:
        """Let another window have the image; a second call does nothing."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def claim(layout: Layout, image_id: str) -> DraftClaim:
    """Take an image for this window.

    Raises
    ------
    LeukocyteError
        When another one has it, or the folder cannot be written to.
    """
    lock = try_lock(layout.claim(image_id))
    if lock is None:
        raise LeukocyteError(
            f"{image_id} is being corrected in another window: go on there, or close that window first."
        )
    return DraftClaim(image_id, lock)


def save_draft(layout: Layout, image_id: str, draft: Draft, shape: tuple[int, int]) -> None:
    """Make a draft the working copy, and keep the one before it.

    Raises
    ------
    LeukocyteError
        When it is no mask of the image, or the system refuses; the old draft is there then.
    """
    content = _encode(draft, shape)
    working, previous = layout.draft(image_id), layout.previous_draft(image_id)
    if not working.parent.is_dir():
        make_folder(working.parent)
    with atomic_path(working) as temporary:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # before the old copy makes room
        with contextlib.suppress(FileNotFoundError):
            os.replace(working, previous)  # noqa: PTH105 - the call that is atomic on every system


def read_draft(layout: Layout, image_id: str, shape: tuple[int, int]) -> Draft | None:
    """Read the working copy, or the one before it when that is damaged, which its ``note`` says; None without one.

    Raises
    ------
    LeukocyteError
        When there are drafts but none can be read.
    """
    return _newest(layout, image_id, shape)[1]


def _newest(layout: Layout, image_id: str, shape: tuple[int, int]) -> tuple[Path, Draft | None]:
    """The file that `read_draft` reads, and its draft."""
    damaged = ""
    for path in (layout.draft(image_id), layout.previous_draft(image_id)):
        if not path.exists():
            continue
        try:
            draft = _decode(path, shape)
        except LeukocyteError as error:
            damaged = damaged or str(error)
            continue
        if not damaged:
            return path, draft
        note = f"The newest draft cannot be read, so this is the one before it, of {draft.saved:%H:%M:%S}: {damaged}"
        return path, Draft(**{**vars(draft), "note": note})
    if damaged:
        raise LeukocyteError(damaged)
    return layout.draft(image_id), None


def begin_draft(layout: Layout, image_id: str, shape: tuple[int, int], continued: Draft | None = None) -> None:
    """Make room for the draft of a map that a user begins to paint; only for the window that has the claim.

    The draft that is there is set aside, unless it is the one that is ``continued``. One that was set aside before and
    is continued now becomes the working copy again. Each step is one rename, so that a kill between them loses none.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    working, previous = layout.draft(image_id), layout.previous_draft(image_id)
    try:
        there, draft = _newest(layout, image_id, shape)
    except LeukocyteError:  # nothing of it can be read any more
        draft = None
    path = working
    try:
        if draft is not None and not (continued is not None and same_draft(draft, continued)):
            path = layout.next_kept_draft(image_id)
            os.replace(there, path)  # noqa: PTH105 - the call that is atomic on every system
            if there == working:
                previous.unlink(missing_ok=True)  # an older state of the same strokes
        elif draft is not None and there != working:
            os.replace(there, working)  # noqa: PTH105 - or the next save would put the damaged copy in its place
        if continued is not None:
            for path in layout.kept_drafts(image_id):
                if _is(path, continued, shape):
                    os.replace(path, working)  # noqa: PTH105
                    return
    except OSError as error:
        raise LeukocyteError(
            f"The draft {path} cannot be set aside ({error.strerror}): check its access rights."
        ) from error


def read_kept_drafts(layout: Layout, image_id: str, shape: tuple[int, int]) -> tuple[list[Draft], list[str]]:
    """Read the drafts that were set aside, the newest first; a sentence for each that cannot be read."""
    drafts, problems = [], []
    for path in layout.kept_drafts(image_id):
        try:
            drafts.append(_decode(path, shape))
        except LeukocyteError as error:
            problems.append(str(error))
    return drafts, problems


def drop_kept_draft(layout: Layout, image_id: str, shape: tuple[int, int], draft: Draft) -> bool:
    """Delete a draft that was set aside; returns whether there was one.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    for path in layout.kept_drafts(image_id):
        if _is(path, draft, shape):
            _delete(path)
            return True
    return False


def same_draft(one: Draft, other: Draft) -> bool:
    """Whether two drafts are the same moment of the same strokes."""
    return (
        one.saved == other.saved
        and np.array_equal(one.classes, other.classes)
        and np.array_equal(one.cells, other.cells)
    )


def _is(path: Path, draft: Draft, shape: tuple[int, int]) -> bool:
    try:
        return same_draft(_decode(path, shape), draft)
    except LeukocyteError:
        return False


def discard_draft(layout: Layout, image_id: str) -> None:
    """Delete the working copy of an image, if there is one; those that were set aside stay.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    # the newest last: a stop in between leaves it
    for path in (layout.previous_draft(image_id), layout.draft(image_id)):
        _delete(path)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise LeukocyteError(f"The draft {path} cannot be deleted ({error.strerror}): check its access rights.") from (
            error
        )


def correction_of(draft: Draft) -> Correction:
    """Return what becomes of a draft that is accepted as it is; CNRs are not in it."""
    return Correction(
        classes=draft.classes,
        cells=draft.cells,
        remarks=draft.remarks,
        model=draft.model,
        model_sha256=draft.model_sha256,
        pixels_changed=draft.pixels_changed,
        pixel_size=draft.pixel_size,
        pixel_size_source=draft.pixel_size_source,
        difficulty=draft.difficulty,
        whole_cell=draft.whole_cell,
        parent=draft.parent,
        labels_edited=draft.labels_edited,
    )


def draft_problem(path: Path, shape: tuple[int, int]) -> str:
    """Return what is wrong with the file of a draft; empty when nothing is."""
    try:
        _decode(path, shape)
    except LeukocyteError as error:
        return str(error)
    return ""


def _encode(draft: Draft, shape: tuple[int, int]) -> bytes:
    """A TIFF of two pages, class map and cell labels, with the rest as JSON in its description."""
    classes, cells = check_maps(draft.classes, draft.cells, shape, whole_cell=draft.whole_cell)
    if draft.saved.tzinfo is None:
        raise LeukocyteError("The moment of a draft needs its time zone.")
    about = {
        "format": FORMAT,
        "saved": draft.saved.isoformat(),
        "parent": draft.parent,
        "model": draft.model,
        "model_sha256": draft.model_sha256,
        "pixels_changed": int(draft.pixels_changed),
        "labels_edited": bool(draft.labels_edited),
        "pixel_size_um": draft.pixel_size,
        "pixel_size_source": draft.pixel_size_source,
        "whole_cell": bool(draft.whole_cell),
        "difficulty": draft.difficulty,
        "remarks": remarks_json(draft.remarks),
        "sha256": _maps_hash(classes, cells),
    }
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as tiff:
        for plane, description in ((classes, json.dumps(about, allow_nan=False)), (cells, None)):
            tiff.write(
                plane,
                photometric="minisblack",
                compression="zlib",
                compressionargs={"level": 1},  # quick: the user is painting
                description=description,
                metadata=None,
            )
    return stream.getvalue()


def _decode(path: Path, shape: tuple[int, int]) -> Draft:
    try:
        with path.open("rb") as stream, tifffile.TiffFile(stream) as tiff:
            text = str(tiff.pages[0].description)
            classes, cells = (tiff.pages[i].asarray() for i in (0, 1))
    except Exception as error:  # a decoder raises almost anything on a damaged file
        raise LeukocyteError(f"The draft {path} is damaged; discard it.") from error
    fields = read_text_of(text, f"The draft {path}")
    draft = Draft(
        classes=classes,
        cells=cells,
        remarks=read_remarks(fields),
        saved=fields.moment("saved"),
        parent=fields.whole_or_none("parent", low=1),
        model=fields.text("model"),
        model_sha256=fields.text("model_sha256"),
        pixels_changed=fields.whole("pixels_changed", low=0),
        labels_edited=fields.truth("labels_edited"),
        pixel_size=fields.positive_or_none("pixel_size_um"),
        pixel_size_source=fields.text("pixel_size_source"),
        whole_cell=fields.truth("whole_cell"),
        difficulty=fields.whole_or_none("difficulty", low=1, high=8),
    )
    if _maps_hash(classes, cells) != fields.text("sha256"):
        raise LeukocyteError(f"The draft {path} is damaged; discard it.")
    try:
        check_maps(classes, cells, shape, whole_cell=draft.whole_cell)
    except LeukocyteError as error:
        raise LeukocyteError(f"The draft {path} does not fit its image: {error}") from error
    return draft


def _maps_hash(classes: NDArray[np.generic], cells: NDArray[np.generic]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(classes).data)
    digest.update(np.ascontiguousarray(cells).data)
    return digest.hexdigest()
