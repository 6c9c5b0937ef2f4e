"""Whether images of a list were segmented alike."""

import pytest

from napari_leukocyte.core.results.choices import choices_of, made_otherwise

MADE_BY = {"model": "default", "model_sha256": "1f", "mode": "three-class", "keep": "centre (auto)", "device": "cpu"}


def said(**changed):
    return made_otherwise(choices_of({**MADE_BY, **changed}), choices_of(MADE_BY))


@pytest.mark.parametrize("same", [{}, {"device": "cuda"}, {"keep": "all (auto)"}, {"model": ""}])
def test_what_auto_came_to_a_device_and_what_no_model_made_is_not_otherwise(same):
    assert said(**same) == ""


def test_each_choice_is_named():
    assert "model: mine instead of default" in said(model="mine", model_sha256="2f")
    assert "another model of this name" in said(model_sha256="2f")
    assert "mode: binary instead of three-class" in said(mode="binary")
    assert "cells kept: all instead of auto" in said(keep="all")


def test_nothing_to_compare_with():
    assert made_otherwise(choices_of(MADE_BY), None) == ""
