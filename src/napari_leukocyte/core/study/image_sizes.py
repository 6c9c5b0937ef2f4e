"""How large the images of results are, from the class maps beside their tables."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.provenance import read_provenance
from napari_leukocyte.core.study.tables import StudyCell, StudyImage

__all__ = ["with_image_sizes"]


def with_image_sizes(cells: Iterable[StudyCell]) -> list[StudyCell]:
    """Add "image_size" ("width × height px") to what made the cells, where class maps lie beside the table."""
    cells = list(cells)
    sizes = _sizes(dict.fromkeys(cell.image for cell in cells))
    return [replace(cell, made_by={**cell.made_by, "image_size": sizes.get(cell.image, "")}) for cell in cells]


def _sizes(images: Iterable[StudyImage]) -> dict[StudyImage, str]:
    wanted: dict[Path, dict[str, StudyImage]] = {}
    for image in images:
        wanted.setdefault(Path(image.results).parent, {})[image.label] = image
    found = {}
    for folder, by_label in wanted.items():
        for path in sorted(folder.glob("*_classes.*")):
            try:
                image_of = by_label.get(str(read_provenance(path).get("image")))
                if image_of is not None:
                    width, height = _size(path)
                    found[image_of] = f"{width} × {height} px"
            except (LeukocyteError, OSError, ValueError, tifffile.TiffFileError):
                continue  # a map that cannot be read says nothing here; whoever opens it is told
    return found


def _size(path: Path) -> tuple[int, int]:
    if path.suffix == ".png":
        with Image.open(path) as image:
            return image.size
    with tifffile.TiffFile(path) as file:
        height, width = file.pages[0].shape[:2]
        return width, height
