"""Libraries that only some formats need: the extras ``exchange`` and ``slides`` bring them."""

from importlib import import_module
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["library"]


def library(name: str, *, wanted_for: str, extra: str = "exchange") -> Any:
    """Import a library of an extra.

    Raises
    ------
    LeukocyteError
        When it is not installed, with the command that installs it.

    Examples
    --------
    >>> library("json", wanted_for="JSON").__name__
    'json'
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise LeukocyteError(
            f"{wanted_for} needs the Python package {name.partition('.')[0]}, which is not installed: run "
            f'pip install "napari-leukocyte[{extra}]".'
        ) from error
