"""No output is an input, and nothing that somebody else made is replaced."""

import os
from pathlib import Path

import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.outputs import FIGURES, LOG, MADE_BY, REPORT, TABLE, spare_foreign, spare_inputs


def linked(tmp_path, how):
    image = tmp_path / "a.png"
    image.write_bytes(b"image")
    other = tmp_path / "other.png"
    if how == "itself":
        return image, image
    if how == "another spelling":
        return image, tmp_path / "x" / ".." / "a.png"
    if how == "a link":
        other.symlink_to(image)
    elif how == "a hard link":
        os.link(image, other)
    elif how == "a folder that is a link":
        (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
        other = tmp_path / "folder" / "a.png"
    return image, other


@pytest.mark.parametrize("how", ["itself", "another spelling", "a link", "a hard link", "a folder that is a link"])
def test_an_output_that_is_an_input_is_refused_however_it_is_called(tmp_path, how):
    image, other = linked(tmp_path, how)
    for read, written in ((image, other), (other, image)):
        with pytest.raises(LeukocyteError, match="is read, so it cannot be written"):
            spare_inputs([tmp_path / "new.csv", written], [tmp_path / "b.png", read])


def test_other_files_are_free(tmp_path):
    image, _ = linked(tmp_path, "itself")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    spare_inputs([tmp_path / "b.png", tmp_path / "loop", Path("nul\0")], [image, tmp_path / "gone.png"])


@pytest.mark.parametrize("kind", [TABLE, MADE_BY, FIGURES, REPORT, LOG])
@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"image,mask,px_per_um\n", b'{"mine": 1}', b"my notes\n"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path, kind, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(LeukocyteError, match="is none of this program's files"):
        spare_foreign({path: kind})
    path.write_bytes(b"")
    spare_foreign({path: kind, tmp_path / "gone": kind, tmp_path: kind})
