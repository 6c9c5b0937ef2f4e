"""What a file states is compared with what it holds before anything is allocated; only known formats are decoded."""

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.masks import open_mask
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.imaging.read import read_image, stated_pixel_size

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (6, 60, 70, 3), dtype=np.uint8)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n"


def pillow_pages(path, **options):
    first, *rest = (Image.fromarray(plane) for plane in STACK)
    first.save(path, save_all=True, append_images=rest, **options)


STACKS = {
    "imagej": lambda path: tifffile.imwrite(path, STACK, imagej=True),
    "one block": lambda path: tifffile.imwrite(path, STACK, photometric="rgb"),
    "ome": lambda path: tifffile.imwrite(path, STACK, photometric="rgb", ome=True),
    "ome lzw": lambda path: tifffile.imwrite(path, STACK, photometric="rgb", ome=True, compression="lzw"),
    "deflate": lambda path: tifffile.imwrite(path, STACK, photometric="rgb", compression="zlib"),
    "tiled": lambda path: tifffile.imwrite(path, STACK, photometric="rgb", compression="zlib", tile=(32, 32)),
    "plain": lambda path: tifffile.imwrite(path, STACK, photometric="rgb", metadata=None),
    "pages": pillow_pages,
    "pages lzw": lambda path: pillow_pages(path, compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", STACKS)
def test_a_stack_that_is_cut_off_is_never_a_shorter_stack(tmp_path, kind):
    path = tmp_path / "a.tif"
    STACKS[kind](path)
    whole = path.read_bytes()
    np.testing.assert_array_equal(read_image(path).array, STACK)
    for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.98):
        path.write_bytes(whole[: int(share * len(whole))])
        for door in (read_image, open_mask):
            with pytest.raises(LeukocyteError, match=r"a\.tif.*(damaged|cut short)"):
                door(path)


def test_a_plane_that_the_metadata_name_and_the_file_lacks(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, photometric="rgb", ome=True, compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.ome.tif", mode="r+b") as tiff:
        fourth = tiff.pages[4].offset
        third = tiff.pages[3].offset
    content = bytearray((tmp_path / "a.ome.tif").read_bytes())
    (tags,) = struct.unpack("<H", content[third : third + 2])
    place = third + 2 + 12 * tags
    assert struct.unpack("<I", content[place : place + 4]) == (fourth,)
    content[place : place + 4] = b"\0" * 4  # the chain ends here, in good order
    (tmp_path / "a.ome.tif").write_bytes(content)
    with pytest.raises(LeukocyteError, match="damaged or cut short"):
        read_image(tmp_path / "a.ome.tif")


def small_tiff(side, **options):
    def write(path):
        tifffile.imwrite(path, np.zeros((64, 64), np.uint8), photometric="minisblack", metadata=None, **options)
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            for tag in ("ImageWidth", "ImageLength"):
                tiff.pages[0].tags[tag].overwrite(side)
            if "RowsPerStrip" in tiff.pages[0].tags:
                tiff.pages[0].tags["RowsPerStrip"].overwrite(side)

    return write


def huge_png(side, *, bits=8, colour=2):
    def write(path):
        def chunk(name, data):
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b""))

    return write


def huge_bmp(path):
    Image.new("RGB", (8, 8)).save(path, format="BMP")
    content = bytearray(path.read_bytes())
    content[18:26] = struct.pack("<ii", 20_000, 20_000)
    path.write_bytes(content)


def huge_jpeg(path):
    Image.new("RGB", (8, 8)).save(path, format="JPEG")
    content = bytearray(path.read_bytes())
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", 20_000, 20_000)
    path.write_bytes(content)


ABSURD = {
    "raw": small_tiff(2**31 - 1),
    "deflate": small_tiff(2**31 - 1, compression="zlib"),
    "lzw": small_tiff(40_000, compression="lzw"),
    "packbits": small_tiff(40_000, compression="packbits"),
    "zstd": small_tiff(60_000, compression="zstd"),
    "tiled": small_tiff(60_000, compression="zlib", tile=(16, 16)),
    "png": huge_png(20_000),
    "png of 16 bits": huge_png(15_000, bits=16),
    "png of 1 bit": huge_png(22_000, bits=1, colour=0),
    "larger png": huge_png(30_000),
    "bmp": huge_bmp,
    "jpeg": huge_jpeg,
}


@pytest.mark.parametrize("kind", ABSURD)
def test_a_small_file_that_states_a_large_image_costs_no_memory_and_only_itself(tmp_path, kind):
    path = tmp_path / "b.dat"
    ABSURD[kind](path)
    assert path.stat().st_size < 10_000
    good = []
    for name in "ac":
        Image.fromarray(STACK[0]).save(tmp_path / f"{name}.png")
        good.append(tmp_path / f"{name}.png")
    lines = [
        "import resource, sys",
        "from pathlib import Path",
        "from napari_leukocyte.core.imaging.image_list import sources_from_files",
        "list(sources_from_files([Path(sys.argv[1])]))",
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss",
        "resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))",
        "items = list(sources_from_files(list(map(Path, sys.argv[1:]))))",
        "print([type(item).__name__ for item in items])",
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000)",
        "print(items[1].reason)",
    ]
    arguments = [sys.executable, "-c", "\n".join(lines), str(good[0]), str(path), str(good[1])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    names, little, reason = done.stdout.splitlines()
    assert names == "['ImageSource', 'BrokenImage', 'ImageSource']"
    assert little == "True"
    assert "b.dat" in reason
    assert reason.endswith(".")


def test_an_image_that_the_memory_cannot_hold_costs_only_itself(tmp_path, monkeypatch):
    for name in "ab":
        Image.fromarray(STACK[0]).save(tmp_path / f"{name}.png")
    tifffile.imwrite(tmp_path / "c.tif", STACK[0], photometric="rgb")

    def no_memory(*_, **__):
        raise MemoryError

    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", no_memory)
    first, second, third = sources_from_files([tmp_path / name for name in ("a.png", "c.tif", "b.png")])
    assert isinstance(first, ImageSource)
    assert isinstance(third, ImageSource)
    assert isinstance(second, BrokenImage)
    assert "c.tif needs more memory than is free" in second.reason


@pytest.mark.parametrize("name", ["smear.png", "smear.jpg", "smear.tif", "smear.eps"])
def test_no_program_is_started_for_postscript(tmp_path, monkeypatch, name):
    """Pillow would hand it to Ghostscript, whatever its name says."""
    path = tmp_path / name
    path.write_bytes(POSTSCRIPT)
    for program in ("gs", "gswin64c"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for door in (read_image, open_mask, stated_pixel_size):
        with pytest.raises(LeukocyteError, match="is not an image that can be read; give a PNG"):
            door(path)
    with pytest.raises(LeukocyteError):
        read_provenance(path)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("kind", ["GIF", "ICO", "TGA", "PPM", "PCX", "SGI", "DDS", "JPEG2000"])
def test_a_format_that_is_not_on_the_list_is_refused_by_any_name(tmp_path, kind):
    Image.fromarray(STACK[0]).save(tmp_path / "a.png", format=kind)
    with pytest.raises(LeukocyteError, match=r"a\.png is not an image that can be read"):
        read_image(tmp_path / "a.png")


def test_a_photograph_of_two_frames_and_an_orientation_is_read_as_it_lies(tmp_path):
    Image.fromarray(STACK[0]).save(
        tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(STACK[1])], quality=95
    )
    assert read_image(tmp_path / "a.jpg").array.shape == (60, 70, 3)


@pytest.mark.parametrize(
    ("name", "options", "source"),
    [
        ("a.ome.tif", {"ome": True, "metadata": {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}}, "OME metadata"),
        ("a.tif", {"imagej": True, "resolution": (10, 10), "metadata": {"unit": "um"}}, "ImageJ metadata"),
        ("b.tif", {"resolution": (1e5, 1e5), "resolutionunit": "CENTIMETER"}, "resolution tag"),
        ("a.png", {"dpi": (254000, 254000)}, "resolution tag"),
        ("c.tif", {}, "unknown"),
        ("b.png", {}, "unknown"),
    ],
)
def test_the_pixel_size_alone_is_that_of_the_whole_reading(tmp_path, name, options, source):
    if name.endswith("png"):
        Image.fromarray(STACK[0]).save(tmp_path / name, **options)
    else:
        tifffile.imwrite(tmp_path / name, STACK[0], photometric="rgb", **options)
    size, file = stated_pixel_size(tmp_path / name), read_image(tmp_path / name)
    assert (size.um, size.source) == (file.pixel_size, file.pixel_size_source)
    assert size.source == source
    assert size.um == (None if source == "unknown" else pytest.approx(0.1, rel=1e-4))
