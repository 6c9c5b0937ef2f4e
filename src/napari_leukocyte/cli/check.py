"""``napari-leukocyte check``: the same cells measured again, and how far they have moved since."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

if TYPE_CHECKING:
    from napari_leukocyte.api.result import Result
    from napari_leukocyte.core.segmentation.method import Method
    from napari_leukocyte.core.study.tables import StudyCell

__all__ = ["check"]

_DRAWN = "drawn cell"  # how the labels of drawn images begin, which have no extension


def check(
    before: Annotated[
        Path,
        typer.Argument(metavar="BEFORE.csv", help="The cells as they were measured before; made when it is not there."),
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", help="Your own reference images: files, folders or patterns."),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="As for segment; the same each time, or a newer one to compare.")
    ] = "default",
    renew: Annotated[
        bool, typer.Option("--renew", help="After the comparison, keep what was measured now as BEFORE.csv.")
    ] = False,
) -> None:
    """Measure reference cells again, and say how far their CNR has moved.

    Twelve cells are drawn anew, the same each time, and measured together with IMAGES. The first time the measures are
    kept in BEFORE.csv, with BEFORE.json that says what made them; later, for instance after an update, they are
    compared with them cell by cell. A drift of 0 % means that nothing has changed.
    """
    from napari_leukocyte.api.segmenting import load_model
    from napari_leukocyte.core.cells.cells_csv import cell_rows, write_cells_csv
    from napari_leukocyte.core.outputs import MADE_BY, TABLE, spare_foreign
    from napari_leukocyte.core.study.drift import drift_between, measured
    from napari_leukocyte.core.study.tables import read_results

    if before.suffix.lower() != ".csv":
        raise LeukocyteError(f"{before} cannot be the table: give the name of a file that ends in .csv.")
    spare_foreign({before: TABLE, before.with_suffix(".json"): MADE_BY})
    old = read_results([before]) if before.exists() else []
    now: list[StudyCell] = []
    rows: list[dict[str, str]] = []
    provenance: dict[str, str] = {}
    for result in _results(load_model(model), images or []):
        for plane, own in enumerate(result.planes):
            if own is not None:
                measures = own.measure()
                now += measured(result.name, measures, plane=plane)
                rows += cell_rows(measures, image=result.name, plane=plane, provenance=own.provenance)
                provenance = dict(own.provenance)
    if old:
        for words, wanted in (("Drawn cells", True), ("Own images", False)):
            first, second = ([cell for cell in cells if _is_drawn(cell) == wanted] for cells in (old, now))
            if first or second:
                echo(f"{words}: {drift_between(first, second).text}.")
        made = old[0].made_by
        for name in ("model", "model_sha256", "engine", "precision"):
            if made[name] != provenance.get(name, ""):
                echo(f"{name}: {provenance.get(name, '')}, before {made[name] or 'not stated'}")
    if not old or renew:
        kept = ("napari-leukocyte", "model", "model_sha256", "engine", "precision", "device")
        write_cells_csv(before, rows, provenance={key: provenance[key] for key in kept if key in provenance})
        echo(f"{counted(len(rows), 'cell')} of now are kept in {before}: check again after an update.")


def _results(model: "Method", images: list[str]) -> Iterator["Result"]:
    """The drawn images, then the user's."""
    from dataclasses import replace

    from napari_leukocyte.api.result import Failed
    from napari_leukocyte.api.segmenting import segment, segment_many
    from napari_leukocyte.core.imaging.read import find_images
    from napari_leukocyte.core.synthetic.smear import draw_cell

    for number, cell_type in enumerate(("neutrophil", "eosinophil", "basophil", "lymphocyte", "monocyte", "blast") * 2):
        smear = draw_cell(seed=number, cell_type=cell_type, size=(256, 256), px_per_um=10)
        found = segment(smear.image, pixel_size=0.1, keep="centre", model=model)
        yield replace(found, name=f"{_DRAWN} {number + 1}, {cell_type}")
    if images:
        for result in segment_many(find_images(images), model=model):
            if isinstance(result, Failed):
                raise LeukocyteError(f"{result.path}: {result.reason}")
            yield result


def _is_drawn(cell: "StudyCell") -> bool:
    return cell.image.label.startswith(_DRAWN)
