"""The question who reads: it waits for an answer, and is not put while images are read blind."""

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_leukocyte.plugin.correct.reader_line import ReaderLine
from napari_leukocyte.plugin.session import get_session


@pytest.fixture
def viewer():
    """Kept alive: a session holds its viewer weakly."""
    return ViewerModel()


def test_the_question_rests_in_a_blind_reading_and_comes_back_until_it_is_answered(viewer, qtbot):
    line, heard = ReaderLine(get_session(viewer), lambda _sentence: None), []
    qtbot.addWidget(line)
    line.chosen.connect(lambda name, first: heard.append((name, first)))
    line.show()
    line.ask()
    assert line.field.isVisible()
    line.hold(True)
    assert not line.field.isVisible()
    assert not line.change_button.isEnabled()
    line.hold(False)
    assert line.field.isVisible()
    assert line.change_button.isEnabled()
    line.field.selectAll()
    QTest.keyClicks(line.field, "Anna")
    QTest.keyClick(line.field, Qt.Key.Key_Return)
    assert heard == [("Anna", True)]
    for on in (True, False):
        line.hold(on)
        assert not line.field.isVisible()
