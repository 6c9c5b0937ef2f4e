"""Whether engines agree: how far the CNR of a cell moves from torch in float32 to another one, by source.

    python benchmarks/engines.py DATA --split benchmarks/split.json [--calibrate 8] [--images 30] [--bfloat16]

The images are of the parts that trained nothing. ``--calibrate N`` first calibrates the model for 8-bit integers, on N
images of each source of the training part, and writes that beside its weights. ``--bfloat16`` adds torch in bfloat16,
which most processors only emulate.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from accuracy import chosen_rows, every_cell
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.imaging.image_list import ImageSource, sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.cell_pairs import CellPair, pair_cells
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.segmentation.calibration import calibrate
from napari_leukocyte.core.segmentation.predictor import Predictor

SOURCES = ("zheng1", "zheng2", "bccd")


def source_of(row: IndexRow) -> ImageSource:
    file = read_image(row.image)
    size = PixelSize(row.pixel_size, "index.csv")
    return sources_from_array(file.array, name=row.name, rgb=file.rgb, pixel_size=size)[0]


def drawn(rows: Sequence[IndexRow], each: int, sources: Sequence[str] = ()) -> list[IndexRow]:
    """So many rows of each source at most, always the same ones."""
    chosen: list[IndexRow] = []
    for source in sources or sorted({row.source for row in rows}):
        of_it = [row for row in rows if row.source == source]
        chosen += random.Random(1).sample(of_it, min(each, len(of_it)))
    return chosen


def measured(result: Segmentation, row: IndexRow) -> list[CellMeasure]:
    return measure_cells(result.classes, result.cells, pixel_size=row.pixel_size)


def pairs(one: Segmentation, other: Segmentation, row: IndexRow) -> tuple[CellPair, ...]:
    return pair_cells(measured(other, row), measured(one, row), match_cells(other.cells, one.cells))


def lines(rows: Sequence[IndexRow], engines: dict[str, Predictor]) -> Iterator[str]:
    """A line for each source and engine; the first engine is what the others are compared with."""
    times = dict.fromkeys(engines, 0.0)
    for source in dict.fromkeys(row.source for row in rows):
        off: dict[str, list[float]] = {name: [] for name in engines}
        lost = dict.fromkeys(engines, 0)
        for row in (row for row in rows if row.source == source):
            image, first = source_of(row), None
            for name, engine in engines.items():
                start = perf_counter()
                result = every_cell(image, engine)
                times[name] += perf_counter() - start
                first = first or result
                for pair in pairs(first, result, row):
                    lost[name] += pair.predicted is None or pair.truth is None
                    off[name] += [abs(np.expm1(pair.log_ratio))] if pair.compared else []
        for name in list(engines)[1:]:
            median, high, most = (100 * np.quantile(off[name], q) for q in (0.5, 0.95, 1))
            yield (
                f"{source:8s} {name:18s} {len(off[name]):4d} cells  median {median:.3f} %  95 % {high:.3f} %  "
                f"most {most:.2f} %  without partner {lost[name]}"
            )
    for name, seconds in times.items():
        yield f"{name:18s} {seconds / times[next(iter(engines))]:.2f} of the time of the first, end to end"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--images", type=int, default=30, help="of each source")
    parser.add_argument("--calibrate", type=int, metavar="N")
    parser.add_argument("--bfloat16", action="store_true")
    given = parser.parse_args(arguments)
    if given.calibrate:
        rows = drawn(chosen_rows(given.data, given.split, "train"), given.calibrate)
        for _ in calibrate(given.model, [source_of(row) for row in rows]):
            pass
        print(f"calibrated on {len(rows)} images")
    engines = {"torch float32": Predictor(given.model, device="cpu", engine="torch")}
    engines["torch float32"].bfloat16 = False
    for engine in ("fast", "fast-int8"):
        made = Predictor(given.model, device="cpu", engine=engine)
        engines[f"{engine} {made.provenance['precision']}"] = made
    if given.bfloat16:
        engines["torch bfloat16"] = Predictor(given.model, device="cpu", engine="torch")
        engines["torch bfloat16"].bfloat16 = True
    untrained = [row for part in ("test", "validation") for row in chosen_rows(given.data, given.split, part)]
    for line in lines(drawn(untrained, given.images, SOURCES), engines):
        print(line, flush=True)


if __name__ == "__main__":
    main()
