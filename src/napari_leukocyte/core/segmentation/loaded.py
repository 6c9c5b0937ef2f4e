"""The method that was used last stays loaded, so that the next image starts at once."""

from functools import lru_cache
from pathlib import Path

from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.segmentation.parameters import Engine

__all__ = ["loaded_method"]


def loaded_method(model: str, device: str, engine: Engine = "auto") -> Method:
    """Load a method as `load_method` does, unless it is the one that was asked for last.

    A weight file that has changed since is read again.
    """
    try:
        found = Path(model).stat()
        file = (found.st_dev, found.st_ino, found.st_mtime_ns)
    except OSError:
        file = None  # a name; what is neither name nor file load_method refuses
    return _loaded(model, device, engine, file)


@lru_cache(maxsize=1)
def _loaded(
    model: str,
    device: str,
    engine: Engine,
    file: tuple[int, int, int] | None,  # noqa: ARG001 - part of the key
) -> Method:
    return load_method(model, device=device, engine=engine)
