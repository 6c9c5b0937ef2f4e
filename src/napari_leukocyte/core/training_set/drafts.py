"""A reader's one working copy of each image while it is painted, and older drafts that were set aside."""

import contextlib
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists, make_folder, refusal
from napari_leukocyte.core.training_set.draft import Draft, decode_draft, encode_draft, same_draft
from napari_leukocyte.core.training_set.images import read_set_image
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.locks import try_lock
from napari_leukocyte.core.training_set.moments import Moments

__all__ = ["DraftClaim", "Drafts"]


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


class Drafts:
    """The drafts of a reader in a training set.

    Parameters
    ----------
    layout
        Where they lie.
    unnamed
        Whether drafts without a name are offered, too, as if they had been set aside: those of an import, and of before
        readers were known. They are of whoever answers for them first.
    """

    def __init__(self, layout: Layout, *, unnamed: bool = False) -> None:
        self._layout = layout
        self._unnamed = Layout(layout.folder) if unnamed and layout.reader else None
        self._whole: dict[Path, tuple[int, ...]] = {}  # files that we wrote or have read since they were written
        self._moments = Moments()

    def claim(self, image_id: str) -> DraftClaim:
        """Take an image for this window, so that no other one drafts it; the system releases it when we die.

        Raises
        ------
        LeukocyteError
            When another window has it, or the folder cannot be written to.
        """
        read_set_image(self._layout, image_id)  # or there is none to take
        lock = try_lock(self._layout.claim(image_id))
        if lock is None:
            raise LeukocyteError(
                f"{image_id} is being corrected in another window: go on there, or close that window first."
            )
        return DraftClaim(image_id, lock)

    def moment(self, image_id: str | None) -> datetime:
        """Now, but later than every moment given before and than the image's drafts that were read.

        So it is later than them also where the clock of the computer was set back meanwhile.
        """
        return self._moments.next(image_id)

    def save(self, image_id: str, draft: Draft) -> None:
        """Make a draft the working copy, and keep the one before it.

        A draft that is there and cannot be read is set aside, not replaced.

        Raises
        ------
        LeukocyteError
            When it is no mask of the image, or the system refuses; the old draft is there then.
        """
        shape = self._shape(image_id)
        content = encode_draft(draft, shape)
        working, previous = self._layout.draft(image_id), self._layout.previous_draft(image_id)
        if not exists(working.parent):
            make_folder(working.parent)
        self._spare_unreadable(image_id, shape)
        with atomic_path(working) as temporary:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())  # before the old copy makes room
            with contextlib.suppress(FileNotFoundError):
                os.replace(working, previous)  # noqa: PTH105 - the call that is atomic on every system
        for path in (working, previous):
            self._whole[path] = _signature(path)
        self._moments.seen(image_id, draft.saved)

    def _spare_unreadable(self, image_id: str, shape: tuple[int, int]) -> None:
        """Set aside working copies that cannot be read: with rights, a share or a newer version they may be, again."""
        for path in (self._layout.previous_draft(image_id), self._layout.draft(image_id)):
            if not exists(path) or self._whole.get(path) == _signature(path):
                continue
            try:
                decode_draft(path, shape)
            except LeukocyteError:
                self._set_aside(image_id, path)
            else:
                self._whole[path] = _signature(path)

    def _set_aside(self, image_id: str, path: Path) -> None:
        try:
            os.replace(path, self._layout.next_kept_draft(image_id))  # noqa: PTH105
        except OSError as error:
            raise LeukocyteError(
                f"The draft {path} cannot be set aside ({refusal(error)}): check its access rights."
            ) from error

    def read(self, image_id: str) -> Draft | None:
        """Read the working copy, or the one before it when that is damaged, which its ``note`` says; None without one.

        Raises
        ------
        LeukocyteError
            When there are drafts but none can be read.
        """
        return self._newest(image_id, self._shape(image_id))[1]

    def _newest(self, image_id: str, shape: tuple[int, int]) -> tuple[Path, Draft | None]:
        """The file that `read` reads, and its draft."""
        damaged = ""
        for path in (self._layout.draft(image_id), self._layout.previous_draft(image_id)):
            if not exists(path):
                continue
            try:
                draft = decode_draft(path, shape)
                self._moments.seen(image_id, draft.saved)
            except LeukocyteError as error:
                damaged = damaged or str(error)
                continue
            if not damaged:
                return path, draft
            when = f"{draft.saved:%H:%M:%S}"
            note = f"The newest draft cannot be read, so this is the one before it, of {when}: {damaged}"
            return path, replace(draft, note=note)
        if damaged:
            raise LeukocyteError(damaged)
        return self._layout.draft(image_id), None

    def begin(self, image_id: str, continued: Draft | None = None) -> None:
        """Make room for the draft of a map that a user begins to paint; only for the window that has the claim.

        The draft that is there is set aside, unless it is the one that is ``continued``: otherwise the first draft of
        a new map would take the place of one that nobody has looked at yet. So is one that cannot be read. One that was
        set aside before and is continued now becomes the working copy again. Each step is one rename, so that a kill
        between them loses none.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        shape = self._shape(image_id)
        working, previous = self._layout.draft(image_id), self._layout.previous_draft(image_id)
        self._spare_unreadable(image_id, shape)
        there, draft = self._newest(image_id, shape)
        path = working
        try:
            if draft is not None and not (continued is not None and same_draft(draft, continued)):
                path = self._layout.next_kept_draft(image_id)
                os.replace(there, path)  # noqa: PTH105 - the call that is atomic on every system
                if there == working:
                    previous.unlink(missing_ok=True)  # an older state of the same strokes
            elif draft is not None and there != working:
                os.replace(there, working)  # noqa: PTH105 - the one that is gone on with
            if continued is not None:
                for path in self._kept_files(image_id):
                    if _holds(path, continued, shape):
                        make_folder(working.parent)
                        os.replace(path, working)  # noqa: PTH105
                        self._drop_before(path)
                        return
        except OSError as error:
            raise LeukocyteError(
                f"The draft {path} cannot be set aside ({refusal(error)}): check its access rights."
            ) from error

    def kept(self, image_id: str) -> tuple[list[Draft], list[str]]:
        """Read the drafts that were set aside, the newest first; a sentence for each that cannot be read."""
        drafts, problems, shape = [], [], self._shape(image_id)
        for path in self._kept_files(image_id):
            try:
                drafts.append(decode_draft(path, shape))
            except LeukocyteError as error:
                problems.append(str(error))
        return drafts, problems

    def has(self, image_id: str) -> bool:
        """Say whether there is a draft of an image, be it set aside or damaged; where nobody looks, of any reader."""
        layout = self._layout
        return any(
            exists(one.draft(image_id)) or exists(one.previous_draft(image_id)) or bool(one.kept_drafts(image_id))
            for one in ([layout, self._unnamed] if layout.reader else layout.readers_of_drafts(image_id))
            if one is not None
        )

    def drop_kept(self, image_id: str, draft: Draft) -> bool:
        """Delete a draft that was set aside; returns whether there was one.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        shape = self._shape(image_id)
        for path in self._kept_files(image_id):
            if _holds(path, draft, shape):
                self._drop_before(path)  # first: it is an older state of the same strokes
                _delete(path)
                return True
        return False

    def _kept_files(self, image_id: str) -> list[Path]:
        """Drafts that were set aside, and those without a name that are offered."""
        kept = self._layout.kept_drafts(image_id)
        if self._unnamed is not None:
            newest = (self._unnamed.draft(image_id), self._unnamed.previous_draft(image_id))
            kept += [path for path in newest if exists(path)][:1] + self._unnamed.kept_drafts(image_id)
        return kept

    def _drop_before(self, path: Path) -> None:
        """Delete the working copy before one without a name, which is taken over or dropped."""
        if self._unnamed is not None and path.name == "working.tif":
            _delete(path.with_name("previous.tif"))

    def discard(self, image_id: str, until: datetime | None = None) -> None:
        """Delete the working copy of an image, if there is one; with ``until`` only when it was saved by then.

        Those that were set aside stay, and one that cannot be read is set aside.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        self._spare_unreadable(image_id, self._shape(image_id))
        if until is not None:
            draft = self.read(image_id)
            if draft is not None and draft.saved > until:
                return
        # the newest last: a stop in between leaves it
        for path in (self._layout.previous_draft(image_id), self._layout.draft(image_id)):
            _delete(path)

    def _shape(self, image_id: str) -> tuple[int, int]:
        return read_set_image(self._layout, image_id).shape


def _holds(path: Path, draft: Draft, shape: tuple[int, int]) -> bool:
    try:
        return same_draft(decode_draft(path, shape), draft)
    except LeukocyteError:
        return False


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise LeukocyteError(
            f"The draft {path} cannot be deleted ({refusal(error)}): check its access rights."
        ) from error


def _signature(path: Path) -> tuple[int, ...]:
    """What tells one writing of a file, and its rights, from another; nothing where there is none."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size
