"""How far the CNR of a cell moves when it is photographed again: shifted, turned, defocused, exposed, balanced, coded.

    python benchmarks/repeatability.py DATA --split benchmarks/split.json

Takes the test part of the sources whose masks know nucleus and cytoplasm, and of each image the cell in its centre. The
table gives the coefficient of variation by cell type, and how many cells lost their CNR in one of the pictures.
"""

import argparse
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from accuracy import chosen_rows
from changes import Picture
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import segment_plane

SOURCES = ("zheng1", "zheng2")
AS_IT_IS = "as it is"


def shifted(image: Picture, pixel_size: float) -> Picture:
    """Moved by half a pixel and 0.5 um; what comes in at the edge repeats it."""
    move = 0.5 / pixel_size + 0.5
    return _bytes(ndimage.shift(image.astype(np.float64), (move, -move, 0), order=1, mode="nearest"))


def defocused(image: Picture, pixel_size: float) -> Picture:
    return _bytes(ndimage.gaussian_filter(image.astype(np.float64), (0.15 / pixel_size, 0.15 / pixel_size, 0)))


def turned(image: Picture, _: float, *, quarters: int) -> Picture:
    return np.ascontiguousarray(np.rot90(image, quarters))


def lit(image: Picture, _: float, *, by: float | tuple[float, float, float]) -> Picture:
    return _bytes(image * np.array(by))


def recoded(image: Picture, _: float) -> Picture:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


def _bytes(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Picture:
    rounded: Picture = np.round(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


# by kind, each picture of a kind from (Y, X, 3) uint8 and um per px
AGAIN: dict[str, tuple[Callable[[Picture, float], Picture], ...]] = {
    "shifted": (shifted,),
    "turned": (partial(turned, quarters=1), partial(turned, quarters=2)),
    "defocused": (defocused,),
    "exposed": (partial(lit, by=0.9), partial(lit, by=1.1)),
    "balanced": (partial(lit, by=(1, 0.96, 0.9)), partial(lit, by=(0.92, 0.97, 1))),
    "JPEG": (recoded,),
}


def pictures(image: Picture, pixel_size: float) -> Iterator[tuple[str, Picture]]:
    """The image as it is, then each of the others, by kind."""
    yield AS_IT_IS, image
    for kind, changes in AGAIN.items():
        for change in changes:
            yield kind, change(image, pixel_size)


def cnr(image: Picture, pixel_size: float, method: Method) -> float:
    """CNR of the cell in the centre; NaN where there is none."""
    source = sources_from_array(image, name="picture", rgb=True, pixel_size=PixelSize(pixel_size, "index.csv"))[0]
    *_, result = segment_plane(source, SegmentParameters(keep="centre"), method)
    assert isinstance(result, Segmentation)  # the last event
    return next((measure.cnr for measure in result.measure()), math.nan)


def measured(row: IndexRow, method: Method) -> dict[str, list[float]]:
    """CNRs of one cell, by kind of picture."""
    found: dict[str, list[float]] = {}
    image = np.asarray(read_image(row.image).array)[..., :3]
    for kind, picture in pictures(image, row.pixel_size):
        found.setdefault(kind, []).append(cnr(picture, row.pixel_size, method))
    return found


def variation(values: Iterable[float]) -> float:
    """Coefficient of variation: standard deviation over mean of the CNRs there are; NaN of fewer than two."""
    there = np.array([value for value in values if not math.isnan(value)])
    return float(there.std(ddof=1) / there.mean()) if there.size > 1 else math.nan


def pooled(variations: Iterable[float]) -> float:
    """Root mean square over cells, as variances are averaged; NaN of none."""
    there = np.array([value for value in variations if not math.isnan(value)])
    return float(np.sqrt(np.mean(there**2))) if there.size else math.nan


def line(label: str, cells: Sequence[Mapping[str, Sequence[float]]]) -> list[str]:
    """One row of the table: pooled over the pictures of each kind beside the image as it is, then over all."""
    kinds = [[variation([*cell[AS_IT_IS], *cell[kind]]) for cell in cells] for kind in AGAIN]
    whole = [variation(value for values in cell.values() for value in values) for cell in cells]
    lost = sum(any(math.isnan(value) for values in cell.values() for value in values) for cell in cells)
    figures = [share(pooled(values)) for values in (*kinds, whole)]
    return [label, str(len(cells)), *figures, share(float(np.nanmax(whole, initial=0))), str(lost)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", default="test")
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    method = load_method(given.model)
    rows = [row for row in chosen_rows(given.data, given.split, given.part) if row.source in SOURCES]
    cells = []
    for i, row in enumerate(rows, start=1):
        cells.append((row.cell_type, measured(row, method)))
        print(f"\r{i} of {len(rows)} images", end="", flush=True)
    print()
    head = ["", "cells", *AGAIN, "all pictures", "worst cell", "without a CNR in some picture"]
    table = [line(kind, [own for name, own in cells if name == kind]) for kind in sorted({name for name, _ in cells})]
    for row_ in (head, ["---"] * len(head), *table, line("all", [own for _, own in cells])):
        print("| " + " | ".join(row_) + " |")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
