"""``segment`` of whole slides from the command line."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "slides"))
from drawn_slides import UM, draw, scattered
from PIL import Image
from slide_files import write_ome_tiff, write_plain_tiff, write_svs, write_zarr

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.slides import inputs, opening, tiff_slides
from napari_leukocyte.core.slides.inputs import divide, in_one_piece, slide_folders


@pytest.fixture(scope="module")
def drawn():
    return draw((520, 640), scattered((520, 640), 14, seed=4), red_cells=200)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_slides_and_images_of_one_command(tmp_path, run, drawn, model):
    folder = tmp_path / "in"
    folder.mkdir()
    write_svs(folder / "a.svs", drawn, mpp=UM)
    write_zarr(folder / "b.ome.zarr", drawn, um=UM)
    tifffile.imwrite(folder / "c.tif", drawn, photometric="rgb")
    (folder / "d.svs").write_bytes(b"no slide")
    out = tmp_path / "out"
    command = ("segment", folder, "--out", out, "--model", model, "--default-pixel-size", UM)
    done = run(*command)
    assert done.exit_code == 1, done.output
    assert "d.svs" in done.output
    assert "Traceback" not in done.output
    assert "a.svs: " in done.output
    assert "of 4 windows are looked at (overview.png)" in done.output
    first, second = rows_of(out / "a" / "cells.csv"), rows_of(out / "b" / "cells.csv")
    assert len(first) == len(second) > 5
    assert {row["image"] for row in rows_of(out / "cells.csv")} == {"c.tif"}
    (folder / "d.svs").unlink()
    again = run(*command, "--resume")
    assert again.exit_code == 0, again.output
    assert f"a.svs: {len(first)} cells, done before" in again.output


def test_a_pyramid_of_a_field_is_an_image_unless_it_is_said_to_be_a_slide(tmp_path, run, drawn, model):
    path = write_ome_tiff(tmp_path / "a.ome.tif", drawn, um=UM)
    assert divide([str(path)]) == ([], [path])
    assert divide([str(path)], "all") == ([str(path)], [])
    done = run("segment", path, "--out", tmp_path / "out", "--model", model, "--slides", "all", "--crops")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "a" / "crops" / "cell_000001.png").is_file()
    assert not (tmp_path / "out" / "cells.csv").exists()


def test_what_is_for_images_is_refused_for_slides(tmp_path, run, drawn, model):
    path = write_svs(tmp_path / "a.svs", drawn)
    for option, words in (("--jobs", "one process"), ("--scheduler", "not on a cluster")):
        refused = run("segment", path, "--out", tmp_path / "out", "--model", model, option, 2)
        assert refused.exit_code == 1
        assert words in refused.output
    assert not (tmp_path / "out").exists()


def test_what_a_large_image_takes_is_said_before_it_is_begun(tmp_path, run, drawn, model, monkeypatch):
    Image.fromarray(drawn).save(tmp_path / "a.png")
    write_plain_tiff(tmp_path / "b.tif", drawn, compression="zlib", rowsperstrip=520)  # it is read whole or not at all
    write_plain_tiff(tmp_path / "c.tif", drawn, compression="zlib", tile=(64, 64))
    monkeypatch.setattr(inputs, "_LEAST_BYTES", 0)
    monkeypatch.setattr(inputs, "LARGE_PX", 300_000)
    monkeypatch.setattr(opening, "LARGE_PX", 300_000)
    monkeypatch.setattr(tiff_slides, "LARGEST_BLOCK", 100_000)
    slides, images = divide([str(tmp_path)])
    assert [Path(slide).name for slide in slides] == ["c.tif"]
    assert [note.split(" has ")[0] for note in in_one_piece(images)] == ["a.png", "b.tif"]
    done = run("segment", tmp_path / "a.png", "--out", tmp_path / "out", "--model", model, "--pixel-size", UM)
    assert done.exit_code == 0, done.output
    assert "in one piece, which takes about 0 GB" in " ".join(done.output.split())


def test_results_never_lie_in_a_slide_or_on_each_other(tmp_path, drawn):
    store = write_zarr(tmp_path / "a", drawn)
    with pytest.raises(LeukocyteError, match="in the slide itself"):
        slide_folders(tmp_path, [str(store)])
    folders = slide_folders(tmp_path / "out", ["x/a.svs", "x/a.zarr", "x/b.svs"])
    assert [folder.name for folder in folders.values()] == ["a.svs", "a.zarr", "b"]
    with pytest.raises(LeukocyteError, match="Two slides are called"):
        slide_folders(tmp_path / "out", ["x/a.svs", "y/a.svs"])


def test_ctrl_c_keeps_what_was_looked_at(tmp_path, run, model, interrupt_when):
    large = np.tile(draw((640, 640), scattered((640, 640), 14, seed=4), red_cells=200), (3, 3, 1))
    path = write_zarr(tmp_path / "a.zarr", large, um=UM)
    work = tmp_path / "out" / "a" / ".work" / "tiles.jsonl"
    interrupt_when(tmp_path / "out" / "a" / "overview.png")
    stopped = run("segment", path, "--out", tmp_path / "out", "--model", model)
    assert stopped.exit_code not in (0, 1), stopped.output
    assert "--resume goes on" in stopped.output
    assert work.is_file()
    done = run("segment", path, "--out", tmp_path / "out", "--model", model, "--resume")
    assert done.exit_code == 0, done.output
    assert rows_of(tmp_path / "out" / "a" / "cells.csv")
