"""What may be written: never a file that is read, and never in place of what this program did not write itself."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["CARD", "FIGURES", "LOG", "MADE_BY", "ONNX", "REPORT", "TABLE", "spare_foreign", "spare_inputs"]

# What the files of this program have near their beginning, by kind.
TABLE = rb"\Aimage,plane,cell,y,x,cnr"
MADE_BY = rb'\A\s*\{[^{}]*"napari-leukocyte"'  # the JSON beside a table
FIGURES = rb'\A\s*\{.*"border_px"'
REPORT = rb"\A<!DOCTYPE html>.*napari-leukocyte"
LOG = rb"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ "
ONNX = rb"\A.{0,16}napari-leukocyte"  # who produced it stands before the graph
CARD = rb"\A# .*white blood cells in stained peripheral-blood smears"

_LOOKED_AT = 2**20  # bytes


def spare_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write a file that is also read; each command asks this before it begins.

    Links, and names that a system takes for one, are the file that they lead to.

    Raises
    ------
    LeukocyteError
        When an output is an input.

    Examples
    --------
    >>> spare_inputs([Path("cells.csv")], [Path("a.png")])
    >>> spare_inputs([Path("x/../a.png")], [Path("a.png")])
    Traceback (most recent call last):
    napari_leukocyte.core.errors.LeukocyteError: x/../a.png is read, so it cannot be written as well: choose another...
    """
    read = {key for path in inputs for key in _identities(path)}
    for path in outputs:
        if not read.isdisjoint(_identities(path)):
            raise LeukocyteError(f"{path} is read, so it cannot be written as well: choose another name or folder.")


def _identities(path: Path) -> list[object]:
    """What tells a file from all others: its name without links and, when it is there, what the system calls it."""
    try:
        real = os.path.realpath(path)
        found = os.stat(real)  # noqa: PTH116 - one call for both systems' kinds of name
    except OSError:  # not there, or a circle of links
        return [os.path.abspath(path), os.path.realpath(path)]  # noqa: PTH100 - as it stands
    except ValueError:  # no possible name
        return []
    return [real, (found.st_dev, found.st_ino)]


def spare_foreign(outputs: Mapping[Path, bytes]) -> None:
    """Refuse to replace, or add to, a file that this program has not written; an empty one is nobody's.

    Parameters
    ----------
    outputs
        What is to be written, each with what a file of its kind looks like: one of this module's constants.

    Raises
    ------
    LeukocyteError
        When such a file is there; it names the first.
    """
    for path, kind in outputs.items():
        try:
            if not path.is_file():  # nothing, or a device, or a folder, which other sentences refuse
                continue
            with path.open("rb") as file:
                begin = file.read(_LOOKED_AT)
        except (OSError, ValueError):
            continue  # what cannot be read is said when it is written
        if begin and not re.search(kind, begin, re.DOTALL):
            raise LeukocyteError(
                f"{path} is there and is none of this program's files of that kind, so it is left as it is: choose "
                "another name, or move it away."
            )
