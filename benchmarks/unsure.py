"""How well the flag "low confidence" points at badly segmented cells, for several thresholds.

    python benchmarks/unsure.py DATA --split benchmarks/split.json --part validation

Each image is segmented as it is and changed in stain, focus, noise and scale, since the images as they are have hardly
a bad cell. A cell is bad when its IoU with the mask (and that of its nucleus, where the mask has one) is below 0.8.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from accuracy import chosen_rows
from napari_leukocyte.core.cells.keep import Keep, keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.segmentation.cleaning import clean_class_map
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.windowed import Prediction, predict_class_map

Image = NDArray[np.float32]  # (Y, X, 3) RGB in 0-1

BAD_IOU = 0.8
CENTRED = ("zheng1", "zheng2")
RNG = np.random.default_rng(0)


def stained(image: Image, factor: float) -> Image:
    return np.asarray(np.exp(factor * np.log(np.clip(image, 0.01, 1))))


# each takes an image and its um per px; the scales say how wrong the pixel size is that the network is told
LOOKS: dict[str, Callable[[Image, float], Image]] = {
    "as it is": lambda image, _: image,
    "grayscale": lambda image, _: np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1),
    "out of focus": lambda image, um: ndimage.gaussian_filter(image, (0.45 / um, 0.45 / um, 0)),
    "noisy": lambda image, _: image + RNG.normal(0, 0.12, image.shape).astype(np.float32),
    "weak stain": lambda image, _: stained(image, 0.4),
    "strong stain": lambda image, _: stained(image, 2.2),
    "green and red swapped": lambda image, _: image[..., [1, 0, 2]],
    "blue and red swapped": lambda image, _: image[..., ::-1],
}
SCALES = {"pixel size halved": 0.5, "pixel size doubled": 2.0}


def segmented(image: Image, um: float, rule: Keep, predictor: Predictor) -> Iterator[tuple[NDArray[np.bool_], ...]]:
    """Cell, nucleus and unsure pixels of each cell that the network finds."""
    picture = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    *_, prediction = predict_class_map(picture, find_conversion(picture, rgb=True), predictor, pixel_size=um)
    assert isinstance(prediction, Prediction)  # the last event
    classes = prediction.classes
    clean_class_map(classes, pixel_size=um, binary=predictor.info.classes == 2, surely_cell=prediction.surely_cell)
    classes, cells = keep_maps(classes, label_cells(classes, pixel_size=um), rule, pixel_size=um)
    for number in np.unique(cells[cells > 0]):
        own = cells == number
        yield own, own & (classes == 2), own & ~prediction.sure


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return int(np.count_nonzero(a & b)) / max(1, int(np.count_nonzero(a | b)))


def cells_of(row: IndexRow, look: str, predictor: Predictor) -> Iterator[tuple[float, bool]]:
    """Share of unsure pixels of each cell of an image, and whether the cell is bad."""
    rule: Keep = "centre" if row.source in CENTRED else "all"
    mask = read_mask(row.mask)
    um = row.pixel_size
    truth, true_cells = keep_maps(mask.classes, label_cells(mask.classes, pixel_size=um), rule, pixel_size=um)
    image = read_image(row.image).array[..., :3].astype(np.float32) / 255
    um *= SCALES.get(look, 1)
    for own, nucleus, unsure in segmented(LOOKS.get(look, LOOKS["as it is"])(image, um), um, rule, predictor):
        number = np.bincount(true_cells[own], minlength=2)[1:].argmax() + 1
        partner = true_cells == number
        ious = [iou(own, partner)]
        if not mask.whole_cell:
            ious.append(iou(nucleus, partner & (truth == 2)))
        yield float(np.count_nonzero(unsure) / np.count_nonzero(own)), min(ious) < BAD_IOU


def report(name: str, cells: list[tuple[float, bool]]) -> None:
    share, bad = (np.array(values) for values in zip(*cells, strict=True))
    print(f"{name}: {len(cells)} cells, {np.count_nonzero(bad)} of them bad")
    for threshold in (0.15, 0.18, 0.2, 0.22, 0.25, 0.3):
        flagged = share > threshold
        right, flags = int(np.count_nonzero(flagged & bad)), int(np.count_nonzero(flagged))
        print(
            f"  above {threshold:.2f}: {flags:4d} flagged, precision "
            f"{right / max(1, flags):.2f}, recall {right / max(1, int(np.count_nonzero(bad))):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", default="validation")
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    predictor = Predictor(given.model, device="auto")
    rows = chosen_rows(given.data, given.split, given.part)
    found = {look: [c for row in rows for c in cells_of(row, look, predictor)] for look in (*LOOKS, *SCALES)}
    report("as it is", found["as it is"])
    report("all looks", [cell for look in LOOKS for cell in found[look]])
    report("all looks and scales", [cell for cells in found.values() for cell in cells])


if __name__ == "__main__":
    main()
