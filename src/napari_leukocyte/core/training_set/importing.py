"""Images with masks from elsewhere, taken into a training set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.origin import MAKERS, Maker, maker_of_file
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize, check_typed
from napari_leukocyte.core.results.map_file import stated_in
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.names import paired_stem
from napari_leukocyte.core.scoring.map_meaning import as_meant, in_words, known_in, meaning_of
from napari_leukocyte.core.scoring.map_side import MapSide, open_side
from napari_leukocyte.core.scoring.pairing import MapPaths
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Correction, Version, with_counts
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["ImageImported", "ImportFailed", "ImportParameters", "import_images", "without_bare_platelets"]

_EIGHT = np.ones((3, 3), bool)
_PLATELET_UM = 5.0  # wider ones are rare, and bare nuclei and smudges are wider


@dataclass(frozen=True)
class ImportParameters:
    """How images and masks are taken in.

    Attributes
    ----------
    accept
        Masks become accepted versions at once; else they become drafts to look at.
    pixel_size
        um per px of all images; None takes what each mask or image states.
    group
        Slide or patient of all images; empty: unknown.
    platelets_as_nucleus
        The masks draw imaged platelets as nucleus, as the thesis does, see `without_bare_platelets`.
    by
        Who accepts; empty: the account's name.
    """

    accept: bool = False
    pixel_size: float | None = None
    group: str = ""
    platelets_as_nucleus: bool = False
    by: str = ""


@dataclass(frozen=True)
class ImageImported:
    """An image is in the set.

    Attributes
    ----------
    id, name
        In the set, and where it came from.
    version
        Number of the accepted mask; None without one.
    drafted
        Whether its mask became the draft.
    notes
        How the mask was read, and what the user should know.
    """

    id: str
    name: str
    version: int | None
    drafted: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImportFailed:
    """A file that could not be taken in, with the reason as a sentence; the others go on."""

    name: str
    reason: str


def import_images(
    training_set: TrainingSet,
    images: Sequence[Path],
    masks: dict[str, MapPaths],
    parameters: ImportParameters = ImportParameters(),
) -> Iterator[ImageImported | ImportFailed]:
    """Take images in, with the masks that have their names; one event for each. Stop iterating to cancel.

    Parameters
    ----------
    training_set : TrainingSet
        Where they go.
    images : sequence of Path
        Image files; the planes of a stack become images of their own.
    masks : dict
        By name, as ``core.scoring.pairing.name_maps`` gives them; may be empty.
    parameters : ImportParameters

    Raises
    ------
    LeukocyteError
        Before anything is done, when the parameters are wrong, or no image has a mask though there are masks.
    """
    if parameters.pixel_size is not None:
        check_typed(parameters.pixel_size)
    paired = _pair(images, masks)
    if masks and not paired:
        raise LeukocyteError(
            f"No mask has the name of an image: there is {next(iter(masks))} among the masks, and {images[0].name} "
            "among the images."
        )
    sides: dict[Path, MapSide | str] = {}
    for path, name in paired.items():
        try:
            sides[path] = open_side(masks[name])
        except LeukocyteError as error:
            sides[path] = str(error)
    known = known_in(side for side in sides.values() if isinstance(side, MapSide))
    stems = Counter(paired_stem(path) for path in images)
    for source in sources_from_files(images):
        if isinstance(source, BrokenImage):
            yield ImportFailed(source.name, source.reason)
            continue
        assert source.path is not None  # it comes from a file
        side = sides.get(source.path)
        stem = paired_stem(source.path)
        ambiguous = side is None and stems[stem] > 1 and stem in masks
        try:
            if isinstance(side, str):
                raise LeukocyteError(side)
            if ambiguous:
                raise LeukocyteError(
                    f"Several images are called {stem}, and one mask is: name the mask "
                    f"{stem}{source.path.suffix}_classes.png."
                )
            yield _taken_in(training_set, source, side, known, parameters)
        except LeukocyteError as error:
            yield ImportFailed(source.label, str(error))
    for name in masks:
        if name not in paired.values() and stems[name] < 2:
            yield ImportFailed(str(masks[name]), "No image has the name of this mask.")


def without_bare_platelets(classes: NDArray[np.uint8], *, pixel_size: float | None) -> tuple[NDArray[np.uint8], int]:
    """Make background of platelets that a mask draws as nucleus.

    The thesis drew imaged platelets so; here they are background. A piece of nucleus (8 neighbours) is taken for a
    platelet when no cytoplasm touches it and its area is below that of a disc of 5 um. Lobes have cytoplasm around
    them, bare nuclei and smudges are larger. A platelet that lies on or against the cytoplasm of a cell cannot be told
    from a lobe in such a mask, and stays: correct it by hand.

    Parameters
    ----------
    classes : (Y, X) uint8 array
        Class map with 2 for nucleus and platelets.
    pixel_size : float
        um per px.

    Returns
    -------
    classes : (Y, X) uint8 array
        Without them.
    count : int
        How many there were.

    Raises
    ------
    LeukocyteError
        When the pixel size is unknown, without which a platelet cannot be told from a smudge.

    Examples
    --------
    >>> without_bare_platelets(np.array([[2, 0, 1, 2]], np.uint8), pixel_size=1.0)
    (array([[0, 0, 1, 2]], dtype=uint8), 1)
    """
    if pixel_size is None:
        raise LeukocyteError("Platelets drawn as nucleus are told from smudges by their size: give the pixel size.")
    pieces, _ = ndimage.label(classes == 2, structure=_EIGHT)
    small = np.bincount(pieces.ravel()) * pixel_size**2 < np.pi / 4 * _PLATELET_UM**2
    small[0] = False
    small[np.unique(pieces[ndimage.binary_dilation(classes == 1, _EIGHT)])] = False
    cleaned: NDArray[np.uint8] = np.where(small[pieces], 0, classes).astype(np.uint8)
    return cleaned, int(small.sum())


def _pair(images: Sequence[Path], masks: dict[str, MapPaths]) -> dict[Path, str]:
    """Name of the mask of each image that has one: that of its whole name, else of its stem."""
    stems = Counter(paired_stem(path) for path in images)
    found = {}
    for path in images:
        stem = paired_stem(path)
        for name in (f"{stem}{path.suffix}", *[stem] * (stems[stem] == 1)):
            if name in masks:
                found[path] = name
                break
    return found


def _taken_in(
    training_set: TrainingSet,
    source: ImageSource,
    side: MapSide | None,
    known: str,
    parameters: ImportParameters,
) -> ImageImported:
    pixels = source.read()
    size = _pixel_size(source, side, parameters)
    mask = None if side is None else _read(side, source, known, size, parameters)  # before anything is written
    if mask is not None and mask.correction.classes.shape != pixels.shape[:2]:
        shape = mask.correction.classes.shape
        raise LeukocyteError(
            f"The mask {side.paths if side else ''} has {shape[1]} × {shape[0]} px and the image {source.label} "
            f"{pixels.shape[1]} × {pixels.shape[0]} px: nothing is resized unasked."
        )
    found = training_set.add_image(
        pixels, name=source.label, pixel_size=size.um, group=parameters.group, source=source.path
    )
    if mask is None:
        return ImageImported(found, source.label, None, False, ())
    if parameters.accept:
        current = training_set.current(found)
        if current is not None and _is_same(training_set, current, mask.correction):
            return ImageImported(found, source.label, current.number, False, (*mask.notes, "accepted already"))
        version = training_set.accept(found, mask.correction)
        return ImageImported(found, source.label, version.number, False, mask.notes)
    with training_set.drafts.claim(found):
        if training_set.drafts.read(found) is not None:
            raise LeukocyteError(
                f"{source.label} has a draft already, which is kept: accept or discard that one first, or use --accept."
            )
        training_set.drafts.save(found, _as_draft(mask.correction))
    return ImageImported(found, source.label, None, True, mask.notes)


def _is_same(training_set: TrainingSet, version: Version, correction: Correction) -> bool:
    classes, cells = training_set.read_mask(version)
    return (
        version.facts.whole_cell == correction.facts.whole_cell
        and np.array_equal(classes, correction.classes)
        and np.array_equal(cells, correction.cells)
    )


def _pixel_size(source: ImageSource, side: MapSide | None, parameters: ImportParameters) -> PixelSize:
    if parameters.pixel_size is not None:
        return PixelSize(parameters.pixel_size, "typed")
    if side is not None and side.pixel_size is not None:
        return PixelSize(side.pixel_size, "mask file")
    return source.pixel_size


@dataclass(frozen=True)
class _Mask:
    correction: Correction
    notes: tuple[str, ...]


def _read(side: MapSide, source: ImageSource, known: str, size: PixelSize, parameters: ImportParameters) -> _Mask:
    if side.planes != source.planes:
        raise LeukocyteError(f"{source.name} has {source.planes} planes and its mask {side.planes}.")
    meaning = meaning_of(side, known)
    classes, whole_cell = as_meant(side.read(source.plane), meaning), meaning == "whole cells"
    notes = [f"read as {in_words(side, meaning)}"]
    cells, remarks, cells_note = side.cells(source.plane, classes)
    notes.append(cells_note)
    if parameters.platelets_as_nucleus and not whole_cell:
        classes, count = without_bare_platelets(classes, pixel_size=size.um)
        notes.append(
            f"{count} bare {'piece' if count == 1 else 'pieces'} of nucleus became background as platelets"
            if count
            else ""
        )
        cells = None if cells is None else np.where(classes > 0, cells, 0).astype(np.int32)
    types = side.labels.types(source.plane) if cells is not None and side.labels is not None else {}
    if cells is None:
        cells = label_cells(classes, pixel_size=size.um)
    stated = stated_in(side.paths.path)
    model, model_sha256 = (str(stated.get(key, "")) for key in ("model", "model_sha256"))
    facts = MaskFacts(
        model=model,
        model_sha256=model_sha256,
        # how many pixels a hand changed, the files of a segmentation do not say; that it did, they do
        labels_edited=any(Flag.EDITED in flags for flags in remarks.values()),
        pixel_size=size,
        whole_cell=whole_cell,
        remarks={cell: frozenset(flags) for cell, flags in remarks.items() if (cells == cell).any()},
        types={cell: cell_type for cell, cell_type in types.items() if (cells == cell).any()},
    )
    maker = _maker(facts, stated.get("made_with"), source.plane)
    makers = np.where(classes > 0, MAKERS.index(maker), 0).astype(np.uint8)
    facts = with_counts(facts, classes, makers)
    correction = Correction(classes, cells, facts, by=parameters.by, makers=makers)
    return _Mask(correction, tuple(filter(None, notes)))


def _maker(facts: MaskFacts, stated: object, plane: int) -> Maker:
    """What made the mask of a file; of a stack, ``stated`` may be a list with a text for each plane."""
    text = stated[plane] if isinstance(stated, list) and plane < len(stated) else stated
    return maker_of_file(model=facts.model, edited=facts.edited, made_with=text if isinstance(text, str) else "")


def _as_draft(mask: Correction) -> Draft:
    return Draft(mask.classes, mask.cells, mask.facts, saved=datetime.now(UTC).astimezone(), makers=mask.makers)
