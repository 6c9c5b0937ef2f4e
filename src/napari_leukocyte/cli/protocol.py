"""``napari-leukocyte protocol``: the choices of results, saved for all that is measured after them."""

from pathlib import Path
from typing import Annotated

import typer

from napari_leukocyte.cli.echo import echo

__all__ = ["protocol"]


def protocol(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder that segment wrote.")],
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="The protocol; one that is there is never replaced.")],
    groups: Annotated[
        str,
        typer.Option(metavar="HOW", help="What tells patients and groups, as for report, which takes it from here."),
    ] = "",
) -> None:
    """Save the choices that results were made with, as a protocol.

    The file has the model and its hash, engine and precision, pixel size, mode, keep, the version of the program, and
    how groups are told. It is locked: a change of it is noticed. segment --protocol FILE takes its choices and refuses
    others; report --protocol FILE takes its groups and refuses cells that another model or precision made.
    """
    from napari_leukocyte.core.results.protocol import protocol_of, write_protocol

    found = protocol_of(results, groups=groups)
    write_protocol(found, out)
    settings = found.settings
    echo(
        f"{out}: model {settings.model} ({settings.model_sha256[:12]}), {settings.engine}, {settings.precision}, "
        f"mode {settings.mode}, keep {settings.keep}, version {found.program}."
    )
