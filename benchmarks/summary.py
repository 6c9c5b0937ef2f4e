"""From scored images to the figures of a table: means with bootstrap intervals, by source and cell type."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.scoring.cell_pairs import CellPair
from napari_leukocyte.core.scoring.cnr_error import CnrErrors
from napari_leukocyte.core.scoring.metrics import (
    CLASS_NAMES,
    ClassCounts,
    ImageCounts,
    Score,
    iou,
    iou_b,
    scored_share,
)


@dataclass(frozen=True)
class Scored:
    """One image; ``group`` (slide, else image) is what the bootstrap resamples."""

    name: str
    source: str
    cell_type: str
    group: str
    counts: ImageCounts
    cnr: CnrErrors | None  # None: a side knows no nuclei
    pairs: tuple[CellPair, ...]  # the cells behind ``cnr``
    false_before: int
    missed_before: int
    false_after: int
    missed_after: int
    pixel_size_ratio: float


def summarise(images: Sequence[Scored]) -> dict[str, Any]:
    """Figures of each source, over all its images and by cell type where known."""
    result: dict[str, Any] = {}
    for source in dict.fromkeys(image.source for image in images):
        own = [image for image in images if image.source == source]
        types = sorted({image.cell_type for image in own if image.cell_type})
        result[source] = {
            "all": figures(own),
            "cell_types": {t: figures([image for image in own if image.cell_type == t]) for t in types},
        }
    return result


def figures(images: Sequence[Scored]) -> dict[str, Any]:
    """Means over images; shares as 0-1, n/a as None."""
    result: dict[str, Any] = {"images": len(images), "groups": len({image.group for image in images})}
    for name in CLASS_NAMES:
        counted = [image for image in images if name in image.counts.classes]
        if counted:
            ratios: dict[str, Callable[[ClassCounts], Score]] = {"iou": iou, "iou_b": iou_b, "scored": scored_share}
            result[name] = {key: _mean(counted, name, ratio) for key, ratio in ratios.items()}
            result[name]["false_class"] = sum(image.counts.classes[name].false_class for image in counted)
    result["false_cells"] = {
        "before_keep": _per_image(images, "false_before"),
        "after_keep": _per_image(images, "false_after"),
    }
    result["missed_cells"] = {
        "before_keep": _per_image(images, "missed_before"),
        "after_keep": _per_image(images, "missed_after"),
    }
    errors = [image.cnr for image in images if image.cnr is not None]
    if errors:
        result["cnr"] = _cnr(reduce(add, errors))
    result["pixel_size_ratio"] = {
        "median": round(float(np.median([image.pixel_size_ratio for image in images])), 4),
        "within_30_percent": float(np.mean([abs(math.log(i.pixel_size_ratio)) < math.log(1.3) for i in images])),
    }
    return result


def _mean(images: Sequence[Scored], name: str, ratio: Callable[[ClassCounts], Score]) -> dict[str, Any]:
    values = np.array([ratio(image.counts.classes[name]).value for image in images])
    there = values[~np.isnan(values)]
    if not there.size:
        return {"mean": None, "low": None, "high": None, "n": 0}
    result: dict[str, Any] = {"mean": round(float(there.mean()), 4), "low": None, "high": None, "n": int(there.size)}
    groups = [image.group for image in images]
    if len({group for group, value in zip(groups, values, strict=True) if not np.isnan(value)}) > 1:
        # one slide or image alone says nothing about the spread
        result["low"], result["high"] = (round(v, 4) for v in bootstrap_interval(values, groups=groups))
    return result


def _per_image(images: Sequence[Scored], attribute: str) -> float:
    return round(float(np.mean([getattr(image, attribute) for image in images])), 4)


def _cnr(errors: CnrErrors) -> dict[str, Any]:
    ratios = {"median_error": errors.median_error, "bias": errors.bias, "coverage": errors.coverage}
    return {
        **{key: None if math.isnan(value) else round(value, 4) for key, value in ratios.items()},
        "n": errors.n,
        "given_without_truth": errors.given_without_truth,
    }
