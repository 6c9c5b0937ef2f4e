from dataclasses import asdict

import npe2
import pytest
from napari import settings as napari_settings
from pydantic import ValidationError

from napari_leukocyte.core.colours import PALETTES
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.plugin.canvas.layers import class_colormap
from napari_leukocyte.plugin.settings import Settings, get_settings


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
    changed = Settings(palette="colour-blind safe", device="cpu", autosave=False, default_pixel_size=0.25)
    for name, value in asdict(changed).items():
        setattr(saved.leukocyte, name, value)
    assert get_settings() == changed
    assert [type(value) for value in asdict(get_settings()).values()] == [str, str, bool, str, float, str]
    class_colormap(get_settings().palette)
    # the next start of napari reads it from the file
    assert saved.config_path.parent == tmp_path
    napari_settings._clear_plugin_settings_cache()
    assert get_settings() == changed


@pytest.mark.parametrize(
    ("name", "value"),
    [("palette", "rainbow"), ("device", "tpu"), ("default_pixel_size", -1), ("default_pixel_size", 6)],
)
def test_what_makes_no_sense_is_refused(saved, name, value):
    with pytest.raises(ValidationError):
        setattr(saved.leukocyte, name, value)
    assert get_settings() == Settings()


def test_in_the_application(make_napari_viewer):
    viewer = make_napari_viewer()
    saved = napari_settings.get_plugin_settings("napari-leukocyte")
    assert saved.config_path is None
    try:
        saved.leukocyte.device = "cpu"
        saved.leukocyte.default_pixel_size = 0.5
        assert get_settings() == Settings(device="cpu", default_pixel_size=0.5)
        _, widget = viewer.window.add_plugin_dock_widget("napari-leukocyte", "Segment")
        assert widget.form.device.value == "cpu"
        assert widget.form.parameters().default_pixel_size == 0.5
        assert widget.form.parameters().pixel_size is None  # it overrides no image that states its own
    finally:
        napari_settings._clear_plugin_settings_cache()
