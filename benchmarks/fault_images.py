"""Broken images and masks for ``faults.py``."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.imaging.planes import get_plane
from napari_leukocyte.core.imaging.read import read_image, stated_pixel_size
from napari_leukocyte.core.results.class_maps import MapMeasured, measure_class_maps
from napari_leukocyte.core.results.map_file import open_map

__all__ = ["IMAGES", "Fault", "Kind", "cut", "draw", "spoil_bytes"]

Rng = np.random.Generator
COLOURS = np.array([MASK_COLOURS[value] for value in range(3)], np.uint8)


@dataclass(frozen=True)
class Fault:
    """An input: ``what`` it is, the way to read it, and how to tell the ``right`` value; None: only a refusal is."""

    what: str
    act: Callable[[], Any]
    right: Callable[[Any], bool] | None = None
    may_refuse: bool = True


@dataclass(frozen=True)
class Kind:
    """How a kind is made, in a folder, perhaps from what `prepare` made; its share of all; whether torch reads it."""

    make: Callable[[Rng, Path, Path], Fault]
    share: int
    needs_base: bool = False
    torch: bool = False


def draw(rng: Rng, cells: int = 2) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image (Y, X, 3) of whole cells side by side that touch neither the frame nor each other, and its class map."""
    size = int(rng.integers(36, 52))
    shape = (size + int(rng.integers(8)), size * cells)
    y, x = np.ogrid[: shape[0], : shape[1]]
    classes = np.zeros(shape, np.uint8)
    for i in range(cells):
        radius = rng.uniform(11, size / 2 - 4)
        distance = np.hypot(y - shape[0] / 2, x - size * (i + 0.5))
        classes[distance < radius] = 1
        classes[distance < radius * rng.uniform(0.4, 0.7)] = 2
    image = np.array([[230, 225, 220], [150, 130, 190], [70, 30, 120]])[classes] + rng.normal(0, 6, (*shape, 3))
    return image.clip(0, 255).astype(np.uint8), classes


def cut(rng: Rng, content: bytes) -> bytes:
    """The beginning of a file."""
    return content[: int(rng.integers(0, len(content)))]


def spoil_bytes(rng: Rng, content: bytes) -> bytes:
    """A file with a few other bytes, most often near its beginning."""
    spoilt = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        end = len(spoilt) if rng.random() < 0.4 else min(len(spoilt), 120)
        spoilt[int(rng.integers(end))] = int(rng.integers(256))
    return bytes(spoilt)


def _tiff_ways(rng: Rng) -> dict[str, Any]:
    compression = rng.choice(["none", "lzw", "zlib", "packbits", "zstd", "lzma"])
    return {
        "compression": None if compression == "none" else compression,
        "predictor": bool(compression in ("lzw", "zlib") and rng.random() < 0.5),
        "byteorder": str(rng.choice(["<", ">"])),
        "bigtiff": bool(rng.random() < 0.2),
        "metadata": None,
        "extratags": [(274, "H", 1, int(rng.integers(1, 9)), True)] if rng.random() < 0.4 else (),
        **rng.choice(np.array([{}, {"tile": (16, 16)}, {"rowsperstrip": 5}], object)),
    }


def _write_image(rng: Rng, folder: Path) -> tuple[Path, NDArray[Any], bool]:
    """A file, the pixels that it holds, and whether a check sum protects them."""
    image, _ = draw(rng)
    suffix = str(rng.choice(["png", "png", "bmp", "webp", "tif", "tif", "tif", "tif"]))
    path = folder / f"a.{suffix}"
    pixels: NDArray[Any] = image if rng.random() < 0.7 else image[..., 0]
    if suffix == "tif":
        if rng.random() < 0.4:
            pixels = pixels.astype(np.uint16) * 257
        ways = _tiff_ways(rng)
        if pixels.ndim == 3 and rng.random() < 0.4 and "tile" not in ways:
            tifffile.imwrite(path, np.moveaxis(pixels, 2, 0), photometric="rgb", planarconfig="separate", **ways)
        else:
            tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack", **ways)
    elif suffix == "webp":
        pixels = image
        Image.fromarray(pixels).save(path, lossless=True)
    else:
        Image.fromarray(pixels).save(path)
    return path, pixels, suffix == "png"


def _pixels(path: Path) -> NDArray[Any]:
    file = read_image(path)
    return get_plane(file.array, 0, rgb=file.rgb, name=str(path))


def _equals(pixels: NDArray[Any]) -> Callable[[Any], bool]:
    return lambda found: found.shape == pixels.shape and bool((np.asarray(found) == pixels).all())


def image_whole(rng: Rng, folder: Path, _base: Path) -> Fault:
    path, pixels, _ = _write_image(rng, folder)
    return Fault(f"whole {path.suffix}", lambda: _pixels(path), _equals(pixels), may_refuse=False)


def image_cut(rng: Rng, folder: Path, _base: Path) -> Fault:
    path, pixels, _ = _write_image(rng, folder)
    path.write_bytes(cut(rng, path.read_bytes()))
    return Fault(f"{path.suffix} cut to {path.stat().st_size}", lambda: _pixels(path), _equals(pixels))


def image_spoilt(rng: Rng, folder: Path, _base: Path) -> Fault:
    path, pixels, protected = _write_image(rng, folder)
    path.write_bytes(spoil_bytes(rng, path.read_bytes()))
    # without a check sum other pixels cannot be told from these; nothing larger can come of it than was there
    right = _equals(pixels) if protected else lambda found: 0 < found.size <= 40 * pixels.size
    return Fault(f"{path.suffix} with other bytes", lambda: _pixels(path), right)


def image_foreign(rng: Rng, folder: Path, _base: Path) -> Fault:
    image = Image.fromarray(draw(rng)[0])
    saved = {}
    for name in ("GIF", "TGA", "ICO", "PPM", "PCX", "SGI", "PDF", "EPS", "DDS", "AVIF"):
        stream = io.BytesIO()
        try:
            image.save(stream, format=name)
        except (KeyError, OSError):  # Pillow was built without it
            continue
        saved[name] = stream.getvalue()
    saved |= {
        "PSD": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 64, 64, 8, 3) + bytes(64),
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "text": b"These are no pixels.\n" * 9,
        "zeros": bytes(int(rng.integers(1, 4000))),
        "noise": rng.bytes(int(rng.integers(1, 4000))),
        "nothing": b"",
        "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40),
        "zip": b"PK\x03\x04" + bytes(60),
        "FITS": b"SIMPLE  =                    T" + b" " * 2850,
    }
    name = str(rng.choice(list(saved)))
    path = folder / f"smear.{rng.choice(['png', 'tif', 'jpg', 'bmp', 'webp'])}"
    path.write_bytes(saved[name])
    return Fault(f"{name} named {path.name}", lambda: _pixels(path))


def image_absurd(rng: Rng, folder: Path, _base: Path) -> Fault:
    """A few bytes that state a picture of up to 2^31 x 2^31."""
    width, height = (int(2 ** rng.uniform(15, 31)) for _ in range(2))
    height = max(height, 600_000_000 // width)
    kind = str(rng.choice(["tif", "png", "bmp", "big tif"]))
    path = folder / f"b.{kind[-3:]}"
    if kind == "png":
        head = struct.pack(">IIBBBBB", width, height, 8, int(rng.choice([0, 2, 6])), 0, 0, 0)
        parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
        chunks = [struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in parts]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    elif kind == "bmp":
        head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        path.write_bytes(b"BM" + struct.pack("<IHHI", 90, 0, 0, 54) + head + bytes(36))
    else:
        tifffile.imwrite(path, np.zeros((16, 16), np.uint8), metadata=None, bigtiff=kind == "big tif")
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            tiff.pages[0].tags["ImageWidth"].overwrite(width, dtype="I")
            tiff.pages[0].tags["ImageLength"].overwrite(height, dtype="I")
            if rng.random() < 0.5:
                tiff.pages[0].tags["Compression"].overwrite(int(rng.choice([5, 8, 32773])))
    return Fault(f"{kind} of {width} x {height}", lambda: _pixels(path))


def pixel_size_odd(rng: Rng, folder: Path, _base: Path) -> Fault:
    path = folder / "a.tif"
    text = str(rng.choice(["nan", "inf", "-1", "0", "1e308", "x", "1e-300", "0,1", "\\u00b5"]))
    how = int(rng.integers(3))
    unit = rng.choice(["inch", "um", "\\u00b5m", "parsec", ""])
    description = (
        f"ImageJ=1.53\nimages=1\nunit={unit}\nspacing={text}\n",
        f"<?xml version='1.0'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'><Image ID='Image:0'>"
        "<Pixels "
        f"ID='Pixels:0' DimensionOrder='XYCZT' Type='uint8' SizeX='16' SizeY='16' SizeC='1' SizeZ='1' SizeT='1' "
        f"PhysicalSizeX='{text}' PhysicalSizeXUnit='{unit}'><TiffData/></Pixels></Image></OME>",
        "a note",
    )[how]
    top, bottom = (int(rng.choice([0, 1, 2**32 - 1, 25400, 72])) for _ in range(2))
    extra = [(tag, "2I", 1, (top, bottom), True) for tag in (282, 283)] + [
        (296, "H", 1, int(rng.choice([0, 1, 2, 3, 77])), True)
    ]
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), metadata=None, description=description, extratags=extra)
    return Fault(
        f"pixel size {text} {unit}, {top}/{bottom}",
        lambda: stated_pixel_size(path).um,
        lambda um: um is None or 1e-3 <= um <= 100,
    )


def _encoded(rng: Rng, classes: NDArray[np.uint8], folder: Path) -> tuple[Path, NDArray[np.uint8], str]:
    """Write a class map in one of the ways that masks are kept in; returns the map that it holds, and the way."""
    way = str(rng.choice(["index", "grey", "colours", "palette", "numbers", "white", "one", "float", "wide", "bits"]))
    path, whole = folder / "m.png", (classes > 0).astype(np.uint8)
    if way == "palette":
        image = Image.fromarray(classes, "P")
        image.putpalette(COLOURS.ravel().tolist())
        image.save(path)
    elif way == "numbers":  # colours that mean nothing
        image = Image.fromarray(classes, "P")
        image.putpalette(rng.integers(0, 256, 9).tolist())
        image.save(path)
    elif way in ("float", "wide"):
        path = folder / "m.tif"
        tifffile.imwrite(
            path, classes.astype(np.float32 if way == "float" else np.int32), **_tiff_ways(rng) | {"predictor": False}
        )
    elif way == "bits":
        path = folder / "m.tif"
        inverse = bool(rng.random() < 0.5)
        tifffile.imwrite(path, (whole ^ inverse) > 0, photometric="miniswhite" if inverse else "minisblack")
    else:
        values: dict[str, NDArray[np.uint8]] = {
            "index": classes,
            "grey": np.array([0, 128, 255], np.uint8)[classes],
            "colours": COLOURS[classes],
            "white": whole * np.uint8(255),
            "one": whole,
        }
        Image.fromarray(values[way]).save(path)
    return path, whole if way in ("white", "one", "bits") else classes, way


def _map_of(path: Path, read_as: Any = "auto") -> NDArray[np.uint8]:
    return open_map(path, read_as=read_as).mask.read()


def mask_whole(rng: Rng, folder: Path, _base: Path) -> Fault:
    path, held, way = _encoded(rng, draw(rng)[1], folder)
    # a palette whose colours mean nothing may happen to look like the mask colours
    return Fault(f"mask {way}", lambda: _map_of(path), _equals(held), may_refuse=way == "numbers")


def mask_broken(rng: Rng, folder: Path, _base: Path) -> Fault:
    path, held, way = _encoded(rng, draw(rng)[1], folder)
    if rng.random() < 0.6:
        path.write_bytes(cut(rng, path.read_bytes()))
        return Fault(f"mask {way}, cut", lambda: _map_of(path), _equals(held))
    path.write_bytes(spoil_bytes(rng, path.read_bytes()))
    right = _equals(held) if path.suffix == ".png" else lambda found: set(np.unique(found)) <= {0, 1, 2}
    return Fault(f"mask {way}, other bytes", lambda: _map_of(path), right)


def mask_doubtful(rng: Rng, folder: Path, _base: Path) -> Fault:
    """A mask whose values mean something else: refused unasked, and right as the refusal's option says."""
    cells = int(rng.integers(2, 4))
    classes = draw(rng, cells)[1]
    way = str(rng.choice(["swapped", "inverted", "cells"]))
    path = folder / "m.png"
    if way == "swapped":
        values = np.array([0, 2, 1], np.uint8)[classes]
    elif way == "inverted":
        values = np.array([1, 0, 0], np.uint8)[classes]
    else:
        first = np.arange(classes.shape[1]) < classes.shape[1] // cells
        values = np.where(classes > 0, np.where(first, 1, 2), 0).astype(np.uint8)
    Image.fromarray(values).save(path)
    if rng.random() < 0.5:
        return Fault(f"mask {way}, unasked", lambda: _map_of(path))
    right = classes if way == "swapped" else (classes > 0).astype(np.uint8)
    return Fault(f"mask {way}, as told", lambda: _map_of(path, way), _equals(right), may_refuse=False)


def mask_of_nothing(rng: Rng, folder: Path, _base: Path) -> Fault:
    """Values that no reading has, a photograph, or more classes than there are."""
    image, classes = draw(rng)
    way = str(rng.choice(["photograph", "value", "nan", "fraction", "negative", "colour"]))
    path = folder / ("m.png" if way in ("photograph", "value", "colour") else "m.tif")
    if way == "photograph":
        Image.fromarray(image).save(path)
    elif way == "value":
        classes[5:9, 5:9] = int(rng.integers(3, 128))
        Image.fromarray(classes).save(path)
    elif way == "colour":
        colours = COLOURS[classes]
        colours[2:12, 2:12] = (255, 255, 0)
        Image.fromarray(colours).save(path)
    else:
        values = classes.astype(np.float64)
        values[3, 3] = {"nan": np.nan, "fraction": 1.5, "negative": -1}[way]
        tifffile.imwrite(path, values)
    return Fault(f"mask with {way}", lambda: _map_of(path))


def labels_odd(rng: Rng, folder: Path, _base: Path) -> Fault:
    """Cell labels beside a map: with huge numbers, or such that do not fit."""
    count = int(rng.integers(2, 4))
    classes = draw(rng, cells=count)[1]
    Image.fromarray(classes).save(folder / "a_classes.png")
    width = classes.shape[1] / count
    cells = np.where(classes > 0, 1 + (np.arange(classes.shape[1]) // width), 0)
    numbers = np.r_[0, np.sort(rng.choice(2_000_000_000, count, replace=False)) + 1]
    cells = numbers[cells.astype(int)]
    way = str(rng.choice(["huge", "size", "pixels", "float", "beyond", "cut"]))
    values: NDArray[Any] = cells.astype(np.int64 if way == "beyond" else np.int32)
    if way == "size":
        values = values[:-1]
    elif way == "pixels":
        values[:4] = 7
    elif way == "float":
        values = values + np.float64(0.5)
    elif way == "beyond":
        values[values > 0] += 2**40
    tifffile.imwrite(folder / "a_cells.tif", values, compression="zlib")
    if way == "cut":
        content = (folder / "a_cells.tif").read_bytes()
        (folder / "a_cells.tif").write_bytes(cut(rng, content))

    def act() -> list[int]:
        return [
            len(event.measures) if isinstance(event, MapMeasured) else -1
            for event in measure_class_maps([folder / "a_classes.png"])
        ]

    return Fault(f"labels {way}", act, lambda found: found == [count], may_refuse=False)


IMAGES = {
    "images, whole": Kind(image_whole, 40),
    "images, cut off": Kind(image_cut, 40),
    "images, bytes changed": Kind(image_spoilt, 40),
    "images, other formats": Kind(image_foreign, 15),
    "images, absurd sizes": Kind(image_absurd, 20),
    "images, pixel sizes": Kind(pixel_size_odd, 15),
    "masks, whole": Kind(mask_whole, 30),
    "masks, broken": Kind(mask_broken, 30),
    "masks, doubtful": Kind(mask_doubtful, 15),
    "masks, none": Kind(mask_of_nothing, 15),
    "masks, cell labels": Kind(labels_odd, 15),
}
