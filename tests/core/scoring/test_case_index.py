import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.case_index import CaseInfo, read_case_index


@pytest.fixture
def index(tmp_path):
    def write(text):
        path = tmp_path / "index.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_rows_are_found_by_mask_then_by_stem(index, tmp_path):
    found = read_case_index(
        index(
            "source,image,mask,px_per_um,cell_type,difficulty,width\n"
            "s,x/1.png,x/m/1.png,10,neutrophil,8,480\n"
            "u,y/1.png,y/m/1.png,,,,\n"
            "v,y/2.jpg,y/m/2_classes.png,4\n"
        )
    )
    one = CaseInfo(0.1, 8, "neutrophil", "s")
    assert found.find("1", tmp_path / "x" / "m" / "1.png") == (one, "")
    assert found.find("1", tmp_path / "y" / "m" / ".." / "m" / "1.png") == (CaseInfo(source="u"), "")
    assert found.find("2", tmp_path / "elsewhere" / "2.png") == (CaseInfo(0.25, source="v"), "")
    info, note = found.find("1", tmp_path / "elsewhere" / "1.png")
    assert info == CaseInfo()
    assert "listed 2 times" in note
    info, note = found.find("3", tmp_path / "3.png")
    assert info == CaseInfo()
    assert "not in" in note


def test_a_mask_alone_is_enough_and_a_byte_order_mark_is_not_in_the_way(index, tmp_path):
    found = read_case_index(index("\ufeffmask,difficulty\na.png,3\n"))
    assert found.find("a", tmp_path / "a.png") == (CaseInfo(difficulty=3), "")


@pytest.mark.parametrize("text", ["Image ;PX_PER_UM\r\na.png;8,5\r\n\r\n", " image\tPx_per_um \na.png\t8.5\n\n"])
def test_a_table_as_spreadsheets_of_other_countries_save_it(index, tmp_path, text):
    found = read_case_index(index(text))
    assert found.find("a", tmp_path / "a.png") == (CaseInfo(pixel_size=1 / 8.5), "")


def test_a_mask_that_is_a_link_in_a_circle(index, tmp_path):
    for one, other in ("ab", "ba"):
        (tmp_path / f"{one}.png").symlink_to(tmp_path / f"{other}.png")
    found = read_case_index(index("mask,difficulty\na.png,3\n"))
    assert found.find("a", tmp_path / "a.png") == (CaseInfo(difficulty=3), "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,px_per_um\na.png,3\n", "neither a column 'image' nor 'mask'"),
        ("", "neither a column"),
        ("image,px_per_um\na.png,3\nb.png,0\n", r"line 3, states 0 as px_per_um"),
        ("image,px_per_um\na.png,many\n", r"states 'many' as px_per_um"),
        ("image,difficulty\na.png,9\n", "difficulty '9'"),
        ("image,difficulty\na.png,12\n", "difficulty '12'"),
        (b"image\n\xff\xfe\x00.png\n", "no text in UTF-8"),
        (b"image\na\x00.png\n", "is no table .*NUL"),
        ("image,px_per_um\na.png,0.25\n", "states 0.25 as px_per_um, which is not plausible"),
        ("image,px_per_um\na.png,8,5\n", "line 2, has more fields than there are columns"),
        ("image,Image\na.png,b.png\n", "has the column image 2 times"),
    ],
)
def test_what_is_no_index(index, text, words):
    with pytest.raises(LeukocyteError, match=words):
        read_case_index(index(text))


def test_a_missing_index(tmp_path):
    for path, words in ((tmp_path / "missing.csv", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(LeukocyteError, match=words):
            read_case_index(path)
