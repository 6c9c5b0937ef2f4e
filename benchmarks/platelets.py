"""How many drawn giant platelets get a CNR, and how many drawn small lymphocytes lose theirs for it.

    python benchmarks/platelets.py [--images 200] [--models default default-4]

Each picture of 22 x 22 um shows one of them among red cells, the five stains in turn. Some of the platelets are up to
twice as dark as platelets are, so that they look like nuclei; some of the lymphocytes have hardly any cytoplasm.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from accuracy import every_cell
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.synthetic.leukocytes import make_leukocyte
from napari_leukocyte.core.synthetic.platelets import make_platelet
from napari_leukocyte.core.synthetic.scene import Scene, draw_scene, new_canvas, streams
from napari_leukocyte.core.synthetic.smear import Smear
from napari_leukocyte.core.synthetic.stain import STAINS

FIRST_SEED = 3_000_000
_SIDE, _PX_PER_UM = 220, 10.0
_MIDDLE = _SIDE / _PX_PER_UM / 2


def giant_platelet(rng: np.random.Generator) -> Scene:
    """4.5 to 8.5 um across, from as pale as a platelet to as dark as a nucleus."""
    platelet = make_platelet(rng, _MIDDLE, _MIDDLE, giant=True)
    return Scene((), [replace(platelet, strength=float(rng.uniform(0.7, 2.2)))])


def small_lymphocyte(rng: np.random.Generator) -> Scene:
    cell = make_leukocyte(rng, "lymphocyte", ratio=float(rng.uniform(0.1, 0.6)))
    return Scene([replace(cell, y=_MIDDLE, x=_MIDDLE)])


def smears(make: Callable[[np.random.Generator], Scene], count: int) -> Iterator[Smear]:
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        shape, look = streams(seed, 2, 7)
        stain = list(STAINS)[seed % len(STAINS)]
        yield draw_scene(new_canvas((_SIDE, _SIDE), _PX_PER_UM), make(shape), look, stain, difficulty=7)


@dataclass(frozen=True)
class Found:
    """What a method makes of one picture."""

    cell: bool  # anything at all
    cnr: bool  # with a CNR
    marked: bool  # as a giant platelet


def look(smear: Smear, method: Method) -> Found:
    size = PixelSize(smear.pixel_size, "drawn")
    (source,) = sources_from_array(smear.image, name="smear", rgb=True, pixel_size=size)
    return found(every_cell(source, method))


def found(result: Segmentation) -> Found:
    measures = result.measure()
    marked = Flag.NOT_A_WBC_PLATELET in result.marks.values()
    return Found(bool(measures), any(not measure.withheld for measure in measures), marked)


def line(name: str, pictures: list[Found]) -> str:
    given, marked, cells = (sum(getattr(one, key) for one in pictures) for key in ("cnr", "marked", "cell"))
    return (
        f"{name}: {cells} of {len(pictures)} taken for a cell, {marked} marked as a giant platelet, "
        f"{given} get a CNR ({100 * given / len(pictures):.1f} %)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=200, help="of each kind")
    parser.add_argument("--models", nargs="+", default=["default"])
    given = parser.parse_args()
    for model in given.models:
        method = load_method(model)
        for make in (giant_platelet, small_lymphocyte):
            pictures = [look(smear, method) for smear in smears(make, given.images)]
            print(line(f"{method.name}, {make.__name__.replace('_', ' ')}s", pictures), flush=True)


if __name__ == "__main__":
    main()
