import csv
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from cell_tables import cell, drawn_study, write_results

from napari_leukocyte.core.cells.cells_csv import write_cells_csv
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.write import write_class_png
from napari_leukocyte.core.study.coding import Codes
from napari_leukocyte.core.study.kinds import ALL_WHITE
from napari_leukocyte.core.study.report.files import tables_of, write_study
from napari_leukocyte.core.study.study import make_study

PATTERN = "{group}/{patient}_{slide}"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_planted_difference_is_found_with_its_interval(tmp_path):
    study = make_study([drawn_study(tmp_path / "r", ratio=1.5)], groups=PATTERN)
    ab, ac, bc = study.comparisons
    assert ab.p_holm > 0.05
    assert max(ac.p_holm, bc.p_holm) < 0.05
    assert ac.low < 1.5 < ac.high
    assert bc.low < 1.5 < bc.high
    assert ac.patients == (5, 5)
    assert {row.patients for row in study.summary} == {5}


def test_the_summary_is_within_a_type_and_what_is_no_white_cell_stands_outside(tmp_path):
    cells = [
        cell(1, 0.5, cell_type="lymphocyte"),
        cell(2, 2.0, cell_type="band neutrophil"),
        cell(3, 3.0, cell_type="segmented neutrophil"),
        cell(4, 0.2, cell_type="erythroblast"),
        cell(5, np.nan, cell_type="lymphocyte"),
        cell(6, np.nan, flags=(Flag.NOT_A_WBC_SMUDGE,)),
        cell(7, np.nan, flags=(Flag.NOT_A_WBC_PLATELET,)),
    ]
    folder = write_results(tmp_path / "r", {"a.png": cells})
    study = make_study([folder])
    cnr = {row.kind: (row.cells, row.median) for row in study.summary if row.quantity.key == "cnr"}
    assert cnr[ALL_WHITE] == (3, 2.0)
    assert cnr["segmented neutrophil"] == (2, 2.5)
    assert cnr["erythroblast"] == (1, 0.2)
    assert "smudge" not in cnr
    assert {one.kind: (one.count, one.cells) for one in study.withheld}["lymphocyte"] == (1, 2)
    assert study.smudges[0].share == pytest.approx(1 / 3)
    apart = make_study([folder], merge_bands=False)
    assert {row.kind for row in apart.summary} >= {"band neutrophil", "segmented neutrophil"}
    fractions = {row.kind: row.median for row in study.summary if row.quantity.key == "nucleus_fraction"}
    assert fractions["lymphocyte"] == pytest.approx(1 / 1.5)


def test_groups_that_coincide_with_how_they_were_made_are_warned_of(tmp_path):
    for name, size, pixel in (("A", 40, "0.1"), ("B", 60, "0.2")):
        images = {f"{name}{i}_1.png": [cell(1, 1.0 + i / 10), cell(2, 1.2)] for i in range(3)}
        folder = write_results(tmp_path / name, images, made_by={"pixel_size_um": pixel})
        for label in images:
            classes = np.zeros((size, size), np.uint8)
            write_class_png(folder / f"{label[:-4]}_classes.png", classes, provenance={"image": label})
    sheet = tmp_path / "sheet.csv"
    lines = [
        f"{g}{i}_1.png,{g}{i},{g},{s},2026-0{m}-0{i + 1}"
        for g, s, m in (("A", "X", 1), ("B", "X", 3))
        for i in range(3)
    ]
    sheet.write_text("\n".join(["file,patient,group,scanner,date", *lines]), encoding="utf-8")
    warnings = " ".join(make_study([tmp_path / "A", tmp_path / "B"], groups=sheet).warnings)
    for what in ("pixel size throughout (0.1 against 0.2)", "image size throughout (40 × 40 px", "date throughout"):
        assert f"A and B differ in {what}" in warnings
    assert "scanner" not in warnings
    assert "model" not in warnings
    assert "No cell has a type" in warnings


def test_groups_that_differ_in_what_is_withheld_are_warned_of(tmp_path):
    images = {
        f"{group}/{group}{i}_1.png": [
            cell(n + 1, math.nan if n < without else 1.0, cell_type="blast") for n in range(10)
        ]
        for group, without in (("A", 1), ("B", 6))
        for i in range(3)
    }
    warnings = make_study([write_results(tmp_path / "r", images)], groups=PATTERN).warnings
    assert any("(cut by the edge): A 10 % of 30, B 60 % of 30" in one for one in warnings)
    assert any(one.startswith("Images differ") for one in warnings)


def test_cells_with_an_upper_limit_count_in_medians_and_a_patient_that_they_leave_open_is_in_no_comparison(tmp_path):
    def small(number, limit):
        return replace(cell(number, math.nan, flags=(Flag.RIM_NOT_RESOLVED,)), cell_type="blast", cnr_at_most=limit)

    def images(limited):
        return {
            f"{group}/{group}{i}_1.png": [
                *[small(n + 1, 0.1) for n in range(limited(group, i))],
                *[cell(n + 10, 1 + i / 100, cell_type="blast", nucleus=4000) for n in range(5)],
            ]
            for group in ("A", "B")
            for i in range(4)
        }

    plain = make_study([write_results(tmp_path / "plain", images(lambda group, i: 0))], groups=PATTERN)
    few = make_study([write_results(tmp_path / "few", images(lambda group, i: 2))], groups=PATTERN)
    for row, before in zip(few.summary, plain.summary, strict=True):
        assert row.censored == (0 if row.quantity.unit else 8)
        if row.quantity.key == "cnr":
            assert (row.cells, row.quartiles[1].low == row.quartiles[1].high) == (20, True)
            assert row.median <= before.median
    assert [one.log_cnr for one in few.patients] == pytest.approx([one.log_cnr for one in plain.patients])
    assert repr(few.comparisons) == repr(plain.comparisons)  # NaN and NaN are the same here

    study = make_study([write_results(tmp_path / "many", images(lambda group, i: 6 * (i == 0)))], groups=PATTERN)
    assert study.comparisons[0].patients == (3, 3)
    assert any("2 patients, 1 in A, 1 in B is not known as one number" in one for one in study.warnings)
    write_study(study, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "6 more with an upper limit" in page
    assert "left-censored values" in page
    assert "left-censored" not in _page(plain, tmp_path / "other")
    opened = [row for row in rows(tmp_path / "report" / "patients.csv") if not row["median_cnr"]]
    assert [(row["patient"], row["cells"], row["censored"]) for row in opened] == [("A0", "5", "6"), ("B0", "5", "6")]
    assert all(float(row["median_cnr_at_most"]) == pytest.approx(0.1) for row in opened)


def test_a_group_of_nothing_but_upper_limits_has_at_most_a_limit(tmp_path):
    own = [
        replace(cell(n, math.nan, flags=(Flag.RIM_NOT_RESOLVED,)), cell_type="blast", cnr_at_most=0.151)
        for n in range(1, 4)
    ]
    study = make_study([write_results(tmp_path / "r", {"a.png": own})])
    texts = {row.quantity.key: row.texts()[1] for row in study.summary}
    assert texts == {"cnr": "≤ 0.16", "nc_ratio": "≥ 6.62", "nucleus_fraction": "≥ 0.86"}
    assert "≤ 0.16" in _page(study, tmp_path / "report")


def _page(study, folder):
    return write_study(study, folder)[0].read_text(encoding="utf-8")


def test_the_report_is_one_page_with_the_tables_behind_it(tmp_path):
    folder = drawn_study(tmp_path / "r", ratio=1.5, patients=3, cells=6, kinds=("lymphocyte", "=<b>own</b>"))
    study = make_study([folder], groups=PATTERN, readers=[])
    written = write_study(study, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<b>own" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in re.sub(r"data:[^\"]*|http-equiv", "", page)
    for words in ("cytoplasm area / nucleus area", "research use only", "Welch", "lymphocyte", "Holm"):
        assert words in page
    assert not re.search(r"abnormal|reference range|normal range", page)
    assert [path.name for path in written] == [
        "report.html",
        *[f"{name}.csv" for name in ("cells", "summary", "withheld", "smudges", "patients", "comparisons")],
    ]
    cells = rows(tmp_path / "report" / "cells.csv")
    assert len(cells) == 3 * 3 * 6
    assert (cells[0]["patient"], cells[0]["group"], cells[0]["counted_as"]) == ("A1", "A", "lymphocyte")
    assert len(rows(tmp_path / "report" / "comparisons.csv")) == 6
    write_study(study, tmp_path / "report")  # its own files are replaced
    with pytest.raises(LeukocyteError, match="is read, so it cannot be written"):
        write_study(study, folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "summary.csv").write_text("my own")
    with pytest.raises(LeukocyteError, match="none of this program's files"):
        write_study(study, tmp_path / "mine")


def test_cells_of_slides_keep_their_coordinates_and_beside_images_it_is_said(tmp_path):
    image = write_results(tmp_path / "images", {"a.png": [cell(1), cell(2)]})
    slide = write_results(tmp_path / "slide", {"s.svs": [cell(1), cell(2, 1.5, y=9000.0)]})
    (table,) = (rows(slide / "cells.csv"),)
    known = [row | {"y_um": f"{float(row['y']) / 4:g}", "x_um": "12.5", "place": "monolayer"} for row in table]
    write_cells_csv(slide / "cells.csv", known)
    alone = make_study([slide])
    assert not any("whole slide" in warning for warning in alone.warnings)
    assert [row["y_um"] for row in tables_of(alone)["cells"]] == ["12.5", "2250"]
    both = make_study([slide, image])
    assert any("1 whole slide and of 1 image stand together" in warning for warning in both.warnings)
    write_study(both, tmp_path / "report")
    written = rows(tmp_path / "report" / "cells.csv")
    assert [row["place"] for row in written] == ["monolayer", "monolayer", "", ""]
    assert not any("whole slide" in warning for warning in make_study([image]).warnings)


def test_a_coded_report_names_neither_file_nor_folder_nor_patient_and_codes_stay(tmp_path):
    images = {
        f"{group}/Muster{i}_L{i}.png": [cell(n + 1, 1.0 + n / 10, cell_type="blast") for n in range(4)]
        for i, group in enumerate(("A", "A", "A", "B", "B", "B"))
    }
    folder = write_results(tmp_path / "Klinik", images, made_by={"model": "/home/muster/own.safetensors"})
    key = tmp_path / "key.csv"
    for run in range(2):
        codes = Codes(key)
        study = make_study([folder], groups=PATTERN, codes=codes)
        write_study(study, tmp_path / f"report{run}", codes=codes)
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in (tmp_path / "report1").iterdir()]
    for name, text in texts:
        plain = re.sub(r"data:[^\"]*", "", text)
        assert not re.search(r"Muster|muster|Klinik|_L\d|\.png", plain), name
        assert str(tmp_path) not in plain
    assert [row["patient"] for row in rows(tmp_path / "report0" / "patients.csv")] == [
        row["patient"] for row in rows(tmp_path / "report1" / "patients.csv")
    ]
    names = {row["name"]: row["code"] for row in rows(key) if row["kind"] == "patient"}
    assert set(names) == {f"Muster{i}" for i in range(6)}
    assert set(names.values()) == {f"patient-00{i}" for i in range(1, 7)}
    inside = Codes(tmp_path / "report1" / "key.csv")
    coded = make_study([folder], groups=PATTERN, codes=inside)
    with pytest.raises(LeukocyteError, match="would be given away"):
        write_study(coded, tmp_path / "report1", codes=inside)
    with pytest.raises(LeukocyteError, match="is no key"):
        Codes(folder / "cells.csv")


def test_readers_of_the_same_images_are_compared(tmp_path):
    cells = [cell(i, 1 + i / 5, cell_type="blast", y=100.0 * i) for i in range(1, 6)]
    one = write_results(tmp_path / "Anna", {"a.png": cells})
    two = write_results(
        tmp_path / "Bert", {"a.png": [cell(i, 1.2 * (1 + i / 5), cell_type="blast", y=100.0 * i) for i in range(1, 6)]}
    )
    study = make_study([one], readers=[two])
    (found,) = study.agreements
    assert (found.first, found.second, found.cells) == ("Anna", "Bert", 5)
    assert tables_of(study)["readers"][0]["bias"] == pytest.approx(1.2, abs=0.01)
    write_study(study, tmp_path / "report")
    assert "Bert to Anna" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    foreign = write_results(tmp_path / "Cleo", {"b.png": cells})
    with pytest.raises(LeukocyteError, match="Anna and Cleo have no cell in common"):
        make_study([one], readers=[foreign])
