"""Score models on drawn smears of the eight difficulty classes, as the thesis's Tables 5.2 and 5.5 do.

    python benchmarks/difficulty.py [--images 200] [--models default thesis-three-class active-contour]

The smears have a stain that no drawn training image has, and seeds of their own. IoU_b is the mean over images, with a
bootstrap 95 % interval. Where there is no white cell (class 7) the figure is the share of images with none found.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from accuracy import every_cell
from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.model.drawn import STAIN_KEPT_OUT
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.border import band_width_px
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES, count_image, iou_b
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.smear import Smear

FIRST_SEED = 2_000_000
NO_WHITE_CELL = 7


def smears(difficulty: int, count: int) -> Iterator[Smear]:
    """Draw so many smears of a class, 480x480 px at 10.2 px/um."""
    for i in range(count):
        yield draw_difficulty(difficulty, seed=FIRST_SEED + 10_000 * difficulty + i, stain=STAIN_KEPT_OUT)


def segmented(smear: Smear, method: Method) -> Segmentation:
    size = PixelSize(smear.pixel_size, "drawn")
    (source,) = sources_from_array(smear.image, name="smear", rgb=True, pixel_size=size)
    return every_cell(source, method)


def scores_of(smear: Smear, method: Method) -> dict[str, float]:
    """IoU_b of each class; of a smear without white cells 1 where none is found, else 0."""
    result = segmented(smear, method)
    if smear.difficulty == NO_WHITE_CELL:
        return {"cell": float(not result.classes.any())}
    border = band_width_px(smear.pixel_size)
    counts = count_image(result.classes, smear.classes, border_px=border, whole_cell=result.binary)
    return {name: iou_b(own).value for name, own in counts.classes.items()}


def figure(values: Sequence[float]) -> str:
    known = np.array([value for value in values if not np.isnan(value)])
    if not len(known):
        return ""
    low, high = bootstrap_interval(known)
    return f"{100 * known.mean():.1f} ({100 * low:.1f}-{100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=200, help="of each class")
    parser.add_argument("--models", nargs="+", default=["default", "thesis-three-class", "active-contour"])
    given = parser.parse_args()
    methods = {name: load_method(name) for name in given.models}
    table: dict[tuple[str, str], list[str]] = {(cls, name): [] for cls in CLASS_NAMES for name in methods}
    for difficulty in DIFFICULTIES:
        scores: dict[tuple[str, str], list[float]] = {key: [] for key in table}
        for smear in smears(difficulty, given.images):
            for name, method in methods.items():
                for cls, value in scores_of(smear, method).items():
                    scores[cls, name].append(value)
        for key, values in scores.items():
            table[key].append(figure(values))
    print(f"{given.images} images of each class, stain {STAIN_KEPT_OUT}, IoU_b in %\n")
    print("| class | " + " | ".join(f"{n} {text}" for n, text in DIFFICULTIES.items()) + " |")
    print("|---" * (len(DIFFICULTIES) + 1) + "|")
    for (cls, name), figures in table.items():
        if any(figures):
            print(f"| {cls}, {name} | " + " | ".join(figures) + " |")


if __name__ == "__main__":
    main()
