import os
import unicodedata
from pathlib import Path

import pytest

from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.results.names import OutputName, input_path, output_names, paired_stem, same_name
from napari_leukocyte.core.scoring.pairing import name_maps


def test_stems_differ_also_where_case_does_not_count():
    paths = [Path("a.png"), Path("A.PNG"), Path("x/a.png"), Path("x_a.png"), Path("a.tif"), Path("a.png.tif")]
    names = output_names(paths)
    assert len({name.stem.casefold() for name in names.values()}) == len(paths)
    assert len({name.label for name in names.values()}) == len(paths)


def test_a_single_input_keeps_its_plain_stem():
    (name,) = output_names([Path("deep/folder/slide 3.v2.png")]).values()
    assert (name.label, name.stem) == ("slide 3.v2.png", "slide 3.v2")


def test_as_many_folders_as_needed():
    names = output_names([Path("p/1/a.png"), Path("q/1/a.png"), Path("q/2/a.png")])
    assert [name.label for name in names.values()] == ["p/1/a.png", "q/1/a.png", "2/a.png"]


def test_planes_of_one_file_are_one_input():
    assert list(output_names([Path("s.tif")] * 3).items()) == [(Path("s.tif"), OutputName("s.tif", "s"))]


def test_only_the_extension_of_an_image_is_cut_off():
    layers = [input_path(None, name) for name in ("P1.field1", "P1.field2")]
    for alone in ([layers[0]], [layers[1]], layers):
        assert [name.stem for name in output_names(alone).values()] == [path.name for path in alone]


@pytest.mark.parametrize(
    "name", ["day 1/P1", "a:b*c?", "", "  ", "..", "con", "NUL.x", "x" * 300, "\N{GREEK SMALL LETTER MU}" * 300]
)
def test_a_layer_of_any_name_has_files(tmp_path, name):
    (made,) = output_names([input_path(None, name)]).values()
    for end in ("_classes.png", "_cells.tif"):
        with atomic_path(tmp_path / f"{made.stem}{end}") as temporary:
            temporary.write_bytes(b"x")
        assert (tmp_path / f"{made.stem}{end}").is_file()
    assert not set(made.stem) & set('<>:"/\\|?*')
    assert made.stem.partition(".")[0].casefold() not in ("con", "nul")


def test_long_names_that_differ_at_their_ends_stay_apart():
    names = output_names([Path("x" * 240 + end) for end in ("1.png", "2.png")])
    assert len({name.stem for name in names.values()}) == 2
    assert all(len(name.stem.encode()) <= 200 for name in names.values())


def test_accents_in_either_coding_are_one_name():
    composed, taken_apart = (unicodedata.normalize(form, "Zelle_\xe9\xe4") for form in ("NFC", "NFD"))
    assert composed != taken_apart
    assert paired_stem(Path(f"{composed}.png")) == paired_stem(Path(f"{taken_apart}.tif"))
    names = output_names([Path(f"x/{composed}.png"), Path(f"y/{taken_apart}.png")])
    assert len({same_name(name.stem) for name in names.values()}) == 2
    assert name_maps([Path(f"{taken_apart}_classes.png")]).keys() == {composed}


def test_bytes_that_are_no_text_are_written_out_in_labels_and_left_out_of_stems():
    (name,) = output_names([Path(os.fsdecode(b"caf\xe9 \x1b[2J.png"))]).values()
    assert name.label == r"caf\xe9 \x1b[2J.png"
    assert name.stem == "caf_ _[2J"
    name.label.encode()
