import dask.array as da
import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion, to_rgb

RNG = np.random.default_rng(7)
RGB8 = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)


def check(converted, shape=(40, 50, 3)):
    assert converted.image.dtype == np.float32
    assert converted.image.shape == shape
    assert converted.image.min() >= 0
    assert converted.image.max() <= 1
    return converted


def test_uint8_is_divided_by_255():
    converted = check(to_rgb(RGB8))
    np.testing.assert_allclose(converted.image, RGB8 / 255, atol=1e-7)
    assert converted.notes == ()


@pytest.mark.parametrize("last", [(), (1,), (3,), (4,)])
def test_uint8_has_the_values_that_every_other_type_would_get(last):
    image = np.resize(np.arange(256, dtype=np.uint8), (40, 50, *last))
    if last == (4,):
        image[..., 3] = 255
    conversion = find_conversion(image)
    found, step = conversion(image), conversion(image[::3, ::2])
    np.testing.assert_array_equal(found, conversion(image.astype(np.int16)))  # not of the plane's type: the general way
    np.testing.assert_array_equal(found[::3, ::2], step)
    assert found.dtype == np.float32
    assert not np.shares_memory(found, image)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_float_within_0_1_is_unchanged(dtype):
    image = (RGB8 / 300).astype(dtype)
    converted = check(to_rgb(image))
    np.testing.assert_array_equal(converted.image, image.astype(np.float32))
    assert converted.notes == ()


@pytest.mark.parametrize(
    "dtype", [np.uint16, ">u2", np.int16, np.uint32, np.int32, np.int64, np.float32, np.float64, np.int8]
)
def test_everything_else_is_scaled_by_joint_percentiles(dtype):
    largest = 100 if dtype is np.int8 else 30000
    image = RNG.integers(0, largest, (40, 50, 3)).astype(dtype)
    image[..., 2] //= 2  # channels must keep their proportion
    converted = check(to_rgb(image))
    low, high = np.percentile(image.astype(np.float64), (0.1, 99.9))
    expected = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    np.testing.assert_allclose(converted.image, expected, atol=1e-5)
    assert converted.image[..., 2].max() < 0.55
    assert len(converted.notes) == 1
    assert f"{low:g} became 0" in converted.notes[0]


def test_large_offsets_lose_no_contrast():
    image = RGB8.astype(np.uint32) + 4_000_000_000
    np.testing.assert_allclose(to_rgb(image).image, to_rgb(RGB8.astype(np.int16)).image, atol=1e-6)


def test_slightly_out_of_range_float_is_scaled_and_said():
    image = RGB8 / 255.0
    image[0, 0, 0] = 1.0001
    assert "scaled" in to_rgb(image).notes[0]


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (1, 40, 50)])
def test_grayscale_is_repeated_and_said(shape):
    converted = check(to_rgb(RGB8[..., 0].reshape(shape)))
    for channel in range(3):
        np.testing.assert_allclose(converted.image[..., channel], RGB8[..., 0] / 255, atol=1e-7)
    assert "grayscale" in converted.notes[0]


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)])
def test_opaque_alpha_is_dropped(dtype, full):
    image = np.dstack([RGB8, np.full((40, 50), 255)]).astype(np.float64) / 255 * full
    image = image.astype(dtype)
    without = to_rgb(image[..., :3])
    converted = check(to_rgb(image))
    np.testing.assert_array_equal(converted.image, without.image)
    assert converted.notes == without.notes


def test_other_alpha_is_composited_on_white_and_said():
    alpha = np.full((40, 50), 255, dtype=np.uint8)
    alpha[0, 0], alpha[0, 1] = 0, 51
    converted = check(to_rgb(np.dstack([RGB8, alpha])))
    np.testing.assert_allclose(converted.image[0, 0], 1)
    np.testing.assert_allclose(converted.image[0, 1], 0.2 * RGB8[0, 1] / 255 + 0.8, atol=1e-6)
    np.testing.assert_allclose(converted.image[1:], RGB8[1:] / 255, atol=1e-6)
    assert "white" in converted.notes[0]


def test_transparent_pixels_do_not_set_the_contrast():
    image = np.dstack([RGB8, np.full((40, 50), 255)]).astype(np.uint16) * 100
    image[..., 3] = 65535
    seen = to_rgb(image[:20]).image
    image[20:] = (60000, 60000, 60000, 0)
    np.testing.assert_array_equal(to_rgb(image).image[:20], seen)


def test_float_alpha_of_255_is_opaque():
    image = np.dstack([RGB8, np.full((40, 50), 255)]).astype(np.float32)
    assert not any("white" in note for note in to_rgb(image).notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_the_input_is_never_changed_nor_shared(dtype):
    image = RGB8.astype(dtype)
    if np.issubdtype(dtype, np.floating):
        image /= 255
    kept = image.copy()
    image.flags.writeable = False
    converted = to_rgb(image)
    assert not np.shares_memory(converted.image, image)
    np.testing.assert_array_equal(image, kept)


def test_outliers_beyond_percentiles_of_0_and_1_are_clipped():
    image = np.tile(np.array([[0, 1]], dtype=np.int16), (40, 25))
    image[0, 0], image[0, 1] = -5, 7
    assert set(np.unique(check(to_rgb(image)).image)) == {0, 1}


def test_windows_converted_on_their_own_equal_the_whole():
    image = RGB8.astype(np.uint16) * 37
    conversion = find_conversion(image)
    np.testing.assert_array_equal(conversion(image[5:17, 3:30]), to_rgb(image).image[5:17, 3:30])


def test_dask_plane():
    converted = check(to_rgb(da.from_array(RGB8, chunks=(20, 20, 3))))
    np.testing.assert_allclose(converted.image, RGB8 / 255, atol=1e-7)


NAN = np.where(np.arange(2000).reshape(40, 50) == 7, np.nan, 0.5)
INF = np.where(np.arange(2000).reshape(40, 50) < 2, np.inf, 0.5)
HOT = np.where(np.arange(2000).reshape(40, 50) == 7, 9, 5).astype(np.uint16)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (NAN, "1 pixel values that are not a number"),
        (INF, "2 pixel values that are not a number"),
        (np.full((40, 50), 7, np.uint8), "same value (7)"),
        (np.full((40, 50, 3), (7, 8, 9), np.uint8), "same colour (7, 8, 9)"),
        (np.full((40, 50, 4), (7, 8, 9, 255), np.uint16), "same colour"),
        (HOT, "Nearly every pixel"),
        (np.zeros((0, 50), np.uint8), "empty"),
        (np.zeros((0, 50, 50), np.uint8), "empty"),
        (RGB8[:, :1], "1 pixel wide"),
        (RGB8[:1], "1 pixel high"),
        (RGB8.astype(complex), "complex"),
        (RGB8 > 10, "true and false"),
        (RGB8.astype(object), "no numbers"),
        (RGB8.astype(str), "no numbers"),
        ([[1, 2], [3]], "differ in length"),
        (None, "no numbers"),
        ("cell.png", "no numbers"),
        (RGB8[0, 0], "no image"),
        (np.moveaxis(RGB8, -1, 0), "RGB image with its colours on the first axis"),
        (RGB8[..., :2], "one image with 2 channels"),
        (np.zeros((5, 40, 50)), "one image with 5 channels"),
        (np.stack([RGB8] * 6), "stack of 6 planes"),
        (np.stack([RGB8[..., 0]] * 12), "stack of 12 planes"),
        (np.zeros((2, 2, 40, 50, 3)), "too many axes"),
        (np.dstack([RGB8, np.zeros((40, 50), np.uint8)]), "transparent everywhere"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(image, words):
    with pytest.raises(LeukocyteError) as caught:
        to_rgb(image)
    message = str(caught.value)
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message


def test_the_rgb_flag_decides():
    planes = np.moveaxis(RGB8, -1, 0)
    with pytest.raises(LeukocyteError, match="stack of 3 planes"):
        to_rgb(planes, rgb=False)
    with pytest.raises(LeukocyteError, match="cannot be RGB"):
        to_rgb(planes, rgb=True)
    with pytest.raises(LeukocyteError, match="stack of 40 planes"):
        to_rgb(RGB8, rgb=False)
    assert to_rgb(RGB8[..., 0], rgb=False).notes == to_rgb(RGB8[..., 0]).notes


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_other_pixel_makes_an_image_that_is_not_uniform(channels):
    image = np.full((40, 50, channels), 255, np.uint8)
    with pytest.raises(LeukocyteError, match="Every pixel"):
        find_conversion(image)
    image[-1, -1, 0] = 7
    assert (find_conversion(image).low, find_conversion(image).high) == (0, 255)
