"""The Segment dock. Ten seconds of work: open a smear or a folder, press Segment, read the CNR of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QProgressBar, QPushButton, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.planes import plane_count
from napari_leukocyte.plugin.canvas.layers import opened, pixel_size_of
from napari_leukocyte.plugin.parts.docks import Dock, bring_into_view, footer, note, row, scrolling, stack
from napari_leukocyte.plugin.parts.question import Question
from napari_leukocyte.plugin.segment.calibration import Calibration
from napari_leukocyte.plugin.segment.drop_target import DropTarget
from napari_leukocyte.plugin.segment.edits_question import edits_question
from napari_leukocyte.plugin.segment.folder_opener import FolderOpener
from napari_leukocyte.plugin.segment.region import add_region_in_view, is_region_of, needs_region
from napari_leukocyte.plugin.segment.segment_form import SegmentForm
from napari_leukocyte.plugin.segment.slide_panel import SlidePanel
from napari_leukocyte.plugin.segment.stepper import Stepper
from napari_leukocyte.plugin.settings import saved_settings
from napari_leukocyte.plugin.slide_layers import is_one_slide
from napari_leukocyte.plugin.take_labels import TakeLabels

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

    from napari_leukocyte.core.slides.found import FoundOnSlide

__all__ = ["SegmentWidget"]


class SegmentWidget(Dock):
    """Form, Segment and Cancel, progress, and a stepper through the image list."""

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.cnr_text import get_cnr_text
        from napari_leukocyte.plugin.segment.segment_job import SegmentJob
        from napari_leukocyte.plugin.session import get_session

        self.session = get_session(napari_viewer)
        self.viewer = viewer = self.session.viewer
        self.job = SegmentJob(self.session)
        get_cnr_text(self.session)
        self.opener = FolderOpener(self.session, self._show_slide)
        self._region_note = ""  # what the user should know of a region, said at the end of its run
        self._build()

        # a question is about what was on screen when it was asked
        self.listen(self.session.images_changed, self._on_other_list)
        self.listen(self.session.images_added, self._on_other_image)
        self.listen(self.session.shown_changed, self._on_shown)
        self.listen(self.session.model_changed, self._on_model_accepted)
        self.listen(self.job.progress, self._on_progress)
        self.listen(self.job.ended, self._on_ended)
        self.opener.opened.connect(self._on_folder)
        self.opener.said.connect(self.status.setText)
        self.opener.ended.connect(self._refresh_list)
        for event in ("inserted", "removed", "renamed"):
            self.listen(viewer.layers.events[event], self._reset_images)
        self.listen(viewer.layers.selection.events.active, self._follow_selection)
        self.listen(self.session.renamed, self._refresh_list)
        saved = saved_settings()
        if saved is not None:
            self.listen(saved.events, self._follow_settings)
        self._reset_images()
        images, active = self._image_layers(), viewer.layers.selection.active
        if images and self.session.image_layer is None:  # what is seen, not what was opened first
            self.form.image.value = active if active in images else images[-1]
        self._on_model_accepted()
        self.cover_when_blind(self.session)

    # ---- building ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SegmentForm(self._image_layers)
        self.calibration = Calibration(self.viewer, lambda: self.form.image.value, lambda: self.form.preset_in_force)
        self.calibration.saved.connect(self.form.use_preset)
        self.form.calibrate_button.clicked.connect(self.calibration.begin)
        self.open_folder_button = QPushButton("Open folder …", clicked=self._choose_folder)
        self.open_folder_button.setToolTip(
            "Work through the images of a folder, one at a time, or go on with results that were saved. "
            "A folder or files may be dropped on this dock, too."
        )
        self.open_slide_button = QPushButton("Open slide …", clicked=self._choose_slide)
        self.open_slide_button.setToolTip("Open a whole slide (SVS, pyramidal TIFF, …) without reading it into memory")
        self.slide = SlidePanel(self.session, self.form.parameters, self._choose)
        self.drops = DropTarget(self, self.open_paths)
        self.segment_button = QPushButton("Segment", clicked=self.segment)
        self.cancel_button = QPushButton("Cancel", clicked=self.job.cancel)
        self.bar = QProgressBar()
        self.status = note()
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        self.question = Question()
        self.labels = TakeLabels(self.session, lambda: self.form.image.value, self.status.setText)
        self.stepper = Stepper(self._step)

        content = QWidget()
        stack(
            content,
            row(self.open_folder_button, self.open_slide_button),
            self.form,
            self.calibration,
            row(self.segment_button, self.cancel_button),
            self.question,
            self.bar,
            self.status,
            self.labels,
            self.stepper,
            self.slide,
        )
        content.layout().addStretch(1)
        stack(self, scrolling(content), footer())
        self.layout().setContentsMargins(10, 10, 10, 10)
        self.form.image.changed.connect(self._on_other_image)
        self.form.scope.changed.connect(self.question.withdraw)
        self.form.pixel_size.changed.connect(self._refresh_pixel_note)

    # ---- the image list ---------------------------------------------------------------------------------

    def _image_layers(self, _combo: object = None) -> list[Image]:
        from napari.layers import Image

        return [layer for layer in self.viewer.layers if isinstance(layer, Image)]

    def _open_images(self) -> list[Image]:
        """The layers that can become one list: the user's own, as far as they are no slides."""
        own = self.session.image_layer if self.session.own_image else None
        return [layer for layer in self._image_layers() if layer is not own and not layer.multiscale]

    def _reset_images(self) -> None:
        """List the open images by the names that they have now; the chosen one stays chosen as long as it is open."""
        choice = self.form.image
        chosen = choice.value
        with choice.changed.blocked():  # magicgui goes by names
            choice.reset_choices()
            if chosen in self._image_layers():
                choice.value = chosen
        if choice.value is not chosen:
            self.question.withdraw()
            if chosen is not None and choice.value is not None:
                self.status.setText(f"{chosen.name} is closed: Segment works on {choice.value.name} now.")
        self.labels.refresh()
        self._refresh_list()

    def _follow_selection(self) -> None:
        """The image that the user clicks in the layer list, or that is new in it, becomes the one to segment.

        One that is in the list already is shown with its results.
        """
        active, shown = self.viewer.layers.selection.active, self.session.image_layer
        if active is None or active not in self._image_layers():
            if self.session.on_a_copy:
                self.status.setText(self.session.problem())
            return
        if self.form.image.value is not None and active is not self.form.image.value:
            stays = shown is not None and active is not shown and self.session.states
            on = f"; {shown.name} stays as it is" if shown is not None and stays else ""
            self.status.setText(f"Segment works on {active.name} now{on}.")
        self.form.image.value = active
        if self.session.is_in_list(active) and active is not shown:
            self.session.open_layer(active)
            self.viewer.layers.selection.active = active  # whoever clicks it may be about to rename or delete it

    def _refresh_list(self) -> None:
        session, layer = self.session, self.form.image.value
        shown = session.image_layer  # and the form's image both None: the user took the file's layer away
        listed = bool(session.images) and (layer is shown or is_region_of(shown, layer))
        others = [one for one in self._open_images() if not session.is_in_list(one)]
        known = len(session.images) if session.states or listed else 0
        self.form.offer_list(
            known if listed else self._planes_of(layer),
            open_images=known + sum(max(1, self._planes_of(one)) for one in others) if others else 0,
        )
        self.stepper.setVisible(listed and known > 1)
        if listed and known > 1:
            source = session.images[session.index]
            self.stepper.show_place(source.name, str(source.path or source.name), session.index, known)
        running = self.job.running
        self.segment_button.setEnabled((layer is not None or listed) and not running)
        self.open_folder_button.setEnabled(not (running or self.opener.running))
        self.cancel_button.setEnabled(running)
        self.bar.setVisible(running)
        self.slide.follow(layer)
        self._refresh_pixel_note()

    def _on_other_image(self) -> None:
        self.question.withdraw()
        self._refresh_list()

    def _on_shown(self) -> None:
        """The form follows the list from one layer to another."""
        shown = self.session.image_layer
        if shown is not None and shown in self._image_layers() and shown is not self.form.image.value:
            with self.form.image.changed.blocked():
                self.form.image.value = shown
        self._on_other_image()

    def _on_other_list(self) -> None:
        self.status.setText("")  # what it says is of the images before
        self._on_other_image()

    def _planes_of(self, layer: Image | None) -> int:
        if layer is None or layer.multiscale:
            return 0
        try:
            image = opened(layer)
            return plane_count(image.array.shape, rgb=image.rgb)
        except LeukocyteError:  # said in words when Segment is pressed
            return 0

    def _refresh_pixel_note(self) -> None:
        session, layer = self.session, self.form.image.value
        known = layer is session.image_layer and bool(session.images)
        if known and session.state is not None:
            self.form.show_pixel_size(session.state.result.pixel_size, in_force=True)
        elif known:
            self.form.show_pixel_size(session.images[session.index].pixel_size)
        else:
            self.form.show_pixel_size(None if layer is None else pixel_size_of(layer))

    def _step(self, by: int) -> None:
        try:
            self.session.show(min(max(self.session.index + by, 0), len(self.session.images) - 1))
        except LeukocyteError as error:
            self.status.setText(str(error))
        self.focus_canvas()

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of images")
        if folder:
            self.open_folder(Path(folder))

    def open_folder(self, folder: Path) -> None:
        """Open the images of a folder, or saved results, as the list, after a question if edits would be lost."""
        self.open_paths([folder])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders in the same way; a slide becomes a layer."""
        if len(paths) == 1 and is_one_slide(paths[0]):
            self._say(self.slide.open(paths[0]))
            return
        run = "Wait for the run to end, or cancel it, before you open other images." if self.job.running else ""
        if wait := run or self.opener.why_nothing_else:
            self.status.setText(wait)
            return
        self.question.ask_before_leaving(self.session.edits_at_stake(), lambda: self._read_images(paths))

    def _choose(self, layer: Image) -> None:
        self.form.image.value = layer

    def _show_slide(self, found: FoundOnSlide) -> str:
        return self.slide.reopen(found)

    def _choose_slide(self) -> None:
        self._say(self.slide.choose_slide())

    def _say(self, sentence: str) -> None:
        if sentence:
            self.status.setText(sentence)

    def _read_images(self, paths: Sequence[Path]) -> None:
        """Read them beside napari, which goes on."""
        self.question.withdraw()
        self.opener.open(*paths)
        self._refresh_list()

    def _on_folder(self) -> None:
        self._reset_images()
        self.form.image.value = self.session.image_layer
        self.form.whole_list = True
        self._refresh_list()

    def _follow_settings(self) -> None:
        """The preferences were changed: what the form says of them is true at once."""
        self.form.preset.reset_choices()
        self._refresh_pixel_note()

    # ---- segmenting -------------------------------------------------------------------------------------

    def _on_model_accepted(self) -> None:
        if self.session.model_path is not None:
            self.form.use_weight_file(self.session.model_path)

    def segment(self) -> None:
        """Start, or ask first when the class maps in question hold edits; of a huge image, take what is in view."""
        if wait := self.opener.why_no_run:
            self.status.setText(wait)
            return
        try:
            layer = self.form.image.value
            if layer is None and self.session.own_image and self.session.images:
                self.session.show(self.session.index)  # the user took the layer of a file away
                layer = self.session.image_layer
            if layer is None:
                raise LeukocyteError("There is no image to segment: open one first.")
            if self.form.all_open:
                self._segment_all_open()
                return
            if needs_region(layer):
                region, self._region_note = add_region_in_view(self.viewer, layer)
                self._open_and_segment(region)
                self.form.image.value = layer  # for the next region
                return
            self.form.image.value = layer
            self._open_and_segment(layer)
        except LeukocyteError as error:
            self.status.setText(str(error))

    def _segment_all_open(self) -> None:
        """Make one list of all open images, behind those with results, and segment it."""
        self.session.open_layers(self._open_images())
        self._on_folder()
        self._segment_images(range(len(self.session.images)))

    def _open_and_segment(self, layer: Image) -> None:
        """Segment what the form asks for: an image, the planes of a stack, or the whole list that it is in."""
        session, whole = self.session, self.form.several
        listed = session.is_in_list(layer) or layer is session.image_layer
        session.open_layer(layer)
        wanted = range(len(session.images)) if listed else session.shown_together
        self._segment_images(wanted if whole else [session.index])

    def _segment_images(self, wanted: Sequence[int]) -> None:
        """Segment images of the list, after a question where they have edits."""
        edited = self.session.edited_images(wanted)
        if not edited:
            self._start(wanted, keep_edits=True)
            return
        shown = self.session.index in edited
        aside = shown and not self.session.is_stack  # a stack has one layer for all its planes
        kept = [i for i in wanted if i not in edited or (aside and i == self.session.index)]
        self.question.ask(
            edits_question(len(edited), shown=shown, aside=aside),
            {
                "Keep my edits": lambda: self._keep_edits(kept),
                "Replace them": lambda: self._start(wanted, keep_edits=False),
                "Don't segment": lambda: self.status.setText("Nothing was changed."),
            },
        )

    def _keep_edits(self, indices: list[int]) -> None:
        if not indices:
            self.status.setText("Nothing was changed.")
            return
        self._start(indices, keep_edits=True)

    def _start(self, indices: Sequence[int], *, keep_edits: bool) -> None:
        self.question.withdraw()
        self.status.setText("")
        try:
            self.job.start(indices, self.form.parameters(), keep_edits=keep_edits)
        except LeukocyteError as error:
            self.status.setText(str(error))
        self._refresh_list()

    def _on_progress(self, done: int, total: int, text: str) -> None:
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self.bar.setFormat(text)

    def _on_ended(self, sentence: str) -> None:
        self.status.setText("\n".join(filter(None, (sentence, self._region_note))))
        self._region_note = ""
        self._refresh_list()
        bring_into_view(self.status)
        if self.session.classes_layer is not None:
            self.viewer.layers.selection.active = self.session.classes_layer
        self.focus_canvas()

    def release(self) -> None:
        """Stop the run as Cancel does, and read no further."""
        self.job.leave()
        self.slide.leave()
        self.opener.leave()
        self.calibration.end()
        self.labels.leave()
