from dataclasses import asdict

import npe2
import numpy as np
import pytest
from napari import settings as napari_settings
from napari.components import ViewerModel
from pydantic import ValidationError

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.plugin.canvas.layers import add_draft, class_colormap
from napari_leukocyte.plugin.session import get_session
from napari_leukocyte.plugin.settings import Settings, get_own_models, get_settings, keep_own_model


@pytest.fixture
def saved(plugin_settings, npe2pm):
    """The settings as the application knows them."""
    npe2pm.register(npe2.PluginManifest.from_distribution("napari-leukocyte"))
    return napari_settings.get_plugin_settings("napari-leukocyte")


@pytest.fixture(scope="module")
def properties():
    manifest = npe2.PluginManifest.from_distribution("napari-leukocyte")
    assert list(manifest.contributions.configurations) == ["leukocyte"]
    return manifest.contributions.configurations["leukocyte"].properties


def test_the_tests_leave_the_settings_of_the_user_alone():
    assert napari_settings._CFG_PATH == ""


def test_the_manifest_restates_the_dataclass(properties):
    assert {name: entry.default for name, entry in properties.items()} == asdict(Settings())
    types = {"string": str, "boolean": bool, "number": float}
    for name, value in asdict(Settings()).items():
        assert type(value) is types[properties[name].type]
        assert type(properties[name].default) is type(value)


def test_the_choices_are_those_there_are(properties):
    assert list(properties["palette"].enum) == list(PALETTES)
    for device in properties["device"].enum:
        SegmentParameters(device=device)
    assert SegmentParameters().device == properties["device"].default


def test_each_setting_says_what_it_does(properties):
    assert all(entry.title and entry.description for entry in properties.values())


def test_outside_the_application(plugin_settings, npe2pm):
    assert get_settings() == Settings()


def test_nothing_was_changed(saved):
    assert get_settings() == Settings()


def test_what_the_user_changed_is_read_and_kept(saved, tmp_path):
    changed = Settings(palette="colour-blind safe", device="cpu", autosave=False, pixel_size="0.064516 µm/px")
    for name, value in asdict(changed).items():
        setattr(saved.leukocyte, name, value)
    assert get_settings() == changed
    types = [str, str, bool, str, str, str, str, bool, str]
    assert [type(value) for value in asdict(get_settings()).values()] == types
    class_colormap(get_settings().palette)
    # the next start of napari reads it from the file
    assert saved.config_path.parent == tmp_path
    napari_settings._clear_plugin_settings_cache()
    assert get_settings() == changed


@pytest.mark.parametrize(
    ("name", "value"),
    [("palette", "rainbow"), ("device", "tpu"), ("pixel_size", 6)],
)
def test_what_makes_no_sense_is_refused(saved, name, value):
    with pytest.raises(ValidationError):
        setattr(saved.leukocyte, name, value)
    assert get_settings() == Settings()


def test_another_palette_recolours_what_is_shown_at_once_but_no_colours_of_the_user_s(saved, segmentation, disc_map):
    viewer, heard = ViewerModel(), []
    session = get_session(viewer)
    session.recoloured.connect(lambda: heard.append(get_settings().palette))
    image = viewer.add_image(np.full((60, 60, 3), 200, np.uint8))
    session.open_layer(image)
    session.put(0, segmentation(disc_map((60, 60), (30, 30, 20, 10))))
    draft = add_draft(viewer, np.ones((60, 60), np.uint8), image)
    own = viewer.add_labels(np.ones((60, 60), np.uint8), colormap={None: "white", 1: "blue"})
    saved.leukocyte.palette = "colour-blind safe"
    for layer in (session.classes_layer, draft):
        np.testing.assert_allclose(layer.colormap.color_dict[1], PALETTES["colour-blind safe"][1])
        np.testing.assert_allclose(layer.colormap.color_dict[2], PALETTES["colour-blind safe"][2])
    np.testing.assert_array_equal(own.colormap.color_dict[1], (0, 0, 1, 1))
    np.testing.assert_array_equal(session.cells_layer.colormap.color_dict[None], (1, 1, 1, 1))
    saved.leukocyte.device = "cpu"
    assert heard == ["colour-blind safe"]
    saved.leukocyte.palette = "thesis"
    np.testing.assert_allclose(session.classes_layer.colormap.color_dict[1], PALETTES["thesis"][1])


def test_a_model_that_was_accepted_is_there_after_a_restart_until_it_is_rejected(saved, tmp_path):
    for name in ("a;b.safetensors", "ö.safetensors", "a;b.safetensors"):
        keep_own_model(tmp_path / name, accepted=True)
    napari_settings._clear_plugin_settings_cache()
    assert get_own_models() == [tmp_path / "a;b.safetensors", tmp_path / "ö.safetensors"]
    keep_own_model(tmp_path / "a;b.safetensors", accepted=False)
    assert get_own_models() == [tmp_path / "ö.safetensors"]


@pytest.mark.parametrize("text", ["{", "3", '{"a": 1}', "[1, null]"])
def test_what_is_no_list_of_models_is_none(saved, text):
    saved.leukocyte.own_models = text
    assert get_own_models() == []


def test_in_the_application(make_napari_viewer):
    viewer = make_napari_viewer()
    saved = napari_settings.get_plugin_settings("napari-leukocyte")
    assert saved.config_path is None
    try:
        saved.leukocyte.device = "cpu"
        saved.leukocyte.pixel_size = "0.5 µm/px"
        assert get_settings() == Settings(device="cpu", pixel_size="0.5 µm/px")
        _, widget = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
        assert widget.form.device.value == "cpu"
        assert widget.form.parameters().default_pixel_size == 0.5
        assert widget.form.parameters().pixel_size is None  # it overrides no image that states its own
        viewer.add_image(np.zeros((20, 20), np.uint8))
        assert widget.form.pixel_note.text() == "Pixel size: 0.5 µm/px (preferences)."
        saved.leukocyte.pixel_size = "0,064516"  # the dock follows at once
        assert widget.form.pixel_note.text() == "Pixel size: 0.064516 µm/px (preferences)."
        assert widget.form.parameters().default_pixel_size == 0.064516
        saved.leukocyte.pixel_size = "64 furlongs"
        assert "'64 furlongs' is no pixel size: write it like 0.0645 µm/px" in widget.form.pixel_note.text()
        with pytest.raises(LeukocyteError, match="Preferences"):
            widget.form.parameters()
    finally:
        napari_settings._clear_plugin_settings_cache()
