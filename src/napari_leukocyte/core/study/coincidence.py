"""Where a group coincides with how its images were made, so that a difference between groups may come from that."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import combinations

from napari_leukocyte.core.study.placed import PlacedCell

__all__ = ["coincidence_warnings"]

_MADE_BY = {
    "pixel_size_um": "pixel size",
    "image_size": "image size",
    "model": "model",
    "model_sha256": "weights",
    "engine": "engine",
    "precision": "precision",
}
_SHOWN = 4

_Values = dict[str, set[str]]


def coincidence_warnings(cells: Iterable[PlacedCell], groups: Sequence[str]) -> list[str]:
    """Sentences on pairs of groups that share no value of something that is known of both.

    What is looked at: pixel size, model, weights, engine and precision as the tables state them, image size, and all
    that the sample sheet has (scanner, stain and batch, dates, ...). Numbers and dates coincide where the ranges of
    two groups lie apart; words where the groups have none in common, and one is shared by several patients (or images,
    where no patient is known) at all.

    Parameters
    ----------
    cells : iterable of PlacedCell
        Of the study.
    groups : sequence of str
        In their order.
    """
    images = {one.cell.image: one for one in cells}  # of an image all cells are made alike
    known: dict[str, dict[str, _Values]] = {}  # by what, group and unit
    for image, one in images.items():
        facts = {words: one.cell.made_by.get(key, "") for key, words in _MADE_BY.items()}
        facts |= one.sample.facts
        unit = one.sample.patient or image.path
        for what, value in facts.items():
            if value:
                known.setdefault(what, {}).setdefault(one.sample.group, {}).setdefault(unit, set()).add(value)
    if _same_pairs(known.get("model", {}), known.get("weights", {})):
        known.pop("weights")  # one sentence is enough for one model
    found = []
    for what, own in known.items():
        for first, second in combinations([group for group in groups if group in own], 2):
            a, b = own[first], own[second]
            if _coincide(a, b):
                found.append(
                    f"{first} and {second} differ in {what} throughout ({_shown(a)} against {_shown(b)}): a difference "
                    "between them may come from that."
                )
    return found


def _coincide(a: _Values, b: _Values) -> bool:
    first, second = set[str]().union(*a.values()), set[str]().union(*b.values())
    if first & second:
        return False
    ranks = [_rank(value) for value in first], [_rank(value) for value in second]
    if all(rank is not None for own in ranks for rank in own):
        x, y = ([rank for rank in own if rank is not None] for own in ranks)
        if max(x) < min(y) or max(y) < min(x):
            return True
    return len(first | second) < len(a) + len(b)


def _rank(value: str) -> float | None:
    """A number or a date (2026-03-04) as a number; None for words."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?", value, re.ASCII):
        try:
            return float(date.fromisoformat(value[:10]).toordinal())
        except ValueError:
            return None
    return float(value.replace(",", ".")) if re.fullmatch(r"[0-9]+([.,][0-9]+)?", value, re.ASCII) else None


def _same_pairs(models: dict[str, _Values], weights: dict[str, _Values]) -> bool:
    return bool(weights) and all(
        _coincide(models[one], models[other]) or not _coincide(weights[one], weights[other])
        for one, other in combinations([group for group in weights if group in models], 2)
    )


def _shown(own: _Values) -> str:
    values = sorted(set[str]().union(*own.values()))
    short = [value[:12] + "…" if re.fullmatch(r"[0-9a-f]{64}", value) else value for value in values[:_SHOWN]]
    return ", ".join(short) + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")
