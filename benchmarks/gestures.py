"""How many gestures a cell takes: a simulated annotator corrects until the mask is as good as an expert's.

    python benchmarks/gestures.py DATA [--sources zheng1 zheng2] [--start empty default] [--out gestures.json]

The first gesture, from an empty map, is "cell" at the innermost point of the true nucleus (of the cell, where nuclei
are not known; ``--anywhere``: anywhere in the nucleus or the cytoplasm). Then the largest connected error, by its true
class, gets one click at its innermost point, up to 2 px off, until cell IoU is 0.95 and nucleus IoU 0.93, at most 20.
"""

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import napari_leukocyte as nl
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.interactive.session import GestureSession, load_gesture_model
from napari_leukocyte.core.interactive.stroke import Kind, Stroke
from napari_leukocyte.core.model.card import model_card
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.model.weights import GESTURE_MODEL, model_path, read_info

MOST = 20
GOAL_CELL, GOAL_NUCLEUS = 0.95, 0.93
_JITTER = 2.0  # px
_SMALLEST = 20.0  # um2: less is no cell
_KINDS: tuple[Kind, Kind, Kind] = ("background", "cytoplasm", "nucleus")

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Course:
    """How one cell went: IoU and signed relative CNR error before the first gesture and after each, and seconds."""

    name: str
    cell: list[float]
    nucleus: list[float]
    cnr_error: list[float]
    seconds: list[float]
    needed: int
    reached: bool


def iou(a: Mask, b: Mask) -> float:
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def innermost(area: Mask) -> NDArray[np.float64]:
    # one pixel of frame: a cell cut by the image edge is deep there, but nobody clicks on the very edge
    depth = ndimage.distance_transform_edt(np.pad(area, 1))[1:-1, 1:-1]
    return np.array(np.unravel_index(int(depth.argmax()), area.shape), np.float64)


def jittered(point: NDArray[np.float64], shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    angle, distance = rng.uniform(0, 2 * np.pi), _JITTER * np.sqrt(rng.random())
    moved = point + distance * np.array([np.sin(angle), np.cos(angle)])
    inside: NDArray[np.float64] = np.clip(moved, 0, np.array(shape) - 1)
    return inside


def first_gesture(truth: Map, anywhere: bool, rng: np.random.Generator) -> Stroke:
    nucleus = truth == 2
    if not anywhere:
        return Stroke("cell", innermost(nucleus if nucleus.any() else truth > 0))
    part = truth == rng.integers(1, 3)
    ys, xs = np.nonzero(part if part.any() else truth > 0)
    i = int(rng.integers(len(ys)))
    return Stroke("cell", (ys[i], xs[i]))


def next_gesture(classes: Map, truth: Map, whole: bool, rng: np.random.Generator) -> Stroke | None:
    """A click on the largest connected error of one true class; None: there is none."""
    best: tuple[int, int, Mask] | None = None
    shown = np.minimum(classes, 1) if whole else classes
    for value in range(2 if whole else 3):
        parts, count = ndimage.label((shown != truth) & (truth == value))
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            if best is None or sizes.max() > best[0]:
                best = int(sizes.max()), value, parts == int(sizes.argmax()) + 1
    if best is None:
        return None
    _, value, area = best
    kind: Kind = "cell" if whole and value == 1 else _KINDS[value]
    return Stroke(kind, jittered(innermost(area), area.shape, rng))


def correct(session: GestureSession, start: Map, truth: Map, *, name: str, whole: bool, anywhere: bool) -> Course:
    """Correct one cell until it is good enough."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    classes = start.copy()
    cells = label_cells(classes, pixel_size=session.um)
    true_cnr = _cnr(truth)
    course = Course(name, [], [], [], [], 0, False)
    strokes: list[Stroke] = []

    def note() -> bool:
        course.cell.append(iou(classes > 0, truth > 0))
        course.nucleus.append(float("nan") if whole else iou(classes == 2, truth == 2))
        course.cnr_error.append(float("nan") if whole else _cnr(classes) / true_cnr - 1)
        return bool(course.cell[-1] >= GOAL_CELL and (whole or course.nucleus[-1] >= GOAL_NUCLEUS))

    done = note()
    while not done and len(strokes) < MOST:
        stroke = (
            next_gesture(classes, truth, whole, rng)
            if strokes or classes.any()
            else first_gesture(truth, anywhere, rng)
        )
        if stroke is None:
            break
        began = process_time()
        change = session.follow(classes, cells, stroke, strokes)
        course.seconds.append(process_time() - began)
        classes[change.box], cells[change.box] = change.classes, change.cells
        strokes.append(stroke)
        done = note()
    needed = len(strokes) if done else MOST
    return Course(name, course.cell, course.nucleus, course.cnr_error, course.seconds, needed, done)


def _cnr(classes: Map) -> float:
    """Cytoplasm over nucleus of all that is there; NaN without a nucleus."""
    nucleus = np.count_nonzero(classes == 2)
    return np.count_nonzero(classes == 1) / nucleus if nucleus else float("nan")


def courses(row: IndexRow, network: Any, start: str, anywhere: bool) -> Iterator[Course]:
    """Correct every cell of an image, each by itself."""
    mask = read_mask(row.mask)
    if mask.whole_cell:  # without nuclei a long cell may be cut in two: each connected piece counts as one cell
        cells = ndimage.label(mask.classes > 0, structure=np.ones((3, 3)))[0]
    else:
        cells = label_cells(mask.classes, pixel_size=row.pixel_size)
    session = GestureSession(read_image(row.image).array, model=network, pixel_size=row.pixel_size)
    result = None if start == "empty" else nl.segment(row.image, pixel_size=row.pixel_size, keep="all", model=start)
    for number in range(1, int(cells.max()) + 1):
        own = cells == number
        if np.count_nonzero(own) * row.pixel_size**2 < _SMALLEST:
            continue
        truth = np.where(own, mask.classes, 0).astype(np.uint8)
        given = np.zeros_like(truth)
        if result is not None:  # of the model's map, the cells that lie on this one
            sizes = np.bincount(result.cells.ravel())
            inside = np.bincount(result.cells[own], minlength=len(sizes))
            given = np.where(np.isin(result.cells, np.flatnonzero(inside > 0.3 * sizes)), result.classes, 0)
            given = given.astype(np.uint8)
        yield correct(session, given, truth, name=f"{row.name}:{number}", whole=mask.whole_cell, anywhere=anywhere)


def figures(found: Sequence[Course]) -> dict[str, Any]:
    def after(values: str, n: int) -> float:
        return float(np.mean([getattr(c, values)[min(n, len(c.cell) - 1)] for c in found]))

    needed = np.array([c.needed for c in found])
    seconds = np.concatenate([c.seconds for c in found]) if any(c.seconds for c in found) else np.zeros(1)
    steps = np.array([b - a for c in found for a, b in zip(c.cell[:-1], c.cell[1:], strict=True) if a > 0])
    return {
        "cells": len(found),
        "cell": [round(after("cell", n), 4) for n in range(4)],
        "nucleus": [round(after("nucleus", n), 4) for n in range(4)],
        "cnr_bias": [
            round(float(np.nanmedian([c.cnr_error[min(n, len(c.cell) - 1)] for c in found])), 4)
            if any(np.isfinite(c.cnr_error[min(n, len(c.cell) - 1)]) for c in found)
            else None
            for n in range(4)
        ],
        "mean": round(float(needed.mean()), 2),
        "median": float(np.median(needed)),
        "failed": round(float(np.mean([not c.reached for c in found])), 4),
        "worse_2": round(float((steps < -0.02).mean()), 4) if steps.size else None,
        "worse_10": round(float((steps < -0.10).mean()), 4) if steps.size else None,
        "ms_median": round(1000 * float(np.median(seconds)), 1),
        "ms_95": round(1000 * float(np.quantile(seconds, 0.95)), 1),
    }


def table(result: dict[str, dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| source, from | cells | cell IoU after 0, 1, 2, 3 | nucleus IoU after 0, 1, 2, 3 | gestures: mean, median | "
        "not in 20 | worse by > 2, > 10 points | ms: median, 95 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, f in result.items():
        cell = ", ".join(f"{v:.3f}" for v in f["cell"])
        nucleus = ", ".join(f"{v:.3f}" for v in f["nucleus"]) if np.isfinite(f["nucleus"]).all() else ""
        worse = "" if f["worse_2"] is None else f"{100 * f['worse_2']:.1f} %, {100 * f['worse_10']:.1f} %"
        lines.append(
            f"| {name} | {f['cells']} | {cell} | {nucleus} | {f['mean']:.1f}, {f['median']:g} | "
            f"{100 * f['failed']:.0f} % | {worse} | {f['ms_median']:.0f}, {f['ms_95']:.0f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", help="weight file that follows gestures; default: the shipped one")
    parser.add_argument("--sources", nargs="*", default=["zheng1", "zheng2"])
    parser.add_argument("--start", nargs="*", default=["empty", "default"], help="empty, or a model that segments")
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--part", choices=[*PARTS, "all"], default="test")
    parser.add_argument("--anywhere", action="store_true", help="first click anywhere in nucleus or cytoplasm")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th image only, for a first look")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--card", action="store_true", help="put the table into the card beside the weights")
    given = parser.parse_args(arguments)
    rows = read_index(given.data)
    if given.part != "all":
        names = set(read_split(given.split, [row.name for row in rows])[given.part])
        rows = [row for row in rows if row.name in names]
    network = load_gesture_model(given.model)
    result: dict[str, dict[str, Any]] = {}
    every: dict[str, list[dict[str, Any]]] = {}
    for start in given.start:
        for source in given.sources:
            own = [row for row in rows if row.source == source][:: given.every]
            if not own:
                raise LeukocyteError(f"No image of {source} is among those to correct.")
            found = [course for row in own for course in courses(row, network, start, given.anywhere)]
            result[f"{source}, {start}"] = figures(found)
            every[f"{source}, {start}"] = [asdict(course) for course in found]
            print(json.dumps({f"{source}, {start}": result[f"{source}, {start}"]}), flush=True)
    text = table(result)
    print(text)
    if given.card:
        if given.part != "test" or given.every > 1:
            raise LeukocyteError("A card shows the whole test part.")
        path = model_path(given.model or GESTURE_MODEL)
        section = f"By a simulated annotator (benchmarks/gestures.py), from nothing or from a model's map:\n\n{text}"
        with atomic_path(path.with_suffix(".md")) as temporary:
            temporary.write_text(model_card(read_info(path), [("Gestures a cell", section)]) + "\n", encoding="utf-8")
    if given.out:
        with atomic_path(given.out) as temporary:
            content = {"model_sha256": network.hash, "part": given.part, "figures": result, "courses": every}
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
