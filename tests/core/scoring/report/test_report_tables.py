import numpy as np
import pytest
from report_cases import case_of, less_a_pixel, truth_map, wrong_nucleus

from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, score_case
from napari_leukocyte.core.scoring.report.line_up import line_up, worst_union
from napari_leukocyte.core.scoring.report.tables import worst_table

NO_BAND = EvaluationParameters(border_px=0)


def two_methods():
    """Each method errs in image a, and is right in b."""
    return {
        "A": [case_of(less_a_pixel(), "a", difficulty=1), case_of(truth_map(), "b", difficulty=2)],
        "B": [case_of(wrong_nucleus(), "a", difficulty=1), case_of(truth_map(), "b", difficulty=2)],
    }


def test_the_scores_of_the_cell(report):
    rows = report(two_methods(), NO_BAND).rows("Cell against background")
    assert rows == [
        ["Method", "Accuracy", "IoU", "IoUb", "Scored", "False cells", "Missed cells"],
        ["A", "99.2*", "96.9", "96.9", "100.0", "0", "0"],  # (63/64 + 1) / 2 and (15/16 + 1) / 2
        ["B", "99.2*", "97.1*", "97.1*", "100.0", "0", "0"],  # (63/64 + 1) / 2 and (16/17 + 1) / 2
    ]


def test_the_scores_of_nucleus_and_cytoplasm(report):
    page = report(two_methods(), NO_BAND)
    assert page.rows("Nucleus (")[1:] == [
        ["A", "99.2*", "100.0*", "100.0*", "100.0", "0"],
        ["B", "98.4", "87.5", "87.5", "100.0", "0"],  # (62/64 + 1) / 2 and (3/4 + 1) / 2
    ]
    assert page.rows("Cytoplasm (")[1:] == [
        ["A", "99.2*", "95.8*", "95.8*", "100.0", "0"],  # (11/12 + 1) / 2
        ["B", "98.4", "92.9", "92.9", "100.0", "0"],  # (12/14 + 1) / 2
    ]


def test_iou_b_stands_beside_the_share_it_scores(report):
    page = report({"A": [case_of(less_a_pixel())]}, EvaluationParameters(border_px=2))
    # of the cell's 4 x 4 px the inner 2 x 2 are outside the band; the wrong one is inside
    assert page.rows("Cell against")[1] == ["A", "98.4", "93.8", "100.0", "25.0", "0", "0"]
    assert page.rows("Nucleus (")[1] == ["A", "98.4", "100.0", "n/aa", "0.0", "0"]
    assert "a n/a: too thin to score" in page.text


def test_one_method_has_no_best_and_no_rival(report):
    page = report({"A": two_methods()["A"]}, NO_BAND)
    assert not any(cell.endswith("*") for title in page.tables for row in page.rows(title) for cell in row)
    assert not any("worst images" in title for title in page.tables)


def test_difficulty_classes(report):
    page = report(two_methods(), NO_BAND)
    assert page.rows("Cell by difficulty") == [
        [
            "Method",
            "1 easy1 image, 50.0\N{NO-BREAK SPACE}%",
            "2 several separate cells1 image, 50.0\N{NO-BREAK SPACE}%",
        ],
        ["A", "93.8", "100.0*"],
        ["B", "94.1*", "100.0*"],
    ]
    assert page.rows("Nucleus by difficulty")[1:] == [["A", "100.0*", "100.0*"], ["B", "75.0", "100.0*"]]
    assert page.rows("Cytoplasm by difficulty")[1:] == [["A", "91.7*", "100.0*"], ["B", "85.7", "100.0*"]]


def test_difficulty_is_not_made_up(report):
    assert not any("difficulty" in title for title in report({"A": [case_of(truth_map())]}).tables)
    known, unknown = case_of(truth_map(), "a", difficulty=7), case_of(truth_map(), "b")
    page = report({"A": [known, unknown]})
    assert page.rows("Cell by difficulty")[0][-1].startswith("not known1 image")
    assert "Class 7 cannot be compared with the thesis" in page.text


def test_a_mean_says_how_many_images_it_is_over(report):
    smudge = np.where(truth_map() > 0, 2, 0).astype(np.uint8)
    page = report({"A": [case_of(truth_map(), "a"), case_of(smudge, "b", truth=smudge)]}, NO_BAND)
    assert page.rows("Cytoplasm (")[1] == ["A", "100.0", "100.01 of 2", "100.01 of 2", "100.01 of 2", "0"]
    # predicted where the truth has none, it is a score of 0 and a false class
    page = report({"A": [case_of(truth_map(), "a"), case_of(truth_map(), "b", truth=smudge)]}, NO_BAND)
    assert page.rows("Cytoplasm (")[1] == ["A", "90.6", "50.0", "50.0", "100.01 of 2", "1"]  # (1 + 52/64) / 2


def spoiled(pixels):
    """The truth with so many pixels of the cell's first rows missing."""
    prediction = truth_map()
    rows, columns = np.nonzero(prediction)
    prediction[rows[:pixels], columns[:pixels]] = 0
    return prediction


@pytest.fixture
def rivals():
    """Missing pixels of six images, by two methods: IoU of the cell 1 - missing / 16."""
    missing = {"A": (8, 4, 0, 1, 0, 0), "B": (8, 0, 4, 2, 0, 0)}
    return line_up(
        {
            method: [score_case(case_of(spoiled(n), f"image{i}"), NO_BAND) for i, n in enumerate(each)]
            for method, each in missing.items()
        }
    )


def test_the_worst_images_of_both_methods(rivals):
    assert set(worst_union(rivals, 1)) == {"image0"}
    assert set(worst_union(rivals, 2)) == {"image0", "image1", "image2"}


def test_the_worst_images_are_scored_by_both_methods(report):
    missing = {"A": (8, 4, 0, 1, 0, 0), "B": (8, 0, 4, 2, 0, 0)}
    cases = {m: [case_of(spoiled(n), f"image{i}") for i, n in enumerate(each)] for m, each in missing.items()}
    # six images: N is a third of them. A: (8 + 12 + 16) / 48, B the same
    assert report(cases, NO_BAND).rows("The worst images")[1:] == [["2", "3", "75.0*", "75.0*"]]


def test_the_thesis_numbers_of_worst_images(rivals):
    assert ">1<" in worst_table(rivals, (1, 2, 50))
    assert ">2<" in worst_table(rivals, (1, 2, 50))
    assert ">50<" not in worst_table(rivals, (1, 2, 50))


def test_cnr(report):
    page = report(two_methods(), NO_BAND)
    rows = page.rows("Cytoplasm-to-nucleus")
    assert rows[0][:7] == ["Cells", "Method", "True CNRs", "Compared", "Coverage", "Error", "Bias"]
    # A: 11/12 and 1, B: 14/9 and 1; the median of two is halfway between their logarithms
    a, b = 100 * (np.sqrt(11 / 12) - 1), 100 * (np.sqrt(14 / 9) - 1)
    assert rows[1][:7] == ["all cells", "A", "2", "2", "100.0", f"{-100 * a / (100 + a):.1f}", f"−{-a:.1f}"]
    assert rows[2][:6] == ["B", "2", "2", "100.0", f"{b:.1f}", f"+{b:.1f}"]


def test_cnr_by_source_and_type(report):
    cases = [
        case_of(less_a_pixel(), "a", source="lab", cell_type="monocyte"),
        case_of(truth_map(), "b", source="lab", cell_type="lymphocyte"),
    ]
    first = [row[0] for row in report({"A": cases}, NO_BAND).rows("Cytoplasm-to-nucleus")]
    assert first == ["Cells", "all cells", "lymphocyte", "monocyte"]  # one source says no more than all cells


def test_withheld_cnrs_cost_coverage(report):
    bare = np.where(truth_map() > 0, 2, 0)
    page = report({"A": [case_of(truth_map(), "a"), case_of(bare, "b")]}, NO_BAND)
    assert page.rows("Cytoplasm-to-nucleus")[1] == [
        *("all cells", "2", "1", "50.0", "0.0", "0.0", "100.0"),
        *("1", "0", "0"),
    ]
    page = report({"A": [case_of(truth_map(), "a", truth=bare.astype(np.uint8))]}, NO_BAND)
    assert page.rows("Cytoplasm-to-nucleus")[1][1:] == ["0", "0", "n/aa", "n/aa", "n/aa", "n/aa", "0", "0", "1"]
    assert "the truth has no CNR here" in page.text


def test_every_image_the_worst_first(report):
    cases = [case_of(truth_map(), "right"), case_of(spoiled(8), "bad"), case_of(less_a_pixel(), "fair")]
    rows = report({"A": cases}, NO_BAND).rows("Every image")
    assert [row[0] for row in rows[2:]] == ["bad", "fair", "right"]
    assert rows[3] == [
        *("fair", "98.4"),
        *("93.8", "93.8", "100.0"),
        *("91.7", "91.7", "100.0"),
        *("100.0", "100.0", "100.0"),
        *("−8.3", "1 of 1", "0", "0"),
    ]
    both = report({"A": cases, "B": cases}, NO_BAND).rows("Every image")
    assert [row[:2] for row in both[2:4]] == [["bad", "A"], ["B", "87.5"]]


def test_accuracy_counts_the_wrong_class_and_what_has_no_score_comes_last(report):
    nothing = np.zeros((8, 8), np.uint8)
    cases = [case_of(nothing, "empty", truth=nothing), case_of(wrong_nucleus(), "wrong"), case_of(truth_map(), "right")]
    rows = report({"A": cases}, NO_BAND).rows("Every image")[2:]
    assert [row[:2] for row in rows] == [["wrong", "96.9"], ["right", "100.0"], ["empty", "100.0"]]  # 62 / 64
