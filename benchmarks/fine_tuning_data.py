"""The images of an index as items of a training set, and how good a model is on them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.fine_tuning.scoring import score_item
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES
from napari_leukocyte.core.scoring.overview import mean_over_images, pooled_cnr
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.training_set.item import Annotated, TrainingItem

Figures = dict[str, float]


@dataclass(frozen=True)
class Data:
    """Items by source and part; ``rows`` of all images."""

    folder: Path
    parts: Mapping[str, Mapping[str, Sequence[TrainingItem]]]

    @property
    def sources(self) -> list[str]:
        return list(self.parts)


def load(folder: Path, split: Path) -> Data:
    rows = read_index(folder)
    names = read_split(split, [row.name for row in rows])
    part_of = {name: part for part in PARTS for name in names[part]}
    parts: dict[str, dict[str, list[TrainingItem]]] = {}
    for row in rows:
        if row.name in part_of:
            own = parts.setdefault(row.source, {part: [] for part in PARTS})
            own[part_of[row.name]].append(_item(row))
    return Data(folder, parts)


def _item(row: IndexRow) -> TrainingItem:
    whole_cell = read_mask(row.mask).whole_cell
    return TrainingItem(
        name=row.name,
        version=1,
        sha256="",
        group=row.slide or row.name,
        pixel_size=row.pixel_size,
        edited=True,
        held_out=False,
        whole_cell=whole_cell,
        read=partial(_read, row),
    )


@lru_cache(maxsize=1000)
def _read(row: IndexRow) -> Annotated:
    classes = read_mask(row.mask).classes
    cells = label_cells(classes, pixel_size=row.pixel_size)
    return Annotated(np.asarray(read_image(row.image).array), classes, cells)


def figures(items: Sequence[TrainingItem], predictor: Predictor) -> Figures:
    """Means over images of IoU and IoU_b by class (``cell_iou``, ...), and the median CNR error and bias."""
    scores = [score_item(item, predictor)[0] for item in items]
    found: Figures = {}
    for name in CLASS_NAMES:
        for measure in ("iou", "iou_b"):
            found[f"{name}_{measure}"] = mean_over_images(scores, name, measure).value
    cnr = pooled_cnr(scores)
    found |= {"cnr_error": cnr.median_error, "cnr_bias": cnr.bias}
    return {key: round(value, 5) for key, value in found.items() if not math.isnan(value)}
