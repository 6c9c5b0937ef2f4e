"""Judge a model on every image of a source, over everything that it predicts: no keep rule hides a false cell.

    python benchmarks/judge.py DATA --model runs/no-krd.safetensors --sources krd
    python benchmarks/judge.py DATA --model default --split benchmarks/split.json --part test --out judged.json

A predicted cell is false when under 30 % of it lies on true cells; a true cell over 200 px is missed when under half of
it is covered. Where nuclei are known: the CNR of matched cells, as bias and 95 % limits of agreement of its logarithm,
the same for nucleus / cell in points, by cell type, and the silent gross errors: CNRs that are given without any flag
and are off by more than 20 %. ``--tight NOTES`` keeps the images of those notes' tight masks apart. How many images
are said to be unlike any that the model knows is counted, too, and how many of those with a cell IoU under 0.7.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accuracy import Options, segment
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.mask_notes import read_mask_notes
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cell_pairs import CellPair, pair_cells
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.segmentation.plausible import UNFAMILIAR

_FALSE_SHARE, _MISSED_SHARE, _MISSED_PX = 0.3, 0.5, 200
_GROSS = math.log(1.2)
_POOR = 0.7  # cell IoU below which an image should be said to be unlike any that the model knows


@dataclass(frozen=True)
class Judged:
    """One image; IoUs are NaN where the class is empty on both sides, ``matched`` leaves out what is falsely a cell.

    ``unlike`` says that the user is told that the image is unlike any that the model knows.
    """

    name: str
    cell_type: str
    ious: dict[str, float]
    matched: float
    false: int
    true: int
    missed: int
    pairs: tuple[CellPair, ...]
    unlike: bool = False


def judge(row: IndexRow, model: Method) -> Judged:
    """Segment one image at its known pixel size and compare it with its mask."""
    result = segment(row, model, Options(keep="all", centre=()))
    mask = read_mask(row.mask)
    truth = mask.classes
    cells = label_cells(truth, pixel_size=row.pixel_size)
    whole = mask.whole_cell or result.binary
    ious = {"cell": _iou(result.classes > 0, truth > 0)}
    if not whole:
        ious |= {name: _iou(result.classes == c, truth == c) for name, c in (("nucleus", 2), ("cytoplasm", 1))}
    on_truth = _share_of_each(result.cells, truth > 0)
    areas = np.bincount(cells.ravel())[1:]
    large = areas > _MISSED_PX
    covered = _share_of_each(cells, result.classes > 0)
    pairs: tuple[CellPair, ...] = ()
    if not whole:
        ours = measure_cells(result.classes, result.cells, pixel_size=row.pixel_size, remarks=result.remarks)
        theirs = measure_cells(truth, cells, pixel_size=row.pixel_size)
        pairs = pair_cells(ours, theirs, match_cells(result.cells, cells))
    return Judged(
        row.name,
        row.cell_type,
        ious,
        _iou_of_touched(result.cells, truth > 0),
        int(np.count_nonzero(on_truth < _FALSE_SHARE)),
        int(np.count_nonzero(large)),
        int(np.count_nonzero(large & (covered < _MISSED_SHARE))),
        pairs,
        result.uncertainty > UNFAMILIAR,
    )


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else math.nan


def _share_of_each(labels: NDArray[np.int32], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each label 1..n that lies ``where``."""
    n = int(labels.max(initial=0)) + 1
    share: NDArray[np.float64] = np.bincount(labels[where], minlength=n)[1:] / np.maximum(
        np.bincount(labels.ravel(), minlength=n)[1:], 1
    )
    return share


def _iou_of_touched(labels: NDArray[np.int32], truth: NDArray[np.bool_]) -> float:
    """Cell IoU without the predicted cells that are false; NaN: nothing found."""
    real = np.flatnonzero(np.r_[False, _share_of_each(labels, truth) >= _FALSE_SHARE])
    return _iou(np.isin(labels, real), truth) if real.size else math.nan


def figures(images: Sequence[Judged]) -> dict[str, Any]:
    """Means over images with 95 % intervals; false cells an image; missed cells as a share of the true ones."""
    names = list(dict.fromkeys(name for image in images for name in image.ious))
    groups = [image.name for image in images]
    iou = {name: _mean([image.ious.get(name, math.nan) for image in images], groups) for name in names}
    result: dict[str, Any] = {
        "images": len(images),
        "iou": iou,
        "score": round(_known_mean([iou[name]["mean"] for name in names]), 4),
        "matched_iou": _mean([image.matched for image in images], groups),
        "false_cells": round(float(np.mean([image.false for image in images])), 4),
        "missed_cells": round(sum(image.missed for image in images) / max(1, sum(image.true for image in images)), 4),
    }
    poor = [image for image in images if image.ious["cell"] < _POOR]
    result["unlike"] = {
        "images": sum(image.unlike for image in images),
        "poor": len(poor),
        "told_of_poor": sum(image.unlike for image in poor),
    }
    pairs = [pair for image in images for pair in image.pairs]
    if pairs:
        result["cnr"] = cnr_figures(pairs)
    return result


def _mean(values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    array = np.array(values)
    low, high = bootstrap_interval(array, groups=groups) if len(values) > 1 else (math.nan, math.nan)
    return {"mean": round(_known_mean(values), 4), "low": round(low, 4), "high": round(high, 4)}


def _known_mean(values: Sequence[float]) -> float:
    """Mean of what is not NaN; NaN of nothing."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def cnr_figures(pairs: Sequence[CellPair]) -> dict[str, Any]:
    """Agreement of the CNRs of matched cells, and how many errors nothing warned of."""
    compared = [pair for pair in pairs if pair.compared]
    true = sum(pair.truth is not None and not math.isnan(pair.truth.cnr) for pair in pairs)
    logs = np.array([pair.log_ratio for pair in compared])
    points = np.array([_nucleus_points(pair) for pair in compared])
    silent = [pair for pair in compared if pair.predicted is not None and not pair.predicted.flags]
    gross = sum(abs(pair.log_ratio) > _GROSS for pair in silent)
    if not compared:
        return {"n": 0, "true": true}
    return {
        "n": len(compared),
        "true": true,
        "median_error": round(math.expm1(float(np.median(np.abs(logs)))), 4),
        "bias": round(math.expm1(float(logs.mean())), 4),
        "limits": [round(math.expm1(float(logs.mean() + s * 1.96 * logs.std())), 4) for s in (-1, 1)],
        "nucleus_points_bias": round(float(points.mean()), 2),
        "nucleus_points_limits": [round(float(points.mean() + s * 1.96 * points.std()), 2) for s in (-1, 1)],
        "silent_gross": round(gross / len(compared), 4),
    }


def _nucleus_points(pair: CellPair) -> float:
    """By how many points of per cent nucleus / cell differs from the truth."""
    assert pair.predicted is not None
    assert pair.truth is not None
    return 100 * (pair.predicted.nucleus_fraction - pair.truth.nucleus_fraction)


def judge_all(rows: Sequence[IndexRow], model: Method) -> Iterator[Judged]:
    for i, row in enumerate(rows, start=1):
        yield judge(row, model)
        if not i % 20:
            print(f"\r{row.source}: {i} of {len(rows)} images", end="", flush=True)
    print()


def judge_source(rows: Sequence[IndexRow], model: Method, tight: frozenset[str]) -> dict[str, Any]:
    """Figures of one source: all images, those with clean masks, and by cell type."""
    images = list(judge_all(rows, model))
    types = sorted({image.cell_type for image in images if image.cell_type})
    result: dict[str, Any] = {"all": figures(images)}
    if apart := [image for image in images if image.name in tight]:
        if clean := [image for image in images if image.name not in tight]:
            result["clean"] = figures(clean)
        result["tight"] = figures(apart)
    result["cell_types"] = {t: figures([image for image in images if image.cell_type == t]) for t in types}
    scored = [image for image in images if not math.isnan(_known_mean(list(image.ious.values())))]
    order = sorted(scored, key=lambda image: _known_mean(list(image.ious.values())))
    result["worst"] = [
        {"name": i.name, **{k: round(v, 3) for k, v in i.ious.items()}, "false": i.false} for i in order[:30]
    ]
    return result


def line(source: str, f: dict[str, Any]) -> str:
    """One line for the terminal."""
    ious = ", ".join(f"{name} {value['mean']:.3f}" for name, value in f["iou"].items())
    text = f"{source:8s} {f['images']:4d}  {ious}, matched {f['matched_iou']['mean']:.3f}"
    text += f", false {f['false_cells']:.3f}, missed {100 * f['missed_cells']:.1f} %"
    unlike = f["unlike"]
    text += f", unlike any {unlike['images']} (of {unlike['poor']} poor ones {unlike['told_of_poor']})"
    cnr = f.get("cnr")
    if cnr is None:
        return text
    text += f"; CNR {cnr['n']}/{cnr['true']}"
    if cnr["n"]:
        low, high = (100 * limit for limit in cnr["limits"])
        text += f", error {100 * cnr['median_error']:.1f} %, bias {100 * cnr['bias']:+.1f} %"
        text += f", limits {low:+.0f}..{high:+.0f} %, silent gross {100 * cnr['silent_gross']:.1f} %"
    return text


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default", help="shipped name or weight file")
    parser.add_argument("--sources", nargs="*", help="default: all")
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--tight", type=Path, default=Path("benchmarks/mask_notes.json"), help="notes on the masks")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th image only, for a first look")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    rows = read_index(given.data)
    if given.part != "all":
        names = set(read_split(given.split, [row.name for row in rows])[given.part])
        rows = [row for row in rows if row.name in names]
    model = load_method(given.model)
    tight = read_mask_notes(given.tight).tight
    result: dict[str, Any] = {"model": model.name, "part": given.part, "sources": {}}
    for source in given.sources or dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source][:: given.every]
        if not own:
            raise LeukocyteError(f"No image of {source} is among those to judge.")
        result["sources"][source] = judge_source(own, model, tight)
        for key in ("all", "clean", "tight"):
            if key in result["sources"][source]:
                print(line(source if key == "all" else key, result["sources"][source][key]), flush=True)
    result["J"] = round(float(np.mean([s["all"]["score"] for s in result["sources"].values()])), 4)
    print(f"J over these sources: {result['J']:.4f}")
    if given.out:
        with atomic_path(given.out) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
