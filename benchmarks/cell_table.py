"""How long the cell table of the Measure dock holds the window, with tens of thousands of rows.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/cell_table.py [--cells 50000] [--images 2500] [--cpu]

Made-up cells fill the table of a shown window, which is sorted by each column, up and down, while one image after the
other changes as a stroke changes it. Each time is that of the call and of all that Qt does for it before it rests; the
summary of all cells, which the dock writes when the hand rests, is timed beside it. On a machine that has other work,
--cpu counts the time of the processor.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter, process_time

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.summary import summarise
from napari_leukocyte.plugin.measure.cell_table import CellTable
from napari_leukocyte.plugin.measure.columns import COLUMNS, CellRow

_FLAGS = ((), (), (), (Flag.TOUCHING,), (Flag.EDITED,), (Flag.CUT_BY_EDGE,), (Flag.TOUCHING, Flag.LOW_CONFIDENCE))


def cells(count: int, rng: np.random.Generator) -> list[CellMeasure]:
    """Cells with plausible figures, of which some have no CNR."""
    found = []
    for number in range(1, count + 1):
        cnr, nucleus = float(rng.lognormal(0.3, 0.5)), int(rng.integers(2000, 6000))
        flags = _FLAGS[int(rng.integers(len(_FLAGS)))]
        figures = (cnr, 0.9 * cnr, 1.1 * cnr, 1 / cnr, 1 / (1 + cnr))
        if any(flag.withholds for flag in flags):
            figures = (math.nan,) * 5
        cytoplasm = round(cnr * nucleus)
        found.append(
            CellMeasure(number, 9.0, 9.0, *figures, cytoplasm, nucleus, 0.01 * cytoplasm, 0.01 * nucleus, flags)
        )
    return found


clock = perf_counter


def timed(job: Callable[[], object]) -> float:
    """Milliseconds until a call and the events that it raised are done."""
    start = clock()
    job()
    QApplication.processEvents()
    return 1000 * (clock() - start)


def told(name: str, ms: list[float]) -> str:
    return f"{name:44s} median {np.median(ms):7.1f} ms, at most {max(ms):7.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--images", type=int, default=2500)
    parser.add_argument("--cpu", action="store_true")
    given = parser.parse_args()
    if given.cpu:
        global clock
        clock = process_time
    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    rng = np.random.default_rng(0)
    each = given.cells // given.images
    measures = {image: cells(each, rng) for image in range(given.images)}

    def rows(image: int) -> list[CellRow]:
        return [CellRow(image, f"smear_{image:04d}.png", one) for one in measures[image]]

    def stroke(image: int) -> None:
        """One cell of an image has another CNR."""
        first = measures[image][0]
        cnr = first.cnr * 1.02
        measures[image][0] = replace(first, cnr=cnr, cytoplasm_px=first.cytoplasm_px + 40)
        table.cells.set_rows(image, rows(image))

    def cell_more(image: int) -> None:
        """A cell of an image was split, and another deleted."""
        measures[image] = [*measures[image][1:], replace(measures[image][0], cell=measures[image][-1].cell + 1)]
        table.cells.set_rows(image, rows(image))

    table = CellTable()
    table.resize(400, 500)
    table.show()
    QApplication.processEvents()
    everything = {image: rows(image) for image in measures}
    print(f"{given.images * each} cells of {given.images} images")
    print(told("filled", [timed(lambda: table.cells.set_all(everything))]))
    sorts, strokes, changes = list[float](), list[float](), list[float]()
    for column in range(len(COLUMNS)):
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            sorts.append(timed(lambda column=column, order=order: table.sortByColumn(column, order)))  # type: ignore[misc]
            for image in rng.integers(given.images, size=3).tolist():
                strokes.append(timed(lambda image=image: stroke(image)))  # type: ignore[misc]
                changes.append(timed(lambda image=image: cell_more(image)))  # type: ignore[misc]
    print(told("sorted by a column", sorts))
    print(told("one cell changed, sorted", strokes))
    print(told("a cell gone and a new one, sorted", changes))
    print(
        told(
            "one image, and all again",
            [timed(lambda: table.cells.show_only([7])), timed(lambda: table.show_only(None))],
        )
    )
    every = [one for own in measures.values() for one in own]
    print(told("summary of all cells", [timed(lambda: summarise(every)) for _ in range(5)]))


if __name__ == "__main__":
    main()
