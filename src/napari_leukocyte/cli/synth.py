"""``napari-leukocyte synth``: drawn smears with their exact class maps, cell labels and ratios."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.text import counted

__all__ = ["synth"]


def synth(
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="New or empty folder for images/, masks/, cells/ and index.csv."),
    ],
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="How many images.")],
    difficulty: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=8,
            metavar="1-8",
            help="1 easy, 2 several cells, 3 half cells, 4 difficult, 5 adjacent platelets, 6 smudge cell, "
            "7 platelets and no cell, 8 adjacent cells.  [default: all eight in turn]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="The same seed draws the same images.")] = 0,
    size: Annotated[tuple[int, int], typer.Option(metavar="H W", help="Height and width in px.")] = (480, 480),
    px_per_um: Annotated[float, typer.Option("--px-per-um", min=1, metavar="R", help="Pixels per um.")] = 10.2,
    stain: Annotated[
        Literal["wright-giemsa", "may-gruenwald-giemsa", "leishman", "giemsa", "rapid"] | None,
        typer.Option(help="The stain.  [default: mixed]", show_default=False),
    ] = None,
) -> None:
    """Draw smears to train on or to test with; nothing in them is a photograph.

    Each image has a class map (palette PNG: 0 background, 1 cytoplasm, 2 nucleus) and cell labels (16-bit PNG) that
    are exact. index.csv has the columns that train reads, then the path of the cell labels, the number of cells,
    difficulty, CNR (of an image with one whole cell), stain, and the seed that draws this image alone.
    """
    from napari_leukocyte.cli.progress import progress
    from napari_leukocyte.core.synthetic.collection import CollectionParameters, draw_collection

    parameters = CollectionParameters(
        out=out, n=n, difficulty=difficulty, seed=seed, size=size, px_per_um=px_per_um, stain=stain
    )
    with progress() as bar:
        task = bar.add_task("images", total=n)
        for event in draw_collection(parameters):
            bar.update(task, completed=event.done)
    echo(f"Drew {counted(n, 'image')}: images, masks, cells and index.csv are in {out.absolute()}.")
