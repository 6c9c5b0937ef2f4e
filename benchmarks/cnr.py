"""Compare the CNRs of a model with those of the expert masks, cell by cell: fill in docs/cnr.md, draw its plot.

    python benchmarks/cnr.py DATA --split benchmarks/split.json

Takes the test part of the sources whose masks know nucleus and cytoplasm. Each image is scored as accuracy.py does it:
at its source's pixel size, centre cell on both sides.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from accuracy import Options, chosen_rows, score_all
from cnr_plot import BAND, draw
from napari_leukocyte import __version__
from napari_leukocyte.core.cells.measures import CellMeasure, cnr_text
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.model.weights import model_path
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.segmentation.predictor import Predictor
from report import weights_hash
from summary import Scored

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- written by benchmarks/cnr.py -->", "<!-- end -->"
HEAD = [
    *("", "coverage", "median CNR, expert", "median CNR, model", "CNR error", "bias"),
    *(f"within {100 * (BAND - 1):.0f} %", "expert in the model's range"),
]


def lines(images: Sequence[Scored]) -> Iterator[list[str]]:
    """The table: cell types of each source, each source, lymphocytes of all sources, all cells."""
    for source in dict.fromkeys(image.source for image in images):
        own = [image for image in images if image.source == source]
        for cell_type in sorted({image.cell_type for image in own}):
            yield line(
                f"{source}, {cell_type or 'type unknown'}", [image for image in own if image.cell_type == cell_type]
            )
        yield line(f"{source}, all", own)
    lymphocytes = [image for image in images if image.cell_type == "lymphocyte"]
    if lymphocytes:
        yield [f"**{cell}**" for cell in line("lymphocytes, all sources", lymphocytes)]
    yield [f"**{cell}**" for cell in line("all cells", images)]


def line(label: str, images: Sequence[Scored]) -> list[str]:
    """One row of the table."""
    errors = reduce(add, (image.cnr or CnrErrors() for image in images))
    pairs = [(image.group, pair) for image in images for pair in image.pairs if pair.compared]
    groups = [group for group, _ in pairs]
    logs = np.array([pair.log_ratio for _, pair in pairs])
    inside = sum(pair.truth_in_range for _, pair in pairs)
    close = int(np.sum(np.abs(logs) <= math.log(BAND)))
    return [
        label,
        counted(errors.n, errors.true_cnrs),
        median([pair.truth.cnr for _, pair in pairs if pair.truth]),
        median([pair.predicted.cnr for _, pair in pairs if pair.predicted]),
        share(errors.median_error) + interval(np.abs(logs), groups),
        share(errors.bias, signed=True) + interval(logs, groups, sign=True),
        f"{close} of {errors.n}",
        f"{inside} of {errors.n}",
    ]


def counted(count: int, n: int) -> str:
    """A count with the Wilson 95 % interval of its share."""
    if not n:
        return "n/a"
    ends = binomtest(count, n).proportion_ci(0.95, method="wilson")
    return f"{count} of {n} ({100 * ends.low:.0f}–{100 * ends.high:.0f} %)"


def median(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f}" if values else "n/a"


def interval(logs: NDArray[np.float64], groups: Sequence[str], *, sign: bool = False) -> str:
    """Bootstrap 95 % interval of the median, in per cent; nothing for a single group, which knows no spread."""
    if len(set(groups)) < 2:
        return ""
    ends = bootstrap_interval(logs, statistic=lambda drawn: float(np.median(drawn)), groups=groups)
    low, high = (f"{100 * math.expm1(end):{'+' if sign else ''}.1f}" for end in ends)
    return f" ({low} to {high})" if sign else f" ({low}–{high})"


def remarks(images: Sequence[Scored]) -> Iterator[str]:
    """What the table cannot show: how wide the ranges are, false and missed cells, what has no CNR and why."""
    for source in dict.fromkeys(image.source for image in images):
        pairs = [pair for image in images if image.source == source for pair in image.pairs if pair.compared]
        ours = [pair.predicted for pair in pairs if pair.predicted]
        if ours:
            low = 100 * np.median([1 - cell.cnr_low / cell.cnr for cell in ours])
            high = 100 * np.median([cell.cnr_high / cell.cnr - 1 for cell in ours])
            yield f"{source}: the model's CNR range reaches {low:.0f} % below and {high:.0f} % above its CNR (median)."
    errors = reduce(add, (image.cnr or CnrErrors() for image in images))
    false, missed = sum(image.false_before for image in images), sum(image.missed_before for image in images)
    yield f"Before the keep rule: {false} false and {missed} missed cells in {len(images)} images."
    yield (
        f"Of {errors.true_cnrs} cells with an expert CNR, the model withholds it for {errors.withheld} and misses "
        f"{errors.missed}; it gives {errors.given_without_truth} CNRs where the expert mask has none."
    )
    for image in images:
        for pair in image.pairs:
            if not pair.compared:
                yield f"{image.name}: expert {told(pair.truth)}; model {told(pair.predicted)}"


def told(cell: CellMeasure | None) -> str:
    """The CNR of a cell, or why it has none."""
    if cell is None:
        return "no such cell"
    if cell.withheld:
        return " ".join(flag.words for flag in cell.flags if flag.withholds)
    return cnr_text(cell)


def cells(images: Sequence[Scored]) -> Iterator[list[str]]:
    """A row for each cell with both CNRs, the largest error first."""
    compared = [(image, pair) for image in images for pair in image.pairs if pair.compared]
    for image, pair in sorted(compared, key=lambda entry: -abs(entry[1].log_ratio)):
        assert pair.predicted is not None  # both sides have a CNR
        assert pair.truth is not None
        flags = ", ".join(flag.replace("_", " ") for flag in pair.predicted.flags)
        off = share(math.expm1(pair.log_ratio), signed=True)
        inside = "yes" if pair.truth_in_range else "no"
        yield [image.name, image.cell_type, f"{pair.truth.cnr:.2f}", cnr_text(pair.predicted), off, inside, flags]


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def section(images: Sequence[Scored], predictor: Predictor, model: Path, split: Path) -> str:
    """The part of the page that is measured."""
    made = f"Model `{predictor.info.name}` with weights `{weights_hash(model)[:12]}`, napari-leukocyte {__version__}, "
    made += f"{predictor.used}, {predictor.provenance['precision']}. Test part of `{split.name}`: {len(images)} images."
    each = ["image", "cell type", "CNR, expert", "CNR, model", "off by", "expert in range", "flags"]
    listed = list(cells(images))
    return "\n".join(
        [
            made,
            "",
            markdown(HEAD, list(lines(images))),
            "",
            *(f"- {remark}" for remark in remarks(images)),
            "",
            f"<details><summary>The {len(listed)} cells, the largest error first</summary>",
            "",
            markdown(each, listed),
            "",
            "</details>",
        ]
    )


def fill_in(page: Path, text: str, begin_mark: str = BEGIN, end_mark: str = END) -> None:
    """Put the text between the two markers of the page, which stand there once."""
    old = page.read_text(encoding="utf-8")
    before, begin, rest = old.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise LeukocyteError(f"{page} lacks {begin_mark} and {end_mark} that say where the tables go: put them in.")
    with atomic_path(page) as temporary:
        temporary.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True, help="JSON with the lists train, validation, test")
    parser.add_argument("--model", default="default", help="shipped name or weight file")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--page", type=Path, default=DOCS / "cnr.md", help="has the markers that the tables go between")
    parser.add_argument("--plot", type=Path, default=DOCS / "images" / "cnr-scatter.png", help="PNG, SVG or PDF")
    given = parser.parse_args(arguments)
    rows = [row for row in chosen_rows(given.data, given.split, "test") if not read_mask(row.mask).whole_cell]
    if not rows:
        raise LeukocyteError(f"No mask of the test part of {given.data} tells nucleus from cytoplasm: there is no CNR.")
    predictor = Predictor(given.model, device=given.device)
    if predictor.info.classes == 2:
        raise LeukocyteError(f"The model {given.model} knows no nucleus and so no CNR: give a three-class model.")
    options = Options("centre", centre=())
    images = list(score_all(rows, predictor, options))
    draw(images, given.plot)
    fill_in(given.page, section(images, predictor, model_path(given.model), given.split))
    print(f"{given.page}\n{given.plot}")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
