"""The live curves: what is drawn, in which colours, and when."""

import math

import pytest

from napari_leukocyte.core.model.events import TrainEpoch
from napari_leukocyte.plugin.train.curves import Curves


def epoch(number, *, saved=True, nucleus=0.8, cytoplasm=None):
    iou_b = {"cell": 0.9, "cytoplasm": cytoplasm, "nucleus": nucleus}
    return TrainEpoch(number, 10, 1 / number, 2 / number, 0.9, saved, iou_b)


@pytest.fixture
def curves(qtbot):
    curves = Curves()
    curves.resize(400, curves.height())
    qtbot.addWidget(curves)
    with qtbot.waitExposed(curves):
        curves.show()
    return curves


def panels(curves):
    """The two panels, each as its named lines; None if they are not on screen."""
    if curves.canvas is None or not curves.canvas.isVisible() or curves._timer.isActive():
        return None
    return [
        {line.get_label(): line.get_ydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}
        for axes in curves.canvas.figure.axes
    ]


def draw(curves, qtbot, *epochs):
    for one in epochs:
        curves.add(one)
    qtbot.waitUntil(lambda: panels(curves) is not None)
    return panels(curves)


def test_losses_above_and_iou_b_below(curves, qtbot):
    losses, scores = draw(curves, qtbot, epoch(1), epoch(2))
    assert losses == {"training": [1, 0.5], "validation": [2, 1]}
    assert scores == {"cell": [0.9, 0.9], "nucleus": [0.8, 0.8]}  # no mask knows the cytoplasm
    above, below = curves.canvas.figure.axes
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["cell", "nucleus"]
    assert (above.get_ylabel(), below.get_ylabel()) == ("loss", "IoU_b")
    assert "of 10" in below.get_xlabel()


def test_an_epoch_without_a_score_is_a_gap(curves, qtbot):
    _, scores = draw(curves, qtbot, epoch(1, cytoplasm=0.7), epoch(2))
    first, second = scores["cytoplasm"]
    assert first == 0.7
    assert math.isnan(second)


def test_a_line_marks_the_weights_that_are_kept(curves, qtbot):
    draw(curves, qtbot, epoch(1), epoch(2), epoch(3, saved=False))
    for axes in curves.canvas.figure.axes:
        (mark,) = [line for line in axes.lines if line.get_label().startswith("_")]
        assert list(mark.get_xdata()) == [2, 2]


def test_a_new_run_begins_anew(curves, qtbot):
    draw(curves, qtbot, epoch(1))
    curves.clear()
    qtbot.waitUntil(curves._empty.isVisible)
    assert draw(curves, qtbot, epoch(1))[0]["training"] == [1]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_has_the_colours_of_the_theme(curves, qtbot, theme):
    from matplotlib.colors import to_hex
    from napari.utils.theme import get_theme

    colours = get_theme(theme)
    curves.set_theme("light" if theme == "dark" else "dark")
    draw(curves, qtbot, epoch(1))
    curves.set_theme(theme)
    qtbot.waitUntil(lambda: panels(curves) is not None)
    below = curves.canvas.figure.axes[1]
    assert to_hex(below.xaxis.label.get_color()) == colours.text.as_hex("long")
    assert curves.canvas.grab().toImage().pixelColor(2, 2).name() == colours.background.as_hex("long")


def test_every_line_stands_off_its_ground(curves, qtbot):
    """WCAG asks 3:1 of graphics."""
    from matplotlib.colors import to_rgb

    def luminance(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for theme in ("dark", "light"):
        curves.set_theme(theme)
        draw(curves, qtbot, epoch(1, cytoplasm=0.7))
        for axes in curves.canvas.figure.axes:
            ground = luminance(axes.get_facecolor())
            for line in axes.lines:
                low, high = sorted((ground, luminance(line.get_color())))
                assert (high + 0.05) / (low + 0.05) > 3, (theme, line.get_label())
