"""Saved settings: Preferences > Plugins > Leukocyte, from the manifest's ``configurations``."""

from dataclasses import dataclass

__all__ = ["Settings", "get_settings"]


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
    default_pixel_size
        um per px for images that state none; 0 estimates it.
    """

    palette: str = "thesis"
    device: str = "auto"
    autosave: bool = True
    default_pixel_size: float = 0.0


def get_settings() -> Settings:
    """The saved settings, with the defaults for whatever napari does not know (outside the application)."""
    from napari.settings import get_plugin_settings

    try:
        saved = get_plugin_settings("napari-leukocyte").leukocyte
    except (KeyError, AttributeError):  # no application has read the manifests, as in a script
        return Settings()
    values = {name: getattr(saved, name) for name in vars(Settings())}
    return Settings(**{k: getattr(v, "value", v) for k, v in values.items()})
