"""The user's own models: what trained each, how it compared with its start, and what was decided about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison
from napari_leukocyte.core.fine_tuning.decision import Decision, read_decision
from napari_leukocyte.core.fine_tuning.plan import known_images

__all__ = ["MaskVersion", "OwnModel", "own_models", "read_own_model"]

MaskVersion = tuple[str, int, str]
"""Name, number and sha256 of an accepted mask."""


@dataclass(frozen=True)
class OwnModel:
    """A weight file of the user's.

    Attributes
    ----------
    path
        The file.
    masks
        The exact mask versions that trained it or chose its epoch.
    before_after
        Its comparison with the model that it started from; None when the run was stopped before that.
    decision
        What was decided about it; None when nothing was.
    validated_on
        ``training part`` or ``validation part``: what chose its best epoch.
    changed
        When the file was written, in seconds since 1970.
    seen_before
        Names of the images that trained the models it started from.
    """

    path: Path
    masks: frozenset[MaskVersion]
    before_after: BeforeAfter | None
    decision: Decision | None
    validated_on: str
    changed: float
    seen_before: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Names of the images that trained it, or a model that it came from."""
        return self.seen_before | {name for name, _, _ in self.masks}

    @property
    def name(self) -> str:
        """What it is called in lists."""
        return self.path.stem

    @property
    def state(self) -> str:
        """Accepted, rejected or candidate, which is also what nobody has decided about."""
        return "candidate" if self.decision is None else self.decision.decision


def own_models(paths: Iterable[Path]) -> tuple[tuple[OwnModel, ...], tuple[str, ...]]:
    """Read the headers of weight files, the newest first; a sentence for each that cannot be read."""
    models, problems = [], []
    for path in paths:
        try:
            models.append(read_own_model(path))
        except LeukocyteError as error:
            problems.append(str(error))
    return tuple(sorted(models, key=lambda model: model.changed, reverse=True)), tuple(problems)


def read_own_model(path: Path) -> OwnModel:
    """Read the header of a weight file. torch is imported here.

    Raises
    ------
    LeukocyteError
        When it is none of ours, or damaged.
    """
    from napari_leukocyte.core.model.weights import read_info

    info = read_info(path)
    try:
        data = info.training.get("data") or {}
        masks = frozenset((one["name"], one["version"], one["sha256"]) for one in data.get("masks", ()))
        seen_before = known_images(info.training)
        stored = info.scores.get("before_after")
        before_after = None if stored is None else _before_after(stored)
        changed = path.stat().st_mtime
    except (AttributeError, KeyError, TypeError, OSError) as error:
        raise LeukocyteError(f"The header of {path} is incomplete or damaged: choose another weight file.") from error
    validated_on = str(info.training.get("validated_on", ""))
    return OwnModel(path, masks, before_after, read_decision(path), validated_on, changed, seen_before)


def _before_after(stored: Mapping[str, Any]) -> BeforeAfter:
    guard = _comparison(stored["guard"])
    if guard is None:
        raise KeyError("guard")
    return BeforeAfter(
        stored["basis"],
        stored["folds"],
        _comparison(stored["own"]),
        _comparison(stored["unedited"]),
        guard,
        _comparison(stored.get("seen")),  # of an older version: not known
        _comparison(stored.get("gestures")),  # likewise
    )


def _comparison(stored: Mapping[str, Any] | None) -> Comparison | None:
    if stored is None:
        return None
    classes = {key: {name: _change(one) for name, one in stored[key].items()} for key in ("iou", "iou_b")}
    figures = {key: _change(stored[key]) for key in ("cnr_error", "cnr_bias", "cnr_off", "coverage", "false_cells")}
    return Comparison(images=stored["images"], **classes, **figures)  # type: ignore[arg-type]


def _change(stored: Mapping[str, Any]) -> Change:
    """NaN is written as null."""
    own: dict[str, Any] = {key: math.nan if value is None else value for key, value in stored.items()}
    return Change(**own)
