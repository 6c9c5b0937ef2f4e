import errno
import os
from pathlib import Path

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_a_new_file_and_leaves_nothing_else(tmp_path):
    with atomic_path(tmp_path / "mask.png") as temporary:
        temporary.write_bytes(b"new")
        assert not (tmp_path / "mask.png").exists()
    assert (tmp_path / "mask.png").read_bytes() == b"new"
    assert names(tmp_path) == ["mask.png"]


def test_temporary_is_hidden_keeps_the_suffix_and_the_folder(tmp_path):
    with atomic_path(str(tmp_path / "a.ome.tif")) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".tif"
        temporary.write_bytes(b"x")


def test_old_file_is_there_until_the_end_and_then_replaced(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_an_exception_passes_through_and_the_old_file_survives(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def stop_halfway():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        stop_halfway()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_at_either_step(tmp_path, monkeypatch, step):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(LeukocyteError) as caught, atomic_path(target) as temporary:
        temporary.write_text("new")
    assert str(caught.value) == (f"{target} could not be written: no space left on the device; nothing was changed.")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_while_the_block_writes(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def write_to_full_disk():
        with atomic_path(target) as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("new")

    with pytest.raises(LeukocyteError, match="no space left on the device"):
        write_to_full_disk()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]
    assert Path("/dev/full").exists()


def test_missing_folder(tmp_path):
    target = tmp_path / "nowhere" / "a.csv"
    with pytest.raises(LeukocyteError, match=r"a\.csv could not be written: its folder does not exist"):  # noqa: SIM117
        with atomic_path(target) as temporary:
            temporary.write_text("x")


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(LeukocyteError, match="nothing was changed"):  # noqa: SIM117
        with atomic_path(tmp_path / "file" / "a.csv") as temporary:
            temporary.write_text("x")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_of_the_same_name_survives(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(LeukocyteError, match="could not be written"):  # noqa: SIM117
        with atomic_path(tmp_path / "a.csv") as temporary:
            temporary.write_text("x")
    assert names(tmp_path) == ["a.csv"]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LeukocyteError, match="permission denied"):  # noqa: SIM117
            with atomic_path(tmp_path / "a.csv") as temporary:
                temporary.write_text("x")
    finally:
        tmp_path.chmod(0o700)


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(LeukocyteError, match="could not be written"), atomic_path(tmp_path / "a.csv"):
        pass
    assert names(tmp_path) == []


def test_a_very_long_name_can_be_written(tmp_path):
    target = tmp_path / ("x" * 251 + ".csv")
    with atomic_path(target) as temporary:
        temporary.write_text("x")
    assert target.read_text() == "x"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with atomic_path(tmp_path / "a.csv") as first, atomic_path(tmp_path / "a.csv") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a.csv").read_text() == "1"


def test_a_folder_is_made_with_those_above_it(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


def test_a_folder_that_cannot_be_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LeukocyteError, match=r"file cannot be made \(a file of that name is there\)"):
        make_folder(tmp_path / "file")
    with pytest.raises(LeukocyteError, match=r"below cannot be made \(a part of its path is a file"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has a folder that not even root can write to")
def test_a_folder_that_cannot_be_written_to_is_told_before_the_work():
    with pytest.raises(LeukocyteError, match=r"The folder /proc cannot be written to \(.+\): choose another one"):
        make_folder(Path("/proc"))
