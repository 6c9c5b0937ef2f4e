"""Cells of any shape, drawn at random."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.imaging.pixel_size import PixelSize

KEPT = [Flag.EDITED, Flag.LOW_CONFIDENCE, Flag.OUT_OF_FOCUS]
MARKS = [Flag.NOT_A_WBC_SMUDGE, Flag.NOT_A_WBC_PLATELET, Flag.NOT_A_WBC_NRBC, Flag.NOT_A_WBC_ARTEFACT]


def random_cells(seed, *, binary=False, image="Müller 血液 =1+1.png", **given):
    """Cells with holes, several lobes and pieces, cut by the edge, touching, numbered with gaps; marked and typed."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(24, 90, 2))
    noise = ndi.gaussian_filter(rng.random(shape), rng.uniform(0.5, 3.5))
    ragged = rng.random(shape) < 0.004  # holes of one pixel, also beside each other
    foreground = (noise > np.quantile(noise, rng.uniform(0.3, 0.8))) & ~ragged
    # touching cells: each pixel belongs to the nearest of some centres
    centres = np.zeros(shape, bool)
    count = int(rng.integers(1, 9))
    centres[tuple(rng.integers(0, side, count) for side in shape)] = True
    near = ndi.distance_transform_edt(~centres, return_distances=False, return_indices=True)
    numbers = np.zeros(shape, int)
    numbers[centres] = rng.choice(np.arange(1, 40), int(centres.sum()), replace=False)
    cells = np.where(foreground, numbers[tuple(near)], 0).astype(np.int32)
    nucleus = ndi.gaussian_filter(rng.random(shape), 1.2)
    classes = np.where(cells > 0, np.where((nucleus > np.quantile(nucleus, 0.6)) & (not binary), 2, 1), 0)
    found = [int(number) for number in np.unique(cells[cells > 0])]
    remarks = {
        number: frozenset(rng.choice([*KEPT, *MARKS[:1]], rng.integers(1, 3), replace=False).tolist())
        for number in found
        if rng.random() < 0.5
    }
    remarks = {number: frozenset(Flag(flag) for flag in flags) for number, flags in remarks.items()}
    names = ["neutrophil", "Lymphozyt (groß)", "=SUM(1)", "単球"]
    types = {number: names[number % 4] for number in found if rng.random() < 0.5}
    if not found:
        return random_cells(seed + 1000, binary=binary, image=image, **given)
    return CellMap(
        image=image,
        classes=classes.astype(np.uint8),
        cells=cells,
        pixel_size=given.pop("pixel_size", PixelSize(0.1234567890123, "typed")),
        binary=binary,
        remarks=remarks,
        types=types,
        beside={number: frozenset({Flag.TOUCHING}) for number in found if rng.random() < 0.2},
        provenance={
            "napari-leukocyte": "1",
            "model": "default-5",
            "model_sha256": "ab" * 32,
            "mode": "binary" if binary else "three-class",
        },
        **given,
    )


@pytest.fixture(name="random_cells")
def _random_cells():
    return random_cells
