"""Many drawn smears as files, in a folder that training and benchmarks read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np

from napari_leukocyte import __version__
from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.imaging.write import write_cells_png, write_class_png, write_picture

from .difficulty import draw_difficulty
from .scene import Smear

__all__ = ["INDEX_COLUMNS", "CollectionParameters", "ImageDrawn", "draw_collection"]

# The first eight are those of every index.csv; then path of the cell labels, how many cells there are, and the
# cytoplasm-to-nucleus ratio where there is one cell that has one.
INDEX_COLUMNS = (
    *("source", "image", "mask", "width", "height", "px_per_um", "cell_type", "slide"),
    *("cells", "n_cells", "difficulty", "cnr", "stain", "seed"),
)
_SOURCE = "synthetic"


@dataclass(frozen=True)
class CollectionParameters:
    """What to draw.

    Attributes
    ----------
    out : Path
        Folder for images/, masks/, cells/ and index.csv; made if need be.
    n : int
        How many images, 1 or more.
    difficulty : int, optional
        Class 1-8; None draws all eight in turn.
    seed : int
        0 or more.
    size : tuple of int
        Height and width, px.
    px_per_um : float
        At least 1.
    stain : str, optional
        A key of `napari_leukocyte.core.synthetic.stain.STAINS`; None mixes them.
    """

    out: Path
    n: int
    difficulty: int | None = None
    seed: int = 0
    size: tuple[int, int] = (480, 480)
    px_per_um: float = 10.2
    stain: str | None = None


@dataclass(frozen=True)
class ImageDrawn:
    """The image ``name`` is written, the ``done``-th of ``total``."""

    name: str
    done: int
    total: int


def draw_collection(parameters: CollectionParameters) -> Iterator[ImageDrawn]:
    """Draw the images and write them; the index comes last, before the last event.

    Image number i is drawn from the seed and i alone, so that a larger collection begins with the smaller one.

    Raises
    ------
    LeukocyteError
        For an impossible number of images, as `draw_difficulty` does, when the folder has an index.csv or images
        already, or when it cannot be written.
    """
    if parameters.n < 1:
        raise LeukocyteError(f"A collection needs at least 1 image, not {parameters.n}.")
    if parameters.seed < 0:
        raise LeukocyteError(f"The seed must be 0 or more, not {parameters.seed}.")
    index = parameters.out / "index.csv"
    if index.exists():
        raise LeukocyteError(f"{parameters.out} has an index.csv already: choose another folder, or delete it.")
    for name in ("images", "masks", "cells"):
        folder = parameters.out / name
        make_folder(folder)
        if any(folder.iterdir()):
            raise LeukocyteError(f"{folder} holds files already: choose another folder, or delete them.")
    rows = []
    for number in range(parameters.n):
        difficulty = parameters.difficulty or number % len(DIFFICULTIES) + 1
        seed = int(np.random.SeedSequence([parameters.seed, number]).generate_state(1)[0])
        smear = draw_difficulty(
            difficulty, seed=seed, size=parameters.size, px_per_um=parameters.px_per_um, stain=parameters.stain
        )
        row = _row(smear, f"{number:05d}.png", parameters.px_per_um, seed)
        _write(parameters.out, smear, row)
        rows.append(row)
        if number + 1 == parameters.n:
            with atomic_path(index) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, INDEX_COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
        yield ImageDrawn(row["image"], number + 1, parameters.n)


def _row(smear: Smear, name: str, px_per_um: float, seed: int) -> dict[str, str]:
    height, width = smear.classes.shape
    ratios = smear.cnrs()
    one = len(ratios) == 1
    return {
        "source": _SOURCE,
        "image": f"images/{name}",
        "mask": f"masks/{name}",
        "width": str(width),
        "height": str(height),
        "px_per_um": f"{px_per_um:g}",
        "cell_type": smear.cell_types[0] if one else "",
        "slide": "",
        "cells": f"cells/{name}",
        "n_cells": str(len(ratios)),
        "difficulty": str(smear.difficulty),
        "cnr": f"{ratios[0]:.4f}" if one and not isnan(ratios[0]) else "",
        "stain": smear.stain,
        "seed": str(seed),
    }


def _write(out: Path, smear: Smear, row: dict[str, str]) -> None:
    about = {
        "drawn by": f"napari-leukocyte {__version__}",
        **{key: row[key] for key in ("difficulty", "stain", "seed", "px_per_um")},
    }
    pixel_size = smear.pixel_size
    write_picture(out / row["image"], smear.image, provenance=about, pixel_size=pixel_size)
    write_class_png(out / row["mask"], smear.classes, provenance=about, pixel_size=pixel_size)
    write_cells_png(out / row["cells"], smear.cells, provenance=about, pixel_size=pixel_size)
