"""The user's own models: what trained each, how it compared with its start, and what was decided about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable
from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter, Change, Comparison
from napari_leukocyte.core.fine_tuning.decision import Decision, read_decision
from napari_leukocyte.core.fine_tuning.plan import known_images
from napari_leukocyte.core.schema import Fields
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES

__all__ = ["MaskVersion", "OwnModel", "own_models", "read_own_model"]

_Basis = Literal["held-out", "cross-validation", "none"]

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
    name, mend = f"The header of {path}", "choose another weight file"
    training, scores = (Fields(getattr(info, key), name, mend, f"{key}.") for key in ("training", "scores"))
    data, stored = training.within_or_none("data"), scores.within_or_none("before_after")
    masks = [] if data is None else data.objects("masks")
    try:
        changed = path.stat().st_mtime
    except OSError as error:
        raise unreadable(path, error) from error
    return OwnModel(
        path,
        frozenset((one.text("name"), one.whole("version", low=1), one.text("sha256")) for one in masks),
        None if stored is None else _before_after(stored),
        read_decision(path),
        training.text("validated_on") if "validated_on" in training else "",
        changed,
        known_images(info.training),
    )


def _before_after(stored: Fields) -> BeforeAfter:
    guard = _comparison(stored.within("guard"))
    basis: _Basis = stored.take("basis", f"one of {', '.join(get_args(_Basis))}", _basis)
    own, unedited, seen, gestures = (
        None if one is None else _comparison(one)  # the last two are of an older version: not known
        for one in map(stored.within_or_none, ("own", "unedited", "seen", "gestures"))
    )
    return BeforeAfter(basis, stored.whole("folds", low=0), own, unedited, guard, seen, gestures)


def _basis(value: Any) -> _Basis | None:
    return next((one for one in get_args(_Basis) if one == value), None)


def _comparison(stored: Fields) -> Comparison:
    of_classes = {
        key: {name: _change(stored.within(key), name) for name in CLASS_NAMES if name in stored.within(key)}
        for key in ("iou", "iou_b")
    }
    figures = {key: _change(stored, key) for key in ("cnr_error", "cnr_bias", "cnr_off", "coverage", "false_cells")}
    return Comparison(images=stored.whole("images", low=0), **of_classes, **figures)  # type: ignore[arg-type]


def _change(stored: Fields, key: str) -> Change:
    """NaN is written as null."""
    one = stored.within(key)
    before, after, difference, low, high = map(one.number_or_nan, ("before", "after", "difference", "low", "high"))
    return Change(before, after, difference, low, high, one.whole("n", low=0), one.whole("groups", low=0))
