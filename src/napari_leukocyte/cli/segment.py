"""``napari-leukocyte segment``: images in; class maps, cell labels and a table of cells out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:  # torch and the like load when the command runs, so that --help is quick
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.core.results.writer import ResultWriter
    from napari_leukocyte.core.segmentation.method import Method
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters

__all__ = ["segment"]


def segment(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Image files, folders (without their subfolders), or glob patterns."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made when it is not there.")],
    mode: Annotated[
        Literal["three-class", "binary"],
        typer.Option(help="Background, cytoplasm and nucleus (0, 1, 2), or background and cell (0, 1; no CNR)."),
    ] = "three-class",
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="default, thesis-three-class, thesis-binary, a weight file (.safetensors), or active-contour.",
        ),
    ] = "default",
    device: Annotated[
        Literal["auto", "cuda", "mps", "cpu"],
        typer.Option(help="Where the network runs; auto takes cuda, else mps, else cpu."),
    ] = "auto",
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of every image, um per px (0.01 to 2).  [default: what each file states, "
            "else an estimate from its cells, which gives no areas in um2]",
            show_default=False,
        ),
    ] = None,
    default_pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of images that state none, um per px.  [default: an estimate]",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        Literal["auto", "all", "whole", "centre"],
        typer.Option(
            help="Cells that count: all, those not cut by the image edge, or the one nearest to the centre; "
            "auto takes centre for a crop of at most 50 um across, else all."
        ),
    ] = "auto",
) -> None:
    """Segment images and measure every cell.

    For each input DIR gets <stem>_classes.png (8-bit: 0 background, 1 cytoplasm or cell, 2 nucleus) and
    <stem>_cells.tif (the number of the cell at each pixel); cells.csv has a row for each cell of all inputs, areas
    in px and um2. The class map of a stack (N, Y, X) or of an image above 100 megapixels is <stem>_classes.tif.
    Inputs of one stem keep their extension (a.png_classes.png, a.tif_classes.png), inputs of one name in several
    folders get the folder in front (x_a.png_classes.png). Older results of the same name are replaced.

    A file or plane that cannot be segmented is reported at the end with its reason, the others still run, and the
    exit status is 1. In a stack such a plane is empty.
    """
    from napari_leukocyte.cli.ending import finish
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.core.imaging.read import find_images
    from napari_leukocyte.core.results.names import output_names
    from napari_leukocyte.core.results.writer import ResultWriter
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.core.segmentation.segment import load_predictor

    started = perf_counter()
    parameters = SegmentParameters(
        model=model,
        mode=mode,
        device=device,
        pixel_size=pixel_size,
        default_pixel_size=default_pixel_size,
        keep=keep,
    )
    paths = find_images(inputs)
    writer = ResultWriter(out, output_names(paths))
    predictor = load_predictor(parameters)
    logger.info("%s, on %s", predictor.provenance, predictor.used)
    remarks = Remarks()
    failures: list[str] = []
    failed: set[Path] = set()
    stopped = False
    try:
        for path, failure in _run(paths, parameters, predictor, writer, remarks):
            failed.add(path)
            failures.append(failure)
    except KeyboardInterrupt:
        stopped = True
    finally:
        writer.write_table()  # also of what was done before a stop or an error
    seconds = perf_counter() - started
    echo(
        f"{counted(writer.images, 'image')} of {len(paths)} segmented, {counted(writer.cells, 'cell')}: "
        f"class maps, cell labels and cells.csv are in {out}. Device: {predictor.used}. {seconds:.1f} s."
        if writer.images
        else f"Nothing of {counted(len(paths), 'image')} was segmented. Device: {predictor.used}."
    )
    share = f"{len(failed)} of {counted(len(paths), 'image')} failed."
    finish(remarks, "Not segmented:", failures, share=share, stopped=stopped)


def _run(
    paths: Sequence[Path],
    parameters: "SegmentParameters",
    predictor: "Method",
    writer: "ResultWriter",
    remarks: "Remarks",
) -> Iterator[tuple[Path, str]]:
    """Segment and write one image after the other; yields the path of each that failed, and a sentence."""
    from napari_leukocyte.cli.progress import segment_bars
    from napari_leukocyte.core.imaging.image_list import ImageSource, sources_from_files
    from napari_leukocyte.core.results.names import input_path
    from napari_leukocyte.core.safe_text import printable
    from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeStep
    from napari_leukocyte.core.segmentation.segment import ImageFailed, segment_images
    from napari_leukocyte.core.segmentation.windowed import WindowDone

    sources = list(sources_from_files(paths))
    with segment_bars(len(paths)) as bars:
        since = perf_counter()
        for event in segment_images(sources, parameters, predictor):
            if isinstance(event, SizeStep):
                bars.looking(event)
                continue
            if isinstance(event, WindowDone):
                bars.window(event)
                continue
            source = sources[event.index]
            label = writer.label(source)
            if isinstance(event, ImageFailed):
                logger.warning("%s: %s", label, event.reason)
                reason = printable(event.reason)
                yield input_path(source.path, source.name), reason if label in reason else f"{label}: {reason}"
            else:
                remarks.add(label, event.result.pixel_size, event.result.notes)
                logger.info("%s: %s, %.2f s", label, event.result.provenance, perf_counter() - since)
            if isinstance(source, ImageSource):
                try:
                    writer.add(source, None if isinstance(event, ImageFailed) else event.result)
                except LeukocyteError as error:  # a name, a right or a full disk may concern this one alone
                    logger.warning("%s: %s", label, error)
                    yield input_path(source.path, source.name), f"{label}: {error}"
            bars.end(source)
            if event.index + 1 < len(sources):
                bars.begin(sources[event.index + 1])
            since = perf_counter()
