"""Which patient and group each image of the list belongs to, and its cells as a study takes them. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_leukocyte.core.cells.cells_csv import MADE_BY_COLUMNS
from napari_leukocyte.core.imaging.image_list import ImageSource
from napari_leukocyte.core.study.samples import Sample, Samples, group_images
from napari_leukocyte.core.study.tables import StudyCell, StudyImage, below_common_folder

if TYPE_CHECKING:
    from napari_leukocyte.plugin.session import Session

__all__ = ["StudyGroups"]

_NOBODY = Sample()


class StudyGroups:
    """Keeps how the images are grouped, and groups another list in the same way.

    Signals
    -------
    changed()
        Images have other groups.

    Attributes
    ----------
    how
        As for ``core.study.samples.group_images``; None: one group.
    samples
        Of the images of the list, as far as they have one.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.how: str | None = None
        self.samples = Samples({})
        self._images: list[StudyImage] = []

    def group_by(self, how: str | None) -> None:
        """Group the images of the list.

        Raises
        ------
        LeukocyteError
            When it fits none of them, see ``core.study.samples.group_images``; the groups stay as they were.
        """
        images = study_images(self._session.images)
        samples = group_images(images, how) if images else Samples({})
        self.how, self.samples, self._images = how, samples, images
        self.changed.emit()

    def of(self, index: int) -> Sample:
        """Where an image of the list is from; empty where that is not known."""
        image = self._images[index] if index < len(self._images) else None
        return _NOBODY if image is None else self.samples.of.get(image, _NOBODY)

    def cells(self) -> list[StudyCell]:
        """The cells of all images that belong to the study, as they are now."""
        found = []
        for index, state in sorted(self._session.states.items()):
            image = self._images[index] if index < len(self._images) else None
            if image is None or image not in self.samples.of:
                continue
            height, width = state.classes.shape
            made_by = {name: state.result.provenance.get(name, "") for name in MADE_BY_COLUMNS}
            made_by["image_size"] = f"{width} × {height} px"
            plane = self._session.images[index].plane
            found += [StudyCell(image, plane, measure, made_by) for measure in state.measures]
        return found


def study_images(sources: Sequence[ImageSource]) -> list[StudyImage]:
    """What a study calls the images of a list: planes of a stack are one image; a layer has no folder."""
    files = [source.path.absolute().parts if source.path else (source.name,) for source in sources]
    below = below_common_folder(files) or ["/".join(parts[-2:]) for parts in files]
    return [StudyImage("", path, path.lstrip("/")) for path in below]
