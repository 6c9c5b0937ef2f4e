"""The border band: pixels beside a border between ground-truth classes, left out of IoU_b."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_leukocyte.core.cells.boxes import boxes_by_number, widened, within
from napari_leukocyte.core.cells.checks import check_class_map, check_pixel_size
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.grown import grown

__all__ = ["BAND_PX", "BAND_UM", "Bands", "band_width_px", "border_band", "border_bands"]

BAND_UM = 0.39
BAND_PX = 4.0
_GROWN_PX = 32.0  # up to here an outline is grown sooner than distances are found


def band_width_px(pixel_size: float | None, width_um: float = BAND_UM) -> float:
    """Return the total width of the band in px; 4 px if the pixel size is unknown.

    Not rounded: the default 0.39 um is 3.98 px at the thesis's 10.2 px/um and gives the same band as 4 px.

    Parameters
    ----------
    pixel_size : float or None
        um per px.
    width_um : float
        Total width of the band in um.

    Raises
    ------
    LeukocyteError
        If the pixel size is not above 0 or the width is negative.

    Examples
    --------
    >>> round(band_width_px(1 / 10.2), 2), band_width_px(None)
    (3.98, 4.0)
    """
    pixel_size = check_pixel_size(pixel_size)
    if not math.isfinite(width_um) or width_um < 0:
        raise LeukocyteError(f"A border band of {width_um} um is impossible; give a width of 0 or more.")
    return BAND_PX if pixel_size is None else width_um / pixel_size


def border_band(truth: npt.ArrayLike, *, width_px: float, cell_only: bool = False) -> npt.NDArray[np.bool_]:
    """Find the pixels whose centre is at most w/2 + 0.5 px from the centre of a pixel of another class.

    The image edge is no border.

    Parameters
    ----------
    truth : (Y, X) array of integers
        Ground-truth class map.
    width_px : float
        Total width w of the band; 0 gives no band.
    cell_only : bool
        Use the border between cell and background only, as the scores of `cell` do.

    Returns
    -------
    (Y, X) bool array

    Raises
    ------
    LeukocyteError
        If ``truth`` is no class map or the width is negative.

    Examples
    --------
    >>> border_band([[0, 0, 0, 1, 1, 2]], width_px=2).astype(int)
    array([[0, 0, 1, 1, 1, 1]])
    >>> border_band([[0, 0, 0, 1, 1, 2]], width_px=2, cell_only=True).astype(int)
    array([[0, 0, 1, 1, 0, 0]])
    """
    classes = check_class_map(truth, name="ground truth")
    if not math.isfinite(width_px) or width_px < 0:
        raise LeukocyteError(f"A border band of {width_px} px is impossible; give a width of 0 or more.")
    if cell_only:
        classes = (classes > 0).astype(np.uint8)
    band = np.zeros(classes.shape, bool)
    reach = width_px / 2 + 0.5
    margin = math.ceil(reach)
    # every border is that of some piece of foreground, so that no more than the pieces' surroundings need a look
    pieces, _ = ndi.label(classes > 0, structure=np.ones((3, 3)))
    for box in boxes_by_number(pieces).values():
        inner = widened(box, margin, classes.shape)
        outer = widened(inner, margin, classes.shape)
        found = _band(classes[outer], reach)
        band[inner] |= found[within(inner, outer)]
    return band


def _band(classes: npt.NDArray[np.uint8], reach: float) -> npt.NDArray[np.bool_]:
    band = np.zeros(classes.shape, bool)
    present = np.unique(classes)
    if present.size < 2:  # no other class anywhere
        return band
    for value in present:
        inside = classes == value
        near = grown(~inside, reach) if reach <= _GROWN_PX else ndi.distance_transform_edt(inside) <= reach
        band |= inside & near
    return band


@dataclass(frozen=True)
class Bands:
    """The border bands that the scores of one image leave out.

    Attributes
    ----------
    cell : (Y, X) bool array
        Beside the border between cell and background, for the scores of ``cell``.
    classes : (Y, X) bool array or None
        Beside every border, for ``cytoplasm`` and ``nucleus``; None when only ``cell`` is scored.
    """

    cell: npt.NDArray[np.bool_]
    classes: npt.NDArray[np.bool_] | None

    def at(self, where: tuple[slice | npt.NDArray[np.intp], ...]) -> "Bands":
        """Return the bands of some pixels, such as a box, or the ones that a smaller image is sampled from."""
        return Bands(self.cell[where], None if self.classes is None else self.classes[where])


def border_bands(truth: npt.ArrayLike, *, width_px: float, whole_cell: bool = False) -> Bands:
    """Find both bands of one image, see `border_band`; with ``whole_cell`` that of ``cell`` alone."""
    return Bands(
        border_band(truth, width_px=width_px, cell_only=True),
        None if whole_cell else border_band(truth, width_px=width_px),
    )
