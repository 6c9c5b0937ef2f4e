"""The part of ``segment`` that is about whole slides: the first look, the run, and what is said of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from rich.progress import Progress

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.cli.notes import Remarks, named
from napari_leukocyte.cli.progress import progress
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.safe_text import printable
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.slides.opening import open_slide
from napari_leukocyte.core.slides.run import LookedOver, SlideParameters, SlideResult, SlideStep, segment_slide
from napari_leukocyte.core.slides.slide import slide_name
from napari_leukocyte.core.text import counted

__all__ = ["SlidesDone", "segment_slides"]


@dataclass
class SlidesDone:
    """How it went.

    Attributes
    ----------
    failures
        A sentence for each slide without results.
    stopped
        The user stopped it.
    """

    failures: list[str] = field(default_factory=list)
    stopped: bool = False


def segment_slides(
    folders: Mapping[str, Path],
    parameters: SlideParameters,
    method: Method,
    remarks: Remarks,
    *,
    resume: bool,
    overwrite: bool,
) -> SlidesDone:
    """Segment slides one after the other, each into its folder; a bad one is reported, and the others run."""
    done = SlidesDone()
    for path, folder in folders.items():
        label = printable(slide_name(path))
        try:
            _segment(path, folder, parameters, method, remarks, resume=resume, overwrite=overwrite)
        except LeukocyteError as error:
            logger.warning("%s: %s", label, error)
            done.failures.append(named(label, str(error)))
        except KeyboardInterrupt:
            done.stopped = True
            echo(f"{label} is not done: what was looked at is kept in {folder}, and --resume goes on.", err=True)
            break
    return done


def _segment(
    path: str,
    folder: Path,
    parameters: SlideParameters,
    method: Method,
    remarks: Remarks,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    started = perf_counter()
    label = printable(slide_name(path))
    with open_slide(path) as slide, progress() as bars:
        task = bars.add_task(label, total=None)
        for event in segment_slide(slide, folder, parameters, method, resume=resume, overwrite=overwrite):
            if isinstance(event, SlideStep):
                bars.update(task, description=f"{label}: {event.stage}", completed=event.done, total=event.total)
            elif isinstance(event, LookedOver):
                _say(bars, label, event)
            else:
                _end(label, event, method, remarks, perf_counter() - started)


def _say(bars: Progress, label: str, event: LookedOver) -> None:
    """What the first look says, before the long part."""
    shares = [
        f"{place.words} {100 * share:.0f} %" for place, share in event.overview.shares().items() if share >= 0.005
    ]
    looked, windows = event.windows
    lines = [f"{label}: {', '.join(shares)}. {looked} of {counted(windows, 'window')} are looked at (overview.png)."]
    lines += [f"  {note}" for note in event.notes]
    for line in lines:
        bars.console.print(line, markup=False, highlight=False, soft_wrap=True) if bars.live.is_started else echo(line)
    logger.info("%s", " ".join(lines))


def _end(label: str, result: SlideResult, method: Method, remarks: Remarks, seconds: float) -> None:
    remarks.add(label, result.pixel_size, result.notes)
    if result.again:
        echo(f"{label}: {counted(result.cells, 'cell')}, done before, in {result.folder}.")
        return
    echo(
        f"{label}: {counted(result.cells, 'cell')}: cells.csv, overview.png and cells.ome.zarr are in {result.folder}. "
        f"Device: {method.used}. {seconds:.1f} s."
    )
