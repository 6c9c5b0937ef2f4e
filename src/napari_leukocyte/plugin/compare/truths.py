"""Ground truth of an image list: from a Labels layer, or from files beside its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.label_layers import maps_of_labels
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError, ReadAs
from napari_leukocyte.core.results.names import paired_stem
from napari_leukocyte.core.scoring.map_side import MapSide, in_planes, in_px, open_side
from napari_leukocyte.core.scoring.pairing import MapPaths, find_maps
from napari_leukocyte.core.scoring.truth import Truth, make_truth

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["TruthFailed", "TruthFound", "truths_from_file", "truths_from_folder", "truths_from_layer"]


@dataclass(frozen=True)
class TruthFound:
    """The truth of one image of the list."""

    index: int
    truth: Truth


@dataclass(frozen=True)
class TruthFailed:
    """Why an image got no truth, as a sentence; the others go on.

    ``others`` are the readings, as words of `ReadAs`, that speak against the one that is doubtful; mostly none.
    """

    name: str
    reason: str
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, error: LeukocyteError) -> TruthFailed:
        """From what went wrong."""
        if isinstance(error, DoubtfulMaskError):
            return cls(name, error.doubt, error.others)
        return cls(name, str(error))


Event = TruthFound | TruthFailed


def truths_from_layer(
    layer: Labels,
    images: Sequence[ImageSource],
    read_as: ReadAs = "auto",
    *,
    shown: Sequence[int] | None = None,
    nuclei: Labels | None = None,
) -> Iterator[Event]:
    """Take an open Labels layer as the truth of what is shown, or of the whole list.

    Parameters
    ----------
    layer
        With a plane for each image of ``shown``, else of the list.
    read_as
        What the user says of it.
    shown
        Places of the images on screen: one, or the planes of a stack. None: the whole list.
    nuclei
        A layer like it, with a number for each nucleus, where ``layer`` has one for each cell.

    Raises
    ------
    LeukocyteError
        When the layer has another number of planes, or is no mask.
    """
    planes = _planes(layer)
    inside: Sequence[NDArray[np.generic] | None] = [None] * len(planes) if nuclei is None else _planes(nuclei)
    every = range(len(images))
    indices = next((found for found in (shown, every) if found is not None and len(found) == len(planes)), None)
    if indices is None or len(inside) != len(planes):
        raise LeukocyteError(
            f'The layer "{layer.name}" has {in_planes(len(planes))} and the images are '
            f"{len(images if shown is None else shown)}: give a truth with a plane for each image."
        )
    for index, plane, within in zip(indices, planes, inside, strict=True):
        source = images[index]
        try:
            size = source.pixel_size.for_areas
            maps = maps_of_labels(plane, within, name=f'The layer "{layer.name}"', pixel_size=size, read_as=read_as)
            _check_size(maps.classes, source, f'the layer "{layer.name}"')
            truth = make_truth(
                maps.classes,
                whole_cell=maps.whole_cell,
                pixel_size=size,
                reading=maps.reading,
                source=layer.name,
                cells=maps.cells,
            )
        except LeukocyteError as error:
            yield TruthFailed.of(source.label, error)
        else:
            yield TruthFound(index, truth)


def truths_from_reader(training_set: TrainingSet, name: str, images: Sequence[ImageSource]) -> Iterator[Event]:
    """Take the masks in force of another reader of a training set as the truths of its images.

    Raises
    ------
    LeukocyteError
        When the reader has no mask of any of the images.
    """
    from napari_leukocyte.core.training_set.reader import Reader

    own = training_set.as_reader(Reader(name))
    found = False
    for index, source in enumerate(images):
        try:
            id_ = own.find_image(source.read(), name=source.label)
            version = None if id_ is None else own.current(id_)
            if version is None or Reader(version.by).folder != Reader(name).folder:
                continue
            classes, cells = own.read_mask(version)
            facts = version.facts
            truth = make_truth(
                classes,
                whole_cell=facts.whole_cell,
                pixel_size=source.pixel_size.for_areas or facts.pixel_size.for_areas,
                reading="accepted mask",
                source=name,
                cells=cells,
                remarks=facts.remarks,
            )
        except LeukocyteError as error:
            yield TruthFailed.of(source.label, error)
        else:
            found = True
            yield TruthFound(index, truth)
    if not found:
        raise LeukocyteError(f"{name} has no accepted mask of these images in {training_set.folder.name}.")


def _planes(layer: Labels) -> list[NDArray[np.generic]]:
    data = np.asarray(layer.data)
    return list(data) if data.ndim == 3 else [data]


def truths_from_file(
    path: Path, images: Sequence[ImageSource], index: int, read_as: ReadAs = "auto"
) -> Iterator[Event]:
    """Take a file as the truth of an image of a list of files, or of all planes of a stack.

    Raises
    ------
    LeukocyteError
        When it has not as many planes as the stack.
    """
    shown = images[index]
    own = [i for i, source in enumerate(images) if (source.path, source.name) == (shown.path, shown.name)]
    try:
        yield from _truths_of(MapPaths(path, read_as=read_as), images, own)
    except DoubtfulMaskError as error:
        yield TruthFailed.of(shown.name, error)


def truths_from_folder(folder: Path, images: Sequence[ImageSource], read_as: ReadAs = "auto") -> Iterator[Event]:
    """Find the truth of each image in a folder, by its name; ``read_as`` is what the user says of them.

    Raises
    ------
    LeukocyteError
        When there is no such folder, or no truth of any image in it.
    """
    maps = find_maps(folder, read_as=read_as)
    planes: dict[str, list[int]] = {}
    for index, source in enumerate(images):
        planes.setdefault(paired_stem(source.path or Path(source.name)), []).append(index)
    if not planes.keys() & maps.keys():
        raise LeukocyteError(
            f"No file in {folder} has the name of an image: {next(iter(maps))} is no truth of {next(iter(planes))}, "
            "so give masks named as their images."
        )
    for name, indices in planes.items():
        if name not in maps:
            yield TruthFailed(images[indices[0]].name, f"there is no mask of this name in {folder}.")
            continue
        try:
            yield from _truths_of(maps[name], images, indices)
        except LeukocyteError as error:
            yield TruthFailed.of(images[indices[0]].name, error)


def _truths_of(paths: MapPaths, images: Sequence[ImageSource], indices: Sequence[int]) -> Iterator[Event]:
    side = open_side(paths)
    if side.planes != len(indices):
        raise LeukocyteError(
            f"The truth {paths} has {in_planes(side.planes)} and {images[indices[0]].name} {in_planes(len(indices))}: "
            "give stacks whose planes belong together."
        )
    for plane, index in enumerate(indices):
        source = images[index]
        try:
            yield TruthFound(index, _truth(side, plane, source))
        except LeukocyteError as error:
            yield TruthFailed(source.label, str(error))


def _truth(side: MapSide, plane: int, source: ImageSource) -> Truth:
    classes = side.read(plane)
    _check_size(classes, source, f"the truth {side.paths}")
    cells, remarks, _ = side.cells(plane, classes)
    return make_truth(
        classes,
        whole_cell=side.whole_cell,
        pixel_size=source.pixel_size.for_areas if source.pixel_size.um else side.pixel_size,
        reading=side.reading,
        source=str(side.paths),
        cells=cells,
        remarks=remarks,
    )


def _check_size(classes: NDArray[np.uint8], source: ImageSource, what: str) -> None:
    image = source.read()
    if image.shape[:2] != classes.shape:
        raise LeukocyteError(
            f"The image {source.label} has {in_px(image[..., 0] if image.ndim == 3 else image)} and {what} "
            f"{in_px(classes)}: give a mask of its size, for nothing is resized unasked."
        )
