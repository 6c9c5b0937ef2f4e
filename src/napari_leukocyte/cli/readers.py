"""``napari-leukocyte training-set readers``: who has read how much, and how far they agree."""

from pathlib import Path
from typing import Annotated

import typer

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.opened_set import open_set
from napari_leukocyte.core.text import counted

__all__ = ["readers"]


def readers(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the training set.")]) -> None:
    """Say who has read how much, how far readers agree with each other, and with themselves in blind readings."""
    from napari_leukocyte.core.training_set.intra_observer import intra_observer
    from napari_leukocyte.core.training_set.reader import Reader
    from napari_leukocyte.core.training_set.reader_cells import reader_agreement
    from napari_leukocyte.core.training_set.reading import readings

    opened = open_set(folder)
    names = opened.readers()
    for name in names:
        own = opened.as_reader(Reader(name))
        masks = [own.current(one) for one in opened.image_ids()]
        number = sum(mask is not None and Reader(mask.by).folder == Reader(name).folder for mask in masks)
        echo(f"{name or 'no name'}: {counted(number, 'mask')}")
    if len(names) > 1:
        for one in reader_agreement(opened):
            limits = f"{one.bias:.2f} (95 % limits {one.low:.2f} to {one.high:.2f})" if one.icc else "too few cells"
            icc = f", ICC(2,1) {one.icc.value:.2f} ({one.icc.low:.2f} to {one.icc.high:.2f})" if one.icc else ""
            echo(f"{one.second} over {one.first}, {one.kind}, {counted(one.cells, 'cell')}: CNR {limits}{icc}")
    for reading in readings(opened):
        # of a reading that goes on nothing is told: it would tell which images come twice
        told = intra_observer(opened, reading).text if reading.ended else "not over yet"
        echo(f"{reading.reader}, blind reading of {reading.begun:%Y-%m-%d}: {told}")
    if not names:
        echo("Nobody has accepted a mask yet.")
