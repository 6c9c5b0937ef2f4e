import errno
import os
from dataclasses import fields
from datetime import UTC, datetime

import numpy as np
import pytest

from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

SHAPE = (30, 40)


@pytest.fixture
def training_set(tmp_path):
    return TrainingSet.create(tmp_path / "set", pixel_size=0.1)


@pytest.fixture
def pixels():
    """A small RGB image, another one for each seed."""

    def draw(seed=0, shape=SHAPE):
        return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)

    return draw


@pytest.fixture
def maps():
    """Class map and cell labels of two cells, other ones for each seed."""

    def draw(seed=0, shape=SHAPE):
        classes = np.zeros(shape, np.uint8)
        classes[2 : 10 + seed % 8, 2:12] = 1
        classes[4:8, 4:8] = 2
        classes[15:25, 15:30] = 1
        classes[18:22, 18:25] = 2
        cells = np.zeros(shape, np.int32)
        cells[:15][classes[:15] > 0] = 3
        cells[15:][classes[15:] > 0] = 300
        cells[(cells == 0) & (classes > 0)] = 3
        return classes, cells

    return draw


def with_facts(given):
    """Sort what is known of a mask, given by name, into its record."""
    um = given.pop("pixel_size", None)
    size = um if isinstance(um, PixelSize) else PixelSize(um, given.pop("pixel_size_source", "unknown"))
    facts = {field.name: given.pop(field.name) for field in fields(MaskFacts) if field.name in given}
    return {"facts": MaskFacts(**facts, pixel_size=size), **given}


@pytest.fixture
def correction(maps):
    def make(seed=0, **given):
        classes, cells = maps(seed)
        return Correction(**{"classes": classes, "cells": cells, **with_facts(given)})

    return make


@pytest.fixture
def draft(maps):
    def make(seed=0, **given):
        classes, cells = maps(seed)
        return Draft(**{"classes": classes, "cells": cells, "saved": datetime.now(UTC), **with_facts(given)})

    return make


@pytest.fixture
def full_disk(monkeypatch):
    """Fill the disk, or empty it again: nothing can be flushed to a full one."""
    real = os.fsync

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    def switch(on=True):
        monkeypatch.setattr(os, "fsync", full if on else real)

    return switch


@pytest.fixture
def read_only(monkeypatch):
    """Make a folder and all in it read-only, and become somebody whom that stops."""
    restores = []

    def protect(folder):
        if not hasattr(os, "geteuid"):
            pytest.skip("needs POSIX access rights")
        for path in [folder, *folder.rglob("*")]:
            restores.append((path, path.stat().st_mode))
            path.chmod(0o555 if path.is_dir() else 0o444)
        restores.append((folder.parent, folder.parent.stat().st_mode))
        folder.parent.chmod(0o755)
        monkeypatch.chdir(folder.parent)  # a name from here needs no rights on the folders above
        if os.geteuid() == 0:
            os.seteuid(65534)
            restores.append(None)
        return folder.relative_to(folder.parent)

    yield protect
    if None in restores:
        os.seteuid(0)
    for path, mode in filter(None, restores):
        path.chmod(mode)


def files_of(folder):
    """Every file with its bytes; lock files are empty and not counted."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    }


@pytest.fixture
def files():
    return files_of
