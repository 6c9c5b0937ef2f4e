"""How far the CNRs of a model lie from an expert's: one factor, from images that the model did not learn from.

An expert's CNR lies between the model's CNR divided by the factor and multiplied by it for nine cells in ten of those
that it was found on. A shipped model has it in ``<model>.range.json`` beside its weights, bound to their hash; a model
that was trained here has it in the header of its weight file, among the scores.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from napari_leukocyte.core.files import atomic_path, exists
from napari_leukocyte.core.model.weights import ModelInfo
from napari_leukocyte.core.schema import Fields, read_object

__all__ = ["AIM", "FEWEST", "SCORES_KEY", "CnrRange", "find_cnr_range", "fit_factor", "range_path", "write_cnr_range"]

AIM = 0.9
"""Share of the cells whose expert CNR is to lie in the range."""
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
    """

    factor: float
    cells: int
    found_on: str


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


def range_path(weights: Path) -> Path:
    """Where the factor of a shipped weight file lies: beside it."""
    return weights.with_suffix(".range.json")


def write_cnr_range(weights: Path, model_sha256: str, found: CnrRange) -> None:
    """Write the factor beside a weight file.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    text = json.dumps({"model_sha256": model_sha256, **asdict(found)}, indent=1)
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
    )
