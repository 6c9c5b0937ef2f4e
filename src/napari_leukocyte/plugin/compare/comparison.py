"""The image list against its ground truth: scores that follow every edit. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_leukocyte.core.cells.boxes import Box
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.imaging.masks import mask_from_values
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore, score_case
from napari_leukocyte.core.scoring.live_comparison import LiveComparison
from napari_leukocyte.core.scoring.truth import Truth

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_leukocyte.plugin.session import Session

__all__ = ["Comparison"]


class Comparison:
    """Keeps a score for each image of a session that has a truth and a segmentation.

    Signals
    -------
    scored(index, box)
        The score of an image is new, or gone; the box tells where its class map changed (None: all over).
    cleared()
        No truth is known any more.
    """

    scored = Signal(int, object)
    cleared = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.parameters = EvaluationParameters()
        self.truths: dict[int, Truth] = {}
        self.problems: dict[int, str] = {}  # why an image with a truth has no score
        self._live: dict[int, LiveComparison] = {}
        self._other: tuple[Case, EvaluationParameters, ImageScore] | None = None  # see score_other
        session.changed.connect(self._on_changed)
        session.images_changed.connect(self.clear)
        session.renamed.connect(self._on_renamed)

    def close(self) -> None:
        """Stop following the session."""
        self.session.changed.disconnect(self._on_changed)
        self.session.images_changed.disconnect(self.clear)
        self.session.renamed.disconnect(self._on_renamed)

    def clear(self) -> None:
        """Forget all truths."""
        self.truths, self._live, self.problems = {}, {}, {}
        self.cleared.emit()

    def set_truth(self, index: int, truth: Truth) -> None:
        """Take the truth of an image of the list, and score it."""
        self.truths[index] = truth
        self._live.pop(index, None)
        self.scored.emit(index, None)

    def keep_only(self, indices: Collection[int]) -> None:
        """Forget the truths of all other images."""
        for index in self.truths.keys() - indices:
            for known in (self.truths, self._live, self.problems):
                known.pop(index, None)
            self.scored.emit(index, None)

    def call_truths(self, name: str) -> None:
        """Say that all truths come from a layer of this name."""
        self.truths = {index: replace(truth, source=name) for index, truth in self.truths.items()}

    def set_parameters(self, parameters: EvaluationParameters) -> None:
        """Use other parameters: another band, another rule for the cells to keep."""
        if parameters != self.parameters:
            self.parameters = parameters
            self._live = {}
            for index in self.truths:
                self.scored.emit(index, None)

    def of(self, index: int) -> LiveComparison | None:
        """The comparison of an image; None without a truth or a segmentation, or when they do not fit."""
        truth, state = self.truths.get(index), self.session.states.get(index)
        if truth is None or state is None:
            return None
        known = self._live.get(index)
        if known is None or not known.still_of(state.live):  # another map now, or another scale
            self.problems.pop(index, None)
            try:
                known = LiveComparison(state.live, truth, self.parameters, name=self.session.images[index].label)
            except LeukocyteError as error:
                self.problems[index] = str(error)
                return None
            self._live[index] = known
            self.session.let_rest(index)
        return known

    def scores(self) -> dict[int, ImageScore]:
        """The scores of all images that have one."""
        found = {index: self.of(index) for index in sorted(self.truths)}
        return {index: one.score for index, one in found.items() if one is not None}

    def case_reader(self) -> Callable[[str, str], Case]:
        """What reads the maps of a scored image for a report, from any thread: from method and image name to `Case`."""
        session = self.session
        index_of = {one.score.name: index for index in self.truths if (one := self.of(index)) is not None}

        def read(_method: str, name: str) -> Case:
            index = index_of[name]
            state, truth, source = session.states[index], self.truths[index], session.images[index]
            return Case(
                name,
                state.classes.copy(),  # the hand may paint on
                truth.classes,
                binary=state.result.binary,
                whole_cell=truth.whole_cell,
                pixel_size=state.result.pixel_size.for_areas,
                predicted_cells=state.cells.copy(),
                true_cells=truth.cells,
                predicted_remarks=state.remarks,
                true_remarks={measure.cell: measure.flags for measure in truth.measures},
                image=_colours(source),
            )

        return read

    def score_other(self, layer: Labels) -> ImageScore:
        """Score another segmentation of the shown image against the same truth.

        It is scored anew only when it, the truth or the parameters have changed: a stroke on the class map asks for
        it again and again.

        Raises
        ------
        LeukocyteError
            When there is no truth, or the layer is no segmentation of this image.
        """
        index = self.session.index
        truth = self.truths.get(index)
        if truth is None:
            raise LeukocyteError("There is no ground truth of this image to compare with.")
        data = np.asarray(layer.data)
        together = self.session.shown_together
        plane = data[index - together.start] if data.ndim == 3 and len(data) == len(together) else data
        mask = mask_from_values(plane, name=f'The layer "{layer.name}"')
        state = self.session.states.get(index)
        size = None if state is None else state.result.pixel_size.for_areas
        if self._other is not None:
            case, parameters, score = self._other
            same = case.truth is truth.classes and parameters == self.parameters and case.pixel_size == size
            if same and case.name == layer.name and np.array_equal(case.prediction, mask.classes):
                return score
        case = Case(
            layer.name,
            mask.classes,
            truth.classes,
            binary=mask.whole_cell,
            whole_cell=truth.whole_cell,
            pixel_size=size,
            true_cells=truth.cells,
            true_remarks={measure.cell: measure.flags for measure in truth.measures},
        )
        score = score_case(case, self.parameters)
        self._other = case, self.parameters, score
        return score

    def _on_changed(self, index: int, bbox: tuple[int, int, int, int]) -> None:
        if index not in self.truths:
            return
        box: Box = (slice(bbox[0], bbox[1]), slice(bbox[2], bbox[3]))
        known, state = self._live.get(index), self.session.states.get(index)
        if known is not None and state is not None and known.still_of(state.live):
            known.follow(box)
            self.scored.emit(index, box)
        else:
            self.scored.emit(index, None)

    def _on_renamed(self, indices: range) -> None:
        for index in indices:  # a score carries the name of its image
            if self._live.pop(index, None) is not None:
                self.scored.emit(index, None)


def _colours(source: ImageSource) -> NDArray[np.uint8] | None:
    """An image for the pictures of a report; None where there is nothing to see, which takes no figure away."""
    try:
        return np.round(255 * to_rgb(source.read(), rgb=source.rgb).image).astype(np.uint8)
    except LeukocyteError:
        return None
