"""``napari-leukocyte training-set``: the folder of images and accepted masks that a model of one's own grows from."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.core import TyperGroup

from napari_leukocyte.cli.command import Command
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.opened_set import find_image, open_set, reader_of, tell_reader
from napari_leukocyte.cli.read_masks import ReadMasksAs
from napari_leukocyte.cli.readers import readers
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import columns, counted

__all__ = ["training_set"]

training_set = typer.Typer(
    cls=TyperGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep a training set: a folder of images, accepted masks, drafts and models, which docs/training-set.md "
    "describes.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the training set.")]
ReaderName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Whose name stands on the masks.  [default: the name of the account]", show_default=False
    ),
]
ImageName = Annotated[str, typer.Argument(metavar="IMAGE", help="Id of the image in the set, or its file name.")]


@training_set.command(cls=Command)
def create(
    folder: Folder,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of what states none itself, um per px (0.01 to 2).  [default: none]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a new training set in a new or empty folder, or put a lost training-set.json back."""
    from napari_leukocyte.core.imaging.pixel_size import check_typed
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    if pixel_size is not None:
        check_typed(pixel_size)
    made = TrainingSet.create(folder, pixel_size=pixel_size)
    echo(f"{folder} is a training set of {counted(len(made.image_ids()), 'image')} now.")


@training_set.command(cls=Command)
def add(
    folder: Folder,
    images: Annotated[
        list[str],
        typer.Option(
            metavar="INPUT", help="Image file, folder, or glob pattern in quotes; may be repeated.", show_default=False
        ),
    ],
    masks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INPUT", help="Mask file, folder, or glob pattern in quotes; may be repeated.", show_default=False
        ),
    ] = None,
    accept_masks: Annotated[
        bool, typer.Option("--accept", help="Accept the masks at once, instead of making drafts to look at.")
    ] = False,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of all these images, um per px (0.01 to 2).  [default: what each file states]",
            show_default=False,
        ),
    ] = None,
    slide: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Slide or patient of all these images: they stay on one side of every split."
        ),
    ] = "",
    platelets_as_nucleus: Annotated[
        bool,
        typer.Option(
            "--platelets-as-nucleus",
            help="The masks draw imaged platelets as nucleus: pieces of nucleus without cytoplasm, smaller than a "
            "disc of 5 um, become background. Needs a pixel size.",
        ),
    ] = False,
    reader: ReaderName = None,
    read_masks_as: ReadMasksAs = "auto",
) -> None:
    """Copy images into the set, with their masks where they have some.

    A mask belongs to the image of its name: a.png, a_classes.png or a_cell.png with a_nucleus.png to a.jpg. It may be
    0, 1, 2; in grey 0, 128, 255; background blue, cytoplasm green, nucleus red; or black-and-white. How it was read
    is said. Cell labels beside it, a_cells.tif, are kept when they fit; else the cells are told apart anew.

    Masks become drafts, which do not train until they are accepted, unless --accept is given. What is in the set
    already is not added twice. A file that cannot be added is reported at the end with its reason, the others are
    still added, and the exit status is 1.
    """
    from napari_leukocyte.cli.ending import finish
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.imaging.read import find_images, passed_over
    from napari_leukocyte.core.results.map_file import CELLS
    from napari_leukocyte.core.scoring.pairing import name_maps
    from napari_leukocyte.core.training_set.importing import ImportFailed, ImportParameters, import_images

    opened = open_set(folder)
    name = reader_of(reader)
    paths = find_images(images)
    maps = name_maps(find_images(masks, skip_stems=(CELLS,)), read_as=read_masks_as) if masks else {}
    parameters = ImportParameters(
        accept=accept_masks, pixel_size=pixel_size, group=slide, platelets_as_nucleus=platelets_as_nucleus, by=name
    )
    remarks, failures = Remarks(), []
    for place, note in passed_over(images, paths):
        remarks.note(place, (note,))
    added = accepted = drafted = 0
    stopped = False
    with progress() as bars:
        bar = bars.add_task("images", total=len(paths))
        try:
            for event in import_images(opened, paths, maps, parameters):
                bars.update(bar, advance=1, description=event.name)
                if isinstance(event, ImportFailed):
                    failures.append(event.reason if event.name in event.reason else f"{event.name}: {event.reason}")
                    continue
                remarks.note(event.name, event.notes)
                added += 1
                accepted += event.version is not None
                drafted += event.drafted
        except KeyboardInterrupt:
            stopped = True
    echo(f"{counted(added, 'image')} of {folder}: {accepted} accepted, {drafted} as drafts.")
    if accepted:
        tell_reader(name, reader)
    finish(remarks, "Not added:", failures, stopped=stopped)


@training_set.command(cls=Command)
def check(folder: Folder) -> None:
    """Read the whole set and say what is wrong with it and how to put it right; nothing is changed.

    Leftovers of interrupted writes, which lose nothing, are listed too; the exit status is 1 for anything else.
    """
    from napari_leukocyte.core.training_set.checks import check as run

    problems = run(folder)
    for problem in sorted(problems, key=lambda one: one.harmless):
        echo(f"{problem.what}\n  {problem.advice}")
    serious = sum(not problem.harmless for problem in problems)
    leftovers = len(problems) - serious
    echo(
        f"{counted(serious, 'problem')}, {counted(leftovers, 'leftover')} of interrupted writes."
        if problems
        else f"{folder} is whole."
    )
    if serious:
        raise typer.Exit(1)


@training_set.command("list", cls=Command)
def list_images(folder: Folder) -> None:
    """List the images with their masks in force and what made them, what is held out or left out, and drafts."""
    opened = open_set(folder)
    held_out = opened.held_out
    rows: list[list[str]] = [["image", "mask", "state", "made with", "slide", "name"]]
    for image in opened.images():
        versions = opened.versions(image.id)
        current = opened.current(image.id)
        mask = "–" if not versions else "revoked" if current is None else f"{current.number} of {len(versions)}"
        states = [
            "held out" if image.id in held_out else "",
            f"left out: {image.excluded}" if image.excluded else "",
            "draft" if opened.drafts.has(image.id) else "",
            "unedited" if current is not None and not current.facts.edited else "",
            "made by gestures" if current is not None and current.facts.by_gestures else "",
        ]
        made_with = None if current is None else current.facts.made_with
        of = "–" if current is None else "not recorded" if made_with is None else made_with.text
        rows.append([image.id, mask, ", ".join(filter(None, states)), of, image.group, image.name])
    echo("\n".join(columns(rows)))
    for sentence in opened.items_left_out():
        echo(f"Does not train: {sentence}")


@training_set.command(cls=Command)
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the masks; made when it is not there.")],
    format: Annotated[
        Literal["rgb", "index", "cell-nucleus"],
        typer.Option(
            help="Background blue, cytoplasm green, nucleus red; 0, 1, 2 with cell labels; or black-and-white masks "
            "of cells and of nuclei."
        ),
    ] = "index",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same names in DIR; else their masks fail.")
    ] = False,
) -> None:
    """Write the mask in force of each image, for other programs."""
    from napari_leukocyte.cli.ending import finish
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.training_set.exporting import ExportFailed, export_masks

    failures = []
    written = 0
    with progress() as bars:
        bar = bars.add_task("masks", total=None)
        for event in export_masks(open_set(folder), format, out, overwrite=overwrite):
            bars.update(bar, advance=1, description=event.id)
            if isinstance(event, ExportFailed):
                failures.append(event.reason if event.id in event.reason else f"{event.id}: {event.reason}")
            else:
                written += 1
    echo(f"{counted(written, 'mask')} written to {out}.")
    finish(Remarks(), "Not written:", failures, stopped=False)


@training_set.command(cls=Command)
def accept(folder: Folder, image: ImageName, reader: ReaderName = None) -> None:
    """Accept a reader's draft of an image, or else one without a name: it becomes its newest mask, and trains."""
    from napari_leukocyte.core.training_set.draft import correction_of
    from napari_leukocyte.core.training_set.reader import Reader

    name = reader_of(reader)
    opened = open_set(folder).as_reader(Reader(name))
    found = find_image(opened, image)
    with opened.drafts.claim(found):
        draft = opened.drafts.read(found)
        kept, problems = ([], []) if draft is not None else opened.drafts.kept(found)
        draft = draft or next(iter(kept), None)
        if draft is None:
            raise LeukocyteError(
                problems[0] if problems else f"{image} has no draft to accept: add its mask, or correct it in napari."
            )
        if draft.note:
            raise LeukocyteError(f"{draft.note} Look at it in napari before you accept it.")
        version = opened.accept(found, correction_of(draft))
        if kept:
            opened.drafts.drop_kept(found, draft)
        else:
            opened.drafts.discard(found)
    echo(f"Mask {version.number} of {found} is accepted.")
    tell_reader(name, reader)


@training_set.command(cls=Command)
def revoke(
    folder: Folder,
    image: ImageName,
    number: Annotated[
        int | None,
        typer.Option(
            "--version", min=1, metavar="N", help="Which mask.  [default: the one in force]", show_default=False
        ),
    ] = None,
) -> None:
    """Take an accepted mask out of training; the one before it is in force then. Nothing is deleted."""
    opened = open_set(folder)
    found = find_image(opened, image)
    if number is None:
        current = opened.current(found)
        if current is None:
            raise LeukocyteError(f"{image} has no mask in force to revoke.")
        number = current.number
    opened.revoke(found, number)
    left = opened.current(found)
    echo(f"Mask {number} of {found} is revoked; {'none' if left is None else f'mask {left.number}'} is in force now.")


@training_set.command(cls=Command)
def restore(
    folder: Folder,
    image: ImageName,
    number: Annotated[
        int | None,
        typer.Option(
            "--version", min=1, metavar="N", help="Which mask.  [default: the newest revoked]", show_default=False
        ),
    ] = None,
) -> None:
    """Undo revoke."""
    opened = open_set(folder)
    found = find_image(opened, image)
    if number is None:
        revoked = [version.number for version in opened.versions(found) if version.revoked]
        if not revoked:
            raise LeukocyteError(f"{image} has no revoked mask to restore.")
        number = revoked[-1]
    opened.restore(found, number)
    current = opened.current(found)
    assert current is not None  # the one that was restored, or a newer one
    echo(f"Mask {number} of {found} is restored; mask {current.number} is in force now.")


@training_set.command("hold-out", cls=Command)
def hold_out(
    folder: Folder,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Ids or file names of images in the set.", show_default=False),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Draw this share of all images, 0 to less than 1, for instance 0.2.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="For the draw.")] = 0,
) -> None:
    """Keep images out of training for good, so that before and after can be compared on them.

    All images of their slides, and the same pictures under other names, go with them. There is no way back.
    """
    if (share is None) == (not images):
        raise LeukocyteError("Name the images to hold out, or give --share, one of the two.")
    opened = open_set(folder)
    if share is not None:
        drawn = opened.hold_out_share(share, seed)
    else:
        drawn = opened.hold_out([find_image(opened, image) for image in images or ()])
    for one in sorted(drawn):
        echo(one)
    total = len(opened.held_out & set(opened.image_ids()))
    echo(f"{counted(total, 'image')} of {len(opened.image_ids())} held out, {len(drawn)} of them now.")


training_set.command(cls=Command)(readers)
