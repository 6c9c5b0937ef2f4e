"""The figures of a comparison that have no table, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_leukocyte.core.cells.short_text import short_cnr
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.compare.score_tables import percent

if TYPE_CHECKING:
    from napari_leukocyte.core.scoring.evaluation import ImageScore
    from napari_leukocyte.core.scoring.overview import Overview

__all__ = ["band_text", "cell_lines", "chosen_cell_line", "overview_lines"]


def band_text(score: ImageScore) -> str:
    """How wide the border band in force is."""
    if score.pixel_size is None:
        return f"{score.border_px:.3g} px wide (no pixel size is stated)"
    return f"{score.border_px:.3g} px = {score.border_px * score.pixel_size:.2g} µm wide"


def cell_lines(scores: list[ImageScore]) -> list[str]:
    """Accuracy, CNR and false cells, for one segmentation or two."""
    lines = []
    for letter, score in zip("AB", scores, strict=False):
        lead = f"{letter} ({'class map' if letter == 'A' else score.name}): " if len(scores) > 1 else ""
        lines.append(f"{lead}Accuracy {percent(score.counts.accuracy)}")
        cnr = score.cnr
        compared = [pair for pair in score.pairs if pair.compared]
        if score.whole_cell:
            lines.append("CNR: the truth knows whole cells only")
        elif cnr.true_cnrs == 1 and len(compared) == 1:  # of one cell the two numbers say more than an error
            ours, theirs = compared[0].predicted, compared[0].truth
            assert ours is not None
            assert theirs is not None
            lines.append(f"CNR here {ours.cnr:.2f}, truth {theirs.cnr:.2f}: {percent(cnr.bias, signed=True)}")
        else:
            lines.append(
                f"CNR error {percent(cnr.median_error)}, bias {percent(cnr.bias, signed=True)}, "
                f"coverage {cnr.n} of {cnr.true_cnrs}"
                + (f", {cnr.given_without_truth} where the truth has none" if cnr.given_without_truth else "")
            )
        lines.append(f"{counted(score.false_cells, 'false cell')}, {score.missed_cells} missed")
    return lines


def chosen_cell_line(score: ImageScore, cell: int) -> str:
    """Both CNRs of one cell of several, or why one of them has none; empty where all has been said already."""
    if score.whole_cell or len(score.pairs) < 2:
        return ""
    pair = next((one for one in score.pairs if one.predicted is not None and one.predicted.cell == cell), None)
    if pair is None or pair.predicted is None:
        return ""
    here = short_cnr(pair.predicted)
    if pair.truth is None:
        return f"Cell {cell}: CNR here {here}, no such cell in the truth"
    error = f": {percent(math.expm1(pair.log_ratio), signed=True)}" if pair.compared else ""
    return f"Cell {cell}: CNR here {here}, truth {short_cnr(pair.truth)}{error}"


def overview_lines(found: Overview) -> list[str]:
    """CNR error, bias, limits of agreement and coverage of all images together, and their false and missed cells."""
    scored = {cls: found.means[cls, "scored"].mean.value for cls in CLASS_NAMES}
    shares = ", ".join(f"{cls} {percent(value)}" for cls, value in scored.items() if not math.isnan(value))
    lines = [f"Scored outside the band: {shares}"]
    cnr = found.cnr
    if found.whole_cell:
        lines.append("CNR: the truth knows whole cells only")
    else:
        if cnr.n:
            lines.append(f"CNR error {percent(cnr.median_error)}, bias {percent(cnr.bias, signed=True)}")
        if cnr.n > 1:
            lines[-1] += f" ({_from_to(found.bias_low, found.bias_high)})"
            lines.append(f"95 % limits of agreement {_from_to(*cnr.limits)}")
        lines.append(
            f"CNR coverage {percent(cnr.coverage)} ({cnr.n} of {cnr.true_cnrs}): {cnr.withheld} withheld, "
            f"{cnr.missed} missed"
        )
    lines.append(f"{counted(found.false_cells, 'false cell')}, {found.missed_cells} missed")
    return lines


def _from_to(low: float, high: float) -> str:
    return f"{percent(low, signed=True).removesuffix(' %')} to {percent(high, signed=True)}"
