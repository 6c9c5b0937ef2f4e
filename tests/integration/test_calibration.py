"""Calibration in the Segment dock by real mouse events: a line along a stage micrometer, and a preset from it."""

import numpy as np
import pytest
from driving import LONG, click, open_dock, paint, type_into
from napari import settings as napari_settings

from napari_leukocyte.plugin.segment.calibration import MICROMETER
from napari_leukocyte.plugin.settings import get_presets


@pytest.fixture
def dock(make_napari_viewer, qtbot, plugin_settings, npe2pm_manifest):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    return open_dock(viewer, qtbot, "Segment")


@pytest.fixture
def npe2pm_manifest(npe2pm):
    import npe2

    npe2pm.register(npe2.PluginManifest.from_distribution("napari-leukocyte"))
    assert napari_settings.get_plugin_settings("napari-leukocyte")


def micrometer(shape=(400, 600), step=50):
    """Dark divisions on light glass, 10 um apart, 50 px apart."""
    image = np.full((*shape, 3), 235, np.uint8)
    image[180:220, 50:551:step] = 30
    return image


def test_a_line_along_the_micrometer_becomes_a_set_up(dock, qtbot):
    viewer = dock.viewer
    viewer.add_image(micrometer(), name="micrometer")
    viewer.reset_view()
    click(dock.form.calibrate_button)
    assert dock.calibration.isVisible()
    click(dock.calibration.draw_button)
    paint(viewer, (200, 50), (200, 550))
    qtbot.waitUntil(lambda: "px: " in dock.calibration.said.text(), timeout=LONG)
    assert dock.calibration.line_px == pytest.approx(500, abs=4)
    type_into(dock.calibration.length, "100")
    assert "0.2 µm/px" in dock.calibration.said.text() or "µm/px" in dock.calibration.said.text()
    click(dock.calibration.save_button)
    assert "Give the set-up a name" in dock.calibration.said.text()
    type_into(dock.calibration.name, "20x dry")
    type_into(dock.calibration.objective, "20")
    click(dock.calibration.save_button)
    assert not dock.calibration.isVisible()
    assert MICROMETER not in viewer.layers
    preset = get_presets()["20x dry"]
    assert (preset.um, preset.objective) == (pytest.approx(0.2, rel=0.01), 20)
    parameters = dock.form.parameters()
    assert (parameters.pixel_size, parameters.pixel_size_source) == (preset.um, "set-up 20x dry")
    assert "set-up 20x dry" in dock.form.pixel_note.text()
    type_into(dock.form.pixel_size.native, "0.3")  # what is typed afterwards is typed
    assert dock.form.parameters().pixel_size_source == "typed"


def test_other_optics_follow_from_a_set_up_without_a_line(dock):
    dock.viewer.add_image(micrometer(), name="smear")
    from napari_leukocyte.core.imaging.presets import Preset
    from napari_leukocyte.plugin.settings import change_presets

    change_presets({"100x": Preset("100x", 0.065)})
    dock.form.use_preset("100x")
    click(dock.form.calibrate_button)
    type_into(dock.calibration.objective, "50")
    assert "0.13 µm/px" in dock.calibration.said.text()
    type_into(dock.calibration.name, "50x")
    click(dock.calibration.save_button)
    assert dock.form.parameters().pixel_size == pytest.approx(0.13)
    assert list(get_presets()) == ["100x", "50x"]


def test_without_an_image_or_a_line_there_is_a_sentence(dock):
    click(dock.form.calibrate_button)
    click(dock.calibration.draw_button)
    assert "Open a picture of a stage micrometer first" in dock.calibration.said.text()
    dock.viewer.add_image(micrometer(), name="micrometer")
    click(dock.calibration.save_button)
    assert "Draw a line" in dock.calibration.said.text()
    click(dock.calibration.draw_button)
    assert MICROMETER in dock.viewer.layers
    click(dock.calibration.close_button)
    assert MICROMETER not in dock.viewer.layers
