"""Whether the images of a list were segmented with the same choices, as far as their provenance tells."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Choices", "choices_of", "made_otherwise"]

_AUTO = "(auto)"


@dataclass(frozen=True)
class Choices:
    """What a person chose before an image was segmented."""

    model: str
    model_sha256: str
    mode: str
    keep: str


def choices_of(provenance: Mapping[str, str]) -> Choices | None:
    """Read the choices from the provenance of a segmentation; None where no model made it.

    Examples
    --------
    >>> made_by = {"model": "default", "model_sha256": "1f", "mode": "binary", "keep": "centre (auto)"}
    >>> choices_of(made_by)
    Choices(model='default', model_sha256='1f', mode='binary', keep='auto')
    """
    if not provenance.get("model"):
        return None
    keep = provenance.get("keep", "")
    return Choices(
        model=provenance["model"],
        model_sha256=provenance.get("model_sha256", ""),
        mode=provenance.get("mode", ""),
        keep="auto" if keep.endswith(_AUTO) else keep,
    )


def made_otherwise(own: Choices | None, last: Choices | None) -> str:
    """Say how an image was segmented otherwise than the last one; empty where it was not, or nobody knows.

    Examples
    --------
    >>> made_otherwise(Choices("default", "1f", "binary", "all"), Choices("default", "1f", "binary", "auto"))
    'Segmented with other choices than the last image: cells kept: all instead of auto.'
    """
    if own is None or last is None:
        return ""
    pairs = (
        ("model", own.model, last.model, (own.model_sha256, own.model) == (last.model_sha256, last.model)),
        ("mode", own.mode, last.mode, own.mode == last.mode),
        ("cells kept", own.keep, last.keep, own.keep == last.keep),
    )
    found = [
        f"{words}: another {words} of this name" if mine == theirs else f"{words}: {mine} instead of {theirs}"
        for words, mine, theirs, same in pairs
        if not same
    ]
    return f"Segmented with other choices than the last image: {', '.join(found)}." if found else ""
