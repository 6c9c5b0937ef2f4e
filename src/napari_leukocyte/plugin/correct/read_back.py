"""Accepted masks and drafts of a training set as segmentations that the session can show and measure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import MaskOrigin, Segmentation
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Version

__all__ = ["empty_segmentation", "from_draft", "from_version"]


def from_version(
    version: Version, classes: NDArray[np.uint8], cells: NDArray[np.int32], pixel_size: PixelSize
) -> Segmentation:
    """Return an accepted mask; ``pixel_size`` is what is known of the image when the record has none."""
    origin = MaskOrigin(version.number, version.pixels_changed, version.labels_edited)
    return _segmentation(version, classes, cells, pixel_size, origin, f"accepted version {version.number}")


def from_draft(draft: Draft, pixel_size: PixelSize) -> Segmentation:
    """Return a draft, see `from_version`."""
    origin = MaskOrigin(draft.parent, draft.pixels_changed, draft.labels_edited, draft=True)
    when = f"draft of {draft.saved.astimezone():%Y-%m-%d %H:%M:%S}"
    return _segmentation(draft, draft.classes.astype(np.uint8), draft.cells.astype(np.int32), pixel_size, origin, when)


def empty_segmentation(shape: tuple[int, int], pixel_size: PixelSize) -> Segmentation:
    """Return a class map without cells, to be painted by hand."""
    provenance = {
        "napari-leukocyte": __version__,
        "model": "",
        "made": "by hand",
        **pixel_size.facts,
    }
    return Segmentation(np.zeros(shape, np.uint8), np.zeros(shape, np.int32), False, pixel_size, "all", (), provenance)


def _segmentation(
    record: Version | Draft,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    pixel_size: PixelSize,
    origin: MaskOrigin,
    made: str,
) -> Segmentation:
    if record.pixel_size is not None:
        pixel_size = PixelSize.stated(record.pixel_size, record.pixel_size_source)
    remarks: Mapping[int, frozenset[Flag]] = record.remarks
    return Segmentation(
        classes=classes,
        cells=cells,
        binary=record.whole_cell,
        pixel_size=pixel_size,
        keep="all",
        notes=(),
        provenance={
            "napari-leukocyte": __version__,
            "model": record.model,
            "model_sha256": record.model_sha256,
            "made": made,
            **pixel_size.facts,
        },
        unsure_cells=frozenset(cell for cell, flags in remarks.items() if Flag.LOW_CONFIDENCE in flags),
        marks={cell: flag for cell, flags in remarks.items() for flag in flags if flag in NOT_A_WBC},
        edited_cells=frozenset(cell for cell, flags in remarks.items() if Flag.EDITED in flags),
        origin=origin,
    )
