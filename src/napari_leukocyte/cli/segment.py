"""``napari-leukocyte segment``: images and slides in; class maps, cell labels and a table of cells out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:  # torch and the like load when the command runs, so that --help is quick
    from napari_leukocyte.core.results.settings import ResultSettings
    from napari_leukocyte.core.segmentation.method import Method
    from napari_leukocyte.core.segmentation.on_cluster import Cluster
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters

__all__ = ["segment"]


def segment(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Image files, folders (without their subfolders), glob patterns, slides, or addresses of OME-Zarr.",
        ),
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
            help="default, default-4, thesis-three-class, thesis-binary, active-contour, or a weight file "
            "(.safetensors).",
        ),
    ] = "default",
    device: Annotated[
        Literal["auto", "cuda", "mps", "cpu"],
        typer.Option(help="Where the network runs; auto takes cuda, else mps, else cpu."),
    ] = "auto",
    engine: Annotated[
        Literal["auto", "torch", "fast", "fast-int8"],
        typer.Option(
            help="What computes the network: torch; fast (OpenVINO, an extra) in the same precision; fast-int8, partly "
            "in 8-bit integers; auto takes fast where it is installed and changes no result, else torch."
        ),
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
    shape_columns: Annotated[
        bool,
        typer.Option(
            "--shape-columns",
            help="Add columns to cells.csv, after all others: equivalent and Feret diameters, circularity, solidity, "
            "mean optical density of cell and nucleus, eccentricity of the nucleus, diameter over that of a red cell.",
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that share the work.  [default: 1 for a few images or a GPU, else as many as pay]",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask scheduler (tcp://...) whose workers share the work, in place of processes here; needs the "
            "extra distributed.",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Take the choices of a protocol (napari-leukocyte protocol), and refuse any others.",
            show_default=False,
        ),
    ] = None,
    slides: Annotated[
        Literal["auto", "all", "none"],
        typer.Option(
            help="Which inputs are whole slides: auto takes SVS and the like, OME-Zarr, TIFF pyramids above 16 "
            "megapixels and, where parts of it can be read, any TIFF above 100."
        ),
    ] = "auto",
    whole_film: Annotated[
        bool,
        typer.Option(
            "--whole-film",
            help="On slides, look for cells wherever there is film, also where it is thick or out of focus.",
        ),
    ] = False,
    crops: Annotated[
        bool, typer.Option("--crops", help="Of slides, write a crop and class map of each cell too.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the results in DIR: images that are done with the same choices are not done again, class "
            "maps that were corrected by hand are kept and measured as they are, failed ones are tried again.",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace whatever is in the way in DIR, also what was corrected by hand or is not ours."
        ),
    ] = False,
) -> None:
    """Segment images and measure every cell.

    For each input DIR gets <stem>_classes.png (8-bit: 0 background, 1 cytoplasm or cell, 2 nucleus) and
    <stem>_cells.tif (the number of the cell at each pixel); cells.csv has a row for each cell of all inputs, areas
    in px and um2. The class map of a stack (N, Y, X) or of an image above 100 megapixels is <stem>_classes.tif.
    Inputs of one stem keep their extension (a.png_classes.png, a.tif_classes.png), inputs of one name in several
    folders get the folder in front (x_a.png_classes.png). results.jsonl records each image as it is done.

    A whole slide gets a folder DIR/<stem> with overview.png (the map of the film that decided where cells are looked
    for), cells.ome.zarr (class map and cells as pyramids) and a cells.csv of its own, with coordinates on the slide and
    each cell's place on the film. An interrupted one goes on with --resume.

    A second run into DIR keeps the names, replaces results of the same inputs that nobody has touched, and adds to the
    table. It refuses to begin where it would replace a map that was changed by hand or a file that is not ours.

    With --scheduler the workers of a dask cluster segment, and this program writes; files must lie where the workers
    find them by the same path, or be URLs (s3://..., https://...) that fsspec reads.

    A file or plane that cannot be segmented is reported at the end with its reason, the others still run, and the
    exit status is 1. In a stack such a plane is empty.
    """
    with stopping.nothing_begun():
        from napari_leukocyte.cli.ending import finish
        from napari_leukocyte.cli.notes import Remarks
        from napari_leukocyte.cli.segment_images import segment_images
        from napari_leukocyte.cli.segment_slides import segment_slides
        from napari_leukocyte.core.results.protocol import read_protocol
        from napari_leukocyte.core.segmentation.on_cluster import connected
        from napari_leukocyte.core.segmentation.parameters import SegmentParameters
        from napari_leukocyte.core.segmentation.segment import method_of, settings_of
        from napari_leukocyte.core.slides.inputs import divide, in_one_piece, slide_folders
        from napari_leukocyte.core.slides.run import SlideParameters

    if resume and overwrite:
        raise LeukocyteError("--resume keeps what is done and --overwrite does it anew: give one of the two.")
    if jobs is not None and scheduler is not None:
        raise LeukocyteError("--jobs are processes here, and --scheduler has workers elsewhere: give one of the two.")
    parameters = SegmentParameters(
        model=model,
        mode=mode,
        device=device,
        engine=engine,
        pixel_size=pixel_size,
        default_pixel_size=default_pixel_size,
        keep=keep,
        shape_columns=shape_columns,
    )
    held_to = None if protocol is None else read_protocol(protocol)
    if held_to is not None:
        parameters = replace(parameters, **_not_typed(context, held_to.settings))
    whole, paths = divide(inputs, slides)
    folders = slide_folders(out, whole)
    for note in in_one_piece(paths):
        echo(f"Note: {note}.", err=True)
    of_slides = SlideParameters(segment=parameters, whole_film=whole_film, crops=crops) if whole else None
    if jobs is not None and not paths:
        raise LeukocyteError("--jobs are for many images, and a slide is segmented in one process: leave them out.")
    if scheduler is not None and whole:
        raise LeukocyteError(f"A slide is segmented here, not on a cluster: leave out --scheduler, or {whole[0]}.")
    client = None if scheduler is None else context.with_resource(connected(scheduler))
    method = method_of(parameters)
    cluster = None if client is None else _cluster(client, method, parameters)
    method = method if cluster is None else cluster.method
    settings = settings_of(parameters, method)
    if held_to is not None:
        held_to.refuse_others(settings)
    logger.info("%s, on %s", method.provenance, method.used if cluster is None else cluster.used)
    remarks = Remarks()
    failures: list[str] = []
    failed: set[Path] = set()
    stopped = False
    if paths:
        given = [item for item in inputs if item not in folders]
        stopped = segment_images(
            given, paths, out, parameters, method, remarks, failures, failed,
            others=list(map(Path, whole)), resume=resume, overwrite=overwrite, jobs=jobs, cluster=cluster,
        )  # fmt: skip
    share = f"{len(failed)} of {counted(len(paths), 'image')} failed." if paths else ""
    if of_slides is not None and not stopped:
        done = segment_slides(folders, of_slides, method, remarks, resume=resume, overwrite=overwrite)
        failures += done.failures
        stopped = done.stopped
        if not paths:
            share = f"{len(done.failures)} of {counted(len(folders), 'slide')} failed."
    finish(remarks, "Not segmented:", failures, share=share, stopped=stopped)


def _cluster(client: Any, method: "Method", parameters: "SegmentParameters") -> "Cluster":
    from napari_leukocyte.core.segmentation.on_cluster import Cluster

    if not client.nthreads():
        echo("The scheduler has no worker yet: waiting for one.", err=True)
    return Cluster(client, method, parameters)


def _not_typed(context: typer.Context, settings: "ResultSettings") -> dict[str, Any]:
    """What a protocol has of the options that were not given; a model of the user's own must be."""
    from napari_leukocyte.core.model.weights import SHIPPED_MODELS

    fast = "fast-int8" if settings.precision == "int8" else "fast"
    choices: dict[str, Any] = {
        "mode": settings.mode,
        "keep": settings.keep,
        "pixel_size": settings.pixel_size,
        "default_pixel_size": settings.default_pixel_size,
        "engine": {"torch": "torch", "openvino": fast}.get(settings.engine, "auto"),
    }
    if settings.model in (*SHIPPED_MODELS, "active-contour"):
        choices["model"] = settings.model
    typed = {name for name in choices if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}
    return {name: choice for name, choice in choices.items() if name not in typed}
