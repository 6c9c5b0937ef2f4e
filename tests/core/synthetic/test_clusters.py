"""Drawn clusters: cells in contact, and the labels that tell them apart."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.synthetic.smear import draw_cluster


@pytest.mark.parametrize(
    ("seed", "types", "lobes", "arrangement"),
    [
        (1, ["neutrophil", "eosinophil"], [5, None], "chain"),
        (2, ["neutrophil", "lymphocyte", "neutrophil"], [1, None, 3], "ring"),
        (3, ["neutrophil", "monocyte", "eosinophil", "neutrophil"], [4, None, None, 6], "pack"),
    ],
)
def test_cells_touch_and_come_apart_with_their_lobes_together(seed, types, lobes, arrangement):
    smear = draw_cluster(seed=seed, cell_types=types, n_lobes=lobes, arrangement=arrangement, px_per_um=6)
    assert smear.cells.max() == len(types)
    assert ndi.label(smear.classes > 0, np.ones((3, 3)))[1] == 1  # all in contact
    np.testing.assert_array_equal(smear.cells > 0, smear.classes > 0)
    labels = label_cells(smear.classes, pixel_size=smear.pixel_size)
    assert len(match_cells(labels, smear.cells, min_iou=0.75).pairs) == len(types) == labels.max()


@pytest.mark.parametrize("lobes", range(1, 7))
def test_a_lobed_nucleus_touching_another_cell_is_not_cut(lobes):
    smear = draw_cluster(seed=lobes, cell_types=["neutrophil", "lymphocyte"], n_lobes=[lobes, None], px_per_um=6)
    labels = label_cells(smear.classes, pixel_size=smear.pixel_size)
    shares = np.sort(np.bincount(labels[(smear.cells == 1) & (smear.classes == 2)], minlength=3)[1:])
    assert shares[-2] <= 0.05 * shares.sum()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell_types": 1}, "at least 2"),
        ({"cell_types": ["monocyte", "monocyte"], "n_lobes": [None]}, "number of lobes"),
        ({"cell_types": 2, "arrangement": "ring"}, "ring"),
        ({"cell_types": 2, "arrangement": "heap"}, "heap"),
    ],
)
def test_an_impossible_cluster_is_a_sentence(options, words):
    with pytest.raises(LeukocyteError, match=words):
        draw_cluster(seed=0, **options)
