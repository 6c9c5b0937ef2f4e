"""What the shipped model makes of cells that are easily mistaken, drawn."""

from dataclasses import replace
from functools import cache

import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.method import load_method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import segment_plane
from napari_leukocyte.core.synthetic.leukocytes import make_leukocyte
from napari_leukocyte.core.synthetic.platelets import make_platelet
from napari_leukocyte.core.synthetic.scene import Scene, draw_scene, new_canvas, streams
from napari_leukocyte.core.synthetic.stain import STAINS

PX_PER_UM = 10.0
model = cache(load_method)


def segmented(seed, make):
    canvas = new_canvas((220, 220), PX_PER_UM)
    shape, look = streams(seed, 2, 7)
    smear = draw_scene(canvas, make(shape), look, list(STAINS)[seed % len(STAINS)], difficulty=7)
    known = PixelSize(1 / PX_PER_UM, "drawn")
    source = sources_from_array(smear.image, name="smear", rgb=True, pixel_size=known)[0]
    *_, result = segment_plane(source, SegmentParameters(keep="all"), model("default"))
    return result


def giant(rng):
    """A giant platelet as dark as a nucleus."""
    return Scene((), [replace(make_platelet(rng, 11.0, 11.0, giant=True), strength=float(rng.uniform(0.7, 2.2)))])


def small_lymphocyte(rng):
    cell = make_leukocyte(rng, "lymphocyte", ratio=float(rng.uniform(0.1, 0.6)))
    return Scene([replace(cell, y=11.0, x=11.0)])


def test_giant_platelets_get_no_cnr():
    results = [segmented(7000 + i, giant) for i in range(20)]
    given = [m for result in results for m in result.measure() if not m.withheld]
    assert len(given) <= 1
    # the darkest are found, and said to be platelets
    marked = [result for result in results if Flag.NOT_A_WBC_PLATELET in result.marks.values()]
    assert marked
    assert all(any("giant platelets" in note for note in result.notes) for result in marked)


@pytest.mark.parametrize("seed", range(10))
def test_small_lymphocytes_keep_theirs(seed):
    result = segmented(7000 + seed, small_lymphocyte)
    assert result.cells.max() == 1
    assert not result.marks
