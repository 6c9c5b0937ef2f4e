"""A question inside a dock, which blocks nothing: it lies below the button that raised it until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtWidgets import QPushButton, QWidget

from napari_leukocyte.plugin.parts.docks import bring_into_view, note, stack

__all__ = ["Question"]


class Question(QWidget):  # type: ignore[misc]
    """One sentence or two, and a button for each answer; hidden while there is nothing to ask."""

    def __init__(self) -> None:
        super().__init__()
        self.text = note()
        self.buttons: dict[str, QPushButton] = {}
        self._column = QWidget()
        stack(self, self.text, self._column)
        self.hide()

    def ask(self, text: str, answers: Mapping[str, Callable[[], None]]) -> None:
        """Show a question; the first answer is the default. It disappears before an answer is carried out."""
        self.withdraw()
        self.text.setText(text)
        for words, act in answers.items():
            button = QPushButton(words, default=not self.buttons)
            button.clicked.connect(lambda _=False, act=act: self._answered(act))
            self.buttons[words] = button
        column = QWidget()
        stack(column, *self.buttons.values())  # beside each other, three are wider than a dock
        self.layout().replaceWidget(self._column, column)
        self._column.deleteLater()
        self._column = column
        self.show()
        bring_into_view(self)

    def ask_before_leaving(self, count: int, go: Callable[[], None]) -> None:
        """Let a list of files go for another one; ask first when so many of its class maps would lose their edits."""
        if not count:
            go()
            return
        which = "The edits of one class map are" if count == 1 else f"The edits of {count} class maps are"
        self.ask(
            f"{which} saved nowhere, and go when other images are opened. “Save all …” in the Measure dock or a "
            "training set in the Correct dock keeps them.",
            {"Stay with these images": lambda: None, "Let the edits go": go},
        )

    def withdraw(self) -> None:
        """Withdraw the question: its subject is gone."""
        self.hide()
        self.buttons = {}

    def _answered(self, act: Callable[[], None]) -> None:
        self.withdraw()
        act()
