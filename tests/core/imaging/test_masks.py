import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.masks import mask_from_values, open_mask, read_mask
from napari_leukocyte.core.imaging.write import write_class_png, write_class_tiff


@pytest.mark.parametrize(
    ("values", "classes", "whole_cell"),
    [
        ([0, 255], [0, 1], True),
        ([0, 1], [0, 1], True),
        ([0, 0], [0, 0], True),
        ([255, 255], [1, 1], True),
        ([0, 1, 2], [0, 1, 2], False),
        ([0, 2], [0, 2], False),
        ([1, 2], [1, 2], False),
        ([0, 128, 255], [0, 1, 2], False),
        ([0, 128], [0, 1], False),
        ([128, 255], [1, 2], False),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32])
def test_the_set_of_values_decides(values, classes, whole_cell, dtype):
    mask = mask_from_values(np.array([values, values[::-1]], dtype))
    assert mask.classes.tolist() == [classes, classes[::-1]]
    assert mask.classes.dtype == np.uint8
    assert mask.whole_cell is whole_cell
    assert mask.reading.startswith("whole cell") == whole_cell


def test_true_and_false_are_whole_cells():
    mask = mask_from_values(np.array([[False, True]]))
    assert mask.classes.tolist() == [[0, 1]]
    assert mask.whole_cell


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([[0, 3]], "0, 3"),
        ([[0, 1, 255]], "0, 1, 255"),
        ([[0, 1, 2, 128]], "128"),
        ([[-1, 0]], "-1, 0"),
        ([list(range(40))], r"5, \.\.\."),
    ],
)
def test_other_values_are_refused_and_shown(values, shown):
    with pytest.raises(LeukocyteError, match=rf"m\.png holds the values .*{shown}: use"):
        mask_from_values(np.array(values), name="m.png")


@pytest.mark.parametrize("value", [0.5, 1.0001, np.nan, np.inf])
def test_shares_are_no_classes(value):
    with pytest.raises(LeukocyteError, match="not whole numbers"):
        mask_from_values(np.array([[0, 1, value]]))


@pytest.mark.parametrize("shape", [(4,), (2, 4, 3), (1, 4, 4)])
def test_it_must_be_one_plane(shape):
    with pytest.raises(LeukocyteError, match=r"not a \(Y, X\) mask"):
        mask_from_values(np.zeros(shape, np.uint8))


def test_files(tmp_path):
    values = np.array([[0, 128], [255, 0]], np.uint8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(values[..., None], 3, axis=-1)).save(tmp_path / "rgb.png")
    alpha = np.full((2, 2, 1), 255, np.uint8)
    Image.fromarray(np.concatenate([np.repeat(values[..., None], 3, axis=-1), alpha], axis=-1)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "grey.tif", values.astype(np.uint16))
    for name in ("grey.png", "rgb.png", "a.png", "grey.tif"):
        mask = read_mask(tmp_path / name)
        assert mask.classes.tolist() == [[0, 1], [2, 0]]
        assert not mask.whole_cell


def drawn_classes(shape=(120, 130), cell=40, nucleus=22):
    y, x = np.indices(shape)
    distance = np.hypot(y - 60, x - 61)
    return (distance <= cell).astype(np.uint8) + (distance <= nucleus)


def thesis_picture(classes, *, soft=0):
    """A mask in the thesis's colours; ``soft`` times finer and averaged, its edges are blends of two colours."""
    colours = np.array([MASK_COLOURS[value] for value in range(3)], np.float64)
    picture = colours[classes]
    if soft:
        height, width = (side // soft * soft for side in classes.shape)
        cut = picture[:height, :width].reshape(height // soft, soft, width // soft, soft, 3)
        picture = cut.mean(axis=(1, 3))
    return picture.round().astype(np.uint8)


def test_the_colours_of_the_thesis(tmp_path):
    classes = drawn_classes()
    Image.fromarray(thesis_picture(classes)).save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    np.testing.assert_array_equal(mask.classes, classes)
    assert mask.reading.startswith("colours")
    assert not mask.whole_cell
    tifffile.imwrite(tmp_path / "b.tif", thesis_picture(classes).astype(np.uint16) * 257, photometric="rgb")
    np.testing.assert_array_equal(read_mask(tmp_path / "b.tif").classes, classes)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_softened_edges_take_the_nearest_colour(tmp_path, suffix):
    fine = drawn_classes((480, 480), 60, 33)
    picture = thesis_picture(fine, soft=4)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    Image.fromarray(picture).save(tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    mask = read_mask(tmp_path / f"a{suffix}")
    blocks = fine.reshape(120, 4, 120, 4)
    shares = np.stack([(blocks == value).mean(axis=(1, 3)) for value in range(3)])
    certain = shares.max(axis=0) > 0.5
    np.testing.assert_array_equal(mask.classes[certain], shares.argmax(axis=0)[certain])


@pytest.mark.parametrize(
    "patch", [(255, 255, 0), (128, 0, 127), (85, 85, 85), (0, 0, 0), (255, 255, 255), (0, 255, 255)]
)
def test_one_more_colour_is_refused(tmp_path, patch):
    picture = thesis_picture(drawn_classes())
    picture[5:13, 5:13] = patch
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(LeukocyteError, match=r"a\.png is in colour, but not in the mask colours"):
        read_mask(tmp_path / "a.png")


def test_a_palette_is_read_by_its_colours_or_else_by_its_numbers(tmp_path):
    classes = drawn_classes()
    write_class_png(tmp_path / "ours.png", classes, provenance={})
    np.testing.assert_array_equal(read_mask(tmp_path / "ours.png").classes, classes)
    for name, palette in (
        ("reordered", [255, 0, 0, 0, 0, 255, 0, 255, 0]),  # the same colours under other numbers
        ("grey", [0, 0, 0, 100, 100, 100, 200, 200, 200]),
        ("gaudy", [0, 0, 0, 128, 0, 0, 0, 128, 0]),
    ):
        numbers = np.array([1, 2, 0], np.uint8)[classes] if name == "reordered" else classes
        image = Image.fromarray(numbers)
        image.putpalette(palette + [9] * (768 - 9))
        image.save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_mask(tmp_path / f"{name}.png").classes, classes)
    colormap = np.random.default_rng(0).integers(0, 65535, (3, 256), np.uint16)
    tifffile.imwrite(tmp_path / "lut.tif", classes, photometric="palette", colormap=colormap)
    np.testing.assert_array_equal(read_mask(tmp_path / "lut.tif").classes, classes)


@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate", "tiff_lzw", "packbits"])
def test_the_numbers_of_a_palette_are_those_of_the_largest_image(tmp_path, compression):
    classes = drawn_classes()
    images = [Image.fromarray(numbers) for numbers in (classes[::4, ::4], classes)]
    for image in images:
        image.putpalette([0, 0, 0, 120, 120, 0, 200, 0, 200] + [9] * (768 - 9))
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:], compression=compression)
    mask = read_mask(tmp_path / "a.tif")
    np.testing.assert_array_equal(mask.classes, classes)
    assert mask.reading.startswith("index")


def test_a_stack_has_one_reading_over_all_its_planes(tmp_path):
    classes = drawn_classes()
    stack = np.stack([classes, np.minimum(classes, 1), np.zeros_like(classes)])
    write_class_tiff(tmp_path / "s.tif", stack, provenance={}, pixel_size=0.5)
    file = open_mask(tmp_path / "s.tif")
    assert (file.planes, file.whole_cell, file.pixel_size.um) == (3, False, 0.5)
    np.testing.assert_array_equal(np.stack([file.read(i) for i in range(3)]), stack)
    coloured = np.stack([thesis_picture(plane) for plane in stack])
    tifffile.imwrite(tmp_path / "c.tif", coloured, photometric="rgb")
    file = open_mask(tmp_path / "c.tif")
    np.testing.assert_array_equal(np.stack([file.read(i) for i in range(3)]), stack)
    with pytest.raises(LeukocyteError, match=r"s\.tif is a stack of 3 planes"):
        read_mask(tmp_path / "s.tif")


def test_a_colour_picture_is_no_mask(tmp_path):
    rng = np.random.default_rng(0)
    photo = np.clip(np.array([200, 190, 230]) + rng.normal(0, 20, (60, 70, 3)), 0, 255).astype(np.uint8)
    for picture in (photo, np.arange(48, dtype=np.uint8).reshape(4, 4, 3)):
        Image.fromarray(picture).save(tmp_path / "photo.png")
        with pytest.raises(LeukocyteError, match=r"photo\.png is in colour, but not in the mask colours"):
            read_mask(tmp_path / "photo.png")
    with pytest.raises(LeukocyteError, match=r"none\.png"):
        read_mask(tmp_path / "none.png")


@pytest.mark.parametrize("options", [{"photometric": "minisblack"}, {"imagej": True}, {"photometric": "rgb"}])
def test_a_short_stack_of_maps_is_no_colour_image(tmp_path, options):
    planes = np.zeros((3, 20, 30), np.uint8)
    for number, plane in enumerate(planes):
        plane[4:12, 5 : 15 + number] = 1
        plane[6:8, 7:9] = 2
    tifffile.imwrite(tmp_path / "s.tif", planes, **options)
    file = open_mask(tmp_path / "s.tif")
    assert file.planes == 3
    assert all(np.array_equal(file.read(number), plane) for number, plane in enumerate(planes))


def test_colours_that_lie_apart_are_still_colours(tmp_path):
    classes = np.kron([[0, 1], [2, 1]], np.ones((10, 10), int))
    colours = np.moveaxis(np.array([MASK_COLOURS[value] for value in range(3)], np.uint8)[classes], -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    assert np.array_equal(open_mask(tmp_path / "a.tif").read(), classes)
