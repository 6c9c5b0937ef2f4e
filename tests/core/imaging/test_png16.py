import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.png16 import is_png16_colour
from napari_leukocyte.core.imaging.read import read_image


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def paeth(left, up, corner):
    estimate = left + up - corner
    distances = [abs(estimate - left), abs(estimate - up), abs(estimate - corner)]
    return (left, up, corner)[distances.index(min(distances))]


def encode(image, filters, *, interlace=0, drop=0):
    """Filter byte by byte, as the PNG specification words it: a plain second way."""
    height, width, channels = image.shape
    size = 2 * channels
    rows = [list(row.astype(">u2").tobytes()) for row in image]
    raw = bytearray()
    for y, row in enumerate(rows):
        kind = filters[y % len(filters)]
        raw.append(kind)
        for i, value in enumerate(row):
            left = row[i - size] if i >= size else 0
            up = rows[y - 1][i] if y else 0
            corner = rows[y - 1][i - size] if y and i >= size else 0
            predicted = (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]
            raw.append((value - predicted) % 256)
    packed = zlib.compress(bytes(raw))
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, interlace)
    half = len(packed) // 2
    packed = packed[: len(packed) - drop]
    data = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("filters", [[0], [1], [2], [3], [4], [4, 0, 3, 1, 2]])
@pytest.mark.parametrize("channels", [3, 4])
def test_all_16_bits_survive_every_filter(tmp_path, filters, channels):
    image = np.random.default_rng(1).integers(0, 65536, (9, 7, channels)).astype(np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(encode(image, filters))
    assert is_png16_colour(path)
    back = read_image(path)
    assert back.array.dtype == np.uint16
    assert back.rgb
    np.testing.assert_array_equal(back.array, image)
    # Pillow agrees on the high bytes, all that it reads.
    with Image.open(path) as reduced:
        np.testing.assert_array_equal(np.asarray(reduced), image >> 8)


def test_grayscale_with_alpha_becomes_rgba(tmp_path):
    image = np.random.default_rng(1).integers(0, 65536, (9, 7, 2)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(encode(image, [4]))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, image[..., [0, 0, 0, 1]])


@pytest.mark.parametrize(("options", "words"), [({"interlace": 1}, "interlaced"), ({"drop": 9}, "cut short")])
def test_what_cannot_be_read_is_said(tmp_path, options, words):
    image = np.random.default_rng(1).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(encode(image, [4], **options))
    with pytest.raises(LeukocyteError, match=words):
        read_image(tmp_path / "a.png")
