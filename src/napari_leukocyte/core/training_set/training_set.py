"""A training set: the folder of images, accepted masks, drafts and models that a user's own model grows from."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_pixel_size
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import exists, make_folder
from napari_leukocyte.core.training_set import versions
from napari_leukocyte.core.training_set.drafts import Drafts
from napari_leukocyte.core.training_set.held_out import HeldOut
from napari_leukocyte.core.training_set.image_records import ImageRecords
from napari_leukocyte.core.training_set.images import (
    SetImage,
    read_own_pixels,
    read_set_image,
    store_pixels,
    write_set_image,
)
from napari_leukocyte.core.training_set.in_force import left_out, training_items
from napari_leukocyte.core.training_set.item import TrainingItem
from napari_leukocyte.core.training_set.json_files import FORMAT
from napari_leukocyte.core.training_set.layout import Layout, content_hash, image_id
from napari_leukocyte.core.training_set.locks import held_lock
from napari_leukocyte.core.training_set.manifest import Manifest, read_manifest, write_manifest
from napari_leukocyte.core.training_set.reader import NOBODY, Reader
from napari_leukocyte.core.training_set.records import Correction, Version
from napari_leukocyte.core.training_set.survey import survey

__all__ = ["TrainingSet"]


class TrainingSet:
    """An open training set.

    The disk is the only truth: each call looks at it, so that several windows and programs may have the set open
    at once. A method that writes raises `LeukocyteError` when the system refuses (read-only folder, full disk) and
    has changed nothing then.

    Attributes
    ----------
    folder
        Where it lies.
    problems
        What opening it noticed and passed over, as sentences.
    reader
        Whose masks and drafts are seen and made; what trains is of all readers.
    drafts
        The masks in work.
    """

    def __init__(
        self,
        folder: Path,
        problems: tuple[str, ...],
        reader: Reader = NOBODY,
        records: ImageRecords | None = None,
    ) -> None:
        self.folder = folder
        self.problems = problems
        self.reader = reader
        self._layout = Layout(folder, reader.folder)
        # in a blind reading nothing is offered that was drawn outside of it
        self.drafts = Drafts(self._layout, unnamed=not reader.reading)
        self._records = records or ImageRecords(self._layout)
        self._held_out = HeldOut(self._layout, self._records)

    @classmethod
    def create(cls, folder: str | Path, *, pixel_size: float | None = None) -> "TrainingSet":
        """Make a new training set, or put a lost ``training-set.json`` back.

        Parameters
        ----------
        folder : str or Path
            New or empty, or a training set that has lost that file. What was held out stays so.
        pixel_size : float, optional
            um per px of every image and mask that does not state its own.

        Raises
        ------
        LeukocyteError
            When the folder is a training set already, holds other things, or cannot be written to.
        """
        layout = Layout(Path(folder))
        check_pixel_size(pixel_size)
        make_folder(layout.folder)
        with held_lock(layout.lock):
            if exists(layout.manifest):
                raise LeukocyteError(f"{folder} is a training set already: open it, or choose another folder.")
            ours = {part.name for part in (layout.images, layout.masks, layout.drafts, layout.models, layout.locks)}
            others = sorted(path.name for path in layout.folder.iterdir() if path.name not in ours)
            if others:
                raise LeukocyteError(f"{folder} holds {others[0]} already: choose a new or an empty folder.")
            for part in (layout.images, layout.masks, layout.drafts, layout.models):
                make_folder(part)
            write_manifest(layout, Manifest(pixel_size, frozenset()))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "TrainingSet":
        """Open a training set, of this format version or an older one; nothing is written.

        Raises
        ------
        LeukocyteError
            When the folder is none, ``training-set.json`` is damaged, or a newer version wrote it.
        """
        layout = Layout(Path(folder))
        try:
            return cls(layout.folder, tuple(str(problem) for problem in survey(layout)))
        except OSError as error:
            raise LeukocyteError(
                f"{error.filename or folder} cannot be read ({error.strerror}): check its access rights."
            ) from error

    def as_reader(self, reader: Reader) -> "TrainingSet":
        """Return the same set as a reader sees it."""
        return TrainingSet(self.folder, self.problems, reader, self._records)

    @property
    def pixel_size(self) -> float | None:
        """Default in um per px, for what states none itself; None: unknown."""
        return read_manifest(self._layout).pixel_size

    @property
    def models_folder(self) -> Path:
        """Where models trained on the set lie; the folder may have to be made."""
        return self._layout.models

    # ---- images -------------------------------------------------------------------------------------------

    def image_ids(self) -> list[str]:
        """Ids of the images whose records can be read, sorted."""
        return [image.id for image in self.images()]

    def images(self) -> list[SetImage]:
        """List the images whose records can be read, by id."""
        return self._records.read()

    def image(self, image_id: str) -> SetImage:
        """Return what is known of one image.

        Raises
        ------
        LeukocyteError
            When there is no such image, or its record is damaged.
        """
        return read_set_image(self._layout, image_id)

    def read_image(self, image_id: str) -> NDArray[np.generic]:
        """Read the pixels of an image, (Y, X) or (Y, X, channels), as they were added.

        Raises
        ------
        LeukocyteError
            When it is missing, damaged, or not as it was added.
        """
        return read_own_pixels(self.image(image_id))

    def find_image(self, pixels: NDArray[np.generic], *, name: str) -> str | None:
        """Return the id of an image that was added under this name; None when there is none."""
        found = image_id(name, content_hash(pixels))
        return found if exists(self._layout.image_record(found)) else None

    def add_image(
        self,
        pixels: NDArray[np.generic],
        *,
        name: str,
        pixel_size: float | None = None,
        group: str = "",
        source: Path | None = None,
    ) -> str:
        """Copy an image into the set; one that is there already, name and pixels, only learns what was unknown.

        Where the copy of one was lost, it is made again; masks and drafts are kept.

        Parameters
        ----------
        pixels : ndarray
            One plane: (Y, X) or (Y, X, channels).
        name : str
            Of its file, with the plane for one of a stack.
        pixel_size : float, optional
            um per px.
        group : str
            Slide or patient. An image of a group, or with the pixels, of a held-out one is held out, too.
        source : Path, optional
            The file that it comes from; a PNG or TIFF of just this image is copied byte by byte.

        Returns
        -------
        str
            Its id.

        Raises
        ------
        LeukocyteError
            When it is no image, the record of a lost copy is of another one, or the system refuses.
        """
        layout, content = self._layout, content_hash(pixels)
        found = image_id(name, content)
        check_pixel_size(pixel_size)
        with self._changing():
            self._records.prepare()
            if exists(layout.image_record(found)):
                image = self.image(found)
                learnt = replace(image, pixel_size=image.pixel_size or pixel_size, group=image.group or group)
                if not exists(image.path):
                    if image.content != content:  # the id is a short hash of it, and anybody may have edited the record
                        raise LeukocyteError(
                            f"The image {image.path} is missing, and its record is not of the picture {name} that is "
                            "added: restore both from a copy."
                        )
                    learnt = replace(learnt, path=store_pixels(layout, found, np.asarray(pixels), source))
                if learnt != image:
                    self._records.write(learnt)
            else:
                make_folder(layout.images)
                path = store_pixels(layout, found, np.asarray(pixels), source)
                shape = (int(pixels.shape[0]), int(pixels.shape[1]))
                learnt = SetImage(found, name, path, content, pixel_size, group, "", shape)
                self._records.write(learnt)
            self._held_out.follow(learnt)
        return found

    def set_excluded(self, image_id: str, reason: str) -> None:
        """Leave an image out of training and comparison, with the reason; an empty one takes it back."""
        with self._changing():
            write_set_image(self._layout, replace(self.image(image_id), excluded=reason.strip()))

    # ---- accepted masks -----------------------------------------------------------------------------------

    def versions(self, image_id: str) -> list[Version]:
        """List the reader's accepted masks of an image by number, revoked ones too, damaged or interrupted ones not."""
        found, reader = versions.list_versions(self._layout, image_id), self.reader
        return [one for one in found if reader.reads(one.by, one.reading, repeat=one.repeat)]

    def current(self, image_id: str) -> Version | None:
        """Return the reader's newest accepted mask that is not revoked; None without one.

        Where nobody in particular looks it is the newest of all readers, but for those of a second blind reading.
        """
        again = self.reader.repeat
        found = reversed(self.versions(image_id))
        return next((one for one in found if not one.revoked and one.repeat == again), None)

    def readers(self) -> list[str]:
        """Names of all who have an accepted mask in force, sorted; "" for masks without a name."""
        found: dict[str, str] = {}
        for image in self.images():
            for one in versions.list_versions(self._layout, image.id):
                if not one.revoked:
                    found.setdefault(Reader(one.by).folder, one.by)
        return sorted(found.values(), key=str.casefold)

    def read_mask(self, version: Version) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Read class map and cell labels, (Y, X) both, exactly as they were accepted.

        Raises
        ------
        LeukocyteError
            When a file is missing, damaged, or was changed since.
        """
        return versions.read_maps(version, self.image(version.image).shape)

    def read_makers(self, version: Version) -> NDArray[np.uint8] | None:
        """Read what made each pixel (Y, X), see ``core.cells.origin.MAKERS``; None where the version does not say.

        Raises
        ------
        LeukocyteError
            When the file is missing, damaged, or was changed since.
        """
        return versions.read_makers(version, self.image(version.image).shape)

    def accept(self, image_id: str, correction: Correction) -> Version:
        """Keep a correction as the next version; when this returns, it is on the disk. The draft stays.

        Raises
        ------
        LeukocyteError
            When the maps do not fit the image, a number is out of its range, or the system refuses.
        """
        if read_manifest(self._layout).format < FORMAT:
            with self._changing():
                pass
        reader = self.reader
        if reader.name:
            correction = replace(correction, by=reader.name, reading=reader.reading, repeat=reader.repeat)
        return versions.accept(self._layout, self.image(image_id), correction)

    def revoke(self, image_id: str, number: int) -> Version:
        """Take an accepted mask out of training; `restore` takes it back."""
        return self._set_revoked(image_id, number, True)

    def restore(self, image_id: str, number: int) -> Version:
        """Undo `revoke`."""
        return self._set_revoked(image_id, number, False)

    def _set_revoked(self, image_id: str, number: int, revoked: bool) -> Version:
        with self._changing():
            version, reader = versions.find_version(self._layout, image_id, number), self.reader
            if not reader.reads(version.by, version.reading, repeat=version.repeat):
                raise LeukocyteError(f"Mask {number} of {image_id} is another reader's: only they can take it back.")
            return versions.set_revoked(self._layout, image_id, number, revoked=revoked)

    # ---- the held-out part --------------------------------------------------------------------------------

    @property
    def held_out(self) -> frozenset[str]:
        """Ids of the images that never train, with all that are of their slides or have their pixels."""
        return self._held_out.ids()

    def hold_out(self, ids: Collection[str]) -> frozenset[str]:
        """Keep images out of training for good, with all that are of their slides or have their pixels.

        Returns
        -------
        frozenset of str
            Those that were not held out before.
        """
        known = {self.image(one).id for one in ids}
        with self._changing():
            return self._held_out.add(known)

    def hold_out_share(self, share: float, seed: int = 0) -> frozenset[str]:
        """Hold out about a share (0-1) of all images, drawn by whole groups; at least one group is left to train.

        Returns
        -------
        frozenset of str
            Those that were not held out before.
        """
        if not 0 <= share < 1:
            raise LeukocyteError(f"A share of {share:g} cannot be held out: give 0 to less than 1, for instance 0.2.")
        with self._changing():
            return self._held_out.draw(share, seed)

    # ---- training -----------------------------------------------------------------------------------------

    def items(self, held_out: bool | None = None) -> list[TrainingItem]:
        """List the masks in force: accepted, unrevoked, their images not excluded.

        Images without a pixel size are left out; `items_left_out` names them.

        Parameters
        ----------
        held_out : bool, optional
            Only those that are held out, or only those that are not; None: both.
        """
        return [item for item in training_items(self) if held_out is None or item.held_out == held_out]

    def items_left_out(self) -> list[str]:
        """Say of which accepted masks `items` makes none, a sentence each."""
        return left_out(self)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one who changes JSON files of the set.

        A set of an older format becomes one of ours first, so that a plugin of that time refuses it in words.
        """
        with held_lock(self._layout.lock):
            manifest = read_manifest(self._layout)
            if manifest.format < FORMAT:
                write_manifest(self._layout, manifest)
            yield
