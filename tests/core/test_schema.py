import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core import files
from napari_leukocyte.core.errors import LeukocyteError, NewerFormatError, UnreadableError
from napari_leukocyte.core.schema import Fields, object_from, parse_json, read_object

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, -(10**30), "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
READERS = {
    "text": lambda fields: fields.text("a"),
    "truth": lambda fields: fields.truth("a"),
    "whole": lambda fields: fields.whole("a", low=0, high=9),
    "whole_or_none": lambda fields: fields.whole_or_none("a", low=0),
    "number": lambda fields: fields.number("a", low=-1, high=1),
    "positive_or_none": lambda fields: fields.positive_or_none("a"),
    "moment": lambda fields: fields.moment("a"),
    "texts": lambda fields: fields.texts("a"),
    "wholes": lambda fields: fields.wholes("a", least=1, most=2, high=9),
    "within": lambda fields: fields.within("a"),
    "free": lambda fields: fields.free("a"),
    "counts": lambda fields: fields.counts("a", ("", "b")),
    "by_cell": lambda fields: fields.by_cell("a", lambda one: one if isinstance(one, str) else None, "texts"),
}


@pytest.mark.parametrize("kind", READERS)
@given(value=ANYTHING)
def test_a_field_is_of_its_type_or_refused_by_its_name(kind, value):
    fields = object_from(json.dumps({"a": value}), "The record")
    found, refusal = None, ""
    try:
        found = READERS[kind](fields)
    except LeukocyteError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith("The record states ")
        assert " as 'a', which should be " in refusal
        assert "\n" not in refusal
        assert len(refusal) < 250
    else:
        assert not isinstance(found, bool) or kind == "truth"
        assert {
            "text": lambda: isinstance(found, str) and "\0" not in found,
            "whole": lambda: isinstance(found, int) and 0 <= found <= 9,
            "number": lambda: isinstance(found, float) and -1 <= found <= 1,
            "wholes": lambda: 1 <= len(found) <= 2 and all(type(one) is int and 1 <= one <= 9 for one in found),
        }.get(kind, lambda: True)()


@pytest.mark.parametrize("kind", READERS)
def test_a_field_that_is_not_there_is_named_with_those_above_it(kind):
    fields = object_from('{"up": {"b": 1}}', "The record", mend="mend it").within("up")
    with pytest.raises(LeukocyteError, match=r"^The record does not state 'up\.a' \(.*\): mend it\.$"):
        READERS[kind](fields)
    with pytest.raises(LeukocyteError, match=r"states 'up\.b', which it cannot have"):
        fields.only("a")


@pytest.mark.parametrize("text", ["", "{", "[" * 10**6, '{"a":' * 10**5, "[" * 60 + "]" * 60, "9" * 5000, "\ud800"])
def test_what_is_no_json_ends_in_a_value_error_at_once(text):
    with pytest.raises(ValueError):
        parse_json(text)


def test_bytes_of_a_file_name_are_a_text_and_other_halves_of_characters_are_none():
    fields = Fields({"name": "caf\udce9.png", "half": "\ud83d"}, "The record", "mend it")
    assert fields.text("name") == "caf\udce9.png"
    with pytest.raises(LeukocyteError, match=r'states "\\ud83d" as \'half\''):
        fields.text("half")


def test_trouble_damage_and_a_newer_format_are_three_sentences(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    how = {"format_key": "format", "known": 3, "mend": "restore it"}
    path.write_text('{"format": 4, "else": [1]}')
    with pytest.raises(NewerFormatError, match=r"format 4, written by a newer .* up to 3\): update the plugin"):
        read_object(path, **how)
    for content in (b"\xff\xfe", b"{", b"[]", b'{"format": true}', b"{}"):
        path.write_bytes(content)
        with pytest.raises(LeukocyteError, match="restore it") as caught:
            read_object(path, **how)
        assert not isinstance(caught.value, NewerFormatError | UnreadableError)
    monkeypatch.setattr(files, "LARGEST_TEXT", 10)
    path.write_text('{"format": 3}')
    with pytest.raises(LeukocyteError, match="larger than"):
        read_object(path, **how)
    for odd in (tmp_path, tmp_path / "a\0b"):
        with pytest.raises(UnreadableError, match=r"cannot be read .*: check its name, its access rights"):
            read_object(odd, **how)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(UnreadableError, match="links lead round in a circle"):
        read_object(tmp_path / "round", **how)
