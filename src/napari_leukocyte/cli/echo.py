"""What the commands print: a name in it cannot steer the terminal, nor stop the program by not being UTF-8."""

import typer

from napari_leukocyte.core.safe_text import printable_lines

__all__ = ["echo"]


def echo(text: str, *, err: bool = False) -> None:
    """Print lines on standard output, or on standard error."""
    typer.echo(printable_lines(text), err=err)
