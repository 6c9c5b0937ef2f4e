"""The badges: after any edit what they would be if all were written anew, and only those of changed cells are."""

import numpy as np
import pytest

from napari_leukocyte.core.cells import live_repairs
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.plugin import cnr_text
from napari_leukocyte.plugin.cnr_text import get_cnr_text

SIDE, APART = 14, 26  # 196 cells


@pytest.fixture
def field(viewer, session, segmentation, disc_map):
    """A field of cells, with its badges."""
    shape = (SIDE * APART, SIDE * APART)
    discs = [(13 + APART * i, 13 + APART * j, 10, 5) for i in range(SIDE) for j in range(SIDE)]
    session.open_layer(viewer.add_image(np.zeros((*shape, 3), np.uint8)))
    badges = get_cnr_text(session)
    session.put(0, segmentation(disc_map(shape, *discs), pixel_size=0.2))
    assert len(badges.layer.data) == SIDE**2
    return session, badges


def written_anew(session):
    live = session.states[0].live
    every = [cnr_text._badge(live.cells, live.boxes[m.cell], m) for m in live.measures]
    return cnr_text._as_points({0: every}, stack=False)


def edits(session):
    """One of each kind, of some cell."""
    layer, live = session.classes_layer, session.states[0].live

    def paint(cell, old, new):
        at = np.nonzero((live.cells == cell) & (layer.data == old))
        layer.data_setitem(tuple(axis[:30] for axis in at), new)

    yield lambda: paint(50, 2, 1)
    yield lambda: paint(51, 1, 0)
    yield lambda: session.edit_map(lambda own: live_repairs.delete(own, [77]), 0)
    yield lambda: layer.undo()
    yield lambda: layer.data_setitem(tuple(np.mgrid[0:3, 0:3].reshape(2, -1)), 1)  # a new one, in a corner
    yield lambda: session.edit_labels(lambda own: own.set_marks({9: Flag.NOT_A_WBC_SMUDGE}))
    yield lambda: session.select(0, 60)
    yield lambda: layer.undo()
    yield lambda: layer.redo()


def test_after_each_edit_the_badges_are_what_they_would_be_anew_and_only_changed_ones_are_written(field, monkeypatch):
    session, badges = field
    write, written = cnr_text._badge, []
    monkeypatch.setattr(cnr_text, "_badge", lambda *args: written.append(args[2].cell) or write(*args))
    for edit in edits(session):
        written.clear()
        edit()
        session.flush()
        assert len(written) < 10
        points, features = written_anew(session)
        assert np.array_equal(badges.layer.data, points)
        assert badges.layer.features.to_dict("list") == features
        assert list(badges.layer.text.values) == features["badge"]
        chosen = badges.layer.face_color[:, 2] > 0.5
        assert [features["cell"][i] for i in np.flatnonzero(chosen)] == ([60] if session.selection else [])


def test_an_edit_that_changes_no_badge_writes_no_text(field):
    session, badges = field
    told = []
    badges.layer.events.features.connect(told.append)
    session.changed.emit(0, (0, 1, 0, 1))
    badges.refresh()
    assert told == []
    layer, cells = session.classes_layer, session.states[0].cells
    layer.data_setitem(tuple(axis[:40] for axis in np.nonzero(cells == 40)), 0)
    assert told
