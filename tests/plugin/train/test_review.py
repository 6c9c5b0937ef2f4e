"""Verdict and table: sections that fold, warnings by a symbol and bold type, no colours."""

import pytest

from napari_leukocyte.core.fine_tuning.decision import Decision
from napari_leukocyte.plugin.train.before_after_table import BeforeAfterTable
from napari_leukocyte.plugin.train.own_models import OwnModel
from napari_leukocyte.plugin.train.review import Review


def rows(table):
    for i in range(table.topLevelItemCount()):
        section = table.topLevelItem(i)
        yield (
            section.text(0),
            [
                [section.child(j).text(column) for column in range(table.columnCount())]
                for j in range(section.childCount())
            ],
        )


@pytest.fixture
def table(qtbot):
    table = BeforeAfterTable()
    qtbot.addWidget(table)
    return table


def test_edited_unedited_and_synthetic_images_stand_apart(table, before_after):
    table.show_figures(before_after())
    sections = dict(rows(table))
    assert list(sections) == [
        "Your images: 8 images",
        "Unedited masks (no proof): 2 images",
        "Synthetic smears (guard): 24 images",
    ]
    figures = {label: texts for label, *texts in sections["Your images: 8 images"]}
    assert figures["nucleus IoU_b"] == ["0.900", "0.950", "+0.050 (+0.040 to +0.060)"]
    assert figures["CNR bias"][:2] == ["-6.0 %", "-2.0 %"]
    assert "On 8 cells" in table.topLevelItem(0).child(6).toolTip(0)


def test_it_is_as_high_as_what_is_unfolded(table, before_after):
    table.show_figures(before_after())
    assert [table.topLevelItem(i).isExpanded() for i in range(3)] == [True, False, False]
    before = table.height()
    table.topLevelItem(2).setExpanded(True)
    grown = table.height() - before
    assert grown == table.topLevelItem(2).childCount() * table.sizeHintForRow(0)
    table.show_figures(None)
    assert table.topLevelItemCount() == 0


def test_what_is_not_there_leaves_no_row(table, before_after, comparison):
    table.show_figures(before_after(own=None, unedited=None, guard=comparison(24, cnr=False)))
    ((title, figures),) = rows(table)
    assert title.startswith("Synthetic")
    assert [label for label, *_ in figures] == [
        "cell IoU",
        "cell IoU_b",
        "nucleus IoU",
        "nucleus IoU_b",
        "false cells",
    ]


@pytest.fixture
def review(qtbot):
    review = Review()
    qtbot.addWidget(review)
    return review


def own_model(path, before_after=None, *, decision="", **changes):
    made = Decision(decision, "anna", "2026-11-25T10:00:00+00:00") if decision else None
    given = {"masks": frozenset(), "validated_on": "validation part", "changed": 0.0}
    return OwnModel(path=path, before_after=before_after, decision=made, **{**given, **changes})


def test_a_warning_is_bold_with_a_symbol_and_has_no_colour(review, tmp_path, before_after, comparison):
    worse = before_after(own=comparison(nucleus=(0.95, 0.9)))
    review.show_models([own_model(tmp_path / "a.safetensors", worse)])
    text = review.verdict.text()
    assert "⚠" in text
    assert "<b>" in text
    assert "nucleus got worse" in text
    assert "color" not in text
    assert "cross-validation in 3 parts" in review.basis.text()


def test_good_news_is_plain(review, tmp_path, before_after):
    trained_on = own_model(tmp_path / "a.safetensors", before_after(), validated_on="training part")
    review.show_models([trained_on])
    assert review.verdict.text().startswith("✓")
    assert "<b>" not in review.verdict.text()
    assert "images that trained it" in review.basis.text()


def test_a_model_that_was_not_compared_says_so(review, tmp_path):
    review.show_models([own_model(tmp_path / "a.safetensors")])
    assert "Not compared" in review.verdict.text()
    assert review.table.isHidden()


def test_models_are_chosen_and_decided_about(review, tmp_path, before_after, qtbot):
    first = own_model(tmp_path / "a.safetensors", before_after(), decision="accepted")
    second = own_model(tmp_path / "b.safetensors", before_after())
    review.show_models([second, first])
    assert review.model.choices == ("b (candidate)", "a (accepted)")
    review.show_models([second, first], first.path)
    with qtbot.waitSignal(review.decided) as told:
        review.reject_button.click()
    assert told.args == [first.path, "rejected"]
    review.show_models([second])
    assert review.model.value == "b (candidate)"
    review.set_busy(True)
    assert review.isHidden()
