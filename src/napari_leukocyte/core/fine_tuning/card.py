"""The card and the header entries of a fine-tuned model: exact mask versions, start, figures before and after."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter
from napari_leukocyte.core.fine_tuning.before_after_rows import before_after_rows, describe_basis
from napari_leukocyte.core.fine_tuning.calibrate import range_sentence
from napari_leukocyte.core.fine_tuning.decision import card_path
from napari_leukocyte.core.fine_tuning.gate import gate
from napari_leukocyte.core.fine_tuning.plan import SEEN_BEFORE, known_versions
from napari_leukocyte.core.model.card import model_card
from napari_leukocyte.core.model.cnr_range import SCORES_KEY, CnrRange, as_json, find_cnr_range
from napari_leukocyte.core.model.weights import ModelInfo, read_info, replace_info
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["USERS_DATA", "data_summary", "licence_from", "write_card", "write_scores"]

USERS_DATA = "user's data"


def licence_from(start: ModelInfo) -> str:
    """The terms of the start model, and those of the user's own images."""
    return start.licence if USERS_DATA in start.licence else f"{start.licence}; {USERS_DATA}"


def data_summary(
    training: Sequence[TrainingItem],
    validation: Sequence[TrainingItem],
    locked: Sequence[TrainingItem],
    *,
    replayed: int,
    start: ModelInfo,
    start_hash: str,
) -> dict[str, Any]:
    """What goes into the header: every mask version by name, number and hash, the start, and the masks it knew."""
    digest = hashlib.sha256("".join(item.sha256 for item in training).encode())
    masks = [_version(item) for item in (*training, *validation)]
    seen_before: list[dict[str, Any]] = []
    for one in known_versions(start.training):
        if one not in masks and one not in seen_before:
            seen_before.append(one)
    counts = {USERS_DATA: len(training)} | ({"synthetic smears": replayed} if replayed else {})
    return {
        "train": counts,
        "validation": {USERS_DATA: len(validation)} if validation else {},
        "held_out": [_version(item) for item in locked],
        "masks": masks,
        SEEN_BEFORE: seen_before,
        "train_sha256": digest.hexdigest(),
        "split": f"{len(locked)} of {len(training) + len(validation) + len(locked)} images held out, by group",
        "started_from": {"name": start.name, "sha256": start_hash},
    }


def _version(item: TrainingItem) -> dict[str, Any]:
    about = {"name": item.name, "version": item.version, "sha256": item.sha256, "edited": item.edited}
    return about | ({"by_gestures": True} if item.by_gestures else {})


def write_scores(path: Path, before_after: BeforeAfter, cnr_range: CnrRange | None = None) -> None:
    """Put the figures before and after, and the calibrated range, into the header of a weight file, n/a as None."""
    scores = _plain(asdict(before_after)) | {"gate": gate(before_after)}
    calibrated = {} if cnr_range is None else {SCORES_KEY: as_json(cnr_range)}
    replace_info(path, scores={"before_after": scores, **calibrated})


def _plain(value: Any) -> Any:
    """NaN is no JSON."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def write_card(path: Path, before_after: BeforeAfter | None) -> None:
    """Write the card of a weight file beside it; without a comparison it says that there was none."""
    info = read_info(path)
    data = info.training["data"]
    figures = "Not compared yet: the run was stopped before that."
    if before_after is not None:
        told = range_sentence(find_cnr_range(path, "", info))
        judged = [f"- {sentence}" for sentence in (*gate(before_after), told)]
        rows = before_after_rows(before_after)
        figures = "\n".join([describe_basis(before_after), "", *_table(rows), "", *judged])
    masks = [["mask", "version", "sha256", "edited", "use"]]
    for use, key in (
        ("trained or chose the epoch", "masks"),
        ("held out", "held_out"),
        ("trained the start, or what that started from", SEEN_BEFORE),
    ):
        for one in data.get(key, ()):
            edited = "by gestures" if one.get("by_gestures") else "yes" if one.get("edited") else "no"
            masks.append([one["name"], str(one.get("version", "")), one.get("sha256", ""), edited, use])
    text = model_card(
        info, [("Before and after", figures), ("Masks", "\n".join(_table(masks)))], {"Decision": "candidate"}
    )
    with atomic_path(card_path(path)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [body[0], "|" + " --- |" * len(rows[0]), *body[1:]]
