"""Score the shipped models and the active contour on the test part, natively and at 128 px as in the thesis.

    python benchmarks/methods.py DATA [--split benchmarks/split.json] [--out docs/development/methods.md]

The tables go between the markers of the page; the text around them stays. Zheng crops count the central cell on both
sides, the others all cells.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt

from accuracy import Options, chosen_rows, segment
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, Measure, score_case
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr
from napari_leukocyte.core.segmentation.method import Method, load_method

METHODS = ("default", "thesis-three-class", "thesis-binary", "active-contour")
MEASURES: tuple[Measure, ...] = ("iou", "iou_b")
CENTRE = ("zheng1", "zheng2")
START, END = "<!-- tables -->", "<!-- end of tables -->"


def case_of(row: IndexRow, method: Method) -> Case:
    """One image of the part, segmented, beside its mask."""
    result = segment(row, method, Options(None, CENTRE))
    mask = read_mask(row.mask)
    return Case(
        row.name,
        result.classes,
        mask.classes,
        binary=result.binary,
        whole_cell=mask.whole_cell,
        pixel_size=row.pixel_size,
        predicted_cells=result.cells,
        cell_type=row.cell_type,
        source=row.source,
    )


def parameters(source: str, score_at: int | None) -> EvaluationParameters:
    return EvaluationParameters(keep="centre" if source in CENTRE else "all", score_at=score_at)


def line(method: str, source: str, scores: list[ImageScore]) -> str:
    accuracy = sum(score.counts.accuracy for score in scores) / len(scores)
    values = [mean_over_images(scores, cls, measure) for cls in CLASS_NAMES for measure in MEASURES]
    cnr = pooled_cnr(scores)
    error = f"{100 * cnr.median_error:.1f} %, {100 * cnr.bias:+.1f} %" if cnr.n else ""
    cells = " | ".join(str(value) if value.value == value.value else "" for value in values)
    return f"| {method} | {source} | {len(scores)} | {accuracy:.3f} | {cells} | {error} |"


def table(cases: dict[str, list[Case]], score_at: int | None) -> Iterable[str]:
    titles = " | ".join(f"{cls} {measure}" for cls in CLASS_NAMES for measure in ("IoU", "IoU_b"))
    yield f"| method | source | images | accuracy | {titles} | CNR error, bias |"
    yield "|---" * 11 + "|"
    for method, own in cases.items():
        for source in dict.fromkeys(case.source for case in own):
            scores = [score_case(case, parameters(source, score_at)) for case in own if case.source == source]
            yield line(method, source, scores)


def plot(cases: dict[str, list[Case]], path: Path) -> None:
    """Draw how the cell IoU_b of the images spreads, a panel for each method (as the thesis's Figure 5.2)."""
    figure, panels = plt.subplots(1, len(cases), figsize=(12, 3), sharey=True, layout="constrained")
    for panel, (method, own) in zip(panels, cases.items(), strict=True):
        values = [score_case(case, parameters(case.source, None)).score("cell", "iou_b").value for case in own]
        known = [value for value in values if value == value]
        panel.hist(known, [i / 20 for i in range(21)], color="0.55", edgecolor="white")
        above = sum(value >= 0.9 for value in known)
        panel.set_title(f"{method}\n{above} of {len(known)} at 0.90 or more", fontsize=10)
        panel.set_xlabel("cell IoU_b")
    panels[0].set_ylabel("images")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--out", type=Path, default=Path("docs/development/methods.md"))
    parser.add_argument("--plot", type=Path, default=Path("docs/images/methods-iou-b.png"))
    given = parser.parse_args()
    rows = chosen_rows(given.data, given.split, "test")
    methods = {name: load_method(name) for name in METHODS}
    cases = {name: [case_of(row, method) for row in rows] for name, method in methods.items()}
    lines = ["## Native resolution", "", *table(cases, None), "", "## Scored at 128 px", "", *table(cases, 128)]
    plot(cases, given.plot)
    before, _, rest = given.out.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    text = f"{before}{START}\n\n" + "\n".join(lines) + f"\n\n{END}{after}"
    with atomic_path(given.out) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
