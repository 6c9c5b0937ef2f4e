"""The cells of each reader of a training set, as a study takes them: who agrees with whom, and with themselves."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.readers import Agreement, agreement
from napari_leukocyte.core.study.tables import StudyCell, StudyImage
from napari_leukocyte.core.training_set.images import SetImage
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.reader import Reader
from napari_leukocyte.core.training_set.records import Version
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["cells_by_reader", "cells_of", "reader_agreement", "readers_of_sets"]

_PLANE = re.compile(r"(.+) \[([0-9]+)\]")


def cells_by_reader(training_set: TrainingSet) -> dict[str, list[StudyCell]]:
    """Measure the masks in force of each reader; a reader without a name is called "no name".

    Raises
    ------
    LeukocyteError
        When a mask is missing, damaged, or was changed since.
    """
    found: dict[str, list[StudyCell]] = {}
    for name in training_set.readers():
        own = training_set.as_reader(Reader(name))
        masks = [(image, own.current(image.id)) for image in training_set.images()]
        found[name or "no name"] = [
            cell
            for image, version in masks
            if version is not None and Reader(version.by).folder == Reader(name).folder
            for cell in cells_of(training_set, image, version)
        ]
    return {name: cells for name, cells in found.items() if cells}


def cells_of(training_set: TrainingSet, image: SetImage, version: Version) -> list[StudyCell]:
    """Measure the cells of one mask.

    Raises
    ------
    LeukocyteError
        When it is missing, damaged, or was changed since.
    """
    classes, cells = training_set.read_mask(version)
    facts = version.facts
    measures = measure_cells(
        classes,
        cells,
        pixel_size=facts.pixel_size.for_areas or image.pixel_size or training_set.pixel_size,
        binary=facts.whole_cell,
        remarks=facts.remarks,
        types=facts.types,
    )
    plane = _PLANE.fullmatch(image.name)
    label, number = (image.name, 0) if plane is None else (plane[1], int(plane[2]))
    place = StudyImage(str(training_set.folder), label, f"{training_set.folder.name}/{label}")
    return [StudyCell(place, number, measure, {**facts.provenance, "reader": version.by}) for measure in measures]


def reader_agreement(training_set: TrainingSet, *, merge_bands: bool = True) -> list[Agreement]:
    """Compare every two readers of a set in the cells that both have drawn, by type.

    Raises
    ------
    LeukocyteError
        When the set has fewer than two readers, or two have no cell in common.
    """
    cells = cells_by_reader(training_set)
    if len(cells) < 2:
        names = ", ".join(cells) or "nobody"
        raise LeukocyteError(f"{training_set.folder} has masks of {names}: two readers are needed to compare.")
    return agreement(cells, merge_bands=merge_bands)


def readers_of_sets(paths: Sequence[Path]) -> tuple[list[Path], Mapping[str, Sequence[StudyCell]]]:
    """Tell results from training sets: returns the paths of the former, and the readers of the latter.

    Raises
    ------
    LeukocyteError
        When a training set cannot be read, or two have a reader of one name.
    """
    plain, found = list[Path](), dict[str, list[StudyCell]]()
    for path in paths:
        if not Layout(path).manifest.is_file():
            plain.append(path)
            continue
        for name, cells in cells_by_reader(TrainingSet.open(path)).items():
            if name in found:
                raise LeukocyteError(f"Two training sets have a reader called {name}: give one of them.")
            found[name] = cells
    return plain, found
