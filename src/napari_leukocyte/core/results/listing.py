"""Which images of a results folder the inputs of a run are, and what those that are new to it are called."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.remote import local_copy, url_of
from napari_leukocyte.core.results.names import OutputName, output_names
from napari_leukocyte.core.results.record import ListedImage, ResultsRecord

__all__ = ["content_of", "list_inputs", "shown_hash"]


def list_inputs(
    record: ResultsRecord, folder: Path, inputs: Sequence[Path], contents: Mapping[Path, str]
) -> dict[Path, ListedImage]:
    """Find each input in the record, or give it a name that no other has; nothing is written.

    A file is known by where it lies, also in a folder that was moved together with its images, or by its content when
    it was moved or renamed itself. An image without a file is known by its name and its content.

    Parameters
    ----------
    inputs
        As ``core.results.names.input_path`` gives them.
    contents
        Those of them without a file, with a hash of what they show.
    """
    inputs = list(dict.fromkeys(inputs))
    folder = Path(_real(folder))
    places = _places(record, folder)
    lost = _lost(record, folder)
    found: dict[Path, ListedImage] = {}
    used: set[str] = set()
    for path in inputs:
        if path in contents:
            stem = next((one for one in _of_name(record, path.name, contents[path]) if one not in used), None)
        else:
            stem = places.get(_real(path)) or (lost.get(content_of(path)) if lost else None)
        if stem is not None and stem not in used:
            used.add(stem)
            listed = record.listed[stem]
            found[path] = _listed(path, listed.label, stem, folder, has_file=path not in contents)
    new = [path for path in inputs if path not in found]
    given = {_key(image): OutputName(image.label, image.stem) for image in record.listed.values()}
    named = output_names(new, given={key: name for key, name in given.items() if key not in new})
    taken = {image.stem for image in record.listed.values()}
    for path, name in named.items():
        stem, number = name.stem, 1
        while stem in taken:
            number += 1
            stem = f"{name.stem}-{number}"
        found[path] = _listed(path, name.label, stem, folder, has_file=path not in contents)
    return {path: found[path] for path in inputs}


def content_of(path: Path) -> str:
    """Hash of a file's bytes; empty when it cannot be read."""
    try:
        return file_hash(local_copy(path))
    except (OSError, ValueError):  # the second: no possible name, or nothing behind a URL
        return ""


def shown_hash(source: ImageSource) -> str:
    """Hash of what an image without a file shows: of its first plane, and of how many there are."""
    try:
        plane = np.ascontiguousarray(source.read())
    except LeukocyteError:
        return ""
    digest = hashlib.sha256(f"{source.plane} of {source.planes}, {plane.dtype.str} {plane.shape}".encode())
    digest.update(plane.data)
    return digest.hexdigest()


def _places(record: ResultsRecord, folder: Path) -> dict[str, str]:
    """Stems by where a file lay when it was recorded, and by where it would lie now."""
    images = [image for image in record.listed.values() if image.path]
    moved = {_real(folder / image.relative): image.stem for image in images if image.relative}
    return moved | {_real(Path(image.path)): image.stem for image in images}


def _lost(record: ResultsRecord, folder: Path) -> dict[str, str]:
    """Stems by content of files that are no longer where they were."""
    return {
        image.input_sha256: image.image.stem
        for image in record.each()
        if image.input_sha256
        and image.image.path
        and url_of(image.image.path) is None
        and image.image.source(folder) is None
    }


def _of_name(record: ResultsRecord, name: str, content: str) -> list[str]:
    images = [image for image in record.listed.values() if not image.path and image.name == name]
    last = {image.stem: record.last(image.stem) for image in images}
    return [stem for stem, one in last.items() if one is None or one.input_sha256 == content]


def _key(image: ListedImage) -> Path:
    return Path(image.path or image.name)


def _listed(path: Path, label: str, stem: str, folder: Path, *, has_file: bool) -> ListedImage:
    if not has_file:
        return ListedImage(stem, label, path.name)
    real = _real(path)
    if url_of(path) is not None:
        return ListedImage(stem, label, path.name, real)
    try:
        relative = Path(os.path.relpath(real, folder)).as_posix()
    except ValueError:  # on another drive
        relative = ""
    return ListedImage(stem, label, path.name, real, relative)


def _real(path: Path) -> str:
    if (url := url_of(path)) is not None:
        return url
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # no possible name, or a circle of links
        return os.path.abspath(path)  # noqa: PTH100 - as it stands
