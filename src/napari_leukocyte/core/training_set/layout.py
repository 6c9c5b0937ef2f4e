"""Where the parts of a training set lie, and what its images are called."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import names_in

__all__ = ["Layout", "content_hash", "image_id"]

_KEPT = re.compile(r"kept-([0-9]{4,})\.tif")
_VERSION = re.compile(r"([0-9]{4,})(_cells\.png|_makers\.png|\.png|\.json)")


@dataclass(frozen=True)
class Layout:
    """The paths of one training set; nothing is read or made.

    Attributes
    ----------
    folder
        Where it lies.
    reader
        The folder of the reader whose drafts are meant (``reader.Reader.folder``); empty: those without a name.
    """

    folder: Path
    reader: str = ""

    @property
    def manifest(self) -> Path:
        """What makes the folder a training set."""
        return self.folder / "training-set.json"

    @property
    def images(self) -> Path:
        """Copies of the images, each with its record."""
        return self.folder / "images"

    @property
    def masks(self) -> Path:
        """A folder of accepted versions for each image."""
        return self.folder / "masks"

    @property
    def drafts(self) -> Path:
        """A folder with the working copy of each image."""
        return self.folder / "drafts"

    @property
    def models(self) -> Path:
        """Models trained on the set."""
        return self.folder / "models"

    @property
    def readings(self) -> Path:
        """Blind readings, each with its order."""
        return self.folder / "readings"

    @property
    def locks(self) -> Path:
        """Empty files that windows lock."""
        return self.folder / ".locks"

    @property
    def lock(self) -> Path:
        """The lock for changes of the JSON files."""
        return self.locks / "set.lock"

    def claim(self, image_id: str) -> Path:
        """Lock of the window in which the reader drafts an image."""
        return self.locks / f"{image_id}{'.' * bool(self.reader)}{self.reader}.lock"

    def image_record(self, image_id: str) -> Path:
        """Record of an image; it makes the image exist."""
        return self.images / f"{image_id}.json"

    def mask(self, image_id: str, number: int) -> Path:
        """Class map of an accepted version."""
        return self.masks / image_id / f"{number:04d}.png"

    def cells(self, image_id: str, number: int) -> Path:
        """Cell labels of an accepted version."""
        return self.masks / image_id / f"{number:04d}_cells.png"

    def makers(self, image_id: str, number: int) -> Path:
        """What made each pixel of an accepted version."""
        return self.masks / image_id / f"{number:04d}_makers.png"

    def mask_record(self, image_id: str, number: int) -> Path:
        """Record of an accepted version; it is written last and makes the version exist."""
        return self.masks / image_id / f"{number:04d}.json"

    def version_files(self, image_id: str) -> Iterator[tuple[int, Path]]:
        """Files of accepted or interrupted versions of an image, with their numbers."""
        folder = self.masks / image_id
        for name in names_in(folder):
            match = _VERSION.fullmatch(name)
            if match is not None:
                yield int(match[1]), folder / name

    def _drafts_of(self, image_id: str) -> Path:
        return self.drafts / image_id / self.reader

    def readers_of_drafts(self, image_id: str) -> Iterator["Layout"]:
        """The same set as each reader sees it who may have drafts of an image; those without a name come first."""
        yield Layout(self.folder)
        for name in sorted(names_in(self.drafts / image_id)):
            if (self.drafts / image_id / name).is_dir():
                yield Layout(self.folder, name)

    def draft(self, image_id: str) -> Path:
        """The working copy."""
        return self._drafts_of(image_id) / "working.tif"

    def previous_draft(self, image_id: str) -> Path:
        """The working copy before it."""
        return self._drafts_of(image_id) / "previous.tif"

    def kept_drafts(self, image_id: str) -> list[Path]:
        """Drafts that were set aside, another one begun or they not to be read, the newest first."""
        folder = self._drafts_of(image_id)
        names = [match for name in names_in(folder) if (match := _KEPT.fullmatch(name))]
        return [folder / match[0] for match in sorted(names, key=lambda match: int(match[1]), reverse=True)]

    def next_kept_draft(self, image_id: str) -> Path:
        """Where the next one goes; only the window that has the claim may take it."""
        kept = self.kept_drafts(image_id)
        number = int(kept[0].stem.removeprefix("kept-")) + 1 if kept else 1
        return self._drafts_of(image_id) / f"kept-{number:04d}.tif"


def content_hash(pixels: NDArray[np.generic]) -> str:
    """Hash of what an image shows: the same however it is stored.

    An opaque alpha channel does not count, nor whether gray is stored as one channel or as three equal ones.

    Parameters
    ----------
    pixels : ndarray
        (Y, X) or (Y, X, channels).

    Returns
    -------
    str
        64 hexadecimal digits (SHA-256).

    Raises
    ------
    LeukocyteError
        When it is no plane of an image.

    Examples
    --------
    >>> gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    >>> content_hash(gray) == content_hash(np.dstack([gray] * 3)), content_hash(gray) == content_hash(gray + 1)
    (True, False)
    """
    plane = np.asarray(pixels)
    if plane.ndim not in (2, 3) or plane.size == 0 or plane.dtype.kind not in "buif":
        raise LeukocyteError(
            f"An array of {plane.dtype} and shape {plane.shape} is no image for a training set: give one plane, "
            "(Y, X) or (Y, X, 3)."
        )
    if plane.ndim == 3:
        opaque = 1.0 if plane.dtype.kind in "bf" else np.iinfo(plane.dtype).max
        if plane.shape[2] in (2, 4) and (plane[..., -1] == opaque).all():
            plane = plane[..., :-1]
        if (plane == plane[..., :1]).all():
            plane = plane[..., 0]
    if plane.dtype.kind == "b":
        plane = np.where(plane, True, False)  # Pillow gives bytes of 255
    plane = np.ascontiguousarray(plane, plane.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{plane.dtype.str} {plane.shape}".encode())
    digest.update(plane.data)
    return digest.hexdigest()


def image_id(name: str, content: str) -> str:
    """Id of an image from its name, which a reader recognises, and a hash of name and content.

    It is a file name on every system; two images share one only when both name and content agree, so ``a.png``
    and ``a.tif`` never collide, nor do ``a.png`` and ``A.png`` where file names ignore case.

    Examples
    --------
    >>> image_id("smear 1/a?.png", "0" * 64)
    'smear_1_a-79dc7cdce0'
    """
    stem = re.sub(r"\.[A-Za-z]{1,4}$", "", name)
    slug = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")[:40].strip("_") or "image"
    return f"{slug}-{hashlib.sha256(f'{content} {name}'.encode()).hexdigest()[:10]}"
