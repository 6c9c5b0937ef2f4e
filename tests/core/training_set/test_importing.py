import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.origin import Origin
from napari_leukocyte.core.colours import MASK_COLOURS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png
from napari_leukocyte.core.scoring.pairing import find_maps
from napari_leukocyte.core.training_set.importing import (
    ImageImported,
    ImportFailed,
    ImportParameters,
    import_images,
    without_bare_platelets,
)

GREY, WHITE = 128, 255


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    return tmp_path / "images", tmp_path / "masks"


@pytest.fixture
def put(folders, pixels):
    """Write an image, and a mask of it as an array with the end of its name."""

    def write(stem, seed=0, **masks):
        Image.fromarray(pixels(seed)).save(folders[0] / f"{stem}.png")
        for end, mask in masks.items():
            Image.fromarray(mask).save(folders[1] / f"{stem}{'' if end == 'mask' else '_' + end}.png")

    return write


@pytest.fixture
def take(training_set, folders):
    def run(**parameters):
        masks = find_maps(folders[1]) if any(folders[1].iterdir()) else {}
        return list(import_images(training_set, find_images(folders[0]), masks, ImportParameters(**parameters)))

    return run


def in_colours(classes):
    return np.array([MASK_COLOURS[value] for value in range(3)], np.uint8)[classes]


@pytest.mark.parametrize("kind", ["index", "grey", "colours", "separate"])
def test_every_reading_gives_the_same_mask(training_set, put, take, maps, kind):
    classes, _ = maps()
    put(
        "a",
        **{
            "index": {"mask": classes},
            "grey": {"classes": np.array([0, GREY, WHITE], np.uint8)[classes]},
            "colours": {"mask": in_colours(classes)},
            "separate": {
                "cell": np.where(classes > 0, 255, 0).astype(np.uint8),
                "nucleus": np.where(classes == 2, 255, 0).astype(np.uint8),
            },
        }[kind],
    )
    (event,) = take(accept=True, pixel_size=0.25, group="slide 7", by="Ada")
    assert (event.name, event.version, event.drafted) == ("a.png", 1, False)
    assert event.notes[0].startswith("read as ")
    version = training_set.current(event.id)
    read, cells = training_set.read_mask(version)
    np.testing.assert_array_equal(read, classes)
    np.testing.assert_array_equal(cells, label_cells(classes, pixel_size=0.25))
    assert (version.facts.edited, version.facts.model, version.by, version.facts.whole_cell) == (True, "", "Ada", False)
    assert (version.facts.pixel_size.um, version.facts.pixel_size.source) == (0.25, "typed")
    assert version.facts.made_with == Origin({"import": np.count_nonzero(classes)})
    assert training_set.image(event.id).group == "slide 7"


def test_whole_cells_are_kept_as_such(training_set, put, take, maps):
    put("a", mask=np.where(maps()[0] > 0, 255, 0).astype(np.uint8))
    (event,) = take(accept=True)
    assert training_set.current(event.id).facts.whole_cell
    assert "whole cell" in event.notes[0]


def test_a_mask_without_nuclei_is_read_as_those_beside_it(training_set, put, take, maps):
    classes, _ = maps()
    put("a", 0, mask=classes)
    put("b", 1, mask=np.minimum(classes, 1))
    put("c", 2, mask=np.zeros_like(classes))
    events = {event.name: event for event in take(accept=True)}
    assert [training_set.current(event.id).facts.whole_cell for event in events.values()] == [False] * 3
    assert "three classes without nucleus" in events["b.png"].notes[0]


def test_a_smudge_in_a_grey_mask_is_nucleus_as_beside_it(training_set, put, take, maps):
    classes, _ = maps()
    put("a", 0, mask=np.array([0, GREY, WHITE], np.uint8)[classes])
    put("b", 1, mask=np.where(classes == 2, 255, 0).astype(np.uint8))
    events = {event.name: event for event in take(accept=True)}
    read, _ = training_set.read_mask(training_set.current(events["b.png"].id))
    np.testing.assert_array_equal(read, np.where(classes == 2, 2, 0))


def test_without_accept_masks_become_drafts_that_do_not_train(training_set, put, take, maps):
    put("a", mask=maps()[0])
    (event,) = take()
    assert (event.version, event.drafted) == (None, True)
    assert training_set.items() == []
    np.testing.assert_array_equal(training_set.drafts.read(event.id).classes, maps()[0])
    (again,) = take()
    assert isinstance(again, ImportFailed)
    assert "has a draft already" in again.reason


def test_again_adds_nothing(training_set, put, take, maps, files):
    put("a", mask=maps()[0])
    take(accept=True)
    before = files(training_set.folder)
    (event,) = take(accept=True)
    assert "accepted already" in event.notes
    assert files(training_set.folder) == before


def test_labels_and_model_of_our_own_files_are_kept(training_set, folders, put, take, maps):
    classes, cells = maps()
    put("a")
    stated = {"model": "default", "model_sha256": "ab", "mode": "three-class"}
    write_class_png(folders[1] / "a_classes.png", classes, provenance=stated, pixel_size=0.1)
    labels = {**stated, "not_a_wbc": "300 smudge"}
    write_cells_tiff(folders[1] / "a_cells.tif", cells, provenance=labels)
    (event,) = take(accept=True)
    version = training_set.current(event.id)
    np.testing.assert_array_equal(training_set.read_mask(version)[1], cells)
    assert version.facts.remarks == {300: {Flag.NOT_A_WBC_SMUDGE}}
    assert (version.facts.model, version.facts.edited) == ("default", False)
    assert version.facts.pixel_size.um == pytest.approx(0.1, rel=1e-4)
    write_cells_tiff(folders[1] / "a_cells.tif", cells, provenance={**labels, "edited": "3"})
    training_set.revoke(event.id, 1)
    take(accept=True)
    assert training_set.current(event.id).facts.edited
    assert training_set.current(event.id).facts.made_with == Origin({"unknown": np.count_nonzero(classes)})


def test_planes_of_a_stack_become_images(training_set, folders, pixels, maps, take):
    tifffile.imwrite(folders[0] / "s.tif", np.stack([pixels(i) for i in range(3)]), photometric="rgb")
    tifffile.imwrite(folders[1] / "s.tif", np.stack([maps(i)[0] for i in range(3)]), photometric="minisblack")
    events = take(accept=True)
    assert [event.name for event in events] == ["s.tif [0]", "s.tif [1]", "s.tif [2]"]
    for i, event in enumerate(events):
        np.testing.assert_array_equal(training_set.read_image(event.id), pixels(i))
        np.testing.assert_array_equal(training_set.read_mask(training_set.current(event.id))[0], maps(i)[0])


def test_what_cannot_be_taken_in_is_told_and_the_rest_goes_on(training_set, folders, put, take, maps):
    classes, _ = maps()
    put("a", 0, mask=classes)
    put("b", 1, mask=classes[:-1])
    put("c", 2, mask=np.full((30, 40), 77, np.uint8))
    put("d", 3)
    (folders[0] / "e.png").write_bytes(b"no image")
    Image.fromarray(classes).save(folders[1] / "z.png")
    events = take(accept=True)
    taken = [event.name for event in events if isinstance(event, ImageImported)]
    assert taken == ["a.png", "d.png"]
    reasons = " ".join(event.reason for event in events if isinstance(event, ImportFailed))
    for words in ("nothing is resized", "77", "e.png is not an image", "No image has the name"):
        assert words in reasons
    assert len(training_set.image_ids()) == 2


def test_two_images_of_one_stem_do_not_share_a_mask(training_set, folders, pixels, put, take, maps):
    put("a", 0, mask=maps()[0])
    Image.fromarray(pixels(1)).save(folders[0] / "a.bmp")
    put("b", 2, mask=maps()[0])
    events = take(accept=True)
    assert [event.name for event in events if isinstance(event, ImageImported)] == ["b.png"]
    assert all("Several images are called a" in event.reason for event in events if isinstance(event, ImportFailed))


def test_no_pair_at_all_is_told_before_anything_is_done(training_set, folders, put, take, maps):
    put("a")
    Image.fromarray(maps()[0]).save(folders[1] / "b.png")
    with pytest.raises(LeukocyteError, match="No mask has the name of an image"):
        take()
    with pytest.raises(LeukocyteError, match="not plausible"):
        take(pixel_size=80)
    assert training_set.image_ids() == []


def test_platelets_drawn_as_nucleus_become_background(disc_map):
    um = 0.1
    # a cell of 12 um, a platelet of 3 um, a smudge of 9 um, a platelet against the cytoplasm
    cell = disc_map((400, 400), (100, 100, 60, 30))
    drawn = cell.copy()
    for y, x, radius in ((300, 50, 15), (300, 300, 45), (100, 175, 15)):
        drawn[disc_map((400, 400), (y, x, radius, radius)) > 0] = 2
    cleaned, count = without_bare_platelets(drawn, pixel_size=um)
    assert count == 1
    assert not cleaned[300, 50]
    assert cleaned[300, 300] == cleaned[100, 175] == 2
    np.testing.assert_array_equal(cleaned[:250, :160], drawn[:250, :160])
    with pytest.raises(LeukocyteError, match="give the pixel size"):
        without_bare_platelets(drawn, pixel_size=None)


def test_the_platelet_switch_of_an_import(training_set, put, take, maps):
    classes, _ = maps()
    drawn = classes.copy()
    drawn[3:6, 30:33] = 2
    put("a", mask=drawn)
    (event,) = take(accept=True, pixel_size=0.5, platelets_as_nucleus=True)
    read, cells = training_set.read_mask(training_set.current(event.id))
    np.testing.assert_array_equal(read, classes)
    np.testing.assert_array_equal(cells > 0, classes > 0)
    assert any("1 bare piece" in note for note in event.notes)


@pytest.mark.parametrize(("made_with", "maker"), [("gesture 9 px in 1 stroke, brush 8 px in 1 stroke", "gesture")])
def test_a_mask_that_gestures_made_stays_one_as_a_file(training_set, folders, put, take, maps, made_with, maker):
    classes, _ = maps()
    put("a")
    write_class_png(folders[1] / "a_classes.png", classes, provenance={"model": "", "made_with": made_with})
    (event,) = take(accept=True)
    facts = training_set.current(event.id).facts
    assert facts.made_with == Origin({maker: np.count_nonzero(classes)})
    assert facts.by_gestures
