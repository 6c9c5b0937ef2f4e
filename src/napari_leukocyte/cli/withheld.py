"""What a command says at its end of the cells that it measured: their CNR, and which cells have none and why."""

from pathlib import Path

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["tell_cells"]


def tell_cells(table: Path) -> None:
    """Print the summary of a table of cells, and where the cells without a CNR are not random.

    Nothing is printed of a table without cells, or that the system has just refused.
    """
    from napari_leukocyte.core.cells.summary import summarise
    from napari_leukocyte.core.study.tables import read_results
    from napari_leukocyte.core.study.withheld import list_warnings

    try:
        cells = read_results([table])
    except LeukocyteError:
        return
    echo(f"  {summarise([cell.measure for cell in cells]).text}.")
    for warning in list_warnings([(cell.image, cell.image.path.rpartition("/")[0], cell.measure) for cell in cells]):
        echo(f"  Note: {warning}")
