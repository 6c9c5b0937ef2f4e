"""What the cells of a study come to, by type and group: medians, quartiles, and how many patients and cells."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from napari_leukocyte.core.cells.censored import Between, quantiles_between
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.study.kinds import ALL_WHITE, LYMPHOCYTES, SMUDGE, in_order, is_white
from napari_leukocyte.core.study.placed import PlacedCell

__all__ = ["CENSORED", "QUANTITIES", "Quantity", "SmudgeShare", "SummaryRow", "smudge_shares", "strata", "summarise"]

CENSORED = (
    "Cells whose rim is not resolved have no CNR but an upper limit of it. In medians and quartiles of CNR and N:C "
    "they count as left-censored values, anywhere between 0 and their limit: a figure that is the same wherever they "
    "lie is given, of any other its limits (≤ 0.25, 0.20 to 0.25). Areas do not count them."
)
"""How `summarise` counts cells without a CNR but with an upper limit, in words."""


@dataclass(frozen=True)
class Quantity:
    """Something that is measured of a cell; NaN where it has none.

    Attributes
    ----------
    key
        What tables of figures call it.
    title, formula
        What people read.
    unit
        Empty for a ratio.
    bounds
        Of a cell whose CNR is known to be at most so much: between what the quantity lies.
    most
        The greatest that it can be.
    """

    key: str
    title: str
    formula: str
    unit: str
    of: Callable[[CellMeasure], float]
    bounds: Callable[[float], tuple[float, float]] | None = None
    most: float = math.inf


def _area(um2: Callable[[CellMeasure], float]) -> Callable[[CellMeasure], float]:
    """Areas of cells that are measured whole: of one that is cut or overlaps the area is that of a part."""
    return lambda measure: math.nan if math.isnan(measure.cnr) else um2(measure)


QUANTITIES = (
    Quantity("cnr", "CNR", "cytoplasm area / nucleus area", "", lambda one: one.cnr, lambda limit: (0, limit)),
    Quantity(
        "nc_ratio",
        "N:C, nucleus to cytoplasm",
        "nucleus area / cytoplasm area",
        "",
        lambda one: one.nc_ratio,
        lambda limit: (1 / limit if limit else math.inf, math.inf),
    ),
    Quantity(
        "nucleus_fraction",
        "N:C, nucleus to cell",
        "nucleus area / cell area",
        "",
        lambda one: one.nucleus_fraction,
        lambda limit: (1 / (1 + limit), 1),
        1,
    ),
    Quantity(
        "cell_um2",
        "Cell area",
        "cytoplasm area + nucleus area",
        "µm²",
        _area(lambda m: m.cytoplasm_um2 + m.nucleus_um2),
    ),
    Quantity("cytoplasm_um2", "Cytoplasm area", "cytoplasm area", "µm²", _area(lambda one: one.cytoplasm_um2)),
    Quantity("nucleus_um2", "Nucleus area", "nucleus area", "µm²", _area(lambda one: one.nucleus_um2)),
)


@dataclass(frozen=True)
class SummaryRow:
    """One quantity of the cells of a type in a group, cell by cell, never pooled.

    Attributes
    ----------
    cells
        How many cells have a value.
    patients
        How many known patients they come from.
    quartiles
        The first, the median and the third, with the censored cells; NaN without any.
    censored
        How many further cells are only known to lie between bounds.
    """

    kind: str
    group: str
    quantity: Quantity
    patients: int
    cells: int
    quartiles: tuple[Between, ...]
    censored: int = 0

    @property
    def median(self) -> float:
        """NaN where it is no single number."""
        return self.quartiles[1].value

    @property
    def q1(self) -> float:
        """The first quartile, likewise."""
        return self.quartiles[0].value

    @property
    def q3(self) -> float:
        """The third quartile, likewise."""
        return self.quartiles[2].value

    def texts(self) -> tuple[str, ...]:
        """The quartiles as people read them: areas with one digit behind the point, ratios with two."""
        return tuple(one.text(1 if self.quantity.unit else 2, most=self.quantity.most) for one in self.quartiles)


@dataclass(frozen=True)
class SmudgeShare:
    """Smudges in a group as a share of lymphocytes and smudges."""

    group: str
    smudges: int
    lymphocytes: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.smudges / (self.smudges + self.lymphocytes)


def strata(cells: Iterable[PlacedCell], groups: Sequence[str]) -> dict[tuple[str, str], list[PlacedCell]]:
    """Part cells by type and group, in the order of tables; all white cells of a group come first, smudges not at all.

    A type that occurs in one group has an empty list in the others.
    """
    found: dict[tuple[str, str], list[PlacedCell]] = {}
    for one in cells:
        if one.kind not in ("", SMUDGE):
            found.setdefault((one.kind, one.sample.group), []).append(one)
            if is_white(one.kind):
                found.setdefault((ALL_WHITE, one.sample.group), []).append(one)
    kinds = sorted({kind for kind, _ in found}, key=in_order)
    if kinds[:1] == [ALL_WHITE] and len(kinds) == 2:
        kinds = kinds[1:] if is_white(kinds[1]) else kinds  # one type is all there is
    return {(kind, group): found.get((kind, group), []) for kind in kinds for group in groups}


def summarise(parted: dict[tuple[str, str], list[PlacedCell]]) -> list[SummaryRow]:
    """Summarise every quantity of `strata`; one that no cell of the study has is left out."""
    every = [own for cells in parted.values() for own in cells]
    known = [q for q in QUANTITIES if _valued(q, every) or _bounded(q, every)]
    return [_row(kind, group, quantity, own) for (kind, group), own in parted.items() for quantity in known]


def smudge_shares(cells: Iterable[PlacedCell], groups: Sequence[str]) -> list[SmudgeShare]:
    """Count smudges beside lymphocytes, where a person has typed any of the latter."""
    kinds = [(one.sample.group, one.kind) for one in cells]
    shares = [
        SmudgeShare(
            group,
            sum(own == group and kind == SMUDGE for own, kind in kinds),
            sum(own == group and kind in LYMPHOCYTES for own, kind in kinds),
        )
        for group in groups
    ]
    return [share for share in shares if share.lymphocytes]


def _row(kind: str, group: str, quantity: Quantity, cells: Sequence[PlacedCell]) -> SummaryRow:
    valued, bounded = _valued(quantity, cells), _bounded(quantity, cells)
    patients = {one.patient for one, _ in (*valued, *bounded) if one.sample.patient}
    quartiles = quantiles_between([value for _, value in valued], [pair for _, pair in bounded])
    return SummaryRow(kind, group, quantity, len(patients), len(valued), quartiles, len(bounded))


def _valued(quantity: Quantity, cells: Iterable[PlacedCell]) -> list[tuple[PlacedCell, float]]:
    return [(one, value) for one in cells if not math.isnan(value := quantity.of(one.cell.measure))]


def _bounded(quantity: Quantity, cells: Iterable[PlacedCell]) -> list[tuple[PlacedCell, tuple[float, float]]]:
    if quantity.bounds is None:
        return []
    return [(one, quantity.bounds(limit)) for one in cells if not math.isnan(limit := one.cell.measure.cnr_at_most)]
