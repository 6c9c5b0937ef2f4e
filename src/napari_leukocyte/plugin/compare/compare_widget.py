"""The Compare dock. Ten seconds of work: load the truth, see where the mask is wrong and whether the CNR minds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QPushButton, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.text import counted
from napari_leukocyte.plugin.background import Background
from napari_leukocyte.plugin.compare.compare_form import CompareForm
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.parts.docks import Dock, footer, note, row, scrolling, stack
from napari_leukocyte.plugin.parts.read_as import ReadAsChoice

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_leukocyte.core.scoring.evaluation import ImageScore

__all__ = ["CompareWidget"]

_NOTHING = "–"
_Find = Callable[[list[Any], Any], Iterator[Any]]  # images and what the user says of their masks, to truths


class CompareWidget(Dock):
    """Ground truth, live figures, difference image, and the images of the list from worst to best."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.compare.comparison import Comparison
        from napari_leukocyte.plugin.compare.error_layers import ErrorLayers
        from napari_leukocyte.plugin.session import get_session

        self.session = get_session(napari_viewer)
        self.viewer = self.session.viewer
        self.comparison = Comparison(self.session)
        self.layers = ErrorLayers(self.comparison)
        self.loader = Background("the reading of the truth")
        self._truth_layer: Labels | None = None  # the layer that the truths are of; None: files, or no truths
        self._failed: list[str] = []
        self._find: _Find | None = None  # how the truths were read last
        self._whole_list = False  # whether for all images of the list
        self._found: set[int] = set()  # images that got a truth then
        self._loaded_layer: Labels | None = None
        self._doubted: set[str] = set()  # readings for which something speaks
        self._build()
        self.comparison.scored.connect(self._on_scored)
        self.comparison.cleared.connect(self._on_cleared)
        self.listen(self.session.shown_changed, self._on_shown)
        self.listen(self.session.images_added, lambda _first: self.list.refresh())
        self.listen(self.session.selected, self._show_figures)
        self.listen(self.session.commanded, self._on_command)
        self.listen(self.viewer.layers.events.inserted, self._list_layers)
        self.listen(self.viewer.layers.events.removed, self._list_layers)
        self.listen(self.viewer.layers.events.renamed, self._on_renamed)
        self.listen(self.viewer.events.theme, self._follow_theme)
        self._follow_theme()
        self._show_key()
        self._list_layers()
        self._show_figures()
        self.list.refresh()
        self.cover_when_blind(self.session)

    # ---- building ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        from napari_leukocyte.plugin.canvas.layers import TRUTH
        from napari_leukocyte.plugin.compare.error_layers import BAND, DIFFERENCE, SCHEMES
        from napari_leukocyte.plugin.compare.list_panel import ListPanel
        from napari_leukocyte.plugin.compare.reader_menu import ReaderButton
        from napari_leukocyte.plugin.compare.score_tables import ClassTable
        from napari_leukocyte.plugin.parts.colour_key import ColourKey

        self.truth = QComboBox()
        self.truth.setToolTip("A Labels layer with the ground truth")
        self.truth.activated.connect(lambda: self._take_layer())
        self.file_button = QPushButton("File …", clicked=self._choose_file)
        self.file_button.setToolTip("The mask of the shown image: index, grey, RGB or black-and-white")
        self.folder_button = QPushButton("Folder …", clicked=self._choose_folder)
        self.folder_button.setToolTip("Masks of the images of the list, named as they are")
        self.reader_button = ReaderButton(self.session, lambda said: self.status.setText(said))
        self.reader_button.chosen.connect(self.open_reader)
        self.reading = note()
        self.read_as = ReadAsChoice()
        self.read_as.chosen.connect(self._read_again)
        self.other = QComboBox()
        self.other.setToolTip("A second segmentation of the shown image against the same truth")
        self.other.activated.connect(lambda: self._show_figures())
        self.form = CompareForm(self.truth, row(self.file_button, self.folder_button, self.reader_button), self.other)
        self.form.changed.connect(self._on_parameters)
        self.form.nuclei.activated.connect(lambda: self._take_layer())

        self.in_force = note()
        self.figures = ClassTable()
        self.cells_text = note()
        self.cells_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.boxes = {
            name: QCheckBox(text)
            for name, text in ((TRUTH, "Truth (T)"), (DIFFERENCE, "Difference (H)"), (BAND, "Band"))
        }
        for name, box in self.boxes.items():
            box.toggled.connect(partial(self._on_box, name))
        self.scheme = QComboBox()
        self.scheme.addItems(list(SCHEMES))
        self.scheme.setToolTip("Colours of the difference image")
        self.scheme.currentTextChanged.connect(self._on_scheme)
        self.key = ColourKey()
        self.list = ListPanel(self.comparison)
        self.list.images.image_chosen.connect(self._on_image)
        self.status = note()
        content = QWidget()
        stack(
            content,
            self.form,
            self.reading,
            self.status,
            self.read_as,
            self.in_force,
            self.figures,
            self.cells_text,
            row(*self.boxes.values()),
            self.scheme,
            self.key,
            self.list,
        )
        content.layout().addStretch(1)  # where there is no list
        stack(self, scrolling(content), footer())
        self.layout().setContentsMargins(10, 10, 10, 10)

    def _follow_theme(self) -> None:
        self.list.histogram.set_theme(self.viewer.theme)

    # ---- ground truth -----------------------------------------------------------------------------------

    def _list_layers(self) -> None:
        """List the open layers; if the truth's layer is gone, its figures go with it."""
        from napari_leukocyte.plugin.label_layers import list_layers, own_labels

        beside, layers = self.other.currentData(), own_labels(self.session)
        # where the truths are from files, no layer is chosen
        chosen = self._truth_layer if self._truth_layer in layers else None
        self.truth.setCurrentIndex(0)
        list_layers(self.truth, layers, nothing=_NOTHING, chosen=chosen)
        list_layers(self.other, layers, nothing=_NOTHING)
        list_layers(self.form.nuclei, layers, nothing=_NOTHING)
        self.form.ask_nuclei(len(layers) > 1)
        if self._truth_layer is not None and self.truth.currentData() is None:
            self._truth_layer = None
            self.comparison.clear()
        elif beside is not None and self.other.currentData() is None:
            self._show_figures()

    def _on_renamed(self, event: Any) -> None:
        self._list_layers()
        layer, truth = self.viewer.layers[event.index], self._truth_layer
        if truth is not None and truth is layer:
            self.comparison.call_truths(truth.name)
        if layer in (truth, self.other.currentData()):
            self._show_figures()

    def _take_layer(self) -> None:
        layer = self.truth.currentData()
        if layer is None:
            self.comparison.clear()
            return
        from napari_leukocyte.plugin.compare.truths import truths_from_layer

        find = partial(
            truths_from_layer, layer, shown=self.session.shown_together, nuclei=self.form.nuclei.currentData()
        )
        self._load_anew(find, layer)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Ground truth of the shown image")
        if path:
            self.open_file(Path(path))

    def open_file(self, path: Path) -> None:
        """Take a file as the truth of the shown image, or of all planes of the stack."""
        from napari_leukocyte.plugin.compare.truths import truths_from_file

        index = self.session.index
        self._load_anew(lambda images, read_as: truths_from_file(path, images, index, read_as))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of ground-truth masks")
        if folder:
            self.open_folder(Path(folder))

    def open_folder(self, folder: Path) -> None:
        """Take the masks of a folder as the truths of the images of the same names."""
        from napari_leukocyte.plugin.compare.truths import truths_from_folder

        self._load_anew(partial(truths_from_folder, folder), whole_list=True)

    def open_reader(self, name: str) -> None:
        """Take the masks of another reader of the training set as the truths."""
        from napari_leukocyte.plugin.compare.truths import truths_from_reader

        training_set = self.session.training_set
        if training_set is not None:
            self._load_anew(lambda images, _read_as: truths_from_reader(training_set, name, images), whole_list=True)

    def _load_anew(self, find: _Find, layer: Labels | None = None, *, whole_list: bool = False) -> None:
        """Read truths of which nobody has said yet what their values mean; of the ``whole_list``, instead of others."""
        if not self.loader.running:
            self.read_as.forget()
            self._whole_list = whole_list
        self._load(find, layer)

    def _read_again(self) -> None:
        """Read the truths as the user says now."""
        if self._find is not None:
            self._load(self._find, self._loaded_layer)
        self.focus_canvas()

    def _load(self, find: _Find, layer: Labels | None) -> None:
        """Read truths, from a layer or files, in the background; each is scored as soon as it is read."""
        if self.loader.running:
            self.status.setText("Wait until the truths are read.")
            return
        if not self.session.images:
            self.status.setText("There is no image yet: open one and press Segment first.")
            return
        self._failed, self._doubted, self._found = [], set[str](), set[int]()
        self._generation, self._loaded_layer, self._find = self.session.generation, layer, find
        self.status.setText("Reading the truth …")
        images, read_as = list(self.session.images), self.read_as.read_as
        self.loader.start(
            lambda: find(images, read_as), event=self._on_truth, done=self._on_loaded, failed=self._on_not_loaded
        )

    def _on_truth(self, event: Any) -> None:
        from napari_leukocyte.plugin.compare.truths import TruthFound

        if self._generation != self.session.generation:
            return
        if isinstance(event, TruthFound):
            self._truth_layer = self._loaded_layer
            self._found.add(event.index)
            self.comparison.set_truth(event.index, event.truth)
        else:
            self._failed.append(f"{event.name}: {event.reason}")
            self._doubted.update(event.others)

    def _on_not_loaded(self, sentence: str) -> None:
        self._failed.append(sentence)
        self._on_loaded()

    def _on_loaded(self, _result: None = None) -> None:
        if self._whole_list and self._found:
            self.comparison.keep_only(self._found)
        self._list_layers()
        known = len(self.comparison.truths)
        said = [f"Truth of {known} of {counted(len(self.session.images), 'image')}."] if self._found else []
        self.status.setText("\n".join([*said, *bullets("Not taken:", self._failed)]))
        self.read_as.offer(self._doubted)
        self._show_figures()

    # ---- figures ----------------------------------------------------------------------------------------

    def _on_parameters(self) -> None:
        self.comparison.set_parameters(self.form.parameters())
        if not self.form.band_width.hasFocus():
            self.focus_canvas()

    def _on_scored(self, index: int, box: object) -> None:  # noqa: ARG002  (the box is for the layers)
        if index == self.session.index:
            self._show_figures()
        self.list.follow(index)

    def _on_cleared(self) -> None:
        self._truth_layer = self._find = None
        self.read_as.forget()
        self._list_layers()
        self.status.setText("")
        self._show_figures()
        self.list.forget()

    def _on_shown(self) -> None:
        self._show_figures()
        self.list.images.select_image(self.session.index)

    def _show_figures(self) -> None:
        from napari_leukocyte.plugin.compare.score_text import band_text, cell_lines, chosen_cell_line

        self._show_key()
        index = self.session.index
        known, truth = self.comparison.of(index), self.comparison.truths.get(index)
        self.reading.setText("" if truth is None else f"Truth: {truth.name}, read as {truth.reading}.")
        if known is None:
            self.figures.show_scores(())
            self.in_force.setText("")
            self.cells_text.setText(self.comparison.problems.get(index, "") or self._what_is_missing(truth is not None))
            return
        scores = [known.score]
        other = self.other.currentData()
        if other is not None:
            scores += self._scores_of_other(other)
        self.figures.show_scores(scores)
        self.in_force.setText(f"Border band in force: {band_text(known.score)}.")
        chosen = self.session.selection
        own = chosen_cell_line(known.score, chosen[1]) if chosen is not None and chosen[0] == index else ""
        self.cells_text.setText("\n".join([*cell_lines(scores), *filter(None, [own])]))

    def _what_is_missing(self, has_truth: bool) -> str:
        if not self.session.states:
            return "Segment the image first, in the Segment dock."
        if not has_truth:
            return "Choose the ground truth: a Labels layer, a file, a folder of masks, or another reader."
        return "This image is not segmented yet."

    def _scores_of_other(self, layer: Labels) -> list[ImageScore]:
        try:
            return [self.comparison.score_other(layer)]
        except LeukocyteError as error:
            self.status.setText(str(error))
            return []

    def _on_image(self, index: int) -> None:
        try:
            self.session.show(index)
        except LeukocyteError as error:
            self.status.setText(str(error))
        self.focus_canvas()

    # ---- layers -----------------------------------------------------------------------------------------

    def _on_box(self, name: str, on: bool) -> None:
        self.layers.show(name, on=on)
        self._show_key()
        self.focus_canvas()

    def _on_scheme(self, scheme: str) -> None:
        self.layers.set_scheme(scheme)
        self._show_key()

    def _show_key(self) -> None:
        """What the colours on screen mean."""
        from napari_leukocyte.plugin.compare.error_layers import DIFFERENCE

        self.scheme.setVisible(self.boxes[DIFFERENCE].isChecked())
        self.key.show_entries(self.layers.key())

    def _on_command(self, name: str) -> None:
        box = self.boxes.get(name)
        if box is not None:
            box.toggle()

    def release(self) -> None:
        """Remove the layers, and stop reading truths."""
        self.loader.leave()
        self.reader_button.leave()
        self.list.release()
        self.comparison.close()
        self.layers.close()
