"""How far two or more readers of the same cells agree: Bland-Altman on the log scale, and ICC(2,1)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.kinds import in_order, kind_of
from napari_leukocyte.core.study.tables import StudyCell

__all__ = ["METHOD", "Agreement", "Icc", "agreement", "bland_altman", "icc_2_1", "same_cells"]

METHOD = (
    "Cells of two readers are the same where each is the other's nearest and their centres lie closer than half a "
    "radius; the types that both gave must be the same, too. Bland-Altman on log CNR, so that bias and limits of "
    "agreement are ratios; ICC(2,1), absolute agreement of single readers, of log CNR (Shrout and Fleiss 1979, its "
    "interval by McGraw and Wong 1996)."
)

_FEWEST = 3


@dataclass(frozen=True)
class Icc:
    """ICC(2,1) and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """Two readers in the cells of one type.

    Attributes
    ----------
    cells
        How many both have measured; and ``one_only`` how many of the common cells have a CNR by one of them alone.
    bias, low, high
        CNR of the second over that of the first: the geometric mean of the ratios and the 95 % limits of agreement.
    bias_interval
        The 95 % interval of the bias.
    icc
        None with fewer than three cells.
    """

    kind: str
    first: str
    second: str
    cells: int
    one_only: int
    bias: float
    bias_interval: tuple[float, float]
    low: float
    high: float
    icc: Icc | None


def agreement(readers: Mapping[str, Sequence[StudyCell]], *, merge_bands: bool = True) -> list[Agreement]:
    """Compare every two readers in every type; ``readers`` has the cells of each by name.

    Raises
    ------
    LeukocyteError
        When two readers have no cell in common.
    """
    found = []
    for (first, a), (second, b) in combinations(readers.items(), 2):
        pairs = same_cells(a, b)
        if not pairs:
            raise LeukocyteError(
                f"{first} and {second} have no cell in common: give results of the same images under the same names."
            )
        kinds: dict[str, list[tuple[float, float]]] = {}
        for one, other in pairs:
            kind = kind_of(one, merge_bands=merge_bands)
            if kind and kind == kind_of(other, merge_bands=merge_bands):
                kinds.setdefault(kind, []).append((one.cnr, other.cnr))
        found += [bland_altman(kind, first, second, kinds[kind]) for kind in sorted(kinds, key=in_order)]
    return found


def same_cells(a: Iterable[StudyCell], b: Iterable[StudyCell]) -> list[tuple[CellMeasure, CellMeasure]]:
    """Pair the cells of two readers, image by image (by label and plane): mutual nearest within half a radius."""
    first, second = _by_plane(a), _by_plane(b)
    return [pair for key in first if key in second for pair in _pairs(first[key], second[key])]


def icc_2_1(ratings: NDArray[np.float64]) -> Icc:
    """Return the intraclass correlation of single readers, two-way random effects, absolute agreement.

    Parameters
    ----------
    ratings : (N, K) array
        A row for each cell, a column for each reader; at least 2 x 2, no NaN.
    """
    from scipy import stats

    n, k = ratings.shape
    mean = ratings.mean()
    rows = k * ((ratings.mean(axis=1) - mean) ** 2).sum() / (n - 1)
    columns = n * ((ratings.mean(axis=0) - mean) ** 2).sum() / (k - 1)
    total = ((ratings - mean) ** 2).sum()
    error = max((total - (n - 1) * rows - (k - 1) * columns) / ((n - 1) * (k - 1)), 0.0)
    spread = rows + (k - 1) * error + k * (columns - error) / n
    if spread <= 0:
        return Icc(math.nan, math.nan, math.nan)  # all ratings are one number
    value = float((rows - error) / spread)
    if error == 0 and columns == 0:
        return Icc(value, 1.0, 1.0)  # readers who agree in every digit
    share = k * value / (n * (1 - value))
    rest = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (share * columns + rest * error) ** 2 / (
        (share * columns) ** 2 / (k - 1) + (rest * error) ** 2 / ((n - 1) * (k - 1))
    )
    upper, lower = stats.f.ppf(0.975, n - 1, freedom), stats.f.ppf(0.975, freedom, n - 1)
    within = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * within + n * rows)
    high = n * (lower * rows - error) / (within + n * lower * rows)
    return Icc(value, float(low), float(high))


def bland_altman(kind: str, first: str, second: str, pairs: Sequence[tuple[float, float]]) -> Agreement:
    """Compare two readers in pairs of CNR of the same cells, NaN where one has none."""
    from scipy import stats

    both = np.array([pair for pair in pairs if not any(math.isnan(cnr) for cnr in pair)]).reshape(-1, 2)
    one_only = sum(math.isnan(a) != math.isnan(b) for a, b in pairs)
    nan = math.nan
    if len(both) < _FEWEST:
        return Agreement(kind, first, second, len(both), one_only, nan, (nan, nan), nan, nan, None)
    logs = np.log(both)
    differences = logs[:, 1] - logs[:, 0]
    bias, spread = float(differences.mean()), float(differences.std(ddof=1))
    reach = float(stats.t.ppf(0.975, len(both) - 1)) * spread / math.sqrt(len(both))
    return Agreement(
        kind=kind,
        first=first,
        second=second,
        cells=len(both),
        one_only=one_only,
        bias=math.exp(bias),
        bias_interval=(math.exp(bias - reach), math.exp(bias + reach)),
        low=math.exp(bias - 1.96 * spread),
        high=math.exp(bias + 1.96 * spread),
        icc=icc_2_1(logs),
    )


def _by_plane(cells: Iterable[StudyCell]) -> dict[tuple[str, int], list[CellMeasure]]:
    found: dict[tuple[str, int], list[CellMeasure]] = {}
    for cell in cells:
        found.setdefault((cell.image.label, cell.plane), []).append(cell.measure)
    return found


def _pairs(a: Sequence[CellMeasure], b: Sequence[CellMeasure]) -> list[tuple[CellMeasure, CellMeasure]]:
    places = [np.array([(one.y, one.x) for one in own]) for own in (a, b)]
    distances = np.hypot(*(places[0][:, None] - places[1][None]).transpose(2, 0, 1))
    nearest, back = distances.argmin(axis=1), distances.argmin(axis=0)
    return [
        (one, b[j])
        for i, (one, j) in enumerate(zip(a, nearest.tolist(), strict=True))
        if back[j] == i and distances[i, j] < min(_radius(one), _radius(b[j])) / 2
    ]


def _radius(measure: CellMeasure) -> float:
    return math.sqrt((measure.cytoplasm_px + measure.nucleus_px) / math.pi)
