"""Nuclei without visible cytoplasm: smooth ones (the rim is too thin to be seen) against frayed ones (smudges).

    python benchmarks/rims.py DATA --split benchmarks/split.json

1. How well the shape of a nucleus tells the two apart: the nuclei of lymphocytes in the training and validation parts
   of Zheng's sets and KRD-WBC (those whose masks are drawn tight to the nucleus), as the experts drew them and as the
   default model does, each without its cytoplasm; and the smudges of `synth`, as drawn and as the model finds them.
2. How thin a rim the default model still finds: drawn lymphocytes and blasts with rims of 0.05 to 1 um.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accuracy import chosen_rows
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import keep_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.mask_notes import read_mask_notes
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import method_of, segment_plane
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.leukocytes import make_leukocyte
from napari_leukocyte.core.synthetic.scene import Scene, Smear, draw_scene, new_canvas

Nucleus = NDArray[np.bool_]
SCALES = (10.2, 5.9)  # px per um
RIMS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)  # um
SMUDGES, EACH = 60, 12


def found_in(image: NDArray[np.uint8], um: float, predictor: Method) -> Segmentation:
    (source,) = sources_from_array(image, name="image", rgb=True, pixel_size=PixelSize(um, "typed"))
    *_, result = segment_plane(source, SegmentParameters(pixel_size=um, keep="all"), predictor)
    assert isinstance(result, Segmentation)
    return result


def central(result: Segmentation) -> tuple[Nucleus, Nucleus]:
    """The cell nearest to the middle, and its nucleus."""
    own = keep_cells(result.cells, "centre") > 0
    return own, own & (result.classes == 2)


def smooth(nucleus: Nucleus) -> bool | None:
    """Whether a nucleus that stands alone counts as smooth; None where there is none."""
    if not nucleus.any():
        return None
    padded = np.pad(nucleus, 4)
    (measure,) = measure_cells(np.where(padded, 2, 0), padded)
    return Flag.RIM_NOT_RESOLVED in measure.flags


def nuclei(data: Path, split: Path, predictor: Method) -> Iterator[tuple[str, str, Nucleus]]:
    """Source, who drew it, and a nucleus."""
    tight = read_mask_notes(Path(__file__).with_name("mask_notes.json")).tight
    for part in ("train", "validation"):
        for row in chosen_rows(data, split, part):
            is_tight = row.image.relative_to(data).as_posix() in tight
            if not is_tight and (row.source not in ("zheng1", "zheng2") or row.cell_type != "lymphocyte"):
                continue
            classes = read_mask(row.mask).classes
            name = "KRD-WBC, masks at the nucleus" if is_tight else f"{row.source}, lymphocytes"
            yield name, "expert", classes > 0 if is_tight else classes == 2
            image = np.asarray(read_image(row.image).array)[..., :3]
            yield name, "model", central(found_in(image, row.pixel_size, predictor))[1]
    for seed in range(SMUDGES):
        px = SCALES[seed % len(SCALES)]
        drawn = draw_difficulty(6, seed=seed, size=(round(40 * px),) * 2, px_per_um=px)
        yield "drawn smudges", "as drawn", drawn.classes == 2
        own, nucleus = central(found_in(drawn.image, drawn.pixel_size, predictor))
        if np.count_nonzero(own & ~nucleus) < 0.02 * np.count_nonzero(own):
            yield "drawn smudges", "model, where it finds no cytoplasm", nucleus


def with_rim(rim: float, px: float, seed: int) -> Smear:
    rng = np.random.default_rng([seed, round(100 * rim)])
    kind = ("lymphocyte", "blast")[seed % 2]
    radius = 4.0 if kind == "lymphocyte" else 6.0
    cell = make_leukocyte(rng, kind, ratio=((radius + rim) / radius) ** 2 - 1, y=15.0, x=15.0)
    canvas = new_canvas((round(30 * px),) * 2, px)
    return draw_scene(canvas, Scene([cell], clear=2.0, focused=True), rng, None)


def rims(predictor: Method, px: float) -> Iterator[tuple[float, bool]]:
    """The mean width (um) of a drawn rim, and whether the model finds any of it."""
    for rim in RIMS:
        for seed in range(EACH):
            drawn = with_rim(rim, px, seed)
            own, nucleus = (np.count_nonzero(part) for part in central(found_in(drawn.image, 1 / px, predictor)))
            cell, core = np.count_nonzero(drawn.cells), np.count_nonzero(drawn.classes == 2)
            if own and core:
                true = (math.sqrt(cell / math.pi) - math.sqrt(core / math.pi)) / px
                yield true, bool(own - nucleus >= 0.02 * own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--only", choices=("shape", "rims"))
    options = parser.parse_args()
    predictor = method_of(SegmentParameters())
    if options.only != "rims":
        told: dict[tuple[str, str], list[bool]] = {}
        for name, who, nucleus in nuclei(options.data, options.split, predictor):
            if (answer := smooth(nucleus)) is not None:
                told.setdefault((name, who), []).append(answer)
        print("| nuclei | drawn by | number | smooth |\n| --- | --- | --- | --- |")
        for (name, who), answers in told.items():
            print(f"| {name} | {who} | {len(answers)} | {100 * np.mean(answers):.0f} % |")
    if options.only != "shape":
        print("\n| rim, um | px/um | cells | found |\n| --- | --- | --- | --- |")
        for px in SCALES:
            seen = list(rims(predictor, px))
            for low in np.arange(0, 1.0, 0.1):
                own = [found for true, found in seen if low <= true < low + 0.1]
                if own:
                    print(f"| {low:.1f}-{low + 0.1:.1f} | {px:g} | {len(own)} | {100 * np.mean(own):.0f} % |")


if __name__ == "__main__":
    main()
