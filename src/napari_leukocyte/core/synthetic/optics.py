"""From densities to a photograph: light, focus, camera."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from .camera import compress, demosaic
from .noise import lattice_noise
from .shapes import FloatArray

__all__ = ["Optics", "choose_optics", "photograph"]

_TO_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Optics:
    """How a smear is photographed.

    Attributes
    ----------
    blur : float
        Standard deviation of the point spread, um.
    colour_shift : float
        By which share blue is blurred more and red less than green.
    sharpen, sharpen_radius : float
        The camera's unsharp mask: strength, and radius in um.
    vignette : float
        Share of the light that is lost in the corners.
    vignette_colour : tuple of float
        How much of that loss red, green and blue suffer, 1 for all of it.
    uneven : float
        Share by which the background varies over the field.
    noise : float
        Standard deviation of the camera noise, grey levels of 255.
    bayer : bool
        Whether the camera has one colour a pixel, and fills in the others.
    jpeg : int
        Quality of the JPEG file, 1-95; 0 for a file without loss.
    """

    blur: float
    colour_shift: float
    sharpen: float
    sharpen_radius: float
    vignette: float
    vignette_colour: tuple[float, float, float]
    uneven: float
    noise: float
    bayer: bool
    jpeg: int


def choose_optics(rng: np.random.Generator, *, focused: bool | None = None) -> Optics:
    """Draw a microscope and camera; `focused` True or False puts the smear in or out of focus, None mostly in."""
    blurred = rng.random() < 0.1 if focused is None else not focused
    extra = float(rng.uniform(0.06, 0.16)) if focused is None else float(rng.uniform(0.18, 0.42))
    tint = rng.uniform(0.5, 1.0, 3)
    return Optics(
        blur=float(rng.uniform(0.03, 0.12) if rng.random() < 0.75 else rng.uniform(0.12, 0.24)) + blurred * extra,
        colour_shift=float(rng.uniform(0, 0.2)),
        sharpen=float(rng.uniform(0.0, 1.3)),
        sharpen_radius=float(rng.uniform(0.12, 0.25)),
        vignette=float(rng.uniform(0, 0.08) if rng.random() < 0.8 else rng.uniform(0.08, 0.35)),
        vignette_colour=(float(tint[0]), float(tint[1]), float(tint[2])),
        uneven=float(rng.uniform(0.002, 0.012)),
        noise=float(rng.uniform(0.5, 2.2)),
        bayer=bool(rng.random() < 0.5),
        jpeg=int(rng.integers(70, 96)) if rng.random() < 0.6 else 0,
    )


def photograph(
    rng: np.random.Generator,
    density: FloatArray,
    *,
    white: tuple[float, float, float],
    optics: Optics,
    px_per_um: float,
) -> npt.NDArray[np.uint8]:
    """Turn optical densities into an 8-bit image.

    Parameters
    ----------
    rng : numpy.random.Generator
        For uneven light and noise.
    density : (Y, X, 3) float32 array
        Optical density; overwritten.
    white : tuple of float
        Displayed colour of empty glass, 0-1.
    optics : Optics
    px_per_um : float

    Returns
    -------
    (Y, X, 3) uint8 array
    """
    height, width = density.shape[:2]
    y = (np.arange(height) + 0.5) / px_per_um - height / px_per_um / 2
    x = (np.arange(width) + 0.5) / px_per_um - width / px_per_um / 2
    reach = max(height, width) / px_per_um / 2
    light_rng, noise_rng = rng.spawn(2)
    light = 1 + optics.uneven * lattice_noise(light_rng, y, x, length=reach / 2, reach=reach)
    corner = np.float32(optics.vignette) * ((y[:, None] ** 2 + x[None, :] ** 2) / (2 * reach**2)).astype(np.float32)
    image = density
    for channel, shift in enumerate((-1, 0, 1)):
        plane = np.power(np.float32(10), -density[..., channel]) * np.float32(white[channel])
        plane *= light - np.float32(optics.vignette_colour[channel]) * corner
        blur = optics.blur * (1 + shift * optics.colour_shift) * px_per_um
        plane = ndi.gaussian_filter(plane, blur, mode="nearest", truncate=3)
        soft = ndi.gaussian_filter(plane, optics.sharpen_radius * px_per_um, mode="nearest", truncate=3)
        image[..., channel] = plane + np.float32(optics.sharpen) * (plane - soft)
    image += _grain(noise_rng, image.shape, optics.noise / 255)
    if optics.bayer:
        image = demosaic(image)
    _soften_colour(image)
    image *= 255
    result: npt.NDArray[np.uint8] = np.clip(np.rint(image, out=image), 0, 255, out=image).astype(np.uint8)
    return compress(result, optics.jpeg) if optics.jpeg else result


def _grain(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> FloatArray:
    """Camera noise: mostly brightness, slightly smoothed by the demosaicking."""
    colour = rng.standard_normal(shape, dtype=np.float32)
    colour += rng.standard_normal(shape[:2], dtype=np.float32)[..., None]
    smooth: FloatArray = ndi.gaussian_filter(colour, (0.45, 0.45, 0), mode="nearest", truncate=2)
    return smooth * np.float32(sigma)


def _soften_colour(image: FloatArray) -> None:
    """Blur colour, not brightness, as the half-resolution colour of JPEG files does; in place."""
    luma = image @ _TO_LUMA
    for channel in range(3):
        image[..., channel] = luma + ndi.gaussian_filter(image[..., channel] - luma, 0.7, mode="nearest", truncate=2)
