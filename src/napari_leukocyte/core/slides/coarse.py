"""Whether a slide's pixels are coarse for CNRs, said before hours are spent on it."""

import math

__all__ = ["coarse_note", "moved_by_a_pixel"]

_THIN_RIM = (4.5, 3.75)  # um: radius of a lymphocyte and of its nucleus
_WIDE_RIM = (6.5, 3.75)  # the same of a monocyte or neutrophil
_MUCH = 0.20  # as the flag too_coarse has it


def moved_by_a_pixel(um: float, cell: float, nucleus: float) -> float:
    """By how much of itself outlines one pixel off move the CNR of a round cell, as `measure_cells` reckons.

    Parameters
    ----------
    um
        Of a pixel.
    cell, nucleus
        Radii, um.

    Examples
    --------
    >>> round(moved_by_a_pixel(0.25, 4.5, 3.75), 2)
    0.53
    """

    def ratio(outer: float, inner: float) -> float:
        return math.inf if inner <= 0 else max(0.0, (outer**2 - inner**2) / inner**2)

    cnr = ratio(cell, nucleus)
    low = math.hypot(cnr - ratio(cell - um, nucleus), cnr - ratio(cell, nucleus + um))
    return low / cnr


def coarse_note(um: float) -> str:
    """What to know of CNRs at so many um per px; empty where pixels are fine.

    >>> coarse_note(0.25)
    'at 0.25 µm/px an outline one pixel off moves the CNR of a cell with a thin rim by 53 %, with a wide one by 21 %'
    >>> coarse_note(0.05)
    ''
    """
    thin, wide = (moved_by_a_pixel(um, *radii) for radii in (_THIN_RIM, _WIDE_RIM))
    if thin <= _MUCH:
        return ""
    return (
        f"at {um:.3g} µm/px an outline one pixel off moves the CNR of a cell with a thin rim by {100 * thin:.0f} %, "
        f"with a wide one by {100 * wide:.0f} %"
    )
