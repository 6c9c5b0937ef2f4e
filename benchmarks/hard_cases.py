"""Score models on the hard cells of the validation part, one by one and by name.

    python benchmarks/hard_cases.py DATA [--models default thesis-three-class]

The cells were picked by eye for what makes them hard, after the scores of the default model had been seen: they say how
a model fares on such cells beside another, not how often such cells fail.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from accuracy import Options, score
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.dataset import read_index
from napari_leukocyte.core.scoring.figures import number, share
from napari_leukocyte.core.scoring.metrics import iou
from napari_leukocyte.core.segmentation.method import load_method
from summary import Scored

CASES = {
    "thin rim": ("zheng1/080", "zheng1/095", "zheng1/098", "zheng1/114", "zheng1/138", "zheng2/048", "zheng2/052"),
    "pale cytoplasm": ("zheng1/036", "zheng1/194", "zheng1/230", "zheng1/236", "zheng2/005"),
    "threads and pseudopods": ("zheng2/011", "zheng2/045", "zheng2/071"),
    "vacuole or gap": ("zheng1/052", "zheng2/002", "zheng2/096"),
}
CLASSES = ("cell", "nucleus", "cytoplasm")


def figures(scored: Scored) -> list[float]:
    """IoU of each class, then the log ratio of the CNRs; NaN where there is none."""
    compared = [pair.log_ratio for pair in scored.pairs if pair.compared]
    return [iou(scored.counts.classes[cls]).value for cls in CLASSES] + [compared[0] if compared else np.nan]


def row(label: str, values: Sequence[Sequence[float]], *, signed: bool = True) -> str:
    """One line of the table: the figures of each model in turn."""
    cells = [label]
    for model in values:
        *ious, error = model
        cells += [number(value, 3) for value in ious] + [share(error, signed=signed)]
    return "| " + " | ".join(cells) + " |"


def mean(cells: Sequence[Sequence[float]]) -> list[float]:
    """Mean IoUs, and the mean size of the CNR error."""
    table = np.array(cells)
    table[:, -1] = np.abs(table[:, -1])
    return [float(value) for value in np.nanmean(table, axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["default", "thesis-three-class"])
    given = parser.parse_args()
    rows = {f"{one.source}/{one.image.stem}": one for one in read_index(given.data)}
    methods = [load_method(model) for model in given.models]
    options = Options(keep="centre", centre=())
    print("| cell | " + " | ".join(f"{m.name} {text}" for m in methods for text in (*CLASSES, "CNR error")) + " |")
    print("|---" * (1 + 4 * len(methods)) + "|")
    for kind, names in CASES.items():
        scores = {name: [figures(score(rows[name], method, options)) for method in methods] for name in names}
        for name, values in scores.items():
            print(row(f"{kind}: {name}", values))
        means = [mean([values[i] for values in scores.values()]) for i in range(len(methods))]
        print(row(f"**{kind}, mean**", means, signed=False))


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
