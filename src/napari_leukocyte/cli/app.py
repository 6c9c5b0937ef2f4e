"""The program ``napari-leukocyte``: its commands and the options that all of them share."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from napari_leukocyte import __version__
from napari_leukocyte.cli.check import check
from napari_leukocyte.cli.command import Command, Group
from napari_leukocyte.cli.demo import demo
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.evaluate import evaluate
from napari_leukocyte.cli.export import export
from napari_leukocyte.cli.import_masks import import_masks
from napari_leukocyte.cli.measure import measure
from napari_leukocyte.cli.model import model
from napari_leukocyte.cli.protocol import protocol
from napari_leukocyte.cli.report import report
from napari_leukocyte.cli.segment import segment
from napari_leukocyte.cli.synth import synth
from napari_leukocyte.cli.train import train
from napari_leukocyte.cli.training_set import training_set
from napari_leukocyte.core.waiting import wait_asleep

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: quick, and the same in every terminal and log
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 all done; 1 something could not be done, said on standard error; "
    "2 a wrong option; 130 stopped with Ctrl+C, 143 by the system.  "
    "For research use only. Not for use in diagnostic procedures.",
)
for _command in (segment, measure, report, protocol, check, evaluate, export, train, demo, synth):
    app.command(cls=Command)(_command)
app.command("import", cls=Command)(import_masks)
app.add_typer(training_set, name="training-set")
app.add_typer(model, name="model")


def _show_version(wanted: bool) -> None:
    if wanted:
        echo(f"napari-leukocyte {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Add to FILE what a maintainer needs: versions, platform, arguments, device, timings, traceback. "
            "May also stand after the command.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Segment white blood cells in stained smears and measure each cell's cytoplasm-to-nucleus ratio (CNR)."""


def main() -> None:
    """Run the program, see ``napari_leukocyte.__main__``."""
    wait_asleep()
    for stream in (sys.stdout, sys.stderr):
        # a console that lacks a character of a name or a dash shows "?" and goes on
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="napari-leukocyte")
