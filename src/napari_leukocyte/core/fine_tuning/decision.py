"""What the user decided about a model: a small file beside it, and a line in its card."""

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists, read_text, set_aside
from napari_leukocyte.core.fine_tuning.progress_file import remove_run
from napari_leukocyte.core.schema import read_object

__all__ = ["Choice", "Decision", "card_path", "decide", "decision_path", "read_decision"]

Choice = Literal["accepted", "rejected", "candidate"]
_LINE = "- **Decision**: "


@dataclass(frozen=True)
class Decision:
    """Accepted, rejected or kept as a candidate; ``by`` whom (may be empty) and when (ISO 8601, UTC)."""

    decision: Choice
    by: str
    date: str


def card_path(model_path: Path) -> Path:
    """Where the card of a weight file lies."""
    return Path(model_path).with_suffix(".md")


def decision_path(model_path: Path) -> Path:
    """Where the decision on a weight file lies."""
    return Path(model_path).with_suffix(".decision.json")


def decide(model_path: Path, decision: Choice, by: str = "") -> Decision:
    """Record a decision, in place of an earlier one; one that cannot be read is set aside.

    The weight file itself stays bit for bit, so that its hash, which tables name, stays too. A stopped run whose model
    is accepted or rejected is over: what it would need to go on is removed.

    Raises
    ------
    LeukocyteError
        When there is no such weight file, its card cannot be read, or nothing can be written beside it.
    """
    if decision not in get_args(Choice):
        raise LeukocyteError(f"There is no decision {decision!r}: use accepted, rejected or candidate.")
    if not Path(model_path).is_file():
        raise LeukocyteError(f"There is no model {model_path} to decide about: choose a weight file.")
    made = Decision(decision, by.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
    card = card_path(model_path)
    lines = read_text(card).splitlines() if exists(card) else None
    try:
        read_decision(model_path)
    except LeukocyteError:  # nothing that cannot be read is replaced
        set_aside(decision_path(model_path))
    with atomic_path(decision_path(model_path)) as temporary:
        temporary.write_text(json.dumps(asdict(made), indent=1) + "\n", encoding="utf-8")
    if lines is not None:
        line = f"{_LINE}{made.decision}, {made.date[:10]}" + (f", by {made.by}" if made.by else "")
        at = next((i for i, old in enumerate(lines) if old.startswith(_LINE)), None)
        if at is None:
            lines += ["", line]
        else:
            lines[at] = line
        with atomic_path(card) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if decision != "candidate":
        with contextlib.suppress(LeukocyteError):  # the decision holds all the same
            remove_run(Path(model_path))
    return made


def read_decision(model_path: Path) -> Decision | None:
    """Return what was decided about a weight file; None when nothing was.

    Raises
    ------
    LeukocyteError
        When the file is there but damaged.
    """
    path = decision_path(model_path)
    if not exists(path):
        return None
    fields = read_object(path, mend="decide again about the model")
    decision: Choice = fields.take("decision", "accepted, rejected or candidate", _choice)
    return Decision(decision, fields.text("by"), fields.text("date"))


def _choice(value: Any) -> Choice | None:
    return next((one for one in get_args(Choice) if one == value), None)
