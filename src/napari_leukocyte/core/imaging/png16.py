"""PNG files with 16 bits a colour, which Pillow would reduce to 8 bits without a word."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_png16_colour", "read_png16"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}  # PNG colour type: RGB, grayscale + alpha, RGBA


def is_png16_colour(path: Path) -> bool:
    """Say whether the file is a PNG with more than one channel of 16 bits (one channel Pillow can read)."""
    with path.open("rb") as stream:
        head = stream.read(33)
    return len(head) == 33 and head.startswith(_SIGNATURE) and head[24] == 16 and head[25] in _CHANNELS


def read_png16(path: Path) -> NDArray[np.uint16]:
    """Read such a PNG.

    Returns
    -------
    ndarray
        uint16 (Y, X, 3), or (Y, X, 4) with alpha; grayscale with alpha is returned as RGBA.

    Raises
    ------
    ValueError
        When the file is damaged or interlaced.
    """
    width, height, colour_type, interlaced, packed = _chunks(path.read_bytes())
    if interlaced:
        raise ValueError("a 16-bit PNG must not be interlaced")
    channels = _CHANNELS[colour_type]
    try:
        flat = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
    except zlib.error as error:
        raise ValueError("the file is damaged or cut short") from error
    stride = 1 + 2 * channels * width
    if flat.size != height * stride:
        raise ValueError("the file is damaged or cut short")
    rows = flat.reshape(height, stride)
    samples = _unfilter(rows[:, 0], rows[:, 1:].reshape(height, width, 2 * channels))
    image: NDArray[np.uint16] = samples.view(">u2").astype(np.uint16)
    return image[..., [0, 0, 0, 1]] if channels == 2 else image


def _chunks(data: bytes) -> tuple[int, int, int, bool, bytes]:
    """Return width, height, colour type, interlaced, and the compressed pixels."""
    width, height, _, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    packed, start = [], len(_SIGNATURE)
    while start + 8 <= len(data):
        (length,) = struct.unpack(">I", data[start : start + 4])
        if data[start + 4 : start + 8] == b"IDAT":
            packed.append(data[start + 8 : start + 8 + length])
        start += length + 12
    return width, height, colour_type, bool(interlace), b"".join(packed)


def _unfilter(filters: NDArray[np.uint8], coded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the PNG filters (PNG specification, section 9), one anti-diagonal of the image at a time.

    A pixel needs its left, upper and upper-left neighbours only, so a whole anti-diagonal is known at once.
    """
    height, width, size = coded.shape
    out: NDArray[np.int16] = np.zeros((height + 1, width + 1, size), dtype=np.int16)
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = out[y + 1, x], out[y, x + 1], out[y, x]
        kind = filters[y][:, np.newaxis]
        predicted: NDArray[Any] = np.select(
            [kind == 1, kind == 2, kind == 3, kind == 4],
            [left, up, (left + up) // 2, _paeth(left, up, corner)],
            default=0,
        )
        out[y + 1, x + 1] = (coded[y, x] + predicted) & 255
    return np.ascontiguousarray(out[1:, 1:], dtype=np.uint8)


def _paeth(left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
