"""The tutorial's course: open a folder, segment, paint, accept and next, train, accept, segment the next folder."""

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from time import perf_counter, process_time
from typing import Any

import napari
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy import ndimage

from napari_leukocyte.core.fine_tuning.gate import findings
from napari_leukocyte.core.synthetic.smear import Smear

from .docks import CNR_COLUMN
from .drawn import MONDAY, PX_PER_UM, TUESDAY, crops
from .hands import (
    OUT,
    SHIFT,
    canvas_picture,
    click,
    click_row,
    dock_picture,
    keep,
    new_viewer,
    open_dock,
    press,
    show_dock,
    stroke,
    wait_for,
    window_picture,
)

_BRUSH = 12
_SHOWN_EPOCHS = 5
_LONG = 7200.0  # s


def course() -> None:
    """All pictures of the tutorial, in its order, and what it says of time and result."""
    with TemporaryDirectory() as folder:
        monday, tuesday = Path(folder, "monday"), Path(folder, "tuesday")
        first, following = crops(monday, MONDAY), crops(tuesday, TUESDAY)
        viewer, segment = _opened(tuesday)
        worst = max(following, key=lambda name: _wrong(segment.session, name, following[name]))
        before, cnr_before = _close_up(viewer, segment, worst), _cnr(segment.session, worst)
        viewer.close()

        viewer, segment = _opened(monday)
        device = segment.status.text().partition(" done on ")[2].rstrip(".")
        window_picture(viewer, "course-segment.png")
        _measure(viewer)
        _correct(viewer, segment, Path(folder, "my-stain"), first)
        minutes, busy, verdict = _train(viewer)
        _segment_folder(segment, tuesday)
        after, cnr_after = _close_up(viewer, segment, worst), _cnr(segment.session, worst)
        show_dock(segment)
        viewer.reset_view()
        window_picture(viewer, "course-again.png")
        gap = np.full((before.shape[0], 12, 3), 255, np.uint8)
        keep(np.hstack([before, gap, after]), "course-before-after.png")
        viewer.close()
    _write(
        "time",
        f"For these pictures the {len(first)} images took **{busy:.0f} minutes of processor time** on {device}, and "
        f"{minutes:.0f} minutes by the clock, beside what else the machine did.",
    )
    drawn = f"{(following[worst].classes == 1).sum() / (following[worst].classes == 2).sum():.2f}"
    _write(
        "result",
        f"Its CNR was {cnr_before:.2f} before and is {cnr_after:.2f} after; it was drawn with {drawn}.\n"
        f"The sentence of the Train dock was: {verdict}",
    )


def correct() -> None:
    """Those of its pictures that need no training and show Measure and Correct."""
    with TemporaryDirectory() as folder:
        monday = Path(folder, "monday")
        first = crops(monday, MONDAY)
        viewer, segment = _opened(monday)
        _measure(viewer)
        _correct(viewer, segment, Path(folder, "my-stain"), first)
        viewer.close()


def _opened(folder: Path) -> tuple[napari.Viewer, Any]:
    """A viewer on a folder, segmented by the default model."""
    viewer = new_viewer()
    dock = open_dock(viewer, "Segment")
    dock.form.pixel_size.value = 1 / PX_PER_UM
    _segment_folder(dock, folder)
    viewer.reset_view()
    return viewer, dock


def _segment_folder(dock: Any, folder: Path) -> None:
    dock.open_folder(folder)
    wait_for(lambda: not dock.opener.running)
    click(dock.segment_button)
    wait_for(lambda: not dock.job.running)
    print(dock.status.text())


def _measure(viewer: napari.Viewer) -> None:
    """Sort by CNR, and click the outlier."""
    dock = open_dock(viewer, "Measure")
    dock.table.sortByColumn(CNR_COLUMN, Qt.SortOrder.AscendingOrder)
    QTest.qWait(300)
    click_row(dock, 0)
    press(viewer, Qt.Key.Key_O)  # outlines, so that the cell is seen
    window_picture(viewer, "course-measure.png")
    press(viewer, Qt.Key.Key_O)


def _correct(viewer: napari.Viewer, segment: Any, folder: Path, drawn: dict[str, Smear]) -> None:
    """Paint on the outlier, accept it, then accept all others; what the brush left is brought to what was drawn."""
    session = segment.session
    dock = open_dock(viewer, "Correct")
    dock.new_set(folder)
    wait_for(lambda: not dock.disk.busy)
    press(viewer, Qt.Key.Key_W)
    layer = viewer.layers["classes"]
    layer.brush_size = _BRUSH
    truth = drawn[session.images[session.index].label].classes
    stroke(viewer, _along((layer.data == 2) & (truth == 1), ndimage.center_of_mass(truth == 2)))
    wait_for(lambda: dock.saved.text().startswith("Draft saved"))
    window_picture(viewer, "correct.png")
    for number in range(len(drawn)):
        truth = drawn[session.images[session.index].label].classes
        wrong = np.nonzero(viewer.layers["classes"].data != truth)
        viewer.layers["classes"].data_setitem(wrong, truth[wrong])
        press(viewer, Qt.Key.Key_D, SHIFT)
        wait_for(lambda: not dock.disk.busy)
        if number == 0:
            viewer.reset_view()
            window_picture(viewer, "course-next.png")
    print(dock.status.text())


def _train(viewer: napari.Viewer) -> tuple[float, float, str]:
    """Train, look at the curves meanwhile, read what changed, accept; returns the minutes and the verdict."""
    dock = open_dock(viewer, "Train")
    wait_for(lambda: dock.summary is not None and not dock.set.busy)
    began, busy = perf_counter(), process_time()
    click(dock.train_button)
    wait_for(lambda: len(dock.curves.epochs) >= _SHOWN_EPOCHS, timeout=_LONG)
    dock_picture(viewer, dock, "train-curves.png")
    wait_for(lambda: not dock.job.running, timeout=_LONG)
    took = (perf_counter() - began) / 60, (process_time() - busy) / 60
    wait_for(lambda: not dock.set.busy)
    window_picture(viewer, "train.png")
    dock_picture(viewer, dock, "train-dock.png")
    found = findings(dock.review._models[dock.review.model.value].before_after)
    dock.layout().itemAt(0).widget().ensureWidgetVisible(dock.review.accept_button)
    click(dock.review.accept_button)
    wait_for(lambda: not dock.set.busy)
    return *took, " ".join(finding.text for finding in found)


def _close_up(viewer: napari.Viewer, segment: Any, name: str) -> NDArray[np.uint8]:
    """An image of the list with what lies over it."""
    segment.session.show(_index(segment.session, name))
    return canvas_picture(viewer)


def _index(session: Any, name: str) -> int:
    return next(index for index, source in enumerate(session.images) if source.label == name)


def _wrong(session: Any, name: str, smear: Smear) -> float:
    """Share of the pixels whose class is another than what was drawn."""
    return float((session.states[_index(session, name)].classes != smear.classes).mean())


def _cnr(session: Any, name: str) -> float:
    """CNR of the one cell of an image."""
    cnr: float = session.states[_index(session, name)].measures[0].cnr
    return cnr


def _along(area: NDArray[np.bool_], middle: tuple[float, float]) -> list[tuple[float, float]]:
    """Pixels along the depth of an area, in the order of their angle around ``middle``."""
    deep = ndimage.distance_transform_edt(area)
    pieces, n = ndimage.label(deep >= min(_BRUSH / 2, deep.max()))
    rows, columns = np.nonzero(pieces == 1 + np.argmax(ndimage.sum_labels(pieces > 0, pieces, range(1, n + 1))))
    angle = np.arctan2(rows - middle[0], columns - middle[1])
    # begin after the widest gap, so that the stroke goes round without a jump
    order = np.argsort(angle)
    gaps = np.diff(angle[order], append=angle[order[0]] + 2 * np.pi)
    order = np.roll(order, -1 - int(gaps.argmax()))
    parts = np.array_split(order, min(30, len(order)))
    return [(float(rows[part].mean()), float(columns[part].mean())) for part in parts]


def _write(name: str, text: str) -> None:
    """Put what was measured into its place in the tutorial."""
    page = OUT.with_name("tutorial.md")
    begin, end = f"<!-- {name}: written by docs/pictures.py -->\n", "<!-- end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    assert found, name
    lines = "\n".join(wrap(text, width=120))
    page.write_text(f"{before}{begin}{lines}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
