"""The active contour: the method that the thesis compares its network with, here as a fair rival.

Nuclei are found by their stain; around each an outline of the nucleus and one of the cell evolve in a window of their
own (`contours`). No cell depends on another's window, so a field gives the same result however it is cut.
"""

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.boxes import widened
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.segmentation.contour_parameters import ActiveContourParameters
from napari_leukocyte.core.segmentation.contours import Mask, cell_contour, nucleus_contour
from napari_leukocyte.core.segmentation.nuclei import Nuclei, Reduced, find_nuclei
from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers
from napari_leukocyte.core.segmentation.white_cells import CANDIDATES, centre_part
from napari_leukocyte.core.segmentation.windowed import Prediction, WindowDone

__all__ = ["ACTIVE_CONTOUR", "ActiveContour"]

ACTIVE_CONTOUR = "active-contour"

_NUCLEUS_UM2 = 58.0  # median over the nuclei of the training images, as they are found
_SEED_UM = 1.5  # an outline of a nucleus comes no further from its seed
_MARGIN_UM = 3.0  # of background beyond the reach of a cell's outline


class ActiveContour:
    """The method, ready to run; it needs no weights and no GPU.

    Attributes
    ----------
    name, classes, used
        What it is called, that it tells three classes, and that it runs on the CPU.
    unsure_limit
        Share of unsure pixels that flags a cell: it is sure of all.
    notes
        Stays empty: nothing can happen that the user should know.
    """

    name = ACTIVE_CONTOUR
    classes = 3
    used = "cpu"
    unsure_limit = 1.0

    def __init__(self, parameters: ActiveContourParameters | None = None) -> None:
        self.parameters = parameters or ActiveContourParameters()
        self.notes: list[str] = []

    @property
    def provenance(self) -> dict[str, str]:
        """What goes into files: the name, and the parameters in place of weights."""
        text = json.dumps(asdict(self.parameters))
        sha256 = hashlib.sha256(text.encode()).hexdigest()[:16]
        return {
            "model": self.name,
            "model_sha256": sha256,
            "model_parameters": text,
            "engine": "numpy",
            "precision": "float32",
        }

    def predict(self, plane: Any, conversion: Conversion, *, pixel_size: float) -> Iterator[WindowDone | Prediction]:
        """Yield progress and, last, the class map (0, 1, 2), which is sure everywhere: contours know no doubt.

        Memory beside the plane and what is returned: one strip, one window, and the seeds at the contours'
        resolution.

        Parameters
        ----------
        plane
            (Y, X) or (Y, X, 3 or 4), as it came; parts of it are converted as they are needed.
        pixel_size
            um per px of the plane.
        """
        reduced = Reduced.of(plane, conversion, pixel_size=pixel_size, parameters=self.parameters)
        nuclei = yield from find_nuclei(reduced, self.parameters)
        classes = np.zeros((int(plane.shape[0]), int(plane.shape[1])), np.uint8)
        boxes = ndimage.find_objects(nuclei.labels)
        for number, box in enumerate(boxes, start=1):
            margin = round((self.parameters.reach + _MARGIN_UM) / reduced.pixel_size)
            rows, columns = widened(box, margin, reduced.shape)
            cell, nucleus = self._contours(reduced, nuclei, number, rows, columns)
            part = classes[_native(rows, reduced.block), _native(columns, reduced.block)]
            part[_enlarged(cell, reduced.block, part.shape) & (part == 0)] = 1
            part[_enlarged(nucleus, reduced.block, part.shape)] = 2
            yield WindowDone(number, len(boxes))
        everywhere = np.broadcast_to(np.True_, classes.shape)
        yield Prediction(classes, sure=everywhere, surely_cell=everywhere)

    def _contours(
        self, reduced: Reduced, nuclei: Nuclei, number: int, rows: slice, columns: slice
    ) -> tuple[Mask, Mask]:
        """Cell and nucleus in a window given in blocks; both empty where the seed was none."""
        um = reduced.pixel_size
        sigma = self.parameters.blur / um
        density = ndimage.gaussian_filter(reduced.density(rows, columns), (sigma, sigma, 0), mode="nearest")
        labels = nuclei.labels[rows, columns]
        seed, others = labels == number, (labels > 0) & (labels != number)
        distance = ndimage.distance_transform_edt(~seed) * um
        allowed = distance <= _SEED_UM
        if others.any():
            allowed &= distance <= ndimage.distance_transform_edt(~others) * um
        nucleus = nucleus_contour(nuclei.stain(density), seed, allowed, pixel_size=um, parameters=self.parameters)
        if not nucleus.any():
            return nucleus, nucleus
        return cell_contour(density, nucleus, others, pixel_size=um, parameters=self.parameters), nucleus

    @property
    def pixel_size(self) -> float:
        """Resolution that it works at, um per px."""
        return self.parameters.resolution

    def find_rulers(self, plane: Any, conversion: Conversion) -> Generator[WindowDone, None, Rulers]:
        """Yield progress and return the pixel size that gives the median nucleus found its usual area of 58 um2.

        What is large enough for a nucleus depends on the pixel size, so that some are assumed and the one is taken
        that the nuclei found with it agree with best; a last look with their estimate refines it.
        """
        looks: list[_Look] = []
        for assumed in CANDIDATES:
            looks.append((yield from self._look(plane, conversion, assumed)))
        agreeing = min((look for look in looks if look.nuclei), key=lambda look: look.disagreement, default=None)
        if agreeing is None:
            return Rulers()
        refined = yield from self._look(plane, conversion, agreeing.estimate)
        last = refined if refined.nuclei else agreeing
        return Rulers(white=Ruler(last.estimate, last.nuclei, "nucleus"))

    def _look(self, plane: Any, conversion: Conversion, assumed: float) -> Generator[WindowDone, None, "_Look"]:
        """Find the nuclei of the plane, or of its middle, under an assumed pixel size."""
        part = centre_part(plane, min(1.0, assumed / self.parameters.resolution))
        reduced = Reduced.of(part, conversion, pixel_size=assumed, parameters=self.parameters)
        nuclei = yield from find_nuclei(reduced, self.parameters)
        areas = np.bincount(nuclei.labels.ravel())[1:] * reduced.block**2
        return _Look(assumed, areas.size, float(np.median(areas)) if areas.size else 1.0)


@dataclass(frozen=True)
class _Look:
    """The nuclei found under an assumed pixel size."""

    assumed: float
    nuclei: int
    area: float  # of the median nucleus, native px

    @property
    def estimate(self) -> float:
        """Um per px that gives the median nucleus its usual area."""
        return float(np.sqrt(_NUCLEUS_UM2 / self.area))

    @property
    def disagreement(self) -> float:
        """How far the estimate is from what was assumed."""
        return abs(float(np.log(self.estimate / self.assumed)))


def _native(side: slice, block: int) -> slice:
    return slice(side.start * block, side.stop * block)


def _enlarged(mask: Mask, block: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Bring a mask of blocks back to native px with a smooth outline; ``shape`` leaves out what lies off the image."""
    if block > 1:
        soft = ndimage.gaussian_filter(mask.astype(np.float32), 0.7, mode="nearest")
        mask = area_resize(soft[np.newaxis], (mask.shape[0] * block, mask.shape[1] * block))[0] > 0.5
    return mask[: shape[0], : shape[1]]
