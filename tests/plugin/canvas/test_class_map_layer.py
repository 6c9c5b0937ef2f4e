"""Nucleus protection: what the layer lets through, and that an undo brings back exactly what was there."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_leukocyte.plugin.canvas.class_map_layer import KEYS, ClassMap


@pytest.fixture
def layer(disc_map):
    layer = ClassMap(disc_map((60, 60), (30, 30, 20, 9)))
    ViewerModel().add_layer(layer)
    layer.brush_size = 14
    return layer


def edits(layer):
    """Every way in which a hand sets pixels to cytoplasm, across the nucleus."""
    return {
        "brush": lambda: layer.paint((30, 38), 1),
        "fill": lambda: layer.fill((30, 30), 1),
        "polygon": lambda: layer.paint_polygon([(20, 20), (20, 40), (40, 40), (40, 20)], 1),
    }


@pytest.mark.parametrize("edit", ["brush", "fill", "polygon"])
def test_cytoplasm_leaves_a_protected_nucleus_as_it_is_and_without_protection_takes_it(layer, edit):
    before = layer.data.copy()
    layer.protects_nucleus = True
    edits(layer)[edit]()
    np.testing.assert_array_equal(layer.data == 2, before == 2)
    layer.protects_nucleus = False
    edits(layer)[edit]()
    assert (layer.data == 2).sum() < (before == 2).sum()


def test_protection_is_part_of_the_same_undo_step(layer):
    before = layer.data.copy()
    layer.protects_nucleus = True
    with layer.block_history():  # one stroke in bits, over the ground, the cytoplasm and the nucleus
        for x in range(2, 58, 4):
            layer.paint((30, x), 1)
    painted = layer.data.copy()
    assert (painted != before).any()
    np.testing.assert_array_equal(painted == 2, before == 2)
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    np.testing.assert_array_equal(layer.data, painted)


@pytest.mark.parametrize("value", [0, 2])
def test_the_eraser_and_the_nucleus_brush_pass_protection(layer, value):
    layer.protects_nucleus = True
    layer.paint((30, 30), value)
    assert (layer.data[24:37, 28:33] == value).all()


def test_a_change_by_program_passes_protection(layer):
    """A re-segmentation, or a hole that is filled."""
    layer.protects_nucleus = True
    layer.data_setitem((np.array([30, 31]), np.array([30, 30])), 1)
    assert layer.data[30:32, 30].tolist() == [1, 1]


def test_a_stack_is_protected_on_the_painted_plane(disc_map):
    layer = ClassMap(np.stack([disc_map((60, 60), (30, 30, 20, 9))] * 3))
    viewer = ViewerModel()
    viewer.add_layer(layer)
    layer.n_edit_dimensions, layer.brush_size, layer.protects_nucleus = 2, 14, True
    before = layer.data.copy()
    layer.paint((1, 30, 12), 1)
    np.testing.assert_array_equal(layer.data == 2, before == 2)
    np.testing.assert_array_equal(layer.data[[0, 2]], before[[0, 2]])
    assert (layer.data[1] != before[1]).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_no_key_is_one_of_naparis_own():
    from napari.layers import Labels

    own = {str(key) for key in Labels.class_keymap}
    assert own
    assert not own & set(KEYS)
