"""Stains, as the optical density that each component of a smear gets in red, green and blue.

Light that passes a component of density D is weakened to ``10 ** -D``; densities add where components overlap
(Beer-Lambert). The densities are in the camera's displayed values, not in physical units.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["STAINS", "Stain", "choose_stain", "colour_of"]

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


STAINS: dict[str, Stain] = {
    "wright-giemsa": Stain(
        white=(0.995, 0.905, 0.805),
        chromatin=(0.43, 0.70, 0.175),
        basophilic=(0.165, 0.150, 0.040),
        neutrophilic=(0.055, 0.105, 0.050),
        fine_granule=(0.17, 0.27, 0.10),
        eosin_granule=(0.125, 0.34, 0.20),
        basophil_granule=(0.56, 0.90, 0.27),
        red_cell=(0.080, 0.165, 0.115),
        platelet=(0.25, 0.34, 0.11),
    ),
    "may-gruenwald-giemsa": Stain(
        white=(0.930, 0.912, 0.900),
        chromatin=(0.46, 0.62, 0.17),
        basophilic=(0.21, 0.175, 0.050),
        neutrophilic=(0.075, 0.125, 0.050),
        fine_granule=(0.15, 0.25, 0.09),
        eosin_granule=(0.115, 0.33, 0.24),
        basophil_granule=(0.58, 0.82, 0.24),
        red_cell=(0.095, 0.180, 0.155),
        platelet=(0.25, 0.32, 0.10),
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
    "rapid": Stain(
        white=(0.995, 0.985, 0.725),
        chromatin=(0.43, 0.86, 0.25),
        basophilic=(0.175, 0.195, 0.110),
        neutrophilic=(0.085, 0.155, 0.120),
        fine_granule=(0.18, 0.33, 0.18),
        eosin_granule=(0.11, 0.37, 0.26),
        basophil_granule=(0.47, 0.92, 0.28),
        red_cell=(0.035, 0.095, 0.080),
        platelet=(0.23, 0.38, 0.14),
    ),
}

_SHARES = (0.45, 0.25, 0.18, 0.12)  # how often each stain is chosen, in the order above


def choose_stain(rng: np.random.Generator, name: str | None = None) -> Stain:
    """Choose a stain and vary it as laboratories, slides and cameras do.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str, optional
        A key of `STAINS`; None chooses one at random, Wright-Giemsa most often.

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
    if name is not None and name not in STAINS:
        raise LeukocyteError(f"There is no stain called {name!r}; choose one of {', '.join(STAINS)}.")
    stain = STAINS[drawn if name is None else name]
    strength = rng.uniform(0.88, 1.12)
    hue = rng.normal(1, 0.03, 3).clip(0.92, 1.08)  # all components together
    varied: dict[str, Density] = {}
    for field in fields(Stain):
        value = np.asarray(getattr(stain, field.name))
        if field.name == "white":
            value = np.minimum(value * rng.normal(1, 0.012, 3).clip(0.97, 1.03) * rng.uniform(0.95, 1.01), 1.0)
        else:
            value = value * strength * hue * rng.normal(1, 0.05) * rng.normal(1, 0.02, 3)
        varied[field.name] = (float(value[0]), float(value[1]), float(value[2]))
    return replace(stain, **varied)


def colour_of(density: Density) -> npt.NDArray[np.float32]:
    """Return a density as a (3,) array, to be multiplied with amounts of shape (..., 1)."""
    return np.array(density, dtype=np.float32)
