"""Headers and records in JSON: each field is asked for by its type, and the sentence about a wrong one names it.

All that the plugin reads back comes through here: what anybody may have edited, cut off, or made to do harm.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from napari_leukocyte.core.errors import LeukocyteError, NewerFormatError
from napari_leukocyte.core.files import read_text

__all__ = ["Fields", "object_from", "parse_json", "read_object"]

T = TypeVar("T")
K = TypeVar("K", bound=str)

_DEEPEST = 50  # objects and lists in each other; no file of ours has ten
_NO_TEXT = re.compile(
    "[\0\ud800-\udc7f\udd00-\udfff]"
)  # the surrogates between carry bytes of file names that are no UTF-8


def parse_json(text: str) -> Any:
    """Parse JSON that is not nested deeper than any file of ours.

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    layer = [value]
    for _ in range(_DEEPEST):
        layer = [part for one in layer if isinstance(one, dict | list) for part in _parts(one)]
        if not layer:
            return value
    raise ValueError("nested too deep")


def object_from(
    text: str, name: str, *, mend: str = "restore it from a copy", format_key: str = "", known: int = 0
) -> "Fields":
    """Take a text for a JSON object.

    Parameters
    ----------
    text : str
        The JSON.
    name : str
        What the sentences call it.
    mend : str
        What to do when it is damaged, the end of the sentences.
    format_key : str
        The field with its format version; empty when it has none.
    known : int
        The newest format that is understood.

    Raises
    ------
    NewerFormatError
        When a newer version of the plugin wrote it.
    LeukocyteError
        When it is no JSON object, or does not state its format.
    """
    try:
        content = parse_json(text)
    except ValueError as error:
        raise LeukocyteError(f"{name} is damaged (no valid JSON): {mend}.") from error
    if not isinstance(content, dict):
        raise LeukocyteError(f"{name} is damaged (no JSON object): {mend}.")
    fields = Fields(content, name, mend)
    if format_key:
        fields.format = fields.whole(format_key, low=0)
        if fields.format > known:
            raise NewerFormatError(
                f"{name} is of format {fields.format}, written by a newer napari-leukocyte (this one reads up to "
                f"{known}): update the plugin."
            )
    return fields


def read_object(path: Path, **how: Any) -> "Fields":
    """Read a file that holds a JSON object; ``how`` is as for `object_from`, which says what it raises.

    Raises
    ------
    UnreadableError
        When the system does not let it be read.
    """
    return object_from(read_text(path), str(path), **how)


class Fields:
    """The fields of a JSON object; a wrong one is told in words.

    Parameters
    ----------
    content
        The object.
    name
        What the sentences call it.
    mend
        What to do when it is damaged, their end.
    above
        Where it lies in a larger object, for instance ``training.``.

    Attributes
    ----------
    format
        Format version; 0 where none is asked for.
    """

    def __init__(self, content: Mapping[str, Any], name: str, mend: str, above: str = "") -> None:
        self._content, self._name, self._mend, self._above = content, name, mend, above
        self.format = 0

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def keys(self) -> Collection[str]:
        """The names of the fields."""
        return self._content.keys()

    def only(self, *keys: str) -> None:
        """Refuse other fields: a misspelt one would otherwise be none."""
        for key in self._content.keys() - set(keys):
            raise LeukocyteError(f"{self._name} states '{self._above}{key}', which it cannot have: {self._mend}.")

    def text(self, key: str, *, filled: bool = False) -> str:
        """A text without NUL; ``filled``: not an empty one."""
        what = "a text that is not empty" if filled else "a text"

        def read(value: Any) -> str | None:
            return value if isinstance(value, str) and _is_text(value) and (value or not filled) else None

        return self.take(key, what, read)

    def truth(self, key: str) -> bool:
        """Yes or no."""
        return self.take(key, "true or false", lambda value: value if isinstance(value, bool) else None)

    def whole(self, key: str, *, low: int, high: int = 2**53) -> int:
        """A whole number of at least ``low`` and at most ``high``."""
        what = f"a whole number from {low}" + ("" if high == 2**53 else f" to {high}")

        def read(value: Any) -> int | None:
            return value if isinstance(value, int) and _is_whole(value, low, high) else None

        return self.take(key, what, read)

    def whole_or_none(self, key: str, *, low: int, high: int = 2**53) -> int | None:
        """As `whole`, or null."""
        return None if self._is_null(key) else self.whole(key, low=low, high=high)

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number of at least ``low`` and at most ``high``."""
        limits = "" if low == -math.inf else f" from {low:g}" + ("" if high == math.inf else f" to {high:g}")

        def read(value: Any) -> float | None:
            number = _number(value)
            return number if number is not None and low <= number <= high else None

        return self.take(key, f"a number{limits}", read)

    def number_or_nan(self, key: str) -> float:
        """A finite number; null is NaN."""
        return math.nan if self._is_null(key) else self.number(key)

    def positive_or_none(self, key: str) -> float | None:
        """A number above 0, or null."""
        if self._is_null(key):
            return None
        return self.take(key, "a number above 0, or null", lambda value: _number(value) if _above_0(value) else None)

    def moment(self, key: str) -> datetime:
        """A date with time and time zone."""
        return self.take(key, "a date with time and time zone", _moment)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return self.take(key, "a list of texts", _texts)

    def wholes(self, key: str, *, high: int = 2**53, least: int = 0, most: int = 1000) -> tuple[int, ...]:
        """A list of ``least`` to ``most`` whole numbers from 1 to ``high``."""
        what = "a list of " + (f"{least} to {most} " if least else "") + "whole numbers"
        what += "" if high == 2**53 else f" from 1 to {high}"

        def read(value: Any) -> tuple[int, ...] | None:
            fits = isinstance(value, list) and least <= len(value) <= most
            return tuple(value) if fits and all(_is_whole(one, 1, high) for one in value) else None

        return self.take(key, what, read)

    def within(self, key: str) -> "Fields":
        """The fields of an object in it."""
        content = self.take(key, "an object", lambda value: value if isinstance(value, dict) else None)
        return Fields(content, self._name, self._mend, f"{self._above}{key}.")

    def within_or_none(self, key: str) -> "Fields | None":
        """The fields of an object in it; None where there is none, or null."""
        return None if key not in self._content or self._is_null(key) else self.within(key)

    def objects(self, key: str) -> list["Fields"]:
        """The fields of each object of a list; none where there is no list, or null."""
        if key not in self._content or self._is_null(key):
            return []
        found = self.take(key, "a list of objects", lambda value: value if _are_objects(value) else None)
        return [Fields(one, self._name, self._mend, f"{self._above}{key}.{i}.") for i, one in enumerate(found)]

    def free(self, key: str) -> dict[str, Any]:
        """An object of whatever fields."""
        return self.take(key, "an object", lambda value: value if isinstance(value, dict) else None)

    def counts(self, key: str, names: Collection[K]) -> dict[K, int]:
        """Whole numbers from 0, one for each of some names."""

        def read(value: Any) -> dict[K, int] | None:
            if not isinstance(value, dict) or set(value) != set(names):
                return None
            return value if all(_is_whole(one, 0, 2**53) for one in value.values()) else None

        return self.take(key, f"whole numbers from 0 by {', '.join(names)}", read)

    def by_cell(self, key: str, read: Callable[[Any], T | None], what: str) -> dict[int, T]:
        """Something for each of some cells; ``read`` returns None for what it does not take."""

        def take(value: Any) -> dict[int, T] | None:
            if not isinstance(value, dict):
                return None
            found = {cell: read(one) for cell, one in value.items()}
            if not all(_is_cell(cell) and one is not None for cell, one in found.items()):
                return None
            return {int(cell): one for cell, one in found.items() if one is not None}

        return self.take(key, f"{what} by cell number", take)

    def take(self, key: str, what: str, read: Callable[[Any], T | None]) -> T:
        """What ``read`` makes of a field, ``what`` it should be in words; ``read`` returns None for what it is not.

        Raises
        ------
        LeukocyteError
            When it does, or there is no such field.
        """
        if key not in self._content:
            raise LeukocyteError(f"{self._name} does not state '{self._above}{key}' ({what}): {self._mend}.")
        value = read(self._content[key])
        if value is None:
            shown = json.dumps(self._content[key])
            shown = shown if len(shown) <= 40 else f"{shown[:40]} …"
            raise LeukocyteError(
                f"{self._name} states {shown} as '{self._above}{key}', which should be {what}: {self._mend}."
            )
        return value

    def _is_null(self, key: str) -> bool:
        return key in self._content and self._content[key] is None


def _parts(value: dict[str, Any] | list[Any]) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _NO_TEXT.search(value) is None


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _above_0(value: Any) -> bool:
    number = _number(value)
    return number is not None and number > 0


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    # the ends of the calendar cannot be told in every time zone
    return moment if moment.tzinfo is not None and 1900 <= moment.year <= 9000 else None


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and all(map(_is_text, value)) else None


def _is_cell(key: Any) -> bool:
    return isinstance(key, str) and re.fullmatch("[1-9][0-9]{0,9}", key, re.ASCII) is not None
