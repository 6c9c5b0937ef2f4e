"""A dictionary of arrays in a .npy file, read without running what a pickle could hold."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError, reason_in

__all__ = ["load_npy_dict"]

# What numpy's own arrays, numbers and types are pickled as (by numpy 1 and 2), and nothing else.
_OF_NUMPY: dict[str, Any] = {
    "_reconstruct": np.zeros(0).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
    "ndarray": np.ndarray,
    "dtype": np.dtype,
}
_HOMES = {
    "_reconstruct": ("numpy.core.multiarray", "numpy._core.multiarray"),
    "scalar": ("numpy.core.multiarray", "numpy._core.multiarray"),
    "ndarray": ("numpy",),
    "dtype": ("numpy",),
}
_PATHS = ("pathlib", "pathlib._local")  # a path is taken for the text that it is


class _Unpickler(pickle.Unpickler):
    """Makes arrays, numbers, texts, lists and dictionaries; every other class or function is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _HOMES.get(name, ()):
            return _OF_NUMPY[name]
        if module in _PATHS and name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
            return _path_text
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


def load_npy_dict(path: Path) -> dict[str, Any]:
    """Read a dictionary that ``numpy.save`` wrote, of arrays, numbers, texts and lists alone.

    Such a file is a pickle, which can run any program when it is read in the usual way. Here only numpy's own arrays
    and Python's plain values are made of it, and a file that asks for anything else is refused.

    Raises
    ------
    LeukocyteError
        When the file is damaged, holds something else, or no dictionary.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(file)
            if not dtype.hasobject:
                raise LeukocyteError(
                    f"{path} holds a plain array, not the dictionary of a _seg.npy: save it as TIFF, and import that."
                )
            content = _Unpickler(io.BytesIO(file.read())).load()
    except LeukocyteError:
        raise
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:
        raise LeukocyteError(
            f"{path} is not read, because {reason_in(error)}, and could run a program: export the masks as TIFF or PNG "
            "instead."
        ) from error
    except Exception as error:  # a damaged pickle raises almost anything
        raise LeukocyteError(f"{path} cannot be read ({reason_in(error)}): save it again.") from error
    if isinstance(content, np.ndarray) and content.shape == () and shape == ():
        content = content.item()
    if not isinstance(content, dict):
        raise LeukocyteError(f"{path} holds no dictionary as a _seg.npy does: export the masks as TIFF or PNG instead.")
    return {str(key): value for key, value in content.items()}


def _path_text(*parts: str) -> str:
    return "/".join(map(str, parts))
