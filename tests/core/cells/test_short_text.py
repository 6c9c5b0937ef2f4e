"""One word for a cell."""

import math
from dataclasses import replace

import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.short_text import WITHHELD, is_doubtful, short_cnr

CELL = CellMeasure(1, 9, 9, 0.44, 0.33, 0.57, 2.27, 0.69, 44, 100, 0.4, 1.0)


def without_cnr(*flags):
    return replace(CELL, cnr=math.nan, flags=flags)


def test_each_flag_that_withholds_has_a_short_word_of_its_own():
    assert set(WITHHELD) == {flag for flag in Flag if flag.withholds}
    assert len(set(WITHHELD.values())) == len(WITHHELD)
    assert all(0 < len(word) <= 7 for word in WITHHELD.values())


@pytest.mark.parametrize("flag", WITHHELD)
def test_a_withheld_cnr_is_its_word(flag):
    assert short_cnr(without_cnr(flag)) == WITHHELD[flag]


def test_what_a_person_said_comes_first():
    assert short_cnr(without_cnr(Flag.CUT_BY_EDGE, Flag.NOT_A_WBC_PLATELET)) == "PLT"


def test_a_number_and_a_binary_map():
    assert short_cnr(CELL) == "0.44"
    assert short_cnr(replace(without_cnr(), nucleus_px=0)) == "–"


@pytest.mark.parametrize(
    ("flags", "doubtful"),
    [
        ((), False),
        ((Flag.TOUCHING,), True),
        ((Flag.LOW_CONFIDENCE, Flag.EDITED), True),
        ((Flag.EDITED, Flag.TOO_COARSE, Flag.PIXEL_SIZE_DOUBTFUL), False),
    ],
)
def test_a_look_is_asked_for_where_it_can_help(flags, doubtful):
    assert is_doubtful(replace(CELL, flags=flags)) is doubtful
    assert not is_doubtful(without_cnr(Flag.CUT_BY_EDGE, *flags))  # there is no number to doubt
