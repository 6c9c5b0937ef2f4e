"""One segmentation against its truth while it is edited: every figure, at the cost of the edit."""

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box, changed_box, meet, sizes_by_number
from napari_leukocyte.core.cells.checks import check_same_shape
from napari_leukocyte.core.cells.keep import keep_cells
from napari_leukocyte.core.cells.live import LiveCells
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.scoring.cell_pairs import CellPair, pair_cells
from napari_leukocyte.core.scoring.cnr_error import CnrErrors, Matching, compare_cnr, match_overlaps
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, ImageScore, Keep
from napari_leukocyte.core.scoring.live_score import LiveScore
from napari_leukocyte.core.scoring.metrics import ImageCounts
from napari_leukocyte.core.scoring.truth import Truth

__all__ = ["LiveComparison"]


class LiveComparison:
    """Scores the cells of an image against its truth, and follows them.

    Gives what ``evaluation.score_case`` gives for the same maps at native resolution.

    Parameters
    ----------
    live : LiveCells
        The segmentation; it is only read.
    truth : Truth
        Of the same size.
    parameters : EvaluationParameters
        ``score_at`` has no part in it.
    name : str
        Of the image.

    Raises
    ------
    LeukocyteError
        When the sizes differ, or the band needs a pixel size that is unknown.
    """

    def __init__(self, live: LiveCells, truth: Truth, parameters: EvaluationParameters, *, name: str) -> None:
        check_same_shape(live.classes.shape, truth.classes.shape, names=("The segmentation", "the ground truth"))
        self.truth, self.parameters = truth, parameters
        self.live, self._name = live, name
        self._measured_at = live.pixel_size
        self._size = parameters.pixel_size if parameters.pixel_size is not None else live.pixel_size.for_areas
        self.border_px = parameters.border_for(self._size)
        self.kept_truth = truth.kept(parameters.keep)
        self.cell_only = truth.whole_cell or live.binary
        self._pixels = LiveScore(self.kept_truth.classes, border_px=self.border_px, whole_cell=self.cell_only)
        self._kept: frozenset[int] | None = None  # numbers of the cells that the rule keeps; None: all
        self.prediction = np.zeros_like(truth.classes)  # the class map that is scored
        self._true_sizes = sizes_by_number(truth.cells)
        self._sizes: dict[int, int] = {}
        self._overlaps: dict[int, dict[int, int]] = {}
        self.score = self._look(None)

    @property
    def band(self) -> NDArray[np.bool_]:
        """The border band in force, (Y, X): that between all classes, or around cells when only they are scored."""
        bands = self._pixels.bands
        return bands.cell if bands.classes is None else bands.classes

    def still_of(self, live: LiveCells) -> bool:
        """Whether it can follow these cells: the same ones, measured at the same pixel size."""
        return live is self.live and live.pixel_size == self._measured_at

    def follow(self, box: Box) -> ImageScore:
        """Score again after classes, labels or marks changed within a box."""
        self.score = self._look(box)
        return self.score

    def _look(self, box: Box | None) -> ImageScore:
        live = self.live
        counts = self._count(box)
        self._overlap(box)
        matching = match_overlaps(self._overlaps, self._sizes, self._true_sizes)
        kept = self._kept
        cnr = CnrErrors()
        pairs: tuple[CellPair, ...] = ()
        if not self.truth.whole_cell:
            measures: list[CellMeasure] = [m for m in live.measures if kept is None or m.cell in kept]
            true = self.kept_truth.measures
            ours, theirs = {m.cell for m in measures}, {m.cell for m in true}
            after = _restricted(matching, ours, theirs)
            cnr, pairs = compare_cnr(measures, true, after), pair_cells(measures, true, after)
        return ImageScore(
            name=self._name,
            difficulty=None,
            cell_type="",
            source="",
            whole_cell=self.truth.whole_cell,
            binary=live.binary,
            border_px=self.border_px,
            pixel_size=self._size,
            counts=counts,
            cnr=cnr,
            pairs=pairs,
            false_cells=len(matching.false_cells),
            missed_cells=len(matching.missed_cells),
            empty_scores_zero=self.parameters.empty_scores_zero,
        )

    def _count(self, box: Box | None) -> ImageCounts:
        live, keep = self.live, self.parameters.keep
        kept = None if keep == "all" else _kept_by(live.cells, keep)
        if box is None or kept != self._kept:  # another cell is kept: its pixels may lie anywhere
            self._kept = kept
            before, now = self.prediction, self._kept_classes((slice(None), slice(None)))
            changed = changed_box(before, now)
            self.prediction = now
            if box is None or changed is None:
                return self._pixels.counts(now)
            return self._pixels.update(before[changed], now[changed], changed)
        now = self._kept_classes(box)
        before = self.prediction[box].copy()
        self.prediction[box] = now
        return self._pixels.update(before, now, box)

    def _kept_classes(self, box: Box) -> NDArray[np.uint8]:
        classes = np.minimum(self.live.classes[box], 1 if self.live.binary else 2)
        if self._kept is None:
            return classes.astype(np.uint8)
        return np.where(np.isin(self.live.cells[box], list(self._kept)), classes, 0).astype(np.uint8)

    def _overlap(self, box: Box | None) -> None:
        """Count the pixels that each cell near a box shares with each true cell."""
        live = self.live
        for number in [n for n in self._sizes if n not in live.boxes]:
            del self._sizes[number], self._overlaps[number]
        for number, its_box in live.boxes.items():
            if box is None or number not in self._sizes or meet(its_box, box):
                own = live.cells[its_box] == number
                self._sizes[number] = int(np.count_nonzero(own))
                self._overlaps[number] = sizes_by_number(self.truth.cells[its_box][own])


def _kept_by(cells: NDArray[np.int32], keep: Keep) -> frozenset[int]:
    return frozenset(np.unique(cells[keep_cells(cells, keep) > 0]).tolist())


def _restricted(matching: Matching, ours: set[int], theirs: set[int]) -> Matching:
    """Leave in a matching the cells that the keep rule keeps; a partner that it drops makes a cell false or missed."""
    pairs = tuple((a, b) for a, b in matching.pairs if a in ours and b in theirs)
    return Matching(
        pairs,
        tuple(sorted(ours - {a for a, _ in pairs})),
        tuple(sorted(theirs - {b for _, b in pairs})),
    )
