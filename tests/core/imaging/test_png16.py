import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
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


def test_an_interlaced_one(tmp_path):
    image = np.random.default_rng(1).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(
        b"\0" + row.astype(">u2").tobytes() for y, x, down, across in passes for row in image[y::down, x::across]
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 9, 16, 2, 0, 0, 1))
    data = chunk(b"IDAT", zlib.compress(rows))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, image)


def test_one_that_is_cut_short_is_refused(tmp_path):
    image = np.random.default_rng(1).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    whole = encode(image, [4])
    for content in (encode(image, [4], drop=9), whole[:-20], whole[: len(whole) // 2]):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(LeukocyteError, match=r"a\.png is damaged or cut short"):
            read_image(tmp_path / "a.png")


def test_one_that_unpacks_to_gigabytes_is_refused_by_what_it_states(tmp_path):
    """The pixels that are there would fit; only the head counts, before anything is unpacked."""
    content = bytearray(encode(np.zeros((9, 7, 3), np.uint16), [0]))
    content[16:24] = struct.pack(">II", 21_600, 21_600)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(LeukocyteError, match=r"a\.png has too many pixels .*up to 250 megapixels"):
        read_image(tmp_path / "a.png")
