"""A whole slide in napari: opened lazily, searched from the Segment dock, and one cell of it corrected."""

import errno
import os
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "slides"))
from drawn_slides import UM, draw, run, scattered, table
from driving import LONG, click, go_to_dock, open_dock, paint
from PIL import Image
from slide_files import LABEL, write_svs, write_zarr

from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.slides import correcting
from napari_leukocyte.core.slides.found import FoundOnSlide
from napari_leukocyte.core.slides.opening import open_slide as open_lazily

SHAPE = (700, 1100)


@pytest.fixture(scope="module")
def picture():
    return draw(SHAPE, scattered(SHAPE, 26, seed=5), red_cells=420)


@pytest.fixture(scope="module")
def svs(tmp_path_factory, picture):
    return write_svs(tmp_path_factory.mktemp("slide") / "smear.svs", picture, mpp=UM, compression="zlib")


@pytest.fixture
def dock(viewer, qtbot, model):
    dock = open_dock(viewer, qtbot, "Segment")
    dock.form.use_weight_file(model)
    return dock


def open_slide(dock, path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(dock.open_slide_button)


def find_cells(dock, folder, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    click(dock.slide.find_button)
    qtbot.waitUntil(lambda: not dock.slide.job.running, timeout=LONG)


def click_row(dock, number):
    table = dock.slide.table
    index = table.model().index(number, 0)
    table.scrollTo(index)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())


def bring(dock, qtbot, number):
    """A click on a row, and the wait for its region."""
    click_row(dock, number)
    qtbot.waitUntil(lambda: not dock.slide._reader.running, timeout=LONG)


def test_file_open_shows_a_slide_in_levels_and_never_its_label(viewer, svs, picture):
    (layer,) = viewer.open(svs, plugin="napari-leukocyte")
    assert layer.multiscale
    assert layer.rgb
    assert [level.shape for level in layer.data] == [(700, 1100, 3), (350, 550, 3), (175, 275, 3)]
    assert tuple(layer.scale) == pytest.approx((UM, UM))
    assert not (np.asarray(layer.data[0]) == LABEL[0, 0]).all(axis=-1).any()
    assert np.array_equal(np.asarray(layer.data[0][10:60, 20:90]), picture[10:60, 20:90])
    assert layer.name == "smear.svs"


def test_ome_zarr_opens_as_a_slide_too(viewer, tmp_path, picture):
    (layer,) = viewer.open(write_zarr(tmp_path / "a.zarr", picture), plugin="napari-leukocyte")
    assert layer.multiscale
    assert layer.data[0].shape == (*SHAPE, 3)


def test_cells_are_found_and_one_is_corrected(viewer, dock, svs, tmp_path, qtbot, monkeypatch, measured_here):
    open_slide(dock, svs, monkeypatch)
    slide = dock.form.image.value
    assert slide.name == "smear.svs"
    assert dock.slide.isVisible()
    assert "one pixel off" in dock.slide.status.text()
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    rows = dock.slide._found.rows
    assert len(rows) > 12
    assert f"{len(rows)} cells" in dock.slide.status.text()
    film = viewer.layers["smear.svs: film"]
    for share in (0, 0.3, 1):  # from corner to corner of the pixels
        sizes = ((film, film.data.shape[:2]), (slide, SHAPE))
        there, here = (layer.data_to_world(share * np.array(size) - 0.5) for layer, size in sizes)
        assert np.allclose(there, here)
    chosen = next(i for i, row in enumerate(rows) if row["cnr"])
    measured_here.clear()
    bring(dock, qtbot, chosen)
    assert measured_here
    assert not any(measured_here)
    session = dock.session
    cell = int(rows[chosen]["cell"])
    assert session.selection == (session.index, cell)
    assert session.image_layer.name.startswith("smear.svs [")
    measure = session.state.live.measure_of(cell)
    assert f"{measure.cnr:.8g}" == rows[chosen]["cnr"]
    top, left = (int(part.split(":")[0]) for part in session.image_layer.name.split("[")[1].rstrip("]").split(", "))
    assert (measure.y + top, measure.x + left) == pytest.approx(tuple(float(rows[chosen][k]) for k in "yx"))
    where = session.image_layer.data_to_world((measure.y, measure.x))
    assert tuple(where) == pytest.approx(tuple(slide.data_to_world((measure.y + top, measure.x + left))))
    before = session.state.live.measure_of(cell).nucleus_px
    session.take_brush("nucleus")
    session.classes_layer.brush_size = 9
    rim = where[1] + 13 * UM  # cytoplasm so far
    paint(viewer, (where[0] - 2 * UM, rim), (where[0] + 2 * UM, rim))
    qtbot.waitUntil(lambda: session.state.edited, timeout=LONG)
    assert session.state.live.measure_of(cell).nucleus_px > before


def test_a_second_search_takes_what_is_done(viewer, dock, svs, tmp_path, qtbot, monkeypatch):
    open_slide(dock, svs, monkeypatch)
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    first = dock.slide.status.text()
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    assert "done before" in dock.slide.status.text()
    assert first.splitlines()[0].split(",")[0] in dock.slide.status.text()
    for number in (0, 5):
        bring(dock, qtbot, number)
    regions = [layer for layer in viewer.layers if layer.name.startswith("smear.svs [")]
    assert len(regions) == 1  # one that nobody worked on makes room


def test_of_rows_that_are_gone_over_the_last_is_brought_up_and_what_cannot_be_read_is_said(
    viewer, dock, svs, tmp_path, qtbot, monkeypatch
):
    open_slide(dock, svs, monkeypatch)
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    click_row(dock, 0)
    QTest.keyClick(dock.slide.table, Qt.Key.Key_Down)  # while the first is read
    bring(dock, qtbot, 7)
    session, rows = dock.session, dock.slide._found.rows
    assert session.selection == (session.index, int(rows[7]["cell"]))
    assert len([layer for layer in viewer.layers if layer.name.startswith("smear.svs [")]) == 1
    with monkeypatch.context() as patch:
        patch.setattr(FoundOnSlide, "segmentation", Mock(side_effect=MemoryError))
        session.close_list()
        bring(dock, qtbot, 3)
    assert "memory is not enough for the reading of the region" in dock.slide.status.text()
    bring(dock, qtbot, 7)
    assert session.selection == (session.index, int(rows[7]["cell"]))


def test_saved_results_open_with_their_slide_and_take_corrections(
    viewer, dock, svs, model, tmp_path, qtbot, monkeypatch
):
    with open_lazily(svs) as slide:
        run(slide, tmp_path / "smear", Predictor(model, device="cpu"))
    before = {row["cell"]: row for row in table(tmp_path / "smear")}
    dock.open_folder(tmp_path)  # the folder above it, with one slide in it
    qtbot.waitUntil(lambda: not dock.opener.running and dock.slide.table.isVisible(), timeout=LONG)
    layer = viewer.layers["smear.svs"]
    assert layer.multiscale
    assert f"{len(before)} cells of smear.svs" in dock.status.text()
    assert dock.slide.table.model().rowCount() == len(before)
    titles = [dock.slide.table.model().headerData(i, Qt.Orientation.Horizontal) for i in range(4)]
    assert titles == ["Cell ▴", "CNR", "x mm", "y mm"]
    chosen = next(i for i, row in enumerate(before.values()) if row["cnr"] and "touching" not in row["flags"])
    number = list(before)[chosen]
    assert dock.slide.table.model().index(chosen, 2).data() == f"{float(before[number]['x_um']) / 1000:.3f}"
    click(dock.slide.write_button)
    assert "No region has corrections" in dock.slide.status.text()
    bring(dock, qtbot, chosen)
    session = dock.session
    assert str(session.selection[1]) == number
    measure = session.state.live.measure_of(int(number))
    y, x = session.image_layer.data_to_world((measure.y, measure.x))
    session.take_brush("nucleus")
    session.classes_layer.brush_size = 9
    paint(viewer, (y - 2 * UM, x + 13 * UM), (y + 2 * UM, x + 13 * UM))
    qtbot.waitUntil(lambda: session.state.edited, timeout=LONG)

    def write():
        click(dock.slide.write_button)
        qtbot.waitUntil(lambda: not dock.slide.writer.running and dock.slide.write_button.isEnabled(), timeout=LONG)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(correcting, "write_correction", full)
        write()
    assert "The disk refused the writing of the corrections (No space left on device)" in dock.slide.status.text()
    assert session.state.at_stake
    write()
    assert "1 cell of 1 region corrected in the results" in dock.slide.status.text()
    after = {row["cell"]: row for row in table(tmp_path / "smear")}
    assert after.keys() == before.keys()
    assert int(after[number]["nucleus_px"]) == session.state.live.measure_of(int(number)).nucleus_px
    assert "edited" in after[number]["flags"]
    assert "brush" in after[number]["made_with"]
    assert {n for n in after if after[n] != before[n]} == {number}
    assert not session.state.at_stake
    assert dock.slide.table.currentIndex().siblingAtColumn(0).data() == number  # still the chosen row
    shown = dock.slide.table.model().index(chosen, 5).data()
    assert "edited" in shown
    dock.open_folder(tmp_path / "smear")  # over the slide that is open
    qtbot.waitUntil(lambda: not dock.opener.running, timeout=LONG)
    assert "corrected" not in dock.slide.status.text()
    assert "one pixel off" in dock.slide.status.text()
    viewer.layers.clear()
    dock.open_folder(tmp_path / "smear")
    qtbot.waitUntil(lambda: not dock.opener.running and "smear.svs" in viewer.layers, timeout=LONG)
    assert dock.slide._found.rows[chosen]["nucleus_px"] == after[number]["nucleus_px"]


def test_results_whose_slide_is_gone_say_where_it_was(viewer, dock, svs, model, tmp_path, qtbot):
    moved = tmp_path / "a.svs"
    moved.write_bytes(svs.read_bytes())
    with open_lazily(moved) as slide:
        run(slide, tmp_path / "out", Predictor(model, device="cpu"))
    Image.fromarray(draw((80, 90), [(40, 40, 15)])).save(tmp_path / "b.png")
    dock.open_folder(tmp_path)  # images come before results below them
    qtbot.waitUntil(lambda: not dock.opener.running and "Results of slides" in dock.status.text(), timeout=LONG)
    assert "1 image." in dock.status.text()
    assert "folders of their own: out" in dock.status.text()
    moved.unlink()
    dock.open_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not dock.opener.running and "a.svs" in dock.status.text(), timeout=LONG)
    assert "move it back" in dock.status.text()
    moved.write_bytes(svs.read_bytes()[:-1])
    dock.open_folder(tmp_path / "out")
    qtbot.waitUntil(lambda: not dock.opener.running and "not the slide" in dock.status.text(), timeout=LONG)


def test_a_slide_that_is_dropped_on_the_dock_is_opened_lazily(viewer, dock, svs, qtbot):
    dock.open_paths([svs])
    assert dock.form.image.value.multiscale


def test_what_goes_wrong_is_said_in_the_dock(viewer, dock, svs, tmp_path, qtbot, monkeypatch):
    (tmp_path / "broken.svs").write_bytes(b"II*\0nothing")
    open_slide(dock, tmp_path / "broken.svs", monkeypatch)
    assert "broken.svs" in dock.status.text()
    open_slide(dock, svs, monkeypatch)
    (tmp_path / "smear").mkdir()
    (tmp_path / "smear" / "mine.txt").write_text("mine")
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    assert "mine.txt" in dock.slide.status.text()
    assert dock.slide.find_button.isEnabled()
    assert not dock.slide.table.isVisible()


@pytest.mark.parametrize("size", [(1280, 800), (1000, 700)])
def test_the_table_of_a_slide_makes_no_window_larger(viewer, dock, svs, tmp_path, qtbot, monkeypatch, size):
    window = viewer.window._qt_window
    viewer.window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size, timeout=LONG)
    open_slide(dock, svs, monkeypatch)
    find_cells(dock, tmp_path, qtbot, monkeypatch)
    for name in ("Measure", "Compare", "Correct", "Train"):
        open_dock(viewer, qtbot, name)
    go_to_dock(viewer, qtbot, dock)
    bring(dock, qtbot, 5)
    assert dock.session.selection is not None
    assert dock.slide.table.visibleRegion().boundingRect().height() > 100  # it was scrolled to
    assert (window.width(), window.height()) == size
