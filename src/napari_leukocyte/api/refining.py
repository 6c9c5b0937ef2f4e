"""Gestures from Python: a class map, what is wrong in it, and the map that follows."""

import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from napari_leukocyte.api.inputs import Image, checked_pixel_size, open_image
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.stroke import Stroke

if TYPE_CHECKING:  # torch loads when a gesture is followed
    from napari_leukocyte.core.segmentation.predictor import Predictor

__all__ = ["refine"]


def refine(
    image: Image,
    classes: npt.ArrayLike,
    strokes: Sequence[Stroke],
    *,
    cells: npt.ArrayLike | None = None,
    pixel_size: float | None = None,
    model: "str | os.PathLike[str] | Predictor | None" = None,
) -> NDArray[np.uint8]:
    """Correct a class map by clicks and short strokes; `GestureSession` keeps an image open and gives labels too.

    Parameters
    ----------
    image
        A file or an array of one plane, as for `segment`.
    classes
        The map as it is now, (Y, X): 0 background, 1 cytoplasm, 2 nucleus.
    strokes
        All gestures since the map was last accepted, in order. The last is followed; an earlier one only where the map
        does not say yet what it says, else it tells the network what is known.
    cells
        The map's cell labels, (Y, X): cells that are not touched keep their pixels. None: found from the map.
    pixel_size
        um per px, 0.01 to 2. None: what the file states, else 0.1 um, and a warning says so.
    model
        A weight file, or a loaded network that follows gestures; None: the shipped one.

    Returns
    -------
    (Y, X) uint8 array
        The new map. The pixels under a stroke of nucleus, cytoplasm or background have that class, those under a
        ``cell`` stroke one of a cell; nothing changes beyond the cell that was touched and what it had spilt into.

    Raises
    ------
    LeukocyteError
        One sentence: the image is a stack or none, the map is none of it, or a gesture lies outside it.
    """
    from napari_leukocyte.core.interactive.session import ASSUMED, GestureSession

    opened = open_image(image)
    if len(opened.sources) > 1:
        raise LeukocyteError(f"{opened.name} has {len(opened.sources)} planes: give one plane and its map.")
    source = opened.sources[0]
    um = checked_pixel_size(pixel_size)
    um = source.pixel_size.um if um is None else um
    if um is None:
        warnings.warn(f"The pixel size is unknown; taken: {ASSUMED}.", stacklevel=2)
    if model is None or isinstance(model, str | os.PathLike):
        model = _loaded(None if model is None else Path(os.fspath(model)))
    session = GestureSession(source.read(), pixel_size=um, model=model, rgb=source.rgb)
    return session.refine(classes, strokes, cells=cells)[0]


@lru_cache(maxsize=1)
def _loaded(path: Path | None) -> "Predictor":
    """The network that was used last stays loaded."""
    from napari_leukocyte.core.interactive.session import load_gesture_model

    return load_gesture_model(path)
