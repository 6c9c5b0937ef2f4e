"""The main job: images in; class maps, cell labels and where each number came from out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.keep import drop_cells, keep_cells, resolve_keep
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.left_out import flags_beside
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.quality import blurred_cells, glass_notes
from napari_leukocyte.core.results.listing import content_of
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.segmentation.cleaning import clean_class_map
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision, decide_pixel_sizes
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.plausible import UNFAMILIAR, giant_platelets, mistaken_red_cells
from napari_leukocyte.core.segmentation.shapes import measure_shapes
from napari_leukocyte.core.segmentation.uncertainty import uncertainty, unsure_shares
from napari_leukocyte.core.segmentation.windowed import WindowDone, relay
from napari_leukocyte.core.text import counted

__all__ = [
    "ImageFailed",
    "ImageSegmented",
    "check_mode",
    "first_content",
    "method_of",
    "segment_images",
    "segment_plane",
    "settings_of",
]

_KEPT = {"centre": "the one in the centre", "whole": "those that the image edge does not cut"}


@dataclass(frozen=True)
class ImageSegmented:
    """One image of the list is done; the result is handed over and not kept.

    Attributes
    ----------
    measures
        Of its cells, where it was made in another place.
    content
        Hash of the file before its first plane was read, with that plane and where it was asked for: of a file that
        changes meanwhile a record must not say that the new one is done.
    """

    index: int
    source: ImageSource
    result: Segmentation
    measures: Sequence[CellMeasure] | None = None
    content: str = ""


@dataclass(frozen=True)
class ImageFailed:
    """One image of the list could not be segmented; ``reason`` is a sentence, the list goes on."""

    index: int
    name: str
    reason: str


def first_content(image: ImageSource) -> str:
    """Hash of the file of a first plane, to be asked for before it is read; empty for others."""
    return content_of(image.path) if image.path is not None and image.plane == 0 else ""


def method_of(parameters: SegmentParameters) -> Method:
    """Load the model that the parameters name, and check that it can do their mode."""
    method = load_method(parameters.model, device=parameters.device, engine=parameters.engine)
    check_mode(method, parameters)
    return method


def settings_of(parameters: SegmentParameters, method: Method) -> ResultSettings:
    """What results depend on, for the record of a results folder."""
    made_by = method.provenance
    return ResultSettings(
        model=made_by["model"],
        model_sha256=made_by["model_sha256"],
        mode=parameters.mode,
        keep=parameters.keep,
        pixel_size=parameters.pixel_size,
        default_pixel_size=parameters.default_pixel_size,
        engine=made_by["engine"],
        precision=made_by["precision"],
    )


def check_mode(method: Method, parameters: SegmentParameters) -> None:
    """Refuse, in words, to make three classes with a network that knows two."""
    if parameters.mode == "three-class" and method.classes == 2:
        raise LeukocyteError(
            f"The model {method.name} knows only cell and background: choose binary, or a three-class model."
        )


def segment_plane(
    source: ImageSource, parameters: SegmentParameters, method: Method, *, decision: SizeDecision | None = None
) -> Iterator[WindowDone | Segmentation]:
    """Segment one image; yields progress and, last, the result.

    ``decision`` is what was decided of its pixel size for the list that it belongs to; None decides for it alone.

    Raises
    ------
    LeukocyteError
        When the image is none of those that ``core.imaging.convert`` takes, or the model cannot do the mode; the
        sentence says why.
    """
    check_mode(method, parameters)
    notes_before = len(method.notes)
    plane = source.read()
    conversion = find_conversion(plane, rgb=source.rgb)
    if decision is None:
        decision = (yield from decide_pixel_sizes([source], parameters, method))[0]
    pixel_size = yield from decision.settle(plane, conversion, method)
    assert pixel_size.um is not None  # an estimate always gives one
    prediction = yield from relay(method.predict(plane, conversion, pixel_size=pixel_size.um))
    classes = prediction.classes
    clean_class_map(classes, pixel_size=pixel_size.um, binary=method.classes == 2, surely_cell=prediction.surely_cell)
    cells = label_cells(classes, pixel_size=pixel_size.um)
    doubt = uncertainty(classes, prediction.sure, pixel_size=pixel_size.um)
    notes = [*conversion.notes, *glass_notes(plane, conversion, classes)]
    if method.classes == 3:
        sure = prediction.sure, prediction.surely_cell
        mistaken = mistaken_red_cells(plane, conversion, classes, cells, *sure, pixel_size=pixel_size.um)
        if mistaken:
            cells = drop_cells(cells, mistaken)
            classes[cells == 0] = 0
            notes.append(f"left out because they look like red cells: {len(mistaken)}")
    unfamiliar = doubt > UNFAMILIAR
    if unfamiliar:
        notes.append("the image looks unlike those that the model learnt from, check every outline")
    # a region is chosen by where it lies, and not by a cell in its middle
    rule = "all" if parameters.keep == "auto" and source.region_at is not None else parameters.keep
    keep = resolve_keep(rule, cells.shape, pixel_size=pixel_size.um)
    beside: Mapping[int, frozenset[Flag]] = {}
    if keep != "all":
        kept = keep_cells(cells, keep, pixel_size=pixel_size.um)
        others = int(cells.max()) - int(kept.max())  # both are numbered 1..n
        if others:
            beside = flags_beside(classes, cells, kept, pixel_size=pixel_size.um, binary=method.classes == 2)
            notes.append(f"{counted(others, 'other cell')} left out, by the choice of cells to keep ({_KEPT[keep]})")
        cells = kept
        classes[cells == 0] = 0
    platelets = giant_platelets(plane, conversion, classes, cells, pixel_size=pixel_size.um)
    if platelets:
        notes.append(f"marked as not a WBC because they look like giant platelets: {len(platelets)}")
    blurred = blurred_cells(plane, conversion, classes, cells, pixel_size=pixel_size.um)
    if blurred:
        notes.append(f"out of focus: {len(blurred)} of {int(cells.max())} cells, their CNR is less certain")
    if parameters.mode == "binary":
        classes = (classes > 0).astype(np.uint8)
    unsure = unsure_shares(cells, prediction.sure)
    result = Segmentation(
        classes=classes,
        cells=cells,
        binary=parameters.mode == "binary",
        pixel_size=pixel_size,
        keep=keep,
        notes=(*notes, *method.notes[notes_before:], *filter(None, [decision.note])),
        provenance=_provenance(parameters, method, pixel_size, keep),
        unsure_cells=frozenset(n for n, share in unsure.items() if unfamiliar or share > method.unsure_limit),
        unsure_shares=unsure,
        blurred_cells=blurred,
        uncertainty=doubt,
        marks=dict.fromkeys(platelets, Flag.NOT_A_WBC_PLATELET),
        beside=beside,
    )
    if parameters.shape_columns:
        result = replace(result, shapes=measure_shapes(plane, conversion, result))
    yield result


def _provenance(parameters: SegmentParameters, method: Method, pixel_size: PixelSize, keep: str) -> dict[str, str]:
    return {
        "napari-leukocyte": __version__,
        **method.provenance,
        "device": method.used,
        "mode": parameters.mode,
        "keep": keep if keep == parameters.keep else f"{keep} (auto)",
        **pixel_size.facts,
    }


def segment_images(
    images: Sequence[ImageSource | BrokenImage],
    parameters: SegmentParameters,
    method: Method,
    *,
    decisions: Mapping[int, SizeDecision] | None = None,
    hashed: bool = False,
) -> Iterator[WindowDone | ImageSegmented | ImageFailed]:
    """Segment a list; a bad image is reported and the others still run. Stop iterating to cancel.

    Pixel sizes are decided for the list before the first result, unless ``decisions`` (by position) hands them over.
    ``hashed`` gives the ``content`` of each file, for a record.
    """
    if decisions is None:
        decisions = yield from decide_pixel_sizes(images, parameters, method)
    for index, image in enumerate(images):
        if isinstance(image, BrokenImage):
            yield ImageFailed(index, image.name, image.reason)
            continue
        try:
            content = first_content(image) if hashed else ""
            for event in segment_plane(image, parameters, method, decision=decisions[index]):
                yield ImageSegmented(index, image, event, content=content) if isinstance(event, Segmentation) else event
        except LeukocyteError as error:
            yield ImageFailed(index, image.label, str(error))
