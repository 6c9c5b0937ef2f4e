"""How time and memory grow with the area of an image, its cells, the images of a list and those of a training set.

    python benchmarks/growth.py [area] [cells] [images] [training] [--most 1.0] [--plot docs/images/growth.png]

Time is that of one thread on the processor, so that other programs change little of it; memory is what the work takes
at its peak beside what is given to it (Linux). Each point is a process of its own. A small network with weights set by
hand takes the place of a real one, which is not what grows. ``--most`` scales the largest point of each series.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Job = Callable[[], Any]
TILE = 1000


def area(number: int, place: Path) -> Job:
    """An image of so many megapixels, of one drawn tile again and again: to class map, labels and flags."""
    from napari_leukocyte.core.imaging.image_list import sources_from_array
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.core.segmentation.segment import method_of, segment_plane
    from napari_leukocyte.core.synthetic.smear import draw_field
    from tiny_model import tiny_model

    tile = draw_field(seed=1, size=(TILE, TILE), px_per_um=6, n_cells=8).image
    rows = max(1, round(number**0.5))
    image = np.tile(tile, (rows, round(number / rows), 1))
    (source,) = sources_from_array(image, name="field", rgb=True, pixel_size=PixelSize(1 / 6, "drawn"))
    parameters = SegmentParameters(model=str(tiny_model(place / "tiny.safetensors")), device="cpu", engine="torch")
    predictor = method_of(parameters)
    list(segment_plane(source, parameters, predictor))  # everything is loaded
    return lambda: list(segment_plane(source, parameters, predictor))


def cells(number: int, place: Path) -> Job:  # noqa: ARG001 - all have one form
    """A class map with so many cells: to labels and measures."""
    from napari_leukocyte.core.cells.labels import label_cells
    from napari_leukocyte.core.cells.measures import measure_cells

    side = 40
    y, x = np.mgrid[:side, :side] - side / 2
    cell = np.where(np.hypot(y, 1.1 * x) < 9, 2, np.where(np.hypot(1.1 * y, x) < 15, 1, 0)).astype(np.uint8)
    rows = max(1, int(number**0.5))
    classes: NDArray[np.uint8] = np.tile(cell, (rows, number // rows))

    def job() -> None:
        labels = label_cells(classes, pixel_size=0.5)
        assert len(measure_cells(classes, labels, pixel_size=0.5)) == rows * (number // rows)

    return job


def images(number: int, place: Path) -> Job:
    """A folder of so many crops: ``segment`` in one process, with maps, table and record."""
    from PIL import Image

    from napari_leukocyte.cli import app
    from napari_leukocyte.core.synthetic.smear import draw_cell
    from tiny_model import tiny_model

    model, rng = str(tiny_model(place / "tiny.safetensors")), np.random.default_rng(0)
    crop = draw_cell(seed=1, size=(64, 64), px_per_um=4).image
    (place / "in").mkdir()
    for i in range(number):
        other = crop.copy()
        other[rng.integers(64), rng.integers(64)] = rng.integers(0, 255, 3)
        Image.fromarray(other).save(place / "in" / f"{i}.png")

    def job() -> None:
        options = ["--model", model, "--pixel-size", "0.25", "--jobs", "1", "--engine", "torch"]
        try:
            app(["segment", str(place / "in"), "--out", str(place / "out"), *options])
        except SystemExit as end:
            if end.code:
                raise RuntimeError("segment failed") from end

    return job


def training(number: int, place: Path) -> Job:
    """A training set to which so many images are added, one after the other."""
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    made = TrainingSet.create(place / "set", pixel_size=0.1)
    rng = np.random.default_rng(0)

    def job() -> None:
        for i in range(number):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            made.add_image(image, name=f"{i}.png", group=f"slide {i // 50}")

    return job


# what makes the job, the unit, and the points
SERIES: dict[str, tuple[Callable[[int, Path], Job], str, tuple[int, ...]]] = {
    "area": (area, "megapixels", (4, 9, 25, 64)),
    "cells": (cells, "cells", (1_000, 5_000, 25_000, 100_000)),
    "images": (images, "images", (1_250, 2_500, 5_000, 10_000, 20_000)),
    "training": (training, "training images", (625, 1_250, 2_500, 5_000)),
}


def memory(field: str) -> float:
    """Of this process, MB: ``VmRSS`` now, ``VmHWM`` at the peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def point(name: str, number: int) -> dict[str, float]:
    """Measure one point, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        job = SERIES[name][0](number, Path(folder))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        before, started = memory("VmRSS"), time.process_time()
        job()
        taken = time.process_time() - started
        return {"number": number, "seconds": taken, "mb": memory("VmHWM") - before}


def measured(name: str, most: float) -> list[dict[str, float]]:
    """All points of a series, said as they come."""
    points = []
    _, unit, numbers = SERIES[name]
    for number in (max(1, round(most * one)) for one in numbers):
        command = [sys.executable, __file__, "--point", name, str(number)]
        # threads that wait for each other may spin, which is no work
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            sys.exit(done.stderr)
        points.append(json.loads(done.stdout.splitlines()[-1]))
        each = 1000 * points[-1]["seconds"] / number
        print(
            f"{number:7d} {unit:16s} {points[-1]['seconds']:8.2f} s  {each:9.3f} ms each  {points[-1]['mb']:7.0f} MB",
            flush=True,
        )
    return points


def plot(series: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Time for each unit, which is flat where time is linear, and memory."""
    from matplotlib.figure import Figure

    from napari_leukocyte.core.files import atomic_path

    figure = Figure(figsize=(2.2 * len(series), 3.6), layout="constrained", facecolor="white")
    rows: dict[str, Callable[[dict[str, float]], float]] = {
        "ms for each": lambda one: 1000 * one["seconds"] / one["number"],
        "memory, MB": lambda one: one["mb"],
    }
    for row, (label, value) in enumerate(rows.items()):
        for column, (name, points) in enumerate(series.items()):
            axes = figure.add_subplot(2, len(series), row * len(series) + column + 1)
            axes.plot([one["number"] for one in points], [value(one) for one in points], "o-", color="#0072B2", ms=3)
            axes.set_ylim(0, 1.15 * max(value(one) for one in points))
            axes.set_xlim(left=0)
            axes.locator_params(nbins=4)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=7)
            axes.set_xlabel(SERIES[name][1] if row else "", fontsize=8)
            axes.set_ylabel(label if column == 0 else "", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("series", nargs="*", metavar="SERIES", help=f"of {', '.join(SERIES)}; all")
    parser.add_argument("--most", type=float, default=1.0, help="times the number of each point")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--results", type=Path, help="JSON to which points are added, and that is drawn")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        print(json.dumps(point(given.point[0], int(given.point[1]))))
        return
    there = given.results is not None and given.results.exists()
    found = json.loads(given.results.read_text(encoding="utf-8")) if there else {}
    for name in given.series or SERIES:
        found[name] = measured(name, given.most)
        if given.results:
            given.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.plot:
        plot({name: found[name] for name in SERIES if name in found}, given.plot)


if __name__ == "__main__":
    main()
