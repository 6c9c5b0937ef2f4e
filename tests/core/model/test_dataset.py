from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.dataset import data_hash, load_sample, read_index
from napari_leukocyte.core.model.mask_notes import DrawnNuclei, MaskNotes
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import default_recipe

HEADER = "source,image,mask,px_per_um,cell_type,slide\n"


@pytest.fixture
def folder(tmp_path):
    """Two images of 40 x 60 px with a cell of 20 x 30 px and its nucleus."""
    for i in range(2):
        image = np.full((40, 60, 3), 220 - i, np.uint8)
        classes = np.zeros((40, 60), np.uint8)
        classes[10:30, 15:45], classes[15:25, 20:40] = 1, 2
        image[classes > 0] = 120
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        Image.fromarray(classes).save(tmp_path / f"m{i}.png")
    write(tmp_path, "lab,0.png,m0.png,6,neutrophil,s1\n", "lab,1.png,m1.png,12.0,,\n")
    return tmp_path


def write(folder, *lines, header=HEADER):
    (folder / "index.csv").write_text(header + "".join(lines))


def test_rows_of_an_index(folder):
    first, second = read_index(folder)
    assert (first.name, first.source, first.cell_type, first.slide) == ("0.png", "lab", "neutrophil", "s1")
    assert first.pixel_size == pytest.approx(1 / 6)
    assert first.image == folder / "0.png"
    assert (second.cell_type, second.slide) == ("", "")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), "lists no images"),
        (("lab,0.png,m0.png,zero,,\n",), "line 2, states 'zero' as px_per_um"),
        (("lab,0.png,m0.png,0,,\n",), "states 0 as px_per_um, which is not plausible"),
        (("lab,0.png,m0.png,0.25,,\n",), r"states 0.25 as px_per_um.*\(0.25 um per px would be 4\)"),
        (("lab,0.png,m0.png,1e308,,\n",), "states 1e308 as px_per_um"),
        (("lab,0.png,m0.png,inf,,\n",), "states 'inf' as px_per_um"),
        (("lab,0.png,m0.png,nan,,\n",), "states 'nan' as px_per_um"),
        (("lab,0.png,m0.png\n",), "px_per_um of 0.png"),
        (("lab,0.png\n",), "without image or mask"),
        (("lab,0.png,m0.png,6,,\n",) * 2, "0.png more than once"),
    ],
)
def test_a_wrong_index_is_refused_in_words(folder, lines, sentence):
    write(folder, *lines)
    with pytest.raises(LeukocyteError, match=sentence):
        read_index(folder)


def test_a_missing_or_foreign_index(folder, tmp_path):
    write(folder, header="source,image,px_per_um\n")
    with pytest.raises(LeukocyteError, match=r"lacks the column\(s\) mask"):
        read_index(folder)
    (folder / "index.csv").write_bytes(HEADER.encode() + "lab,zellgröße.png".encode("latin-1"))
    with pytest.raises(LeukocyteError, match="no text in UTF-8"):
        read_index(folder)
    (folder / "index.csv").unlink()
    with pytest.raises(LeukocyteError, match=r"has no index\.csv"):
        read_index(folder)


def test_an_index_that_is_no_table_or_cannot_be_read(folder):
    (folder / "index.csv").write_text(HEADER + 'lab,"' + "a" * 200_000)  # a quotation mark that is never closed
    with pytest.raises(LeukocyteError, match=r"index\.csv is no table \(field larger"):
        read_index(folder)
    with pytest.raises(LeukocyteError, match=r"long/?.* (cannot be read|has no index\.csv)"):
        read_index(folder / ("long" * 99))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has a file that not even root can read")
def test_an_index_that_the_system_does_not_give_out(folder):
    (folder / "index.csv").unlink()
    (folder / "index.csv").symlink_to("/proc/self/mem")
    with pytest.raises(LeukocyteError, match=r"index\.csv cannot be read \(Input/output error\): check"):
        read_index(folder)


@pytest.mark.parametrize("soft", [False, True])
def test_samples_come_at_the_working_resolution(folder, soft):
    row = read_index(folder)[1]
    sample = load_sample(row, pixel_size=1 / 6, soft=soft)
    assert sample.image.shape == (20, 30, 3)
    assert sample.target.shape == (4, 20, 30)
    assert not sample.whole_cell
    np.testing.assert_allclose(sample.target.sum(axis=0, dtype=int), 255, atol=2)
    shares = sample.target.reshape(4, -1).mean(axis=1) / 255
    assert shares == pytest.approx([0.75, 400 / 2400, 200 / 2400, 0], abs=0.03)
    assert sample.target[:, 10, 15].tolist() == [0, 0, 255, 0]
    assert set(np.unique(sample.target)) == {0, 255} or soft


def test_a_mask_of_another_size(folder):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "m0.png")
    with pytest.raises(LeukocyteError, match=r"\(40, 60\) px but its mask .* \(4, 4\) px"):
        load_sample(read_index(folder)[0], pixel_size=0.2, soft=True)


def test_the_hash_sees_every_byte(folder):
    rows = read_index(folder)
    before = data_hash(rows)
    assert before == data_hash(rows)
    assert before != data_hash(rows[:1])
    (folder / "m1.png").write_bytes((folder / "m0.png").read_bytes() + b"\0")
    assert data_hash(rows) != before


def test_the_hash_sees_nuclei_drawn_apart(folder):
    rows = read_index(folder)
    notes = MaskNotes(nuclei={rows[0].source: DrawnNuclei("three_class", 0.25)})
    assert data_hash(rows, notes) == data_hash(rows)  # none is there
    nuclei = notes.nuclei_mask(rows[0].source, rows[0].mask)
    nuclei.parent.mkdir()
    nuclei.write_bytes(b"1")
    before = data_hash(rows, notes)
    nuclei.write_bytes(b"2")
    assert len({before, data_hash(rows, notes), data_hash(rows)}) == 3


def test_slides_stay_together_without_a_recorded_split(folder):
    image, mask = (folder / "0.png").read_bytes(), (folder / "m0.png").read_bytes()
    lines = []
    for i in range(20):
        (folder / f"s{i}.png").write_bytes(image)
        (folder / f"t{i}.png").write_bytes(mask)
        lines.append(f"lab,s{i}.png,t{i}.png,6,,slide{i // 4}\n")
    write(folder, *lines)
    training, validation, summary = prepare(folder, replace(default_recipe(), pixel_size=0.5))
    slides = [{int(s.name[1:-4]) // 4 for s in part if s.source == "lab"} for part in (training, validation)]
    assert not slides[0] & slides[1]
    photographs = [sample for sample in training if sample.source == "lab"]
    assert summary["train"] == {"lab": len(photographs)}
    assert summary["drawn"] == len(training) - len(photographs) == len(photographs)
    assert len(photographs) + len(validation) <= 20


def test_the_smears_are_drawn_as_the_recipe_says(folder, monkeypatch):
    asked = []

    def watched(count, **given):
        asked.append((count, given))
        return []

    monkeypatch.setattr("napari_leukocyte.core.model.prepare.drawn_samples", watched)
    recipe = replace(default_recipe(), drawn=3.0, blended_stains=0.25, stains_kept_out=("rapid",))
    training, _, _ = prepare(folder, recipe, seed=7)
    ((count, given),) = asked
    assert count == 3 * len(training)
    assert given["seed"] == 7
    assert given["blended"] == 0.25
    assert given["stains_kept_out"] == ("rapid",)
