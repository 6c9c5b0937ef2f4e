"""``napari-leukocyte import``: masks of other programs as a results folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.cli.read_masks import ReadMasksAs
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:  # heavy modules load when the command runs, so that --help is quick
    from napari_leukocyte.core.exchange.reading import Read

__all__ = ["import_masks"]


def import_masks(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Masks, folders of them, or glob patterns; tables of cells among them say types and marks.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made when it is not there.")],
    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INPUT",
            help="The images that the masks are of: file, folder or pattern; may be repeated. They say size and pixel "
            "size where masks do not.",
            show_default=False,
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of every image, um per px (0.01 to 2).  [default: what masks or images state]",
            show_default=False,
        ),
    ] = None,
    folders: Annotated[
        bool,
        typer.Option(
            "--folders",
            help="Masks lie as analysers export them, in a folder for each slide and in it for each class: "
            "folder names become slide and type of cell.",
        ),
    ] = False,
    read_masks_as: ReadMasksAs = "auto",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace whatever is in the way in DIR, also what was corrected by hand or is not ours."
        ),
    ] = False,
) -> None:
    """Read masks of QuPath (.geojson), ImageJ (.zip, .roi), Cellpose (_seg.npy), OME-TIFF, OME-Zarr, COCO (.json),
    label images and class maps (TIFF, PNG), and write a results folder as segment does.

    Nuclei in a file of their own, <stem>_nuclei.tif beside <stem>_cells.tif or <stem>.tif, go with their cells. What
    export wrote comes back whole: numbers, marks, flags and types. A _seg.npy is read without running what it
    could hold. A file that cannot be read is reported at the end with its reason, the others still run, and the exit
    status is 1.
    """
    from napari_leukocyte.cli.ending import finish
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.exchange.importing import (
        ImportFailed,
        ImportParameters,
        find_masks,
        images_by_name,
        read_masks,
    )
    from napari_leukocyte.core.exchange.results_folder import write_results

    found = find_masks(files, folders=folders, images=images or [])
    parameters = ImportParameters(pixel_size=pixel_size, read_as=read_masks_as, folders=folders)
    remarks, failures = Remarks(), list[str]()
    reads: list[Read] = []
    stopped = False
    with progress() as bars:
        bar = bars.add_task("masks", total=len(found.masks))
        try:
            for event in read_masks(found, parameters, images_by_name(images or [])):
                bars.update(bar, advance=1, description=event.path.name)
                if isinstance(event, ImportFailed):
                    logger.warning("%s: %s", event.path, event.reason)
                    failures.append(
                        event.reason if event.path.name in event.reason else f"{event.path}: {event.reason}"
                    )
                    continue
                for read in event.reads:
                    remarks.add(read.cell_map.label, read.cell_map.pixel_size, read.notes)
                reads += event.reads
        except KeyboardInterrupt:
            stopped = True
    if reads:
        done = write_results(reads, out, spare=found.files, overwrite=overwrite)
        for note in done.notes:
            echo(f"Note: {note}.", err=True)
        echo(f"{counted(done.images, 'image')}, {counted(done.cells, 'cell')}: the results are in {out}.")
    else:
        echo("Nothing was imported.")
    finish(remarks, "Not imported:", failures, stopped=stopped)
