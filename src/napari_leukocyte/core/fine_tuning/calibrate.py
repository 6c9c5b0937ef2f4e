"""How far the CNRs of a fine-tuned model lie from those of the user's masks that it did not learn from."""

import math
from collections.abc import Sequence

from napari_leukocyte.core.fine_tuning.scoring import Judged
from napari_leukocyte.core.model.cnr_range import FEWEST, CnrRange, fit_factor, fit_unsure
from napari_leukocyte.core.text import counted

__all__ = ["calibrate_range", "range_sentence"]


def calibrate_range(judged: Sequence[Judged]) -> CnrRange | None:
    """Calibrate a model on images that it was judged on, masks by hand; None with fewer cells than `FEWEST`."""
    logs = [pair.log_ratio for one in judged for pair in one.after.pairs if pair.compared]
    factor = fit_factor(logs) if len(logs) >= FEWEST else math.nan
    if not 1 <= factor <= 10:  # as good as no model
        return None
    images = sum(any(pair.compared for pair in one.after.pairs) for one in judged)
    unsure = fit_unsure(share for one in judged for share in one.unsure)
    return CnrRange(factor, len(logs), f"the user's own images, {counted(images, 'image')}", unsure)


def range_sentence(found: CnrRange | None) -> str:
    """Say what the calibrated range is, or that there is none."""
    if found is None:
        return (
            f"The CNR is not calibrated: that takes {FEWEST} cells with a CNR, in masks made by hand that the model "
            "did not learn from."
        )
    return (
        f"Calibrated range of a CNR: divided and multiplied by {found.factor:g} it holds the CNR of the mask for nine "
        f"cells in ten ({counted(found.cells, 'cell')}; {found.found_on})."
    )
