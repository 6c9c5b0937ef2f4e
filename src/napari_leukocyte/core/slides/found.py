"""What was found on a slide, read from the folder where it lies: cells, places of the film, and parts of the maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record import ImageRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.segmentation import Segmentation, remark_fields
from napari_leukocyte.core.slides.film import Place
from napari_leukocyte.core.slides.folder import RESULTS, read_slide_json, slide_fingerprint, slide_in
from napari_leukocyte.core.slides.journal import finish_interrupted
from napari_leukocyte.core.slides.opening import is_address
from napari_leukocyte.core.slides.pyramid import open_results

__all__ = ["FoundOnSlide", "holds_slide", "read_found", "slides_below"]


@dataclass(frozen=True, eq=False)
class FoundOnSlide:
    """Results of a slide.

    Attributes
    ----------
    image
        The slide's line in the record.
    places
        (Y, X) uint8 of patches, see `film.Place`.
    shape
        Rows and columns of the slide, px.
    about
        What tells whether a slide is the one that it was, see `folder.slide_fingerprint`.
    """

    folder: Path
    image: ImageRecord
    places: NDArray[np.uint8]
    shape: tuple[int, int]
    about: Mapping[str, Any]

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """A row for each cell, as in cells.csv."""
        return self.image.rows(0)

    @property
    def provenance(self) -> Mapping[str, str]:
        """What made it."""
        return self.image.planes[0].provenance

    @property
    def whole_film(self) -> bool:
        """Whether cells were looked for in thick and blurred film, too."""
        return bool(self.about.get("whole_film"))

    @property
    def pixel_size(self) -> PixelSize:
        """Of the slide."""
        return self.image.planes[0].pixel_size

    def place_at(self, y: float, x: float) -> Place:
        """What lies at a place, px of the slide."""
        at = (int(value * n / size) for value, n, size in zip((y, x), self.places.shape, self.shape, strict=True))
        row, column = (min(max(i, 0), n - 1) for i, n in zip(at, self.places.shape, strict=True))
        return Place(int(self.places[row, column]))

    def region_around(self, y: float, x: float, reach_um: float) -> Box:
        """Rows and columns of the slide so far around a place (px), each way, within the slide."""
        reach = round(reach_um / (self.pixel_size.um or 0.25))
        rows, columns = (
            slice(max(0, round(k) - reach), min(n, round(k) + reach)) for k, n in zip((y, x), self.shape, strict=True)
        )
        return rows, columns

    def segmentation(self, box: Box) -> Segmentation:
        """What was found in a part of the slide, with the numbers of the table.

        Raises
        ------
        LeukocyteError
            When the label maps cannot be read.
        """
        classes, labels = open_results(self.folder / RESULTS)
        cells = np.asarray(labels[box]).astype(np.int32)
        there = set(np.unique(cells[cells > 0]).tolist())
        rows = {number: row for row in self.rows if (number := int(row["cell"])) in there}
        flags = {number: frozenset(map(Flag, filter(None, row["flags"].split(";")))) for number, row in rows.items()}
        plane = self.image.planes[0]
        return Segmentation(
            classes=np.asarray(classes[box]).astype(np.uint8),
            cells=cells,
            binary=plane.binary,
            pixel_size=plane.pixel_size,
            keep="all",
            notes=(),
            provenance=dict(plane.provenance),
            **remark_fields(flags),
            types={number: row["type"] for number, row in rows.items() if row["type"]},
        )

    def find_slide(self) -> str:
        """Path or address of the slide that it is of.

        Raises
        ------
        LeukocyteError
            When it is no longer there, or another one lies in its place.
        """
        image = self.image.image
        if is_address(image.path):
            return image.path
        path = image.source(self.folder)
        if path is None:
            raise LeukocyteError(image.gone)
        now = slide_fingerprint(str(path))
        if any(self.about.get(key, value) != value for key, value in now.items() if key != "slide"):
            raise LeukocyteError(f"{path} is not the slide that these results are of: put that one back.")
        return str(path)


def holds_slide(folder: Path) -> bool:
    """Whether a folder is one that the results of a slide were written into."""
    try:
        return read_slide_json(folder) is not None
    except LeukocyteError:  # said by whoever reads it
        return True


def slides_below(folder: Path) -> list[str]:
    """Names of the folders in a folder that hold results of slides."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and holds_slide(path))
    except OSError:
        return []


def read_found(folder: Path) -> FoundOnSlide:
    """Read what a run left, with all that was corrected since.

    Raises
    ------
    LeukocyteError
        When it is not there or damaged.
    """
    said = read_slide_json(folder)
    if said is None:
        raise LeukocyteError(f"{folder} holds no results of a slide: find its cells first.")
    finish_interrupted(folder)
    record = read_record(folder)
    image = None if record is None else slide_in(record)
    try:
        if image is None:
            raise ValueError("no line in the record")
        places = np.array([[int(place) for place in line] for line in said["places"]], np.uint8)
        if places.ndim != 2 or not places.size or places.max() >= len(Place):
            raise ValueError("places")
        height, width = (int(side) for side in said["about"]["size"])
        found = FoundOnSlide(folder, image, places, (height, width), dict(said["about"]))
        for row in found.rows:
            _ = int(row["cell"]), float(row["y"]), float(row["x"]), row["place"]
    except (ValueError, KeyError, TypeError) as error:
        raise LeukocyteError(f"The results in {folder} are damaged: find the cells of the slide again.") from error
    return found
