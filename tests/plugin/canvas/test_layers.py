import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.plugin.canvas.layers import (
    CELLS,
    CLASSES,
    METADATA_KEY,
    PIXEL_SIZE_KEY,
    add_cells,
    add_classes,
    class_colormap,
    describe,
    pixel_size_of,
)

SHAPE = (20, 30)


@pytest.fixture
def viewer():
    return ViewerModel()


def image_layer(shape=SHAPE, **options):
    return Image(np.zeros((*shape, 3), np.uint8), rgb=True, **options)


class TestPixelSize:
    @pytest.mark.parametrize(
        ("scale", "unit"), [(0.1, "um"), (0.1, "micrometer"), (0.0001, "mm"), (100, "nm"), (1e-7, "m")]
    )
    def test_lengths(self, scale, unit):
        size = pixel_size_of(image_layer(scale=(scale, scale), units=unit))
        assert size.um == pytest.approx(0.1)
        assert size.source == "layer scale"
        assert size.for_areas == size.um

    def test_each_axis_has_its_own_unit(self):
        assert pixel_size_of(image_layer(scale=(100, 0.1), units=("nm", "um"))).um == pytest.approx(0.1)

    @pytest.mark.parametrize("options", [{}, {"units": "pixel"}, {"units": "second"}, {"units": ("um", "pixel")}])
    def test_a_scale_that_is_no_length_means_nothing(self, options):
        assert pixel_size_of(image_layer(scale=(0.1, 0.1), **options)).um is None

    def test_nothing_said(self):
        assert pixel_size_of(image_layer()).um is None

    @pytest.mark.parametrize("scale", [(0.1, 0.2), (0.2, 0.1), (0.1, 0.104)])
    def test_pixels_that_are_not_square(self, scale):
        assert pixel_size_of(image_layer(scale=scale, units="um")).um is None

    def test_rounding_is_no_difference(self):
        assert pixel_size_of(image_layer(scale=(0.1, 0.1001), units="um")).um == pytest.approx(0.1, rel=1e-3)

    @pytest.mark.parametrize("um", [1e-6, 0.001, 85, 1e9])
    def test_what_no_microscope_has(self, um):
        assert pixel_size_of(image_layer(scale=(um, um), units="um")).um is None

    def test_a_mirrored_image_keeps_its_size(self):
        assert pixel_size_of(image_layer(scale=(-0.1, 0.1), units="um")).um == pytest.approx(0.1)

    def test_of_a_stack_only_the_last_two_axes_count(self):
        layer = image_layer((4, *SHAPE), scale=(7, 0.1, 0.1), units=("second", "um", "um"))
        assert pixel_size_of(layer).um == pytest.approx(0.1)


@pytest.mark.parametrize("palette", PALETTES)
def test_the_image_shows_where_there_is_background(palette):
    colours = class_colormap(palette).map(np.array([0, 1, 2, 7], np.uint8))
    assert colours[0, 3] == 0
    for value in (1, 2):
        np.testing.assert_allclose(colours[value], PALETTES[palette][value], atol=1 / 255)
    # a value that is no class is seen, and taken for none
    assert colours[3, 3] == 1
    assert all(np.abs(colours[3] - colours[value]).max() > 0.5 for value in (1, 2))


class TestClassMap:
    def test_it_is_ready_to_be_painted(self, viewer):
        image = viewer.add_layer(image_layer())
        layer = add_classes(viewer, np.full(SHAPE, 2, np.uint8), image)
        assert layer.name == CLASSES
        assert layer.data.dtype == np.uint8
        assert layer.n_edit_dimensions == 2
        assert layer.editable
        assert layer.selected_label == 2
        assert viewer.layers.selection.active is layer
        assert viewer.layers.index(layer) > viewer.layers.index(image)

    def test_an_empty_map_is_painted_with_a_class(self, viewer):
        image = viewer.add_layer(image_layer())
        assert add_classes(viewer, np.zeros(SHAPE, np.uint8), image).selected_label == 1

    def test_a_stroke_stays_in_its_plane(self, viewer):
        image = viewer.add_layer(image_layer((4, *SHAPE)))
        layer = add_classes(viewer, np.zeros((4, *SHAPE), np.uint8), image)
        layer.brush_size = 9
        layer.paint((2, 10, 10), 1)
        assert layer.data[2].any()
        assert not np.delete(layer.data, 2, axis=0).any()


class TestCells:
    def test_they_are_locked_and_drawn_as_outlines(self, viewer):
        image = viewer.add_layer(image_layer((4, *SHAPE)))
        layer = add_cells(viewer, np.ones((4, *SHAPE), np.int32), image)
        assert layer.name == CELLS
        assert layer.data.dtype == np.int32
        assert layer.contour == 1
        layer.visible = True
        viewer.dims.set_current_step(0, 2)
        layer.mode = "paint"
        assert not layer.editable
        assert str(layer.mode) == "pan_zoom"

    def test_the_class_map_stays_active(self, viewer):
        image = viewer.add_layer(image_layer())
        classes = add_classes(viewer, np.zeros(SHAPE, np.uint8), image)
        viewer.layers.selection.active = classes
        assert viewer.layers.selection.active is classes


TURNED = np.array([[0.6, -0.8], [0.8, 0.6]])


@pytest.mark.parametrize("add", [add_classes, add_cells])
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        (SHAPE, {}),
        (SHAPE, {"scale": (0.1, 0.1), "translate": (5, -3), "units": "um"}),
        (SHAPE, {"rotate": TURNED, "shear": [0.3], "affine": np.diag([2, 3, 1])}),
        ((4, *SHAPE), {"scale": (1, 0.1, 0.1), "translate": (2, 5, -3), "units": ("pixel", "um", "um")}),
        ((4, *SHAPE), {"axis_labels": ("smear", "y", "x"), "affine": np.diag([1, 2, 2, 1])}),
    ],
)
def test_labels_lie_where_the_image_lies(viewer, add, shape, options):
    image = viewer.add_layer(image_layer(shape, **options))
    layer = add(viewer, np.zeros(shape, np.uint8 if add is add_classes else np.int32), image)
    corner = tuple(length - 1 for length in shape)
    for point in ((0,) * len(shape), corner):
        np.testing.assert_allclose(layer.data_to_world(point), image.data_to_world(point))
    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    np.testing.assert_allclose(layer.extent.world, image.extent.world)


@pytest.mark.parametrize("add", [add_classes, add_cells])
def test_the_plane_of_a_stack_of_one(viewer, add):
    turned = np.eye(3)
    turned[1:, 1:] = TURNED
    image = viewer.add_layer(
        image_layer((1, *SHAPE), scale=(9, 0.1, 0.1), translate=(4, 5, 6), rotate=turned, units=("second", "um", "um"))
    )
    layer = add(viewer, np.zeros(SHAPE, np.uint8), image)
    assert layer.units == image.units[1:]
    np.testing.assert_allclose(layer.data_to_world((7, 8)), image.data_to_world((0, 7, 8))[1:])


def test_a_layer_says_what_made_it(viewer, segmentation):
    image = viewer.add_layer(image_layer())
    known = segmentation(np.ones(SHAPE), pixel_size=0.2)
    classes = add_classes(viewer, known.classes, image)
    describe(classes, None, known)
    assert classes.metadata[METADATA_KEY] == known.provenance
    assert classes.metadata[METADATA_KEY] is not known.provenance
    assert classes.metadata[PIXEL_SIZE_KEY] == 0.2
    describe(classes, None, segmentation(np.ones(SHAPE), pixel_size=0.2, estimated=True))
    assert classes.metadata[PIXEL_SIZE_KEY] is None


def test_a_file_with_a_pixel_size_is_shown_at_its_physical_size(viewer, tmp_path):
    from napari_leukocyte.core.imaging.image_list import sources_from_array
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.plugin.canvas.layers import add_image

    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    (source,) = sources_from_array(pixels, name="a", rgb=True, pixel_size=PixelSize(0.1, "OME metadata"))
    assert pixel_size_of(add_image(viewer, pixels, source)).um == 0.1
    (source,) = sources_from_array(pixels, name="a", rgb=True, pixel_size=PixelSize(0.1, "guess", estimated=True))
    assert pixel_size_of(add_image(viewer, pixels, source)).um is None


@pytest.mark.parametrize("shear", [0, 0.3])
@pytest.mark.parametrize("degrees", [0, 30, -75])
def test_a_region_of_a_turned_slide_lies_where_the_slide_does(degrees, shear):
    from types import SimpleNamespace

    from napari_leukocyte.plugin.segment.region import add_region_in_view

    viewer = ViewerModel()
    affine = np.array([[1, 0.2, 7], [0, 1, -3], [0, 0, 1]])
    slide = viewer.add_image(
        [np.zeros((400, 500), np.uint8), np.zeros((200, 250), np.uint8)],
        multiscale=True,
        scale=(0.5, 0.5),
        translate=(11, 5),
        rotate=degrees,
        shear=[shear],
        affine=affine,
    )
    centre = slide.data_to_world((200, 250))
    camera = SimpleNamespace(center=centre, zoom=1)
    seen = SimpleNamespace(
        scene=SimpleNamespace(camera=camera),
        canvas=SimpleNamespace(size=(40, 60)),
        add_image=viewer.add_image,
        layers=viewer.layers,
    )
    region, _ = add_region_in_view(seen, slide)
    y, x = (int(start) for start in region.name.split("[")[1].replace(":", ",").rstrip("]").split(",")[::2])
    for point in ((0, 0), (10, 3), (50, 70)):
        np.testing.assert_allclose(region.data_to_world(point), slide.data_to_world(np.add(point, (y, x))), atol=1e-6)
    for side in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        inside = region.world_to_data(np.add(centre, np.multiply(side, (19, 29))))
        assert (inside >= -1).all()
        assert (inside <= region.data.shape).all()
