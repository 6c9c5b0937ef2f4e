import math
from dataclasses import replace

import numpy as np
import pytest

from napari_leukocyte.core.cells.censored import Between
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure, measure_cells
from napari_leukocyte.core.cells.summary import is_binary, summarise

NAN = math.nan


def cell(cnr=1.0, *flags, nucleus_px=100):
    return CellMeasure(1, 0, 0, cnr, 0.9 * cnr, 1.2 * cnr, 1 / cnr, 0.5, 100, nucleus_px, NAN, NAN, flags)


def without(*flags):
    return cell(NAN, *flags)


def squares(binary=False):
    """Four cells: with a CNR, cut by the edge, nucleus alone, without nucleus. The last two touch at a corner."""
    classes, cells = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.int32)
    for number, (y, x) in enumerate([(3, 3), (30, 0), (20, 20), (27, 29)], start=1):
        classes[y : y + 9, x : x + 9] = 1
        cells[y : y + 9, x : x + 9] = number
    classes[6:9, 6:9] = classes[33:36, 3:6] = classes[20:29, 20:29] = 2
    return measure_cells(np.minimum(classes, 1) if binary else classes, cells, binary=binary)


def test_of_real_maps():
    summary = summarise(squares())
    assert (summary.count, summary.with_cnr, summary.median) == (4, 1, 8.0)
    assert summary.withheld == {Flag.CUT_BY_EDGE: 1, Flag.RIM_NOT_RESOLVED: 1, Flag.NO_NUCLEUS: 1}
    assert (summary.binary, summary.in_clumps) == (0, 2)
    assert summary.text == (
        "4 cells, CNR of 1: median 8.00 · "
        "no CNR: 1 cut by the edge (25 %), 1 without nucleus (25 %), 1 with a rim that is not resolved (25 %) · "
        "with 1 of CNR ≤ 2.33 counted in: median 4.00 to 5.17 · 2 in clumps"
    )


def test_a_binary_map_says_what_a_cnr_needs():
    measures = squares(binary=True)
    assert all(is_binary(measure) for measure in measures)
    assert not any(is_binary(measure) for measure in squares())
    whole = [measure for measure in measures if not measure.withheld]
    assert summarise(whole).text == "3 cells · CNR needs three classes, the map is binary · 2 in clumps"
    mixed = summarise([*measures, cell(0.5)])
    assert (mixed.binary, mixed.with_cnr) == (3, 1)
    assert "no CNR: 1 cut by the edge (20 %), 3 in a binary map (CNR needs three classes)" in mixed.text


def test_cells_with_an_upper_limit_count_in_the_median_as_far_as_they_can():
    limited = replace(without(Flag.RIM_NOT_RESOLVED), cnr_at_most=0.151)
    summary = summarise([cell(0.5), cell(0.7), cell(0.9), limited, limited])
    # whatever they are, they lie below the others: the median is one number
    assert (summary.limits, summary.median, summary.median_with_limits) == ((0.151, 0.151), 0.7, Between(0.5, 0.5))
    assert "2 with a rim that is not resolved (40 %) · with 2 of CNR ≤ 0.16 counted in: median 0.50" in summary.text
    most = summarise([cell(0.5), limited, limited])
    assert most.median_with_limits == Between(0.0, 0.151)
    assert "with 2 of CNR ≤ 0.16 counted in: median ≤ 0.16" in most.text
    typed = [replace(one, cell_type="lymphocyte") for one in (cell(0.5), cell(0.7), cell(0.9), limited)]
    assert "by type: lymphocyte 0.60 (4)" in summarise(typed).text
    assert "by type: lymphocyte ≤ 0.16 (1)" in summarise(typed[3:]).text
    erythroblast = replace(limited, cell_type="erythroblast")
    assert summarise([cell(0.5), erythroblast]).limits == ()


def test_smudges_are_counted_against_lymphocytes_where_these_are_typed():
    smudges = [without(Flag.NOT_A_WBC_SMUDGE), replace(without(Flag.NO_CYTOPLASM), cell_type="smudge")]
    assert "lymphocytes" not in summarise([*smudges, cell()]).text
    typed = [replace(cell(), cell_type=kind) for kind in ("lymphocyte", "reactive lymphocyte", "monocyte")]
    summary = summarise([*smudges, *typed])
    assert (summary.smudges, summary.lymphocytes) == (2, 2)
    assert "smudges: 50 % of 4 lymphocytes and smudges" in summary.text


def test_a_mark_of_the_user_comes_before_what_the_map_tells():
    summary = summarise([without(Flag.CUT_BY_EDGE, Flag.NO_CYTOPLASM, Flag.NOT_A_WBC_SMUDGE, Flag.TOUCHING)])
    assert summary.withheld == {Flag.NOT_A_WBC_SMUDGE: 1}
    assert summary.text == "1 cell · no CNR: 1 smudge (100 %) · 1 in clumps"


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag.withholds])
def test_every_reason_is_counted_and_has_words(flag):
    summary = summarise([without(flag), without(flag), cell()])
    assert summary.withheld == {flag: 2}
    assert summary.binary == 0
    assert "no CNR: 2 " in summary.text


def test_every_cell_is_counted_once():
    rng = np.random.default_rng(0)
    measures = []
    for _ in range(200):
        flags = tuple(flag for flag in Flag if rng.random() < 0.15)
        withheld = any(flag.withholds for flag in flags)
        measures.append(cell(NAN if withheld else rng.lognormal(), *flags))
    summary = summarise(measures)
    assert summary.with_cnr + sum(summary.withheld.values()) + summary.binary == summary.count == 200


def test_median_and_quartiles_are_of_cells_and_not_pooled():
    values = [0.2, 0.5, 0.9, 1.0, 4.0]
    # areas say something else: pooled they would give 1.0
    summary = summarise([cell(value) for value in values])
    assert (summary.q1, summary.median, summary.q3) == (0.5, 0.9, 1.0)
    assert summary.text == "5 cells, CNR of 5: median 0.90 (IQR 0.50–1.00)"


def test_few_cells_have_no_quartiles():
    assert summarise([]).text == "No cells."
    assert math.isnan(summarise([]).median)
    assert summarise([cell(0.97)]).text == "1 cell: CNR 0.97"
    assert "IQR" not in summarise([cell()] * 3).text


def test_a_warning_leaves_the_cnr_in_the_median():
    summary = summarise([replace(cell(2.0), flags=(Flag.EDITED, Flag.VERY_SMALL)), cell(4.0)])
    assert (summary.median, summary.withheld) == (3.0, {})


def test_types_have_their_own_medians_and_an_erythroblast_stands_outside_of_the_white_cells():
    typed = (("lymphocyte", 0.6), ("lymphocyte", 0.8), ("erythroblast", 0.2), ("", 3.0))
    summary = summarise([replace(cell(cnr), cell_type=kind) for kind, cnr in typed])
    assert (summary.with_cnr, summary.median, summary.outside) == (3, 0.8, 1)
    assert summary.text == (
        "4 cells, CNR of 3: median 0.80 · by type: erythroblast 0.20 (1), lymphocyte 0.70 (2); "
        "1 of them not among the white cells"
    )
