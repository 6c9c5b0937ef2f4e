"""The check of a training set: every file read, each problem with advice how to put it right."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError, NewerFormatError
from napari_leukocyte.core.training_set.draft import draft_problem
from napari_leukocyte.core.training_set.images import SetImage, read_pixels
from napari_leukocyte.core.training_set.layout import Layout, content_hash
from napari_leukocyte.core.training_set.problems import Problem
from napari_leukocyte.core.training_set.survey import survey
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["Problem", "check"]


def check(folder: str | Path) -> list[Problem]:
    """Read a training set through and list what is not as it should be; nothing is changed.

    What only opening passes over (stray files, leftovers of interrupted writes, damaged records) is listed as well as
    what only reading finds: damaged images and masks, masks of another size or with other values, files that were
    changed after they were accepted, damaged drafts, and a picture that is held out under one name and trains under
    another.

    Parameters
    ----------
    folder : str or Path
        The set; it need not be whole.

    Returns
    -------
    list of Problem
        Empty when all is well. Those that are ``harmless`` lose nothing.
    """
    layout = Layout(Path(folder))
    try:
        training_set = TrainingSet.open(folder)
    except NewerFormatError as error:
        return [Problem(str(error), "Nothing is wrong with the set itself.")]
    except LeukocyteError as error:
        return [Problem(str(error), _how_to_open(layout))]
    return survey(layout) + list(_contents(training_set, layout))


def _how_to_open(layout: Layout) -> str:
    if not layout.folder.is_dir():
        return "Check the name."
    if not layout.manifest.exists() and not layout.images.is_dir():
        return "Check the name; 'napari-leukocyte training-set create' makes a new training set."
    if layout.manifest.exists():
        return (
            f"If there is no copy and the file is damaged, delete {layout.manifest.name} and run 'napari-leukocyte "
            "training-set create' on the folder: images, masks and what is held out are kept."
        )
    return (
        "Run 'napari-leukocyte training-set create' on the folder, with --pixel-size if it had a default: images, "
        "masks and what is held out are kept."
    )


def _contents(training_set: TrainingSet, layout: Layout) -> Iterator[Problem]:
    held_out = training_set.held_out
    sides: dict[str, dict[bool, SetImage]] = defaultdict(dict)
    for image in training_set.images():
        try:
            pixels = read_pixels(image.path)
        except LeukocyteError as error:
            if image.path.is_file():  # else it is listed as missing
                yield Problem(str(error), f"Restore it from a copy, or delete it and add {image.name} again.")
        else:
            content = content_hash(pixels)
            sides[content][image.id in held_out] = image
            if content != image.content or pixels.shape[:2] != image.shape:
                yield Problem(
                    f"{image.path} is not the picture that was added.",
                    f"Restore it from a copy, or delete it and add {image.name} again.",
                )
        yield from _masks(training_set, image)
        for of_reader in layout.readers_of_drafts(image.id):
            yield from _drafts(of_reader, image)
    for both in sides.values():
        if len(both) == 2:
            yield Problem(
                f"{both[True].id} is held out, and {both[False].id} with the same picture trains.",
                f"Hold the other one out, too: 'napari-leukocyte training-set hold-out' with {both[False].id}.",
            )


def _drafts(layout: Layout, image: SetImage) -> Iterator[Problem]:
    for path in (layout.draft(image.id), layout.previous_draft(image.id)):
        problem = draft_problem(path, image.shape) if path.exists() else ""
        if problem:
            yield Problem(problem, "The other copy of the draft is used, if there is one.")
    for path in layout.kept_drafts(image.id):
        if problem := draft_problem(path, image.shape):
            yield Problem(problem, "Restore it from a copy, or delete the file.")


def _masks(training_set: TrainingSet, image: SetImage) -> Iterator[Problem]:
    for version in training_set.versions(image.id):
        try:
            training_set.read_mask(version)
            training_set.read_makers(version)
        except LeukocyteError as error:
            yield Problem(
                str(error),
                "It is revoked, so it does not train."
                if version.revoked
                else f"Until then revoke it: 'napari-leukocyte training-set revoke' with {image.id} --version "
                f"{version.number}.",
            )
