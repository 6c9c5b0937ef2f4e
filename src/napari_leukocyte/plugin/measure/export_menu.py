"""The formats of other programs, as a menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu, QWidget

if TYPE_CHECKING:
    from napari_leukocyte.core.exchange.formats import ExportFormat

__all__ = ["export_menu"]


def export_menu(parent: QWidget, chosen: Callable[[ExportFormat], None]) -> QMenu:
    """Make a menu with an entry for each format, masks first and then tables.

    It is filled when it opens: what writes the formats takes a while to load, and a dock must not wait for it.
    """
    menu = QMenu(parent)

    def fill() -> None:
        from napari_leukocyte.core.exchange.formats import FORMATS, WORDS
        from napari_leukocyte.core.exchange.tables import TABLES

        menu.aboutToShow.disconnect(fill)
        for to in FORMATS:
            if to == TABLES[0]:
                menu.addSeparator()
            menu.addAction(f"{WORDS[to]} …", lambda to=to: chosen(to))

    menu.aboutToShow.connect(fill)
    return menu
