import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.decision import card_path, decide, decision_path, read_decision


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "mine.v2.safetensors"
    path.write_bytes(b"weights")
    card_path(path).write_text("# mine\n\n- **Decision**: candidate\n\nThe end.\n")
    return path


def test_the_last_decision_holds_in_file_and_card(weights):
    assert read_decision(weights) is None
    decide(weights, "rejected", " Ann ")
    made = decide(weights, "accepted", "Bo")
    assert read_decision(weights) == made
    assert (made.decision, made.by) == ("accepted", "Bo")
    card = card_path(weights).read_text()
    assert card == f"# mine\n\n- **Decision**: accepted, {made.date[:10]}, by Bo\n\nThe end.\n"
    assert weights.read_bytes() == b"weights"
    assert sorted(path.name for path in weights.parent.iterdir()) == [
        "mine.v2.decision.json",
        "mine.v2.md",
        "mine.v2.safetensors",
    ]


def test_without_a_card(weights):
    card_path(weights).unlink()
    assert decide(weights, "candidate").by == ""
    assert not card_path(weights).exists()


def test_what_cannot_be_decided(weights):
    with pytest.raises(LeukocyteError, match="no decision 'maybe'"):
        decide(weights, "maybe")
    with pytest.raises(LeukocyteError, match="There is no model"):
        decide(weights.with_name("other.safetensors"), "accepted")
    for content in ("{", "[]", '{"decision": "maybe", "by": "", "date": ""}'):
        decision_path(weights).write_text(content)
        with pytest.raises(LeukocyteError, match=": decide again about the model"):
            read_decision(weights)


def test_a_decision_that_cannot_be_read_is_set_aside_and_a_card_that_cannot_stops_the_next(weights):
    for number, content in ((1, b"{"), (2, b'{"decision": "postponed", "by": "", "date": ""}')):
        decision_path(weights).write_bytes(content)
        assert decide(weights, "accepted") == read_decision(weights)
        assert weights.with_name(f"mine.v2.decision.unreadable-{number}.json").read_bytes() == content
    before = decision_path(weights).read_bytes()
    card_path(weights).write_bytes(b"\xff\xfe")
    with pytest.raises(LeukocyteError, match=r"mine\.v2\.md is damaged or no text"):
        decide(weights, "rejected")
    assert card_path(weights).read_bytes() == b"\xff\xfe"
    assert decision_path(weights).read_bytes() == before
