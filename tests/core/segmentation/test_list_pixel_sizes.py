"""One pixel size for a list, decided before its first result from few of its images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.resolution import stated
from napari_leukocyte.core.segmentation import list_pixel_sizes
from napari_leukocyte.core.segmentation.list_pixel_sizes import LOOKED_AT, SizeDecision, SizeStep, decide_pixel_sizes
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.red_cells import RED_CELL_UM
from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers
from napari_leukocyte.core.segmentation.segment import ImageSegmented, segment_images

PLAIN = SegmentParameters(device="cpu")


class Said:
    """A method whose rulers are told by the first pixel of an image: um per px in thousandths, and red cells."""

    pixel_size = 0.2

    def __init__(self):
        self.looked_at = 0

    def find_rulers(self, plane, conversion):
        self.looked_at += 1
        um, red, white = (int(value) for value in plane[0, 0])
        yield from ()
        return Rulers(
            Ruler(um / 1000, red, "red cell") if red else None, Ruler(um / 1000, white, "cell") if white else None
        )


def image_of(name, um=0.1, red=10, white=1, *, folder="a", shape=(30, 40), pixel_size=None):
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    pixels[0, 0] = round(um * 1000), red, white
    (source,) = sources_from_array(pixels, name=name, rgb=True, pixel_size=pixel_size, path=Path(folder) / name)
    return source


def decide(images, method=None, parameters=PLAIN, **options):
    steps, decisions = run(decide_pixel_sizes(images, parameters, method or Said(), **options))
    assert all(isinstance(step, SizeStep) for step in steps)
    return decisions


def run(job):
    """What a job yields and what it returns."""
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return events, end.value


def test_a_long_list_costs_eight_images_and_has_one_size():
    method = Said()
    decisions = decide([image_of(f"{i}.png", 0.1) for i in range(100)], method)
    assert method.looked_at == LOOKED_AT
    assert len(set(decisions.values())) == 1
    assert sorted(decisions) == list(range(100))
    size = decisions[0].size
    assert (size.um, size.shared, size.doubt) == (pytest.approx(0.1), True, "")
    assert size.source == "estimated from 80 red cells and 8 cells in 8 images"


def test_the_images_looked_at_are_spread_over_the_list():
    """The last of them differ: without them nobody would know."""
    decisions = decide([image_of(f"{i}.png", 0.1 if i < 60 else 0.2) for i in range(80)])
    assert decisions[0].size.um == pytest.approx(0.1)
    assert decisions[79].size.um == pytest.approx(0.2)


def test_folders_and_image_sizes_are_apart():
    images = [
        image_of("1.png", 0.1),
        image_of("2.png", 0.1),
        image_of("1.png", 0.15, folder="b"),
        image_of("3.png", 0.06, shape=(50, 50)),
    ]
    sizes = {i: decision.size for i, decision in decide(images).items()}
    assert [round(sizes[i].um, 3) for i in range(4)] == [0.1, 0.1, 0.15, 0.06]
    assert [sizes[i].shared for i in range(4)] == [True, True, False, False]


def test_two_objectives_are_never_averaged():
    images = [image_of(f"{i}.png", 0.1 if i % 3 else 0.2) for i in range(30)]
    method = Said()
    decisions = decide(images, method)
    for i, image in enumerate(images):
        plane = image.read()
        _, size = run(decisions[i].settle(plane, None, method))
        assert size.um == pytest.approx(0.1 if i % 3 else 0.2)
        assert size.shared
        assert "2 pixel sizes, 0.1 and 0.2 µm/px" in decisions[i].note
    assert method.looked_at == len(images)  # each once: those that were looked at are not looked at again


def test_white_cells_alone_stay_doubtful():
    decisions = decide([image_of(f"{i}.png", 0.1, red=0, white=3) for i in range(20)])
    assert decisions[0].size.doubt == "no red cell"


def test_why_a_stated_size_is_not_used_goes_with_the_estimate():
    unused = stated(0.1, 0.2, "OME metadata")
    decisions = decide([image_of("1.png", pixel_size=unused), image_of("2.png")])
    for decision in decisions.values():
        assert decision.size.estimated
        assert decision.note.startswith("OME metadata of 0.1 x 0.2 µm/px is not used")


def test_planes_of_a_stack_share_one_even_at_odds():
    stack = np.random.default_rng(0).integers(0, 255, (10, 30, 40, 3)).astype(np.uint8)
    stack[:, 0, 0] = (100, 10, 1)
    stack[5:, 0, 0] = (200, 10, 1)
    decisions = decide(sources_from_array(stack, name="s", rgb=True))
    assert len({decision.size for decision in decisions.values()}) == 1
    assert "the planes say different sizes" in decisions[0].size.doubt
    assert decisions[0].size.shared


def test_what_cannot_be_read_says_nothing_and_the_rest_decide():
    def torn():
        raise LeukocyteError("torn")

    images = [image_of(f"{i}.png", 0.1) for i in range(4)]
    images[0] = replace(images[0], read=torn)
    images.insert(2, BrokenImage("x.png", Path("a/x.png"), "x.png is damaged"))
    decisions = decide(images)
    assert sorted(decisions) == [0, 1, 3, 4]
    assert decisions[0].size.um == pytest.approx(0.1)


def test_a_size_from_an_earlier_run_is_read_and_never_renewed():
    images = [image_of(f"{i}.png", 0.1) for i in range(20)]
    before = PixelSize(0.123, "estimated from 9 red cells in 8 images", estimated=True, shared=True)
    method = Said()
    decisions = decide(images, method, known={3: SizeDecision(before), 4: SizeDecision(before)})
    assert method.looked_at == 0
    assert {decision.size for decision in decisions.values()} == {before}
    own = replace(before, shared=False)  # of an image that was segmented alone
    assert decide(images, method, known={3: SizeDecision(own)})[3].size == own
    assert decide(images, method, known={3: SizeDecision(own)})[4].size.um == pytest.approx(0.1)


def test_only_what_is_wanted_is_looked_at():
    images = [image_of("1.png"), image_of("2.png"), image_of("1.png", folder="b")]
    method = Said()
    assert sorted(decide(images, method, wanted=[2])) == [2]
    assert method.looked_at == 1


def test_typed_and_default_sizes_go_for_all(monkeypatch):
    monkeypatch.setattr(list_pixel_sizes, "measure_red_cells", silent)
    images = [image_of("1.png"), image_of("2.png", pixel_size=PixelSize(0.3, "resolution tag"))]
    typed = decide(images, parameters=SegmentParameters(pixel_size=0.12))
    assert {decision.size for decision in typed.values()} == {PixelSize(0.12, "typed", shared=True)}
    default = decide(images, parameters=SegmentParameters(default_pixel_size=0.12))
    assert [default[i].size.um for i in (0, 1)] == [0.12, 0.3]


def silent(plane, conversion, method, *, stated):
    yield from ()


# ---- the check of stated sizes, on drawn discs ---------------------------------------------------------------


@pytest.fixture
def smear(draw, with_red_cells, crowd):
    """An image (300, 300, 3) of one white and eight red cells 40 px wide."""
    return with_red_cells(draw((300, 300), [(150, 150, 42)])[0], crowd, 20)


TRUE = RED_CELL_UM / 40


def results(pixels, method, um, count=1):
    images = [
        sources_from_array(pixels, name=f"{i}.png", rgb=True, pixel_size=PixelSize(um, "resolution tag"))[0]
        for i in range(count)
    ]
    events = list(segment_images(images, SegmentParameters(keep="all", device="cpu"), method))
    return [event.result for event in events if isinstance(event, ImageSegmented)]


@pytest.mark.parametrize("factor", [0.6, 0.7, 1.45, 2.0])
def test_a_wrong_stated_size_is_doubted_in_every_row(smear, predictor, factor):
    for result in results(smear, predictor, TRUE * factor, count=2):
        assert "8 red cells" in result.pixel_size.doubt or "16 red cells" in result.pixel_size.doubt
        assert "times off" in result.pixel_size.doubt
        assert result.pixel_size.for_areas == TRUE * factor  # stated stays stated
        assert result.provenance["pixel_size_doubt"] == result.pixel_size.doubt
        rows = result.measure()
        assert rows
        assert all(Flag.PIXEL_SIZE_DOUBTFUL in row.flags for row in rows)


def test_red_cells_much_narrower_than_expected_are_found(smear, predictor):
    (result,) = results(smear, predictor, TRUE * 0.4)
    assert "8 red cells say" in result.pixel_size.doubt


def test_a_size_a_little_off_gets_a_note(smear, predictor):
    (result,) = results(smear, predictor, TRUE * 1.27)
    assert result.pixel_size.doubt == ""
    assert "red cells say" in result.notes[0]


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_a_right_size_is_left_alone(smear, predictor, factor):
    (result,) = results(smear, predictor, TRUE * factor)
    assert result.pixel_size.doubt == ""
    assert result.notes == ()
    assert not any(Flag.PIXEL_SIZE_DOUBTFUL in row.flags for row in result.measure())


def test_four_red_cells_say_nothing_alone_but_in_three_images(draw, predictor, with_red_cells, crowd):
    few = with_red_cells(draw((300, 300), [(150, 150, 25)])[0], crowd[:4], 20)
    assert results(few, predictor, 2 * TRUE)[0].pixel_size.doubt == ""
    assert all(result.pixel_size.doubt for result in results(few, predictor, 2 * TRUE, count=3))


def test_white_cells_are_no_evidence_against_a_stated_size(draw, predictor):
    places = [(y, x, 22) for y in (45, 115, 185, 255) for x in (45, 115, 185, 255)]
    crowd = draw((300, 300), places)[0]  # 44 px, 13 um: as red cells they would say half the size
    (result,) = results(crowd, predictor, 13 / 44)
    assert result.cells.max() == len(places)
    assert result.pixel_size.doubt == ""
