"""How the commands that read masks are told what their values mean."""

from typing import Annotated, Literal

import typer

__all__ = ["ReadMasksAs"]

ReadMasksAs = Annotated[
    Literal["auto", "as-found", "swapped", "inverted", "cells", "numbers"],
    typer.Option(
        help="What the values of the maps are; auto refuses a map that does not look like cells as it is read, "
        "as-found believes it all the same, swapped exchanges nucleus and cytoplasm, inverted takes what is 0 for "
        "the cells, cells takes each number for a cell, numbers goes by those of a palette, not its colours."
    ),
]
