"""One picture, written in every way that a TIFF has for it, is read as the same pixels."""

import itertools
import random

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.masks import open_mask, read_mask
from napari_leukocyte.core.imaging.read import read_image

RNG = np.random.default_rng(3)
NUMBERS = RNG.integers(0, 200, (45, 53), dtype=np.uint8)
COLOURS = RNG.integers(0, 256, (200, 3), dtype=np.uint8)
PICTURE = COLOURS[NUMBERS]

WAYS = {
    "compression": [None, "lzw", "zlib", "packbits", "zstd", "lzma", "jpeg2000", "lerc"],
    "photometric": ["rgb", "minisblack", "miniswhite", "palette"],
    "planar": ["contig", "separate"],
    "orientation": [None, 1, 2, 3, 6, 8],
    "depth": [8, 16],
    "order": ["<", ">"],
    "predictor": [False, True],
    "extras": [(), (0,), (1,), (2,), (0, 0), (0, 2)],
    "layout": ["strip", "rows", "tile"],
    "palette_bits": [8, 16],
    "big": [False, True],
}


def possible(way):
    rgb = way["photometric"] == "rgb"
    return (
        (not way["predictor"] or way["compression"] in ("lzw", "zlib", "zstd", "lzma"))
        and (rgb or (way["planar"] == "contig" and not way["extras"]))
        and (way["photometric"] == "palette" or way["palette_bits"] == 16)
        and (way["photometric"] != "palette" or (way["depth"] == 8 and not way["predictor"]))
        and (way["compression"] not in ("jpeg2000", "lerc") or (len(way["extras"]) < 2 and way["order"] == "<"))
    )


def pairwise():
    """A list of ways in which every possible pair of choices occurs, and few more."""
    names, rng = list(WAYS), random.Random(1)
    pool = [way for _ in range(3000) if possible(way := {name: rng.choice(choices) for name, choices in WAYS.items()})]
    pairs = [{(a, way[a], b, way[b]) for a, b in itertools.combinations(names, 2)} for way in pool]
    wanted, chosen = set().union(*pairs), []
    while wanted:
        some = [i for i in rng.sample(range(len(pool)), 100) if pairs[i] & wanted] or range(len(pool))
        best = max(some, key=lambda i: len(pairs[i] & wanted))
        wanted -= pairs[best]
        chosen.append(pool[best])
    return chosen


def write(path, way):
    depth = np.uint16 if way["depth"] == 16 else np.uint8
    full = np.iinfo(depth).max
    options = {"colormap": None}
    if way["photometric"] == "palette":
        colours = np.zeros((3, 256), np.uint16)
        colours[:, :200] = COLOURS.T.astype(np.uint16) * (257 if way["palette_bits"] == 16 else 1)
        array, options["colormap"] = NUMBERS, colours
    else:
        array = PICTURE.astype(depth) * (full // 255)
        if way["photometric"] != "rgb":
            array = array[..., 0]
        if way["photometric"] == "miniswhite":
            array = full - array
    for kind in way["extras"]:
        # an alpha is opaque; what is not called one may be anything
        extra = np.full(NUMBERS.shape, full, depth) if kind else (NUMBERS % 7).astype(depth)
        array = np.dstack([array, extra])
    if way["planar"] == "separate":
        array = np.moveaxis(array, -1, 0)
    tifffile.imwrite(
        path,
        array,
        photometric=way["photometric"],
        planarconfig=way["planar"] if way["photometric"] == "rgb" else None,
        compression=way["compression"],
        predictor=way["predictor"],
        byteorder=way["order"],
        bigtiff=way["big"],
        extrasamples=way["extras"] or None,
        tile=(16, 32) if way["layout"] == "tile" else None,
        rowsperstrip=7 if way["layout"] == "rows" else None,
        extratags=[(274, "H", 1, way["orientation"], True)] if way["orientation"] else [],
        metadata=None,
        **options,
    )


def test_every_pair_of_ways_gives_the_same_pixels(tmp_path):
    ways = pairwise()
    assert 36 <= len(ways) <= 300
    for number, way in enumerate(ways):
        path = tmp_path / f"{number}.tif"
        write(path, way)
        file = read_image(path)
        wanted = PICTURE if way["photometric"] in ("rgb", "palette") else PICTURE[..., 0]
        if way["depth"] == 16:
            wanted = wanted.astype(np.uint16) * 257
        assert file.array.dtype == wanted.dtype, way
        assert file.rgb == (wanted.ndim == 3), way
        assert file.array.shape[-1] in ((3, 4) if file.rgb else (53,)), way
        assert (file.array.shape[-1] == 4) == any(way["extras"]), way
        np.testing.assert_array_equal(file.array[..., :3] if file.rgb else file.array, wanted, err_msg=str(way))
        if file.rgb:
            assert not any("transparent" in note for note in to_rgb(file.array, rgb=True).notes)


@pytest.mark.parametrize("compression", ["raw", "group4", "tiff_deflate", "packbits", "tiff_lzw"])
def test_a_mask_of_one_bit_is_white_where_its_tag_says(tmp_path, compression):
    mask = NUMBERS > 150
    Image.fromarray(mask).save(tmp_path / "a.tif", compression=compression)
    for wanted in (mask, ~mask):
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, wanted)
        np.testing.assert_array_equal(read_mask(tmp_path / "a.tif").classes, wanted)
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
            tag = tiff.pages[0].tags["PhotometricInterpretation"]
            tag.overwrite(1 - tag.value)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_few_bits_are_spread_for_pictures_and_kept_for_masks(tmp_path, bits, photometric):
    values = NUMBERS % 3
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", bitspersample=bits)
    if photometric == "miniswhite":
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
            tiff.pages[0].tags["PhotometricInterpretation"].overwrite(0)
        values = (2**bits - 1) - values
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, values * (255 // (2**bits - 1)))
    if photometric == "minisblack":
        np.testing.assert_array_equal(open_mask(tmp_path / "a.tif").read(), values)


def test_an_alpha_that_was_multiplied_in_is_taken_out(tmp_path):
    alpha = np.full(NUMBERS.shape, 255, np.uint8)
    alpha[:20] = 128
    stored = (PICTURE * (alpha / 255)[..., None]).round().astype(np.uint8)
    straight = np.dstack([PICTURE, alpha])
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([stored, alpha]), photometric="rgb", extrasamples=(1,))
    tifffile.imwrite(tmp_path / "b.tif", straight, photometric="rgb", extrasamples=(2,))
    back = read_image(tmp_path / "a.tif").array
    np.testing.assert_array_equal(back[..., 3], alpha)
    assert np.abs(back.astype(int) - straight).max() <= 1
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").array, straight)


def test_gray_with_alpha_and_with_what_is_not_said_to_be_one(tmp_path):
    pair = np.dstack([NUMBERS, NUMBERS])
    tifffile.imwrite(tmp_path / "a.tif", pair, photometric="minisblack", planarconfig="contig", extrasamples=(2,))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, np.dstack([NUMBERS] * 4))
    tifffile.imwrite(tmp_path / "b.tif", pair, photometric="minisblack", planarconfig="contig", extrasamples=(0,))
    with pytest.raises(LeukocyteError, match=r"b\.tif: The file holds 2 values a pixel"):
        read_image(tmp_path / "b.tif")


def test_inks_and_brightness_with_two_colours_become_rgb(tmp_path):
    for mode in ("CMYK", "YCbCr"):
        image = Image.fromarray(PICTURE).convert(mode)
        image.save(tmp_path / "a.tif", compression="tiff_lzw" if mode == "CMYK" else "raw")
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, np.asarray(image.convert("RGB")))


def test_jpeg_in_a_tiff_becomes_rgb(tmp_path):
    smooth = np.stack([np.linspace(50, 200, 64 * 64).reshape(64, 64)] * 3, axis=-1).astype(np.uint8)
    smooth[:32, :, 0] = 220
    for number, compression in enumerate(("jpeg", "tiff_jpeg")):
        path = tmp_path / f"{number}.tif"
        if number:
            Image.fromarray(smooth).save(path, compression=compression, quality=95)
        else:
            tifffile.imwrite(path, smooth, photometric="rgb", compression=compression)
        file = read_image(path)
        assert file.rgb
        assert np.abs(file.array.astype(int) - smooth).mean() < 4


def test_colours_of_a_kind_that_is_not_read_are_named(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PICTURE, photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
        tiff.pages[0].tags["PhotometricInterpretation"].overwrite(8)
    with pytest.raises(LeukocyteError, match=r"a\.tif: Its colours are of the kind CIELAB"):
        read_image(tmp_path / "a.tif")
