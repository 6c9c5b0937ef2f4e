from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation import windowed
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers
from napari_leukocyte.core.segmentation.segment import (
    ImageFailed,
    ImageSegmented,
    method_of,
    segment_images,
    segment_plane,
)
from napari_leukocyte.core.segmentation.windowed import Prediction, WindowDone

KNOWN = PixelSize(0.2, "file")
CUT, MIDDLE, CORNER = (0, 120, 31), (110, 100, 30), (180, 200, 26)


@pytest.fixture
def scene(draw):
    """One cell cut by the upper edge, one near the middle, one in the corner."""
    return draw((220, 240), [CUT, MIDDLE, CORNER])


def source_of(image, pixel_size=KNOWN, name="a.png"):
    return sources_from_array(image, name=name, pixel_size=pixel_size)[0]


def segment(image, predictor, pixel_size=KNOWN, **parameters):
    *progress, result = segment_plane(source_of(image, pixel_size), SegmentParameters(**parameters), predictor)
    assert progress
    assert all(isinstance(event, WindowDone) for event in progress)
    assert isinstance(result, Segmentation)
    # the kept cells and the class map are the same pixels
    np.testing.assert_array_equal(result.classes > 0, result.cells > 0)
    assert result.classes.dtype == np.uint8
    assert result.cells.dtype == np.int32
    return result


@pytest.mark.parametrize(("keep", "cells"), [("all", 3), ("whole", 2), ("centre", 1)])
def test_the_keep_rule_acts_on_cells_and_classes(scene, predictor, draw, keep, cells):
    image, classes = scene
    result = segment(image, predictor, keep=keep)
    assert result.keep == keep
    assert result.cells.max() == cells
    kept = [CUT, MIDDLE, CORNER] if cells == 3 else [MIDDLE, CORNER][:cells]
    np.testing.assert_array_equal(result.classes, draw((220, 240), kept)[1])
    assert np.array_equal(result.classes, classes) == (keep == "all")


def test_auto_depends_on_the_size_of_the_field(scene, predictor):
    image, _ = scene
    crop = segment(image, predictor)  # 48 um across
    assert crop.keep == "centre"
    assert crop.provenance["keep"] == "centre (auto)"
    field = segment(image, predictor, PixelSize(0.45, "file"))  # 108 um
    assert field.keep == "all"
    assert field.provenance["keep"] == "all (auto)"


def test_what_the_keep_rule_leaves_out_is_said_and_a_cell_still_touches_it(predictor, draw):
    beside, apart = (110, 158, 30), CORNER
    image, _ = draw((220, 240), [MIDDLE, beside, apart])
    assert segment(image, predictor, keep="all").cells.max() == 3
    alone = segment(image, predictor)
    assert alone.cells.max() == 1
    assert alone.notes == ("2 other cells left out, by the choice of cells to keep (the one in the centre)",)
    (measure,) = alone.measure()
    assert Flag.TOUCHING in measure.flags
    whole = segment(draw((220, 240), [MIDDLE, CUT, apart])[0], predictor, keep="whole")
    assert [note for note in whole.notes if note.startswith("1 other cell left out")]
    assert not any(Flag.TOUCHING in one.flags for one in whole.measure())


def test_shapes_are_measured_when_they_are_asked_for(scene, predictor):
    image, classes = scene
    assert segment(image, predictor, keep="all").shapes is None
    result = segment(image, predictor, keep="all", shape_columns=True)
    cut, middle, corner = (result.shapes[number] for number in (1, 2, 3))
    assert "cell_diameter_px" not in cut
    assert middle["cell_diameter_um"] == pytest.approx(2 * 30 * 0.2, rel=0.02)
    assert middle["cell_diameter_px"] > corner["cell_diameter_px"]
    assert "cell_per_red_cell" not in middle  # there is none
    rgb = image / 255
    glass = np.percentile(rgb[classes == 0], 90, axis=0)
    own = (result.cells == 2) & (classes == 2)
    for channel, name in enumerate(("red", "green", "blue")):
        density = -np.log10(np.maximum(rgb[own][:, channel], 1 / 255) / glass[channel])
        assert middle[f"nucleus_od_{name}"] == pytest.approx(density.mean(), abs=0.01)


def test_binary_mode_merges_the_classes(scene, predictor, binary_predictor):
    image, classes = scene
    for p in (predictor, binary_predictor):
        result = segment(image, p, mode="binary", keep="all")
        assert result.binary
        np.testing.assert_array_equal(result.classes, classes > 0)
    assert not segment(image, predictor).binary


def test_a_binary_model_cannot_do_three_classes(scene, model_files, binary_predictor):
    with pytest.raises(LeukocyteError, match="two knows only cell and background: choose binary"):
        method_of(SegmentParameters(model=str(model_files.two), device="cpu"))
    with pytest.raises(LeukocyteError, match="knows only cell and background"):
        next(segment_plane(source_of(scene[0]), SegmentParameters(), binary_predictor))
    assert method_of(SegmentParameters(model=str(model_files.two), mode="binary", device="cpu"))


@pytest.mark.parametrize("pixel_size", [0.0, -0.1, 0.009, 5.1, float("nan"), float("inf")])
def test_an_impossible_pixel_size_is_refused(pixel_size):
    with pytest.raises(LeukocyteError, match="not plausible for a smear"):
        SegmentParameters(pixel_size=pixel_size)


def test_an_unknown_mode_or_rule_is_refused(scene, predictor):
    with pytest.raises(LeukocyteError, match="use three-class or binary"):
        SegmentParameters(mode="four-class")
    with pytest.raises(LeukocyteError, match="choose auto, all, whole or centre"):
        segment(scene[0], predictor, keep="middle")


def test_a_typed_pixel_size_wins(scene, predictor):
    assert segment(scene[0], predictor).pixel_size == KNOWN
    *_, typed = segment_plane(source_of(scene[0]), SegmentParameters(pixel_size=0.1), predictor)
    assert typed.pixel_size == PixelSize(0.1, "typed")
    assert typed.pixel_size.for_areas == 0.1
    assert typed.provenance["pixel_size_um"] == "0.1"
    assert typed.provenance["pixel_size_source"] == "typed"


def test_an_unknown_pixel_size_is_estimated_and_marked(scene, predictor):
    *events, result = segment_plane(source_of(scene[0], PixelSize(None)), SegmentParameters(), predictor)
    assert len(events) > 1  # the passes of the estimate are progress, too
    assert result.pixel_size.estimated
    assert result.pixel_size.for_areas is None
    # the largest cell is 30 px wide and the ruler is 13 um
    assert result.pixel_size.um == pytest.approx(13 / 56, rel=0.1)
    assert "estimated" in result.provenance["pixel_size_source"]


def test_without_a_cell_the_estimate_says_it_is_an_assumption(predictor):
    image = np.full((60, 60, 3), 240, np.uint8)
    image[30, 30] = 230
    *_, result = segment_plane(source_of(image, PixelSize(None)), SegmentParameters(), predictor)
    assert result.cells.max() == 0
    assert result.pixel_size.um == 0.2
    assert "assumed" in result.pixel_size.source
    assert result.pixel_size.for_areas is None


def test_provenance_says_what_was_done(scene, predictor):
    result = segment(scene[0], predictor, keep="whole")
    assert result.provenance == {
        "napari-leukocyte": __version__,
        "model": "three",
        "model_sha256": predictor.hash,
        "engine": "torch",
        "precision": "bfloat16" if predictor.bfloat16 else "float32",
        "device": predictor.used,
        "mode": "three-class",
        "keep": "whole",
        "pixel_size_um": "0.2",
        "pixel_size_source": "file",
        "pixel_size_scope": "own",
        "pixel_size_doubt": "",
    }


def test_notes_tell_of_the_conversion_and_of_the_device(scene, predictor, monkeypatch):
    assert segment(scene[0], predictor, keep="all").notes == ()
    predictor.notes.append("from an earlier image")
    grey = segment(scene[0][..., 0], predictor, keep="all")
    assert len(grey.notes) == 1
    assert "grayscale" in grey.notes[0]

    def rulers(plane, conversion, predictor):
        predictor.notes.append("the CPU went on")
        yield WindowDone(1, 1)
        return Rulers(white=Ruler(0.2, 1, "cell"))

    monkeypatch.setattr("napari_leukocyte.core.segmentation.predictor.find_rulers", rulers)
    *_, result = segment_plane(source_of(scene[0], PixelSize(None)), SegmentParameters(keep="all"), predictor)
    assert result.notes == ("the CPU went on",)


def test_what_is_hardly_surely_cell_is_no_cell(scene, predictor, monkeypatch):
    image, _ = scene
    real = predictor.predict

    def doubtful(*args, **kwargs):
        for event in real(*args, **kwargs):
            if isinstance(event, Prediction):
                event.surely_cell[:, 150:] = False  # the cell in the corner
            yield event

    monkeypatch.setattr(predictor, "predict", doubtful)
    assert segment(image, predictor, keep="all").cells.max() == 2


@pytest.mark.parametrize(("keep", "number"), [("all", 3), ("whole", 2)])
def test_cells_that_the_model_is_unsure_of_are_told_by_their_kept_numbers(scene, predictor, keep, number, monkeypatch):
    image, classes = scene[0].copy(), scene[1]
    corner = (np.indices(classes.shape)[1] > 165) & (classes == 1)
    image[corner] = 187  # cytoplasm with a probability of 0.66
    for _ in range(2):
        result = segment(image, predictor, keep=keep)
        np.testing.assert_array_equal(result.classes > 0, (classes > 0) & (result.cells > 0))
        assert result.unsure_cells == {number}
        found = measure_cells(result.classes, result.cells, pixel_size=0.2, remarks=result.remarks)
        assert [one.cell for one in found if Flag.LOW_CONFIDENCE in one.flags] == [number]
        monkeypatch.setattr(windowed, "_WHOLE", 0)  # in windows
    assert segment(scene[0], predictor, keep=keep).unsure_cells == set()


def test_a_few_unsure_pixels_make_no_unsure_cell(scene, predictor):
    image, classes = scene[0].copy(), scene[1]
    image[(np.indices(classes.shape)[0] > 202) & (classes == 1)] = 187
    assert segment(image, predictor, keep="all").unsure_cells == set()


def test_cells_out_of_focus_are_told_and_keep_their_cnr(scene, predictor):
    sharp = segment(scene[0], predictor)
    assert sharp.blurred_cells == set()
    blurred = segment(ndimage.gaussian_filter(scene[0], (3, 3, 0)), predictor)  # 0.6 um
    assert blurred.blurred_cells == set(range(1, blurred.cells.max() + 1)) != set()
    (note,) = set(blurred.notes) - set(sharp.notes)
    assert note.startswith(f"out of focus: {len(blurred.blurred_cells)} of {len(blurred.blurred_cells)} cells")
    for one in blurred.measure():
        assert Flag.OUT_OF_FOCUS in one.flags
        assert one.cnr > 0


def test_overexposed_glass_is_told(scene, predictor):
    image = np.where(scene[0] == scene[0].max(), np.uint8(255), scene[0])
    (note,) = set(segment(image, predictor).notes) - set(segment(scene[0], predictor).notes)
    assert note.startswith("overexposed: 100 % of the glass")


def test_the_image_is_not_changed(scene, predictor):
    image = scene[0].copy()
    image.setflags(write=False)
    segment(image, predictor)


def test_a_bad_image_is_reported_and_the_rest_runs(scene, predictor, tmp_path):
    image, classes = scene
    broken = image / np.float32(255)
    broken[3, 7] = np.nan
    images = [
        source_of(np.full((50, 50, 3), 200, np.uint8), name="constant.png"),
        source_of(image, name="good.png"),
        BrokenImage("torn.png", tmp_path / "torn.png", "torn.png is damaged."),
        source_of(broken, name="nan.tif"),
        source_of(image, name="again.png"),
    ]
    events = list(segment_images(images, SegmentParameters(keep="all"), predictor))
    failed = [event for event in events if isinstance(event, ImageFailed)]
    assert [(f.index, f.name) for f in failed] == [(0, "constant.png"), (2, "torn.png"), (3, "nan.tif")]
    assert ["same colour" in failed[0].reason, failed[1].reason, "not a number" in failed[2].reason] == [
        True,
        "torn.png is damaged.",
        True,
    ]
    done = [event for event in events if isinstance(event, ImageSegmented)]
    assert [(d.index, d.source.name) for d in done] == [(1, "good.png"), (4, "again.png")]
    for event in done:
        np.testing.assert_array_equal(event.result.classes, classes)


def test_a_plane_of_a_stack_is_named_by_its_number(scene, predictor):
    stack = np.stack([scene[0], np.full_like(scene[0], 9)])
    images = sources_from_array(stack, name="stack", rgb=True, pixel_size=KNOWN)
    *_, last = segment_images(images, SegmentParameters(), predictor)
    assert last == ImageFailed(1, "stack [1]", last.reason)


def test_stopping_midway_reads_nothing_more_and_leaves_the_predictor_usable(scene, predictor, monkeypatch):
    monkeypatch.setattr(windowed, "_WHOLE", 0)
    image = np.tile(scene[0], (5, 1, 1))
    read = []

    def source(name):
        original = source_of(image, name=name)
        return replace(original, read=lambda: (read.append(name), original.read())[1])

    decided = {0: SizeDecision(KNOWN), 1: SizeDecision(KNOWN)}
    images = [source("a"), source("b")]
    events = segment_images(images, SegmentParameters(keep="all"), predictor, decisions=decided)
    assert next(events) == WindowDone(1, 3)
    events.close()
    assert read == ["a"]
    assert predictor.notes == []
    monkeypatch.undo()
    assert segment(scene[0], predictor, keep="all").cells.max() == 3
