import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.presets import Preset, calibrated, presets_from_text, presets_to_text

optics = {
    "objective": st.floats(1, 250),
    "adapter": st.floats(0.1, 10),
    "binning": st.integers(1, 16),
}
presets = st.builds(
    Preset,
    st.text(st.characters(exclude_characters=":;\n", exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    st.floats(0.01, 2),
    **optics,
)


def test_a_line_of_known_length_gives_the_pixel_size():
    assert calibrated(645.2, 100) == pytest.approx(0.15499, rel=1e-4)


@pytest.mark.parametrize("length", [0, 5, 19.9, -100, math.nan, math.inf])
def test_a_line_that_is_none_is_refused(length):
    with pytest.raises(LeukocyteError, match="too short to measure with"):
        calibrated(length, 100)


@pytest.mark.parametrize(("px", "um"), [(100, 1000), (1000, 1)])
def test_what_is_no_pixel_size_of_a_smear_is_refused(px, um):
    with pytest.raises(LeukocyteError, match="not plausible for a smear"):
        calibrated(px, um)


def test_other_optics_of_a_camera_follow_from_one_calibration():
    oil = Preset("100x oil", 0.065, objective=100, adapter=1, binning=1)
    assert oil.with_optics("a", objective=40, adapter=1, binning=1).um == pytest.approx(0.1625)
    assert oil.with_optics("b", objective=100, adapter=0.5, binning=1).um == pytest.approx(0.13)
    assert oil.with_optics("c", objective=100, adapter=1, binning=2).um == pytest.approx(0.13)


@given(st.lists(presets, max_size=4, unique_by=lambda preset: preset.name))
def test_presets_come_back_from_the_preferences(given_presets):
    found = presets_from_text(presets_to_text(given_presets))
    assert list(found) == [preset.name for preset in given_presets]
    for preset in given_presets:
        again = found[preset.name]
        for field in ("um", "objective", "adapter"):
            assert getattr(again, field) == pytest.approx(getattr(preset, field), rel=1e-5)
        assert again.binning == preset.binning


@pytest.mark.parametrize("text", ["nonsense", "a: x um/px, objective 1x, adapter 1x, binning 1", "a: 0.1 um/px", ":"])
def test_what_cannot_be_understood_is_said(text):
    with pytest.raises(LeukocyteError, match="it should be like '100x oil"):
        presets_from_text(text)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"name": " "}, "a name"),
        ({"name": "a;b"}, "a name"),
        ({"name": "a: b"}, "a name"),
        ({"um": 0.0}, "not plausible"),
        ({"um": 99.0}, "not plausible"),
        ({"objective": 0.0}, "objective"),
        ({"adapter": math.nan}, "adapter"),
        ({"binning": 0}, "binning"),
    ],
)
def test_a_preset_of_impossible_values_is_refused(values, match):
    with pytest.raises(LeukocyteError, match=match):
        Preset(**{"name": "a", "um": 0.1, **values})
