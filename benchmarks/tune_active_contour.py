"""Search the parameters of the active contour on the training part.

    python benchmarks/tune_active_contour.py DATA --split benchmarks/split.json --out tuning.jsonl

Takes up to ``--images`` images of each source, evenly spread over the training part, and maximises the mean of cell IoU
and nucleus IoU (each the mean over the sources that have it). The first trial is the package's own parameters, or the
best of an earlier ``--out`` file given with ``--start``; then a share of the trials is drawn at random and the rest
changes one to four values of the best so far. Each trial is one line of JSON.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accuracy import Options, chosen_rows
from napari_leukocyte.core.cells.keep import Keep, keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.segmentation.active_contour import ActiveContour
from napari_leukocyte.core.segmentation.cleaning import clean_class_map
from napari_leukocyte.core.segmentation.contour_parameters import ActiveContourParameters
from napari_leukocyte.core.segmentation.windowed import Prediction

GRID: dict[str, tuple[float, ...]] = {
    "darkest": (0.03, 0.05, 0.08, 0.12),
    "red": (0.0, 0.1, 0.3, 0.6, 1.0),
    "blue": (-0.9, -0.8, -0.5, -0.2, 0.0),
    "seed": (0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "lobe_gap": (2.0, 3.0, 4.0, 5.0),
    "blur": (0.1, 0.15, 0.2, 0.3, 0.4),
    "nucleus_level": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55),
    "nucleus_smoothing": (0.1, 0.15, 0.2, 0.3, 0.45),
    "nucleus_force": (0.3, 0.4, 0.45),
    "start": (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0),
    "reach": (5.0, 6.0, 7.0, 8.0, 10.0),
    "cell_smoothing": (0.3, 0.5, 0.65, 0.8, 1.0, 1.3),
    "cell_force": (0.15, 0.2, 0.25, 0.35, 0.45),
    "pull": (0.0, 0.2, 0.4, 0.7, 1.0, 1.5),
    "background_gap": (0.0, 1.0, 2.0, 3.0, 4.5),
    "background_weight": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    "bins": (12, 16, 24, 32),
    "bandwidth": (0.5, 0.7, 1.0, 1.5, 2.0),
    "opening": (0.5, 0.8, 1.2, 1.6, 2.0, 2.5),
}


@dataclass(frozen=True)
class Case:
    """One training image with what is compared."""

    row: IndexRow
    image: NDArray[Any]
    truth: NDArray[np.uint8]
    rule: Keep
    whole_cell: bool


def read_cases(rows: Sequence[IndexRow], per_source: int) -> Iterator[Case]:
    options = Options(None, ("zheng1", "zheng2"))
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source]
        for i in np.linspace(0, len(own) - 1, min(per_source, len(own))).round().astype(int):
            row, rule = own[i], options.rule(source)
            mask = read_mask(row.mask)
            um = row.pixel_size
            truth, _ = keep_maps(mask.classes, label_cells(mask.classes, pixel_size=um), rule, pixel_size=um)
            yield Case(row, np.asarray(read_image(row.image).array), truth, rule, mask.whole_cell)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return int(np.count_nonzero(a & b)) / max(1, int(np.count_nonzero(a | b)))


def segment(case: Case, method: ActiveContour) -> NDArray[np.uint8]:
    um = case.row.pixel_size
    *_, prediction = method.predict(case.image, find_conversion(case.image), pixel_size=um)
    assert isinstance(prediction, Prediction)  # the last event
    classes = prediction.classes
    clean_class_map(classes, pixel_size=um, binary=False)
    return keep_maps(classes, label_cells(classes, pixel_size=um), case.rule, pixel_size=um)[0]


def trial(cases: Sequence[Case], parameters: ActiveContourParameters) -> dict[str, Any]:
    """Mean IoUs for each source, and what is maximised."""
    method = ActiveContour(parameters)
    cell: dict[str, list[float]] = {}
    nucleus: dict[str, list[float]] = {}
    for case in cases:
        classes = segment(case, method)
        cell.setdefault(case.row.source, []).append(iou(classes > 0, case.truth > 0))
        if not case.whole_cell:
            nucleus.setdefault(case.row.source, []).append(iou(classes == 2, case.truth == 2))
    means = [{source: round(float(np.mean(v)), 4) for source, v in ious.items()} for ious in (cell, nucleus)]
    score = float(np.mean([np.mean(list(mean.values())) for mean in means]))
    return {"score": round(score, 4), "cell": means[0], "nucleus": means[1], "parameters": asdict(parameters)}


def search(
    cases: Sequence[Case], start: ActiveContourParameters, *, trials: int, random_share: float, seed: int
) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    best = trial(cases, start)
    yield best
    for i in range(trials):
        values = dict(best["parameters"])
        names = list(GRID) if i < random_share * trials else rng.choice(list(GRID), rng.integers(1, 5), replace=False)
        for name in names:
            values[str(name)] = GRID[str(name)][rng.integers(len(GRID[str(name)]))]
        tried = trial(cases, ActiveContourParameters(**values))
        best = max(best, tried, key=lambda result: float(result["score"]))
        yield tried


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--images", type=int, default=20, help="of each source")
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--random", type=float, default=0.4, help="share of the trials drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=Path, nargs="*", default=[], help="files of earlier trials: their best starts")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    cases = list(read_cases(chosen_rows(given.data, given.split, "train"), given.images))
    earlier = [json.loads(line) for path in given.start for line in path.read_text().splitlines()]
    start = max(earlier, key=lambda result: float(result["score"]))["parameters"] if earlier else {}
    results = search(
        cases, ActiveContourParameters(**start), trials=given.trials, random_share=given.random, seed=given.seed
    )
    best = -1.0
    with given.out.open("w", encoding="utf-8") as file:
        for i, result in enumerate(results):
            print(json.dumps(result), file=file, flush=True)
            if result["score"] > best:
                best = result["score"]
                print(f"{i}: {best:.4f} cell {result['cell']} nucleus {result['nucleus']}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
