"""Calibrate a model for 8-bit integers on images like those that it learnt from."""

from collections.abc import Iterator, Sequence

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.model.int8 import watched, write_ranges
from napari_leukocyte.core.model.weights import model_path
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented, segment_images

__all__ = ["calibrate"]


def calibrate(model: str, images: Sequence[ImageSource | BrokenImage]) -> Iterator[ImageSegmented | ImageFailed]:
    """Segment images, note what enters the convolutions, and write that beside the weight file; yields each image.

    Parameters
    ----------
    model
        Name of a shipped model, or a weight file.
    images
        Of the training, with their pixel sizes.

    Raises
    ------
    LeukocyteError
        When there is no such model, none of the images can be segmented, or the file cannot be written.
    """
    predictor = Predictor(model, device="cpu")
    parameters = SegmentParameters(model=model, mode="three-class" if predictor.classes == 3 else "binary", keep="all")
    done = 0
    with watched(predictor.network) as ranges:
        for event in segment_images(images, parameters, predictor):
            if isinstance(event, ImageSegmented | ImageFailed):
                done += isinstance(event, ImageSegmented)
                yield event
    if not done:
        raise LeukocyteError("None of the images could be segmented: give images that the model can work on.")
    write_ranges(model_path(model), predictor.hash, ranges, images=done)
