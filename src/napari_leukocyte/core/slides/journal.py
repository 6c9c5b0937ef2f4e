"""Changes of a slide's label maps, all or none of them, whatever ends the program in the middle.

The parts of the maps that change are written beside them, with a list of what belongs where (`commit`). From then on
they count: what a kill leaves is put in its place by the next who opens the folder.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, flush_folder, refusal
from napari_leukocyte.core.results.record import SLIDE_MAPS, ImageRecord, ResultsRecord
from napari_leukocyte.core.results.record_json import image_line, take_line
from napari_leukocyte.core.results.writer import ResultWriter

__all__ = ["begin", "commit", "discard", "finish", "finish_interrupted", "writer_of"]

_STAGE, _LIST = ".correcting", "commit.json"


def writer_of(folder: Path) -> ResultWriter:
    """The one writer of a slide's results, to be used as a context; it finishes what a kill interrupted first.

    Raises
    ------
    LeukocyteError
        When another program writes there, or a hand changed the table.
    """
    writer = ResultWriter(folder, [], going_on=True, advice="move it away, or restore it")
    try:
        finish(folder, writer)
    except BaseException as error:
        writer.__exit__(type(error), error, None)
        raise
    return writer


def begin(folder: Path) -> Path:
    """An empty folder for the parts that change, at the same names as in the maps.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    stage = folder / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
    except OSError as error:
        raise LeukocyteError(f"{folder} cannot be written to: {refusal(error)}.") from error
    return stage / SLIDE_MAPS


def commit(folder: Path, parts: Mapping[str, str], image: ImageRecord) -> None:
    """What was written there counts from now on.

    Parameters
    ----------
    parts
        Hashes by name of files of the maps; an empty one: the file goes.
    image
        The slide's new line of the record.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    stage = folder / _STAGE
    content = {"parts": dict(parts), "line": image_line(image)}
    try:
        for name, code in parts.items():
            if code:
                with (stage / SLIDE_MAPS / name).open("rb+") as file:
                    os.fsync(file.fileno())
        with atomic_path(stage / _LIST) as temporary:
            temporary.write_text(json.dumps(content), encoding="ascii")
    except OSError as error:
        raise LeukocyteError(f"{folder} cannot be written to: {refusal(error)}; nothing was changed.") from error


def discard(folder: Path) -> None:
    """Leave all as it was."""
    (folder / _STAGE / _LIST).unlink(missing_ok=True)
    shutil.rmtree(folder / _STAGE, ignore_errors=True)


def finish(folder: Path, writer: ResultWriter) -> bool:
    """Put what counts in its place, and the line in the record, unless they are there; returns whether anything did.

    Raises
    ------
    LeukocyteError
        When the system refuses; the next call goes on.
    """
    stage = folder / _STAGE
    try:
        content = json.loads((stage / _LIST).read_text(encoding="ascii"))
        record = ResultsRecord()
        take_line(record, content["line"])
        (image,) = record.images.values()
        parts = {str(name): str(code) for name, code in content["parts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # it does not count yet
        discard(folder)
        return False
    known = writer.record.last(image.image.stem)
    if known is None or image_line(known) != image_line(image):
        writer.keep(image)
    try:
        for name, code in parts.items():
            place, part = folder / SLIDE_MAPS / name, stage / SLIDE_MAPS / name
            if not code:
                place.unlink(missing_ok=True)
            elif part.exists():  # else it is in its place already
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(part, place)  # noqa: PTH105 - atomic on every system
                flush_folder(place.parent)
    except OSError as error:
        raise LeukocyteError(
            f"The corrections in {folder} are kept, but not in their place yet ({refusal(error)}): open it again."
        ) from error
    discard(folder)
    return True


def finish_interrupted(folder: Path) -> None:
    """Finish what a kill left in a folder that is about to be read.

    Raises
    ------
    LeukocyteError
        When another program writes there, or the system refuses.
    """
    if (folder / _STAGE / _LIST).is_file():
        with writer_of(folder):
            pass
