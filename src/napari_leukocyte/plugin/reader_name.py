"""Whose name stands on masks and corrected results. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_leukocyte.core.training_set.records import user_name
from napari_leukocyte.plugin.settings import get_settings, save_reader

if TYPE_CHECKING:
    from napari_leukocyte.plugin.session import Session

__all__ = ["is_said", "reader_name", "say_reader"]


def is_said(session: Session) -> bool:
    """Whether a person has said the name."""
    return bool(session.reader or get_settings().reader)


def reader_name(session: Session) -> str:
    """The name: what was said, else that of the account; empty where there is neither."""
    return session.reader or get_settings().reader or " ".join(user_name().split())


def say_reader(session: Session, name: str) -> None:
    """Use a name from now on, and keep it in the preferences."""
    session.reader = name
    save_reader(name)
