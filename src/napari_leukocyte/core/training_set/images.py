"""Images of a training set: untouched copies, each with a small record beside it."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.training_set.json_files import read_json, write_json
from napari_leukocyte.core.training_set.layout import Layout, content_hash

__all__ = [
    "IMAGE_SUFFIXES",
    "SetImage",
    "read_own_pixels",
    "read_pixels",
    "read_set_image",
    "store_pixels",
    "write_set_image",
]

IMAGE_SUFFIXES = (".png", ".tif")
_MOST_IN_PNG = 80_000_000  # px; readers refuse PNG files of twice as many


@dataclass(frozen=True)
class SetImage:
    """An image of a training set.

    Attributes
    ----------
    id
        Its name in the set.
    name
        What it was called where it came from.
    path
        The copy.
    content
        Hash of the pixels, see ``layout.content_hash``.
    pixel_size
        um per px; None: unknown.
    group
        Slide or patient; empty: unknown.
    excluded
        Why it is left out; empty: it is not.
    shape
        (Y, X).
    held_out
        Whether its own record keeps it out of training; others may, see ``TrainingSet.held_out``.
    """

    id: str
    name: str
    path: Path
    content: str
    pixel_size: float | None
    group: str
    excluded: str
    shape: tuple[int, int]
    held_out: bool = False


def read_set_image(layout: Layout, image_id: str) -> SetImage:
    """Read the record of an image, not its pixels.

    Format 0, of before the first release, knew no groups and no exclusions.

    Raises
    ------
    LeukocyteError
        When there is no such image, or its record is damaged.
    """
    record = layout.image_record(image_id)
    if not exists(record):
        raise LeukocyteError(f"There is no image {image_id} in the training set {layout.folder}.")
    fields = read_json(record)
    file = fields.text("file")
    if Path(file).name != file or Path(file).stem != image_id or Path(file).suffix not in IMAGE_SUFFIXES:
        raise LeukocyteError(f"{record} states the file '{file}', which cannot be its image: correct it.")
    height, width = fields.wholes("shape", least=2, most=2)
    new = fields.format > 0
    return SetImage(
        id=image_id,
        name=fields.text("name"),
        path=layout.images / file,
        content=fields.text("content"),
        pixel_size=fields.positive_or_none("pixel_size_um"),
        group=fields.text("group") if new else "",
        excluded=fields.text("excluded") if new else "",
        shape=(height, width),
        held_out=fields.truth("held_out") if new else False,
    )


def write_set_image(layout: Layout, image: SetImage) -> None:
    """Write the record of an image in one step; from then on the image exists.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    write_json(
        layout.image_record(image.id),
        {
            "name": image.name,
            "file": image.path.name,
            "content": image.content,
            "shape": list(image.shape),
            "pixel_size_um": image.pixel_size,
            "group": image.group,
            "excluded": image.excluded,
            "held_out": image.held_out,
        },
    )


def read_pixels(path: Path) -> NDArray[np.generic]:
    """Read the copy of an image: (Y, X) or (Y, X, channels), in its own type.

    Raises
    ------
    LeukocyteError
        When it is missing or damaged.
    """
    file = read_image(path)
    return get_plane(file.array, 0, rgb=file.rgb)


def read_own_pixels(image: SetImage) -> NDArray[np.generic]:
    """Read the copy of an image as `read_pixels` does, and make sure that it still is the one that was added.

    Raises
    ------
    LeukocyteError
        When it is missing, damaged, or another picture.
    """
    pixels = read_pixels(image.path)
    if content_hash(pixels) != image.content:
        raise LeukocyteError(f"The image {image.path} was changed after it was added: restore it from a copy.")
    return pixels


def store_pixels(layout: Layout, image_id: str, pixels: NDArray[np.generic], source: Path | None) -> Path:
    """Write the copy of an image, and look whether it can be read back.

    Parameters
    ----------
    source : Path or None
        The file that the pixels were read from: when it is a PNG or TIFF with just this image, it is copied.

    Returns
    -------
    Path
        The copy: PNG for 8 bits a colour, else TIFF.

    Raises
    ------
    LeukocyteError
        When the system refuses, or the image cannot be kept as it is.
    """
    if source is not None and _holds(source, pixels):
        path = layout.images / f"{image_id}{'.png' if source.suffix.lower() == '.png' else '.tif'}"
        with source.open("rb") as stream, atomic_path(path) as temporary, temporary.open("wb") as out:
            shutil.copyfileobj(stream, out)
        return path
    plain = pixels.dtype in (np.uint8, np.bool_) and pixels.shape[0] * pixels.shape[1] <= _MOST_IN_PNG
    colours = pixels.ndim == 3 and pixels.shape[2] in (3, 4)
    as_png = plain and (pixels.ndim == 2 or (colours and pixels.dtype == np.uint8))
    path = layout.images / f"{image_id}{'.png' if as_png else '.tif'}"
    with atomic_path(path) as temporary:
        if as_png:
            Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")
        else:
            tifffile.imwrite(
                temporary, pixels, photometric="rgb" if colours else "minisblack", compression="zlib", metadata=None
            )
    if not _holds(path, pixels):
        path.unlink(missing_ok=True)
        raise LeukocyteError(
            f"An image of {pixels.dtype} and shape {pixels.shape} cannot be kept in a training set as it is: "
            "save it as RGB with 8 or 16 bits first."
        )
    return path


def _holds(path: Path, pixels: NDArray[np.generic]) -> bool:
    """Whether a PNG or TIFF file holds just this image."""
    if path.suffix.lower() not in (".png", ".tif", ".tiff"):
        return False
    with contextlib.suppress(LeukocyteError):
        file = read_image(path)
        return plane_count(file.array.shape, rgb=file.rgb) == 1 and content_hash(read_pixels(path)) == content_hash(
            pixels
        )
    return False
