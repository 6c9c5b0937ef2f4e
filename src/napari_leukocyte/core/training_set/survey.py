"""A quick look over a training set: names and records, no pixels."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set.images import IMAGE_SUFFIXES, read_set_image
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.manifest import read_manifest
from napari_leukocyte.core.training_set.problems import Problem
from napari_leukocyte.core.training_set.versions import load_version

__all__ = ["survey"]

_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}\.tmp(\.[a-z]+)?")  # see ``core.files.atomic_path``
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers
_STRAY = "It is passed over: move it out of the training set."


def survey(layout: Layout) -> list[Problem]:
    """List what is passed over when the set is read; ``training-set.json`` must be whole.

    Raises
    ------
    LeukocyteError
        When the folder is no training set, or its ``training-set.json`` is damaged.
    """
    held_out = read_manifest(layout).held_out
    problems = list(_folder(layout))
    images, of_images = _images(layout)
    problems += of_images
    problems += _of_each_image(layout.masks, images, "Accepted masks", partial(_masks, layout))
    problems += _of_each_image(layout.drafts, images, "Drafts", partial(_drafts, layout))
    problems += [
        Problem(
            f"The held-out image {one} is not in the set.",
            "Restore it from a copy; if it was removed on purpose, nothing needs to be done.",
        )
        for one in sorted(held_out - images)
    ]
    return problems


def _entries(folder: Path) -> Iterator[tuple[Path, Problem | None]]:
    """Each entry of a folder but litter, with a problem where it is the leftover of an interrupted write."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name in _LITTER:
            continue
        if _TEMPORARY.fullmatch(path.name):
            yield (
                path,
                Problem(
                    f"{path} is left over from an interrupted write.",
                    "Nothing is lost with it: delete it when no window is writing.",
                    harmless=True,
                ),
            )
        else:
            yield path, None


def _folder(layout: Layout) -> Iterator[Problem]:
    parts = {layout.manifest, layout.images, layout.masks, layout.drafts, layout.models}
    parts |= {layout.readings, layout.locks}
    for path, leftover in _entries(layout.folder):
        if leftover is not None:
            yield leftover
        elif path not in parts:
            yield Problem(f"{path} does not belong to a training set.", _STRAY)


def _images(layout: Layout) -> tuple[set[str], list[Problem]]:
    """Ids of the images with a record, be it damaged, and what is wrong in their folder."""
    problems: list[Problem] = []
    files: list[Path] = []
    for path, leftover in _entries(layout.images):
        if leftover is not None:
            problems.append(leftover)
        elif path.suffix in (".json", *IMAGE_SUFFIXES):
            files.append(path)
        else:
            problems.append(Problem(f"{path} is no image of the set.", _STRAY))
    ids = {path.stem for path in files if path.suffix == ".json"}
    for path in files:
        if path.suffix == ".json":
            try:
                image = read_set_image(layout, path.stem)
            except LeukocyteError as error:
                problems.append(Problem(str(error), "The image and its masks are passed over until then."))
                continue
            if not image.path.is_file():
                problems.append(
                    Problem(
                        f"The image {image.path} is missing.",
                        f"Restore it from a copy, or add {image.name} again; its masks are kept.",
                    )
                )
        elif path.stem not in ids:
            problems.append(
                Problem(
                    f"{path} has no record, so it is no image of the set: it was put there by hand, or adding it was "
                    "interrupted.",
                    "Move it to another folder, and add it from there with 'napari-leukocyte training-set add'.",
                    harmless=True,
                )
            )
    return ids, problems


def _of_each_image(
    root: Path, images: set[str], what: str, look: Callable[[str], Iterator[Problem]]
) -> Iterator[Problem]:
    """Look into the folder that each image has under ``root``."""
    for path, leftover in _entries(root):
        if leftover is not None:
            yield leftover
        elif not path.is_dir():
            yield Problem(f"{path} does not belong to a training set.", _STRAY)
        elif path.name not in images:
            yield Problem(f"{what} in {path} belong to no image of the set.", "Restore the image from a copy.")
        else:
            yield from look(path.name)


def _masks(layout: Layout, image_id: str) -> Iterator[Problem]:
    known = {path: number for number, path in layout.version_files(image_id)}
    for path, leftover in _entries(layout.masks / image_id):
        if leftover is not None:
            yield leftover
        elif path not in known:
            yield Problem(f"{path} is no accepted mask.", _STRAY)
        elif path.suffix == ".json":
            try:
                load_version(layout, image_id, known[path])
            except LeukocyteError as error:
                yield Problem(str(error), "The version is passed over until then.")
        elif not layout.mask_record(image_id, known[path]).exists():
            yield Problem(
                f"{path} has no record: accepting it was interrupted, or the record was lost.",
                "It does not train. Restore the record from a copy, or delete the file; the draft is still there if "
                "the accept was interrupted.",
                harmless=True,
            )


def _drafts(layout: Layout, image_id: str) -> Iterator[Problem]:
    for of_reader in layout.readers_of_drafts(image_id):
        known = {
            of_reader.draft(image_id),
            of_reader.previous_draft(image_id),
            *of_reader.kept_drafts(image_id),
        }
        for path, leftover in _entries(of_reader.draft(image_id).parent):
            if leftover is not None:
                yield leftover
            elif path not in known and not (path.is_dir() and not of_reader.reader):
                yield Problem(f"{path} is no draft.", _STRAY)
