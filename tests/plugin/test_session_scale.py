"""A scale or place that the image layer gets after it was opened: overlays, areas and flags follow."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters
from napari_leukocyte.core.scoring.truth import make_truth
from napari_leukocyte.plugin.canvas.layers import METADATA_KEY, PIXEL_SIZE_KEY, TRUTH, place_like
from napari_leukocyte.plugin.cnr_text import get_cnr_text
from napari_leukocyte.plugin.compare.comparison import Comparison
from napari_leukocyte.plugin.compare.error_layers import ErrorLayers

SHAPE = (90, 110)
DISCS = (45, 30, 20, 10), (45, 80, 18, 9)
UM = 0.1


@pytest.fixture
def guessed(segmentation, disc_map):
    """A segmentation of an image of unknown scale: its pixel size is an estimate."""
    return segmentation(disc_map(SHAPE, *DISCS), pixel_size=0.3, estimated=True)


@pytest.fixture
def image(viewer, session, guessed):
    """An image without a scale, segmented."""
    layer = viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), name="smear")
    session.open_layer(layer)
    session.put(0, guessed)
    return layer


def set_scale(layer, um=UM):
    layer.scale = (*layer.scale[:-2], um, um)
    layer.units = (*layer.units[:-2], "um", "um")


def open_scaled(session, layer, um=UM):
    set_scale(layer, um)
    session.open_layer(layer)


def areas(state):
    return [measure.nucleus_um2 for measure in state.measures]


def wanted_areas(um=UM):
    """Of the nuclei, counted in the discs."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return pytest.approx([np.sum(np.hypot(y - cy, x - cx) <= nucleus) * um**2 for cy, cx, _, nucleus in DISCS])


def test_the_pixel_size_is_the_one_that_the_layer_has_now(session, image):
    assert session.images[0].pixel_size.um is None
    open_scaled(session, image)
    assert session.images[0].pixel_size.um == pytest.approx(UM)
    open_scaled(session, image, 0.2)
    assert session.images[0].pixel_size.um == pytest.approx(0.2)
    image.units = "pixel"
    session.open_layer(image)
    assert session.images[0].pixel_size.um is None


def test_what_lies_over_the_image_stays_over_it(viewer, session, image):
    text = get_cnr_text(session)
    text.refresh()
    comparison = Comparison(session)
    comparison.set_truth(0, truth_of(session.state))
    errors = ErrorLayers(comparison)  # kept: signals hold it weakly
    errors.show(TRUTH, on=True)
    badges = text.layer
    set_scale(image)
    image.translate, image.rotate = (3, 4), 30
    session.open_layer(image)
    overlays = session.classes_layer, session.cells_layer, badges, viewer.layers[TRUTH]
    for layer in overlays:
        assert layer in viewer.layers
        assert layer.units == image.units
        np.testing.assert_allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))


def test_a_stack_keeps_its_overlays_too(viewer, session, guessed):
    stack = viewer.add_image(np.zeros((3, *SHAPE, 3), np.uint8), rgb=True)
    session.open_layer(stack)
    for plane in (0, 2):
        session.put(plane, guessed)
    text = get_cnr_text(session)
    text.refresh()
    open_scaled(session, stack)
    for layer in (session.classes_layer, session.cells_layer, text.layer):
        np.testing.assert_allclose(layer.scale, (1, UM, UM))
    assert [source.pixel_size.um for source in session.images] == pytest.approx([UM] * 3)
    assert areas(session.states[0]) == areas(session.states[2]) == wanted_areas()


def test_cells_are_measured_again_and_all_that_show_them_are_told(session, image):
    told = []
    session.changed.connect(lambda index, bbox: told.append((index, bbox, areas(session.states[index]))))
    assert np.isnan(areas(session.state)).all()
    open_scaled(session, image)
    assert told == [(0, (0, SHAPE[0], 0, SHAPE[1]), wanted_areas())]
    result = session.state.result
    assert result.pixel_size == session.images[0].pixel_size
    assert result.provenance["pixel_size_source"] == "layer scale"
    assert session.classes_layer.metadata[PIXEL_SIZE_KEY] == pytest.approx(UM)
    assert session.classes_layer.metadata[METADATA_KEY] == result.provenance
    open_scaled(session, image, 0.2)
    assert areas(session.state) == wanted_areas(0.2)
    image.units = "pixel"
    session.open_layer(image)
    assert np.isnan(areas(session.state)).all()


def test_nothing_happens_when_the_layer_is_as_it_was(session, image):
    open_scaled(session, image)
    told = []
    session.changed.connect(lambda index, bbox: told.append(index))
    session.open_layer(image)
    assert told == []


def test_a_typed_pixel_size_stays(session, image, segmentation, disc_map):
    session.put(0, segmentation(disc_map(SHAPE, *DISCS), pixel_size=0.25))
    open_scaled(session, image)
    assert session.state.result.pixel_size.source == "typed"
    assert areas(session.state) == wanted_areas(0.25)


def test_an_estimate_stays_when_the_layer_says_nothing_any_more(session, image, guessed):
    open_scaled(session, image)
    session.put(0, guessed)
    image.units = "pixel"
    session.open_layer(image)
    assert session.state.result.pixel_size.um == pytest.approx(0.3)


def test_edits_and_their_undo_outlast_the_change(session, image, guessed):
    layer = session.classes_layer
    session.edit_labels(lambda live: live_repairs.join(live, [1, 2]))
    layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[0:4, 0:4]), 1)
    open_scaled(session, image)
    assert session.state.edited
    layer.undo()
    layer.undo()
    assert not session.state.edited
    assert areas(session.state) == wanted_areas()


def test_undo_of_a_segmentation_leads_to_cells_of_the_same_pixel_size(session, image, segmentation, disc_map):
    for _ in range(2):
        session.put(0, segmentation(disc_map(SHAPE, DISCS[0]), pixel_size=0.3, estimated=True))
        session.classes_layer.data_setitem((np.array([0]), np.array([0])), 1)
    layer = session.classes_layer
    layer.undo()
    layer.undo()  # amid the steps: one more leads back and one forward
    open_scaled(session, image)
    layer.undo()
    layer.undo()
    assert areas(session.state) == wanted_areas()
    layer.redo()
    assert not np.isnan(areas(session.state)).any()


def test_of_files_the_shown_one_alone_is_scaled(viewer, session, tmp_path, guessed):
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(path)
    session.open_files(list(sources_from_files(paths)))
    for i in range(2):
        session.put(i, guessed)
    open_scaled(session, session.image_layer)
    assert [source.pixel_size.um for source in session.images] == [pytest.approx(UM), None]
    assert areas(session.states[0]) == wanted_areas()
    assert np.isnan(areas(session.states[1])).all()
    session.show(1)
    session.show(0)
    np.testing.assert_allclose(session.image_layer.scale, (UM, UM))
    session.open_layer(session.image_layer)
    assert session.images[0].pixel_size.um == pytest.approx(UM)


@pytest.mark.parametrize("um", [0.1, 3.0])
def test_what_a_file_states_stays_until_the_layer_says_otherwise(viewer, session, tmp_path, um):
    """Also when it is larger than a layer's scale is believed."""
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(tmp_path / "a.png")
    (source,) = sources_from_files([tmp_path / "a.png"])
    stated = PixelSize(um, "training set")
    session.open_files([replace(source, pixel_size=stated)])
    session.open_layer(session.image_layer)
    assert session.images[0].pixel_size == stated


def truth_of(state):
    classes = state.classes.copy()
    return make_truth(classes, whole_cell=False, pixel_size=None, reading="", source="", cells=label_cells(classes))


def test_a_comparison_is_made_at_the_new_pixel_size(session, image):
    comparison = Comparison(session)
    comparison.set_parameters(EvaluationParameters(border_um=0.6))
    comparison.set_truth(0, truth_of(session.state))
    open_scaled(session, image, 0.2)
    assert comparison.of(0).score.border_px == pytest.approx(3)
    open_scaled(session, image)
    assert comparison.of(0).score.border_px == pytest.approx(6)


@pytest.mark.parametrize("placed", [{"rotate": 30, "shear": [0.2]}, {"affine": [[1, 0.3, 2], [0, 2, 1], [0, 0, 1]]}])
def test_a_layer_is_laid_over_its_image_once(viewer, image, placed):
    for name, value in placed.items():
        setattr(image, name, value)
    layer = viewer.add_labels(np.zeros(SHAPE, np.uint8))
    assert place_like(layer, image)
    np.testing.assert_allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert not place_like(layer, image)
