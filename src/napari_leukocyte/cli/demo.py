"""``napari-leukocyte demo``: the main job on one image, in napari or, without a display, as pictures and a table."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import columns

if TYPE_CHECKING:  # heavy modules load when the command runs
    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.core.imaging.image_list import ImageSource

__all__ = ["demo", "has_display"]

_FOLDER = Path("demo-output")


def demo(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            help="Image file; of a stack the first plane.  [default: a drawn smear]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Segment one image and show the result.

    With a display napari opens with the image, its classes and the CNR of every cell. Without one the folder
    demo-output in the current folder gets the class map, the cell labels, a picture with outlines and CNRs, and
    cells.csv; the cells are also printed.
    """
    if not has_display(os.environ, sys.platform):
        _without_display(image)
        return
    try:
        import qtpy  # noqa: F401 - raises when there is no Qt to show anything with
    except ImportError as error:
        raise LeukocyteError(
            "napari needs Qt to show anything: install it with pip install 'napari-leukocyte[all]'."
        ) from error
    from napari_leukocyte.plugin.demo import open_demo

    stopping.leave_to_system()
    open_demo(image)


def has_display(environment: Mapping[str, str], system: str) -> bool:
    """Whether a window can be shown; ``system`` is spelt as in ``sys.platform``.

    >>> has_display({}, "linux"), has_display({"DISPLAY": ":0"}, "linux"), has_display({}, "darwin")
    (False, True, True)
    """
    if environment.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal"):
        return False
    return system in ("darwin", "win32") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _without_display(image: Path | None) -> None:
    from napari_leukocyte.cli.progress import segment_bars
    from napari_leukocyte.core.cells.measures import cnr_text
    from napari_leukocyte.core.imaging.overlay import overlay
    from napari_leukocyte.core.imaging.write import write_picture
    from napari_leukocyte.core.outputs import spare_inputs
    from napari_leukocyte.core.results.listing import shown_hash
    from napari_leukocyte.core.results.names import input_path
    from napari_leukocyte.core.results.writer import ResultWriter
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.core.segmentation.segment import method_of, segment_plane
    from napari_leukocyte.core.segmentation.windowed import WindowDone

    source = _drawn_smear() if image is None else _first_plane(image)
    path = input_path(source.path, source.name)
    contents = {path: shown_hash(source)} if source.path is None else {}
    parameters = SegmentParameters()
    method = method_of(parameters)
    result = None
    with segment_bars(1) as bars:
        for event in segment_plane(source, parameters, method):
            if isinstance(event, WindowDone):
                bars.window(event)
            else:
                result = event
    assert result is not None  # the last event is the result
    measures = result.measure()
    with ResultWriter(_FOLDER, [path], contents=contents, advice=f"move the folder {_FOLDER} away") as writer:
        writer.add(source, result, measures=measures)
    stem = writer.listed[path].stem
    spare_inputs([_FOLDER / f"{stem}_overlay.png"], [path])
    texts = [(measure.y, measure.x, cnr_text(measure, short=True)) for measure in measures]
    picture = overlay(source.read(), result.classes, texts=texts)
    write_picture(_FOLDER / f"{stem}_overlay.png", picture, provenance={"image": source.name, **result.provenance})
    if image is None:
        write_picture(
            _FOLDER / source.name,
            source.read(),
            provenance={"image": "drawn by napari-leukocyte"},
            pixel_size=result.pixel_size.um,
        )

    what = "a drawn smear" if image is None else str(image)
    echo(f"No display was found, so {what} was segmented without napari ({method.used}).")
    for line in (f"Pixel size: {result.pixel_size}.", *result.notes):
        echo(line)
    echo(_table(measures))
    echo(f"Class map, cell labels, picture with outlines and cells.csv are in {_FOLDER.absolute()}.")
    echo("For research use only. Not for use in diagnostic procedures.")


def _drawn_smear() -> "ImageSource":
    """Draw a small field with a cell cut by the frame and two in contact; it is written beside the results."""
    from napari_leukocyte.core.imaging.image_list import sources_from_array
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.synthetic.smear import draw_field

    smear = draw_field(seed=3, size=(600, 900), n_cells=6)
    return sources_from_array(smear.image, name="smear.png", rgb=True, pixel_size=PixelSize(smear.pixel_size, "drawn"))[
        0
    ]


def _first_plane(path: Path) -> "ImageSource":
    from dataclasses import replace

    from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files

    first = next(sources_from_files([path]))
    if isinstance(first, BrokenImage):
        raise LeukocyteError(first.reason)
    if first.planes > 1:
        echo(f"{path.name} is a stack of {first.planes} planes: the first is shown.", err=True)
    return replace(first, planes=1)


def _table(measures: "list[CellMeasure]") -> str:
    """Columns of text, a line for each cell.

    >>> print(_table([]))
    No cell was found.
    """
    from napari_leukocyte.core.cells.measures import cnr_text

    if not measures:
        return "No cell was found."
    lines = [("cell", "y px", "x px", "CNR (range)", "N:C", "nucleus %", "remarks")]
    for cell in measures:
        given = cell.cnr == cell.cnr  # NaN where it is withheld
        ratio, share = (f"{cell.nc_ratio:.2f}", f"{cell.nucleus_fraction:.0%}"[:-1]) if given else ("–", "–")
        remarks = ", ".join(flag.replace("_", " ") for flag in cell.flags)
        lines.append((str(cell.cell), f"{cell.y:.0f}", f"{cell.x:.0f}", cnr_text(cell), ratio, share, remarks))
    return "\n".join(columns(lines))
