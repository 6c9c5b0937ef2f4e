"""A day at the microscope with real mouse and key events, as benchmarks/day.py goes through it, which checks itself."""

from types import SimpleNamespace

import pytest
from qtpy.QtWidgets import QFileDialog

from day import STEPS, Day, table_of


@pytest.fixture
def dialog(monkeypatch):
    """What the person picks in the next file dialog: nothing else of a dialog is replaced."""
    dialog = SimpleNamespace(path=None)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(dialog.path))
    for asked in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, asked, lambda *_args, **_options: (str(dialog.path), ""))
    return dialog


def test_the_day_is_gone_through(make_napari_viewer, dialog, model, short_training, tmp_path, qtbot):
    day = Day(tmp_path, model, lambda: make_napari_viewer(show=True), dialog)
    try:
        for step in STEPS:
            step(day)
    finally:
        day.watch.end()
        print(table_of(day.steps))
    by_keys = next(step for step in day.steps if step.name.startswith("a field"))
    assert by_keys.counts["keys"] == 28  # one for each cell, and one for a mark
