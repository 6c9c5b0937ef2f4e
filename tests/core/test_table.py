import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.table import read_table

WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="'=+-@＝＋－＠"), min_size=1, max_size=9
)


@given(
    rows=st.lists(st.tuples(WORDS, st.floats(0.001, 1e6)), min_size=1, max_size=4), separator=st.sampled_from(",;\t")
)
def test_what_is_written_with_any_separator_is_read_back(tmp_path_factory, rows, separator):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(["Name ", " PX", "Note"])
        for name, number in rows:
            text = repr(number)
            writer.writerow([name, text.replace(".", ",") if separator != "," else text])
    table = read_table(path)
    assert table.columns == ("name", "px", "note")
    assert [(row.text("name"), row.number("px"), row.text("note")) for row in table.rows] == [
        (name, number, "") for name, number in rows
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2,3\n", "line 2, has more fields"),
        (b"a,b\n1,5,2,5\n", "line 2, has more fields"),
        (b"a,A\n1,2\n", "has the column a 2 times"),
        (b"a\n\0\n", "holds NUL"),
        ("a,b\n1,2\n".encode("utf-16"), "no text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "holds NUL"),
        (b'a,b\n"' + b"x" * 200_000, "is no table"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(LeukocyteError, match=words) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_an_empty_table_has_no_columns(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    assert read_table(tmp_path / "a.csv").columns == ()
