"""Somebody who does anything in windows of napari, in any order: what `random_actions.py` lets loose."""

import random
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter, sleep
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PATIENCE_S = 60.0
_OWN = ("napari-leukocyte", "draft-", "training ")  # threads of the plugin
_DOCKS = ("Segment", "Measure", "Correct", "Compare", "Train")


def smear(rng: random.Random) -> NDArray[np.uint8]:
    """One or two dark nuclei in gray cells, which the tiny network knows."""
    height, width = rng.choice([(60, 66), (60, 66), (72, 90)])
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), 250, np.uint8)
    for _ in range(rng.randint(1, 2)):
        distance = np.hypot(y - rng.randrange(15, height - 15), x - rng.randrange(15, width - 15))
        image[distance < rng.randint(12, 16)] = 140
        image[distance < rng.randint(6, 9)] = 20 + rng.randrange(9)
    return image


class Person:
    """Somebody who does anything, in any order.

    Parameters
    ----------
    seed
        Of the actions.
    folder
        For images, training sets and models.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        from PIL import Image

        from tiny_model import tiny_model

        self.rng, self.folder = random.Random(seed), folder
        self.model = tiny_model(folder / "tiny.safetensors")
        self.problems: list[str] = []
        self.done: Counter[str] = Counter()
        self.longest = 0.0, ""
        self.viewers: list[Any] = []
        self.docks: dict[int, dict[str, Any]] = {}
        self._sets = 0
        for name in ("a", "b"):
            (folder / name).mkdir()
            for number in range(3):
                pixels = smear(self.rng)
                Image.fromarray(pixels[..., 0] if number == 2 else pixels).save(folder / name / f"{number}.png")
        sys.excepthook = self._hear
        threading.excepthook = lambda told: self._hear(told.exc_type, told.exc_value, told.exc_traceback)
        self.open_window()

    def _hear(self, kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
        self.tell("".join(traceback.format_exception(kind, error, where)))

    def tell(self, problem: str) -> None:
        """Note a problem, and say it at once: a crash may follow."""
        self.problems.append(problem)
        print(f"action {self.done.total()}: {problem}", file=sys.stderr, flush=True)

    # ---- windows ----------------------------------------------------------------------------------------

    def open_window(self) -> None:
        import napari

        viewer = napari.Viewer()
        self.viewers.append(viewer)
        self.docks[id(viewer)] = {}
        for name in self.rng.sample(_DOCKS, 3):
            self.dock(viewer, name)

    def close_window(self) -> None:
        viewer = self.rng.choice(self.viewers)
        self.close(viewer)
        if not self.viewers:
            self.open_window()

    def close(self, viewer: Any) -> None:
        self.viewers.remove(viewer)
        del self.docks[id(viewer)]
        viewer.close()

    def second_window(self) -> None:
        if len(self.viewers) < 2:
            self.open_window()
        else:
            self.close(self.viewers[0])

    def dock(self, viewer: Any, name: str) -> Any:
        """A dock of a window, opened if need be."""
        docks = self.docks[id(viewer)]
        if name not in docks:
            _, docks[name] = viewer.window.add_plugin_dock_widget("napari-leukocyte", name)
            if name == "Segment":
                docks[name].form.use_weight_file(self.model)
        return docks[name]

    def close_dock(self) -> None:
        viewer = self.rng.choice(self.viewers)
        docks = self.docks[id(viewer)]
        if docks:
            frame = docks.pop(self.rng.choice(list(docks))).parentWidget()
            while not hasattr(frame, "destroyOnClose"):
                frame = frame.parentWidget()
            frame.destroyOnClose()  # what napari's X does

    # ---- images -----------------------------------------------------------------------------------------

    def open_image(self) -> None:
        viewer = self.rng.choice(self.viewers)
        planes = self.rng.choice([0, 0, 2])
        pixels = np.stack([np.full((60, 66, 3), 250, np.uint8)] * planes) if planes else smear(self.rng)
        if self.rng.random() < 0.2:
            viewer.add_image(pixels[..., 0], name="gray")
        else:
            viewer.add_image(pixels, rgb=True, name="smear")

    def open_folder(self) -> None:
        segment = self.dock(self.rng.choice(self.viewers), "Segment")
        segment.open_folder(self.folder / self.rng.choice("ab"))
        self._answer(segment.question)
        self._wait(lambda: not segment.opener.running)

    def switch(self) -> None:
        viewer = self.rng.choice(self.viewers)
        session = self._session(viewer)
        if session.images:
            session.show(self.rng.randrange(len(session.images)))

    # ---- work -------------------------------------------------------------------------------------------

    def segment(self) -> None:
        dock = self._segment_something()
        if self.rng.random() < 0.7:
            self._wait(lambda: not dock.job.running)

    def segment_and_cancel(self) -> None:
        dock = self._segment_something()
        self._rest(self.rng.random() * 0.05)
        dock.job.cancel()

    def _segment_something(self) -> Any:
        dock = self.dock(self.rng.choice(self.viewers), "Segment")
        if not dock.job.running:
            dock.segment()
            self._answer(dock.question)
        return dock

    def paint(self) -> None:
        _, session, layer = self._painted()
        if layer is not None:
            layer.brush_size = self.rng.randint(2, 12)
            plane = (session.index,) if session.is_stack else ()
            for _ in range(3):
                y, x = (self.rng.randrange(side) for side in layer.data.shape[-2:])
                layer.paint((*plane, y, x), self.rng.randrange(3))

    def undo(self) -> None:
        _, _, layer = self._painted()
        if layer is not None:
            for _ in range(self.rng.randint(1, 3)):
                layer.undo()

    def redo(self) -> None:
        _, _, layer = self._painted()
        if layer is not None:
            layer.redo()

    def repair(self) -> None:
        viewer, session, layer = self._painted()
        if layer is not None and session.state is not None and session.state.measures:
            measure = self.dock(viewer, "Measure")
            cells = [one.cell for one in session.state.measures]
            session.go_to(session.index, self.rng.choice(cells))
            session.command(self.rng.choice(["fill", "mark", "split", "join", "outlines", "nucleus", "cytoplasm"]))
            if len(cells) > 1 and self.rng.random() < 0.3:
                measure.tools.join(cells[:2])

    def split(self) -> None:
        from napari_leukocyte.core.cells import live_repairs
        from napari_leukocyte.core.errors import LeukocyteError

        _, session, layer = self._painted()
        if layer is not None and session.state is not None and session.state.measures:
            one = self.rng.choice(session.state.measures)
            line = [(one.y - 30, one.x), (one.y + 30, one.x)]
            with suppress(LeukocyteError):  # it is said to the user
                session.edit_labels(lambda live: live_repairs.split(live, line))

    def compare(self) -> None:
        viewer, session, layer = self._painted()
        if layer is None or session.state is None:
            return
        dock = self.dock(viewer, "Compare")
        viewer.add_labels(np.array(layer.data), name="experts")
        dock.truth.setCurrentIndex(dock.truth.findText("experts"))
        dock.truth.activated.emit(dock.truth.currentIndex())
        self._wait(lambda: not dock.loader.running)
        session.command(self.rng.choice(["truth", "difference"]))

    def accept(self) -> None:
        viewer = self.rng.choice(self.viewers)
        correct, session = self.dock(viewer, "Correct"), self._session(viewer)
        if session.training_set is None or self.rng.random() < 0.1:
            self._sets += 1
            correct.new_set(self.folder / f"set_{self._sets}")
        elif session.state is not None:
            session.command(self.rng.choice(["accept", "next", "skip"]))

    def train_and_cancel(self) -> None:
        dock = self.dock(self.rng.choice(self.viewers), "Train")
        if dock.train_button.isEnabled():
            dock.train()
            self._rest(self.rng.random() * 0.5)
            dock.job.cancel()

    # ---- layers -----------------------------------------------------------------------------------------

    def delete(self) -> None:
        viewer = self.rng.choice(self.viewers)
        if len(viewer.layers):
            viewer.layers.remove(self.rng.choice(list(viewer.layers)))

    def delete_many(self) -> None:
        layers = self.rng.choice(self.viewers).layers
        if self.rng.random() < 0.5:
            layers.clear()
        else:
            layers.select_all()
            layers.remove_selected()

    def rename(self) -> None:
        viewer = self.rng.choice(self.viewers)
        if len(viewer.layers):
            self.rng.choice(list(viewer.layers)).name = self.rng.choice(["smear", "experts", "classes", "x / : y", ""])

    def duplicate(self) -> None:
        viewer = self.rng.choice(self.viewers)
        if 0 < len(viewer.layers) < 12:
            from napari.layers import Layer

            viewer.add_layer(Layer.create(*self.rng.choice(list(viewer.layers)).as_layer_data_tuple()))

    # ---- hands ------------------------------------------------------------------------------------------

    def _session(self, viewer: Any) -> Any:
        from napari_leukocyte.plugin.session import get_session

        return get_session(viewer)

    def _painted(self) -> tuple[Any, Any, Any]:
        viewer = self.rng.choice(self.viewers)
        session = self._session(viewer)
        return viewer, session, session.classes_layer

    def _answer(self, question: Any) -> None:
        if question.isVisible() and question.buttons:
            self.rng.choice(list(question.buttons.values())).click()

    def _rest(self, seconds: float) -> None:
        from qtpy.QtCore import QEvent
        from qtpy.QtWidgets import QApplication

        end = perf_counter() + seconds
        while True:
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # as a running event loop does
            if perf_counter() >= end:
                return
            sleep(0.002)

    def _wait(self, until: Callable[[], bool]) -> None:
        end = perf_counter() + _PATIENCE_S
        while not until():
            self._rest(0.01)
            if perf_counter() > end:
                raise TimeoutError("something does not come to its end")

    def act(self) -> None:
        """Do one thing, and see what comes of it."""
        name = self.rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        began = perf_counter()
        try:
            getattr(self, name)()
            held = perf_counter()
            self._rest(0)
            self.longest = max(self.longest, (perf_counter() - held, f"after {name}"))
        except Exception:  # whatever it is: that is what is looked for
            self.tell(f"{name}: {traceback.format_exc()}")
        self.done[name] += 1
        if perf_counter() - began > 2 * _PATIENCE_S:
            self.tell(f"{name}: {perf_counter() - began:.0f} s")

    def leave(self) -> None:
        """Close all windows; no thread of the plugin may be left."""
        for viewer in list(self.viewers):
            self.close(viewer)
        try:
            self._wait(lambda: not own_threads())
        except TimeoutError:
            self.tell(f"threads are left: {own_threads()}")


ACTIONS: dict[str, float] = {
    "open_image": 8,
    "open_folder": 5,
    "segment": 16,
    "segment_and_cancel": 5,
    "paint": 16,
    "undo": 8,
    "redo": 3,
    "repair": 8,
    "split": 4,
    "switch": 10,
    "delete": 8,
    "delete_many": 1.5,
    "rename": 3,
    "duplicate": 2,
    "compare": 3,
    "accept": 8,
    "train_and_cancel": 1,
    "close_dock": 2,
    "second_window": 1,
    "close_window": 1,
}
"""What is done, and how often beside the others."""


def own_threads() -> list[str]:
    """Names of the plugin's threads that run."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(_OWN)]
