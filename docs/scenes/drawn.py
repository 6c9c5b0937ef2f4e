"""Drawn smears: a picture of each difficulty class, and the folders that the course works through."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.smear import Smear, draw_cell
from napari_leukocyte.core.synthetic.stain import STAINS, blend_stains

from .hands import keep

PX_PER_UM = 8.0
# a made-up one, in which the default model takes the granules of basophils for nucleus
_STAIN = blend_stains(np.random.default_rng(12), list(STAINS))
MONDAY = (
    ("neutrophil", 700),
    ("monocyte", 716),
    ("lymphocyte", 703),
    ("basophil", 700),
    ("eosinophil", 705),
    ("monocyte", 704),
    ("neutrophil", 701),
    ("basophil", 701),
    ("lymphocyte", 706),
    ("monocyte", 715),
)
TUESDAY = (
    ("neutrophil", 706),
    ("basophil", 702),
    ("monocyte", 705),
    ("lymphocyte", 720),
    ("basophil", 720),
    ("monocyte", 714),
)
"""Cells of two folders: type and seed of each."""


def crops(folder: Path, cells: Sequence[tuple[str, int]]) -> dict[str, Smear]:
    """Draw a folder of one-cell crops, ``cell-01.png`` and so on; returns what was drawn, by file name."""
    folder.mkdir()
    drawn = {}
    for number, (cell_type, seed) in enumerate(cells, start=1):
        smear = draw_cell(seed=seed, cell_type=cell_type, size=(240, 240), px_per_um=PX_PER_UM, stain=_STAIN)
        name = f"cell-{number:02d}.png"
        imageio.imwrite(folder / name, smear.image)
        drawn[name] = smear
    return drawn


def synthetic() -> None:
    """A drawn smear of each difficulty class, above its class map."""
    figure = Figure(figsize=(9, 9.5), dpi=110, layout="constrained")
    canvas, panels = FigureCanvasAgg(figure), figure.subplots(4, 4)
    seeds, stains = (12, 9, 203, 204, 64, 62, 60, 65), cycle(STAINS)
    colours = np.array([MASK_COLOURS[number] for number in range(3)], dtype=np.uint8)
    for place, (difficulty, name) in enumerate(DIFFICULTIES.items()):
        smear = draw_difficulty(difficulty, seed=seeds[place], size=(400, 400), stain=next(stains))
        row, column = 2 * (place // 4), place % 4
        for panel, shown in ((panels[row, column], smear.image), (panels[row + 1, column], colours[smear.classes])):
            panel.imshow(shown)
            panel.set_axis_off()
        panels[row, column].set_title(f"{difficulty} {name}", fontsize=10)
    canvas.draw()
    keep(np.asarray(canvas.buffer_rgba()), "synthetic.png")


def blends() -> None:
    """Smears in made-up stains."""
    rows = []
    for row in range(2):
        smears = []
        for column, difficulty in enumerate((8, 1, 4, 2, 5, 3)):
            number = 6 * row + column
            stain = blend_stains(np.random.default_rng(number), list(STAINS))
            smears.append(
                draw_difficulty(difficulty, seed=100 + number, size=(220, 220), px_per_um=6.0, stain=stain).image
            )
        rows.append(np.hstack(smears))
    keep(np.vstack(rows), "blends.png")
