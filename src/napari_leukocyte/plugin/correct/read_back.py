"""Accepted masks and drafts of a training set as segmentations that the session can show and measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.origin import MAKERS
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.segmentation import Segmentation, remark_fields
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Version

__all__ = ["from_draft", "from_version"]


def from_version(
    version: Version,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    makers: NDArray[np.uint8] | None,
    pixel_size: PixelSize,
) -> Segmentation:
    """Return an accepted mask; ``pixel_size`` is what is known of the image when the record has none."""
    facts = replace(version.facts, parent=version.number)
    found = _segmentation(facts, classes, cells, makers, pixel_size, f"accepted version {version.number}")
    return replace(found, provenance={**found.provenance, "reader": version.by}) if version.by else found


def from_draft(draft: Draft, pixel_size: PixelSize) -> Segmentation:
    """Return a draft, see `from_version`."""
    made = f"draft of {draft.saved.astimezone():%Y-%m-%d %H:%M:%S}"
    classes, cells = draft.classes.astype(np.uint8), draft.cells.astype(np.int32)
    return replace(_segmentation(draft.facts, classes, cells, draft.makers, pixel_size, made), is_draft=True)


def _segmentation(
    facts: MaskFacts,
    classes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    makers: NDArray[np.uint8] | None,
    pixel_size: PixelSize,
    made: str,
) -> Segmentation:
    if makers is None and facts.edited:  # an old record: what hands did to it cannot be told from what they left
        makers = np.where(classes > 0, MAKERS.index("unknown"), 0).astype(np.uint8)
    if facts.pixel_size.um is None:
        facts = replace(facts, pixel_size=pixel_size)
    return Segmentation(
        classes=classes,
        cells=cells,
        binary=facts.whole_cell,
        pixel_size=facts.pixel_size,
        keep="all",
        notes=(),
        provenance={**facts.provenance, **facts.pixel_size.facts, "made": made},
        **remark_fields(facts.remarks),
        types=facts.types,
        origin=facts,
        makers=makers,
    )
