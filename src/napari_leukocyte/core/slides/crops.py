"""One crop a cell: the picture around it, and the class map of that cell alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from napari_leukocyte.core.files import atomic_path, make_folder
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.write import write_class_png
from napari_leukocyte.core.segmentation.windowed import WindowDone
from napari_leukocyte.core.slides.measuring import Maps, SlideCell

__all__ = ["write_crops"]

_AROUND_UM = 10.0  # of smear around a cell
_STEP = 20


def write_crops(
    folder: Path, cells: Sequence[SlideCell], maps: Maps, pixel_size: PixelSize, provenance: Mapping[str, str]
) -> Iterator[WindowDone]:
    """Write ``crops/cell_<number>.png`` and ``_classes.png`` beside it; yields progress.

    Parameters
    ----------
    maps
        With the labels and classes as they were written in the end.

    Raises
    ------
    LeukocyteError
        When a file cannot be written.
    """
    made = folder / "crops"
    make_folder(made)
    assert pixel_size.um is not None
    margin = round(_AROUND_UM / pixel_size.um)
    dots = (25400 / pixel_size.um,) * 2
    for done, cell in enumerate(cells, start=1):
        box = maps.around(cell.box, margin)
        rgb = (255 * maps.conversion(maps.picture[box])).round().astype(np.uint8)
        stem = f"cell_{cell.measure.cell:06d}"
        with atomic_path(made / f"{stem}.png") as temporary:
            crop = Image.fromarray(rgb)
            if pixel_size.estimated:
                crop.save(temporary)
            else:
                crop.save(temporary, dpi=dots)
        own = np.where(maps.labels[box] == cell.measure.cell, maps.classes[box], 0).astype(np.uint8)
        write_class_png(
            made / f"{stem}_classes.png", own, provenance=provenance, pixel_size=pixel_size.for_areas
        )  # fmt: skip
        if done % _STEP == 0:
            yield WindowDone(done, len(cells))
