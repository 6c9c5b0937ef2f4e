"""A day at the microscope, with real mouse and key events: how many clicks it takes, and what holds the window.

    xvfb-run -a -s "-screen 0 1400x1100x24" python benchmarks/day.py [--out day.md]

A folder of forty mixed crops is dropped on napari; one cell is corrected; all is saved, closed, and gone on with. A
field of 27 cells is gone through by keys alone. A folder of expert masks gives the summary and the worst image. Six
masks are accepted, a model is trained and accepted, and is there after a restart. Images are drawn, the network is one
with weights set by hand, and the training is cut short: nothing here is about accuracy. Seconds are what this machine
took; holds are processor time of the window's thread, above 100 ms.
"""

import argparse
import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from day_hands import Hands, Hold, Watch

__all__ = ["STEPS", "Day", "table_of"]

CROPS, CELLS = 40, (3, 9)
_GREY = np.array([250, 140, 20], np.uint8)  # glass, cytoplasm, nucleus: what the network knows
_CNR = 3  # column of the table


@dataclass
class Step:
    """What a part of the day took."""

    name: str
    counts: dict[str, int]
    seconds: float
    holds: list[Hold]


@dataclass
class Day:
    """The day so far.

    Attributes
    ----------
    folder
        Everything is written below it.
    model
        Weight file of the network.
    new_viewer
        Opens a window.
    dialog
        ``path`` is what the next file dialog returns: nothing else of a dialog is replaced.
    """

    folder: Path
    model: Path
    new_viewer: Callable[[], Any]
    dialog: SimpleNamespace
    steps: list[Step] = field(default_factory=list)
    hands: Hands = field(init=False)

    def __post_init__(self) -> None:
        self.sit_down()
        self.watch = Watch()  # of the application that napari has begun

    def sit_down(self) -> None:
        """Open napari in a window of its own."""
        viewer = self.new_viewer()
        viewer.window.resize(1300, 900)
        self.hands = Hands(viewer)

    def restart(self) -> None:
        """Close napari and open it again, as on the next morning."""
        self.hands.viewer.close()
        counts = self.hands.counts
        self.sit_down()
        self.hands.counts = counts

    @contextmanager
    def step(self, name: str) -> Iterator[Hands]:
        """Count what is done, and watch."""
        self.watch.beat()
        self.watch.step = name
        before, held, began = self.hands.counts.copy(), len(self.watch.holds), perf_counter()
        yield self.hands
        self.hands.wait(lambda: True, "the end")
        self.watch.beat()
        counts = {what: self.hands.counts[what] - before[what] for what in ("drops", "clicks", "strokes", "keys")}
        self.steps.append(Step(name, counts, perf_counter() - began, self.watch.holds[held:]))

    def choose(self, path: Path, button: Any) -> None:
        """A click that opens a file dialog, in which this is chosen."""
        self.dialog.path = path
        self.hands.click(button)
        self.hands.counts["clicks"] += 1  # Open or Save in the dialog

    def segment(self, dock: Any) -> None:
        """A press on Segment, and the wait for its end."""
        self.hands.click(dock.segment_button)
        self.hands.wait(lambda: not dock.job.running, "the segmentation ends")


# ---- what lies on the disk ------------------------------------------------------------------------------


def disc(shape: tuple[int, int], middle: tuple[float, float], cell: float, nucleus: float) -> NDArray[np.uint8]:
    """A class map with one round cell."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    away = np.hypot(y - middle[0], x - middle[1])
    return np.where(away <= nucleus, 2, np.where(away <= cell, 1, 0)).astype(np.uint8)


def crop(index: int) -> NDArray[np.uint8]:
    """Class map of a crop; they differ in size, and the nucleus of one is far too small."""
    shape = (56 + 2 * (index % 5), 60 + 3 * (index % 4))
    nucleus = 7.0 if index == 17 else 11.0 + 0.1 * (index % 7)
    return disc(shape, (shape[0] / 2, shape[1] / 2), 18.0, nucleus)


def draw(classes: NDArray[np.uint8]) -> Image.Image:
    """What the class map looks like under the microscope."""
    return Image.fromarray(np.repeat(_GREY[classes][..., None], 3, axis=-1))


def lay_out(folder: Path) -> None:
    """Write the folders that the day begins with: crops, expert masks, a field."""
    for name in ("crops", "experts", "field"):
        (folder / name).mkdir()
    for index in range(CROPS):
        classes = crop(index)
        draw(classes).save(folder / "crops" / f"crop-{index:02d}.png")
        if index < 8:
            worse = 6 if index == 5 else 0  # the experts saw a larger cell
            middle = (classes.shape[0] / 2, classes.shape[1] / 2)
            truth = disc((classes.shape[0], classes.shape[1]), middle, 18.0 + worse, 11.0)
            Image.fromarray(truth).save(folder / "experts" / f"crop-{index:02d}.png")
    rows, columns = CELLS
    whole = np.zeros((70 * rows, 70 * columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            whole[70 * row : 70 * (row + 1), 70 * column : 70 * (column + 1)] = disc((70, 70), (35, 35), 20, 11)
    draw(whole).save(folder / "field" / "field.png")


# ---- the day --------------------------------------------------------------------------------------------


def column(measure: Any, which: int = _CNR) -> list[str]:
    """A column of the table as it is seen."""
    model = measure.table.model()
    return [str(model.index(row, which).data()) for row in range(model.rowCount())]


def crops_to_csv(day: Day) -> None:
    """A folder is dropped; the outlier of the table is corrected, its number moves, and the table is saved."""
    lay_out(day.folder)
    with day.step("a folder dropped, to a table of cells") as hands:
        segment = hands.open_dock("Segment")
        hands.drop(segment, day.folder / "crops")
        hands.wait(lambda: len(segment.session.images) == CROPS and not segment.opener.running, "the folder is open")
        day.choose(day.model, segment.form.file_button)
        hands.type_into(segment.form.pixel_size.native.lineEdit(), "0.3333")
        day.segment(segment)
        _expect(len(segment.session.states) == CROPS, segment.status.text())
        measure = hands.open_dock("Measure")
        hands.wait(lambda: measure.table.model().rowCount() == CROPS, "a row for each cell")
    with day.step("outlier found, corrected, table saved") as hands:
        for _ in range(2):
            hands.click_header(measure.table, _CNR)
        hands.click_row(measure.table, 0)
        session = measure.session
        _expect(session.index == 17, f"the outlier is on screen, not {session.images[session.index].name}")
        before = column(measure)[0]
        hands.press(_key("Q"))  # the brush for the nucleus
        day.hands.viewer.layers["classes"].brush_size = 14
        middle = np.array(session.state.classes.shape) / 2
        hands.stroke((middle[0], middle[1] - 4), (middle[0], middle[1] + 4))
        hands.wait(lambda: before not in column(measure), "the number in the table moves")
        day.choose(day.folder / "cells.csv", measure.output.export_button)
        hands.wait(lambda: not measure.output.writer.running, "the table is saved")
        with (day.folder / "cells.csv").open(newline="", encoding="utf-8") as table:
            found = {row["image"]: row for row in csv.DictReader(table)}
        _expect(len(found) == CROPS and "edited" in found["crop-17.png"]["flags"], "the correction is in the CSV")
    with day.step("saved, closed, gone on with") as hands:
        day.choose(day.folder / "results", measure.output.save_button)
        hands.wait(lambda: not measure.output.writer.running, "all is saved")
        corrected = session.states[17].measures[0].cnr
        day.restart()
        hands = day.hands
        segment = hands.open_dock("Segment")
        hands.drop(segment, day.folder / "results")
        hands.wait(lambda: len(segment.session.states) == CROPS and not segment.opener.running, "all is back")
        _expect(segment.session.states[17].measures[0].cnr == corrected, "the correction is back")
        measure = hands.open_dock("Measure")
        hands.wait(lambda: measure.table.model().rowCount() == CROPS, "the table is back")
        hands.click_row(measure.table, 3)
        hands.press(_key("W"))
        hands.stroke((10, 10), (10, 20))
        hands.wait(lambda: segment.session.states[3].live.edited, "the hand paints on")


def field_by_keys(day: Day) -> None:
    """A field of 27 cells is gone through by keys alone; one is marked on the way."""
    day.restart()
    rows, columns = CELLS
    with day.step(f"a field of {rows * columns} cells by keys alone") as hands:
        hands.drop(hands.viewer.window._qt_viewer, day.folder / "field" / "field.png")
        segment = hands.open_dock("Segment")
        day.choose(day.model, segment.form.file_button)
        day.segment(segment)
        measure = hands.open_dock("Measure")
        session = measure.session
        _expect(len(session.state.measures) == rows * columns, segment.status.text())
        measure.focus_canvas()
        seen = []
        for number in range(rows * columns):
            hands.press(_key("U"), _shift())
            seen.append(session.selection[1])
            if number == 4:
                hands.press(_key("R"))
        _expect(sorted(seen) == [one.cell for one in session.state.measures], "every cell was looked at once")
        _expect(len(session.state.live.by_hand.marks) == 1, "one is marked")


def truth_to_worst_image(day: Day) -> None:
    """A folder of expert masks gives a summary, and its worst image is shown."""
    day.restart()
    with day.step("a folder of truths, to the summary and the worst image") as hands:
        segment = hands.open_dock("Segment")
        hands.drop(segment, day.folder / "crops")
        hands.wait(lambda: len(segment.session.images) == CROPS and not segment.opener.running, "the folder is open")
        day.choose(day.model, segment.form.file_button)
        day.segment(segment)
        compare = hands.open_dock("Compare")
        day.choose(day.folder / "experts", compare.folder_button)
        hands.wait(lambda: not compare.loader.running and "8 of 40" in compare.list.title.text(), "the summary")
        images = compare.list.images
        hands.click_row(images, 0, 0)
        _expect(segment.session.index == 5, f"the worst is shown first, not {segment.session.index}")


def six_masks_to_a_model(day: Day) -> None:
    """Six masks are accepted, a model is trained on them and accepted; after a restart it is among the methods."""
    with day.step("six masks accepted, a model trained and accepted, there after a restart") as hands:
        correct = hands.open_dock("Correct")
        day.choose(day.folder / "my set", correct.new_button)
        hands.wait(lambda: not correct.disk.busy, "the set is there")
        for number in range(6):
            hands.press(_key("W"))
            hands.stroke((8 + number, 8), (8 + number, 18))
            hands.press(_key("D"), _shift())
            hands.wait(lambda: not correct.disk.busy, "the mask is written")
        _expect(correct.corrections.accepted == 6, correct.status.text())
        train = hands.open_dock("Train")
        hands.wait(lambda: not train.set.busy and train.summary is not None, "the set is read")
        day.choose(day.model, train.form.file_button)
        hands.wait(lambda: not train.set.busy, "the start is read")
        hands.type_into(train.form.epochs.native, "1")
        hands.click(train.train_button)
        accept = train.review.accept_button
        hands.wait(lambda: not train.job.running and accept.isVisible() and accept.isEnabled(), "the training ends")
        hands.click(train.review.accept_button)
        hands.wait(lambda: not train.set.busy, "the decision is recorded")
        day.restart()
        segment = day.hands.open_dock("Segment")
        _expect("my-set-1.safetensors" in segment.form.model.choices, "the model is there")


STEPS: tuple[Callable[[Day], None], ...] = (crops_to_csv, field_by_keys, truth_to_worst_image, six_masks_to_a_model)


def _key(letter: str) -> Any:
    from qtpy.QtCore import Qt

    return getattr(Qt.Key, f"Key_{letter}")


def _shift() -> Any:
    from qtpy.QtCore import Qt

    return Qt.KeyboardModifier.ShiftModifier


def _expect(so: bool, what: str) -> None:
    if not so:
        raise AssertionError(what)


# ---- what it took ---------------------------------------------------------------------------------------


def table_of(steps: list[Step]) -> str:
    """A table of the steps, and below it the holds."""
    lines = [
        "| | drops | clicks | strokes | keys | seconds | holds: ours | of napari and libraries |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        ours = [hold for hold in step.holds if hold.ours]
        others = [hold for hold in step.holds if not hold.ours]
        numbers = " | ".join(str(count) for count in step.counts.values())
        lines.append(f"| {step.name} | {numbers} | {step.seconds:.0f} | {_sum(ours)} | {_sum(others)} |")
    holds = sorted((hold for step in steps for hold in step.holds), key=lambda hold: (not hold.ours, -hold.seconds))
    lines += ["", "| hold, s | during | at the top of it most of the time |", "|---|---|---|"]
    lines += [f"| {hold.seconds:.2f} | {hold.step} | `{hold.whose}` |" for hold in holds]
    return "\n".join(lines)


def _sum(holds: list[Hold]) -> str:
    return f"{len(holds)} ({max(hold.seconds for hold in holds):.2f} s at most)" if holds else "none"


@contextmanager
def short_training() -> Iterator[None]:
    """Cut the training of the Train dock to some seconds: two steps, a guard of two smears, few resamples."""
    from copy import deepcopy
    from dataclasses import replace
    from functools import partial
    from unittest.mock import patch

    import napari_leukocyte.core.fine_tuning.fine_tune as fine_tune_module
    from napari_leukocyte.core.fine_tuning import compare
    from napari_leukocyte.core.fine_tuning.samples import guard_items
    from napari_leukocyte.core.model import training_run

    guard = [replace(item, read=partial(deepcopy, item.read())) for item in guard_items()[:2]]
    fine_tune: Any = fine_tune_module  # what it imports is exchanged in it
    recipe_of = fine_tune.fine_tune_recipe

    def short(info: Any, parameters: Any) -> Any:
        made = recipe_of(info, parameters)
        steps = replace(made.training, window=32, batch=2, epoch_steps=2)
        return replace(made, training=steps, replayed=min(2, made.replayed))

    with (
        patch.object(fine_tune, "fine_tune_recipe", short),
        patch.object(fine_tune, "guard_items", lambda: guard),
        patch.object(compare, "_RESAMPLES", 20),
        patch.object(training_run, "uses_bfloat16", lambda _device: False),
        patch("napari_leukocyte.plugin.train.train_job.training_threads", lambda _cores: 1),
    ):
        yield


def main() -> None:
    """Go through the day once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the tables into this Markdown file, too")
    given = parser.parse_args()
    os.environ["NAPARI_CONFIG"] = ""  # settings stay in memory
    import tempfile
    from unittest.mock import patch

    import napari
    from qtpy.QtWidgets import QFileDialog

    from tiny_model import tiny_model

    dialog = SimpleNamespace(path=Path())
    with tempfile.TemporaryDirectory() as folder, short_training():

        def folder_chosen(*_args: Any, **_options: Any) -> str:
            return str(dialog.path)

        def file_chosen(*_args: Any, **_options: Any) -> tuple[str, str]:
            return str(dialog.path), ""

        with (
            patch.object(QFileDialog, "getExistingDirectory", folder_chosen),
            patch.object(QFileDialog, "getOpenFileName", file_chosen),
            patch.object(QFileDialog, "getSaveFileName", file_chosen),
        ):
            model = tiny_model(Path(folder, "tiny.safetensors"))
            day = Day(Path(folder), model, napari.Viewer, dialog)
            for step in STEPS:
                step(day)
            day.hands.viewer.close()
            day.watch.end()
    told = table_of(day.steps)
    print(told)
    if given.out is not None:
        given.out.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
