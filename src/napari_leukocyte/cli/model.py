"""``napari-leukocyte model``: get a model ready for other programs and for 8-bit integers."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from napari_leukocyte.cli.command import Command
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted

__all__ = ["model"]

model = typer.Typer(
    cls=TyperGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Export a model as ONNX, or calibrate it for 8-bit integers.",
)

Model = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="default, another shipped model, or a weight file (.safetensors).")
]


@model.command(cls=Command)
def export(
    name: Model,
    out: Annotated[Path, typer.Option(metavar="FILE.onnx", help="The file; its folder is made when it is not there.")],
) -> None:
    """Write the network as ONNX: RGB windows in 0-1 to class logits, for programs that read that format.

    The input rgb is (N, 3, Y, X) float32 at the model's working resolution, Y and X multiples of 16 for the shipped
    models; the output logits is (N, 3, Y, X), or (N, 1, Y, X) for two classes. What the plugin does after it (cleaning,
    cells, flags) is not in the file. It is read again and compared with torch before it stays. Needs the extra onnx.
    """
    from napari_leukocyte.core.model.onnx_file import export_onnx

    if out.suffix.lower() != ".onnx" or out.is_dir():
        raise LeukocyteError(f"{out} cannot be the model: give the name of a file that ends in .onnx.")
    off = export_onnx(name, out)
    echo(f"{out} is {name} as ONNX; its class probabilities are at most {off:.1g} from those of torch.")


@model.command(cls=Command)
def calibrate(
    name: Model,
    data: Annotated[Path, typer.Option(metavar="MY-SET", help="The training set that the model learnt from.")],
    images: Annotated[int, typer.Option(min=1, metavar="N", help="How many images of it are looked at, at most.")] = 64,
) -> None:
    """Note what values a model sees on its training images, so that segment --engine fast-int8 can run it.

    The file <name>.int8.json lies beside the weight file and goes with it; segment --engine fast-int8 refuses a model
    without it, and the file of other weights.
    """
    from napari_leukocyte.cli.progress import segment_bars
    from napari_leukocyte.core.imaging.image_list import ImageSource, sources_from_array
    from napari_leukocyte.core.imaging.pixel_size import PixelSize
    from napari_leukocyte.core.segmentation.calibration import calibrate as calibrated
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    items = TrainingSet.open(data).items(held_out=False)
    step = max(1, -(-len(items) // images))
    sources: list[ImageSource] = []
    for item in items[::step]:
        pixels = item.read().image
        size = PixelSize(item.pixel_size, "training set")
        sources += sources_from_array(pixels, name=item.name, rgb=pixels.ndim == 3, pixel_size=size)
    if not sources:
        raise LeukocyteError(f"{data} has no accepted mask that trains: accept some first, or give another set.")
    with segment_bars(len(sources)) as bars:
        for event in calibrated(name, sources):
            bars.end(sources[event.index])
    echo(f"{name} is calibrated for 8-bit integers on {counted(len(sources), 'image')}.")
