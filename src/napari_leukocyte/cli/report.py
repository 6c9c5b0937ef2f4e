"""``napari-leukocyte report``: tables of cells in, a study by type, patient and group out."""

from pathlib import Path
from typing import Annotated

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

__all__ = ["report"]


def report(
    results: Annotated[
        list[str],
        typer.Argument(metavar="RESULTS", help="Results folders, as segment and Save all write them, or their tables."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for report.html and the tables behind it.")],
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="What tells patients and groups: a sample sheet (SHEET.csv with the columns file, patient, slide, "
            "group, and any others), a pattern such as '{group}/{patient}_{slide}', a regular expression with named "
            "groups, or 'folder'.  [default: one group]",
            show_default=False,
        ),
    ] = None,
    reader: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RESULTS",
            help="What another reader made of the same images: results, or a training set with the masks of readers; "
            "may be given several times. Then RESULTS is one folder.",
        ),
    ] = None,
    keep_bands: Annotated[
        bool, typer.Option("--keep-bands", help="Keep band neutrophils apart from segmented ones.")
    ] = False,
    coded: Annotated[
        bool,
        typer.Option(
            "--coded", help="Replace files, folders, patients and slides by study codes; the key is a file of its own."
        ),
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="The key of --coded, outside of DIR; one that is there keeps its codes.  [default: DIR-key.csv]",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Take the groups of a protocol, and refuse cells that another model or precision made.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="The heading of the page.")] = "Study of cells",
) -> None:
    """Summarise cells by type, patient and group, and compare groups.

    Figures are by type and group: CNR, both N:C's and areas, and what was withheld and why. Groups are compared by one
    value a patient (median log CNR, Welch's t-test, Holm over all comparisons); with fewer than 5 patients in a group
    there is no interval, with fewer than 3 no comparison. What may mislead is said first.

    This says nothing of how right the outlines are: evaluate does, against ground truth.
    """
    from napari_leukocyte.core.results.protocol import read_protocol
    from napari_leukocyte.core.study.coding import Codes
    from napari_leukocyte.core.study.report.files import write_study
    from napari_leukocyte.core.study.study import make_study
    from napari_leukocyte.core.training_set.reader_cells import readers_of_sets

    if key is not None and not coded:
        raise LeukocyteError("--key is the key of --coded: give both, or neither.")
    place = out.resolve()
    codes = Codes(key or place.with_name(f"{place.name}-key.csv")) if coded else None
    held_to = None if protocol is None else read_protocol(protocol)
    groups = groups or (held_to.groups if held_to else None) or None
    others, by_reader = readers_of_sets([Path(one) for one in reader or []])
    study = make_study(
        results, groups=groups, readers=others, by_reader=by_reader, merge_bands=not keep_bands, codes=codes
    )
    if held_to is not None:
        made_by = {tuple(one.cell.made_by[key] for key in ("model_sha256", "precision")) for one in study.cells}
        if made_by != {(held_to.settings.model_sha256, held_to.settings.precision)}:
            raise LeukocyteError("The cells were made by another model or precision than the protocol's: segment anew.")
    written = write_study(study, out, title=title, codes=codes)
    if study.samples.left_out:
        names = [name for name in study.samples.left_out if name]
        shown = f": {', '.join(names[:10])}{' and more' if len(names) > 10 else ''}" if names else ""
        echo(f"{counted(len(study.samples.left_out), 'image')} left out, which {study.samples.how} do not fit{shown}.")
    if study.samples.unused:
        echo(f"Listed, and not among the results: {', '.join(study.samples.unused)}.")
    for sentence in study.warnings:
        echo(f"Note: {sentence}")
    echo(f"{counted(len(study.cells), 'cell')}: {written[0]}, and {counted(len(written) - 1, 'table')} beside it.")
    if codes is not None:
        echo(f"The key of the codes is {codes.path}: keep it apart from the report.")
