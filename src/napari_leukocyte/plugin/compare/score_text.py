"""The figures of a comparison that have no table, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_leukocyte.plugin.compare.score_tables import percent

if TYPE_CHECKING:
    from napari_leukocyte.core.scoring.evaluation import ImageScore

__all__ = ["band_text", "cell_lines"]


def band_text(score: ImageScore) -> str:
    """How wide the border band in force is."""
    if score.pixel_size is None:
        return f"{score.border_px:.3g} px wide (pixel size unknown)"
    return f"{score.border_px:.3g} px = {score.border_px * score.pixel_size:.2g} µm wide"


def cell_lines(scores: list[ImageScore]) -> list[str]:
    """Accuracy, CNR and false cells, for one segmentation or two."""
    lines = []
    for letter, score in zip("AB", scores, strict=False):
        lead = f"{letter} ({'class map' if letter == 'A' else score.name}): " if len(scores) > 1 else ""
        lines.append(f"{lead}accuracy {percent(score.counts.accuracy)}")
        cnr = score.cnr
        if score.whole_cell:
            lines.append("CNR: the truth knows whole cells only")
        else:
            lines.append(
                f"CNR error {percent(cnr.median_error)}, bias {percent(cnr.bias, signed=True)}, "
                f"coverage {cnr.n} of {cnr.true_cnrs}"
                + (f", {cnr.given_without_truth} where the truth has none" if cnr.given_without_truth else "")
            )
        lines.append(f"{score.false_cells} false cells, {score.missed_cells} missed")
    return lines
