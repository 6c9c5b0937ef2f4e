import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.model.dataset import load_sample, make_sample, read_index
from napari_leukocyte.core.model.mask_notes import NO_NOTES, DrawnNuclei, MaskNotes, read_mask_notes
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import default_recipe
from napari_leukocyte.core.model.training import TrainParameters, train
from napari_leukocyte.core.model.unet import UNetConfig

PIXEL_SIZE = 0.25
SHAPE = (60, 70)


def disc(centre, radius):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


CELL, NUCLEUS = disc((30, 30), 18), disc((30, 26), 8)


@pytest.fixture
def path(tmp_path):
    """The path of a whole-cell mask, beside which a mask with the nucleus lies."""
    for folder in ("masks", "three_class"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "masks" / "a.png", CELL * 255)
    write(
        tmp_path / "three_class" / "a.png", disc((30, 30), 20).astype(int) + NUCLEUS
    )  # its cell is drawn a little wider
    return tmp_path / "masks" / "a.png"


def write(path, classes):
    Image.fromarray(classes.astype(np.uint8)).save(path)


def believed(notes, path, *, cell=CELL, whole_cell=True, name="lab/a.png"):
    return notes.believed(name, "lab", path, cell.astype(np.uint8), whole_cell, pixel_size=PIXEL_SIZE)


NUCLEI = MaskNotes(nuclei={"lab": DrawnNuclei("three_class", 0.5)})


def test_without_notes_a_mask_is_believed(path):
    for notes in (NO_NOTES, MaskNotes(tight=frozenset({"lab/b.png"}), tight_um=1.0)):
        got = believed(notes, path)
        np.testing.assert_array_equal(got.classes, CELL)
        assert (got.whole_cell, got.unknown, got.part_unknown) == (True, None, None)


@pytest.mark.parametrize("tolerance", [0.25, 1.0, 2.5])
def test_a_tight_outline_leaves_a_ring_open_as_wide_as_its_tolerance(path, tolerance):
    notes = MaskNotes(tight=frozenset({"lab/a.png"}), tight_um=tolerance)
    unknown = believed(notes, path).unknown
    y, x = np.nonzero(CELL)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = np.sqrt((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).min(axis=2) * PIXEL_SIZE
    np.testing.assert_array_equal(unknown, (away > 0) & (away <= tolerance))
    assert unknown.any()
    assert not unknown[CELL].any()


def test_around_no_cell_there_is_no_ring(path):
    notes = MaskNotes(tight=frozenset({"lab/a.png"}), tight_um=5.0)
    assert not believed(notes, path, cell=np.zeros_like(CELL)).unknown.any()


def test_nuclei_are_laid_into_the_whole_cells(path):
    got = believed(NUCLEI, path)
    assert not got.whole_cell
    np.testing.assert_array_equal(got.classes, CELL.astype(int) + NUCLEUS)
    rim = got.part_unknown
    assert rim.any()
    assert not rim[~CELL].any()
    # two pixels to either side of the nuclear outline and no further
    deep, far = ndimage.binary_erosion(NUCLEUS, iterations=4), ~ndimage.binary_dilation(NUCLEUS, iterations=4)
    assert not rim[deep | far].any()
    edge = NUCLEUS ^ ndimage.binary_erosion(NUCLEUS)
    beside = ndimage.binary_dilation(NUCLEUS) ^ NUCLEUS
    assert rim[edge].all()
    assert rim[beside & CELL].all()


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_an_outline_that_is_exact_leaves_nothing_open(path, tolerance):
    got = believed(MaskNotes(nuclei={"lab": DrawnNuclei("three_class", tolerance)}), path)
    assert not got.part_unknown.any()


def test_a_nucleus_across_the_outline_is_cut_by_the_cell(path):
    across = disc((30, 46), 8)
    write(path.parents[1] / "three_class" / "a.png", np.where(across, 2, CELL))
    got = believed(NUCLEI, path)
    np.testing.assert_array_equal(got.classes == 2, across & CELL)
    np.testing.assert_array_equal(got.classes > 0, CELL)
    assert not got.part_unknown[~CELL].any()


def test_of_a_cell_without_a_drawn_nucleus_no_part_is_known(path):
    other = disc((30, 63), 5)
    got = believed(NUCLEI, path, cell=CELL | other)
    assert got.part_unknown[other].all()
    assert not got.part_unknown[CELL].all()
    write(path.parents[1] / "three_class" / "a.png", np.zeros(SHAPE))
    np.testing.assert_array_equal(believed(NUCLEI, path).part_unknown, CELL)


def test_notes_on_nuclei_leave_other_masks_alone(path):
    three = CELL.astype(np.uint8) + NUCLEUS
    got = NUCLEI.believed("lab/a.png", "lab", path, three, False, pixel_size=PIXEL_SIZE)  # knows its nuclei already
    np.testing.assert_array_equal(got.classes, three)
    assert got.part_unknown is None
    got = NUCLEI.believed("b", "elsewhere", path, CELL.astype(np.uint8), True, pixel_size=PIXEL_SIZE)
    assert got.whole_cell


def test_both_notes_act_together(path):
    notes = MaskNotes(nuclei=NUCLEI.nuclei, tight=frozenset({"lab/a.png"}), tight_um=1.0)
    got = believed(notes, path)
    assert got.unknown.any()
    assert got.part_unknown.any()
    assert not (got.unknown & got.part_unknown).any()


def test_a_mask_with_nuclei_that_is_missing_or_of_another_size(path):
    write(path.parents[1] / "three_class" / "a.png", np.zeros((5, 5)))
    with pytest.raises(LeukocyteError, match=r"lab/a\.png and its mask with nuclei differ in size\.$"):
        believed(NUCLEI, path)
    (path.parents[1] / "three_class" / "a.png").unlink()
    with pytest.raises(LeukocyteError, match=r"three_class.a\.png") as caught:
        believed(NUCLEI, path)
    assert "\n" not in str(caught.value)


GOOD = {
    "nuclei": {"lab": {"folder": "three_class", "tolerance_um": 0.5}},
    "tight": {"tolerance_um": 1, "images": ["lab/a.png"]},
}


def test_notes_are_read(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(GOOD))
    assert read_mask_notes(path) == MaskNotes(NUCLEI.nuclei, frozenset({"lab/a.png"}), 1.0)
    for part in GOOD:
        path.write_text(json.dumps({part: GOOD[part]}))
        notes = read_mask_notes(path)
        assert bool(notes.nuclei) == (part == "nuclei")
        assert bool(notes.tight) == (part == "tight")
    path.write_text("{}")
    assert read_mask_notes(path) == NO_NOTES


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '"text"',
        "[" * 100_000,
        '{"tigth": {"tolerance_um": 1, "images": []}}',
        '{"nuclei": []}',
        '{"nuclei": {"lab": "three_class"}}',
        '{"nuclei": {"lab": {"folder": "three_class"}}}',
        '{"nuclei": {"lab": {"tolerance_um": 1}}}',
        '{"nuclei": {"lab": {"folder": 3, "tolerance_um": 1}}}',
        '{"nuclei": {"lab": {"folder": "", "tolerance_um": 1}}}',
        '{"nuclei": {"lab": {"folder": "f", "tolerance_um": "wide"}}}',
        '{"nuclei": {"lab": {"folder": "f", "tolerance_um": null}}}',
        '{"nuclei": {"lab": {"folder": "f", "tolerance_um": true}}}',
        '{"nuclei": {"lab": {"folder": "f", "tolerance_um": 1, "colour": 2}}}',
        '{"tight": null}',
        '{"tight": []}',
        '{"tight": {"images": []}}',
        '{"tight": {"tolerance_um": 1}}',
        '{"tight": {"tolerance_um": -1, "images": []}}',
        '{"tight": {"tolerance_um": NaN, "images": []}}',
        '{"tight": {"tolerance_um": Infinity, "images": []}}',
        '{"tight": {"tolerance_um": 1, "images": "lab/a.png"}}',
        '{"tight": {"tolerance_um": 1, "images": [3]}}',
        '{"tight": {"tolerance_um": 1, "images": {"lab/a.png": 1}}}',
    ],
)
def test_what_holds_no_notes_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_text(content)
    refused(path)


def test_no_file_a_folder_and_bytes_are_refused_in_a_sentence(tmp_path):
    refused(tmp_path / "none.json")
    refused(tmp_path)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    refused(tmp_path / "bytes.json")


def refused(path):
    told = (
        r"(, which should be .*|which it cannot have|does not state .*|is damaged \(.*\)): correct it, the module .*\.$"
    )
    with pytest.raises(LeukocyteError, match=rf"{told}|does not exist|cannot be read|no text in UTF-8") as caught:
        read_mask_notes(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("soft", [False, True])
def test_a_sample_keeps_open_what_a_mask_leaves_open(path, soft):
    notes = MaskNotes(nuclei=NUCLEI.nuclei, tight=frozenset({"lab/a.png"}), tight_um=1.0)
    got = believed(notes, path)
    sample = make_sample(
        np.ones((*SHAPE, 3), np.float32),
        got.classes,
        name="a",
        source="lab",
        whole_cell=got.whole_cell,
        scale=0.5 if soft else 1,
        soft=soft,
        unknown=got.unknown,
        part_unknown=got.part_unknown,
    )
    target = sample.target.astype(int)
    assert target.shape == ((4, 30, 35) if soft else (4, *SHAPE))
    if not soft:
        np.testing.assert_array_equal(target.sum(axis=0), 255 * ~got.unknown)
        np.testing.assert_array_equal(target[3] == 255, got.part_unknown)
        np.testing.assert_array_equal(target[2] == 255, NUCLEUS & ~got.part_unknown)
        np.testing.assert_array_equal(target[0] == 255, ~CELL & ~got.unknown)
        return
    np.testing.assert_allclose(target.sum(axis=0), 255 * (1 - halved(got.unknown)), atol=2)
    np.testing.assert_allclose(target[3], 255 * halved(got.part_unknown), atol=1)
    np.testing.assert_allclose(target[0], 255 * halved(~CELL & ~got.unknown), atol=1)
    assert ((target.sum(axis=0) > 0) & (target.sum(axis=0) < 250)).any()


def halved(values):
    return area_resize(values[None].astype(np.float32), (SHAPE[0] // 2, SHAPE[1] // 2))[0]


def test_a_whole_cell_sample_says_nothing_of_parts():
    image, classes = np.ones((*SHAPE, 3), np.float32), CELL.astype(np.uint8)
    sample = make_sample(image, classes, name="a", source="s", whole_cell=True, scale=1, soft=True)
    assert not sample.target[1:3].any()
    np.testing.assert_array_equal(sample.target[3] == 255, CELL)
    np.testing.assert_array_equal(sample.target[0] == 255, ~CELL)


@pytest.fixture
def data(tmp_path):
    """Three images of one source with whole-cell masks and nuclei beside them; notes and a split."""
    folder = tmp_path / "data"
    for name in ("images", "masks", "three_class"):
        (folder / name).mkdir(parents=True)
    lines = ["source,image,mask,px_per_um"]
    for i in range(3):
        image = np.full((*SHAPE, 3), 220 - i, np.uint8)
        image[CELL], image[NUCLEUS] = (150, 130, 190), (80, 40, 130)
        Image.fromarray(image).save(folder / "images" / f"{i}.png")
        write(folder / "masks" / f"{i}.png", CELL * 255)
        write(folder / "three_class" / f"{i}.png", CELL.astype(int) + NUCLEUS)
        lines.append(f"lab,images/{i}.png,masks/{i}.png,4")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    names = [f"images/{i}.png" for i in range(3)]
    (tmp_path / "split.json").write_text(json.dumps({"train": names[:2], "validation": names[2:], "test": []}))
    notes = {
        "nuclei": {"lab": {"folder": "three_class", "tolerance_um": 0.5}},
        "tight": {"tolerance_um": 1.0, "images": [names[0], names[2]]},
    }
    (tmp_path / "notes.json").write_text(json.dumps(notes))
    return folder


def recipe():

    small = {"architecture": UNetConfig(widths=(4, 8)), "window": 16, "batch": 2, "epochs": 1, "validate_every": 1}
    return replace(default_recipe(), **small, drawn=0.0, pixel_size=PIXEL_SIZE)


def test_notes_act_on_the_training_part_alone(data, tmp_path):
    split, notes = tmp_path / "split.json", tmp_path / "notes.json"
    training, validation, summary = prepare(data, recipe(), split=split, notes=notes)
    assert [sample.whole_cell for sample in training] == [False, False]
    assert all(sample.target[2].any() and sample.target[3].any() for sample in training)
    open_ = [(sample.target.sum(axis=0, dtype=int) == 0).any() for sample in training]
    assert open_ == [True, False]  # only the tight one
    plain, same, without = prepare(data, recipe(), split=split)
    assert all(sample.whole_cell for sample in plain)
    for given, usual in zip(validation, same, strict=True):  # tight as well, but judged as it is
        assert given.whole_cell
        np.testing.assert_array_equal(given.target, usual.target)
    assert without["mask_notes"] is None
    notes.write_text(notes.read_text() + " ")
    assert prepare(data, recipe(), split=split, notes=notes)[2]["mask_notes"] != summary["mask_notes"]


def test_what_masks_leave_open_can_be_trained_on_and_scored(data, tmp_path):
    training, _, summary = prepare(data, recipe(), split=tmp_path / "split.json", notes=tmp_path / "notes.json")
    parameters = TrainParameters(out=tmp_path / "m.safetensors", recipe=recipe(), device="cpu", data=summary)
    *_, last = train(training, [], parameters)
    assert 0 <= last.score <= 1
    assert last.info.training["validated_on"] == "training part"
    assert last.info.training["data"]["mask_notes"] == summary["mask_notes"]


def test_notes_on_a_row_of_an_index(data):
    row = read_index(data)[0]
    notes = MaskNotes(nuclei=NUCLEI.nuclei)
    sample = load_sample(row, pixel_size=PIXEL_SIZE, soft=True, notes=notes)
    assert not sample.whole_cell
    assert sample.target[2, 30, 26] == 255
    assert load_sample(row, pixel_size=PIXEL_SIZE, soft=True).whole_cell
