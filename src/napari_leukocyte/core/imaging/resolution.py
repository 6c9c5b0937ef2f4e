"""The pixel size that a file states, when it is one of a microscope."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

from napari_leukocyte.core.imaging.pixel_size import PixelSize

__all__ = ["PLAUSIBLE_UM", "UM_PER_UNIT", "from_dpi", "from_tiff", "plausible", "stated"]

# um per px. A screen or print resolution (72, 96, 300 dpi: 353, 265, 85 um) is far outside.
PLAUSIBLE_UM = (0.02, 2.0)
_PLACEHOLDER = 1e-3  # resolution tags are rounded
_SQUARE = 0.02  # of the larger side, by which the sides of a square pixel may differ

UM_PER_UNIT = {
    "nm": 1e-3,
    "um": 1.0,
    "µm": 1.0,  # micro sign
    "μm": 1.0,  # Greek mu
    "\\u00b5m": 1.0,  # as ImageJ escapes it
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nanometer": 1e-3,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "mm": 1e3,
    "cm": 1e4,
    "inch": 25400.0,
    "m": 1e6,
}


def plausible(x: float, y: float) -> float | None:
    """Return the pixel size in um when x and y agree within 2 % and lie in `PLAUSIBLE_UM`, else None.

    Exactly 1 um is what programs write that know no pixel size, and counts as unknown.

    Examples
    --------
    >>> plausible(0.1, 0.1), plausible(25400 / 300, 25400 / 300), plausible(0.1, 0.2), plausible(1, 1)
    (0.1, None, None, None)
    """
    low, high = PLAUSIBLE_UM
    if abs(x - 1) < _PLACEHOLDER and abs(y - 1) < _PLACEHOLDER:
        return None
    if low <= x <= high and low <= y <= high and abs(x - y) <= _SQUARE * max(x, y):
        return (x + y) / 2
    return None


def stated(x: float, y: float, source: str) -> PixelSize:
    """What um per px along x and y say: unknown where no microscope has them, with a word where they differ.

    Examples
    --------
    >>> str(stated(0.25, 0.25, "OME metadata")), stated(25400 / 300, 25400 / 300, "resolution tag").source
    ('0.25 µm/px (OME metadata)', 'unknown')
    >>> stated(0.25, 0.5, "OME metadata").source
    'OME metadata of 0.25 x 0.5 µm/px is not used, for pixels have to be square'
    """
    um = plausible(x, y)
    if um is not None:
        return PixelSize(um, source)
    low, high = PLAUSIBLE_UM
    if abs(x - y) > _SQUARE * max(x, y) and all(low <= size <= high for size in (x, y)):
        return PixelSize(None, f"{source} of {x:.4g} x {y:.4g} µm/px is not used, for pixels have to be square")
    return PixelSize(None)


def from_dpi(x: float, y: float) -> PixelSize:
    """Return the pixel size of a resolution in dots per inch, when it is plausible."""
    return stated(25400 / x, 25400 / y, "resolution tag") if x > 0 and y > 0 else PixelSize(None)


def from_tiff(tiff: Any, series: Any) -> PixelSize:
    """Return the pixel size of one series of an open ``tifffile.TiffFile``.

    OME metadata go before Aperio's and ImageJ's, and those before the resolution tags. What a thumbnail or another
    image in the file states does not count.
    """
    sizes = list(_sizes_in(tiff, series))
    unused = next((size for size in sizes if size.unused), PixelSize(None))
    return next((size for size in sizes if size.um is not None), unused)


def _sizes_in(tiff: Any, series: Any) -> Iterator[PixelSize]:
    """Whatever its metadata say, that which counts most first."""
    if tiff.is_ome and tiff.ome_metadata:
        yield _from_ome(tiff.ome_metadata, tiff.series.index(series), len(tiff.series))
    if tiff.is_svs:
        yield _from_aperio(str(series.keyframe.description))
    tags = series.keyframe.tags
    x, y = (_ratio(tags[name].value) if name in tags else 0.0 for name in ("XResolution", "YResolution"))
    if x <= 0 or y <= 0:
        return
    if tiff.is_imagej:
        unit = UM_PER_UNIT.get(str((tiff.imagej_metadata or {}).get("unit", "")).strip().lower())
        if unit is not None:
            yield stated(unit / x, unit / y, "ImageJ metadata")
    # 2 is the inch and 3 the centimetre; 1 is no unit at all.
    number = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 2
    unit = {2: 25400.0, 3: 1e4}.get(number)
    if unit is not None:
        yield stated(unit / x, unit / y, "resolution tag")


def _from_aperio(description: str) -> PixelSize:
    """The size in a description such as "Aperio ...|AppMag = 40|MPP = 0.2520"."""
    for field in description.split("|"):
        key, _, value = field.partition("=")
        if key.strip().upper() == "MPP":
            try:
                return stated(float(value), float(value), "Aperio metadata")
            except ValueError:
                break
    return PixelSize(None)


def _ratio(value: Any) -> float:
    numerator, denominator = value if isinstance(value, tuple) else (value, 1)
    return float(numerator) / float(denominator) if denominator else 0.0


def _from_ome(text: str, index: int, count: int) -> PixelSize:
    """The size of the image with that index among ``count``, or the one that all images share."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return PixelSize(None)
    pixels = [element for element in root.iter() if element.tag.endswith("}Pixels")]
    if len(pixels) == count:  # else some of them are not in the file, and the index says nothing
        pixels = [pixels[index]]
    sizes = {_from_pixels(element) for element in pixels}
    return sizes.pop() if len(sizes) == 1 else PixelSize(None)


def _from_pixels(pixels: ElementTree.Element) -> PixelSize:
    sizes = []
    for axis in "XY":
        unit = UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "um").strip().lower())
        try:
            size = float(pixels.get(f"PhysicalSize{axis}", "nan"))
        except ValueError:
            return PixelSize(None)
        if unit is None:
            return PixelSize(None)
        sizes.append(size * unit)
    return stated(sizes[0], sizes[1], "OME metadata")
