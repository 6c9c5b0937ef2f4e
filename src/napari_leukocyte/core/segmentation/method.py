"""What turns a plane into a class map: a network, or the active contour that is compared with it."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.segmentation.active_contour import ACTIVE_CONTOUR, ActiveContour
from napari_leukocyte.core.segmentation.parameters import Engine
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.rulers import Rulers
from napari_leukocyte.core.segmentation.windowed import Prediction, WindowDone

__all__ = ["Method", "load_method"]


class Method(Protocol):
    """A method, ready to run.

    Attributes
    ----------
    notes
        What happened that the user should know; a run adds to it.
    """

    notes: list[str]

    @property
    def name(self) -> str:
        """What the user sees."""
        ...

    @property
    def classes(self) -> int:
        """2 or 3."""
        ...

    @property
    def used(self) -> str:
        """Device in words."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """What goes into every file and layer: model, model_sha256, engine, precision; some have model_parameters."""
        ...

    @property
    def pixel_size(self) -> float:
        """Working resolution, um per px."""
        ...

    @property
    def unsure_limit(self) -> float:
        """Share of unsure pixels, 0-1, over which a cell is flagged."""
        ...

    def find_rulers(self, plane: Any, conversion: Conversion) -> Generator[WindowDone, None, Rulers]:
        """Yield progress and return what cells say of an unknown pixel size."""
        ...

    def predict(self, plane: Any, conversion: Conversion, *, pixel_size: float) -> Iterator[WindowDone | Prediction]:
        """Yield progress and, last, the prediction for a plane of ``pixel_size`` um per px."""
        ...


def load_method(model: str | Path = "default", *, device: str = "auto", engine: Engine = "auto") -> Method:
    """Load ``active-contour``, a shipped model by its name, or a weight file.

    Raises
    ------
    LeukocyteError
        As for `Predictor`, and for an engine of networks that the active contour is to run in.
    """
    if str(model) != ACTIVE_CONTOUR:
        return Predictor(model, device=device, engine=engine)
    if engine != "auto":
        raise LeukocyteError("The active contour is no network, so that it has no engine: leave that at auto.")
    return ActiveContour()
