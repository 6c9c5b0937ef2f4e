"""Going on with a results folder: which images are done, which were corrected by hand, and which are to be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.results.class_maps import MapFailed, measure_class_maps
from napari_leukocyte.core.results.in_place import changed_files, hash_of
from napari_leukocyte.core.results.listing import content_of
from napari_leukocyte.core.results.map_file import labels_path
from napari_leukocyte.core.results.maps import cells_of
from napari_leukocyte.core.results.record import ImageRecord, ListedImage, PlaneRecord, ResultsRecord
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.text import counted

__all__ = ["Plan", "measure_corrected", "plan_resume"]


@dataclass
class Plan:
    """What is to be done with the inputs of a run, each in the order of the list.

    Attributes
    ----------
    todo
        To be segmented: new, changed, failed before, or with results that are gone.
    done
        Done with the same parameters, and their files are as they were written.
    corrected
        The same, but a hand has changed the files since: to be measured as they are.
    """

    todo: list[Path] = field(default_factory=list)
    done: list[ImageRecord] = field(default_factory=list)
    corrected: list[ImageRecord] = field(default_factory=list)


def plan_resume(
    record: ResultsRecord, folder: Path, listed: Mapping[Path, ListedImage], settings: ResultSettings
) -> Plan:
    """Decide what is to be done with each input.

    An image is done when its content and the settings are those of the record and its files are there; results saved
    from napari count as done whatever made them.

    Raises
    ------
    LeukocyteError
        When images were done with other settings.
    """
    plan = Plan()
    others: list[str] = []
    for path, image in listed.items():
        found = record.last(image.stem)
        if found is None or found.failures or _content(path, found) != found.input_sha256:
            plan.todo.append(path)
            continue
        if found.settings is not None and (differences := settings.differences(found.settings)):
            others.append("; ".join(differences))
            continue
        changed = changed_files(folder, found)
        if not changed:
            plan.done.append(found)
        elif any(changed.values()) or found.corrected:  # changed by hand, not only gone
            plan.corrected.append(found)
        else:
            plan.todo.append(path)
    if others:
        raise LeukocyteError(
            f"{counted(len(others), 'image')} in {folder} {'was' if len(others) == 1 else 'were'} done in another way, "
            f"and this run asks for {others[0]}: ask for the same, choose another folder, or give --overwrite without "
            "--resume."
        )
    return plan


def measure_corrected(folder: Path, image: ImageRecord) -> ImageRecord:
    """Measure the maps of an image as a hand left them; every cell of them says that it was edited.

    Raises
    ------
    LeukocyteError
        When the class map is gone or cannot be read as one.
    """
    path = folder / image.class_map
    if not path.is_file():
        raise LeukocyteError(
            f"{path} is gone, and its cell labels were changed by hand: put it back, or remove the labels as well."
        )
    known = next(plane for plane in image.planes if not plane.reason)
    planes = list(image.planes)
    for event in measure_class_maps([path], pixel_size=known.pixel_size):
        if isinstance(event, MapFailed):
            raise LeukocyteError(f"It was changed by hand and is kept, but cannot be measured: {event.reason}")
        if event.planes != len(planes):
            raise LeukocyteError(
                f"{path} was changed by hand and has {counted(event.planes, 'plane')} now, not {len(planes)}: it is "
                "kept, but not measured."
            )
        planes[event.plane] = _edited(planes[event.plane], known, event.measures)
    files = {name: code for name in (path.name, labels_path(path).name) if (code := hash_of(folder / name))}
    return replace(image, planes=tuple(planes), files=files, corrected=True)


def _edited(plane: PlaneRecord, known: PlaneRecord, measures: Sequence[CellMeasure]) -> PlaneRecord:
    def flags(measure: CellMeasure) -> tuple[Flag, ...]:
        return tuple(flag for flag in Flag if flag in {*measure.flags, Flag.EDITED})

    base = replace(known, notes=()) if plane.reason else plane
    marked = [replace(measure, flags=flags(measure)) for measure in measures]
    return replace(base, cells=cells_of(marked, base.provenance))


def _content(path: Path, found: ImageRecord) -> str:
    return content_of(path) if found.image.path else found.input_sha256
