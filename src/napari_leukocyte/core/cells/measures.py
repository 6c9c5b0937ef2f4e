"""Areas, cytoplasm-to-nucleus ratio (CNR) and its range for every cell of a class map."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.boxes import Box, boxes_by_number, pixels_of, widened
from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map, check_pixel_size
from napari_leukocyte.core.cells.flagging import map_flags
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.grown import grown, shrunk

__all__ = ["CellMeasure", "cnr_text", "measure_cell", "measure_cells", "outline_uncertainty_px", "thinnest_rim_px"]

# The width of a rim that the default model still finds; thinner ones it may miss (benchmarks/rims.py).
_THINNEST_RIM_UM, _THINNEST_RIM_PX = 0.4, 2.0
_THINNEST_RIM_UNKNOWN_PX = 4.0  # 0.4 um at the 10 px per um of an oil immersion
_TOO_COARSE = 0.20  # by so much of itself a pixel moves the CNR of a cell that is too small in pixels


@dataclass(frozen=True, eq=False)
class CellMeasure:
    """What is known of one cell; two are equal when all is, NaN and NaN too.

    Attributes
    ----------
    cell : int
        Its number in the cell labels.
    y, x : float
        Centroid in px.
    cnr, cnr_low, cnr_high : float
        Cytoplasm area / nucleus area and its range; NaN when withheld (see ``flags``) or binary.
    nc_ratio, nucleus_fraction : float
        N/C and N/(N+C); NaN together with ``cnr``.
    cytoplasm_px, nucleus_px : int
        Areas in pixels. In a binary map the whole cell is class 1 and stands in ``cytoplasm_px``.
    cytoplasm_um2, nucleus_um2 : float
        The same in um2; NaN if the pixel size is unknown.
    flags : tuple of Flag
        In the order of `Flag`.
    cell_type : str
        What a person says that it is, see ``core.cells.cell_types``; empty when nobody has.
    cnr_at_most : float
        Of a cell whose rim is not resolved: the CNR that a rim of `thinnest_rim_px` would give. The true one is not
        known, and lies between 0 and this (a left-censored value). NaN of all other cells.
    """

    cell: int
    y: float
    x: float
    cnr: float
    cnr_low: float
    cnr_high: float
    nc_ratio: float
    nucleus_fraction: float
    cytoplasm_px: int
    nucleus_px: int
    cytoplasm_um2: float
    nucleus_um2: float
    flags: tuple[Flag, ...] = ()
    cell_type: str = ""
    cnr_at_most: float = math.nan

    def __eq__(self, other: object) -> bool:
        # dataclasses compare NaN with itself as equal up to Python 3.12, and as different from 3.13 on
        if not isinstance(other, CellMeasure):
            return NotImplemented
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return all(a == b or (a != a and b != b) for a, b in pairs)

    def __hash__(self) -> int:
        return hash((self.cell, self.cytoplasm_px, self.nucleus_px, self.flags))

    @property
    def cell_px(self) -> int:
        """Area of the whole cell in pixels."""
        return self.cytoplasm_px + self.nucleus_px

    @property
    def cell_um2(self) -> float:
        """The same in um2; NaN if the pixel size is unknown."""
        return self.cytoplasm_um2 + self.nucleus_um2

    @property
    def withheld(self) -> bool:
        """Whether a flag forbids a CNR."""
        return any(flag.withholds for flag in self.flags)


def outline_uncertainty_px(pixel_size: float | None) -> float:
    """Return how far (px) an outline may be off: max(1 px, 0.1 um), 1 px if the pixel size is unknown."""
    return 1.0 if pixel_size is None else max(1.0, 0.1 / pixel_size)


def thinnest_rim_px(pixel_size: float | None) -> float:
    """Return how wide (px) a rim of cytoplasm is at least that is not missed: 0.4 um, and 2 px; of unknown size 4 px.

    Examples
    --------
    >>> thinnest_rim_px(0.1), thinnest_rim_px(0.25), thinnest_rim_px(None)
    (4.0, 2.0, 4.0)
    """
    return _THINNEST_RIM_UNKNOWN_PX if pixel_size is None else max(_THINNEST_RIM_PX, _THINNEST_RIM_UM / pixel_size)


def measure_cells(
    classes: npt.ArrayLike,
    cells: npt.ArrayLike,
    *,
    pixel_size: float | None = None,
    binary: bool = False,
    remarks: Mapping[int, Collection[Flag]] = MappingProxyType({}),
    types: Mapping[int, str] = MappingProxyType({}),
) -> list[CellMeasure]:
    """Measure every cell, at the resolution of the map.

    The CNR range says what an outline uncertainty of d = max(1 px, 0.1 um) does: the cell's outline moved
    in and out by d, the nuclear outline moved in and out by d, each alone, the two effects added in
    quadrature, each side on its own. A neighbour's pixels stay its own, the lower bound is at least 0,
    and the upper one is infinite where moving the nuclear outline in by d leaves no nucleus.

    Parameters
    ----------
    classes : (Y, X) array of integers
        0 background, 1 cytoplasm, 2 nucleus.
    cells : (Y, X) array of integers
        Cell labels; pixels with label 0 (cells not kept) are not counted.
    pixel_size : float, optional
        um per px. Unknown: no um2, no flag that judges a size.
    binary : bool
        The map has no nuclei: CNR is NaN, without the flag ``no_nucleus``.
    remarks : mapping, optional
        Flags that the maps cannot tell, by cell: what a user marked as not a WBC, cells the model is unsure of.
    types : mapping, optional
        Types of cells, by cell.

    Returns
    -------
    list of CellMeasure
        One for each label that occurs, in rising order.

    Raises
    ------
    LeukocyteError
        If an array is not what it should be, or the shapes differ.

    Examples
    --------
    >>> classes = np.zeros((7, 7), int)
    >>> classes[1:6, 1:6] = 1
    >>> classes[2:5, 2:5] = 2
    >>> one, = measure_cells(classes, classes > 0)
    >>> one.cytoplasm_px, one.nucleus_px, round(one.cnr, 3)
    (16, 9, 1.778)
    """
    class_map = check_class_map(classes, binary=binary)
    labels = check_cell_labels(cells, shape=class_map.shape)
    pixel_size = check_pixel_size(pixel_size)
    return [
        measure_cell(
            class_map,
            labels,
            number,
            box,
            pixel_size=pixel_size,
            binary=binary,
            remarks=remarks.get(number, ()),
            cell_type=types.get(number, ""),
        )
        for number, box in boxes_by_number(labels).items()
    ]


def measure_cell(
    classes: npt.NDArray[np.uint8],
    cells: npt.NDArray[np.int32],
    number: int,
    box: Box,
    *,
    pixel_size: float | None = None,
    binary: bool = False,
    remarks: Collection[Flag] = (),
    cell_type: str = "",
) -> CellMeasure:
    """Measure one cell, looking at no more of the maps than the cell's box and a margin around it.

    Parameters
    ----------
    classes, cells : (Y, X) arrays
        Maps that `measure_cells` would take; they are not checked here. A value above 2, painted by a slip,
        counts as nucleus.
    number : int
        The cell; it must occur in ``box``.
    box : tuple of slice
        Rows and columns that hold all of the cell.
    pixel_size, binary
        As for `measure_cells`.
    remarks : collection of Flag
        Flags to add to those that the maps tell.
    cell_type : str
        Its type.
    """
    d = outline_uncertainty_px(pixel_size)
    margin = math.ceil(d) + 1
    rows, columns = widened(box, margin, classes.shape)
    height, width = classes.shape
    own = cells[rows, columns] == number
    others = np.where(own, 0, cells[rows, columns])
    y, x = pixels_of(own, (rows, columns))
    cut = bool(y.min() == 0 or x.min() == 0 or y.max() == height - 1 or x.max() == width - 1)
    nucleus = own & (classes[rows, columns] >= 2)
    # a label over background is no part of the cell
    own &= classes[rows, columns] > 0
    nucleus_px = int(np.count_nonzero(nucleus))
    cytoplasm_px = int(np.count_nonzero(own)) - nucleus_px
    found = {*map_flags(own, nucleus, others, cut=cut, pixel_size=pixel_size, binary=binary), *remarks}
    if Flag.OUT_OF_FOCUS in found and Flag.RIM_NOT_RESOLVED in found:
        # a blur hides wider rims, and the fraying of a smudge
        found = found - {Flag.RIM_NOT_RESOLVED} | {Flag.NO_CYTOPLASM}
    cnr = low = high = nc_ratio = fraction = at_most = math.nan
    if {flag for flag in found if flag.withholds} == {Flag.RIM_NOT_RESOLVED}:
        at_most = _cnr_at_most(own, nucleus, others > 0, thinnest_rim_px(pixel_size))
    if not binary and not any(flag.withholds for flag in found):
        cnr = cytoplasm_px / nucleus_px
        low, high = _cnr_range(own, nucleus, others > 0, d)
        if max(high - cnr, cnr - low) > _TOO_COARSE * d * cnr:  # of several pixels each moves it by about its share
            found.add(Flag.TOO_COARSE)
        nc_ratio = nucleus_px / cytoplasm_px
        fraction = nucleus_px / (nucleus_px + cytoplasm_px)
    um2 = math.nan if pixel_size is None else pixel_size**2
    return CellMeasure(
        cell=number,
        y=float(y.mean()),
        x=float(x.mean()),
        cnr=cnr,
        cnr_low=low,
        cnr_high=high,
        nc_ratio=nc_ratio,
        nucleus_fraction=fraction,
        cytoplasm_px=cytoplasm_px,
        nucleus_px=nucleus_px,
        cytoplasm_um2=cytoplasm_px * um2,
        nucleus_um2=nucleus_px * um2,
        flags=tuple(flag for flag in Flag if flag in found),
        cell_type=cell_type,
        cnr_at_most=at_most,
    )


def _cnr_at_most(
    own: npt.NDArray[np.bool_], nucleus: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_], rim: float
) -> float:
    """Return the CNR of a cell that had a rim of ``rim`` px around its nucleus, where no other cell lies."""
    rim += 0.5  # the nucleus ends half a pixel beyond the centres of its last ones
    around = math.ceil(rim)
    wider = grown(np.pad(nucleus, around), rim) & ~np.pad(others, around)
    wider |= np.pad(own, around)
    nucleus_px = np.count_nonzero(nucleus)
    return float((np.count_nonzero(wider) - nucleus_px) / nucleus_px)


def _cnr_range(
    own: npt.NDArray[np.bool_],
    nucleus: npt.NDArray[np.bool_],
    others: npt.NDArray[np.bool_],
    d: float,
) -> tuple[float, float]:
    """Return the lower and upper CNR for outlines that are off by up to ``d`` px."""

    def ratio(cell: npt.NDArray[np.bool_], core: npt.NDArray[np.bool_]) -> float:
        nucleus_px = np.count_nonzero(core)
        return float(np.count_nonzero(cell & ~core) / nucleus_px) if nucleus_px else math.inf

    cnr = ratio(own, nucleus)
    wider = grown(own, d) & ~others
    # a cell on the image edge is withheld, so that every side of the box is background
    narrower = shrunk(own, d)
    nucleus_wider = own & grown(nucleus, d)
    nucleus_narrower = shrunk(nucleus, d)
    low = math.hypot(cnr - ratio(narrower, nucleus), cnr - ratio(own, nucleus_wider))
    high = math.hypot(ratio(wider, nucleus) - cnr, ratio(own, nucleus_narrower) - cnr)
    return max(0.0, cnr - low), cnr + high


def cnr_text(measure: CellMeasure, *, short: bool = False) -> str:
    """Write a CNR with its range, or alone (``short``), or its upper limit; "–" when there is none.

    Examples
    --------
    >>> from dataclasses import replace
    >>> cell = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, 0.4, 1.0)
    >>> cnr_text(cell), cnr_text(cell, short=True), cnr_text(replace(cell, cnr=math.nan))
    ('0.44 (0.33–0.57)', '0.44', '–')
    >>> cnr_text(replace(cell, cnr=math.nan, cnr_at_most=0.148))
    '≤ 0.15'
    """
    if math.isnan(measure.cnr):
        return "–" if math.isnan(measure.cnr_at_most) else f"≤ {math.ceil(100 * measure.cnr_at_most) / 100:.2f}"
    if short:
        return f"{measure.cnr:.2f}"
    high = "∞" if math.isinf(measure.cnr_high) else f"{measure.cnr_high:.2f}"
    return f"{measure.cnr:.2f} ({measure.cnr_low:.2f}–{high})"
