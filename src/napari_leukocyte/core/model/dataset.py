"""Images with expert masks, brought to the working resolution and kept ready for training."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.pixel_size import pixel_size_in
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.model.mask_notes import NO_NOTES, MaskNotes
from napari_leukocyte.core.table import Row, read_table

__all__ = ["IndexRow", "Sample", "data_hash", "load_sample", "make_sample", "read_index"]


@dataclass(frozen=True)
class IndexRow:
    """One line of ``index.csv``: where image and mask lie, and what is known of them.

    ``name`` is the image's path as the index gives it, the name that splits and reports use; ``pixel_size`` is
    um per px; ``cell_type`` and ``slide`` are empty when unknown.
    """

    name: str
    source: str
    image: Path
    mask: Path
    pixel_size: float
    cell_type: str
    slide: str


@dataclass(frozen=True)
class Sample:
    """An image at the working resolution.

    ``image`` (Y, X, 3) uint8 RGB; ``target`` (4, Y, X) uint8: the share of background, cytoplasm, nucleus and "cell,
    which part is not known" in each pixel, 0-255. Where they do not add up to 255 the mask says nothing, and nothing
    is learnt. ``whole_cell``: the mask knows no nuclei.
    """

    name: str
    source: str
    image: NDArray[np.uint8]
    target: NDArray[np.uint8]
    whole_cell: bool


def read_index(folder: Path) -> list[IndexRow]:
    """Rows of ``folder/index.csv`` (columns source, image, mask, px_per_um; cell_type and slide optional).

    Raises
    ------
    LeukocyteError
        When the file is missing, cannot be read, is no table in UTF-8, lacks a column or lists nothing; when a row is
        short, no smear has its pixel size, or its image stands there twice.
    """
    path = Path(folder) / "index.csv"
    try:
        there = path.is_file()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not there:
        raise LeukocyteError(f"{folder} has no index.csv: give a folder that holds one.")
    table = read_table(path)
    missing = {"source", "image", "mask", "px_per_um"} - set(table.columns)
    if missing:
        raise LeukocyteError(f"{path} lacks the column(s) {', '.join(sorted(missing))}.")
    rows = [_index_row(path, row) for row in table.rows]
    if not rows:
        raise LeukocyteError(f"{path} lists no images.")
    twice = [name for name, n in Counter(row.name for row in rows).items() if n > 1]
    if twice:
        raise LeukocyteError(f"{path} lists {twice[0]} more than once: keep one row for each image.")
    return rows


def _index_row(path: Path, row: Row) -> IndexRow:
    image, mask, pixel_size = row.text("image"), row.text("mask"), pixel_size_in(row)
    if not image or not mask:
        raise LeukocyteError(f"{row.where} is a row without image or mask: give both, or leave it out.")
    if pixel_size is None:
        raise LeukocyteError(f"{row.where} states no px_per_um of {image}: give 0.5 to 100 px per um.")
    return IndexRow(
        name=image,
        source=row.text("source"),
        image=path.parent / image,
        mask=path.parent / mask,
        pixel_size=pixel_size,
        cell_type=row.text("cell_type"),
        slide=row.text("slide"),
    )


def load_sample(row: IndexRow, *, pixel_size: float, soft: bool, notes: MaskNotes = NO_NOTES) -> Sample:
    """Read one row and bring it to ``pixel_size`` (um per px).

    The image is area-averaged. With ``soft`` the mask is too, so that an outline keeps the place it has between
    two coarse pixels; otherwise it is nearest-sampled as in the thesis. ``notes`` say where the mask is not to be
    trusted, and where its nuclei are drawn.
    """
    image = to_rgb(read_image(row.image).array).image
    mask = read_mask(row.mask)
    if mask.classes.shape != image.shape[:2]:
        raise LeukocyteError(f"{row.image} is {image.shape[:2]} px but its mask {row.mask} is {mask.classes.shape} px.")
    believed = notes.believed(row.name, row.source, row.mask, mask.classes, mask.whole_cell, pixel_size=row.pixel_size)
    return make_sample(
        image,
        believed.classes,
        name=row.name,
        source=row.source,
        whole_cell=believed.whole_cell,
        scale=row.pixel_size / pixel_size,
        soft=soft,
        unknown=believed.unknown,
        part_unknown=believed.part_unknown,
    )


def make_sample(
    image: NDArray[np.float32],
    classes: NDArray[np.uint8],
    *,
    name: str,
    source: str,
    whole_cell: bool,
    scale: float,
    soft: bool,
    unknown: NDArray[np.bool_] | None = None,
    part_unknown: NDArray[np.bool_] | None = None,
) -> Sample:
    """Bring an image (Y, X, 3) in 0-1 and its class map (Y, X) to the working resolution, ``scale`` times as many px.

    ``soft`` is as for `load_sample`. Of the pixels ``unknown`` (Y, X) the mask says nothing; where ``part_unknown``
    (Y, X), a cell's pixel may be cytoplasm or nucleus.
    """
    shape = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    cell = classes > 0
    either = cell if whole_cell else cell & part_unknown if part_unknown is not None else np.zeros_like(cell)
    shares = np.stack([~cell, (classes == 1) & ~either, (classes == 2) & ~either, either]).astype(np.float32)
    if unknown is not None:
        shares[:, unknown] = 0
    if soft:
        target = area_resize(shares, shape)
    else:
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(shape, image.shape[:2], strict=True)
        )
        target = shares[:, rows][:, :, columns]
    resized = area_resize(image.transpose(2, 0, 1), shape).transpose(1, 2, 0)
    return Sample(name, source, _to_bytes(resized), _to_bytes(target), whole_cell)


def _to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.round(values.clip(0, 1) * 255).astype(np.uint8))


def data_hash(rows: list[IndexRow], notes: MaskNotes = NO_NOTES) -> str:
    """sha256 over the bytes of every image and its masks, in order: which data a model was trained on."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row.image.read_bytes())
        digest.update(row.mask.read_bytes())
        nuclei = notes.nuclei_mask(row.source, row.mask)
        if nuclei is not None and nuclei.is_file():  # a mask that knows its nuclei needs no other
            digest.update(nuclei.read_bytes())
    return digest.hexdigest()
