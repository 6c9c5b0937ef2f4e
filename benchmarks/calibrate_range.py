"""Calibrate the range of a model's CNRs on one laboratory and test it on another; write the factor and docs/cnr.md.

    python benchmarks/calibrate_range.py DATA --split benchmarks/split.json --unseen no-zheng2.safetensors zheng2

Takes the validation and test part of both Zheng sets, which the model did not learn from, as cnr.py takes them. A
factor is fitted on each set and tested on the other. Where both hold at least 85 % of the cells the larger one is
written beside the weights. ``--unseen WEIGHTS SOURCE`` adds a model trained without a source (unseen_source.py),
calibrated on the other set and tested on all images of that one: what a laboratory may see that the model never met.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from accuracy import Options, chosen_rows, score_all
from cnr import counted, fill_in, markdown
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.cnr_range import AIM, CnrRange, fit_factor, write_cnr_range
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.weights import SHIPPED_MODELS, model_path
from napari_leukocyte.core.segmentation.predictor import Predictor

SETS = ("zheng1", "zheng2")
PAGE = Path(__file__).parents[1] / "docs" / "cnr.md"
BEGIN, END = "<!-- written by benchmarks/calibrate_range.py -->", "<!-- end of calibrate_range -->"
LEAST = 0.85  # of the other laboratory's cells


class Cell(NamedTuple):
    """A cell with a CNR on both sides; ``log`` is log(model / expert), ``side`` the same over what a pixel does.

    ``flags`` are those that warn of its outlines: neither coarse pixels nor a doubtful pixel size.
    """

    source: str
    cell_type: str
    cnr: float
    log: float
    side: float
    flags: tuple[Flag, ...]


def cells_of(rows: Sequence[IndexRow], predictor: Predictor) -> list[Cell]:
    return [
        Cell(
            image.source,
            image.cell_type,
            pair.truth.cnr,
            pair.log_ratio,
            side(pair.predicted, pair.truth.cnr),
            tuple(flag for flag in pair.predicted.flags if flag not in (Flag.TOO_COARSE, Flag.PIXEL_SIZE_DOUBTFUL)),
        )
        for image in score_all(rows, predictor, Options("centre", centre=()))
        for pair in image.pairs
        if pair.compared and pair.predicted is not None and pair.truth is not None
    ]


def side(cell: CellMeasure, truth: float) -> float:
    """How many times the range of an outline off by a pixel must be stretched to reach the truth."""
    room = cell.cnr_high - cell.cnr if truth > cell.cnr else cell.cnr - cell.cnr_low
    return abs(truth - cell.cnr) / room


def share(cells: Sequence[Cell], factor: float) -> str:
    return counted(sum(abs(cell.log) <= math.log(factor) for cell in cells), len(cells))


def covered(cells: Sequence[Cell], factor: float) -> float:
    return float(np.mean([abs(cell.log) <= math.log(factor) for cell in cells]))


def own(cells: Sequence[Cell], source: str) -> list[Cell]:
    return [cell for cell in cells if cell.source == source]


def each_way(cells: Sequence[Cell]) -> Iterator[tuple[str, str, float, list[Cell]]]:
    """Fitted on which set, tested on which, with which factor, on which cells."""
    for fitted, tested in (SETS, SETS[::-1]):
        yield fitted, tested, fit_factor(cell.log for cell in own(cells, fitted)), own(cells, tested)


def parts(cells: Sequence[Cell]) -> Iterator[tuple[str, list[Cell]]]:
    """By set, by type, by third of the expert's CNR."""
    for source in SETS:
        yield source, own(cells, source)
    for name in sorted({cell.cell_type for cell in cells}):
        yield name, [cell for cell in cells if cell.cell_type == name]
    low, high = np.quantile([cell.cnr for cell in cells], [1 / 3, 2 / 3])
    thirds: list[tuple[str, Callable[[float], bool]]] = [
        (f"CNR below {low:.2f}", lambda cnr: cnr < low),
        (f"CNR {low:.2f} to {high:.2f}", lambda cnr: low <= cnr <= high),
        (f"CNR above {high:.2f}", lambda cnr: cnr > high),
    ]
    for name, fits in thirds:
        yield name, [cell for cell in cells if fits(cell.cnr)]
    yield "**all**", list(cells)


def flagged(cells: Sequence[Cell]) -> str:
    """What flags tell of the cells that are far off."""
    said = []
    for most in (0.1, 0.2):
        off = [cell for cell in cells if abs(cell.log) > math.log1p(most)]
        with_flag = sum(bool(cell.flags) for cell in off)
        said.append(f"of {len(off)} cells off by more than {100 * most:.0f} % {with_flag} have one")
    among = [cell for cell in cells if cell.flags]
    names = ", ".join(sorted({flag for cell in among for flag in cell.flags})) or "none"
    return f"Flags that warn of outlines ({names}) stand at {len(among)} of {len(cells)} cells: {'; '.join(said)}."


def pixel_range(cells: Sequence[Cell]) -> str:
    """What a stretched pixel range would have done instead."""
    said = []
    for fitted, tested in (SETS, SETS[::-1]):
        errors = np.sort([cell.side for cell in own(cells, fitted)])
        factor = errors[min(len(errors), math.ceil(AIM * (len(errors) + 1))) - 1]
        held = float(np.mean([cell.side <= factor for cell in own(cells, tested)]))
        said.append(f"{factor:.2f} times, fitted on {fitted}, holds {100 * held:.0f} % of {tested}")
    return "; ".join(said)


def section(model: str, cells: Sequence[Cell], unseen: Sequence[str]) -> tuple[str, float]:
    """The text of the page, and the factor; NaN when one way fails."""
    ways = list(each_way(cells))
    factor = max(way[2] for way in ways)
    good = all(covered(tested, fitted) >= LEAST for _, _, fitted, tested in ways)
    head = ["fitted on", "factor", "tested on", f"expert in the range, aimed at {100 * AIM:.0f} %"]
    rows = [[fitted, f"{f:.2f}", tested, share(held, f)] for fitted, tested, f, held in ways]
    listed = [[name, share(own_cells, factor)] for name, own_cells in parts(cells)]
    worst = min(parts(cells), key=lambda part: covered(part[1], factor))
    text = [
        markdown(head, rows),
        "",
        f"The larger factor, **{factor:.2f}**, is kept with `{model}`: the range reaches "
        f"{100 * (1 - 1 / factor):.0f} % below and {100 * (factor - 1):.0f} % above the CNR, for every cell. "
        "It was fitted on a part of these cells:",
        "",
        markdown(["", "expert in the range"], listed),
        "",
        f"Worst: {worst[0]}, {share(worst[1], factor)}. {flagged(cells)}",
        "",
        f"Stretching the range of an outline off by a pixel instead: {pixel_range(cells)}.",
        *unseen,
    ]
    return "\n".join(text), factor if good else math.nan


def unseen_lines(
    data: Path, held_out: Sequence[IndexRow], weights: str, source: str, device: str, shipped: float
) -> list[str]:
    """What becomes of the range in a laboratory that a model never met."""
    predictor = Predictor(weights, device=device)
    known = cells_of([row for row in held_out if row.source != source], predictor)
    new = cells_of([row for row in read_index(data) if row.source == source], predictor)
    factor = fit_factor(cell.log for cell in known)
    worst = [f"{name} {share(cells, factor)}" for name, cells in parts(new) if cells and name not in (*SETS, "**all**")]
    return [
        "",
        f"**A laboratory never met.** A model trained without {source} and calibrated on the {len(known)} cells of the "
        f"other set has the factor {factor:.2f}, which holds {share(new, factor)} of {source}: {'; '.join(worst)}. "
        f"The factor {shipped:.2f} holds {share(new, shipped)}; 90 % would take "
        f"{fit_factor(cell.log for cell in new):.2f}. {flagged(new)}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True, help="JSON with the lists train, validation, test")
    parser.add_argument("--model", default="default", help="shipped name or weight file")
    parser.add_argument("--unseen", nargs=2, action="append", default=[], metavar=("WEIGHTS", "SOURCE"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--page", type=Path, help=f"has the markers that the text goes between, e.g. {PAGE.name}")
    given = parser.parse_args(arguments)
    held_out = [
        row
        for part in ("validation", "test")
        for row in chosen_rows(given.data, given.split, part)
        if row.source in SETS
    ]
    predictor = Predictor(given.model, device=given.device)
    cells = cells_of(held_out, predictor)
    shipped = max(way[2] for way in each_way(cells))
    unseen = [
        line
        for weights, source in given.unseen
        for line in unseen_lines(given.data, held_out, weights, source, given.device, shipped)
    ]
    text, factor = section(given.model, cells, unseen)
    print(text)
    if given.page:
        fill_in(given.page, text, BEGIN, END)
    if math.isnan(factor):
        raise LeukocyteError(f"One factor holds under {100 * LEAST:.0f} % of a set: {given.model} stays uncalibrated.")
    if given.model in SHIPPED_MODELS:
        found = CnrRange(factor, len(cells), "two laboratories, Zheng sets 1 and 2; no promise for a third")
        write_cnr_range(model_path(given.model), predictor.hash, found)


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
