"""What the active contour works with: lengths in um, so that one set serves every resolution."""

from dataclasses import dataclass

__all__ = ["ActiveContourParameters"]


@dataclass(frozen=True, kw_only=True)
class ActiveContourParameters:
    """Parameters of the active contour; docs/development/active-contour.md records how the defaults were found.

    Attributes
    ----------
    resolution
        um per px at which the contours run; blocks of whole native px come as near to it as they can.
    darkest
        Intensity, 0-1, below which everything counts as equally dark in the optical density.
    red, blue
        Weights of the optical densities that give the nuclear stain, beside 1 for green.
    contrast
        Nuclear stain that nuclei must have above the background; a plane with less holds no cell.
    seed
        Where between background (0) and the darkest nucleus (1) nuclear stain is taken for a seed.
    lobe_gap
        Lobes up to this far apart, um, are one nucleus.
    smallest_nucleus
        um2 of seed below which there is no cell.
    blur
        Standard deviation, um, of the Gaussian that takes the grain out of the image.
    nucleus_level
        Where between the mean of the ring around the nucleus (0) and that of the nucleus (1) its outline lies.
    nucleus_smoothing, cell_smoothing
        Standard deviations, um, of the Gaussians that straighten the outlines in each step.
    nucleus_force, cell_force
        Weight of the image against the straightening, below 0.5: the outline then moves only where it is.
    start
        The cell's outline starts this far, um, around the convex hull of its nucleus.
    reach
        It comes no further from the hull than this, um.
    pull
        Force back to the hull that it meets at its reach; it grows with the square of the distance.
    background_gap
        Pixels nearer than this, um, to the hull tell nothing about the background.
    background_weight
        Weight of the background against the cell where a colour occurs in both.
    bins, bandwidth
        Bins a channel of the colour histograms, and the standard deviation of their smoothing in bins.
    opening
        Radius, um, of the disc that must fit into the cell; takes off what leaked into thin gaps.
    """

    resolution: float = 0.2
    darkest: float = 0.08
    red: float = 0.1
    blue: float = -0.9
    contrast: float = 0.5
    seed: float = 0.55
    lobe_gap: float = 4.0
    smallest_nucleus: float = 13.0
    blur: float = 0.15
    nucleus_level: float = 0.35
    nucleus_smoothing: float = 0.15
    nucleus_force: float = 0.45
    start: float = 3.0
    reach: float = 10.0
    cell_smoothing: float = 0.8
    cell_force: float = 0.15
    pull: float = 0.7
    background_gap: float = 0.0
    background_weight: float = 2.0
    bins: int = 24
    bandwidth: float = 0.5
    opening: float = 0.5
