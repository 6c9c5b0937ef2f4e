"""What the benchmark of the notes on light, glass and focus makes of a photograph and its mask."""

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.model.dataset import IndexRow
from quality import KINDS, LOOKS, noted, nuclei_known, table_row


@pytest.fixture
def cell():
    """An image with one cell, and its class map."""
    y, x = np.ogrid[:240, :240]
    distance = np.hypot(y - 120, x - 120)
    classes = (distance < 50).astype(np.uint8) + (distance < 35)
    image = np.array([(230, 228, 225), (190, 150, 190), (110, 60, 140)], np.uint8)[classes]
    return image, classes.astype(np.uint8)


def test_the_darker_part_of_a_whole_cell_stands_for_its_nucleus(cell):
    image, classes = cell
    np.testing.assert_array_equal(nuclei_known(image, classes), classes)
    found = nuclei_known(image, np.minimum(classes, 1))
    assert np.count_nonzero(found != classes) < 0.02 * np.count_nonzero(classes)
    flat = np.full_like(image, 90)
    np.testing.assert_array_equal(nuclei_known(flat, np.minimum(classes, 1)), np.minimum(classes, 1))


def test_every_look_is_noted_for_what_spoils_it_alone(cell, tmp_path):
    image, classes = cell
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(classes).save(tmp_path / "m.png")
    row = IndexRow("lab/a.png", "lab", tmp_path / "a.png", tmp_path / "m.png", 0.1, "neutrophil", "")
    found = {look: [kind for kind, flag in zip(KINDS, flags, strict=True) if flag] for look, flags in noted(row)}
    assert list(found) == list(LOOKS)
    assert list(found.values()) == [[], ["uneven light"], ["overexposed"], ["out of focus"]]


def test_shares_of_a_source():
    assert table_row("lab", [[True, False], [False, False]]) == "| lab | 2 | 50.0 % | 0.0 % |"
