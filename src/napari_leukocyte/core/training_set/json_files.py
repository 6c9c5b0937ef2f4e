"""JSON files of a training set: written in one step, with their format version."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.schema import Fields, object_from, read_object

__all__ = ["FORMAT", "read_json", "read_text_of", "write_json"]

FORMAT = 1  # what this version writes; it reads this one and all before it
_MEND = "correct it, or restore it from a copy"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file with its format version in one step; an old file of the name is replaced.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    text = json.dumps({"format": FORMAT, **content}, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        # bytes of a file name that are no UTF-8 are escaped, as JSON does it
        temporary.write_bytes(f"{text}\n".encode(errors="backslashreplace"))


def read_json(path: Path) -> Fields:
    """Read a JSON file that `write_json` of this or an older version wrote.

    Raises
    ------
    LeukocyteError
        When it cannot be read, is missing, damaged, without a format version, or of a newer version.
    """
    return read_object(path, mend=_MEND, format_key="format", known=FORMAT)


def read_text_of(text: str, name: str) -> Fields:
    """Read what such a file holds; ``name`` is what the sentences call it, `read_json` says what it raises."""
    return object_from(text, name, mend=_MEND, format_key="format", known=FORMAT)
