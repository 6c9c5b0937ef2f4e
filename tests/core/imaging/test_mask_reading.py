"""Numbers in a mask are believed as far as they look like cells; both sides: what is asked about, and what is not."""

import numpy as np
import pytest
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.mask_reading import doubts_of
from napari_leukocyte.core.imaging.masks import open_mask
from napari_leukocyte.core.results.class_maps import MapFailed, MapMeasured, measure_class_maps
from napari_leukocyte.core.results.map_file import open_map

COLOURS = np.array([[0, 0, 255], [0, 255, 0], [255, 0, 0]], np.uint8)


@pytest.fixture
def cells(disc_map):
    return disc_map((160, 200), (50, 50, 30, 17), (100, 140, 28, 15))


def save(path, values, palette=None):
    image = Image.fromarray(np.asarray(values, np.uint8))
    if palette is not None:
        image.putpalette(list(np.ravel(palette)) + [9] * (768 - np.size(palette)))
    image.save(path)
    return path


def wrong(classes):
    """Ways in which the same cells are written so that the plain reading is wrong, with the word that mends it."""
    index = {"swapped": np.array([0, 2, 1])[classes], "grey swapped": np.array([0, 255, 128])[classes]}
    black = np.where(classes > 0, 0, 255)
    return {
        "swapped": (index["swapped"], "swapped", classes),
        "grey swapped": (index["grey swapped"], "swapped", classes),
        "black cells on white": (black, "inverted", classes > 0),
        "three classes inverted": (np.array([2, 1, 0])[classes], "inverted", classes),
        "BGR": (COLOURS[..., ::-1][classes], "inverted", classes),
    }


@pytest.mark.parametrize("way", ["swapped", "grey swapped", "black cells on white", "three classes inverted", "BGR"])
def test_a_reading_that_makes_no_cells_is_refused_with_the_word_that_mends_it(tmp_path, cells, way):
    values, word, right = wrong(cells)[way]
    path = save(tmp_path / "m.png", values)
    with pytest.raises(LeukocyteError, match=rf"m\.png is doubtful, read as .*--read-masks-as {word}, or .* as-found"):
        open_map(path)
    np.testing.assert_array_equal(open_map(path, read_as=word).mask.read(), right)
    np.testing.assert_array_equal(open_map(path, read_as="as-found").mask.read(), open_mask(path).read())


def test_numbers_of_cells_are_no_classes(tmp_path, disc_map):
    one, two, three = (disc_map((120, 200), (50, x, 20, 0)) > 0 for x in (30, 90, 150))
    save(tmp_path / "two.png", one + 2 * two)
    save(tmp_path / "three.png", one + 2 * two + 3 * three)
    failed = list(measure_class_maps([tmp_path / "two.png", tmp_path / "three.png"]))
    assert all(isinstance(event, MapFailed) and "--read-masks-as cells" in event.reason for event in failed)
    paths = [tmp_path / "two.png", tmp_path / "three.png"]
    for event, count in zip(measure_class_maps(paths, read_as="cells"), (2, 3), strict=True):
        assert isinstance(event, MapMeasured)
        assert [measure.cell for measure in event.measures] == list(range(1, count + 1))
        assert all(np.isnan(measure.cnr) for measure in event.measures)


def test_a_neighbour_that_numbers_its_cells_speaks_against_classes(tmp_path, cells, disc_map):
    """One cell numbered 2 is a bare nucleus, by itself; and real class maps beside each other contradict nothing."""
    one, two, three = (disc_map((120, 200), (50, x, 20, 0)) > 0 for x in (30, 90, 150))
    second = save(tmp_path / "two.png", 2 * two)
    save(tmp_path / "classes.png", cells)
    assert open_map(second).mask.read().max() == 2
    save(tmp_path / "three.png", one + 2 * two + 3 * three)
    with pytest.raises(
        LeukocyteError, match=r"two\.png is doubtful.*three\.png beside it numbers its cells.*-as cells"
    ):
        open_map(second)
    np.testing.assert_array_equal(open_map(second, read_as="cells").mask.read(), two)
    np.testing.assert_array_equal(open_map(second, read_as="as-found").mask.read(), 2 * two)
    first = save(tmp_path / "one.png", one)
    np.testing.assert_array_equal(open_map(first).mask.read(), one)  # a cell, either way
    four_classes = cells.copy()
    four_classes[:9, :9] = four_classes[:9, 60:70] = 3  # no cells: 1, 2 and 3 lie in several pieces each
    save(tmp_path / "three.png", four_classes)
    assert open_map(second).mask.read().max() == 2


def test_several_files_that_are_all_cell_are_asked_about_and_one_crop_is_not(tmp_path, cells):
    """A blast may fill its crop; that the whole folder is nothing but cell is rather its background."""
    paths = [save(tmp_path / f"{i}.png", np.full((90 + i, 120), 255)) for i in range(2)]
    for path in paths:
        assert open_map(path).mask.read().all()
    paths.append(save(tmp_path / "2.png", np.full((90, 120), 255)))
    for path in paths:
        with pytest.raises(LeukocyteError, match=r"it and 2 masks beside it are cell up to the frame.*-as inverted"):
            open_map(path)
    for i in range(4):
        save(tmp_path / f"cells-{i}.png", cells)
    assert open_map(paths[0]).mask.read().all()


def test_a_palette_that_says_two_things_is_refused(tmp_path, cells):
    """By the colours there are whole cells without nucleus, by the numbers one cell has one."""
    numbers = np.where(cells > 0, 1, 0)
    numbers[50:70, 40:60] = 2
    path = save(tmp_path / "m.png", numbers, COLOURS[[0, 1, 1]])
    with pytest.raises(LeukocyteError, match="the colours of its palette and the numbers behind them"):
        open_map(path)
    np.testing.assert_array_equal(open_map(path, read_as="numbers").mask.read(), numbers)
    np.testing.assert_array_equal(open_map(path, read_as="as-found").mask.read(), numbers > 0)


@pytest.mark.parametrize("outline", [(255, 255, 255), (255, 255, 0), (0, 0, 0), (255, 0, 255), (255, 0, 0)])
def test_a_thin_outline_or_specks_of_another_colour_are_no_nucleus(tmp_path, cells, outline):
    from scipy import ndimage

    picture = COLOURS[cells]
    edge = (cells > 0) & ndimage.binary_dilation(cells == 0)
    picture[edge] = outline
    picture[5:7, 100:102] = outline
    mask = open_mask(save(tmp_path / "m.png", picture))
    if outline != (255, 0, 0):  # the very colour of nuclei can be nothing else
        assert not (mask.read() == 2)[cells != 2].any()
        assert not (mask.read() > 0)[cells == 0].any()
        np.testing.assert_array_equal(mask.read()[~edge], cells[~edge])


RIGHT = {
    "a nucleus that touches the outline": [(50, 50, 30, 0), (38, 50, 18, 18)],
    "a plain cell": [(50, 50, 30, 17)],
    "a bare nucleus beside a cell": [(50, 50, 30, 17), (100, 140, 12, 12)],
    "only bare nuclei": [(50, 50, 30, 30), (100, 140, 12, 12)],
    "a cell without a nucleus beside one with": [(50, 50, 30, 17), (100, 140, 12, 0)],
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("um", [None, 0.1])
def test_real_cells_are_not_asked_about(disc_map, name, um):
    classes = np.zeros((160, 200), np.uint8)
    for disc in RIGHT[name]:
        classes = np.maximum(classes, disc_map((160, 200), disc))
    assert doubts_of([classes], pixel_size=um) == ()


def test_a_ring_nucleus_a_vacuole_and_a_blast_that_fills_its_crop_are_not_asked_about(disc_map):
    ring = disc_map((160, 200), (80, 100, 60, 40))
    ring[disc_map((160, 200), (80, 100, 20, 0)) > 0] = 1  # cytoplasm inside the ring, and outside
    assert doubts_of([ring], pixel_size=0.1) == ()
    full = np.full((120, 120), 2, np.uint8)
    full[:2] = full[:, -3:] = 1
    assert doubts_of([full], pixel_size=0.1) == ()  # 12 um
    assert doubts_of([full], pixel_size=None) == ()
    vacuole = disc_map((120, 120), (60, 60, 45, 30))
    vacuole[disc_map((120, 120), (60, 95, 4, 0)) > 0] = 0
    assert doubts_of([vacuole], pixel_size=0.1) == ()
    assert doubts_of([np.zeros((50, 50), np.uint8)], pixel_size=0.1) == ()


def test_a_frame_that_is_all_cell_is_asked_about_when_it_is_wider_than_a_cell(disc_map):
    full = np.ones((300, 300), np.uint8)
    assert doubts_of([full], pixel_size=0.05) == ()
    ((_, word),) = doubts_of([full], pixel_size=0.1)
    assert word == "inverted"


def test_what_this_program_wrote_is_believed(tmp_path, cells):
    from napari_leukocyte.core.imaging.write import write_class_png

    write_class_png(tmp_path / "m.png", np.array([0, 2, 1])[cells], provenance={"napari-leukocyte": "1"})
    assert (open_map(tmp_path / "m.png").mask.read() == 1).any()
