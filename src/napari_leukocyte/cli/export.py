"""``napari-leukocyte export``: results in the formats of other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.text import counted

__all__ = ["export"]


def export(
    results: Annotated[
        list[str],
        typer.Argument(metavar="RESULTS", help="Folders from segment or import, class maps in them, or glob patterns."),
    ],
    to: Annotated[
        Literal[
            "geojson", "roi", "ome-tiff", "ome-zarr", "coco", "cellpose", "tiff", "png", "csv", "tsv", "xlsx", "parquet"
        ],
        typer.Option(help="The format; docs/exchange.md says what each keeps.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files; made when it is not there.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same names in DIR.")] = False,
) -> None:
    """Write results for QuPath, ImageJ, Cellpose, R, Excel and others.

    Masks get a file for each image, named by its stem: geojson (QuPath), roi (ImageJ), ome-tiff, ome-zarr, coco,
    cellpose (_seg.npy), tiff and png (label images). csv, tsv, xlsx and parquet are one table of all cells,
    with what made it and what its columns mean beside it. import reads all of them again.

    An image that cannot be written is reported at the end with its reason, the others are still written, and the exit
    status is 1.
    """
    from napari_leukocyte.cli.ending import finish
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.exchange.exporting import ExportFailed, export_folder
    from napari_leukocyte.core.safe_text import printable

    remarks, failures = Remarks(), list[str]()
    written = 0
    stopped = False
    events = export_folder(results, to, out, overwrite=overwrite)
    with progress() as bars:
        bar = bars.add_task("images", total=None)
        try:
            for event in events:
                bars.update(bar, advance=1, description=printable(event.name))
                if isinstance(event, ExportFailed):
                    logger.warning("%s: %s", event.name, event.reason)
                    failures.append(event.reason if event.name in event.reason else f"{event.name}: {event.reason}")
                    continue
                remarks.note(event.name, event.notes)
                written += len(event.files)
        except KeyboardInterrupt:
            stopped = True
    echo(f"{counted(written, 'file')} in {out}.")
    finish(remarks, "Not written:", failures, stopped=stopped)
