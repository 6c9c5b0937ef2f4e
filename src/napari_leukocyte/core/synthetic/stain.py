"""Stains, as the optical density that each component of a smear gets in red, green and blue.

Light that passes a component of density D is weakened to ``10 ** -D``; densities add where components overlap
(Beer-Lambert). The densities are in the camera's displayed values, not in physical units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["BLEND", "STAINS", "Stain", "blend_stains", "choose_stain", "colour_of"]

Density = tuple[float, float, float]


@dataclass(frozen=True)
class Stain:
    """Densities (red, green, blue) of the components, and the colour of the empty background.

    Attributes
    ----------
    white : tuple
        Background as displayed, 0-1 for each channel: the white balance.
    chromatin, basophilic, neutrophilic : tuple
        Nucleus; the blue cytoplasm of lymphocytes and monocytes; the pink cytoplasm of granulocytes.
    fine_granule, eosin_granule, basophil_granule : tuple
        Granules of neutrophils, eosinophils and basophils.
    red_cell, platelet : tuple
        A red cell at its thickest; the granular middle of a platelet.
    ghosts : bool
        Whether red cells may be no more than an outline.
    relief : tuple
        How much darker the outline of white cells is, as a share of the chromatin's density: all round, and what is
        added at their lower and their right side and taken away opposite, as where the light comes from one side.
    name : str
        Key of `STAINS`, or `BLEND`, once chosen.
    """

    white: Density
    chromatin: Density
    basophilic: Density
    neutrophilic: Density
    fine_granule: Density
    eosin_granule: Density
    basophil_granule: Density
    red_cell: Density
    platelet: Density
    ghosts: bool = False
    relief: Density = (0.0, 0.0, 0.0)
    name: str = ""


STAINS: dict[str, Stain] = {
    "wright-giemsa": Stain(
        white=(0.995, 0.905, 0.805),
        chromatin=(0.43, 0.72, 0.165),
        basophilic=(0.165, 0.170, 0.055),
        neutrophilic=(0.065, 0.140, 0.055),
        fine_granule=(0.17, 0.27, 0.10),
        eosin_granule=(0.125, 0.34, 0.13),
        basophil_granule=(0.56, 0.90, 0.22),
        red_cell=(0.100, 0.190, 0.118),
        platelet=(0.25, 0.34, 0.11),
    ),
    "may-gruenwald-giemsa": Stain(
        white=(0.610, 0.690, 0.650),
        chromatin=(0.37, 0.88, 0.37),
        basophilic=(0.21, 0.265, 0.110),
        neutrophilic=(0.095, 0.260, 0.140),
        fine_granule=(0.14, 0.27, 0.13),
        eosin_granule=(0.115, 0.36, 0.24),
        basophil_granule=(0.58, 0.86, 0.36),
        red_cell=(0.110, 0.250, 0.210),
        platelet=(0.28, 0.44, 0.20),
    ),
    "leishman": Stain(
        white=(0.955, 0.935, 0.900),
        chromatin=(0.36, 0.66, 0.22),
        basophilic=(0.155, 0.170, 0.060),
        neutrophilic=(0.055, 0.125, 0.070),
        fine_granule=(0.13, 0.28, 0.14),
        eosin_granule=(0.085, 0.34, 0.27),
        basophil_granule=(0.47, 0.86, 0.31),
        red_cell=(0.065, 0.190, 0.165),
        platelet=(0.20, 0.33, 0.13),
    ),
    "giemsa": Stain(
        white=(0.810, 0.810, 0.790),
        chromatin=(0.29, 0.37, 0.005),
        basophilic=(0.150, 0.130, 0.010),
        neutrophilic=(0.070, 0.115, 0.015),
        fine_granule=(0.11, 0.19, 0.03),
        eosin_granule=(0.080, 0.26, 0.14),
        basophil_granule=(0.42, 0.56, 0.05),
        red_cell=(0.062, 0.125, 0.095),
        platelet=(0.20, 0.25, 0.01),
    ),
    "rapid": Stain(
        white=(0.995, 0.995, 0.730),
        chromatin=(0.37, 1.02, 0.285),
        basophilic=(0.200, 0.290, 0.155),
        neutrophilic=(0.140, 0.290, 0.210),
        fine_granule=(0.18, 0.33, 0.18),
        eosin_granule=(0.11, 0.52, 0.29),
        basophil_granule=(0.47, 0.98, 0.28),
        red_cell=(0.040, 0.115, 0.080),
        platelet=(0.23, 0.38, 0.14),
        ghosts=True,
    ),
}

BLEND = "blend"
"""The name of stains that were made up by `blend_stains`."""

# Of a component of a made-up stain, standard deviation of the logarithm; 0.3 for the others.
_OWN_STRENGTH = {"chromatin": 0.15, "basophilic": 0.4, "neutrophilic": 0.4}
_IN_RELIEF = 0.5  # share of the made-up stains
_SHARES = (0.34, 0.22, 0.16, 0.12, 0.16)  # how often each stain is chosen, in the order above


def blend_stains(rng: np.random.Generator, names: Sequence[str]) -> Stain:
    """Make up a stain, between two of `STAINS` and then changed in each component: what other laboratories may have.

    Parameters
    ----------
    rng : numpy.random.Generator
    names : sequence of str
        Two or more keys of `STAINS`; two of them are blended.

    Returns
    -------
    Stain
        Called `BLEND`. It varies further, from slide to slide, when a smear is drawn in it.
    """
    one, other = (STAINS[str(name)] for name in rng.choice(list(names), size=2, replace=False))
    share = rng.random()
    strength = np.exp(rng.normal(0, 0.15))
    hue = np.exp(rng.normal(0, 0.10, 3))
    blended: dict[str, Any] = {"name": BLEND, "ghosts": bool(rng.choice((one.ghosts, other.ghosts)))}
    for field in _components():
        value = share * np.array(getattr(one, field)) + (1 - share) * np.array(getattr(other, field))
        if field != "white":
            own = _OWN_STRENGTH.get(field, 0.3)
            value = value * strength * hue * np.exp(rng.normal(0, own) + rng.normal(0, 0.4 * own, 3))
        blended[field] = _triple(value)
    if rng.random() < _IN_RELIEF:
        angle, directed = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.4)
        even = rng.uniform(0, 0.7)
        blended["relief"] = _triple(np.array([even, directed * np.sin(angle), directed * np.cos(angle)]))
    return Stain(**blended)


def choose_stain(rng: np.random.Generator, stain: str | Stain | None = None) -> Stain:
    """Choose a stain and vary it as laboratories, slides and cameras do.

    Parameters
    ----------
    rng : numpy.random.Generator
    stain : str or Stain, optional
        A key of `STAINS`, or a stain; None chooses one of `STAINS` at random, Wright-Giemsa most often.

    Returns
    -------
    Stain
        With its own strength, hue and white balance.

    Raises
    ------
    LeukocyteError
        For an unknown name.
    """
    drawn = str(rng.choice(list(STAINS), p=_SHARES))
    if isinstance(stain, str) and stain not in STAINS:
        raise LeukocyteError(f"There is no stain called {stain!r}; choose one of {', '.join(STAINS)}.")
    chosen = drawn if stain is None else stain
    base = chosen if isinstance(chosen, Stain) else replace(STAINS[chosen], name=chosen)
    strength = float(np.exp(np.clip(rng.normal(0, 0.17), -0.4, 0.35)))  # pale to dark
    hue = rng.normal(1, 0.05, 3).clip(0.88, 1.12)  # all components together
    balance = _balance(rng)
    varied: dict[str, Any] = {}
    for field in _components():
        value = np.asarray(getattr(base, field))
        if field == "white":
            value = np.clip(value * rng.normal(1, 0.015, 3).clip(0.96, 1.04) * balance, 0.48, 1.0)
        else:
            value = value * strength * hue * rng.normal(1, 0.08) * rng.normal(1, 0.03, 3)
        varied[field] = _triple(value)
    return replace(base, **varied)


def _components() -> list[str]:
    """Names of the colours of a stain."""
    return [field.name for field in fields(Stain) if field.name not in ("ghosts", "relief", "name")]


def _triple(value: npt.NDArray[np.float64]) -> Density:
    return float(value[0]), float(value[1]), float(value[2])


def _balance(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw exposure and white balance: mostly near the usual, now and then far off, in warm, green or blue."""
    if rng.random() < 0.6:
        return np.full(3, rng.uniform(0.94, 1.03))
    warm, green = rng.normal(0, 0.07), rng.normal(0, 0.03)
    return rng.uniform(0.8, 1.05) * np.array([1 + warm, 1 + green, 1 - warm])


def colour_of(density: Density) -> npt.NDArray[np.float32]:
    """Return a density as a (3,) array, to be multiplied with amounts of shape (..., 1)."""
    return np.array(density, dtype=np.float32)
