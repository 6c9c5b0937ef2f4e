"""``napari-leukocyte measure``: class maps in, a table of cells out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.cli.read_masks import ReadMasksAs
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:  # heavy modules load when the command runs, so that --help is quick
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.core.imaging.mask_reading import ReadAs
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.results.cell_table import CellTable

__all__ = ["measure"]


def measure(
    class_maps: Annotated[
        list[str],
        typer.Argument(
            metavar="CLASSMAP", help="Class-map files, folders (without their subfolders), or glob patterns."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.csv", help="The table; its folder is made when it is not there."),
    ],
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of every class map, um per px (0.01 to 2).  [default: what each file states, "
            "else unknown, which gives no areas in um2]",
            show_default=False,
        ),
    ] = None,
    read_masks_as: ReadMasksAs = "auto",
    shape_columns: Annotated[
        bool,
        typer.Option(
            "--shape-columns",
            help="Add columns, after all others: equivalent and Feret diameters, circularity and solidity of cell and "
            "nucleus, eccentricity of the nucleus; those that need the image (optical density, diameter over that of "
            "a red cell) stay empty.",
        ),
    ] = False,
) -> None:
    """Measure every cell of class maps, whoever made them.

    A class map is an image file or a stack of them with the values 0 background, 1 cytoplasm, 2 nucleus; or in grey
    0, 128 and 255; or background blue, cytoplasm green, nucleus red. With 0 and 255, or 0 and 1, it knows only whole
    cells, which have no CNR. Every other file is refused.

    The cell labels <stem>_cells.tif beside <stem>_classes.* or <stem>.* are used when they fit the class map exactly,
    with what was marked there as not a white cell. Otherwise the cells are told apart anew, which is said.

    FILE.csv gets a row for each cell, as from segment, and FILE.json beside it says what made it. A file that cannot
    be measured is reported at the end with its reason, the others still run, and the exit status is 1.
    """
    with stopping.nothing_begun():
        from napari_leukocyte.cli.ending import finish
        from napari_leukocyte.cli.notes import Remarks
        from napari_leukocyte.cli.withheld import tell_cells
        from napari_leukocyte.core.files import make_folder
        from napari_leukocyte.core.imaging.pixel_size import PixelSize, check_typed
        from napari_leukocyte.core.imaging.read import passed_over
        from napari_leukocyte.core.outputs import MADE_BY, TABLE, spare_foreign, spare_inputs
        from napari_leukocyte.core.results.cell_table import CellTable
        from napari_leukocyte.core.results.class_maps import find_class_maps

    started = perf_counter()
    if pixel_size is not None:
        check_typed(pixel_size)
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise LeukocyteError(f"{out} cannot be the table: give the name of a file that ends in .csv.")
    paths = find_class_maps(class_maps)
    beside = out.with_suffix(".json")
    spare_inputs([out, beside], paths)
    spare_foreign({out: TABLE, beside: MADE_BY})
    make_folder(out.parent)
    table, remarks = CellTable(), Remarks()
    for place, note in passed_over(class_maps, paths, results=False):
        remarks.note(place, (note,))
    failures: list[str] = []
    failed: set[Path] = set()
    stopped = False
    typed = None if pixel_size is None else PixelSize(pixel_size, "typed")
    try:
        for path, failure in _run(paths, typed, table, remarks, read_masks_as, shape_columns):
            failed.add(path)
            failures.append(failure)
    except KeyboardInterrupt:
        stopped = True
    finally:
        table.write(out)  # also of what was done before a stop or an error
    seconds = perf_counter() - started
    echo(
        f"{counted(len(table.images), 'class map')} of {len(paths)} measured, {counted(len(table.rows), 'cell')}: "
        f"the table is {out}. {seconds:.1f} s."
        if table.images
        else f"Nothing of {counted(len(paths), 'class map')} was measured."
    )
    if table.images:
        tell_cells(out)
    share = f"{len(failed)} of {counted(len(paths), 'class map')} failed."
    finish(remarks, "Not measured:", failures, share=share, stopped=stopped)


def _run(
    paths: Sequence[Path],
    pixel_size: "PixelSize | None",
    table: "CellTable",
    remarks: "Remarks",
    read_as: "ReadAs",
    shape_columns: bool,
) -> Iterator[tuple[Path, str]]:
    """Measure one file after the other; yields the path of each that failed, and a sentence."""
    from napari_leukocyte.cli.notes import named
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.results.class_maps import MapFailed, measure_class_maps
    from napari_leukocyte.core.results.names import output_names

    names = output_names(paths)
    with progress() as bars:
        bar = bars.add_task("class maps", total=len(paths))
        for event in measure_class_maps(paths, pixel_size=pixel_size, read_as=read_as, shape_columns=shape_columns):
            label = names[event.path].label
            bars.update(bar, description=label)
            if isinstance(event, MapFailed):
                logger.warning("%s: %s", label, event.reason)
                yield event.path, named(label, event.reason)
                bars.advance(bar)
                continue
            plane = f"{label} [{event.plane}]" if event.planes > 1 else label
            logger.info("%s: %s", plane, event.provenance)
            remarks.add(plane, event.pixel_size, event.notes)
            table.add(
                event.measures,
                image=event.image,
                plane=event.plane,
                planes=event.planes,
                provenance=event.provenance,
                shapes=event.shapes,
            )
            bars.advance(bar, 1 / event.planes)
