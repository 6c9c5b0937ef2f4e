"""Round dark objects of any size, found by their outlines: overlapping ones too, and those with a bright middle.

Every point of an edge votes for the middles of circles that it may lie on, on the dark side of the edge (a circular
Hough transform with the direction of the gradient). The edge of a red cell's pallor is dark outside, so that it votes
outwards and never for the red cell's middle. The circles with most votes are then fitted to the outline.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Discs", "find_discs", "optical_density"]

FloatArray = NDArray[np.float32]

_RADIUS = 8.0  # px: each level looks for radii from this to twice as large, the next on half the resolution
_STEPS = 6  # radii a level
_LEVELS = 5
_EDGE = 0.02  # optical density a px: fainter edges are noise
_FULL_EDGE = 0.05  # from here on an edge votes with full weight
_BLUR = 0.13  # of the radius: how far a vote may lie from the middle, since no cell is a perfect circle
_VOTES = 0.25  # of a full circle's
_MOST = 150  # candidates a level
_ANGLES = 48
_SEARCH = np.linspace(0.65, 1.4, 31, dtype=np.float32)  # of the radius: where the outline is looked for
_NEAR = 0.18  # spread of the log distance of the outline from the voted radius
_OFF = 0.15  # of the radius: points further from the fitted circle are not on it
_FOUND = 0.55  # support of a disc
_FAINTEST = 1 / 64  # transmission; what is darker is no red cell


@dataclass(frozen=True)
class Discs:
    """Circles (n,) that fit dark round objects; none lies in the middle of another.

    Attributes
    ----------
    y, x, radius
        float64, px.
    support
        0-1: share of the circle on which an edge was found, less for edges that lie beside it.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    radius: NDArray[np.float64]
    support: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.radius)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Discs":
        return Discs(self.y[chosen], self.x[chosen], self.radius[chosen], self.support[chosen])

    def moved(self, y: float, x: float) -> "Discs":
        """The same, counted from another corner."""
        return Discs(self.y + y, self.x + x, self.radius, self.support)


def optical_density(image: FloatArray) -> FloatArray:
    """Return the density (Y, X) of RGB (Y, X, 3) in 0-1 in green and blue, where red cells absorb."""
    # plane by plane: numpy takes ten times as long for a mean over so short an axis
    density, blue = (np.log(np.maximum(image[..., channel], np.float32(_FAINTEST))) for channel in (1, 2))
    density += blue
    density /= np.float32(-2)
    return density


def find_discs(density: FloatArray, *, largest: float = _RADIUS * 2**_LEVELS) -> Discs:
    """Find the dark round objects with radii from 7 to 256 px.

    Parameters
    ----------
    density
        (Y, X) float32 optical density, natural logarithm.
    largest
        Radius, px: octaves that begin above it are left out.
    """
    found: list[NDArray[np.float64]] = []
    scale = 1
    for _ in range(_LEVELS):
        if min(density.shape) < 1.5 * _RADIUS or scale * _RADIUS > largest:
            break
        y, x, radius, support = _level(density)
        # the middle of the first pixel of a level lies at (scale - 1) / 2 of the image's
        found.append(np.stack([(y + 0.5) * scale - 0.5, (x + 0.5) * scale - 0.5, radius * scale, support]))
        density, scale = _halved(density), 2 * scale
    every = np.concatenate(found, axis=1) if found else np.empty((4, 0))
    return _one_each(Discs(*every))


def _one_each(discs: Discs) -> Discs:
    """Keep of discs with nearly one middle the one with most support."""
    discs = discs[np.argsort(-discs.support, kind="stable")]
    kept: list[int] = []
    for i in range(len(discs)):
        apart = np.hypot(discs.y[kept] - discs.y[i], discs.x[kept] - discs.x[i])
        if np.all(apart > 0.5 * np.maximum(discs.radius[kept], discs.radius[i])):
            kept.append(i)
    return discs[np.array(kept, np.intp)]


def _halved(density: FloatArray) -> FloatArray:
    height, width = (length // 2 * 2 for length in density.shape)
    even = density[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)


def _level(density: FloatArray) -> tuple[NDArray[np.float64], ...]:
    """y, x, radius and support of the discs of one octave, in px of this level."""
    y, x, uy, ux, strength = _edge_points(density)
    radii = _RADIUS * 2 ** (np.arange(-1, _STEPS + 1) / _STEPS)
    pad = int(2.3 * _RADIUS)  # discs cut by the frame may have their middle outside
    shape = (density.shape[0] + 2 * pad, density.shape[1] + 2 * pad)
    weight = np.minimum(strength / _FULL_EDGE, 1).astype(np.float64)  # as bincount takes them
    votes = np.empty((len(radii), *shape), np.float32)
    for found, radius in zip(votes, radii.tolist(), strict=True):
        row, column = (np.rint(at + u * radius).astype(np.intp) + pad for at, u in ((y, uy), (x, ux)))
        found[:] = np.bincount(row * shape[1] + column, weight, shape[0] * shape[1]).reshape(shape)
        for axis in (0, 1):
            ndimage.correlate1d(found, _blur(_BLUR * radius), axis, output=found)
        # scaled so that a full circle with its votes spread no wider than the blur comes near 1
        found *= _BLUR**2 * radius
    at = _peaks(votes)
    step, row, column = (index[np.argsort(-votes[at], kind="stable")[:_MOST]] for index in at)
    return _fitted(density, row - pad, column - pad, radii[step])


@cache
def _blur(sigma: float) -> NDArray[np.float64]:
    """The weights of ``ndimage.gaussian_filter`` with ``truncate=2.5``, which works them out at every call."""
    x = np.arange(-int(2.5 * sigma + 0.5), int(2.5 * sigma + 0.5) + 1)
    weights: NDArray[np.float64] = np.exp(-0.5 / (sigma * sigma) * x**2)
    weights /= weights.sum()
    return weights


def _peaks(votes: FloatArray) -> tuple[NDArray[np.intp], ...]:
    """Where enough votes are no fewer than at the next radii and 2 px around; first and last radius only compare."""
    framed = np.pad(votes, ((0, 0), (2, 2), (2, 2)), constant_values=-np.inf)
    flat, (_, height, width) = framed.ravel(), framed.shape
    place = np.flatnonzero(flat > _VOTES)
    place = place[(place >= height * width) & (place < flat.size - height * width)]
    # few places have enough votes, and most of these are out after the first comparisons
    for step in np.ndindex(3, 5, 5):
        other = ((step[0] - 1) * height + step[1] - 2) * width + step[2] - 2
        place = place[flat[place] >= flat[place + other]]
    radius, y, x = np.unravel_index(place, framed.shape)
    return radius, y - 2, x - 2


def _edge_points(density: FloatArray) -> tuple[NDArray[np.float32], ...]:
    """y, x, direction towards the dark side (y, x) and strength of the pixels on the crests of the gradient."""
    gy = ndimage.gaussian_filter(density, 1.0, order=(1, 0))
    gx = ndimage.gaussian_filter(density, 1.0, order=(0, 1))
    strength = np.hypot(gy, gx)
    strong = strength > _EDGE
    strong[[0, -1]] = strong[:, [0, -1]] = False
    rows, columns = np.nonzero(strong)
    here = strength[rows, columns]
    uy, ux = gy[rows, columns] / here, gx[rows, columns] / here
    before, after = (
        ndimage.map_coordinates(strength, [rows + s * uy, columns + s * ux], order=1, mode="nearest") for s in (-1, 1)
    )
    crest = (here >= before) & (here > after)
    y, x = rows[crest].astype(np.float32), columns[crest].astype(np.float32)
    return y, x, uy[crest], ux[crest], here[crest]


def _fitted(
    density: FloatArray, y: NDArray[np.intp], x: NDArray[np.intp], radius: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Follow the outline around each candidate, fit a circle to it, and leave out what has too little of one."""
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False, dtype=np.float32)
    sin, cos = np.sin(angle), np.cos(angle)
    reach = radius[:, None].astype(np.float32) * _SEARCH
    rows = y[:, None, None] + sin[None, :, None] * reach[:, None]
    columns = x[:, None, None] + cos[None, :, None] * reach[:, None]
    profile = ndimage.map_coordinates(density, [rows, columns], order=1, mode="nearest")
    profile = ndimage.gaussian_filter(profile, (0, 0.7, 1.5), mode=("nearest", "wrap", "nearest"))
    fall = -np.gradient(profile, axis=2) / (reach[:, 1] - reach[:, 0])[:, None, None]
    fall[(rows < 0) | (columns < 0) | (rows > density.shape[0] - 1) | (columns > density.shape[1] - 1)] = 0
    best = np.argmax(fall * np.exp(-0.5 * (np.log(_SEARCH) / _NEAR) ** 2), axis=2)
    edge = np.take_along_axis(fall, best[..., None], axis=2)[..., 0] > _EDGE
    out = np.take_along_axis(reach, best, axis=1).astype(np.float64)
    py, px = sin * out, cos * out
    on = edge
    for _ in range(3):
        cy, cx, r = _circle(py, px, on)
        off = np.abs(np.hypot(py - cy[:, None], px - cx[:, None]) / r[:, None] - 1)
        on = edge & (off < _OFF)
    share = on.mean(axis=1)
    support = share * (1 - 2 * np.sum(off * on, axis=1) / np.maximum(on.sum(axis=1), 1))
    keep = (support > _FOUND) & (np.abs(np.log(r / radius)) < 0.25)
    return (y + cy)[keep], (x + cx)[keep], r[keep], support[keep]


def _circle(
    y: NDArray[np.float64], x: NDArray[np.float64], on: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares circles (Kasa 1976) through the points (n, angles) that are ``on``: y, x and radius, (n,)."""
    design = np.stack([y, x, np.ones_like(y)], axis=2) * on[..., None]
    normal = np.einsum("nai,naj->nij", design, design) + 1e-6 * np.eye(3)
    solved = np.linalg.solve(normal, np.einsum("nai,na->ni", design, y**2 + x**2)[..., None])[..., 0]
    cy, cx = solved[:, 0] / 2, solved[:, 1] / 2
    return cy, cx, np.sqrt(np.maximum(solved[:, 2] + cy**2 + cx**2, 1e-6))
