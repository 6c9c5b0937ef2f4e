import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.training_set import image_records
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.training_set import TrainingSet


def test_a_new_set_can_be_opened(tmp_path):
    made = TrainingSet.create(tmp_path / "a" / "set", pixel_size=0.098)
    opened = TrainingSet.open(tmp_path / "a" / "set")
    assert made.folder == opened.folder == tmp_path / "a" / "set"
    assert opened.pixel_size == 0.098
    assert opened.image_ids() == opened.items() == []
    assert opened.problems == ()
    stated = json.loads((opened.folder / "training-set.json").read_text())
    assert stated == {
        "format": 1,
        "classes": ["background", "cytoplasm", "nucleus"],
        "pixel_size_um": 0.098,
        "held_out": [],
    }


def test_a_set_is_not_made_over_something(training_set, tmp_path):
    with pytest.raises(LeukocyteError, match="is a training set already"):
        TrainingSet.create(training_set.folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("mine")
    with pytest.raises(LeukocyteError, match=r"holds diary\.txt already"):
        TrainingSet.create(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir() if path.name != ".locks"] == ["diary.txt"]


def test_what_is_no_set_is_told(tmp_path):
    with pytest.raises(LeukocyteError, match="is no folder"):
        TrainingSet.open(tmp_path / "nowhere")
    with pytest.raises(LeukocyteError, match=r"has no training-set\.json"):
        TrainingSet.open(tmp_path)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "bool"])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_an_image_comes_back_as_it_was(training_set, dtype, channels):
    rng = np.random.default_rng(3)
    shape = (30, 40) if channels is None else (30, 40, channels)
    pixels = rng.random(shape).astype(dtype) if dtype == "float32" else rng.integers(0, 2, shape).astype(dtype)
    if dtype == "bool" and channels:
        with pytest.raises(LeukocyteError, match="save it as RGB"):
            training_set.add_image(pixels, name="a.png")
        assert training_set.image_ids() == []
        assert list((training_set.folder / "images").iterdir()) == []
        return
    found = training_set.add_image(pixels, name="a.png")
    read = training_set.read_image(found)
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, pixels)
    assert training_set.image(found).path.suffix == (".png" if dtype in ("uint8", "bool") else ".tif")
    assert training_set.image(found).shape == (30, 40)


def test_a_file_is_copied_byte_by_byte_only_when_it_holds_just_the_image(training_set, pixels, tmp_path):
    Image.fromarray(pixels()).save(tmp_path / "a.png", dpi=(254000, 254000))
    found = training_set.add_image(pixels(), name="a.png", source=tmp_path / "a.png")
    assert training_set.image(found).path.read_bytes() == (tmp_path / "a.png").read_bytes()
    stack = np.stack([pixels(0), pixels(1)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="rgb")
    plane = training_set.add_image(pixels(1), name="stack.tif [1]", source=tmp_path / "stack.tif")
    np.testing.assert_array_equal(training_set.read_image(plane), pixels(1))


def test_adding_twice_adds_once_and_learns_what_was_unknown(training_set, pixels):
    first = training_set.add_image(pixels(), name="a.png")
    assert training_set.find_image(pixels(), name="a.png") == first
    assert training_set.find_image(pixels(1), name="a.png") is None
    assert training_set.add_image(pixels(), name="a.png", pixel_size=0.2, group="slide 1") == first
    assert training_set.add_image(pixels(), name="a.png", pixel_size=0.3, group="slide 2") == first
    image = training_set.image(first)
    assert (image.pixel_size, image.group, image.name) == (0.2, "slide 1", "a.png")
    assert training_set.image_ids() == [first]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_whose_copy_was_lost_is_stored_again(training_set, pixels, correction, tmp_path, suffix):
    Image.fromarray(pixels()).save(tmp_path / f"a{suffix}")
    found = training_set.add_image(pixels(), name="a.png", group="slide 1", source=tmp_path / f"a{suffix}")
    training_set.hold_out([found])
    version = training_set.accept(found, correction())
    before = training_set.image(found)
    assert before.path.suffix == suffix
    before.path.unlink()
    other = training_set.add_image(pixels(1), name="a.png")  # another picture of the name is another image
    assert not before.path.exists()
    assert training_set.add_image(pixels(), name="a.png") == found != other
    assert training_set.image(found) == replace(before, path=before.path.with_suffix(".png"))
    np.testing.assert_array_equal(training_set.read_image(found), pixels())
    assert training_set.current(found) == version
    assert check(training_set.folder) == []


def test_a_lost_copy_is_not_replaced_by_a_picture_that_its_record_does_not_know(training_set, pixels, files):
    found = training_set.add_image(pixels(), name="a.png")
    image = training_set.image(found)
    image.path.unlink()
    record = training_set.folder / "images" / f"{found}.json"
    record.write_text(record.read_text().replace(image.content, "0" * 64))
    before = files(training_set.folder)
    with pytest.raises(LeukocyteError, match=r"is missing, and its record is not of the picture a\.png"):
        training_set.add_image(pixels(), name="a.png")
    assert files(training_set.folder) == before


def test_names_never_collide(training_set, pixels):
    names = ["a.png", "a.tif", "A.png", "x/a.png", "a .png", "ä?.png", "..", "CON.png"]
    ids = [training_set.add_image(pixels(), name=name) for name in names]
    ids += [training_set.add_image(pixels(1), name="a.png")]
    assert len({one.casefold() for one in ids}) == len(names) + 1
    assert sorted(ids) == training_set.image_ids()
    assert all(one.isascii() and not one.startswith(".") for one in ids)


def test_an_unknown_image_is_told(training_set, correction):
    for call in (training_set.image, training_set.read_image, training_set.drafts.read, training_set.drafts.claim):
        with pytest.raises(LeukocyteError, match="There is no image no-such"):
            call("no-such")
    with pytest.raises(LeukocyteError, match="There is no image no-such"):
        training_set.accept("no-such", correction())


# ---- held out -------------------------------------------------------------------------------------------------


def test_the_same_picture_and_the_same_slide_go_together(training_set, pixels):
    a = training_set.add_image(pixels(0), name="a.png", group="slide 1")
    b = training_set.add_image(pixels(0), name="b.png")
    gray = pixels(5)[..., :1]
    c = training_set.add_image(gray[..., 0], name="c.png", group="slide 1")
    d = training_set.add_image(np.dstack([gray] * 3), name="d.tif")  # the same, stored as RGB
    e = training_set.add_image(pixels(2), name="e.png")
    assert training_set.hold_out([b]) == {a, b, c, d}
    assert training_set.hold_out([a]) == frozenset()
    assert training_set.held_out == {a, b, c, d}
    assert training_set.image_ids() == sorted([a, b, c, d, e])


def test_what_comes_later_is_held_out_with_its_group(training_set, pixels):
    a = training_set.add_image(pixels(0), name="a.png", group="slide 1")
    training_set.hold_out([a])
    b = training_set.add_image(pixels(0), name="b.png")
    c = training_set.add_image(pixels(1), name="c.png", group="slide 1")
    d = training_set.add_image(pixels(2), name="d.png", group="slide 2")
    assert TrainingSet.open(training_set.folder).held_out == {a, b, c}
    assert d not in training_set.held_out


def test_adding_does_not_look_through_the_whole_set_each_time(training_set, pixels, monkeypatch):
    scans, names_in = [], image_records.names_in
    monkeypatch.setattr(image_records, "names_in", lambda folder: (scans.append(folder), names_in(folder))[1])
    for seed in range(12):
        training_set.add_image(pixels(seed), name=f"{seed}.png", group=f"slide {seed // 3}")
    assert len(scans) <= 1
    other = TrainingSet.open(training_set.folder)
    other.hold_out([other.image_ids()[0]])  # another window changes the set
    held = {image.group for image in other.images() if image.held_out}
    scans.clear()
    late = training_set.add_image(pixels(99), name="late.png", group=held.pop())
    assert scans
    assert training_set.image(late).held_out


def test_a_slide_learnt_late_holds_out_what_it_links(training_set, pixels):
    first = training_set.add_image(pixels(1), name="1.png", group="a")
    second = training_set.add_image(pixels(2), name="2.png")
    training_set.hold_out([first])
    assert not training_set.image(second).held_out
    training_set.add_image(pixels(2), name="2.png", group="a")
    assert training_set.image(second).held_out


@pytest.mark.parametrize("lost", ["training-set.json", "images"])
def test_neither_file_alone_can_lose_what_is_held_out(training_set, pixels, lost):
    a, _b = (training_set.add_image(pixels(i), name=f"{i}.png") for i in range(2))
    training_set.hold_out([a])
    if lost == "images":
        record = training_set.folder / "images" / f"{a}.json"
        record.write_text(record.read_text().replace('"held_out": true', '"held_out": false'))
        assert '"held_out": false' in record.read_text()
    else:
        (training_set.folder / lost).unlink()
        TrainingSet.create(training_set.folder)
    assert TrainingSet.open(training_set.folder).held_out == {a}


def test_a_share_is_drawn_by_groups_and_some_are_left_to_train(training_set, pixels):
    for i in range(10):
        training_set.add_image(pixels(i), name=f"{i}.png", group=f"slide {i // 2}")
    drawn = training_set.hold_out_share(0.4, seed=1)
    assert len(drawn) == 4
    assert {training_set.image(one).group for one in drawn}.isdisjoint(
        training_set.image(one).group for one in set(training_set.image_ids()) - drawn
    )
    assert training_set.hold_out_share(0.4, seed=2) == frozenset()  # what is held out counts
    more = training_set.hold_out_share(0.99)
    assert len(training_set.held_out) == 8
    assert more.isdisjoint(drawn)
    with pytest.raises(LeukocyteError, match="less than 1"):
        training_set.hold_out_share(1)


def test_the_draw_depends_on_the_seed_alone(tmp_path, pixels):
    sets = [TrainingSet.create(tmp_path / name) for name in "abc"]
    for one in sets:
        for i in range(8):
            one.add_image(pixels(i), name=f"{i}.png")
    first, second, third = (one.hold_out_share(0.25, seed) for one, seed in zip(sets, (0, 0, 5), strict=True))
    assert first == second != third
    assert len(first) == len(third) == 2


# ---- items ----------------------------------------------------------------------------------------------------


def test_only_masks_in_force_become_items(training_set, pixels, correction, draft):
    a, b, c, d, e = (training_set.add_image(pixels(i), name=f"{i}.png") for i in range(5))
    for one in (a, b, c):
        training_set.accept(one, correction())
    training_set.accept(a, correction(1, model="default", pixels_changed=0))
    training_set.drafts.save(d, draft())  # a draft never trains
    training_set.revoke(b, 1)
    training_set.set_excluded(c, " out of focus ")
    assert training_set.image(c).excluded == "out of focus"
    (item,) = training_set.items()
    assert (item.name, item.version, item.edited, item.held_out, item.whole_cell) == (a, 2, False, False, False)
    assert item.sha256 == training_set.current(a).sha256
    assert item.group == training_set.image(a).content
    read = item.read()
    np.testing.assert_array_equal(read.image, pixels(0))
    np.testing.assert_array_equal(read.classes, correction(1).classes)
    np.testing.assert_array_equal(read.cells, correction(1).cells)
    training_set.set_excluded(c, "")
    training_set.restore(b, 1)
    training_set.hold_out([b])
    assert [one.name for one in training_set.items(held_out=True)] == [b]
    assert {one.name for one in training_set.items(held_out=False)} == {a, c}
    assert len(training_set.items()) == 3
    assert e not in {one.name for one in training_set.items()}


def test_linked_images_share_the_group_of_their_items(training_set, pixels, correction):
    for name, seed, group in (("a.png", 0, "slide 1"), ("b.png", 0, ""), ("c.png", 1, "slide 1"), ("d.png", 1, "x")):
        training_set.accept(training_set.add_image(pixels(seed), name=name, group=group), correction())
    assert len({item.group for item in training_set.items()}) == 1


def test_the_pixel_size_is_that_of_the_mask_else_of_the_image_else_of_the_set(tmp_path, pixels, correction):
    for default, wanted in ((0.5, {0.1, 0.2, 0.5}), (None, {0.1, 0.2})):
        one = TrainingSet.create(tmp_path / str(default), pixel_size=default)
        ids = [one.add_image(pixels(i), name=f"{i}.png", pixel_size=(None, 0.2, None)[i]) for i in range(3)]
        for found, size in zip(ids, (0.1, None, None), strict=True):
            one.accept(found, correction(pixel_size=size))
        assert {item.pixel_size for item in one.items()} == wanted
        assert one.items_left_out() == (
            []
            if default
            else [
                "2.png has no pixel size: add the image again with one (training-set add ... --pixel-size UM), or "
                "accept a mask that was segmented with one."
            ]
        )


def test_a_mask_that_was_changed_since_is_not_read(training_set, pixels, correction):
    a = training_set.add_image(pixels(), name="a.png")
    version = training_set.accept(a, correction())
    (item,) = training_set.items()
    with Image.open(version.path) as image:
        changed = image.copy()
    changed.putpixel((0, 0), 1)
    changed.save(version.path)
    with pytest.raises(LeukocyteError, match="was changed after it was accepted"):
        item.read()


def test_an_image_that_was_changed_since_is_not_read(training_set, pixels, correction):
    a = training_set.add_image(pixels(0), name="a.png")
    training_set.accept(a, correction())
    (item,) = training_set.items()
    path = training_set.image(a).path
    Image.fromarray(pixels(1)).save(path)
    for read in (item.read, lambda: training_set.read_image(a)):
        with pytest.raises(LeukocyteError, match="was changed after it was added"):
            read()
    Image.fromarray(pixels(0)).save(path)  # stored anew, it is the same picture
    np.testing.assert_array_equal(item.read().image, pixels(0))


def test_an_image_says_when_its_record_changes(training_set, pixels):
    other = TrainingSet.open(training_set.folder)
    a = training_set.add_image(pixels(), name="a.png")
    assert other.image_ids() == [a]
    for reason in ("x", "y", "", "z"):  # of one length, at once
        training_set.set_excluded(a, reason)
        assert other.images() == [replace(training_set.image(a), excluded=reason)]
