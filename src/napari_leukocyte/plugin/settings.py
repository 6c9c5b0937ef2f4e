"""Saved settings: Preferences > Plugins > Leukocyte, from the manifest's ``configurations``."""

from collections.abc import Mapping
from dataclasses import dataclass

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.presets import Preset, presets_from_text, presets_to_text

__all__ = ["Settings", "change_presets", "get_presets", "get_settings", "save_reader"]


@dataclass(frozen=True)
class Settings:
    """What the user saved.

    Attributes
    ----------
    palette
        Colours of the class map on screen.
    device
        auto, cuda, mps or cpu: what the Segment dock starts with.
    autosave
        Whether painted corrections are saved as drafts.
    reader
        Whose name stands on every mask; empty: nobody has said so yet.
    default_pixel_size
        um per px for images that state none; 0 estimates it.
    pixel_size_presets
        Calibrated set-ups, see ``core.imaging.presets``.
    """

    palette: str = "thesis"
    device: str = "auto"
    autosave: bool = True
    reader: str = ""
    default_pixel_size: float = 0.0
    pixel_size_presets: str = ""


def get_settings() -> Settings:
    """The saved settings, with the defaults for whatever napari does not know (outside the application)."""
    from napari.settings import get_plugin_settings

    try:
        saved = get_plugin_settings("napari-leukocyte").leukocyte
    except (KeyError, AttributeError):  # no application has read the manifests, as in a script
        return Settings()
    values = {name: getattr(saved, name) for name in vars(Settings())}
    return Settings(**{k: getattr(v, "value", v) for k, v in values.items()})


def get_presets() -> dict[str, Preset]:
    """The saved presets by name.

    Raises
    ------
    LeukocyteError
        When what stands in the preferences cannot be understood.
    """
    return presets_from_text(get_settings().pixel_size_presets)


def change_presets(presets: Mapping[str, Preset]) -> None:
    """Save presets in place of those that were saved.

    Raises
    ------
    LeukocyteError
        Outside the application, which has no preferences.
    """
    from napari.settings import get_plugin_settings

    try:
        saved = get_plugin_settings("napari-leukocyte").leukocyte
    except (KeyError, AttributeError):
        raise LeukocyteError("The set-up cannot be saved: napari does not know the plugin's preferences.") from None
    saved.pixel_size_presets = presets_to_text(presets.values())


def save_reader(name: str) -> bool:
    """Save whose name stands on every mask; returns whether it could be: outside the application it cannot."""
    from napari.settings import get_plugin_settings

    try:
        get_plugin_settings("napari-leukocyte").leukocyte.reader = name
    except (KeyError, AttributeError):
        return False
    return True
