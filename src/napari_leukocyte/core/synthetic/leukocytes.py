"""The five types of white cell, and blasts: sizes, outlines, nuclei and vacuoles, in um.

Sizes follow haematology textbooks: diameters on a dried smear, the cytoplasm-to-nucleus ratio from the usual look.
"""

from dataclasses import dataclass

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError

from .noise import lattice_noise
from .nuclei import NUCLEI, NucleusShape, neutrophil_nucleus
from .shapes import Blob, Dented, FloatArray, Ribbon, Shape, Union, area_of, random_blob

__all__ = ["CELL_TYPES", "Leukocyte", "depths", "make_leukocyte"]


@dataclass(frozen=True)
class _Kind:
    """Diameter (um), cytoplasm-to-nucleus ratio, and how uneven the outline is."""

    diameter: tuple[float, float]
    ratio: tuple[float, float]
    stretch: float
    bumps: float
    ruffle: float


_KINDS = {
    "neutrophil": _Kind((12.3, 14.2), (1.5, 2.4), 0.11, 0.035, 0.10),
    "eosinophil": _Kind((12.4, 14.6), (1.5, 2.3), 0.09, 0.030, 0.10),
    "basophil": _Kind((11.4, 13.6), (0.8, 1.3), 0.10, 0.030, 0.12),
    "lymphocyte": _Kind((8.3, 11.7), (0.25, 0.95), 0.07, 0.030, 0.06),
    "monocyte": _Kind((14.4, 18.3), (0.75, 1.35), 0.14, 0.060, 0.13),
    "blast": _Kind((11.0, 16.5), (0.10, 0.45), 0.10, 0.040, 0.08),
}
_LYMPHOCYTE_NUCLEUS = (7.2, 9.2)  # diameter, um
_MOST_LOBES = 6

_ARM_BLEND = 0.9  # um over which a pseudopod flows into the cell
_DENT_BLEND = 0.5  # um over which the corners between two dents are rounded

CELL_TYPES: tuple[str, ...] = ("neutrophil", "eosinophil", "basophil", "lymphocyte", "monocyte")  # of healthy blood


@dataclass(frozen=True)
class Leukocyte:
    """One white cell, placed on the slide; its shapes are relative to its centre.

    Attributes
    ----------
    cell_type : str
        One of `CELL_TYPES`, "blast" or "smudge".
    y, x : float
        Centre, um from the upper left corner of the frame.
    outline : Blob
    nucleus : NucleusShape
    vacuoles : tuple of Blob
        Pale holes in the cytoplasm; they belong to the cell.
    ruffle, wrinkle : float
        Fine unevenness of the outline and of the nucleus, um.
    texture : int
        Seed of everything that is painted rather than outlined.
    arms : tuple of Ribbon
        Pseudopods and threads; they belong to the cell.
    dents : tuple of Blob
        Red cells that press into the outline.
    strength : float
        How much stain the cytoplasm took, 1 for the usual.
    """

    cell_type: str
    y: float
    x: float
    outline: Blob
    nucleus: NucleusShape
    vacuoles: tuple[Blob, ...]
    ruffle: float
    wrinkle: float
    texture: int
    arms: tuple[Ribbon, ...] = ()
    dents: tuple[Blob, ...] = ()
    strength: float = 1.0

    @property
    def body(self) -> Shape:
        """The outline with its arms and dents."""
        return _body(self.outline, self.arms, self.dents)

    @property
    def reach(self) -> float:
        """Distance from the centre (um) beyond which nothing of the cell is drawn."""
        return max(1.6 * self.outline.radius, *(arm.reach + 1.0 for arm in self.arms), 0.0)

    @property
    def n_lobes(self) -> int:
        """Lobes of the nucleus: 1 for round, kidney-shaped, band and run-together nuclei."""
        return len(self.nucleus.lobes)


def make_leukocyte(
    rng: np.random.Generator,
    cell_type: str | None = None,
    *,
    n_lobes: int | None = None,
    ratio: float | None = None,
    dents: int = 0,
    y: float = 0.0,
    x: float = 0.0,
) -> Leukocyte:
    """Draw the shape of one white cell.

    Parameters
    ----------
    rng : numpy.random.Generator
    cell_type : str, optional
        One of `CELL_TYPES`, or "blast"; None draws one of `CELL_TYPES`.
    n_lobes : int, optional
        Lobes of a neutrophil's nucleus, 1 (a band) to 6; None draws them. The other types have their own.
    ratio : float, optional
        Cytoplasm-to-nucleus ratio to aim at; None draws it from the range of the type.
    dents : int
        How many red cells press into the outline; the area of the cell stays.
    y, x : float
        Centre, um.

    Returns
    -------
    Leukocyte

    Raises
    ------
    LeukocyteError
        For an unknown cell type, or lobes that it cannot have.
    """
    drawn = str(rng.choice(CELL_TYPES))
    if cell_type is not None and cell_type not in _KINDS:
        raise LeukocyteError(f"There is no cell type called {cell_type!r}; choose one of {', '.join(_KINDS)}.")
    name = drawn if cell_type is None else cell_type
    if n_lobes is not None and (name != "neutrophil" or not 1 <= n_lobes <= _MOST_LOBES):
        raise LeukocyteError(
            f"Only a neutrophil can be given lobes, 1 to {_MOST_LOBES} of them, not {n_lobes} for a {name}."
        )
    kind = _KINDS[name]
    drawn_ratio = rng.uniform(*kind.ratio)
    ratio = float(drawn_ratio) if ratio is None else ratio
    if name == "lymphocyte":  # its nucleus varies little, its cytoplasm much
        diameter = float(np.clip(rng.uniform(*_LYMPHOCYTE_NUCLEUS) * np.sqrt(1 + ratio), *kind.diameter))
    else:
        diameter = float(rng.uniform(*kind.diameter))
    outline = random_blob(
        rng, diameter / 2, stretch=rng.uniform(0.2, 1) * kind.stretch, bumps=rng.uniform(0.5, 1.2) * kind.bumps
    )
    outline, pressed_in = _squeeze(rng.spawn(1)[0], outline, dents)
    shape = NUCLEI[name](rng) if n_lobes is None else neutrophil_nucleus(rng, n_lobes)
    body = _body(outline, (), pressed_in)
    nucleus = _fit_nucleus(rng, shape, body, diameter / 2, area=np.pi * diameter**2 / 4 / (1 + ratio))
    wrinkle = {"monocyte": 0.24, "neutrophil": 0.17}.get(name, 0.09)
    texture = int(rng.integers(2**32))
    ruffle = kind.ruffle * float(rng.uniform(0.5, 1.6))
    vacuoles = _vacuoles(rng, name, body, diameter / 2, nucleus)
    return Leukocyte(name, y, x, outline, nucleus, vacuoles, ruffle, wrinkle, texture, dents=pressed_in)


def depths(cell: Leukocyte, y: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the depth (um) of points below the outline of the cell and below that of its nucleus.

    Parameters
    ----------
    cell : Leukocyte
    y, x : (h, 1) and (1, w) arrays
        Distance from the centre of the cell, um.

    Returns
    -------
    cell_depth, nucleus_depth : (h, w) float32 arrays
    """
    rng = np.random.default_rng([cell.texture, 0])
    rough = np.float32(0.5) * lattice_noise(rng, y, x, length=0.9, reach=cell.reach)
    wrinkled = lattice_noise(rng, y, x, length=1.0, reach=cell.reach)
    rough += np.float32(0.8) * lattice_noise(rng, y, x, length=2.4, reach=cell.reach)
    cell_depth = cell.body.depth(y, x) + np.float32(cell.ruffle) * rough
    nucleus_depth = cell.nucleus.outline.depth(y, x) + np.float32(cell.wrinkle) * np.clip(wrinkled, -1.5, 1.5)
    return cell_depth, nucleus_depth


def _body(outline: Blob, arms: tuple[Ribbon, ...], dents: tuple[Blob, ...]) -> Shape:
    grown = Union((outline, *arms), blend=_ARM_BLEND) if arms else outline
    return Dented(grown, dents, blend=_DENT_BLEND) if dents else grown


def _squeeze(rng: np.random.Generator, outline: Blob, count: int) -> tuple[Blob, tuple[Blob, ...]]:
    """Press `count` red cells into an outline, which keeps its area by growing elsewhere."""
    if count == 0:
        return outline, ()
    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / max(count, 3)
    radii = rng.uniform(3.3, 4.0, count)
    deep = rng.uniform(0.03, 0.22, count) * outline.radius
    goal = np.pi * outline.radius**2
    grown, dents = outline, tuple[Blob, ...]()
    for _ in range(3):
        away = grown.radius + radii - deep
        dents = tuple(
            Blob(float(d * np.sin(a)), float(d * np.cos(a)), float(r))
            for d, a, r in zip(away, angles, radii, strict=True)
        )
        area = area_of(Dented(grown, dents, blend=_DENT_BLEND), 1.6 * outline.radius)
        grown = grown.scaled(float(np.sqrt(goal / area)))
    return grown, dents


def _fit_nucleus(
    rng: np.random.Generator, nucleus: NucleusShape, body: Shape, radius: float, *, area: float
) -> NucleusShape:
    """Give a nucleus its area (um2) and put it, off the middle, where it lies inside the cell."""
    nucleus = nucleus.scaled(np.sqrt(area / area_of(nucleus.outline, 9)))
    axis = np.arange(-10, 10, 0.3, dtype=np.float32)
    grid = axis[:, None], axis[None, :]
    room = body.depth(*grid)
    best, best_share = nucleus, -1.0
    for attempt in range(20):
        shift = rng.normal(0, 0.2 * radius / (1 + 0.35 * attempt), 2)
        moved = nucleus.moved(float(shift[0]), float(shift[1]))
        inner = moved.outline.depth(*grid) > 0
        share = float(np.mean(room[inner] > 0.3)) if inner.any() else 0.0
        if share > best_share:
            best, best_share = moved, share
        if share > 0.985:
            break
    return best


def _vacuoles(
    rng: np.random.Generator, name: str, body: Shape, reach: float, nucleus: NucleusShape
) -> tuple[Blob, ...]:
    """A few pale holes, mostly in monocytes, beside the nucleus and below the outline."""
    wanted = int(rng.integers(1, 5)) if rng.random() < {"monocyte": 0.5, "basophil": 0.3}.get(name, 0.06) else 0
    found: list[Blob] = []
    for _ in range(12 * wanted):
        y, x = rng.uniform(-reach, reach, 2)
        radius = float(rng.uniform(0.3, 0.75))
        at = np.array([[y]], dtype=np.float32), np.array([[x]], dtype=np.float32)
        free = body.depth(*at)[0, 0] > radius + 0.4 and nucleus.outline.depth(*at)[0, 0] < -radius
        if free and len(found) < wanted:
            found.append(Blob(float(y), float(x), radius))
    return tuple(found)
