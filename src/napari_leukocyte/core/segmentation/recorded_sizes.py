"""The pixel sizes of a results folder: decided once for its list, and read from its record from then on."""

from collections.abc import Iterator, Mapping, Sequence

from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.results.record import SizesRecord
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision, SizeStep, decide_pixel_sizes
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters

__all__ = ["decide_for_results"]


def decide_for_results(
    images: Sequence[ImageSource | BrokenImage],
    stems: Sequence[str],
    parameters: SegmentParameters,
    method: Method,
    writer: ResultWriter,
    decisions: dict[int, SizeDecision],
    *,
    anew: bool,
) -> Iterator[SizeStep]:
    """Yield progress and put the decisions, by position, into ``decisions``; what is new is recorded in the folder.

    Parameters
    ----------
    images
        The whole list, as for `decide_pixel_sizes`.
    stems
        Of each image, as the record calls it.
    anew
        Decide for all images, whatever the record says.
    """
    recorded: Mapping[str, SizesRecord] = {} if anew else writer.record.sizes
    known = {
        i: SizeDecision(sizes.size, sizes.several, sizes.note)
        for i, stem in enumerate(stems)
        if isinstance(images[i], ImageSource) and (sizes := recorded.get(stem)) is not None
    }
    open_ = [i for i, image in enumerate(images) if isinstance(image, ImageSource) and i not in known]
    new = yield from decide_pixel_sizes(images, parameters, method, wanted=open_, known=known)
    decisions |= known
    decisions |= {i: new[i] for i in open_}
    groups: dict[SizesRecord, dict[str, None]] = {}
    for i in open_:
        decision = decisions[i]
        groups.setdefault(SizesRecord(decision.size, decision.several, decision.note), {})[stems[i]] = None
    writer.decide([(sizes, list(own)) for sizes, own in groups.items()])
