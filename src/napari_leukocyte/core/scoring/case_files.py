"""Truths and predictions read from two folders, as cases to score."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.imaging.planes import get_plane
from napari_leukocyte.core.imaging.read import find_images, read_image
from napari_leukocyte.core.results.names import paired_stem
from napari_leukocyte.core.scoring.case_index import CaseIndex, CaseInfo
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, score_case
from napari_leukocyte.core.scoring.map_meaning import MapMeaning, as_meant, in_words, known_in, meaning_of
from napari_leukocyte.core.scoring.map_side import MapSide, in_planes, in_px, open_side
from napari_leukocyte.core.scoring.pairing import MapPaths, pair_maps

__all__ = ["CaseFiles", "PairFailed", "PlaneScored", "score_files"]


@dataclass(frozen=True)
class PlaneScored:
    """One image, or one plane of a stack of ``planes``, is scored.

    Attributes
    ----------
    name
        As in `Case`.
    scores
        Of each method.
    notes
        How the files were read, and what else the user should know.
    """

    name: str
    planes: int
    scores: Mapping[str, ImageScore]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PairFailed:
    """A pair, or one of its ``planes``, could not be scored; ``reason`` is a sentence, the others go on."""

    name: str
    planes: int
    reason: str


class CaseFiles:
    """The cases of an evaluation, read when they are asked for.

    Parameters
    ----------
    truth : Path
        Folder with the ground truth.
    predictions : mapping of str to Path
        Folder of each method.
    index : CaseIndex, optional
        What is known of the images.
    images : Path, optional
        Folder with the images themselves, found by the names of their truths.
    read_as : ReadAs
        What the user says of the maps.

    Raises
    ------
    LeukocyteError
        When a folder is missing or empty, or nothing could be paired.
    """

    def __init__(
        self,
        truth: Path,
        predictions: Mapping[str, Path],
        *,
        index: CaseIndex | None = None,
        images: Path | None = None,
        read_as: ReadAs = "auto",
    ) -> None:
        self.pairing = pair_maps(truth, predictions, read_as=read_as)
        self._index = index
        self._images: dict[str, Path] = {}
        if images is not None:
            if not images.is_dir():
                raise LeukocyteError(f"{images} is no folder: give the folder that holds the images.")
            self._images = {paired_stem(path): path for path in find_images(images)}
        self._folders: dict[str, str] = {}  # what is known in them, see _meaning
        self._opened = lru_cache(maxsize=1)(self._open)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods."""
        return tuple(self.pairing.predictions)

    def planes(self, name: str) -> int:
        """Return how many planes a pair has; 1 for single images.

        Raises
        ------
        LeukocyteError
            When a file cannot be read, or the sides have different numbers of planes.
        """
        return self._opened(name)[0].planes

    def case(self, method: str, name: str) -> Case:
        """Read one image with its truth and the prediction of a method.

        Parameters
        ----------
        method : str
            One of ``methods``.
        name : str
            Of a pair, or of one plane of it ("a [0]").

        Raises
        ------
        LeukocyteError
            When a file cannot be read, or the two are not of one size; the sentence names both.
        """
        if name in self.pairing.truths:
            return self.read(method, name)[0]
        stem, _, plane = name.rpartition(" [")
        return self.read(method, stem, int(plane.rstrip("]")))[0]

    def read(self, method: str, name: str, plane: int = 0) -> tuple[Case, tuple[str, ...]]:
        """Read one plane of a pair as `case` does, with notes on how its files were read."""
        truth, predictions = self._opened(name)
        ours = predictions[method]
        info, index_note = self._info(name)
        true, predicted = truth.read(plane), ours.read(plane)
        if predicted.shape != true.shape:
            raise LeukocyteError(
                f"The prediction {ours.paths} has {in_px(predicted)} and the truth {truth.paths} {in_px(true)}: "
                "give maps of one size, for nothing is resized unasked."
            )
        their_meaning = self._meaning(truth, "", self.pairing.truths.values())
        our_meaning = self._meaning(ours, method, self.pairing.predictions[method].values())
        true, predicted = as_meant(true, their_meaning), as_meant(predicted, our_meaning)
        whole_cell, binary = their_meaning == "whole cells", our_meaning == "whole cells"
        predicted_cells, predicted_remarks, our_note = ours.cells(plane, predicted)
        true_cells, true_remarks, their_note = truth.cells(plane, true)
        sizes = (info.pixel_size, truth.pixel_size, *(side.pixel_size for side in predictions.values()))
        image, image_note = self._image(name, plane, true.shape)
        case = Case(
            name=name if truth.planes == 1 else f"{name} [{plane}]",
            prediction=predicted,
            truth=true,
            binary=binary,
            whole_cell=whole_cell,
            pixel_size=next((size for size in sizes if size is not None), None),
            predicted_cells=predicted_cells,
            true_cells=true_cells,
            image=image,
            difficulty=info.difficulty,
            cell_type=info.cell_type,
            source=info.source,
            predicted_remarks=predicted_remarks,
            true_remarks=true_remarks,
        )
        alone = ", so cell alone is scored"
        notes = [
            f"truth read as {in_words(truth, their_meaning)}{alone if whole_cell else ''}",
            f"prediction read as {in_words(ours, our_meaning)}"
            + (f"{alone} and no CNR is given" if binary and not whole_cell else ""),
        ]
        notes += [f"truth: {their_note}" if their_note else "", f"prediction: {our_note}" if our_note else ""]
        return case, tuple(filter(None, (*notes, index_note, image_note)))

    def _info(self, name: str) -> tuple[CaseInfo, str]:
        if self._index is None:
            return CaseInfo(), ""
        return self._index.find(name, self.pairing.truths[name].path)

    # ---- opening ------------------------------------------------------------------------------------------

    def _open(self, name: str) -> tuple[MapSide, dict[str, MapSide]]:
        paths = self.pairing.truths[name]
        theirs = {method: maps[name] for method, maps in self.pairing.predictions.items()}
        truth = _open_beside(paths, f"its prediction is {', '.join(map(str, theirs.values()))}")
        ours = {method: _open_beside(one, f"its truth is {paths}") for method, one in theirs.items()}
        for side in ours.values():
            if side.planes != truth.planes:
                raise LeukocyteError(
                    f"The prediction {side.paths} has {in_planes(side.planes)} and the truth {paths} "
                    f"{in_planes(truth.planes)}: give stacks whose planes belong together."
                )
        return truth, ours

    # ---- what a map means --------------------------------------------------------------------------------

    def _meaning(self, side: MapSide, key: str, maps: Iterable[MapPaths]) -> MapMeaning:
        """What a map of a folder means; the folder is looked through once, if it must be."""
        if side.whole_cell and not side.mode and key not in self._folders:
            self._folders[key] = known_in(_readable(maps))
        return meaning_of(side, self._folders.get(key, ""))

    # ---- images -------------------------------------------------------------------------------------------

    def _image(self, name: str, plane: int, shape: tuple[int, ...]) -> tuple[NDArray[np.uint8] | None, str]:
        """The image itself, or a note why it is not there."""
        path = self._images.get(name)
        if path is None:
            return None, "no image of it" if self._images else ""
        try:
            file = read_image(path)
            colours = to_rgb(get_plane(file.array, plane, rgb=file.rgb), rgb=file.rgb).image
        except (LeukocyteError, IndexError) as error:
            return None, f"its image is not shown: {error}"
        if colours.shape[:2] != shape:
            return None, f"its image is not shown, for {path} has {in_px(colours)}"
        return np.round(colours * 255).astype(np.uint8), ""


def score_files(files: CaseFiles, parameters: EvaluationParameters) -> Iterator[PlaneScored | PairFailed]:
    """Score one pair after the other, planes of a stack one by one. Stop iterating to cancel.

    An image that one method failed on counts for none, so that methods are compared on the same images.
    """
    for name in files.pairing.truths:
        try:
            planes = files.planes(name)
        except LeukocyteError as error:
            yield PairFailed(name, 1, str(error))
            continue
        for plane in range(planes):
            label = name if planes == 1 else f"{name} [{plane}]"
            scores: dict[str, ImageScore] = {}
            notes: dict[str, None] = {}
            try:
                for method in files.methods:
                    case, said = files.read(method, name, plane)
                    scores[method] = score_case(case, parameters)
                    notes.update(dict.fromkeys(said))
            except LeukocyteError as error:
                yield PairFailed(label, planes, str(error))
            else:
                yield PlaneScored(label, planes, scores, tuple(notes))


def _open_beside(paths: MapPaths, partner: str) -> MapSide:
    """Open a map; what is wrong with it is said with its partner's name."""
    try:
        return open_side(paths)
    except LeukocyteError as error:
        raise LeukocyteError(f"{str(error).rstrip('.')} ({partner}).") from error


def _readable(maps: Iterable[MapPaths]) -> Iterator[MapSide]:
    for paths in maps:
        with suppress(LeukocyteError):  # said when it is its turn
            yield open_side(paths)
