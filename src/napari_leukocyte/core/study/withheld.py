"""Which cells have no CNR and why, and whether images or groups differ in it: what is withheld is not random."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.summary import reason_words, withheld_for
from napari_leukocyte.core.study.compare import holm
from napari_leukocyte.core.study.kinds import is_white, kind_of
from napari_leukocyte.core.study.placed import PlacedCell

__all__ = ["METHOD", "Withheld", "count_withheld", "differing_share", "list_warnings", "withheld_warnings"]

METHOD = (
    "Monte Carlo permutation of the cells over images or groups (9,999 draws from the multivariate hypergeometric "
    "distribution, chi-squared as statistic), which is exact for small counts; Holm over the reasons. It takes cells "
    "as independent, so that it warns rather too often than too seldom."
)

_DRAWS = 9_999
_MOST_AT_ONCE = 1_000_000  # numbers
_LEVEL = 0.05


@dataclass(frozen=True)
class Withheld:
    """How many cells of a type in a group have no CNR, each under one reason (None: a binary map).

    ``limit`` is the highest CNR that a cell whose rim is not resolved may have; NaN without one.
    """

    kind: str
    group: str
    cells: int
    reasons: Mapping[Flag | None, int]
    limit: float = math.nan

    @property
    def count(self) -> int:
        """All of those without a CNR."""
        return sum(self.reasons.values())

    @property
    def share(self) -> float:
        """0-1; NaN without cells."""
        return self.count / self.cells if self.cells else math.nan


def count_withheld(parted: Mapping[tuple[str, str], Sequence[PlacedCell]]) -> list[Withheld]:
    """Count the reasons in each of `summary.strata`; what is marked as no white cell is not among its cells."""
    return [
        Withheld(
            kind,
            group,
            len(own),
            Counter(withheld_for(one.cell.measure) for one in own if _without(one)),
            max((limit for one in own if not math.isnan(limit := one.cell.measure.cnr_at_most)), default=math.nan),
        )
        for (kind, group), own in parted.items()
    ]


def withheld_warnings(cells: Sequence[PlacedCell], groups: Sequence[str]) -> list[str]:
    """Sentences where groups differ in what is withheld, by reason, or images in how much; see `METHOD`.

    Parameters
    ----------
    cells : sequence of PlacedCell
        White cells.
    groups : sequence of str
        In their order.
    """
    return _differences(
        [one.cell.measure for one in cells],
        images=[one.cell.image for one in cells],
        own=[one.sample.group for one in cells],
        groups=groups,
    )


def list_warnings(cells: Sequence[tuple[Hashable, str, CellMeasure]]) -> list[str]:
    """Sentences as `withheld_warnings` gives them, for a list of images whose folders are their groups.

    Parameters
    ----------
    cells : sequence of tuple
        Of each cell its image, the folder of that, and what is measured; what is no white cell is left out.
    """
    white = [one for one in cells if is_white(kind_of(one[2]))]
    folders = [folder for _, folder, _ in white]
    return _differences(
        [measure for _, _, measure in white],
        images=[image for image, _, _ in white],
        own=folders,
        groups=sorted(set(folders)),
        what="Folders",
    )


def _differences(
    measures: Sequence[CellMeasure],
    *,
    images: Sequence[Hashable],
    own: Sequence[str],
    groups: Sequence[str],
    what: str = "Groups",
) -> list[str]:
    reasons = [withheld_for(one) if math.isnan(one.cnr) else "" for one in measures]
    kinds = sorted({reason for reason in reasons if isinstance(reason, Flag)}, key=list(Flag).index)
    tests: list[tuple[str, list[bool]]] = [("any reason", [reason != "" for reason in reasons])]
    tests += [(reason_words(kind, 0).partition(" ")[2], [reason == kind for reason in reasons]) for kind in kinds]
    adjusted = holm([differing_share(own, hit) for _, hit in tests])
    found = []
    for (words, hit), p in zip(tests, adjusted, strict=True):
        if p < _LEVEL:
            shares = ", ".join(f"{group} {_percent(own, hit, group)}" for group in groups if group in own)
            found.append(f"{what} differ in the cells without a CNR ({words}): {shares} (p = {p:.2g}).")
    p = differing_share(images, tests[0][1])
    if p < _LEVEL:
        totals, without = Counter(images), Counter(image for image, hit in zip(images, tests[0][1], strict=True) if hit)
        extremes = sorted(100 * without[image] / number for image, number in totals.items())
        found.append(
            f"Images differ in the share of cells without a CNR: from {extremes[0]:.0f} to {extremes[-1]:.0f} % "
            f"(p = {p:.2g})."
        )
    return found


def differing_share(units: Sequence[Hashable], hits: Sequence[bool]) -> float:
    """Return the p value of units having one share of hits; 1 where there is nothing to tell.

    Examples
    --------
    >>> differing_share(["a"] * 20 + ["b"] * 20, [True] * 10 + [False] * 30) < 0.01
    True
    >>> differing_share(["a", "b"], [True, False])
    1.0
    """
    totals = Counter(units)
    hit = Counter(unit for unit, own in zip(units, hits, strict=True) if own)
    number, all_hits = len(hits), sum(hits)
    if len(totals) < 2 or all_hits in (0, number):
        return 1.0
    sizes = np.array(list(totals.values()))
    expected = sizes * all_hits / number

    def statistic(counts: np.ndarray) -> np.ndarray:
        # of the two terms of each unit the second is the first over the share of what is no hit
        deviations: np.ndarray = ((counts - expected) ** 2 / expected).sum(axis=-1)
        return deviations

    random, seen = np.random.default_rng(0), statistic(np.array([hit[unit] for unit in totals]))
    at_once, as_far = max(1, _MOST_AT_ONCE // len(sizes)), 0
    for done in range(0, _DRAWS, at_once):  # all draws of many images at once would fill the memory
        drawn = random.multivariate_hypergeometric(sizes, all_hits, size=min(at_once, _DRAWS - done))
        as_far += int(np.count_nonzero(statistic(drawn) >= seen * (1 - 1e-9)))
    return (1 + as_far) / (1 + _DRAWS)


def _without(one: PlacedCell) -> bool:
    return math.isnan(one.cell.measure.cnr)


def _percent(units: Sequence[Hashable], hits: Sequence[bool], unit: Hashable) -> str:
    own = [hit for one, hit in zip(units, hits, strict=True) if one == unit]
    return f"{100 * sum(own) / len(own):.0f} % of {len(own)}"
