"""How far the CNRs of a model lie from an expert's, and of which cells it is less sure than of most.

Both are found on images that the model did not learn from. An expert's CNR lies between the model's CNR divided by a
factor and multiplied by it for nine cells in ten of them, and of nine in ten the model is unsure of no more than a
certain share of their pixels. A shipped model has both in ``<model>.range.json`` beside its weights, bound to their
hash; a model that was trained here has them in the header of its weight file, among the scores.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte.core.files import atomic_path, exists
from napari_leukocyte.core.model.weights import ModelInfo
from napari_leukocyte.core.schema import Fields, read_object

__all__ = [
    "AIM",
    "FEWEST",
    "SCORES_KEY",
    "CnrRange",
    "as_json",
    "find_cnr_range",
    "fit_factor",
    "fit_unsure",
    "range_path",
    "write_cnr_range",
]

AIM = 0.9
"""Share of the cells whose expert CNR is to lie in the range, and that are not to be flagged as unsure."""
FEWEST = 20
"""Cells below which a factor is no more than a guess."""
SCORES_KEY = "cnr_range"
"""Where it stands in ``ModelInfo.scores``."""
_MEND = "run benchmarks/calibrate_range.py again, or remove it"


@dataclass(frozen=True)
class CnrRange:
    """A factor and what it was found on.

    Attributes
    ----------
    factor
        1 and more.
    cells
        How many cells with a CNR on both sides.
    found_on
        In words: laboratories, images.
    unsure
        The share of its pixels, 0-1, that the network was unsure of at most in nine of ten of those cells; None:
        not known.
    """

    factor: float
    cells: int
    found_on: str
    unsure: float | None = None


def fit_factor(log_ratios: Iterable[float], *, aim: float = AIM) -> float:
    """Find the factor that holds a share of cells, those still to come included.

    Parameters
    ----------
    log_ratios
        log(CNR of the model / CNR of the expert) of cells that the model did not learn from, finite.
    aim
        The share. The factor is the k-th smallest error, k = aim * (n + 1) rounded up, which holds that share of
        another n drawn alike on average (Vovk et al. 2005, split conformal prediction).

    Returns
    -------
    float
        Rounded up to two digits; NaN when there are too few cells for this share.

    Examples
    --------
    >>> fit_factor(np.log([1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 1 / 1.091]))
    1.1
    >>> fit_factor([0.1])
    nan
    """
    errors = np.sort(np.abs(np.asarray(list(log_ratios), float)))
    rank = math.ceil(round(aim * (errors.size + 1), 9))
    if rank > errors.size:
        return math.nan
    return math.ceil(round(100 * math.exp(errors[rank - 1]), 6)) / 100


def fit_unsure(shares: Iterable[float], *, aim: float = AIM) -> float | None:
    """Find the share of unsure pixels, 0-1, that so many of these cells do not exceed.

    Parameters
    ----------
    shares
        Of each cell, see `uncertainty.unsure_shares`; images that the model did not learn from.
    aim
        The share of the cells.

    Returns
    -------
    float or None
        Rounded up to three digits; None without a cell.

    Examples
    --------
    >>> fit_unsure([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.0912, 0.5])
    0.092
    """
    ordered = np.sort(np.asarray(list(shares), float))
    if not ordered.size:
        return None
    last = float(ordered[math.ceil(round(aim * ordered.size, 9)) - 1])
    return math.ceil(round(1000 * last, 6)) / 1000


def range_path(weights: Path) -> Path:
    """Where the factor of a shipped weight file lies: beside it."""
    return weights.with_suffix(".range.json")


def as_json(found: CnrRange) -> dict[str, Any]:
    """As it stands in a file: what is not known is left out."""
    return {key: value for key, value in asdict(found).items() if value is not None}


def write_cnr_range(weights: Path, model_sha256: str, found: CnrRange) -> None:
    """Write the factor beside a weight file.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    text = json.dumps({"model_sha256": model_sha256, **as_json(found)}, indent=1)
    with atomic_path(range_path(weights)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def find_cnr_range(weights: Path, model_sha256: str, info: ModelInfo) -> CnrRange | None:
    """Read the factor of a model; None when it was not calibrated, or the file beside it is of other weights.

    Raises
    ------
    LeukocyteError
        When what states it is damaged.
    """
    if info.scores.get(SCORES_KEY) is not None:
        return _read(Fields(info.scores, f"The header of {weights}", "choose another weight file").within(SCORES_KEY))
    path = range_path(weights)
    if not exists(path):
        return None
    fields = read_object(path, mend=_MEND)
    if fields.text("model_sha256") != model_sha256:
        return None
    return _read(fields)


def _read(fields: Fields) -> CnrRange:
    return CnrRange(
        factor=fields.number("factor", low=1, high=10),
        cells=fields.whole("cells", low=1),
        found_on=fields.text("found_on", filled=True),
        unsure=fields.number("unsure", low=0, high=1) if "unsure" in fields else None,
    )
