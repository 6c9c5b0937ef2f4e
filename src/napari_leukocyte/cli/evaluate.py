"""``napari-leukocyte evaluate``: segmentations against their ground truth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logger
from napari_leukocyte.cli.read_masks import ReadMasksAs
from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:  # heavy modules load when the command runs, so that --help is quick
    from napari_leukocyte.core.scoring.case_files import CaseFiles, PlaneScored
    from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, ImageScore

__all__ = ["evaluate"]


def evaluate(
    pred: Annotated[
        list[str],
        typer.Option(
            metavar="DIR",
            help="Folder of class maps to score. Given several times, or as NAME=DIR, methods are compared on the "
            "images that all of them have.",
        ),
    ],
    truth: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the ground truth.")],
    border_px: Annotated[
        float | None,
        typer.Option(
            "--border",
            metavar="PX",
            help="Total width of the border band that IoU_b leaves out, px.  [default: 0.39 um, or 4 px if the pixel "
            "size is unknown]",
            show_default=False,
        ),
    ] = None,
    border_um: Annotated[
        float | None,
        typer.Option(metavar="UM", help="The same in um; needs a pixel size.", show_default=False),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="Pixel size of every image, um per px (0.01 to 2).  [default: that of the index, else what truth or "
            "prediction state, else unknown]",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        Literal["all", "whole", "centre"],
        typer.Option(
            help="Cells that count, on both sides: all, those not cut by the image edge, or the one nearest to the "
            "centre. False cells are counted before this rule."
        ),
    ] = "all",
    score_at: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="Score pixels with the longer side of both maps scaled to PX (nearest), as the thesis did with 128; "
            "cells and their CNR stay as they are.  [default: native resolution]",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures: shares as 0-1, n/a as null.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write one page with tables, plots and pictures of the errors."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the images themselves, named as the truth, for the report."),
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An image to show in the report beside the worst; may be repeated.  [default: typical ones]",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Table with a column image or mask, and px_per_um, source, cell_type, difficulty (1-8) where known.",
        ),
    ] = None,
    empty_scores_zero: Annotated[
        bool, typer.Option("--thesis-rule", help="A class with nothing to score gets 0, as in the thesis, not n/a.")
    ] = False,
    read_masks_as: ReadMasksAs = "auto",
) -> None:
    """Compare class maps with ground truth: accuracy, IoU, IoU_b, scored share, CNR error, false cells.

    Files belong together when their stems agree, without "_classes": a_classes.png is scored against a.png. Both may
    be 0, 1, 2; in grey 0, 128, 255; background blue, cytoplasm green, nucleus red; black-and-white masks of whole
    cells (cell alone is scored then); or a_cell.png with a_nucleus.png, which make one map. Cell labels beside a map,
    a_cells.tif, are used when they fit. Stacks are compared plane by plane.

    Ratios are means over images; n/a is left out of them. CNR figures are over all cells, with the share of true cells
    that got a CNR (coverage). A file without partner, or a pair that cannot be scored, is reported at the end with its
    reason, the others still count, and the exit status is 1.
    """
    with stopping.nothing_begun():
        from napari_leukocyte.cli.ending import finish
        from napari_leukocyte.cli.notes import Remarks
        from napari_leukocyte.cli.score_table import score_table
        from napari_leukocyte.core.imaging.pixel_size import check_typed
        from napari_leukocyte.core.scoring.case_files import CaseFiles
        from napari_leukocyte.core.scoring.case_index import read_case_index
        from napari_leukocyte.core.scoring.evaluation import EvaluationParameters

    started = perf_counter()
    if pixel_size is not None:
        check_typed(pixel_size)
    parameters = EvaluationParameters(
        border_px=border_px,
        border_um=border_um,
        pixel_size=pixel_size,
        keep=keep,
        score_at=score_at,
        empty_scores_zero=empty_scores_zero,
    )
    folders = _methods(pred)
    _check_outputs(json_file, report, images, show, [] if index is None else [index])
    files = CaseFiles(
        truth, folders, index=None if index is None else read_case_index(index), images=images, read_as=read_masks_as
    )
    failures = _without_partner(files)
    remarks = Remarks()
    scores: dict[str, list[ImageScore]] = {method: [] for method in folders}
    for event in _run(files, parameters, failures):
        for method, score in event.scores.items():
            scores[method].append(score)
        remarks.note(event.name, event.notes)
    first = next(iter(scores.values()))
    if first:
        echo(score_table(scores, parameters))
        _write(files, scores, parameters, json_file, report, show)
        echo(f"{perf_counter() - started:.1f} s.")
    else:
        echo("Nothing was scored.")
    finish(remarks, "Not scored:", failures, stopped=False)


def _methods(given: Sequence[str]) -> dict[str, Path]:
    """Folders by the name of their method: NAME in NAME=DIR, else the folder's own."""
    from napari_leukocyte.core.files import real_path

    folders: dict[str, Path] = {}
    for text in given:
        name, named, folder = text.partition("=")
        if not named or Path(text).exists():
            name, folder = real_path(text).name, text
        if not name or name in folders:
            raise LeukocyteError(f"--pred {text} needs a name that no other has: give it as NAME=DIR.")
        folders[name] = Path(folder)
    return folders


def _check_outputs(
    json_file: Path | None,
    report: Path | None,
    images: Path | None,
    show: Sequence[str] | None,
    read: Sequence[Path],
) -> None:
    """Find out before the work that a result could not be written, or would replace something."""
    from napari_leukocyte.core.files import make_folder
    from napari_leukocyte.core.outputs import FIGURES, REPORT, spare_foreign, spare_inputs

    if (images is not None or show) and report is None:
        raise LeukocyteError("--images and --show are for the pictures of a report: give --report FILE.html as well.")
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise LeukocyteError(f"The report {report} must have a name that ends in .html.")
    outputs = {path: kind for path, kind in ((json_file, FIGURES), (report, REPORT)) if path is not None}
    if json_file is not None and report is not None:
        spare_inputs([report], [json_file])
    spare_inputs(outputs, read)
    spare_foreign(outputs)
    for path in outputs:
        if path.is_dir():
            raise LeukocyteError(f"{path} is a folder: give the name of a file in it.")
        make_folder(path.parent)


def _without_partner(files: "CaseFiles") -> list[str]:
    """A line for each method that lacks predictions, and for each that has some without a truth."""
    lines = []
    for method in files.methods:
        of = f" of {method}" if len(files.methods) > 1 else ""
        for what, names in (
            ("no prediction", files.pairing.without_prediction[method]),
            ("no truth", files.pairing.without_truth[method]),
        ):
            if names:
                lines.append(
                    f"{', '.join(names)}: {what}{of if what == 'no prediction' else ' for the prediction' + of}"
                )
    return lines


def _run(files: "CaseFiles", parameters: "EvaluationParameters", failures: list[str]) -> "Iterator[PlaneScored]":
    """Score one pair after the other; a sentence for each that could not be goes to ``failures``."""
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.scoring.case_files import PairFailed, score_files

    with progress() as bars:
        bar = bars.add_task("images", total=len(files.pairing.truths))
        for event in score_files(files, parameters):
            bars.update(bar, description=event.name)
            if isinstance(event, PairFailed):
                logger.warning("%s: %s", event.name, event.reason)
                failures.append(f"{event.name}: {event.reason}")
            else:
                logger.info("%s: %s", event.name, event.notes)
                yield event
            bars.advance(bar, 1 / event.planes)


def _write(
    files: "CaseFiles",
    scores: "dict[str, list[ImageScore]]",
    parameters: "EvaluationParameters",
    json_file: Path | None,
    report: Path | None,
    show: Sequence[str] | None,
) -> None:
    """Write the figures and the report that were asked for, and say where they are."""
    import json

    from napari_leukocyte.core.files import atomic_path
    from napari_leukocyte.core.scoring.score_files import summarise_scores

    if json_file is not None:
        figures = {method: summarise_scores(own, parameters) for method, own in scores.items()}
        content = next(iter(figures.values())) if len(figures) == 1 else {"methods": figures}
        with atomic_path(json_file) as temporary:
            temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        echo(f"The figures are in {json_file}.")
    if report is not None:
        from napari_leukocyte.core.scoring.report import write_report

        made_by = {method: _made_by(files, method) for method in files.methods}
        write_report(report, scores, files.case, parameters, made_by=made_by, chosen=show)
        echo(f"The report is {report}.")


def _made_by(files: "CaseFiles", method: str) -> str:
    """What the first prediction of a method says of its origin, and where it lies."""
    from napari_leukocyte.core.results.map_file import stated_in

    path = next(iter(files.pairing.predictions[method].values())).path
    stated = stated_in(path)
    said = [str(stated["model"])] if stated.get("model") else []
    if stated.get("model_sha256"):
        said.append(f"sha256 {str(stated['model_sha256'])[:12]}")
    return ", ".join([*said, f"folder {path.parent.name}"])
