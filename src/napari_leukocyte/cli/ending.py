"""How a command over many files ends: what is left to say, and the exit status."""

from collections.abc import Sequence

import typer

from napari_leukocyte.cli.notes import Remarks

__all__ = ["finish"]


def finish(remarks: Remarks, heading: str, failures: Sequence[str], *, stopped: bool) -> None:
    """Print the remarks, then on standard error what failed under its heading; leave with 130 or 1 if need be."""
    for line in remarks.lines():
        typer.echo(f"  {line}")
    if failures:
        typer.echo(heading, err=True)
        for failure in failures:
            typer.echo(f"  {failure}", err=True)
    if stopped:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(130)
    if failures:
        raise typer.Exit(1)
