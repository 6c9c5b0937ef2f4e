import base64
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from report_cases import case_of, less_a_pixel, truth_map, wrong_nucleus

from napari_leukocyte import __version__
from napari_leukocyte.core.colours import PAPER_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring.border import border_band
from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, score_case
from napari_leukocyte.core.scoring.report import write_report

WARNING = "For research use only. Not for use in diagnostic procedures."
PHOTO = np.full((8, 8, 3), 200, np.uint8)


def whole_cells(prediction, name, **options):
    whole = (truth_map() > 0).astype(np.uint8)
    return case_of(prediction > 0, name, truth=whole, binary=True, whole_cell=True, **options)


def test_the_head(report):
    case = case_of(less_a_pixel(), pixel_size=0.1)
    parameters = EvaluationParameters(border_um=0.4, keep="whole", score_at=4)
    text = report({"A": [case]}, parameters, title="Ours", made_by={"A": "model default, 1a2b"}).text
    assert text.count(WARNING) == 2
    for part in (
        *("Ours", "A (model default, 1a2b)", "Images1", "4 px wide = 0.4 um", "0.1 um per px", "4 px along"),
        *("whole cells, none cut by the image edge", "n/a, left out of means", f"napari-leukocyte {__version__}"),
    ):
        assert part in text


def test_widths_that_differ_or_are_not_known(report):
    cases = [case_of(truth_map(), "a", pixel_size=0.1), case_of(truth_map(), "b", pixel_size=0.2)]
    assert "1.95–3.9 px wide = 0.39 um" in report({"A": cases}).text
    text = report({"A": [case_of(truth_map())]}).text
    assert "4 px wide (in um not known" in text
    assert "Pixel sizenot known" in text


@pytest.mark.parametrize("options", [{}, {"image": PHOTO}])
@pytest.mark.parametrize("methods", [1, 2, 3])
def test_the_page_holds_all_it_needs(report, methods, options):
    cases = [case_of(less_a_pixel(), "a", difficulty=4, **options), case_of(truth_map(), "b", **options)]
    page = report({f"method {i}": cases for i in range(methods)})
    assert "://" not in page.source
    assert not re.search(r"<(script|link|iframe|object|form)|@import|url\(", page.source)
    assert page.images
    for image in page.images:
        assert image["src"].startswith("data:image/")
        assert image["alt"].strip()
        if "svg" in image["src"]:
            svg = base64.b64decode(image["src"].partition(",")[2]).decode()
            assert ElementTree.fromstring(svg).tag.endswith("svg")
            assert not re.search(r'href="(?!#)', svg)


def test_tables_have_headers(report):
    page = report({"A": [case_of(less_a_pixel(), "a", difficulty=1)], "B": [case_of(truth_map(), "a", difficulty=1)]})
    assert len(page.tables) == 9
    for rows in page.tables.values():
        assert {scope for _, scope, *_ in rows[0]} <= {"col", "colgroup"}
        for row in rows:
            assert row[0][0] == "th"
        assert rows[-1][0][1] in ("row", "rowgroup")


def test_names_are_quoted(report):
    name = """<b>"a" & 'b'</b>"""
    case = case_of(less_a_pixel(), name, source="<i>lab</i>", cell_type="<u>mono&cyte</u>", difficulty=1, image=PHOTO)
    other = replace(case, name="b", cell_type="other")
    page = report({"<s>M&M</s>": [case, other]}, title="<em>T&T</em>", made_by={"<s>M&M</s>": "<tt>"}, chosen=[name])
    assert not re.search("<(b|i|u|s|em|tt)>", page.source)
    for text in (name, "<i>lab</i>", "<u>mono&cyte</u>", "<s>M&M</s>", "<em>T&T</em>", "<tt>"):
        assert text in page.text
    assert any(name in image["alt"] and "<s>M&M</s>" in image["alt"] for image in page.images)


@pytest.mark.parametrize("methods", [{}, {"A": []}, {"A": [], "B": []}])
def test_nothing_to_compare(report, methods):
    page = report(methods)
    assert "There is no image to compare" in page.text
    assert WARNING in page.text
    assert page.tables == {}


def test_nothing_to_score(report):
    empty = np.zeros((8, 8), np.uint8)
    page = report({"A": [case_of(empty, truth=empty)], "B": [case_of(empty, truth=empty)]})
    assert page.rows("Cell against")[1] == ["A", "100.0*", "n/aa", "n/aa", "n/aa", "0", "0"]
    assert "a n/a: neither the truth nor the prediction has any of it" in page.text
    assert "1 image n/a: neither the truth nor the prediction" in page.text  # in place of the histogram
    assert page.rows("The worst images")[1] == ["1", "0", "n/aa", "n/aa"]
    assert not any("istogram" in image["alt"] for image in page.images)
    page = report({"A": [case_of(empty, truth=empty)]}, EvaluationParameters(empty_scores_zero=True))
    assert page.rows("Cell against")[1][2:4] == ["0.0", "0.0"]
    assert "0, the thesis's rule" in page.text


def test_a_truth_of_whole_cells(report):
    page = report({"A": [whole_cells(less_a_pixel(), "a")], "B": [whole_cells(wrong_nucleus(), "a")]})
    assert [title.partition(" (")[0] for title in page.tables] == [
        *("Cell against background", "The worst images of each method", "Every image, the worst first")
    ]
    assert "so nucleus and cytoplasm are not scored" in page.text
    assert "so it has no CNR" in page.text
    assert "the truth of 1 knows whole cells only; 1 prediction of A binary; 1 prediction of B binary" in page.text
    assert "false negative" in page.text
    assert "wrong class" not in page.text


def test_a_binary_method_beside_one_of_three_classes(report):
    binary = case_of(truth_map() > 0, "a", binary=True)
    page = report({"two": [binary], "three": [case_of(truth_map(), "a")]}, EvaluationParameters(border_px=0))
    assert page.rows("Nucleus (")[1:] == [["two", *["n/aa"] * 4, "0"], ["three", *["100.0*"] * 3, "100.0", "0"]]
    assert "whole cells only" in page.text
    assert page.rows("Cytoplasm-to-nucleus")[1][3:5] == ["0", "0.0"]
    assert "no CNR to compare, coverage 0.0 % (0 of 1)" in page.text


def test_only_images_of_every_method_are_compared(report):
    cases = [case_of(truth_map(), "a"), case_of(less_a_pixel(), "b")]
    page = report({"A": cases, "B": cases[:1]}, EvaluationParameters(border_px=0))
    assert page.rows("Cell against")[1][1] == "100.0*"
    assert "not every method has them: 1 (b)" in page.text
    assert "no image to compare" in report({"A": cases[1:], "B": cases[:1]}).text


def test_pictures_of_the_worst_and_the_chosen(tmp_path):
    cases = {f"image{i}": case_of(truth_map() if i else less_a_pixel(), f"image{i}", image=PHOTO) for i in range(9)}
    scores = [score_case(case, EvaluationParameters()) for case in cases.values()]
    read = []

    def read_again(method, name):
        read.append((method, name))
        return cases[name]

    def shown(**options):
        read.clear()
        write_report(tmp_path / "a.html", {"A": scores}, read_again, EvaluationParameters(), **options)
        return [name for _, name in read]

    assert shown(worst=1) == ["image0", "image4"]  # the worst, and the one in the middle
    assert shown(worst=2, chosen=["image8", "image0"]) == ["image0", "image1", "image8"]
    assert shown(worst=0, chosen=[]) == []
    text = (tmp_path / "a.html").read_text()
    with pytest.raises(LeukocyteError, match="No pictures can be shown of image77"):
        shown(chosen=["image77"])
    assert (tmp_path / "a.html").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_a_typical_image_of_each_difficulty_class(report):
    cases = [case_of(truth_map(), f"image{i}", difficulty=1 + i % 2) for i in range(6)]
    page = report({"A": cases}, worst=0)
    shown = [image["alt"] for image in page.images if image["alt"].startswith("Prediction")]
    assert [alt.split(",")[0] for alt in shown] == ["Prediction: image2", "Prediction: image3"]


def test_the_same_scores_give_the_same_file(report):
    cases = {"A": [case_of(less_a_pixel(), "a"), case_of(truth_map(), "b")]}
    assert report(cases).source == report(cases).source


def test_two_scores_of_one_name_are_a_mistake(report):
    with pytest.raises(ValueError, match="several images of one name"):
        report({"A": [case_of(truth_map(), "a"), case_of(truth_map(), "a")]})


def test_plots_say_in_words_what_they_show(report):
    cases = [case_of(less_a_pixel(), "a"), case_of(truth_map(), "b"), case_of(wrong_nucleus(), "c")]
    alts = [image["alt"] for image in report({"A": cases}, EvaluationParameters(border_px=0)).images]
    assert (
        "Histogram of the IoU_b of cytoplasm, A: 3 images, 1 from 95.0 to 100.0 %, 1 from 90.0 to 95.0 %, "
        "1 from 50.0 to 90.0 %; lowest 85.7 %."
    ) in alts
    assert "Predicted against true CNR of 3 cells, A: error 9.1 %, bias 0.0 %, coverage 100.0 % (3 of 3)." in alts


def picture(page, alt):
    """The picture whose alternative text starts so, RGB."""
    (image,) = (image for image in page.images if image["alt"].startswith(alt))
    content = base64.b64decode(image["src"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_the_band_is_the_one_that_is_scored(report):
    truth = np.kron(truth_map(), np.ones((5, 5), np.uint8))
    parameters = EvaluationParameters(border_px=2)
    three, binary = case_of(truth, truth=truth), case_of(truth > 0, truth=truth, binary=True)
    for case, cell_only in ((three, False), (binary, True)):
        drawn = picture(report({"A": [case]}, parameters), "Ground truth")
        band = border_band(truth, width_px=2, cell_only=cell_only)
        plain = np.array([PAPER_COLOURS[value] for value in range(3)])[truth]
        assert np.array_equal((drawn != plain).any(axis=2), band)


def test_pictures_show_the_cells_that_are_kept(report):
    truth = np.pad(truth_map(), ((0, 0), (2, 6)))
    prediction = truth.copy()
    prediction[1:4, 12:15] = 1
    cells = np.where(np.arange(16) > 10, 2, 1) * (prediction > 0)
    case = case_of(prediction, truth=truth, predicted_cells=cells.astype(np.int32))
    for keep, others in (("all", 9), ("centre", 0)):
        page = report({"A": [case]}, EvaluationParameters(keep=keep))
        assert page.rows("Cell against")[1][-2:] == ["1", "0"]
        right = picture(page, "Prediction")[:, 11:]
        assert np.count_nonzero((right != PAPER_COLOURS[0]).any(axis=2)) == others
