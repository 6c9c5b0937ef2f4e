"""Whether a TIFF file holds what it states, found out before anything is read or allocated."""

import struct
from collections.abc import Iterable
from typing import Any

import tifffile
from tifffile import COMPRESSION

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["check_pages", "check_whole"]

# How many times smaller a compression can make the numbers at best; the others have no such bound.
_BEST = {
    COMPRESSION.NONE: 1,
    COMPRESSION.PACKBITS: 64,
    COMPRESSION.LZW: 1400,
    COMPRESSION.ADOBE_DEFLATE: 1100,
    COMPRESSION.DEFLATE: 1100,
    COMPRESSION.JPEG: 2000,
}
_CUT = "It is damaged or cut short{}; copy it again from its source."


def check_whole(tiff: tifffile.TiffFile) -> None:
    """Refuse a file whose chain of pages breaks off.

    Raises
    ------
    LeukocyteError
        When there is no page, or the last one names a next one that cannot be read.
    """
    if not len(tiff.pages):
        raise LeukocyteError(_CUT.format(", with no image left in it"))
    last = tiff.pages[-1]
    layout, handle = tiff.tiff, tiff.filehandle
    assert last is not None
    handle.seek(last.offset)
    try:
        (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
        handle.seek(last.offset + layout.tagnosize + tags * layout.tagsize)
        (following,) = struct.unpack(layout.offsetformat, handle.read(layout.offsetsize))
    except struct.error:
        following = -1
    if following:
        raise LeukocyteError(_CUT.format(f": of its pages {len(tiff.pages)} can be read"))


def check_pages(series: Any, pages: Iterable[Any]) -> None:
    """Refuse an image or stack with less in the file than it states.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        What is to be read.
    pages : iterable
        Its pages.

    Raises
    ------
    LeukocyteError
        When a page is missing, lies beyond the end of the file, or is larger than its bytes can hold.
    """
    pages = list(pages)
    if any(page is None for page in pages):
        raise LeukocyteError(_CUT.format(", or planes of it lie in other files that are missing"))
    if series.dataoffset is not None:  # one block, of which only the first page may be described
        if series.dataoffset + series.nbytes > series.keyframe.parent.filehandle.size:
            raise LeukocyteError(_CUT.format(f": it states {series.nbytes} bytes of pixels"))
        return
    for page in pages:
        _check_page(page)


def _check_page(page: Any) -> None:
    frame = page.keyframe
    size = page.parent.filehandle.size
    offsets, counts = page.dataoffsets, page.databytecounts
    stated = " x ".join(map(str, frame.shape))
    # A slide may leave out blank tiles; their number of bytes is 0.
    empty = sum(not count for count in counts)
    ends = (offset + count for offset, count in zip(offsets, counts, strict=False) if count)
    if (
        not offsets
        or len(offsets) != len(counts)
        or len(counts) < _segments(frame)
        or (empty and not frame.is_tiled)
        or max(ends, default=0) > size
    ):
        raise LeukocyteError(_CUT.format(f": not all of its {stated} pixels are there"))
    best = _BEST.get(frame.compression)
    bits = frame.bitspersample if frame.compression == COMPRESSION.NONE else 8 * frame.dtype.itemsize
    values = frame.imagewidth * frame.imagelength * frame.imagedepth * frame.samplesperpixel
    there = 1 - empty / len(counts)
    if best is not None and frame.subsampling in (None, (1, 1)) and values * bits / 8 * there > best * sum(counts):
        raise LeukocyteError(_CUT.format(f": it states {stated} pixels in {sum(counts)} bytes"))


def _segments(frame: Any) -> int:
    """How many tiles or strips a page has."""
    wide, high = (frame.tilewidth, frame.tilelength) if frame.is_tiled else (frame.imagewidth, frame.rowsperstrip)
    across, down = -(-frame.imagewidth // max(wide, 1)), -(-frame.imagelength // max(min(high, frame.imagelength), 1))
    apart = frame.samplesperpixel if frame.planarconfig == 2 else 1
    return int(across * down * apart)
