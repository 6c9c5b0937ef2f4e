"""What cells say of a pixel size: the rulers of one image, and of the images of a list together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.imaging.pixel_size import USUAL_UM, PixelSize

__all__ = ["FEW", "Ruler", "Rulers", "pooled", "sizes_apart"]

# Spread of the log of a ruler: what all cells of an image share, and that of one cell about it.
_SPREAD = {"red cell": (0.07, 0.12), "cell": (0.08, 0.15), "nucleus": (0.08, 0.15)}
_DISAGREE = float(np.log(1.6))  # rulers further apart do not both measure what they should: the surer one counts
_ALIKE = float(np.log(1.35))  # an image further from the others is left out
_KERNEL = 0.15  # width in the log of the kernel that finds the size most images agree on
_AGREEING = 0.75  # share of the images that have to agree
FEW = 5  # red cells: fewer leave an estimate doubtful
_APART = 3.0  # two sizes lie further apart than this many times the spread within each ...
_LEAST_SPREAD = 0.05  # ... which is never less than this, in the log


@dataclass(frozen=True)
class Ruler:
    """Cells of one kind in one image: how many um per px they say, from how many cells of which kind."""

    um: float
    cells: int
    kind: str

    @property
    def variance(self) -> float:
        """Of the log of ``um``."""
        shared, own = _SPREAD[self.kind]
        return shared**2 + own**2 / self.cells


@dataclass(frozen=True)
class Rulers:
    """What one image says of its pixel size.

    Attributes
    ----------
    red
        Red cells; None when there are none.
    white
        White cells, or nuclei.
    """

    red: Ruler | None = None
    white: Ruler | None = None

    @property
    def used(self) -> tuple[Ruler, ...]:
        """Those that count: where both do not measure the same, the surer one."""
        found = tuple(ruler for ruler in (self.red, self.white) if ruler is not None)
        return found if not self.at_odds else (min(found, key=lambda ruler: ruler.variance),)

    @property
    def at_odds(self) -> bool:
        """Whether red and white cells contradict each other."""
        return (
            self.red is not None
            and self.white is not None
            and bool(abs(np.log(self.red.um / self.white.um)) > _DISAGREE)
        )

    @property
    def weight(self) -> float:
        """Inverse of the variance of `log_um`."""
        return sum(1 / ruler.variance for ruler in self.used)

    @property
    def log_um(self) -> float:
        """The mean of the log sizes that the rulers say, with the inverse of their variance as weight."""
        return float(sum(np.log(ruler.um) / ruler.variance for ruler in self.used) / self.weight)


def pooled(images: Sequence[Rulers], *, working: float, shared: bool = False) -> PixelSize:
    """The estimate from the rulers of one image, or of several that were taken with one pixel size.

    The size that most of the images agree on counts, weighted by what the rulers are worth; an image that says
    something else by more than 1.35 times is left out. What makes the estimate doubtful is said in its ``doubt``.

    Parameters
    ----------
    images
        Those without a ruler say nothing.
    working
        um per px that is assumed when there is no ruler at all.
    shared
        Whether it holds for other images, too.
    """
    images = [image for image in images if image.used]
    if not images:
        return PixelSize(working, "assumed", estimated=True, shared=shared, doubt="no cell was found")
    logs = np.array([image.log_um for image in images])
    weights = np.array([image.weight for image in images])
    alike = np.abs(logs - _mode(logs, weights)) < _ALIKE
    um = float(np.exp(np.average(logs[alike], weights=weights[alike])))
    kept = [image for image, one in zip(images, alike, strict=True) if one]
    counts = _counts(ruler for image in kept for ruler in image.used)
    source = "estimated from " + " and ".join(_named(count, kind) for kind, count in counts.items())
    if len(images) > 1:
        source += f" in {len(kept)} images"
    doubts = []
    if not USUAL_UM[0] <= um <= USUAL_UM[1]:
        doubts.append(f"outside {USUAL_UM[0]:g} to {USUAL_UM[1]:g} µm/px")
    red = counts.get("red cell", 0)
    if red < FEW:
        doubts.append(f"only {_named(red, 'red cell')}" if red else "no red cell")
    if len(kept) < _AGREEING * len(images):
        doubts.append("the images disagree")
    if 2 * sum(image.at_odds for image in kept) > len(kept):
        doubts.append("red and white cells disagree")
    return PixelSize(um, source, estimated=True, shared=shared, doubt="; ".join(doubts))


def sizes_apart(images: Sequence[Rulers]) -> list[list[int]]:
    """Tell images of two or more pixel sizes (objectives) apart.

    Only images with five or more red cells have a say: white cells differ by as much as objectives do.

    Returns
    -------
    list of list of int
        Positions of the images of each size, at least two lists; empty when all may have one size.
    """
    sure = [i for i, image in enumerate(images) if image.red is not None and image.red.cells >= FEW]
    logs = {i: images[i].log_um for i in sure}
    parts = _parted(sorted(sure, key=logs.__getitem__), logs)
    return parts if len(parts) > 1 else []


def _parted(members: list[int], logs: dict[int, float]) -> list[list[int]]:
    """Part positions, sorted by size, where the two parts differ by far more than each does within itself."""
    values = np.array([logs[i] for i in members])
    cuts = [(_within(values[:at], values[at:]), at) for at in range(1, len(values))]
    if not cuts:
        return [members]
    within, at = min(cuts)
    apart = values[at:].mean() - values[:at].mean()
    if apart < max(_ALIKE, _APART * max(within, _LEAST_SPREAD)):
        return [members]
    return _parted(members[:at], logs) + _parted(members[at:], logs)


def _within(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Spread of values about the means of their two parts."""
    return float(np.sqrt((low.var() * len(low) + high.var() * len(high)) / (len(low) + len(high))))


def _mode(logs: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    near = np.exp(-0.5 * ((logs[:, None] - logs) / _KERNEL) ** 2) @ weights
    # of equals the first, whichever way the last digits were rounded
    return float(logs[np.argmax(near > near.max() * (1 - 1e-9))])


def _counts(rulers: Iterable[Ruler]) -> dict[str, int]:
    """How many cells of each kind."""
    counts: dict[str, int] = {}
    for ruler in rulers:
        counts[ruler.kind] = counts.get(ruler.kind, 0) + ruler.cells
    return {kind: counts[kind] for kind in _SPREAD if kind in counts}


def _named(count: int, kind: str) -> str:
    if count == 1:
        return f"1 {kind}"
    return f"{count} nuclei" if kind == "nucleus" else f"{count} {kind}s"
