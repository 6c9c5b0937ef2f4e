"""The Train dock. Ten seconds of work: press Train, read what changed and whether to believe it, accept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QProgressBar, QPushButton, QSizePolicy, QWidget

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.decision import Choice, decide
from napari_leukocyte.core.training_set.records import user_name
from napari_leukocyte.plugin.parts.bullets import bullets
from napari_leukocyte.plugin.parts.docks import Dock, footer, note, row, scrolling, stack
from napari_leukocyte.plugin.settings import keep_own_model
from napari_leukocyte.plugin.train.resuming import forget_run

if TYPE_CHECKING:
    import napari

    from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
    from napari_leukocyte.core.model.events import TrainEpoch
    from napari_leukocyte.plugin.train.set_summary import SetSummary

__all__ = ["TrainWidget"]

_SHARE = 0.2
_NO_SET = (
    "No training set is open. Correct a few images and accept them in the Correct dock, or open a training set here."
)
_HELD_OUT = (
    "About 20 % of the set's images, drawn by whole slides, are then locked away: they never train, and every later "
    "model is judged on them. This cannot be taken back."
)
_WHY_NOT = "Sensible from 20 accepted images on; with fewer, cross-validation judges, and every image may train."
_DECIDED = {
    "accepted": "Recorded: {name} is accepted. Segment uses it from its next press.",
    "rejected": "Recorded: {name} is rejected. Its file stays, and no training offers it as a start.",
    "candidate": "Recorded: {name} stays a candidate. Decide at any time.",
}


class TrainWidget(Dock):
    """Training set, form, Train and Cancel, live curves, before and after, and the decision."""

    LEAST_WIDTH = 460

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        # imported here: the manifest names this module, and opening napari must not wait for scipy
        from napari_leukocyte.plugin.session import get_session
        from napari_leukocyte.plugin.settings import get_settings
        from napari_leukocyte.plugin.train.current_set import CurrentSet
        from napari_leukocyte.plugin.train.train_job import TrainJob

        self.session = get_session(napari_viewer)
        self.viewer = self.session.viewer
        self.set = CurrentSet()
        self.job = TrainJob()
        self.summary: SetSummary | None = None
        self._files: list[Path] = []  # weight files from elsewhere
        self._chosen_file: Path | None = None  # one of them, to be chosen when its header is read
        self._trained: Path | None = None  # the model of the last run, to be shown when the set is read again
        self._build(get_settings())

        self.listen(self.set.read, self._on_read)
        self.listen(self.set.failed, self._on_failed)
        self.listen(self.job.progress, self._on_progress)
        self.listen(self.job.epoch_done, self._on_epoch)
        self.listen(self.job.ended, self._on_ended)
        self.listen(self.session.training_set_changed, self._on_training_set)
        self.listen(self.session.masks_changed, self._on_training_set)
        self.listen(self.viewer.events.theme, self._follow_theme)
        self._follow_theme()
        self._refresh()
        self._on_training_set()
        self.cover_when_blind(self.session)

    # ---- building ---------------------------------------------------------------------------------------

    def _build(self, settings: Any) -> None:
        from napari_leukocyte.plugin.train.curves import Curves
        from napari_leukocyte.plugin.train.review import Review
        from napari_leukocyte.plugin.train.train_form import TrainForm

        self.set_name = note()
        self.set_name.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.open_button = QPushButton("Open …", clicked=self._choose_set)
        self.open_button.setToolTip("Folder of a training set; the Correct dock uses it too")
        self.masks = note()
        self.judging = note()
        self.judging.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.left_out = note()
        self.hold_out_button = QPushButton("Hold out 20 % …", clicked=self._ask_hold_out)
        self.question = QWidget()
        self.lock_button = QPushButton("Hold them out", clicked=self._hold_out)
        self.dismiss_button = QPushButton("Don't", clicked=lambda: self.question.hide())
        stack(self.question, note(_HELD_OUT), row(self.lock_button, self.dismiss_button))

        self.form = TrainForm(settings.device)
        self.form.start_changed.connect(self._refresh)
        self.form.file_chosen.connect(self.use_weight_file)
        self.train_button = QPushButton("Train", clicked=self.train)
        self.resume_button = QPushButton("Resume", clicked=self.resume)
        self.cancel_button = QPushButton("Cancel", clicked=self.job.cancel)
        self.cancel_button.setToolTip("Stops at the next step; the best weights so far are kept")
        self.bar = QProgressBar()
        self.status = note()
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.curves = Curves()
        self.review = Review()
        self.review.decided.connect(self._on_decided)

        content = QWidget()
        stack(
            content,
            row(self.set_name, self.open_button),
            self.masks,
            row(self.judging, self.hold_out_button),
            self.left_out,
            self.question,
            self.form,
            row(self.train_button, self.resume_button, self.cancel_button),
            self.bar,
            self.status,
            self.review,
            self.curves,
        )
        content.layout().addStretch(1)
        stack(self, scrolling(content), footer())
        self.layout().setContentsMargins(10, 10, 10, 10)
        for hidden in (self.question, self.bar, self.curves):
            hidden.hide()

    def _follow_theme(self) -> None:
        self.curves.set_theme(self.viewer.theme)

    # ---- the training set -------------------------------------------------------------------------------

    def _choose_set(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a training set")
        if folder:
            self.open_set(Path(folder))

    def open_set(self, folder: Path) -> None:
        """Open a training set; reading it does not block napari."""
        self.status.setText(f"Reading {folder.name} …")
        self.set.look(folder, self._files)

    def use_weight_file(self, path: Path) -> None:
        """Offer a weight file from elsewhere to start from, and choose it."""
        if self.summary is None:
            first = "Wait for the training set to be read" if self.set.busy else "Open a training set first"
            self.status.setText(f"{first}, then choose the weight file to start from.")
            return
        self._files.append(path)
        self._chosen_file = path
        self.set.look(self.summary.folder, self._files)

    def _on_training_set(self) -> None:
        """Another dock opened a set, or accepted a mask."""
        if self.session.training_set is not None:
            self.set.look(self.session.training_set.folder, self._files)

    def _on_read(self, summary: SetSummary) -> None:
        self.status.setText("" if self.status.text().startswith("Reading ") else self.status.text())
        self.summary = summary
        self.form.offer(
            summary.models, folder=summary.models_folder, sensible=summary.sensible_start(), name=summary.next_name
        )
        if self._chosen_file is not None:
            self.form.choose(str(self._chosen_file))
            self._chosen_file = None
        self._refresh()
        own = [model for model in summary.models if model.path.parent == summary.models_folder]
        self.review.show_models(own, self._trained)
        self._trained = None
        if self.session.training_set is None or self.session.training_set.folder != summary.folder:
            self.session.use_training_set(summary.training_set)

    def _on_failed(self, sentence: str) -> None:
        self.status.setText(sentence)

    def _ask_hold_out(self) -> None:
        self.question.show()

    def _hold_out(self) -> None:
        self.question.hide()
        if self.summary is not None:
            self.set.hold_out(self.summary.folder, _SHARE)
            self.set.look(self.summary.folder, self._files)

    def _refresh(self) -> None:
        summary, running = self.summary, self.job.running
        start = self.form.start_model
        self.set_name.setText("Training set" if summary is None else f"Training set: {summary.folder.name}")
        self.set_name.setToolTip("" if summary is None else str(summary.folder))
        self.masks.setText(_NO_SET if summary is None else summary.describe_masks(start))
        for label, text in (
            (self.judging, "" if summary is None else summary.describe_judging(start)),
            (self.left_out, "" if summary is None else "\n".join(bullets("Left out:", summary.left_out))),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        may = summary is not None and summary.may_hold_out
        self.hold_out_button.setEnabled(may and not running)
        self.hold_out_button.setToolTip(_HELD_OUT if may else _WHY_NOT)
        self.hold_out_button.setVisible(summary is not None and not any(item.held_out for item in summary.items))
        interrupted = () if summary is None else summary.interrupted
        self.resume_button.setVisible(bool(interrupted))
        if interrupted:
            self.resume_button.setText(f"Resume {interrupted[-1].out.stem}")
            self.resume_button.setToolTip("Goes on where that training was cut off, with its own parameters")
        self.train_button.setEnabled(summary is not None and summary.plan() is not None and not running)
        self.resume_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.form.setEnabled(not running)
        self.open_button.setEnabled(not running)
        self.review.set_busy(running)

    # ---- training ---------------------------------------------------------------------------------------

    def train(self) -> None:
        """Start a new training with the form's parameters."""
        if self.summary is None:
            return
        try:
            self._start(self.form.parameters(self.summary.models_folder))
        except LeukocyteError as error:
            self.status.setText(str(error))

    def resume(self) -> None:
        """Go on with the run that was cut off last, with the parameters it had."""
        if self.summary is None or not self.summary.interrupted:
            return
        try:
            self._start(self.summary.interrupted[-1])
        except LeukocyteError as error:
            self.status.setText(str(error))

    def _start(self, parameters: FineTuneParameters) -> None:
        assert self.summary is not None
        going_on = self.job.parameters is not None and self.job.parameters.out == parameters.out
        self.job.start(self.summary.folder, parameters)
        if not going_on:  # of a run that goes on the curves so far stay
            self.curves.clear()
        self.status.setText("")
        self.question.hide()
        self.bar.show()
        self.curves.show()
        self._refresh()
        self.focus_canvas()

    def _on_progress(self, done: int, total: int, text: str) -> None:
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self.bar.setFormat(text)

    def _on_epoch(self, epoch: TrainEpoch) -> None:
        self.curves.add(epoch)

    def _on_ended(self, sentence: str) -> None:
        self.bar.hide()
        self.status.setText(sentence)
        self._refresh()
        if self.summary is not None and self.job.parameters is not None:
            self._trained = self.job.parameters.out
            self.set.look(self.summary.folder, self._files)

    # ---- the decision -----------------------------------------------------------------------------------

    def _on_decided(self, path: Path, choice: Choice) -> None:
        self.set.change(lambda: _record(path, choice), done=lambda: self._on_recorded(path, choice))

    def _on_recorded(self, path: Path, choice: Choice) -> None:
        self.status.setText(_DECIDED[choice].format(name=path.stem))
        keep_own_model(path, accepted=choice == "accepted")
        if choice == "accepted":
            self.session.use_model(path)
        if self.summary is not None:
            self.set.look(self.summary.folder, self._files)
        self.focus_canvas()

    def release(self) -> None:
        """Stop the training as Cancel does."""
        self.job.leave()
        self.set.close()


def _record(path: Path, choice: Choice) -> None:
    decide(path, choice, user_name())
    if choice != "candidate":
        forget_run(path)
