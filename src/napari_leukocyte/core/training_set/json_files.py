"""JSON files of a training set: written in one step, read with a sentence for everything that may be wrong."""

import json
import math
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path

__all__ = ["FORMAT", "Fields", "NewerFormatError", "read_json", "read_text_of", "write_json"]

FORMAT = 1  # what this version writes; it reads this one and all before it

T = TypeVar("T")
K = TypeVar("K", bound=str)


class NewerFormatError(LeukocyteError):
    """A newer version of the plugin wrote it; nothing is wrong with it."""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file with its format version in one step; an old file of the name is replaced.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    text = json.dumps({"format": FORMAT, **content}, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> "Fields":
    """Read a JSON file that `write_json` of this or an older version wrote.

    Raises
    ------
    LeukocyteError
        When it is missing, damaged, without a format version, or of a newer version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LeukocyteError(f"{path} does not exist; restore it from a copy.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LeukocyteError(f"{path} cannot be read; restore it from a copy.") from error
    return read_text_of(text, str(path))


def read_text_of(text: str, name: str) -> "Fields":
    """Read what such a file holds; ``name`` is what the sentences call it, `read_json` says what it raises."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise LeukocyteError(f"{name} is damaged (no valid JSON); restore it from a copy.") from error
    fields = Fields(content if isinstance(content, dict) else {}, name)
    if fields.format > FORMAT:
        raise NewerFormatError(
            f"{name} is of format {fields.format}, written by a newer napari-leukocyte (this one reads up to "
            f"{FORMAT}): update the plugin."
        )
    return fields


class Fields:
    """The fields of a JSON object, each asked for by its type; a wrong one is told in words."""

    def __init__(self, content: Mapping[str, Any], name: str) -> None:
        self._content, self._name = content, name
        self.format = self.whole("format", low=0)

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str) -> str:
        """A text."""
        return self._take(key, "a text", lambda value: value if isinstance(value, str) else None)

    def truth(self, key: str) -> bool:
        """Yes or no."""
        return self._take(key, "true or false", lambda value: value if isinstance(value, bool) else None)

    def whole(self, key: str, *, low: int, high: int | None = None) -> int:
        """A whole number of at least ``low`` and, unless None, at most ``high``."""
        what = f"a whole number from {low}" + ("" if high is None else f" to {high}")
        return self._take(key, what, lambda value: int(value) if _is_whole(value, low, high) else None)

    def whole_or_none(self, key: str, *, low: int, high: int | None = None) -> int | None:
        """As `whole`, or null."""
        return None if self._is_null(key) else self.whole(key, low=low, high=high)

    def positive_or_none(self, key: str) -> float | None:
        """A number above 0, or null."""
        if self._is_null(key):
            return None
        return self._take(key, "a number above 0, or null", lambda value: _number(value) if _above_0(value) else None)

    def moment(self, key: str) -> datetime:
        """A date with time and time zone."""
        return self._take(key, "a date with time and time zone", _moment)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return self._take(key, "a list of texts", _texts)

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers above 0."""
        return self._take(key, "a list of whole numbers", _wholes)

    def counts(self, key: str, names: Collection[K]) -> dict[K, int]:
        """Whole numbers from 0, one for each of some names."""

        def take(value: Any) -> dict[K, int] | None:
            if not isinstance(value, dict) or set(value) != set(names):
                return None
            return value if all(_is_whole(one, 0, None) for one in value.values()) else None

        return self._take(key, f"whole numbers from 0 by {', '.join(names)}", take)

    def by_cell(self, key: str, read: Callable[[Any], T | None], what: str) -> dict[int, T]:
        """Something for each of some cells; ``read`` returns None for what it does not take."""

        def take(value: Any) -> dict[int, T] | None:
            if not isinstance(value, dict):
                return None
            found = {cell: read(one) for cell, one in value.items()}
            if not all(_is_cell(cell) and one is not None for cell, one in found.items()):
                return None
            return {int(cell): one for cell, one in found.items() if one is not None}

        return self._take(key, f"{what} by cell number", take)

    def _is_null(self, key: str) -> bool:
        return key in self._content and self._content[key] is None

    def _take(self, key: str, what: str, read: Callable[[Any], T | None]) -> T:
        if key not in self._content:
            raise LeukocyteError(f"{self._name} does not state '{key}' ({what}); restore it from a copy.")
        value = read(self._content[key])
        if value is None:
            shown = json.dumps(self._content[key])[:40]
            raise LeukocyteError(f"{self._name} states {shown} as '{key}', which should be {what}; correct it.")
        return value


def _is_whole(value: Any, low: int, high: int | None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low and (high is None or value <= high)


def _above_0(value: Any) -> bool:
    number = _number(value)
    return number is not None and number > 0


def _number(value: Any) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if plain else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if moment.tzinfo is None else moment


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _wholes(value: Any) -> tuple[int, ...] | None:
    return tuple(value) if isinstance(value, list) and all(_is_whole(one, 1, None) for one in value) else None


def _is_cell(key: Any) -> bool:
    return isinstance(key, str) and key.isascii() and key.isdecimal() and int(key) > 0
