"""One image with its accepted mask, segmented and scored by the code that users' own comparisons run through."""

from dataclasses import dataclass

from napari_leukocyte.core.cells.keep import resolve_keep
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, score_case
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import segment_plane
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["Judged", "score_item"]


@dataclass(frozen=True)
class Judged:
    """One image scored with the start model and with the fine-tuned one.

    ``unsure`` has the share of the pixels of each cell, 0-1, that the fine-tuned one is unsure of.
    """

    item: TrainingItem
    before: ImageScore
    after: ImageScore
    unsure: tuple[float, ...] = ()


def score_item(item: TrainingItem, method: Method) -> tuple[ImageScore, tuple[float, ...]]:
    """Segment at native resolution and score against the accepted mask; beside it the unsure share of each cell.

    Cells are kept on both sides by the rule that ``auto`` stands for: the one in the centre of a one-cell crop,
    else all.
    """
    annotated = item.read()
    source = sources_from_array(annotated.image, name=item.name, pixel_size=PixelSize(item.pixel_size, "training set"))[
        0
    ]
    binary = method.classes == 2
    *_, result = segment_plane(
        source, SegmentParameters(mode="binary" if binary else "three-class", keep="all"), method
    )
    assert isinstance(result, Segmentation)  # the last event
    case = Case(
        item.name,
        result.classes,
        annotated.classes,
        binary=binary,
        whole_cell=item.whole_cell,
        pixel_size=item.pixel_size,
        predicted_cells=result.cells,
        true_cells=annotated.cells,
        predicted_remarks=result.remarks,
        true_remarks=annotated.remarks,
    )
    keep = resolve_keep("auto", annotated.classes.shape, pixel_size=item.pixel_size)
    return score_case(case, EvaluationParameters(keep=keep)), tuple(result.unsure_shares.values())
