"""The card says what is known of a cell, and does not jump."""

import pytest
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin.measure.cell_card import CellCard


@pytest.fixture
def card(qtbot):
    """A card in a dock as narrow as docks are."""
    from napari.qt import get_stylesheet

    dock = QWidget()
    dock.setStyleSheet(get_stylesheet("dark"))
    layout = QVBoxLayout(dock)
    card = CellCard()
    layout.addWidget(card)
    layout.addStretch(1)
    dock.resize(340, 500)
    qtbot.addWidget(dock)
    with qtbot.waitExposed(dock):
        dock.show()
    card.dock = dock
    return card


def texts(card):
    return [label.text() for label in card.findChildren(QLabel)]


def test_nothing_selected(card, measure):
    assert card.title.text() == "Click a cell, or a row."
    before = texts(card)
    card.show_cell(measure(7, 0.44, Flag.EDITED), "a.png")
    card.show_cell(None)
    assert texts(card) == before
    assert not card.figures.isEnabled()


def test_a_cell_with_a_cnr(card, measure):
    card.show_cell(measure(7, 0.444), "smear.png")
    assert card.title.text() == "Cell 7 · smear.png"
    assert (card.cnr.text(), card.range.text()) == ("0.44", "0.36–0.58")
    assert (card.nc_ratio.text(), card.nucleus_share.text()) == ("2.25", "0.69")
    assert (card.cytoplasm.text(), card.nucleus.text()) == ("4.4 µm²", "10.0 µm²")
    assert card.remarks.text() == ""
    assert card.figures.isEnabled()
    assert card.cnr.font().pointSizeF() > 2 * card.range.font().pointSizeF()


def test_the_calibrated_range_or_why_there_is_none(card, measure):
    card.show_cell(measure(7, 0.5), "smear.png", 1.25)
    assert card.calibrated.text() == "9 in 10: 0.40–0.62"
    assert "never met" in card.calibrated.toolTip()
    for cell, words in (
        (measure(7, 0.5), "not calibrated"),
        (measure(7, 0.5, Flag.EDITED), "not calibrated"),
        (measure(7, 0.5, Flag.CUT_BY_EDGE), "–"),
    ):
        card.show_cell(cell, "smear.png", float("nan") if words == "not calibrated" else 1.25)
        assert card.calibrated.text() == words
        assert bool(card.calibrated.toolTip()) == (words != "–")


def test_areas_in_pixels_when_the_pixel_size_is_unknown(card, measure):
    card.show_cell(measure(7, 0.444, um2=False), "smear.png")
    assert (card.cytoplasm.text(), card.nucleus.text()) == ("444 px²", "1000 px²")


def test_a_withheld_cnr_is_a_dash_with_its_reasons_first_and_strong(card, measure):
    card.show_cell(measure(7, 0.4, Flag.TOUCHING, Flag.CUT_BY_EDGE, Flag.EDITED, Flag.NOT_A_WBC_SMUDGE))
    assert card.title.text() == "Cell 7"
    assert (card.cnr.text(), card.range.text(), card.nc_ratio.text()) == ("–", "withheld", "–")
    assert card.nucleus_share.text() == "–"
    assert card.remarks.text().split("<br>") == [
        f"<b>{Flag.CUT_BY_EDGE.words}</b>",
        f"<b>{Flag.NOT_A_WBC_SMUDGE.words}</b>",
        Flag.TOUCHING.words,
        Flag.EDITED.words,
    ]


def test_a_binary_map(card, measure):
    card.show_cell(measure(7, binary=True))
    assert (card.cnr.text(), card.range.text()) == ("–", "binary map")
    assert "three classes" in card.remarks.text()
    assert (card.cytoplasm_word.text(), card.cytoplasm.text(), card.nucleus.text()) == ("Whole cell", "10.0 µm²", "–")
    card.show_cell(measure(7, 0.4))
    assert (card.cytoplasm_word.text(), card.nucleus.text()) == ("Cytoplasm", "10.0 µm²")


def test_a_name_is_shown_as_it_is(card, measure, qtbot):
    name = "<b>odd</b> & " + 40 * "very long " + ".png"
    card.show_cell(measure(1), name)
    assert card.title.text() == card.title.toolTip() == f"Cell 1 · {name}"
    assert card.dock.width() == 340


def test_the_card_is_as_high_whatever_it_shows(card, measure, qtbot):
    room = card.remarks.parent().parent()

    def height():
        room.updateGeometry()  # so that its height is asked for anew
        card.layout().activate()
        qtbot.wait(1)
        return card.height()

    nothing = height()
    assert nothing < 220
    for flags in ([], [Flag.EDITED], list(Flag)):
        card.show_cell(measure(1, 0.44, *flags), "smear.png")
        assert height() == nothing
    assert card.dock.width() == 340
    # all fifteen remarks can still be read: what does not fit scrolls
    assert room.verticalScrollBar().maximum() > 0
    card.show_cell(measure(1, 0.44, Flag.TOUCHING, Flag.EDITED))
    qtbot.wait(1)
    assert room.verticalScrollBar().maximum() == 0
