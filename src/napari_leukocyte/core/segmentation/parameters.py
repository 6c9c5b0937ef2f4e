"""What the user chooses for a segmentation; light to import, so that forms open at once."""

from dataclasses import dataclass
from typing import Literal, get_args

from napari_leukocyte.core.cells.keep import Keep
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import check_typed

__all__ = ["Engine", "Mode", "SegmentParameters"]

Mode = Literal["three-class", "binary"]
Engine = Literal["auto", "torch", "fast", "fast-int8"]


@dataclass(frozen=True, kw_only=True)
class SegmentParameters:
    """What the user chooses.

    Attributes
    ----------
    model
        Name of a shipped model, the path of a weight file, or ``active-contour``.
    mode
        ``three-class`` (0 background, 1 cytoplasm, 2 nucleus) or ``binary`` (0 background, 1 cell).
    device
        ``auto``, ``cuda``, ``mps`` or ``cpu``.
    engine
        What computes the network: ``torch``; ``fast``, which is OpenVINO (the extra ``fast``) in the same precision as
        torch; ``fast-int8``, the same in 8-bit integers. ``auto`` is ``fast`` where that is installed and the network
        runs in float32 on the CPU, so that no result depends on it, else ``torch``.
    pixel_size
        um per px for every image; None takes each image's own.
    pixel_size_source
        Where that number comes from, in words.
    default_pixel_size
        um per px of images that state none; None estimates it.
    keep
        Which cells stay, see ``core.cells.keep``.
    shape_columns
        Whether the table has the optional columns of ``core.cells.shape``; no other number depends on it.
    """

    model: str = "default"
    mode: Mode = "three-class"
    device: str = "auto"
    engine: Engine = "auto"
    pixel_size: float | None = None
    pixel_size_source: str = "typed"
    default_pixel_size: float | None = None
    keep: Keep = "auto"
    shape_columns: bool = False

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise LeukocyteError(f"There is no mode {self.mode!r}: use three-class or binary.")
        if self.engine not in get_args(Engine):
            raise LeukocyteError(f"There is no engine {self.engine!r}: use auto, torch, fast or fast-int8.")
        for size in (self.pixel_size, self.default_pixel_size):
            if size is not None:
                check_typed(size)
