"""A short moving picture: cells by clicks on a drawn smear that was never segmented."""

from typing import Any

import napari
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_leukocyte.core.synthetic.smear import draw_field

from .hands import CTRL, LEFT, NO_KEY, OUT, SHIFT, click, new_viewer, on_canvas, open_dock, press, wait_for

_SIZE = (300, 400)  # px of the smear
_PX_PER_UM = 6.0
_CELLS = 4
_COLOURS = 96
_STEP_MS, _HOLD_MS, _READ_MS = 90, 700, 1600
_TEXT_PX = 28  # height of the line below the smear
_POINTER = ((0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12))


class Tape:
    """Frames of the canvas, with the pointer and a line of text."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self.viewer = viewer
        self.frames: list[Image.Image] = []
        self.times: list[int] = []
        self.at = QPoint(0, 0)
        self.text = ""

    def shoot(self, milliseconds: int) -> None:
        """Keep what is on the canvas now, for so long."""
        QTest.qWait(60)  # the canvas draws at its own pace
        native = self.viewer.window._qt_viewer.canvas.native
        corner = native.mapTo(self.viewer.window._qt_window, QPoint(0, 0))
        first, last = on_canvas(self.viewer, 0, 0), on_canvas(self.viewer, *_SIZE)
        window = self.viewer.screenshot(canvas_only=False, flash=False)[..., :3]
        rows = slice(corner.y() + first.y(), corner.y() + last.y())
        columns = slice(corner.x() + first.x(), corner.x() + last.x())
        self.frames.append(self._drawn_on(window[rows, columns], self.at - first))
        self.times.append(milliseconds)

    def _drawn_on(self, smear: NDArray[np.uint8], at: QPoint) -> Image.Image:
        height, width = smear.shape[:2]
        picture = Image.new("RGB", (width, height + _TEXT_PX))
        picture.paste(Image.fromarray(np.ascontiguousarray(smear)))
        draw = ImageDraw.Draw(picture)
        pointer = [(at.x() + x, at.y() + y) for x, y in _POINTER]
        draw.polygon(pointer, fill="white", outline="black")
        draw.text((8, height + 5), self.text, fill="white", font=ImageFont.load_default(15))
        return picture

    def move(self, place: tuple[float, float], steps: int = 5) -> None:
        """The pointer goes to a pixel (row, column)."""
        native, end, start = self.viewer.window._qt_viewer.canvas.native, on_canvas(self.viewer, *place), self.at
        for part in np.linspace(0, 1, steps + 1)[1:]:
            self.at = QPoint(*(round(a + part * (b - a)) for a, b in ((start.x(), end.x()), (start.y(), end.y()))))
            at, none = QPointF(self.at), Qt.MouseButton.NoButton
            event = QMouseEvent(QEvent.Type.MouseMove, at, native.mapToGlobal(at), none, none, NO_KEY)
            QApplication.sendEvent(native, event)
            QTest.qWait(20)
            self.shoot(_STEP_MS)

    def click(self, modifier: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press and release the left button where the pointer is."""
        QTest.mouseClick(self.viewer.window._qt_viewer.canvas.native, LEFT, modifier, self.at)

    def keep(self, name: str) -> None:
        """Write all frames, with one palette for all of them."""
        first, *others = [frame.convert("RGB") for frame in self.frames]
        palette = self.frames[-1].quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in (first, *others)]
        frames[0].save(OUT / name, save_all=True, append_images=frames[1:], duration=self.times, loop=0, optimize=True)


def correcting() -> None:
    """Click a cell, on an image without a map; the last one is undone and made again."""
    smear = draw_field(seed=11, size=_SIZE, px_per_um=_PX_PER_UM, n_cells=_CELLS, stain="wright-giemsa")
    viewer = new_viewer()
    place = {"scale": (smear.pixel_size,) * 2, "units": "um"}
    viewer.add_image(smear.image, name="drawn smear", **place)
    dock = open_dock(viewer, "Correct")
    viewer.reset_view(margin=0.0)
    tape = Tape(viewer)
    click(dock.gestures.click_button)
    _rest(dock)
    tape.at = on_canvas(viewer, _SIZE[0] - 20, 20)
    tape.text = "Click a cell (C)"
    tape.shoot(_READ_MS)
    edge = np.concatenate([smear.cells[[0, -1]].ravel(), smear.cells[:, [0, -1]].ravel()])
    whole = [n for n in range(1, int(smear.cells.max()) + 1) if n not in edge]  # a cell that is cut has no CNR
    middles = [np.argwhere((smear.cells == n) & (smear.classes == 2)).mean(axis=0) for n in whole]
    for number, (y, x) in enumerate(middles):
        tape.text = "Rest on a cell: the outline that a click would give" if number == 0 else "One click a cell"
        tape.move((y, x))
        wait_for(lambda: bool(dock.gestures.hand.lines.lines))
        tape.shoot(_READ_MS if number == 0 else _HOLD_MS)
        tape.text = "Click: cytoplasm, nucleus and CNR stand there"
        tape.click()
        _rest(dock)
        tape.shoot(_READ_MS if number == 0 else _HOLD_MS)
    tape.text = "Ctrl+Z takes a gesture back, Ctrl+Shift+Z makes it again"
    press(viewer, Qt.Key.Key_Z, CTRL)
    tape.shoot(_READ_MS)
    press(viewer, Qt.Key.Key_Z, CTRL | SHIFT)
    tape.shoot(_READ_MS)
    tape.keep("correcting.gif")
    viewer.close()


def _rest(dock: Any) -> None:
    wait_for(lambda: not dock.gestures.hand.engine.busy)
    QTest.qWait(100)
