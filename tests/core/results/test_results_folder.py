"""What a writer does to a folder in which there is something already: nothing that a hand made is replaced unasked."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import file_hash
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.results import in_place
from napari_leukocyte.core.results.in_place import InTheWayError, changed_files
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.record import ImageRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.results.writer import ResultWriter


@pytest.fixture
def smears(tmp_path):
    """Make small image files of these names."""

    def make(*names, folder="in"):
        paths = [tmp_path / folder / name for name in names]
        for number, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((30, 40, 3), [len(path.name), number, 9], np.uint8)).save(path)
        return paths

    return make


@pytest.fixture
def fill(segmentation, disc_map):
    """Write results of files into a folder; ``radius`` makes another map, ``facts`` one that hands changed."""

    def run(folder, paths, *, radius=9, facts=None, **options):
        with ResultWriter(folder, paths, **options) as writer:
            for source in sources_from_files(paths):
                writer.add(source, segmentation(disc_map((30, 40), (15, 20, radius, 4))), facts=facts)
        return writer

    return run


def table(folder):
    return [line.split(",")[0] for line in (folder / "cells.csv").read_text().splitlines()[1:]]


def visible(folder):
    return sorted(path.name for path in folder.iterdir())


def test_names_stay_and_new_ones_do_not_collide(tmp_path, smears, fill):
    out = tmp_path / "out"
    first = fill(out, smears("a.png", "b.png"))
    second = fill(out, smears("a.png", "b.png", "a.bmp") + smears("a.png", folder="other"))
    stems = {image.label: image.stem for image in second.listed.values()}
    assert stems == {"a.png": "a", "b.png": "b", "a.bmp": "a.bmp", "other/a.png": "other_a.png"}
    assert [image.stem for image in first.listed.values()] == ["a", "b"]
    assert table(out) == ["a.png", "b.png", "a.bmp", "other/a.png"]
    fill(out, smears("z.png"))  # another list goes behind what is there
    assert table(out) == ["a.png", "b.png", "a.bmp", "other/a.png", "z.png"]


def test_our_own_results_are_replaced_and_changed_ones_never_unasked(tmp_path, smears, fill):
    out, paths = tmp_path / "out", smears("a.png", "b.png", "c.png")
    fill(out, paths)
    before = file_hash(out / "a_classes.png")
    fill(out, paths, radius=11)
    assert file_hash(out / "a_classes.png") != before
    Image.fromarray(np.ones((30, 40), np.uint8)).save(out / "b_classes.png")
    (out / "c_cells.tif").write_bytes(b"mine")
    with pytest.raises(InTheWayError, match=r"b_classes\.png was changed since it was written \(1 more like it\)"):
        fill(out, paths)
    with pytest.raises(InTheWayError) as caught:
        fill(out, paths)
    assert caught.value.names == ("b_classes.png", "c_cells.tif")
    fill(out, paths[:1], radius=12)  # the others are not concerned
    assert (out / "c_cells.tif").read_bytes() == b"mine"
    fill(out, paths, overwrite=True)
    assert changed_files(out, read_record(out).images["c"]) == {}


def test_a_file_of_somebody_else_is_in_the_way_and_so_is_a_table(tmp_path, smears, fill):
    out, paths = tmp_path / "out", smears("a.png")
    out.mkdir()
    (out / "a_classes.tif").write_bytes(b"an expert's")
    with pytest.raises(InTheWayError, match="not from this program's results"):
        fill(out, paths)
    assert visible(out) == ["a_classes.tif"]
    (out / "a_classes.tif").unlink()
    fill(out, paths)
    (out / "cells.csv").write_text((out / "cells.csv").read_text() + "my remark")
    with pytest.raises(InTheWayError, match=r"cells\.csv was changed since it was written"):
        fill(out, paths)
    assert "my remark" in (out / "cells.csv").read_text()


def test_corrections_saved_from_napari_are_replaced_only_by_whom_they_are_from(tmp_path, smears, fill):
    out, paths = tmp_path / "out", smears("a.png")
    facts = MaskFacts(model="m", pixels_changed=7)
    saved = fill(out, paths, facts=facts)
    assert read_record(out).images["a"].corrected
    assert read_record(out).images["a"].planes[0].pixels_changed == 7
    with pytest.raises(InTheWayError, match="was corrected by hand"):
        fill(out, paths, radius=11)
    fill(out, paths, radius=11, facts=facts, trusted=saved.written)
    with pytest.raises(InTheWayError):
        fill(out, paths, trusted=saved.written)  # those were replaced meanwhile


def test_what_comes_into_the_way_during_a_run_costs_that_image(tmp_path, smears, segmentation, disc_map):
    out, paths = tmp_path / "out", smears("a.png", "b.png")
    result = segmentation(disc_map((30, 40), (15, 20, 9, 4)))
    with ResultWriter(out, paths) as writer:
        first, second = sources_from_files(paths)
        (out / "a_classes.png").write_bytes(b"mine")
        with pytest.raises(InTheWayError):
            writer.add(first, result)
        writer.add(second, result)
    assert (out / "a_classes.png").read_bytes() == b"mine"
    assert table(out) == ["b.png"]


@pytest.mark.parametrize("moved", [0, 1])
def test_what_a_kill_left_between_a_line_and_its_files_is_finished(tmp_path, smears, fill, monkeypatch, moved):
    out, paths = tmp_path / "out", smears("a.png", "b.png")
    fill(tmp_path / "undisturbed", paths, radius=11)
    fill(out, paths)
    put = in_place.Places._put
    done = []

    def killed(self, name):
        if "classes" in name or "_cells" in name:
            if len(done) == moved:
                raise SystemExit
            done.append(name)
        put(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(in_place.Places, "_put", killed)
        patch.setattr(ResultWriter, "__exit__", lambda self, *_: self._file.close())
        patch.setattr(in_place.Places, "clear", lambda self: None)
        with pytest.raises(SystemExit):
            fill(out, paths, radius=11)
    stage = out / ".writing"
    assert stage.is_dir()
    with ResultWriter(out, paths):  # whoever comes next
        pass
    for name in ("a_classes.png", "a_cells.tif"):
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    assert not stage.exists()
    assert {name: changed_files(out, one) for name, one in read_record(out).images.items()}["a"] == {}


def test_an_exception_leaves_table_and_record_and_no_file_in_the_making(tmp_path, smears, segmentation, disc_map):
    out, paths = tmp_path / "out", smears("a.png", "b.png", "c.png")

    def interrupted():
        with ResultWriter(out, paths) as writer:
            first, *_ = sources_from_files(paths)
            writer.add(first, segmentation(disc_map((30, 40), (15, 20, 9, 4))))
            (writer._places.stage() / "b_classes.png").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert table(out) == ["a.png"]
    assert visible(out) == ["a_cells.tif", "a_classes.png", "cells.csv", "cells.json", "results.jsonl"]


def test_a_folder_moved_with_its_images_and_a_renamed_image_are_known(tmp_path, smears, fill):
    out = tmp_path / "in" / "out"
    (path,) = smears("a.png")
    fill(out, [path])
    shutil.move(tmp_path / "in", tmp_path / "moved")
    out, path = tmp_path / "moved" / "out", tmp_path / "moved" / "a.png"
    with ResultWriter(out, [path]) as writer:
        assert [image.stem for image in writer.listed.values()] == ["a"]
    fill(out, [path])
    renamed = path.rename(path.with_name("patient 7.png"))
    fill(out, [renamed])
    assert table(out) == ["a.png"]
    assert read_record(out).images["a"].image.source(out) == renamed


def test_layers_of_one_name_that_show_something_else_are_other_images(tmp_path):
    name, out = Path("Image"), tmp_path / "out"
    for content, stem in (("1" * 64, "Image"), ("2" * 64, "Image-2"), ("1" * 64, "Image")):
        with ResultWriter(out, [name], contents={name: content}) as writer:
            writer.keep(ImageRecord(image=writer.listed[name], input_sha256=content, reason="nothing in it"))
            assert writer.listed[name].stem == stem


def test_no_output_is_an_input(tmp_path, smears, fill):
    (path,) = smears("a_classes.png")
    (other,) = smears("a.png")
    with pytest.raises(LeukocyteError, match="is read, so it cannot be written"):
        fill(path.parent, [other, path])
    link = tmp_path / "link.png"
    link.symlink_to(path)
    with pytest.raises(LeukocyteError, match="is read, so it cannot be written"):
        fill(path.parent, [other, link])
    assert visible(path.parent) == ["a.png", "a_classes.png"]
