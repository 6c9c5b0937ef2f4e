"""Accepted versions of a mask: a new number for each, nothing overwritten, the record written last."""

import contextlib
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.cells.origin import check_makers
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import exists, make_folder, unreadable
from napari_leukocyte.core.imaging.write import write_cells_png, write_class_png, write_numbers_png
from napari_leukocyte.core.training_set.images import SetImage
from napari_leukocyte.core.training_set.json_files import read_json, write_json
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.records import (
    Correction,
    Version,
    check_facts,
    check_maps,
    new_version,
    plain_facts,
    read_version,
    user_name,
    version_json,
    with_counts,
)

__all__ = ["accept", "find_version", "list_versions", "load_version", "read_makers", "read_maps", "set_revoked"]


def accept(layout: Layout, image: SetImage, correction: Correction) -> Version:
    """Write a correction as the next version; when this returns, it is on the disk.

    The files come first and the record last, which makes the version exist. A number is taken by making its file,
    so that two windows never get the same one, even where locks do not work.

    Raises
    ------
    LeukocyteError
        When the maps do not fit the image, a number is out of its range, or the system refuses; nothing is left then.
    """
    facts = plain_facts(correction.facts)
    check_facts(facts)
    classes, cells = check_maps(correction.classes, correction.cells, image.shape, whole_cell=facts.whole_cell)
    facts = with_counts(facts, classes, correction.makers)
    make_folder(layout.masks / image.id)
    number = _take_number(layout, image.id)
    path, cells_path = layout.mask(image.id, number), layout.cells(image.id, number)
    makers_path = layout.makers(image.id, number)
    record = layout.mask_record(image.id, number)
    um = facts.pixel_size.for_areas
    about = {**facts.provenance, **facts.made_with_text, "image": image.name, "version": number}
    about["reader"] = correction.by or user_name()
    try:
        write_class_png(path, classes, provenance=about, pixel_size=um)
        write_cells_png(cells_path, cells, provenance=about, pixel_size=um)
        if correction.makers is not None:
            write_numbers_png(makers_path, correction.makers, provenance=about, pixel_size=um)
        version = new_version(
            correction, image=image.id, number=number, path=path, cells_path=cells_path, makers_path=makers_path
        )
        write_json(record, version_json(version))
    except BaseException:
        if not record.exists():  # else it was stopped after the version came to be
            for file in (makers_path, cells_path, path):
                with contextlib.suppress(OSError):
                    file.unlink(missing_ok=True)
        raise
    return version


def list_versions(layout: Layout, image_id: str) -> list[Version]:
    """List the complete versions of an image, revoked ones too, by number; damaged and interrupted ones are not."""
    found = []
    for number in sorted(number for number, path in layout.version_files(image_id) if path.suffix == ".json"):
        with contextlib.suppress(LeukocyteError):  # the check of the set says what is wrong with it
            found.append(load_version(layout, image_id, number))
    return found


def find_version(layout: Layout, image_id: str, number: int) -> Version:
    """Return one version.

    Raises
    ------
    LeukocyteError
        When it does not exist or is damaged.
    """
    if not exists(layout.mask_record(image_id, number)):
        raise LeukocyteError(f"The image {image_id} has no accepted mask number {number}.")
    return load_version(layout, image_id, number)


def load_version(layout: Layout, image_id: str, number: int) -> Version:
    """Read the record of a version, and look whether its files are there.

    Raises
    ------
    LeukocyteError
        When the record is damaged, or a file is missing.
    """
    path, cells_path = layout.mask(image_id, number), layout.cells(image_id, number)
    makers_path = layout.makers(image_id, number)
    fields = read_json(layout.mask_record(image_id, number))
    version = read_version(
        fields, image=image_id, number=number, path=path, cells_path=cells_path, makers_path=makers_path
    )
    for file in (path, cells_path, *[makers_path] * bool(version.makers_sha256)):
        if not exists(file):
            raise LeukocyteError(
                f"{file} is missing, though its record is there: restore it from a copy, or delete the record."
            )
    return version


def set_revoked(layout: Layout, image_id: str, number: int, *, revoked: bool) -> Version:
    """Take a version out of training, or back; the caller holds the set's lock.

    Raises
    ------
    LeukocyteError
        When there is no such version, or the system refuses.
    """
    version = replace(find_version(layout, image_id, number), revoked=revoked)
    write_json(layout.mask_record(image_id, number), version_json(version))
    return version


def read_maps(version: Version, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Read class map and cell labels of a version, exactly as they were accepted.

    Raises
    ------
    LeukocyteError
        When a file is missing or damaged, or was changed since.
    """
    classes = _read(version.path, version.sha256)
    cells = _read(version.cells_path, version.cells_sha256)
    try:
        return check_maps(classes, cells, shape, whole_cell=version.facts.whole_cell)
    except LeukocyteError as error:
        raise LeukocyteError(f"{version.path} and its cell labels: {error}") from error


def read_makers(version: Version, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """Read what made each pixel of a version; None where it does not say.

    Raises
    ------
    LeukocyteError
        When the file is missing or damaged, or was changed since.
    """
    if not version.makers_sha256:
        return None
    return check_makers(_read(version.makers_path, version.makers_sha256), shape)


def _take_number(layout: Layout, image_id: str) -> int:
    """Make the file of the first free number, which nobody else can then make."""
    number = 1 + max((number for number, _ in layout.version_files(image_id)), default=0)
    while True:
        path = layout.mask(image_id, number)
        try:
            path.open("xb").close()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise LeukocyteError(f"{path} could not be made ({error.strerror}); nothing was changed.") from error
        else:
            return number


def _read(path: Path, sha256: str) -> NDArray[np.generic]:
    """Read a PNG of one channel as numbers, whatever its palette."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise LeukocyteError(
            f"{path} was changed after it was accepted: restore it from a copy, or import it as a new mask and revoke "
            "this one."
        )
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.array(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise LeukocyteError(f"{path} is damaged: restore it from a copy.") from error
