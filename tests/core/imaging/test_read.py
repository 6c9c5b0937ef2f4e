import contextlib
from itertools import product

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging import tiff as tiff_module
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.planes import get_plane, plane_count
from napari_leukocyte.core.imaging.read import image_facts, read_image

RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
STACK = RNG.integers(0, 256, (6, 40, 50, 3), dtype=np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_rgb(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", RGB, **({"lossless": True} if suffix == "webp" else {}))
    file = read_image(str(path))
    np.testing.assert_array_equal(file.array, RGB)
    assert file.rgb
    assert (file.pixel_size, file.pixel_size_source) == (None, "unknown")


def test_jpeg(tmp_path):
    smooth = np.stack([np.linspace(50, 200, 2000).reshape(40, 50)] * 3, axis=-1).astype(np.uint8)
    file = read_image(save(tmp_path / "a.jpg", smooth, quality=95))
    assert np.abs(file.array.astype(int) - smooth).max() < 8


def test_the_content_counts_not_the_name(tmp_path):
    save(tmp_path / "a.tif", RGB, format="PNG")
    tifffile.imwrite(tmp_path / "b.png", RGB, photometric="rgb")
    for name in ("a.tif", "b.png"):
        np.testing.assert_array_equal(read_image(tmp_path / name).array, RGB)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grayscale(tmp_path, suffix):
    gray = RNG.integers(0, 65536, (40, 50)).astype(np.uint16)
    file = read_image(save(tmp_path / f"a.{suffix}", gray))
    np.testing.assert_array_equal(file.array, gray)
    assert file.array.dtype == np.uint16
    assert not file.rgb


def test_palette_png_becomes_rgb_or_rgba(tmp_path):
    image = Image.fromarray(RNG.integers(0, 3, (40, 50), dtype=np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png")
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, colours[np.asarray(image)])
    image.save(tmp_path / "b.png", transparency=1)
    back = read_image(tmp_path / "b.png").array
    np.testing.assert_array_equal(back[..., 3] == 0, np.asarray(image) == 1)


def test_gray_with_alpha_and_rgba(tmp_path):
    alpha = np.full((40, 50), 255, np.uint8)
    alpha[0] = 7
    assert read_image(save(tmp_path / "a.png", np.dstack([RGB[..., 0], alpha]))).array.shape == (40, 50, 4)
    rgba = np.dstack([RGB, alpha])
    for name in ("b.png", "b.tif"):
        np.testing.assert_array_equal(read_image(save(tmp_path / name, rgba)).array, rgba)


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    Image.new("CMYK", (50, 40), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    file = read_image(tmp_path / "a.jpg")
    assert file.rgb
    assert np.abs(file.array.astype(int) - (255, 0, 0)).max() < 8


def test_black_and_white_is_left_for_the_converter_to_refuse(tmp_path):
    Image.fromarray(RGB[..., 0] > 99).save(tmp_path / "a.png")
    with pytest.raises(LeukocyteError, match="mask"):
        to_rgb(read_image(tmp_path / "a.png").array)


def test_exif_orientation_is_ignored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees"
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, RGB)


def test_animation_is_refused(tmp_path):
    frames = [Image.fromarray(plane) for plane in STACK]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(LeukocyteError, match="animation"):
        read_image(tmp_path / "a.png")


OME = {"axes": "ZYXS", "PhysicalSizeX": 100, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.1}


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"ome": True, "metadata": OME}, "OME metadata"),
        ({"imagej": True, "resolution": (10, 10), "metadata": {"unit": "um"}}, "ImageJ metadata"),
        ({"imagej": True, "resolution": (10, 10), "metadata": {"unit": "\\u00B5m"}}, "ImageJ metadata"),
        ({"resolution": (1e5, 1e5), "resolutionunit": "CENTIMETER"}, "resolution tag"),
        ({"resolution": (254000, 254000), "resolutionunit": "INCH"}, "resolution tag"),
    ],
)
def test_pixel_size_of_a_tiff_stack(tmp_path, options, source):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="rgb", **options)
    file = read_image(tmp_path / "a.tif")
    assert file.pixel_size == pytest.approx(0.1, rel=1e-4)
    assert file.pixel_size_source == source
    assert file.rgb
    np.testing.assert_array_equal(file.array, STACK)


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": (300, 300), "resolutionunit": "INCH"},
        {"resolution": (28.35, 28.35), "resolutionunit": "CENTIMETER"},
        {"resolution": (10, 10), "resolutionunit": "NONE"},
        {"imagej": True, "resolution": (10, 10), "metadata": {"unit": "pixel"}},
        {"ome": True, "metadata": {"PhysicalSizeX": 1, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 1}},
    ],
)
def test_a_resolution_that_is_no_microscope_s_is_no_pixel_size(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", **options)
    file = read_image(tmp_path / "a.tif")
    assert (file.pixel_size, file.pixel_size_source) == (None, "unknown")


def test_pixels_that_are_not_square_have_no_size_and_it_says_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", resolution=(1e5, 2e5), resolutionunit="CENTIMETER")
    file = read_image(tmp_path / "a.tif")
    assert file.pixel_size is None
    assert file.pixel_size_source.startswith("resolution tag of 0.1 x 0.05 µm/px is not used")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_screen_resolution_is_no_pixel_size(tmp_path, name):
    for dpi in (72, 96, 300):
        assert read_image(save(tmp_path / name, RGB, dpi=(dpi, dpi))).pixel_size is None


def test_png_with_a_microscope_s_resolution(tmp_path):
    file = read_image(save(tmp_path / "a.png", RGB, dpi=(254000, 254000)))
    assert file.pixel_size == pytest.approx(0.1, rel=1e-4)
    assert file.pixel_size_source == "resolution tag"


@pytest.mark.parametrize("ome", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_the_pixel_size_is_that_of_the_image_that_is_read(tmp_path, ome, first):
    images = [(RGB[::4, ::4], 0.4), (RGB, 0.1)]
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=ome) as writer:
        for image, um in images if first else images[::-1]:
            stated = {"metadata": {"PhysicalSizeX": um, "PhysicalSizeY": um}} if ome else {"metadata": None}
            resolution = (0, 0) if ome else (1e4 / um, 1e4 / um)
            writer.write(image, photometric="rgb", resolution=resolution, resolutionunit="CENTIMETER", **stated)
    file = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(file.array, RGB)
    assert file.pixel_size == pytest.approx(0.1, rel=1e-4)
    assert file.pixel_size_source == ("OME metadata" if ome else "resolution tag")


@pytest.mark.parametrize(("other", "um"), [(0.1, 0.1), (0.4, None)])
def test_ome_metadata_of_images_that_are_not_in_the_file(tmp_path, other, um):
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as writer:
        for size in (other, 0.1):
            writer.write(RGB, photometric="rgb", metadata={"PhysicalSizeX": size, "PhysicalSizeY": size})
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        described = tiff.ome_metadata
    tifffile.imwrite(tmp_path / "b.tif", RGB, photometric="rgb", description=described, metadata=None)
    assert read_image(tmp_path / "b.tif").pixel_size == um


def test_grayscale_stack_of_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in STACK[:3, ..., 0]:
            writer.write(plane, photometric="minisblack")
    file = read_image(tmp_path / "a.tif")
    assert not file.rgb
    assert plane_count(file.array.shape, rgb=file.rgb) == 3
    np.testing.assert_array_equal(get_plane(file.array, 2, rgb=file.rgb), STACK[2, ..., 0])
    tifffile.imwrite(tmp_path / "b.tif", STACK[:3, ..., 0], photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").array, STACK[:3, ..., 0])


def test_separate_colour_planes_are_brought_together(tmp_path):
    planes = np.moveaxis(RGB, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, RGB)


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        (
            (3, 40, 50),
            {"ome": True, "metadata": {"axes": "CYX"}},
            "RGB image with its colours on the first axis",
        ),
        ((5, 40, 50), {}, "one image with 5 channels"),
        ((2, 40, 50), {}, "one image with 2 channels"),
        ((2, 3, 40, 50), {"imagej": True, "metadata": {"axes": "TZYX"}}, "axes TZYX"),
    ],
)
def test_two_readings_are_named_with_the_file(tmp_path, shape, options, words):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="minisblack", **options)
    with pytest.raises(LeukocyteError) as caught:
        read_image(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(tmp_path, compression):
    path = save(tmp_path / "a.tif", RGB, compression=compression)
    file = read_image(path)
    np.testing.assert_array_equal(file.array, RGB)
    frames = [Image.fromarray(plane) for plane in STACK]
    frames[0].save(path, save_all=True, append_images=frames[1:], compression=compression)
    np.testing.assert_array_equal(read_image(path).array, STACK)


def save_lzw(path, array):
    """Write what Pillow does not: their bytes as 8-bit pixels, under a head that says what they are."""
    if array.dtype != np.uint16 or array.ndim == 2:
        return save(path, array, compression="tiff_lzw")
    height, width, _ = array.shape
    save(path, array.view(np.uint8).reshape(height, 2 * width, 3), compression="tiff_lzw")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["ImageWidth"].overwrite(width)
        tiff.pages[0].tags["BitsPerSample"].overwrite((16, 16, 16))
    return path


def test_a_compression_costs_no_bits(tmp_path):
    gray = RNG.integers(0, 4096, (40, 50)).astype(np.uint16)  # 12 bits of a camera
    path = tmp_path / "a.tif"
    for array in (gray, np.dstack([gray] * 3), (gray / 4095).astype(np.float32), gray.astype(np.int32) - 9):
        np.testing.assert_array_equal(read_image(save_lzw(path, array)).array, array)
    save_lzw(path, gray)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["PhotometricInterpretation"].overwrite(0)  # white is zero
    np.testing.assert_array_equal(read_image(path).array, 65535 - gray)


def test_white_is_zero_and_palette_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RGB[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, 255 - RGB[..., 0])
    colours = RNG.integers(0, 256, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", RGB[..., 0], photometric="palette", colormap=colours * 257)
    file = read_image(tmp_path / "b.tif")
    assert file.rgb
    np.testing.assert_array_equal(file.array, colours.T[RGB[..., 0]])


def test_largest_image_of_a_pyramid_and_with_a_thumbnail(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(RGB[::4, ::4], photometric="rgb")
        writer.write(RGB, photometric="rgb", subifds=1)
        writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, RGB)


@pytest.mark.parametrize("planes", [STACK[:1], STACK[:2]])
@pytest.mark.parametrize("first", [True, False])
def test_largest_image_where_pillow_reads_the_pages(tmp_path, planes, first):
    thumbnail = [Image.fromarray(RGB[::4, ::4])]
    images = [Image.fromarray(plane) for plane in planes]
    one, *others = thumbnail + images if first else images + thumbnail
    one.save(tmp_path / "a.tif", save_all=True, append_images=others, compression="tiff_lzw")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, planes.squeeze())


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_planes_in_several_files_are_read_when_all_are_there(tmp_path, compression):
    planes = "".join(
        f'<TiffData FirstZ="{z}" PlaneCount="1"><UUID FileName="{name}.tif">urn:uuid:{name}</UUID></TiffData>'
        for z, name in enumerate("ab")
    )
    described = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a"><Image ID="Image:0">'
        '<Pixels DimensionOrder="XYZCT" Type="uint8" SizeX="50" SizeY="40" SizeZ="2" SizeC="1" SizeT="1">'
        f'<Channel SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
    )
    for number, name in enumerate("ab"):
        gray = Image.fromarray(STACK[number, ..., 0])
        gray.save(tmp_path / f"{name}.tif", compression=compression, description=described)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, STACK[:2, ..., 0])
    (tmp_path / "b.tif").unlink()
    with pytest.raises(LeukocyteError, match=r"a\.tif: .* planes of it lie in other files that are missing"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("array", [RGB, STACK, STACK[..., 0]])
def test_large_tiff_is_not_read_whole(tmp_path, monkeypatch, compression, array):
    monkeypatch.setattr(tiff_module, "_MAPPED_BYTES", 1)
    monkeypatch.setattr(tiff_module, "_LAZY_BYTES", 1)
    options = {"photometric": "rgb"} if array.shape[-1] == 3 else {"photometric": "minisblack"}
    tifffile.imwrite(
        tmp_path / "a.tif", array, compression=compression, tile=(16, 16) if compression else None, **options
    )
    file = read_image(tmp_path / "a.tif")
    assert type(file.array) is not np.ndarray
    assert file.array.shape == array.shape
    np.testing.assert_array_equal(np.asarray(file.array[2:5]), array[2:5])
    plane = get_plane(file.array, 0, rgb=file.rgb)
    np.testing.assert_array_equal(plane, array if array is RGB else array[0])


def damaged(tmp_path, name):
    path = tmp_path / name
    if name == "missing.png" or len(name) > 255:
        return path
    if name == "folder.png":
        path.mkdir()
    elif name == "empty.png":
        path.touch()
    elif name == "text.png":
        path.write_text("Dear colleague, here is the cell.")
    elif name == "header.tif":
        path.write_bytes(b"II*\0" + b"\xff" * 40)
    else:
        options = {"compression": "tiff_lzw"} if "lzw" in name else {}
        save(path, RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8), **options)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.png", "does not exist"),
        ("folder.png", "is a folder"),
        ("empty.png", "is empty"),
        ("text.png", "is not an image that can be read"),
        ("header.tif", "damaged"),
        ("cut.jpg", "damaged"),
        ("cut.png", "damaged"),
        ("cut.bmp", "damaged"),
        ("cut.webp", ""),
        ("cut.tif", "damaged"),
        ("cut_lzw.tif", "no image left in it"),
        (f"{'long' * 99}.png", "check"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, words):
    path = damaged(tmp_path, name)
    with pytest.raises(LeukocyteError) as caught:
        read_image(path)
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message


def test_the_head_of_a_file_tells_what_reading_it_gives(tmp_path):
    picture = RNG.integers(0, 255, (30, 40, 3), dtype=np.uint8)
    modes = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I")
    seen = set()
    for suffix, mode, clear in product(("png", "jpg", "bmp", "webp"), modes, (None, 3, (3, 3, 3))):
        sixteen = Image.fromarray(picture[..., 0].astype(np.uint16))
        image = sixteen if mode == "I;16" else Image.fromarray(picture).convert(mode)
        path = tmp_path / f"{mode[:1]}{len(seen)}.{suffix}"
        options = {} if clear is None else {"transparency": clear}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # there is no such kind of file
            image.save(path, dpi=(254_000, 254_000), **options)
            read = read_image(path)
            assert image_facts(path) == (read.array.shape, read.rgb, PixelSize(read.pixel_size, read.pixel_size_source))
            seen.add((suffix, mode, clear))
    assert len(seen) > 30
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(picture.astype(np.uint16) * 257))
    assert image_facts(tmp_path / "deep.png") is None


def test_a_file_that_is_none_is_told_from_its_head_and_a_tiff_has_to_be_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"this is no image")
    with pytest.raises(LeukocyteError, match=r"a\.png is not an image"):
        image_facts(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), np.uint8))
    assert image_facts(tmp_path / "a.tif") is None
