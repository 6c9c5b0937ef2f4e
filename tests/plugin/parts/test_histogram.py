"""The histogram draws what it was given last, once the hand rests."""

import math
import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_leukocyte.plugin.parts.histogram import Histogram

VALUES = list(np.random.default_rng(0).lognormal(size=60))


@pytest.fixture
def histogram(qtbot):
    histogram = Histogram(theme="dark")
    histogram.resize(320, histogram.height())
    qtbot.addWidget(histogram)
    with qtbot.waitExposed(histogram):
        histogram.show()
    return histogram


def drawn(histogram):
    """Number of cells in the bars that are on the canvas; None if there is no canvas on screen."""
    if histogram.canvas is None or not histogram.canvas.isVisible():
        return None
    (axes,) = histogram.canvas.figure.axes
    return sum(bar.get_height() for bar in axes.patches)


def axes_of(histogram):
    (axes,) = histogram.canvas.figure.axes
    return axes


def test_empty_says_so_without_matplotlib(histogram, qtbot):
    histogram.set_values([math.nan, math.nan])
    qtbot.waitUntil(lambda: not histogram._timer.isActive())
    assert histogram.canvas is None
    assert "No CNR" in histogram._empty.text()
    assert histogram._empty.isVisible()


def test_a_cell_without_a_cnr_is_left_out(histogram, qtbot):
    histogram.set_values([*VALUES, math.nan, math.inf], VALUES[3])
    qtbot.waitUntil(lambda: drawn(histogram) == 60)
    axes = axes_of(histogram)
    assert axes.get_xlabel() == "CNR"
    assert axes.get_ylabel() == "60 cells"
    median, selected = axes.lines
    assert median.get_xdata() == pytest.approx([np.median(VALUES)] * 2)
    assert selected.get_xdata() == pytest.approx([VALUES[3]] * 2)
    assert [text.get_text() for text in axes.texts] == [f"median {np.median(VALUES):.2f}"]


@pytest.mark.parametrize("selected", [None, math.nan])
def test_no_selected_cell_no_mark(histogram, qtbot, selected):
    histogram.set_values([0.5], selected)
    qtbot.waitUntil(lambda: drawn(histogram) == 1)
    assert len(axes_of(histogram).lines) == 1
    assert axes_of(histogram).get_ylabel() == "1 cell"


def test_it_is_drawn_once_and_only_when_the_calls_stop(histogram, qtbot):
    draws = []
    canvas = histogram._canvas()
    canvas.mpl_connect("draw_event", draws.append)
    histogram.set_values(VALUES)
    qtbot.waitUntil(lambda: drawn(histogram) == 60 and bool(draws) and not canvas._draw_pending)
    del draws[:]
    histogram._timer.setInterval(60_000)  # however slow this machine is, the calls below come in one go
    for n in range(1, 40):
        histogram.set_values(VALUES[:n])
        QApplication.processEvents()
    assert drawn(histogram) == 60
    assert draws == []
    histogram._timer.setInterval(0)
    histogram.set_values(VALUES[:40])
    qtbot.waitUntil(lambda: drawn(histogram) == 40 and bool(draws) and not canvas._draw_pending)
    assert len(draws) == 1


def test_hidden_it_waits_until_it_is_seen(histogram, qtbot):
    histogram.hide()
    histogram.set_values(VALUES)
    qtbot.waitUntil(lambda: not histogram._timer.isActive())
    assert histogram.canvas is None
    histogram.show()
    qtbot.waitUntil(lambda: drawn(histogram) == 60)


def test_values_come_and_go(histogram, qtbot):
    histogram.set_values(VALUES)
    qtbot.waitUntil(lambda: drawn(histogram) == 60)
    histogram.set_values([])
    qtbot.waitUntil(histogram._empty.isVisible)
    histogram.set_values([1.0, 1.0])
    qtbot.waitUntil(lambda: drawn(histogram) == 2)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_has_the_colours_of_the_theme(histogram, qtbot, theme):
    from matplotlib.colors import to_hex
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    histogram.set_theme("light" if theme == "dark" else "dark")
    histogram.set_values(VALUES)
    histogram.set_theme(theme)
    qtbot.waitUntil(lambda: drawn(histogram) == 60)
    assert to_hex(axes_of(histogram).xaxis.label.get_color()) == colours.text.as_hex("long")
    image = histogram.canvas.grab().toImage()
    assert image.pixelColor(2, 2).name() == colours.background.as_hex("long")


def test_it_is_as_high_with_values_as_without(histogram, qtbot):
    before = histogram.height()
    histogram.set_values(VALUES)
    qtbot.waitUntil(lambda: drawn(histogram) == 60)
    assert histogram.height() == before


def test_to_make_one_does_not_wait_for_matplotlib():
    code = """
import sys
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari_leukocyte.plugin.parts.histogram import Histogram
Histogram()
print("matplotlib" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
