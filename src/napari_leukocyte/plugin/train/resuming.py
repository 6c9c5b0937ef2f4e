"""What a run was started with, kept beside its model until it is complete, so that Resume asks for nothing."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, exists, make_folder, set_aside
from napari_leukocyte.core.fine_tuning.decision import read_decision
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.progress_file import is_resumable
from napari_leukocyte.core.schema import read_object

__all__ = ["forget_run", "interrupted_runs", "remember_run"]

_ENDING = ".run.json"


def remember_run(parameters: FineTuneParameters) -> None:
    """Keep a run's parameters.

    Raises
    ------
    LeukocyteError
        When the models folder cannot be made or written to.
    """
    out = Path(parameters.out)
    make_folder(out.parent)
    if exists(_path(out)):
        try:
            _remembered(_path(out), out.parent)
        except LeukocyteError:  # nothing that cannot be read is replaced
            set_aside(_path(out))
    with atomic_path(_path(out)) as temporary:
        temporary.write_text(json.dumps(asdict(parameters) | {"out": out.name}, indent=1) + "\n", encoding="utf-8")


def forget_run(out: Path) -> None:
    """Forget a run that is complete, or never began."""
    with contextlib.suppress(OSError):
        _path(out).unlink(missing_ok=True)


def interrupted_runs(models_folder: Path) -> tuple[FineTuneParameters, ...]:
    """Runs that were cut off and can go on; one whose model was accepted or rejected meanwhile is over."""
    found = []
    for path in sorted(models_folder.glob(f"*{_ENDING}")):
        with contextlib.suppress(LeukocyteError):  # damaged, or of another version
            run = _remembered(path, models_folder)
            if is_resumable(run.out) and not _decided(run.out):
                found.append(run)
    return tuple(found)


def _remembered(path: Path, models_folder: Path) -> FineTuneParameters:
    fields = read_object(path)
    return FineTuneParameters(
        out=models_folder / Path(fields.text("out")).name,
        start=fields.text("start"),
        name=fields.text("name"),
        epochs=fields.whole("epochs", low=1),
        patience=fields.whole("patience", low=0),
        learning_rate=fields.number("learning_rate"),
        device=fields.text("device"),
        seed=fields.whole("seed", low=0),
    )


def _decided(out: Path) -> bool:
    try:
        decision = read_decision(out)
    except LeukocyteError:  # damaged: decided again when the run is complete
        return False
    return decision is not None and decision.decision != "candidate"


def _path(out: Path) -> Path:
    return out.with_name(out.stem + _ENDING)
