"""Images that a start model was trained on: they prove nothing about it, before or after, by whatever split."""

from collections.abc import Collection, Mapping
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.plan import Plan
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["SEEN_BEFORE", "describe_known", "known_images", "known_judges", "known_versions"]

SEEN_BEFORE = "seen_before"  # key of the header: mask versions that trained the models it started from


def known_versions(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Mask versions that trained a model or chose its epoch, and those of the models that it started from.

    Parameters
    ----------
    training
        ``ModelInfo.training``; shipped models name no mask.

    Raises
    ------
    LeukocyteError
        When the header is damaged.
    """
    try:
        data = training.get("data") or {}
        found = [dict(one) for key in ("masks", SEEN_BEFORE) for one in data.get(key) or ()]
        if all(isinstance(one["name"], str) for one in found):
            return found
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise LeukocyteError("The header of the start model does not say which masks trained it: choose another start.")


def known_images(training: Mapping[str, Any]) -> frozenset[str]:
    """Names of the images of `known_versions`."""
    return frozenset(one["name"] for one in known_versions(training))


def known_judges(plan: Plan, names: Collection[str]) -> tuple[TrainingItem, ...]:
    """The judging images of a plan that are known, themselves or by another one of their group."""
    groups = {item.group for item in (*plan.training, *plan.locked) if item.name in names}
    return tuple(item for item in plan.judges if item.group in groups)


def describe_known(start: str, plan: Plan, names: Collection[str]) -> str:
    """Warn, before a run, of judging images that the start knows; empty when it knows none."""
    known, judges = len(known_judges(plan, names)), len(plan.judges)
    if not known:
        return ""
    number = f"all of the {judges}" if known == judges else f"{known} of the {judges}"
    left = "so nothing is left to judge by" if known == judges else "so they are shown apart and do not count"
    return (
        f"{start} was trained on {number} images that are to judge, or on others of their slides: neither before nor "
        f"after are they unseen, {left}. Start from a shipped model to judge on all of them."
    )
