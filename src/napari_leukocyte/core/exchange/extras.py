"""Libraries that only some formats need: the extra ``exchange`` brings them."""

from importlib import import_module
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["library"]


def library(name: str, *, wanted_for: str) -> Any:
    """Import a library of the extra ``exchange``.

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
            'pip install "napari-leukocyte[exchange]".'
        ) from error
