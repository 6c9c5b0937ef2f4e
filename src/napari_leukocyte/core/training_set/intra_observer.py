"""How far a reader agrees with themselves: the images that a blind reading has twice."""

import math
from dataclasses import dataclass

from napari_leukocyte.core.study.readers import bland_altman, same_cells
from napari_leukocyte.core.text import counted
from napari_leukocyte.core.training_set.reader_cells import cells_of
from napari_leukocyte.core.training_set.reading import Reading
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["METHOD", "IntraObserver", "intra_observer"]

METHOD = (
    "Of the cells that both readings of an image have (each the other's nearest, their centres closer than half a "
    "radius) and that got a CNR in both: the coefficient of variation within a reader from the standard deviation s of "
    "log CNR, s² being half the mean squared difference, CV = √(exp(s²) - 1); and the 95 % limits of agreement of the "
    "second CNR over the first."
)


@dataclass(frozen=True)
class IntraObserver:
    """The error of one reader, from images that were read twice without knowing it.

    Attributes
    ----------
    images
        How many images were read twice.
    cells
        Cells with a CNR in both readings; ``one_only`` those with a CNR in one of them alone.
    unmatched
        Cells drawn in one of the readings alone.
    cv
        Coefficient of variation of the CNR, 0-1; NaN with no cell.
    bias, low, high
        CNR of the second reading over that of the first: geometric mean of the ratios and their 95 % limits; NaN with
        fewer than three cells.
    """

    images: int
    cells: int
    one_only: int
    unmatched: int
    cv: float
    bias: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The figures in a sentence or two."""
        if not self.images:
            return "No image was read twice, so nothing is known of the error within the reader."
        what = f"{counted(self.images, 'image')} read twice unseen, {counted(self.cells, 'cell')} with a CNR both times"
        if not self.cells:
            return f"{what}: nothing to tell the error within the reader from.{self._rest}"
        error = f"CV of the CNR {100 * self.cv:.1f} %"
        if math.isnan(self.low):
            return f"{what}: {error}; too few cells for limits.{self._rest}"
        return (
            f"{what}: {error}; second over first {self.bias:.2f} (95 % limits {self.low:.2f} to {self.high:.2f})."
            f"{self._rest}"
        )

    @property
    def _rest(self) -> str:
        parts = [f"{self.one_only} had a CNR only once"] * bool(self.one_only)
        parts += [f"{self.unmatched} were drawn only once"] * bool(self.unmatched)
        return f" Besides, {' and '.join(parts)}." if parts else ""


def intra_observer(training_set: TrainingSet, reading: Reading) -> IntraObserver:
    """Compare the two masks of each image that was read twice, see `METHOD`.

    Raises
    ------
    LeukocyteError
        When a mask is missing, damaged, or was changed since.
    """
    sets = [training_set.as_reader(reading.who(repeat=again)) for again in (False, True)]
    pairs: list[tuple[float, float]] = []
    images = unmatched = 0
    for item in reading.items:
        if not item.repeat:
            continue
        first, second = (own.current(item.image) for own in sets)
        if first is None or second is None:
            continue
        images += 1
        image = training_set.image(item.image)
        cells = [cells_of(training_set, image, version) for version in (first, second)]
        same = same_cells(*cells)
        unmatched += len(cells[0]) + len(cells[1]) - 2 * len(same)
        pairs += [(one.cnr, other.cnr) for one, other in same]
    both = [math.log(b / a) for a, b in pairs if not (math.isnan(a) or math.isnan(b))]
    found = bland_altman("", "first", "second", pairs)
    cv = math.sqrt(math.expm1(sum(d * d for d in both) / (2 * len(both)))) if both else math.nan
    return IntraObserver(images, len(both), found.one_only, unmatched, cv, found.bias, found.low, found.high)
