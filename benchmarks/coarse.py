"""How coarse an image may be: CNR of the cell in its centre when image and pixels are reduced, against the full truth.

    python benchmarks/coarse.py DATA --split benchmarks/split.json

Photographs of Zheng's set 2 (12 px/um, images that trained nothing, truth: the expert's mask) and drawn crops (truth:
the drawing) are averaged down to fewer px per um and segmented there.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accuracy import chosen_rows
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import keep_cells
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import segment_plane
from napari_leukocyte.core.synthetic.smear import draw_stack

FULL = 12.0  # px per um
SCALES = (12.0, 8.0, 6.0, 4.0, 3.0, 2.0)

Case = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32], float]  # image, classes, cells, px per um


def reduced(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Averaged to ``factor`` times as many pixels a side."""
    shape = (round(image.shape[0] * factor), round(image.shape[1] * factor))
    channels = area_resize(np.moveaxis(image, 2, 0).astype(np.float32), shape)
    return np.moveaxis(np.round(channels), 0, 2).astype(np.uint8)


def central(classes: NDArray[np.uint8], cells: NDArray[np.int32], pixel_size: float) -> CellMeasure | None:
    kept = keep_cells(cells, "centre")
    return next(iter(measure_cells(np.where(kept > 0, classes, 0), kept, pixel_size=pixel_size)), None)


def photographs(data: Path, split: Path) -> Iterator[Case]:
    for part in ("test", "validation"):
        for row in chosen_rows(data, split, part):
            if row.source == "zheng2":
                classes = read_mask(row.mask).classes
                image = np.asarray(read_image(row.image).array)[..., :3]
                yield image, classes, label_cells(classes, pixel_size=row.pixel_size), 1 / row.pixel_size


def drawings(count: int) -> Iterator[Case]:
    for smear in draw_stack(seed=5, n=count, size=(480, 480), px_per_um=FULL):
        yield smear.image, smear.classes, smear.cells, FULL


def row_of(cases: Sequence[Case], scale: float, predictor: Predictor) -> str:
    off, flagged, lost = [], 0, 0
    for image, classes, cells, full in cases:
        truth = central(classes, cells, 1 / full)
        if truth is None or math.isnan(truth.cnr):
            continue
        size = PixelSize(1 / scale, "reduced")
        source = sources_from_array(reduced(image, scale / full), name="c", rgb=True, pixel_size=size)[0]
        *_, result = segment_plane(source, SegmentParameters(keep="centre"), predictor)
        assert isinstance(result, Segmentation)
        found = central(result.classes, result.cells, 1 / scale)
        if found is None or math.isnan(found.cnr):
            lost += 1
            continue
        off.append(math.log(found.cnr / truth.cnr))
        flagged += Flag.TOO_COARSE in found.flags
    bias, error = 100 * np.median(off), 100 * np.median(np.abs(off))
    return f"{len(off) + lost} | {bias:+.1f} % | {error:.1f} % | {flagged} of {len(off)} | {lost}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    given = parser.parse_args(arguments)
    predictor = Predictor("default", engine="auto")
    print("| px/µm | µm/px | images | cells | bias | error | flagged | no CNR |\n|---|---|---|---|---|---|---|---|")
    for name, cases in (("photographs", [*photographs(given.data, given.split)]), ("drawn", [*drawings(24)])):
        for scale in SCALES:
            print(f"| {scale:g} | {1 / scale:.2f} | {name} | {row_of(cases, scale, predictor)} |", flush=True)


if __name__ == "__main__":
    main()
