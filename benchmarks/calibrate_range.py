"""Calibrate a model's CNRs on one laboratory and test it on another; write range, doubt and docs/cnr.md.

    python benchmarks/calibrate_range.py DATA --split benchmarks/split.json --unseen no-zheng2.safetensors zheng2

Takes the validation and test part of both Zheng sets, which the model did not learn from, as cnr.py takes them. A
factor is fitted on each set and tested on the other. Where both hold at least 85 % of the cells the larger one is
written beside the weights, and with it the share of unsure pixels that nine in ten of the cells do not exceed: a cell
that does is flagged as ``low_confidence``. ``--unseen WEIGHTS SOURCE`` adds a model trained without a source
(unseen_source.py), calibrated on the other set and tested on all images of that one: what a laboratory may see that the
model never met.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from accuracy import Options, chosen_rows, segment
from cnr import counted, fill_in, markdown
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.model.cnr_range import AIM, CnrRange, fit_factor, fit_unsure, write_cnr_range
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.weights import SHIPPED_MODELS, model_path
from napari_leukocyte.core.scoring.cell_pairs import pair_cells
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.segmentation.predictor import Predictor

SETS = ("zheng1", "zheng2")
PAGE = Path(__file__).parents[1] / "docs" / "cnr.md"
BEGIN, END = "<!-- written by benchmarks/calibrate_range.py -->", "<!-- end of calibrate_range -->"
NO_WARNING = (Flag.TOO_COARSE, Flag.PIXEL_SIZE_DOUBTFUL, Flag.LOW_CONFIDENCE)
LEAST = 0.85  # of the other laboratory's cells


class Cell(NamedTuple):
    """A cell with a CNR on both sides; ``log`` is log(model / expert), ``side`` the same over what a pixel does.

    ``flags`` are those that warn of its outlines, but for the network's doubt, which is to be calibrated: neither
    coarse pixels nor a doubtful pixel size. ``unsure`` is the share of its pixels, 0-1, that the network is unsure of.
    """

    source: str
    cell_type: str
    cnr: float
    log: float
    side: float
    flags: tuple[Flag, ...]
    unsure: float

    def flagged(self, limit: float) -> tuple[Flag, ...]:
        """All flags that warn of its outlines, where so many unsure pixels are no doubt yet."""
        return (*self.flags, *([Flag.LOW_CONFIDENCE] if self.unsure > limit else []))


def cells_of(rows: Sequence[IndexRow], predictor: Predictor) -> list[Cell]:
    cells: list[Cell] = []
    for i, row in enumerate(rows, start=1):
        cells += cells_in(row, predictor)
        print(f"\r{i} of {len(rows)} images", end="", flush=True)
    print()
    return cells


def cells_in(row: IndexRow, predictor: Predictor) -> Iterator[Cell]:
    result = segment(row, predictor, Options(None, centre=()), keep="centre")
    mask = read_mask(row.mask).classes
    truth, true_cells = keep_maps(
        mask, label_cells(mask, pixel_size=row.pixel_size), "centre", pixel_size=row.pixel_size
    )
    ours = measure_cells(result.classes, result.cells, pixel_size=row.pixel_size, remarks=result.remarks)
    theirs = measure_cells(truth, true_cells, pixel_size=row.pixel_size)
    for pair in pair_cells(ours, theirs, match_cells(result.cells, true_cells)):
        if pair.compared and pair.predicted is not None and pair.truth is not None:
            yield Cell(
                row.source,
                row.cell_type,
                pair.truth.cnr,
                pair.log_ratio,
                side(pair.predicted, pair.truth.cnr),
                tuple(flag for flag in pair.predicted.flags if flag not in NO_WARNING),
                result.unsure_shares[pair.predicted.cell],
            )


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


def unsure_limit(cells: Sequence[Cell]) -> float:
    limit = fit_unsure(cell.unsure for cell in cells)
    if limit is None:
        raise LeukocyteError("No cell has a CNR on both sides.")
    return limit


def flagged(cells: Sequence[Cell], limit: float) -> str:
    """What flags tell of the cells that are far off, where more unsure pixels than ``limit`` are a flag."""
    said = []
    for most in (0.1, 0.2):
        off = [cell for cell in cells if abs(cell.log) > math.log1p(most)]
        with_flag = sum(bool(cell.flagged(limit)) for cell in off)
        said.append(f"of {len(off)} cells off by more than {100 * most:.0f} % {with_flag} have one")
    among = [cell for cell in cells if cell.flagged(limit)]
    doubted = [cell for cell in cells if cell.unsure > limit]
    gross = sum(abs(cell.log) > math.log(1.2) for cell in doubted)
    names = ", ".join(sorted({flag for cell in among for flag in cell.flagged(limit)})) or "none"
    return (
        f"Flags that warn of outlines ({names}) stand at {len(among)} of {len(cells)} cells: {'; '.join(said)}. "
        f"The network is unsure of more than {100 * limit:.1f} % of the pixels of {len(doubted)} cells, "
        f"{gross} of which are off by more than 20 %."
    )


def pixel_range(cells: Sequence[Cell]) -> str:
    """What a stretched pixel range would have done instead."""
    said = []
    for fitted, tested in (SETS, SETS[::-1]):
        errors = np.sort([cell.side for cell in own(cells, fitted)])
        factor = errors[min(len(errors), math.ceil(AIM * (len(errors) + 1))) - 1]
        held = float(np.mean([cell.side <= factor for cell in own(cells, tested)]))
        said.append(f"{factor:.2f} times, fitted on {fitted}, holds {100 * held:.0f} % of {tested}")
    return "; ".join(said)


def section(model: str, cells: Sequence[Cell], limit: float, unseen: Sequence[str]) -> tuple[str, float]:
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
        f"Worst: {worst[0]}, {share(worst[1], factor)}. {flagged(cells, limit)}",
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
    factor, limit = fit_factor(cell.log for cell in known), unsure_limit(known)
    worst = [f"{name} {share(cells, factor)}" for name, cells in parts(new) if cells and name not in (*SETS, "**all**")]
    return [
        "",
        f"**A laboratory never met.** A model trained without {source} and calibrated on the {len(known)} cells of the "
        f"other set has the factor {factor:.2f}, which holds {share(new, factor)} of {source}: {'; '.join(worst)}. "
        f"The factor {shipped:.2f} holds {share(new, shipped)}; 90 % would take "
        f"{fit_factor(cell.log for cell in new):.2f}. {flagged(new, limit)}",
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
    limit = unsure_limit(cells)
    text, factor = section(given.model, cells, limit, unseen)
    print(text)
    if given.page:
        fill_in(given.page, text, BEGIN, END)
    if math.isnan(factor):
        raise LeukocyteError(f"One factor holds under {100 * LEAST:.0f} % of a set: {given.model} stays uncalibrated.")
    if given.model in SHIPPED_MODELS:
        found = CnrRange(factor, len(cells), "two laboratories, Zheng sets 1 and 2; no promise for a third", limit)
        write_cnr_range(model_path(given.model), predictor.hash, found)


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
