"""``napari-leukocyte segment``: images in; class maps, cell labels and a table of cells out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:  # torch and the like load when the command runs, so that --help is quick
    from napari_leukocyte.cli.notes import Remarks
    from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
    from napari_leukocyte.core.results.resume import Plan
    from napari_leukocyte.core.results.settings import ResultSettings
    from napari_leukocyte.core.results.writer import ResultWriter
    from napari_leukocyte.core.segmentation.method import Method
    from napari_leukocyte.core.segmentation.on_cluster import Cluster
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters

__all__ = ["segment"]


def segment(
    context: typer.Context,
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
        from napari_leukocyte.core.imaging.read import find_images, passed_over
        from napari_leukocyte.core.results.protocol import read_protocol
        from napari_leukocyte.core.results.resume import Plan
        from napari_leukocyte.core.results.writer import ResultWriter
        from napari_leukocyte.core.segmentation.on_cluster import connected
        from napari_leukocyte.core.segmentation.parameters import SegmentParameters
        from napari_leukocyte.core.segmentation.segment import load_predictor, settings_of

    started = perf_counter()
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
    )
    held_to = None if protocol is None else read_protocol(protocol)
    if held_to is not None:
        parameters = replace(parameters, **_not_typed(context, held_to.settings))
    paths = find_images(inputs)
    client = None if scheduler is None else context.with_resource(connected(scheduler))
    predictor = load_predictor(parameters)
    cluster = None if client is None else _cluster(client, predictor, parameters)
    predictor = predictor if cluster is None else cluster.method
    used = predictor.used if cluster is None else cluster.used
    settings = settings_of(parameters, predictor)
    if held_to is not None:
        held_to.refuse_others(settings)
    logger.info("%s, on %s", predictor.provenance, used)
    writer = ResultWriter(
        out,
        paths,
        settings=settings,
        overwrite=overwrite,
        going_on=resume,
        advice="move it away, "
        + ("or choose another folder" if resume else "choose another folder, or give --overwrite"),
    )
    remarks, plan = Remarks(), Plan(todo=paths)
    for place, note in passed_over(inputs, paths):
        remarks.note(place, (note,))
    failures: list[str] = []
    failed: set[Path] = set()
    stopped = False
    try:
        with writer:  # its end writes the table, also of what was done before a stop or an error
            if resume:
                plan = _plan(writer, settings, remarks, failures, failed)
            for path, failure in _run(
                paths, plan.todo, parameters, predictor, writer, remarks, resume=resume, jobs=jobs, cluster=cluster
            ):
                failed.add(path)
                failures.append(failure)
    except KeyboardInterrupt:
        stopped = True
    for note in (*writer.notes, *writer.made_otherwise()):
        echo(f"Note: {note}.", err=True)
    seconds = perf_counter() - started
    before = len(plan.done) + len(plan.corrected)
    done = f", {before} done before" if before else ""
    echo(
        f"{counted(writer.images, 'image')} of {len(paths)} segmented{done}, {counted(writer.cells, 'cell')}: "
        f"class maps, cell labels and cells.csv are in {out}. Device: {used}. {seconds:.1f} s."
        if writer.images
        else f"Nothing of {counted(len(paths), 'image')} was segmented{done}. Device: {used}."
    )
    share = f"{len(failed)} of {counted(len(paths), 'image')} failed."
    finish(remarks, "Not segmented:", failures, share=share, stopped=stopped)


def _cluster(client: Any, predictor: "Method", parameters: "SegmentParameters") -> "Cluster":
    from napari_leukocyte.core.segmentation.on_cluster import Cluster

    if not client.nthreads():
        echo("The scheduler has no worker yet: waiting for one.", err=True)
    return Cluster(client, predictor, parameters)


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


def _plan(
    writer: "ResultWriter", settings: "ResultSettings", remarks: "Remarks", failures: list[str], failed: set[Path]
) -> "Plan":
    """Find out what is left to do, and measure what was corrected by hand."""
    from napari_leukocyte.core.results.resume import measure_corrected, plan_resume

    plan = plan_resume(writer.record, writer.folder, writer.listed, settings)
    for image in plan.done:
        if image.corrected:
            remarks.note(image.image.label, ("corrected by hand, and kept",))
    for image in plan.corrected:
        label = image.image.label
        try:
            writer.keep(measure_corrected(writer.folder, image))
            remarks.note(label, ("corrected by hand since: kept, and measured as it is",))
        except LeukocyteError as error:
            failed.add(Path(image.image.path))
            failures.append(f"{label}: {error}")
    return plan


def _run(
    paths: Sequence[Path],
    todo: Sequence[Path],
    parameters: "SegmentParameters",
    predictor: "Method",
    writer: "ResultWriter",
    remarks: "Remarks",
    *,
    resume: bool,
    jobs: int | None,
    cluster: "Cluster | None",
) -> Iterator[tuple[Path, str]]:
    """Segment and write one image after the other; yields the path of each that failed, and a sentence."""
    from napari_leukocyte.cli.progress import segment_bars
    from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files
    from napari_leukocyte.core.safe_text import printable
    from napari_leukocyte.core.segmentation.in_jobs import jobs_that_pay, segment_in_jobs
    from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
    from napari_leukocyte.core.segmentation.recorded_sizes import decide_for_results
    from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented, segment_images
    from napari_leukocyte.core.segmentation.windowed import WindowDone

    # pixel sizes are those of the whole list; where all are decided, only what is to be done is read
    decided = resume and all(writer.listed[path].stem in writer.record.sizes for path in todo)
    images = list(sources_from_files(todo if decided else paths, by_heads=True)) if todo else []
    with segment_bars(len(todo)) as bars:
        stems = [writer.listed[_path_of(image)].stem for image in images]
        decisions: dict[int, SizeDecision] = {}
        for step in decide_for_results(images, stems, parameters, predictor, writer, decisions, anew=not resume):
            bars.looking(step)
        wanted = set(todo)
        left = [i for i, image in enumerate(images) if _path_of(image) in wanted]
        sources = [images[i] for i in left]
        own = {position: decisions[i] for position, i in enumerate(left) if i in decisions}
        since = perf_counter()
        jobs = jobs or jobs_that_pay(len(sources), predictor.used)
        events: Iterator[WindowDone | ImageSegmented | ImageFailed]
        if cluster is not None:
            events = cluster.segment(sources, own)
        elif jobs == 1:
            events = segment_images(sources, parameters, predictor, decisions=own)
        else:
            events = segment_in_jobs(sources, parameters, own, jobs=min(jobs, max(1, len(sources))))
        for event in events:
            if isinstance(event, WindowDone):
                bars.window(event)
                continue
            source = sources[event.index]
            label = writer.label(source)
            if isinstance(event, ImageFailed):
                logger.warning("%s: %s", label, event.reason)
                reason = printable(event.reason)
                yield _path_of(source), reason if label in reason else f"{label}: {reason}"
            else:
                remarks.add(label, event.result.pixel_size, event.result.notes)
                logger.info("%s: %s, %.2f s", label, event.result.provenance, perf_counter() - since)
            try:
                if isinstance(source, BrokenImage):
                    writer.fail(source, source.reason)
                elif isinstance(event, ImageFailed):
                    writer.add(source, None, reason=event.reason)
                else:
                    writer.add(source, event.result, measures=event.measures, content=event.content)
            except LeukocyteError as error:  # a name, a right or a full disk may concern this one alone
                logger.warning("%s: %s", label, error)
                yield _path_of(source), f"{label}: {error}"
            bars.end(source)
            if cluster is None and event.index + 1 < len(sources):
                bars.begin(sources[event.index + 1])
            since = perf_counter()


def _path_of(source: "ImageSource | BrokenImage") -> Path:
    assert source.path is not None  # it comes from a file
    return source.path
