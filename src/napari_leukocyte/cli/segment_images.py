"""The part of ``segment`` that is about images: all of them into one results folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.cli.notes import Remarks, named
from napari_leukocyte.cli.progress import segment_bars
from napari_leukocyte.cli.withheld import tell_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.read import passed_over
from napari_leukocyte.core.results.resume import Plan, measure_corrected, plan_resume
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.segmentation.in_jobs import jobs_that_pay, segment_in_jobs
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.on_cluster import Cluster
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.recorded_sizes import decide_for_results
from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented, settings_of
from napari_leukocyte.core.segmentation.segment import segment_images as segment_list
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.text import counted

__all__ = ["segment_images"]


def segment_images(
    inputs: Sequence[str],
    paths: Sequence[Path],
    out: Path,
    parameters: SegmentParameters,
    method: Method,
    remarks: Remarks,
    failures: list[str],
    failed: set[Path],
    *,
    others: Sequence[Path],
    resume: bool,
    overwrite: bool,
    jobs: int | None,
    cluster: Cluster | None,
) -> bool:
    """Segment images into one results folder; returns whether the user stopped it.

    ``others`` among the inputs are slides, and not passed over.
    """
    started = perf_counter()
    used = method.used if cluster is None else cluster.used
    settings = settings_of(parameters, method)
    writer = ResultWriter(
        out,
        paths,
        settings=settings,
        overwrite=overwrite,
        going_on=resume,
        advice="move it away, "
        + ("or choose another folder" if resume else "choose another folder, or give --overwrite"),
    )
    plan = Plan(todo=list(paths))
    for place, note in passed_over(inputs, [*paths, *others]):
        remarks.note(place, (note,))
    stopped = False
    try:
        with writer:  # its end writes the table, also of what was done before a stop or an error
            if resume:
                plan = _plan(writer, settings, remarks, failures, failed)
            for path, failure in _run(
                paths, plan.todo, parameters, method, writer, remarks, resume=resume, jobs=jobs, cluster=cluster
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
    if writer.images:
        tell_cells(out / "cells.csv")
    return stopped


def _plan(
    writer: ResultWriter, settings: ResultSettings, remarks: Remarks, failures: list[str], failed: set[Path]
) -> Plan:
    """Find out what is left to do, and measure what was corrected by hand."""
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
    parameters: SegmentParameters,
    method: Method,
    writer: ResultWriter,
    remarks: Remarks,
    *,
    resume: bool,
    jobs: int | None,
    cluster: Cluster | None,
) -> Iterator[tuple[Path, str]]:
    """Segment and write one image after the other; yields the path of each that failed, and a sentence."""
    # pixel sizes are those of the whole list; where all are decided, only what is to be done is read
    decided = resume and all(writer.listed[path].stem in writer.record.sizes for path in todo)
    images = list(sources_from_files(todo if decided else paths, by_heads=True)) if todo else []
    with segment_bars(len(todo)) as bars:
        stems = [writer.listed[_path_of(image)].stem for image in images]
        decisions: dict[int, SizeDecision] = {}
        for step in decide_for_results(images, stems, parameters, method, writer, decisions, anew=not resume):
            bars.looking(step)
        wanted = set(todo)
        left = [i for i, image in enumerate(images) if _path_of(image) in wanted]
        sources = [images[i] for i in left]
        own = {position: decisions[i] for position, i in enumerate(left) if i in decisions}
        since = perf_counter()
        events: Iterator[WindowDone | ImageSegmented | ImageFailed]
        if cluster is not None:
            events = cluster.segment(sources, own)
        elif (jobs := jobs or jobs_that_pay(len(sources), method.used)) == 1:
            events = segment_list(sources, parameters, method, decisions=own, hashed=True)
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
                yield _path_of(source), named(label, event.reason)
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


def _path_of(source: ImageSource | BrokenImage) -> Path:
    assert source.path is not None  # it comes from a file
    return source.path
