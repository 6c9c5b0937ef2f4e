"""Gestures through the public interface, with the shipped network."""

import warnings

import numpy as np
import pytest
from PIL import Image

import napari_leukocyte as nl
from napari_leukocyte.core.synthetic.smear import draw_cell, draw_field


@pytest.fixture(scope="module")
def cell():
    return draw_cell(seed=3, size=(240, 240), px_per_um=10)


@pytest.fixture(scope="module")
def field():
    return draw_field(seed=4, size=(400, 520), px_per_um=6, n_cells=5)


def iou(a, b):
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def middle(mask):
    return np.argwhere(mask).mean(axis=0)


def test_one_click_on_nothing_gives_a_cell(cell):
    empty = np.zeros(cell.classes.shape, np.uint8)
    new = nl.refine(cell.image, empty, [nl.Stroke("cell", middle(cell.classes == 2))], pixel_size=0.1)
    assert new.dtype == np.uint8
    assert iou(new > 0, cell.classes > 0) > 0.9
    assert iou(new == 2, cell.classes == 2) > 0.85
    assert not empty.any()


def test_a_file_is_read_and_its_pixel_size_or_a_tenth_of_a_micrometre_taken(cell, tmp_path):
    Image.fromarray(cell.image).save(tmp_path / "cell.png")
    empty, click = np.zeros(cell.classes.shape, np.uint8), [nl.Stroke("cell", middle(cell.classes == 2))]
    with pytest.warns(UserWarning, match=r"0\.1 µm/px.*assumed"):
        new = nl.refine(tmp_path / "cell.png", empty, click)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(new, nl.refine(cell.image, empty, click, pixel_size=0.1))


def test_clicks_on_all_cells_give_them_all(field):
    session = nl.GestureSession(field.image, pixel_size=field.pixel_size)
    clicks = [nl.Stroke("cell", middle((field.cells == n) & (field.classes == 2))) for n in np.unique(field.cells)[1:]]
    classes, cells = session.refine(np.zeros(field.classes.shape, np.uint8), clicks)
    assert iou(classes > 0, field.classes > 0) > 0.85
    assert len(np.unique(cells)) == len(np.unique(field.cells))


def test_a_false_cell_goes_and_the_true_ones_stay(field):
    y, x = np.indices(field.classes.shape)
    free = [
        p
        for p in np.argwhere(field.classes == 0)
        if not field.classes[max(0, p[0] - 30) : p[0] + 31, max(0, p[1] - 30) : p[1] + 31].any()
    ]
    at = free[len(free) // 2]
    false = np.hypot(y - at[0], x - at[1]) < 20
    shown = np.where(false, 1, field.classes).astype(np.uint8)
    new = nl.refine(field.image, shown, [nl.Stroke("background", at)], pixel_size=field.pixel_size)
    assert np.array_equal(new, field.classes)


def test_other_cells_keep_pixels_and_numbers(field):
    session = nl.GestureSession(field.image, pixel_size=field.pixel_size)
    number = int(field.cells.max())
    shown = np.where(field.cells == number, 0, field.classes).astype(np.uint8)
    labels = np.where(shown > 0, field.cells, 0).astype(np.int32)
    click = nl.Stroke("cell", middle((field.cells == number) & (field.classes == 2)))
    classes, cells = session.refine(shown, [click], cells=labels)
    assert np.array_equal(classes[labels > 0], shown[labels > 0])
    assert np.array_equal(cells[labels > 0], labels[labels > 0])
    assert iou(cells == labels.max() + 1, field.cells == number) > 0.85


def test_errors_in_words(cell):
    empty, click = np.zeros(cell.classes.shape, np.uint8), nl.Stroke("cell", (50, 50))
    for wrong, sentence in (
        ({"classes": empty[1:]}, "same size"),
        ({"classes": empty + 7}, "value 7"),
        ({"classes": empty.astype(float)}, "whole numbers"),
        ({"cells": np.ones_like(empty, np.int32)}, "same pixels"),
        ({"pixel_size": 9}, "not plausible"),
        ({"model": "default"}, "follows no gestures"),
        ({"model": "no-such-model"}, "no model"),
        ({"image": np.stack([cell.image] * 3)}, "3 planes"),
        ({"image": "no-such-file.png"}, "does not exist"),
    ):
        given = {"image": cell.image, "classes": empty, "strokes": [click], "pixel_size": 0.1} | wrong
        with pytest.raises(nl.LeukocyteError, match=sentence):
            nl.refine(**given)
    with pytest.raises(nl.LeukocyteError, match="follows gestures"):
        nl.segment(cell.image, model="gestures", pixel_size=0.1)


def test_no_gesture_changes_nothing(cell):
    assert np.array_equal(nl.refine(cell.image, cell.classes, [], pixel_size=0.1), cell.classes)
