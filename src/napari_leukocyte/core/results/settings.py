"""What must be equal for two results to stand in one list: the choices that change a class map or its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["ResultSettings"]

_WORDS = {
    "model": "the model",
    "mode": "--mode",
    "keep": "--keep",
    "pixel_size": "--pixel-size",
    "default_pixel_size": "--default-pixel-size",
    "precision": "the precision",
}


@dataclass(frozen=True, kw_only=True)
class ResultSettings:
    """The choices of one run; device and number of threads are none of them.

    Attributes
    ----------
    model, model_sha256
        Its name, and the hash of its weights (of its parameters, where it has no weights), which alone counts.
    mode, keep
        As they were asked for, so that ``auto`` stays ``auto``.
    pixel_size, default_pixel_size
        um per px, as they were typed; None: each image's own, or an estimate.
    engine, precision
        What ran the network; only the precision counts.
    """

    model: str
    model_sha256: str
    mode: str
    keep: str
    pixel_size: float | None = None
    default_pixel_size: float | None = None
    engine: str = ""
    precision: str = ""

    def differences(self, other: "ResultSettings") -> list[str]:
        """What differs so that results do, in words, for instance "--keep whole instead of auto".

        >>> first = ResultSettings(model="default", model_sha256="1f", mode="binary", keep="auto", engine="torch")
        >>> first.differences(ResultSettings(model="copy", model_sha256="1f", mode="binary", keep="all"))
        ['--keep auto instead of all']
        """
        found = [
            f"{words} {_shown(getattr(self, name))} instead of {_shown(getattr(other, name))}"
            for name, words in _WORDS.items()
            if name != "model" and getattr(self, name) != getattr(other, name)
        ]
        if self.model_sha256 != other.model_sha256:
            names = (f"{one.model} ({one.model_sha256[:12]})" for one in (self, other))
            found.insert(0, f"{_WORDS['model']} {' instead of '.join(names)}")
        return found

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ResultSettings":
        """Read what ``dataclasses.asdict`` made, back from JSON.

        Raises
        ------
        ValueError, KeyError
            When a field is not there or of another type.
        """
        numbers = ("pixel_size", "default_pixel_size")
        values = {field.name: content[field.name] for field in fields(cls)}
        for name, value in values.items():
            right = _is_number(value) or value is None if name in numbers else isinstance(value, str)
            if not right:
                raise ValueError(name)
        return cls(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
