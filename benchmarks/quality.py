"""How often photographs are noted for their light, glass or focus: as they are, and spoilt.

    python benchmarks/quality.py DATA --split benchmarks/split.json --part test

Cells and nuclei are the masks'; where a mask knows the whole cell only, its darker part stands for the nucleus.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from accuracy import chosen_rows
from changes import Picture, vignetting
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.quality import blurred_cells, glass_notes
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.scoring.figures import share

KINDS = ("uneven light", "overexposed", "out of focus")
DEFOCUS = 0.45  # um, standard deviation


def _defocused(image: Picture, row: IndexRow) -> Picture:
    sigma = DEFOCUS / row.pixel_size
    blurred: Picture = np.round(ndimage.gaussian_filter(image.astype(np.float64), (sigma, sigma, 0))).astype(np.uint8)
    return blurred


LOOKS: dict[str, Callable[[Picture, IndexRow], Picture]] = {
    "as they are": lambda image, _: image,
    "corners 40 % darker": vignetting,
    "exposed by 1.25": lambda image, _: np.clip(image * 1.25, 0, 255).astype(np.uint8),
    f"defocused, σ {DEFOCUS} µm": _defocused,
}


def nuclei_known(image: Picture, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class map (Y, X), with the darker part of each cell as its nucleus where it has none."""
    if (classes == 2).any():
        return classes
    found, light = classes.copy(), image[..., :2].mean(axis=-1)
    pieces, count = ndimage.label(classes > 0)
    for number in range(1, count + 1):
        own = pieces == number
        if np.ptp(light[own]) > 0:
            found[ndimage.binary_opening(own & (light < threshold_otsu(light[own])), iterations=2)] = 2
    return found


def noted(row: IndexRow) -> Iterator[tuple[str, list[bool]]]:
    """For each look of an image, which of ``KINDS`` it is noted for."""
    image = np.asarray(read_image(row.image).array)[..., :3]
    classes = nuclei_known(image, read_mask(row.mask).classes)
    cells = label_cells(classes, pixel_size=row.pixel_size)
    for look, change in LOOKS.items():
        picture = change(image, row)
        conversion = find_conversion(picture, rgb=True)
        notes = glass_notes(picture, conversion, classes)
        blurred = blurred_cells(picture, conversion, classes, cells, pixel_size=row.pixel_size)
        yield look, [*(any(note.startswith(kind) for note in notes) for kind in KINDS[:2]), bool(blurred)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", default="test")
    parser.add_argument("--most", type=int, help="look at so many images of each source")
    given = parser.parse_args()
    rows = chosen_rows(given.data, given.split, given.part)
    print("| source | images | " + " | ".join(f"{look}: {kind}" for look in LOOKS for kind in KINDS) + " |")
    print("|---" * (2 + len(LOOKS) * len(KINDS)) + "|")
    everything = []
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source]
        own = own[:: -(-len(own) // given.most)] if given.most else own
        found = [[flag for _, flags in noted(row) for flag in flags] for row in own]
        everything += found
        print(table_row(source, found), flush=True)
    print(table_row("all", everything))


def table_row(label: str, found: list[list[bool]]) -> str:
    shares = (share(float(value)) for value in np.mean(found, axis=0))
    return "| " + " | ".join([label, str(len(found)), *shares]) + " |"


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
