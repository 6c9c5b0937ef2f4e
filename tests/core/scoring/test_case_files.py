import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png
from napari_leukocyte.core.scoring.case_files import CaseFiles, PairFailed, PlaneScored, score_files
from napari_leukocyte.core.scoring.case_index import read_case_index
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters


@pytest.fixture
def disc(disc_map):
    return disc_map((40, 48), (20, 24, 13, 7))


@pytest.fixture
def folders(tmp_path):
    """Write maps into the folders "truth" and "ours" (or others), and open them."""

    def make(truth, **methods):
        for name, files in {"truth": truth, **methods}.items():
            (tmp_path / name).mkdir(exist_ok=True)
            for stem, array in files.items():
                path = tmp_path / name / f"{stem}.{'tif' if np.ndim(array) == 3 else 'png'}"
                if np.ndim(array) == 3:
                    tifffile.imwrite(path, np.asarray(array, np.uint8), photometric="minisblack")
                else:
                    Image.fromarray(np.asarray(array, np.uint8)).save(path)
        return CaseFiles(tmp_path / "truth", {name: tmp_path / name for name in methods})

    return make


def score(files, **parameters):
    return list(score_files(files, EvaluationParameters(**parameters)))


def grey(classes):
    return np.array([0, 128, 255])[classes]


@pytest.mark.parametrize("coded", [lambda m: m, grey], ids=["index", "grey"])
def test_files_are_read_as_what_they_are(folders, disc, coded):
    files = folders({"a": coded(disc)}, ours={"a_classes": disc})
    case = files.case("ours", "a")
    assert np.array_equal(case.truth, disc)
    assert np.array_equal(case.prediction, disc)
    assert (case.binary, case.whole_cell, case.pixel_size, case.image) == (False, False, None, None)
    (event,) = score(files)
    assert event.scores["ours"].counts.accuracy == 1
    assert any("truth read as" in note for note in event.notes)


def test_cell_and_nucleus_masks_make_one_truth(folders, disc, tmp_path):
    files = folders({"a_cell": (disc > 0) * 255, "a_nucleus": (disc == 2) * 255}, ours={"a": disc})
    assert np.array_equal(files.case("ours", "a").truth, disc)
    assert not files.case("ours", "a").whole_cell
    # a mask of cytoplasm alone beside the nucleus means the same
    Image.fromarray(((disc == 1) * 255).astype(np.uint8)).save(tmp_path / "truth" / "a_cell.png")
    assert np.array_equal(CaseFiles(tmp_path / "truth", {"ours": tmp_path / "ours"}).case("ours", "a").truth, disc)
    Image.fromarray(disc).save(tmp_path / "truth" / "a_nucleus.png")
    (event,) = score(files := CaseFiles(tmp_path / "truth", {"ours": tmp_path / "ours"}))
    assert "no black-and-white mask" in event.reason
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "truth" / "a_nucleus.png")
    (event,) = score(CaseFiles(tmp_path / "truth", {"ours": tmp_path / "ours"}))
    assert "give masks of one size" in event.reason


def test_a_whole_cell_truth(folders, disc):
    files = folders({"a": (disc > 0) * 255, "empty": disc * 0}, ours={"a": disc, "empty": disc})
    for name in ("a", "empty"):  # what is empty knows no more than the others
        assert files.case("ours", name).whole_cell
    assert list(score(files)[0].scores["ours"].counts.classes) == ["cell"]


def test_an_empty_truth_states_that_there_is_no_nucleus(folders, disc):
    files = folders({"empty": disc * 0}, ours={"empty": disc})
    (event,) = score(files)
    assert event.scores["ours"].false_class("nucleus")
    assert event.scores["ours"].score("nucleus", "iou").value == 0
    mixed = folders({"a": disc, "empty": disc * 0}, ours={"a": disc, "empty": disc})
    assert not mixed.case("ours", "empty").whole_cell


@pytest.mark.parametrize("missed", [lambda m: m * 0, lambda m: (m > 0) * 1], ids=["nothing", "no nucleus"])
def test_a_model_that_missed_the_nucleus_is_not_excused_as_binary(folders, disc, missed):
    files = folders({"a": disc, "b": disc}, ours={"a": missed(disc), "b": disc})
    first, _ = score(files)
    assert first.scores["ours"].score("nucleus", "iou").value == 0
    assert not files.case("ours", "a").binary


def test_a_model_that_found_nothing_anywhere_is_not_excused_either(folders, disc):
    (event,) = score(folders({"a": disc}, ours={"a": disc * 0}))
    assert event.scores["ours"].score("nucleus", "iou").value == 0
    assert event.scores["ours"].cnr.coverage == 0


@pytest.mark.parametrize("cell", [1, 255])
def test_a_binary_folder(folders, disc, cell):
    files = folders({"a": disc, "b": disc}, ours={"a": (disc > 0) * cell, "b": disc * 0})
    first, second = score(files)
    assert first.scores["ours"].score("cell", "iou").value == 1
    assert first.scores["ours"].binary
    assert second.scores["ours"].binary
    assert any("cell alone is scored" in note for note in first.notes)


def test_grey_maps_without_cytoplasm_are_nuclei(folders, disc_map, disc):
    smudge = disc_map((40, 48), (20, 24, 9, 9))
    files = folders({"a": disc, "s": smudge}, ours={"a": grey(disc), "s": grey(smudge)})
    assert np.array_equal(files.case("ours", "s").prediction, smudge)
    assert score(files)[1].scores["ours"].score("nucleus", "iou").value == 1
    # beside an index map it is a whole cell
    other = folders({"a": disc, "s": smudge}, other={"a": disc, "s": grey(smudge)})
    assert other.case("other", "s").binary


def test_a_truth_without_cytoplasm_or_nucleus_is_read_as_those_beside_it(folders, disc_map, disc):
    smudge = disc_map((40, 48), (20, 24, 9, 9))
    wrong = np.where(disc > 0, 1, 0)
    nucleus = folders({"a": grey(disc), "s": grey(smudge)}, ours={"a": disc, "s": wrong})
    assert np.array_equal(nucleus.case("ours", "s").truth, smudge)
    scored = score(nucleus)[1]
    assert scored.scores["ours"].score("nucleus", "iou").value == 0
    assert any("truth read as nucleus only" in note for note in scored.notes)
    # and of an index map that knows no nucleus a predicted one is wrong
    bare = folders({"a": disc, "s": wrong}, ours={"a": disc, "s": disc})
    assert not bare.case("ours", "s").whole_cell
    assert score(bare)[1].scores["ours"].false_class("nucleus")


def test_our_own_files_say_what_they_are(tmp_path, disc):
    for name in ("truth", "three", "two"):
        (tmp_path / name).mkdir()
    write_class_png(tmp_path / "truth" / "a.png", disc, provenance={}, palette=False)
    only_cell = (disc > 0).astype(np.uint8)
    for name, mode in (("three", "three-class"), ("two", "binary")):
        write_class_png(tmp_path / name / "a_classes.png", only_cell, provenance={"mode": mode}, palette=False)
    files = CaseFiles(tmp_path / "truth", {name: tmp_path / name for name in ("three", "two")})
    assert [files.case(method, "a").binary for method in files.methods] == [False, True]


def test_stacks_go_plane_by_plane(folders, disc):
    planes = np.stack([disc, disc * 0, np.roll(disc, 3, axis=1)])
    files = folders({"s": planes}, ours={"s_classes": np.stack([disc, disc, disc])})
    events = score(files)
    assert [(event.name, event.planes) for event in events] == [("s [0]", 3), ("s [1]", 3), ("s [2]", 3)]
    assert events[0].scores["ours"].counts.accuracy == 1
    assert events[1].scores["ours"].false_class("cell")
    assert 0 < events[2].scores["ours"].score("cell", "iou").value < 1
    assert np.array_equal(files.case("ours", "s [2]").truth, planes[2])


def test_bad_pairs_name_both_sides_and_the_others_go_on(folders, disc, tmp_path):
    bad = disc.copy()
    bad[0, 0] = 7
    files = folders(
        {"good": disc, "size": disc, "planes": np.stack([disc] * 7), "single": np.stack([disc] * 6), "value": disc},
        ours={"good": disc, "size": disc[:-1], "planes": np.stack([disc] * 6), "single": disc, "value": bad},
    )
    events = {event.name: event for event in score(files)}
    assert isinstance(events.pop("good"), PlaneScored)
    words = {
        "size": ["48 × 39 px", "48 × 40 px"],
        "planes": ["6 planes", "7 planes"],
        "single": ["1 plane ", "6 planes"],
        "value": ["values 0, 1, 2, 7"],
    }
    assert set(events) == set(words)
    for name, event in events.items():
        assert isinstance(event, PairFailed)
        for part in [*words[name], str(tmp_path / "ours" / name), str(tmp_path / "truth" / name)]:
            assert part in event.reason
        assert event.reason.count(". ") == 0


def test_an_image_counts_for_all_methods_or_for_none(folders, disc):
    files = folders({"a": disc, "b": disc}, one={"a": disc, "b": disc}, two={"a": disc, "b": disc[1:]})
    first, second = score(files)
    assert list(first.scores) == ["one", "two"]
    assert isinstance(second, PairFailed)


def test_labels_beside_a_map_are_used_when_they_fit(folders, disc_map, tmp_path):
    row = disc_map((40, 90), (20, 20, 12, 6), (20, 44, 12, 6), (20, 68, 12, 6))
    files = folders({"a": row, "b": row}, ours={"a_classes": row, "b_classes": row})
    joined = (row > 0).astype(np.int32)
    write_cells_tiff(tmp_path / "ours" / "a_cells.tif", joined, provenance={"not_a_wbc": "1 smudge"})
    write_cells_tiff(tmp_path / "ours" / "b_cells.tif", joined[:, ::-1] * 0, provenance={})
    first, second = score(files)
    assert (first.scores["ours"].false_cells, first.scores["ours"].missed_cells) == (1, 3)
    assert first.scores["ours"].pairs[0].predicted.flags[0] == "not_a_wbc_smudge"
    assert (second.scores["ours"].false_cells, second.scores["ours"].missed_cells) == (0, 0)
    assert any("b_cells.tif does not cover the same pixels" in note for note in second.notes)


def test_one_pixel_size_for_all_methods(tmp_path, disc):
    for name in ("truth", "one", "two"):
        (tmp_path / name).mkdir()
    write_class_png(tmp_path / "truth" / "a.png", disc, provenance={}, palette=False)
    write_class_png(tmp_path / "one" / "a.png", disc, provenance={}, palette=False)
    size = {"provenance": {"pixel_size_um": "0.1234567"}, "pixel_size": 0.1234567}
    write_class_png(tmp_path / "two" / "a.png", disc, palette=False, **size)
    methods = {name: tmp_path / name for name in ("one", "two")}
    files = CaseFiles(tmp_path / "truth", methods)
    assert [files.case(method, "a").pixel_size for method in methods] == [0.1234567] * 2
    (tmp_path / "index.csv").write_text("image,px_per_um,difficulty,source\nimages/a.jpg,8,6,here\n")
    known = CaseFiles(tmp_path / "truth", methods, index=read_case_index(tmp_path / "index.csv"))
    case = known.case("two", "a")
    assert (case.pixel_size, case.difficulty, case.source) == (0.125, 6, "here")
    (event,) = score(known, pixel_size=0.2)
    assert {one.pixel_size for one in event.scores.values()} == {0.2}
    assert event.scores["one"].difficulty == 6


def test_images_are_found_by_name(folders, disc, tmp_path):
    files = folders({"a": disc, "b": disc, "c": disc}, ours={"a": disc, "b": disc, "c": disc})
    (tmp_path / "images").mkdir()
    photo = np.random.default_rng(0).integers(0, 255, (*disc.shape, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "images" / "a.png")
    Image.fromarray(photo[1:]).save(tmp_path / "images" / "b.png")
    files = CaseFiles(tmp_path / "truth", {"ours": tmp_path / "ours"}, images=tmp_path / "images")
    assert np.array_equal(files.case("ours", "a").image, photo)
    assert files.case("ours", "b").image is files.case("ours", "c").image is None
    notes = [event.notes[-1] for event in score(files)][1:]
    assert "48 × 39 px" in notes[0]
    assert notes[1] == "no image of it"
    with pytest.raises(LeukocyteError, match="is no folder"):
        CaseFiles(tmp_path / "truth", {"ours": tmp_path / "ours"}, images=tmp_path / "missing")
