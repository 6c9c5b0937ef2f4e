import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.overlay import overlay

Y, X = np.mgrid[:600, :500]
DISTANCE = np.hypot(Y - 300, X - 250)
CLASSES = (DISTANCE < 150).astype(np.uint8) + (DISTANCE < 80)
IMAGE = np.stack([200 - DISTANCE / 4] * 3, axis=-1).astype(np.uint8)
GREEN, RED = (0, 255, 0), (255, 0, 0)


def test_outlines_lie_on_the_edges_and_the_rest_is_the_image():
    picture = overlay(IMAGE, CLASSES)
    assert picture.dtype == np.uint8
    assert picture.shape == IMAGE.shape
    for colour, radius in ((GREEN, 150), (RED, 80)):
        where = np.all(picture == colour, axis=-1)
        assert radius - 4 < DISTANCE[where].min()
        assert DISTANCE[where].max() < radius
        assert where.sum() > 2 * 5 * radius
    drawn = np.all(picture == GREEN, axis=-1) | np.all(picture == RED, axis=-1)
    np.testing.assert_array_equal(picture[~drawn], IMAGE[~drawn])


def test_other_palette():
    picture = overlay(IMAGE, CLASSES, palette="colour-blind safe")
    assert np.all(picture == (86, 180, 233), axis=-1).any()
    assert not np.all(picture == GREEN, axis=-1).any()


@pytest.mark.parametrize(("side", "expected"), [(120, 480), (300, 600), (480, 480), (40, 240)])
def test_small_crops_are_enlarged(side, expected):
    assert overlay(IMAGE[:side, :side], CLASSES[:side, :side]).shape == (expected, expected, 3)


def test_text_is_white_with_a_dark_outline_on_any_ground():
    for ground in (10, 245):
        image = np.full((600, 500, 3), ground, np.uint8)
        image[0, 0] = 128
        plain = overlay(image, np.zeros((600, 500), np.uint8))
        picture = overlay(image, np.zeros((600, 500), np.uint8), texts=[(300, 250, "0.44 (0.33–0.57)")])
        changed = np.any(picture != plain, axis=-1)
        rows, columns = np.nonzero(changed)
        assert abs(rows.mean() - 300) < 10
        assert abs(columns.mean() - 250) < 10
        assert picture[changed].max() == 255
        assert picture[changed].min() == 0


@pytest.mark.parametrize("corner", [(0, 0), (599, 499), (-50, 800)])
def test_text_at_the_edge_is_moved_inwards_whole(corner):
    image = np.full((600, 500, 3), 200, np.uint8)
    image[300, 250] = 128
    nothing = np.zeros((600, 500), np.uint8)
    middle = overlay(image, nothing, texts=[(300.0, 250.0, "CNR 1.94")])
    moved = overlay(image, nothing, texts=[(*corner, "CNR 1.94")])
    assert np.isclose((moved < 50).sum(), (middle < 50).sum(), rtol=0.05)


def test_sizes_must_agree():
    with pytest.raises(LeukocyteError, match="belong together"):
        overlay(IMAGE, CLASSES[:-1])
