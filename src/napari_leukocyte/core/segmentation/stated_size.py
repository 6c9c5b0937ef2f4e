"""Whether a stated pixel size can be: red cells, whose size varies least, are looked for and measured."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.discs import Discs, find_discs, optical_density
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.red_cells import RED_CELL_UM, RedCells, red_cells
from napari_leukocyte.core.segmentation.rulers import FEW, Ruler, Rulers, pooled, sizes_apart
from napari_leukocyte.core.segmentation.windowed import WindowDone, relay

__all__ = ["DOUBT", "NOTE", "judged", "measure_red_cells"]

NOTE, DOUBT = 1.2, 1.35  # times off, from which on a note is made and the size is doubted
_IMAGES = 3  # with fewer than five red cells in any image, so many images together are evidence
_FEWEST = 2  # red cells of an image that counts
_REACH = 2.6  # a size that is wrong by up to so many times is found out
# So much of the middle of a field, um at the stated size; the px of a red cell as expected to which it is reduced; the
# share of all outlines that those of red cells make up. A coarse look is enough for a field; a crop with few red cells,
# maybe half as wide as expected, needs a finer one, which sees more small things, too.
_LOOKS = ((120.0, 36.0, 0.4), (80.0, 100.0, 0.5))


def measure_red_cells(
    plane: Any, conversion: Conversion, method: Method, *, stated: float
) -> Generator[WindowDone, None, Ruler | None]:
    """Yield progress and return what red cells say of the pixel size, None where they say nothing.

    Outlines alone tell when red cells have the size that they should have. Only where they have another one, the
    method has a look at the scale that they say, so that white cells do not pass for large red ones.

    Parameters
    ----------
    plane
        (Y, X) or (Y, X, 3 or 4), as it came.
    stated
        um per px.
    """
    best: Ruler | None = None
    for side_um, wide, share in _LOOKS:
        part = _middle(plane, round(side_um / stated))
        found = yield from _look(part, conversion, method, stated=stated, wide=wide, share=share)
        if found is not None and (best is None or found.cells > best.cells):
            best = found
        if best is not None and best.cells >= FEW:
            break
    return best


def _look(
    part: Any, conversion: Conversion, method: Method, *, stated: float, wide: float, share: float
) -> Generator[WindowDone, None, Ruler | None]:
    """Measure the red cells of a part, reduced so far that an expected one is ``wide`` px, or less."""
    expected = RED_CELL_UM / stated
    discs = _outlines(part, conversion, expected, wide)
    discs = discs[np.abs(np.log(2 * discs.radius / expected)) < np.log(_REACH)]
    crowd = _evidence(red_cells(discs), share)
    if crowd is None:
        return None
    um = RED_CELL_UM / crowd.diameter
    if times_off(um, stated) < NOTE:
        return Ruler(um, crowd.count, "red cell")
    prediction = yield from relay(method.predict(part, conversion, pixel_size=um))
    y, x = (np.rint(at).astype(np.intp) for at in (discs.y, discs.x))
    inside = (y >= 0) & (x >= 0) & (y < part.shape[0]) & (x < part.shape[1])
    white = prediction.classes[y.clip(0, part.shape[0] - 1), x.clip(0, part.shape[1] - 1)] > 0
    red = _evidence(red_cells(discs[~(inside & white)], near=crowd.diameter), share)
    return None if red is None else Ruler(RED_CELL_UM / red.diameter, red.count, "red cell")


def judged(size: PixelSize, found: Sequence[Ruler]) -> tuple[PixelSize, str]:
    """The stated size, with what red cells say against it, and a note where they say a little.

    Parameters
    ----------
    size
        As it is stated.
    found
        What the red cells of images with that size say. Five in one image are evidence, or three images.

    Returns
    -------
    PixelSize
        With a ``doubt`` when they say a size that is 1.35 times larger or smaller, or more.
    str
        From 1.2 times on; else empty.
    """
    if size.um is None or not (any(ruler.cells >= FEW for ruler in found) or len(found) >= _IMAGES):
        return size, ""
    images = [Rulers(red=ruler) for ruler in found]
    groups = [part for part in sizes_apart(images) if len(part) > 1]
    said = [pooled([images[i] for i in part], working=size.um) for part in groups] or [pooled(images, working=size.um)]
    worst = max(said, key=lambda one: times_off(one.um or 1, size.um or 1))
    assert worst.um is not None  # there are rulers
    off = times_off(worst.um, size.um)
    text = f"{worst.source.removeprefix('estimated from ')} say {worst.um:.2g} µm/px, {off:.2g} times off"
    if off >= DOUBT:
        return replace(size, doubt=text), ""
    return size, f"pixel size {size.um:.4g} µm/px ({size.source}): {text}" if off >= NOTE else ""


def times_off(um: float, stated: float) -> float:
    """How many times one is larger than the other, at least 1."""
    return max(um / stated, stated / um)


def _evidence(red: RedCells | None, share: float) -> RedCells | None:
    """The red cells, when they are enough of what is round; else None."""
    return red if red is not None and red.count >= _FEWEST and red.share >= share else None


def _outlines(part: Any, conversion: Conversion, expected: float, wide: float) -> Discs:
    """Round objects of an image that is reduced until an expected red cell is ``wide`` px; in its own pixels."""
    density = optical_density(conversion(part))
    factor = min(1.0, wide / expected)
    shape = (max(1, round(density.shape[0] * factor)), max(1, round(density.shape[1] * factor)))
    found = find_discs(area_resize(density[None], shape)[0], largest=_REACH * expected * factor / 2)
    y, x = (density.shape[0] / shape[0], density.shape[1] / shape[1])
    return Discs((found.y + 0.5) * y - 0.5, (found.x + 0.5) * x - 0.5, found.radius * np.sqrt(y * x), found.support)


def _middle(plane: Any, side: int) -> Any:
    """The middle of a plane, up to so many px high and wide."""
    (top, height), (left, width) = (((n - min(n, side)) // 2, min(n, side)) for n in plane.shape[:2])
    return plane[top : top + height, left : left + width]
