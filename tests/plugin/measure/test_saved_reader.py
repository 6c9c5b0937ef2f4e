"""The reader's name in saved results: of maps that a hand corrected, and of no others."""

import csv

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.training_set.records import user_name
from napari_leukocyte.plugin.measure.saving import save_results, snapshots
from napari_leukocyte.plugin.session import get_session

SHAPE = (80, 100)


@pytest.fixture
def session(crops, segmentation, disc_map):
    viewer = ViewerModel()
    session = get_session(viewer)
    session.open_files(list(sources_from_files(sorted(crops(("a", "b"), SHAPE).iterdir()))))
    for index in range(2):
        session.put(index, segmentation(disc_map(SHAPE, (40, 50, 25, 12))))
    yield session
    viewer.layers.clear()


def test_a_corrected_map_says_who_corrected_it(session, tmp_path):
    session.reader = "Anna Berg"
    session.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[38:42, 30:36]), 2)
    assert "account" not in save_results(snapshots(session, range(2)), tmp_path / "out", trusted={})
    with (tmp_path / "out" / "cells.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"]: row["reader"] for row in rows} == {"a.png": "Anna Berg", "b.png": ""}
    record = read_record(tmp_path / "out")
    assert [image.planes[0].provenance.get("reader", "") for image in record.done.values()] == ["Anna Berg", ""]


def test_where_nobody_has_said_a_name_the_sentence_says_whose_it_is(session, tmp_path):
    unedited = save_results(snapshots(session, range(2)), tmp_path / "unedited", trusted={})
    assert "account" not in unedited
    session.classes_layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[38:42, 30:36]), 2)
    said = save_results(snapshots(session, range(2)), tmp_path / "out", trusted={})
    assert f"corrected maps carry the name of the account, {user_name()}, as their reader" in said
