import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.results.remarks import read_remarks, read_types, remarks_text
from napari_leukocyte.core.results.segmentation import remark_fields

TOLD = ("low_confidence", "out_of_focus", "edited")
KNOWN_FROM_THE_MAPS = [flag for flag in Flag if "not_a_wbc" not in flag and flag not in TOLD]


def test_what_maps_cannot_tell_comes_back_and_nothing_else():
    told = [flag for flag in Flag if flag not in KNOWN_FROM_THE_MAPS]
    cells = {3 * n + 5: (flag, *KNOWN_FROM_THE_MAPS) for n, flag in enumerate(told)}
    both = (Flag.NOT_A_WBC_PLATELET, Flag.LOW_CONFIDENCE, Flag.EDITED)
    read = read_remarks(remarks_text({2: both, 1: (), **cells}))
    assert read == {2: set(both)} | {cell: {flags[0]} for cell, flags in cells.items()}


def test_flags_for_neighbours_that_were_left_out_come_back_apart_from_those_that_the_maps_tell():
    beside = {4: {Flag.TOUCHING}, 7: {Flag.TOUCHING, Flag.OVERLAPPING}}
    text = remarks_text({4: (Flag.TOUCHING,), 5: (Flag.TOUCHING,)}, beside=beside)
    assert list(text) == ["beside_cells_left_out"]
    assert read_remarks(text) == beside
    assert remark_fields(read_remarks(text))["beside"] == beside


def test_nothing_to_say_is_nothing_written_and_foreign_files_say_nothing():
    assert remarks_text({1: (), 2: tuple(KNOWN_FROM_THE_MAPS)}) == {}
    assert read_remarks({}) == read_remarks({"image": "a.png", "not_a_wbc": ""}) == {}


def test_planes_have_their_own():
    said = {"not_a_wbc": ["3 smudge", "", "1 artefact, 2 nrbc"], "edited": ["", "", "2"]}
    assert read_remarks(said, plane=0) == {3: {Flag.NOT_A_WBC_SMUDGE}}
    assert read_remarks(said, plane=1) == read_remarks(said, plane=3) == {}
    assert read_remarks(said, plane=2) == {1: {Flag.NOT_A_WBC_ARTEFACT}, 2: {Flag.NOT_A_WBC_NRBC, Flag.EDITED}}


@pytest.mark.parametrize(
    "said",
    [
        {"not_a_wbc": "3 banana"},
        {"not_a_wbc": "3"},
        {"not_a_wbc": "x smudge"},
        {"edited": "3 smudge"},
        {"edited": "9" * 5000},
    ],
)
def test_what_cannot_be_understood_is_not_passed_over(said):
    with pytest.raises(LeukocyteError, match=r"The remark '.+' under \w+ cannot be understood"):
        read_remarks(said)


def test_types_come_back_also_own_words_and_by_plane():
    types = {7: "blast", 2: "segmented neutrophil", 3: "", 12: "Haarzelle 2 (血液)"}
    said = remarks_text({2: (Flag.EDITED,)}, types)
    assert said == {"edited": "2", "types": "2 segmented neutrophil, 7 blast, 12 Haarzelle 2 (血液)"}
    assert read_types(said) == {cell: words for cell, words in types.items() if words}
    assert read_types({"types": ["", "4 unsure"]}, plane=1) == {4: "unsure"}
    assert read_types({}) == read_types({"types": ["1 blast"]}, plane=5) == {}


@pytest.mark.parametrize("said", ["blast", "0 blast", "3", "3 a;b"])
def test_a_type_that_cannot_be_understood_is_not_passed_over(said):
    with pytest.raises(LeukocyteError, match=r"cannot be understood|is no cell type"):
        read_types({"types": said})
