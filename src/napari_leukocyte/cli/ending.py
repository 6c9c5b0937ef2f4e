"""How a command over many files ends: what is left to say, and the exit status."""

from collections.abc import Sequence

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.notes import Remarks

__all__ = ["finish"]


def finish(remarks: Remarks, heading: str, failures: Sequence[str], *, share: str = "", stopped: bool) -> None:
    """Print the remarks, then on standard error what failed under its heading; leave with a status if need be.

    ``share`` is the last line after failures, for instance "2 of 60 images failed.".
    """
    for line in remarks.lines():
        echo(f"  {line}")
    if failures:
        echo(heading, err=True)
        for failure in failures:
            echo(f"  {failure}", err=True)
        if share:
            echo(share, err=True)
    if stopped:
        echo("Stopped.", err=True)
        raise typer.Exit(stopping.status())
    if failures:
        raise typer.Exit(1)
