"""The calibration of a model, its factor and its doubt: fitted, kept with the weights, and refused with other ones."""

import json
import math
import shutil

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.cnr_range import (
    SCORES_KEY,
    CnrRange,
    find_cnr_range,
    fit_factor,
    fit_unsure,
    range_path,
    write_cnr_range,
)
from napari_leukocyte.core.model.weights import SHIPPED_MODELS, model_hash, model_path, read_info, replace_info


def found(path):
    return find_cnr_range(path, model_hash(path), read_info(path))


def test_the_factor_holds_nine_in_ten_of_cells_still_to_come():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        logs = rng.normal(0, 0.1, 60)
        held.append(np.mean(np.abs(logs[30:]) <= math.log(fit_factor(logs[:30]))))
    assert 0.89 < np.mean(held) < 0.93
    # a bias counts as any other error, and the sign does not matter
    assert fit_factor(rng.normal(0.3, 0.01, 99)) == pytest.approx(math.exp(0.3), abs=0.05)
    assert fit_factor([0.1] * 30) == fit_factor([-0.1] * 30) == 1.11


def test_one_cell_in_ten_is_more_unsure_than_the_limit():
    rng = np.random.default_rng(1)
    for n in (10, 11, 57, 1000):
        shares = rng.beta(2, 20, n)
        over = np.mean(shares > fit_unsure(shares))
        assert over <= 0.1
        assert np.mean(shares >= fit_unsure(shares) - 0.001) >= 0.1
    assert fit_unsure([0.25]) == 0.25
    assert fit_unsure([]) is None


def test_too_few_cells_have_no_factor():
    assert math.isnan(fit_factor([0.1] * 8))
    assert fit_factor([0.1] * 9) == 1.11


@pytest.mark.parametrize("model", SHIPPED_MODELS)
def test_a_shipped_factor_is_of_the_shipped_weights(model):
    path = model_path(model)
    if range_path(path).exists():
        assert json.loads(range_path(path).read_text())["model_sha256"] == model_hash(path)
        assert found(path).cells >= 85
        assert 0 < found(path).unsure < 0.5
    else:
        assert found(path) is None


def test_a_factor_of_other_weights_is_none(tmp_path):
    path = shutil.copy(model_path("default"), tmp_path / "mine.safetensors")
    assert found(path) is None
    write_cnr_range(path, model_hash(path), CnrRange(1.3, 40, "forty cells", 0.125))
    assert found(path) == CnrRange(1.3, 40, "forty cells", 0.125)
    replace_info(path, name="another")
    assert found(path) is None


def test_a_factor_in_the_header_counts_and_is_checked(tmp_path):
    path = shutil.copy(model_path("default"), tmp_path / "mine.safetensors")
    replace_info(path, scores={SCORES_KEY: {"factor": 1.2, "cells": 25, "found_on": "own images"}})
    assert found(path) == CnrRange(1.2, 25, "own images")
    for factor in (0.5, "wide", 1e9):
        replace_info(path, scores={SCORES_KEY: {"factor": factor, "cells": 25, "found_on": "own images"}})
        with pytest.raises(
            LeukocyteError, match=r"states .* as 'cnr_range.factor', which should be a number from 1 to 10"
        ):
            found(path)
    for unsure in (-0.1, 1.5, "much", None):
        scores = {"factor": 1.2, "cells": 25, "found_on": "own images", "unsure": unsure}
        replace_info(path, scores={SCORES_KEY: scores})
        with pytest.raises(LeukocyteError, match=r"as 'cnr_range.unsure', which should be a number from 0 to 1"):
            found(path)
