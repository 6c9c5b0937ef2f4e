"""Saved settings: Preferences > Plugins > Leukocyte, from the manifest's ``configurations``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import pixel_size_from_text
from napari_leukocyte.core.imaging.presets import Preset, presets_from_text, presets_to_text

__all__ = [
    "Settings",
    "change_presets",
    "get_own_models",
    "get_presets",
    "get_settings",
    "keep_own_model",
    "remember",
    "save_reader",
    "saved_settings",
]

_MOST_MODELS = 20  # of one's own, in the list of methods


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
    pixel_size
        For images that state none, as the user wrote it; empty: it is estimated.
    pixel_size_presets
        Calibrated set-ups, see ``core.imaging.presets``.
    own_models
        Weight files that the user accepted, the newest first, as a JSON list of paths.
    shape_columns
        Whether tables that are written have the optional columns of ``core.cells.shape``.
    hidden_columns
        Columns of the Measure dock's table that the user has hidden, by name, with commas.
    """

    palette: str = "thesis"
    device: str = "auto"
    autosave: bool = True
    reader: str = ""
    pixel_size: str = ""
    pixel_size_presets: str = ""
    own_models: str = ""
    shape_columns: bool = False
    hidden_columns: str = ""

    @property
    def default_pixel_size(self) -> float | None:
        """For images that state none, um per px; None: it is estimated.

        Raises
        ------
        LeukocyteError
            When what the user wrote is no pixel size.
        """
        try:
            return pixel_size_from_text(self.pixel_size)
        except LeukocyteError as error:
            raise LeukocyteError(f"Preferences > Plugins > Leukocyte, pixel size: {error}") from None


def get_settings() -> Settings:
    """The saved settings, with the defaults for whatever napari does not know (outside the application)."""
    saved = saved_settings()
    if saved is None:
        return Settings()
    values = {name: getattr(saved, name) for name in vars(Settings())}
    return Settings(**{k: getattr(v, "value", v) for k, v in values.items()})


def saved_settings() -> Any:
    """The settings as napari keeps them, whose events tell of changes; None where it has read no manifests.

    That is so in a script.
    """
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings("napari-leukocyte").leukocyte
    except (KeyError, AttributeError):
        return None


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
    saved = saved_settings()
    if saved is None:
        raise LeukocyteError("The set-up cannot be saved: napari does not know the plugin's preferences.")
    saved.pixel_size_presets = presets_to_text(presets.values())


def save_reader(name: str) -> bool:
    """Save whose name stands on every mask; returns whether it could be: outside the application it cannot."""
    saved = saved_settings()
    if saved is not None:
        saved.reader = name
    return saved is not None


def get_own_models() -> list[Path]:
    """The models that the user accepted, the newest first; nothing of what stands there but is no list of paths."""
    try:
        found = json.loads(get_settings().own_models or "[]")
    except ValueError:
        return []
    return [Path(one) for one in found if isinstance(one, str) and one] if isinstance(found, list) else []


def keep_own_model(path: Path, *, accepted: bool) -> None:
    """Remember a model for the next start of napari, or no more; without an application nothing is remembered."""
    saved, path = saved_settings(), path.absolute()
    others = [one for one in get_own_models() if one != path]
    models = [*([path] if accepted else []), *others][:_MOST_MODELS]
    if saved is not None:
        saved.own_models = json.dumps([str(one) for one in models], ensure_ascii=False) if models else ""


def remember(**values: object) -> bool:
    """Save settings; returns whether there is a place for them, which there is not outside the application."""
    saved = saved_settings()
    if saved is not None:
        for name, value in values.items():
            setattr(saved, name, value)
    return saved is not None
