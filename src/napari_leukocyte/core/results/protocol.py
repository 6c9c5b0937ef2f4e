"""A protocol: the choices that all measurements of a study are made with, saved once and held to ever after."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.schema import read_object

__all__ = ["Protocol", "protocol_of", "read_protocol", "write_protocol"]

_FORMAT = 1
_MEND = "restore it from a copy, or make a new one"


@dataclass(frozen=True)
class Protocol:
    """The choices, the version of the program that made them, and how groups are told ("" where nobody said)."""

    settings: ResultSettings
    program: str = __version__
    groups: str = ""

    def refuse_others(self, settings: ResultSettings) -> None:
        """Refuse what is not as the protocol has it.

        Raises
        ------
        LeukocyteError
            When the version, the engine or anything that changes results differs; it names all of it.
        """
        found = settings.differences(self.settings)
        if settings.engine != self.settings.engine:
            found.append(f"the engine {settings.engine} instead of {self.settings.engine}")
        if self.program != __version__:
            found.append(f"version {__version__} of the program instead of {self.program}")
        if found:
            raise LeukocyteError(f"The protocol has other settings: {'; '.join(found)}. Use those, or a new protocol.")


def protocol_of(folder: Path, *, groups: str = "") -> Protocol:
    """Take the choices that the results of a folder were made with.

    Raises
    ------
    LeukocyteError
        When it has no record, its images were made with different choices, or saved from napari, where each image has
        its own.
    """
    record = read_record(folder)
    settings = {} if record is None else dict.fromkeys(image.settings for image in record.each_done())
    if not settings or None in settings:
        raise LeukocyteError(f"{folder} has no results whose choices are known: give a folder that segment wrote.")
    first, *others = (one for one in settings if one is not None)
    if others:
        differences = "; ".join(others[0].differences(first)) or "the engine differs"
        raise LeukocyteError(
            f"The results in {folder} were made with different choices ({differences}): segment all of them alike."
        )
    return Protocol(first, groups=groups)


def write_protocol(protocol: Protocol, path: Path) -> None:
    """Write a protocol; a file that is there is never replaced, as somebody may hold to it.

    Raises
    ------
    LeukocyteError
        When it is there, or cannot be written.
    """
    if path.exists():
        raise LeukocyteError(f"{path} is there, and a protocol does not change: give a new name.")
    content = {"program": protocol.program, "groups": protocol.groups, "settings": asdict(protocol.settings)}
    text = json.dumps({"format": _FORMAT, **content, "sha256": _hash(content)}, indent=1, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_protocol(path: Path) -> Protocol:
    """Read a protocol.

    Raises
    ------
    LeukocyteError
        When it is none, was changed since it was written, or comes from a newer version.
    """
    fields = read_object(path, mend=_MEND, format_key="format", known=_FORMAT)
    settings, program, groups = fields.free("settings"), fields.text("program"), fields.text("groups")
    if fields.text("sha256") != _hash({"program": program, "groups": groups, "settings": settings}):
        raise LeukocyteError(f"{path} was changed since it was saved, and a protocol is locked: {_MEND}.")
    try:
        return Protocol(ResultSettings.from_json(settings), program, groups)
    except (KeyError, ValueError) as error:
        raise LeukocyteError(f"{path} does not state {error} as a protocol does: {_MEND}.") from error


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
