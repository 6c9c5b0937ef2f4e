"""The formats of other programs, as a menu."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QMenu, QWidget

from napari_leukocyte.core.exchange.formats import FORMATS, WORDS, ExportFormat
from napari_leukocyte.core.exchange.tables import TABLES

__all__ = ["export_menu"]


def export_menu(parent: QWidget, chosen: Callable[[ExportFormat], None]) -> QMenu:
    """Make a menu with an entry for each format, masks first and then tables."""
    menu = QMenu(parent)
    for to in FORMATS:
        if to == TABLES[0]:
            menu.addSeparator()
        menu.addAction(f"{WORDS[to]} …", lambda to=to: chosen(to))
    return menu
