"""What docs/development/gesture-protocol.md measured: seconds, strokes and quality of masks that people made.

    python benchmarks/protocol.py DRAWN SET [SET ...] [--without NAME ...]

DRAWN is the folder that ``napari-leukocyte synth`` drew. The name of each training set ends in its tool, as in
``A-odd-brush`` and ``A-even-gestures``. The masks of a set were accepted one after the other, so the time of a cell is
that since the acceptance before it; the first cell is the starting shot and does not count.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.text import columns
from napari_leukocyte.core.training_set.training_set import TrainingSet

FIGURES = ("seconds", "strokes", "cell IoU", "nucleus IoU", "CNR off")


@dataclass(frozen=True)
class Made:
    """One cell as a person made it; ``figures`` in the order of `FIGURES`."""

    name: str
    person: str
    tool: str
    figures: tuple[float, ...]


def read_set(folder: Path, drawn: Path, without: Sequence[str]) -> list[Made]:
    """Read what was accepted into a training set.

    Raises
    ------
    LeukocyteError
        When the set or a drawn mask cannot be read.
    """
    opened = TrainingSet.open(folder)
    names = {image.id: image.name for image in opened.images()}
    versions = sorted((one for image in names for one in opened.versions(image)), key=lambda one: one.when)
    person, tool = folder.name.partition("-")[0], folder.name.rpartition("-")[2]
    made = []
    for before, version in pairwise(versions):
        name = names[version.image]
        if version.revoked or Path(name).stem in without:
            continue
        classes, _ = opened.read_mask(version)
        truth = read_mask(next((drawn / "masks").glob(f"{Path(name).stem}.*"))).classes
        origin = version.facts.made_with
        strokes = float("nan") if origin is None else float(sum(origin.strokes.values()))
        quality = (
            *(_iou(classes >= value, truth >= value) for value in (1, 2)),
            _cnr(classes) / _cnr(truth) - 1,
        )
        seconds = (version.when - before.when).total_seconds()
        made.append(Made(name, person, tool, (seconds, strokes, *quality)))
    return made


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 1.0


def _cnr(classes: NDArray[np.uint8]) -> float:
    nucleus = np.count_nonzero(classes == 2)
    return np.count_nonzero(classes == 1) / nucleus if nucleus else float("nan")


def report(made: Sequence[Made]) -> str:
    """Medians by person and tool, and how many times more the brush took."""
    rows = [["person", "tool", "cells", *FIGURES]]
    for person, tool in sorted({(one.person, one.tool) for one in made}):
        own = np.array([one.figures for one in made if (one.person, one.tool) == (person, tool)])
        medians = np.nanmedian(own, axis=0)
        shown = [f"{medians[0]:.0f}", f"{medians[1]:.0f}", *(f"{value:.3f}" for value in medians[2:4])]
        rows.append([person, tool, str(len(own)), *shown, f"{100 * medians[4]:+.1f} %"])
    lines = columns(rows)
    by_cell: dict[str, dict[str, Made]] = {}
    for one in made:
        by_cell.setdefault(one.name, {})[one.tool] = one
    both = [cell for cell in by_cell.values() if {"brush", "gestures"} <= cell.keys()]
    for i, name in enumerate(FIGURES[:2]) if both else ():
        ratios = [cell["brush"].figures[i] / max(cell["gestures"].figures[i], 1) for cell in both]
        low, high = bootstrap_interval(ratios, statistic=lambda values: float(np.median(values)))
        lines.append(f"{name}: {np.median(ratios):.1f} times as many by brush ({low:.1f} to {high:.1f})")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("drawn", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--without", nargs="*", default=[], help="names of images that are left out, without suffix")
    given = parser.parse_args(arguments)
    print(report([one for folder in given.sets for one in read_set(folder, given.drawn, given.without)]))


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
