"""The warning of the Measure dock, over a session without a window."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.measure.withheld_note import WithheldNote
from napari_leukocyte.plugin.session import get_session

SHAPE = (60, 300)


@pytest.fixture
def session(crops):
    viewer = ViewerModel()
    session = get_session(viewer)
    session.open_files(list(sources_from_files(sorted(crops(("a", "b"), SHAPE).iterdir()))))
    yield session
    viewer.layers.clear()


def row_of_cells(*, whole):
    """Ten cells; those that are not whole have no nucleus."""
    classes = np.zeros(SHAPE, np.uint8)
    for number in range(10):
        x = 4 + 29 * number
        classes[10:30, x : x + 20] = 1
        if number < whole:
            classes[15:25, x + 5 : x + 15] = 2
    return classes


def test_it_warns_where_images_differ_and_is_still_where_they_do_not(session, segmentation, qtbot):
    note = WithheldNote(session)
    qtbot.addWidget(note)
    for index, whole in ((0, 10), (1, 9)):
        session.put(index, segmentation(row_of_cells(whole=whole)))
    note.look([0, 1])
    note._worker.wait()
    assert note.isHidden()
    session.put(1, segmentation(row_of_cells(whole=1)))
    note.look([0, 1])
    note._worker.wait()
    assert not note.isHidden()
    assert note.text().startswith("Images differ in the share of cells without a CNR: from 0 to 90 %")
    note.look([0])
    note._worker.wait()
    assert note.isHidden()
    note.leave()


def test_what_stops_it_is_said(session, segmentation, qtbot, monkeypatch):
    def full(_cells):
        raise MemoryError

    monkeypatch.setattr("napari_leukocyte.core.study.withheld.list_warnings", full)
    note = WithheldNote(session)
    qtbot.addWidget(note)
    for index in range(2):
        session.put(index, segmentation(row_of_cells(whole=5)))
    note.look([0, 1])
    note._worker.wait()
    assert "memory is not enough" in note.text()
    assert not note.isHidden()
    note.leave()
