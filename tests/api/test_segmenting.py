import pickle
import re
from itertools import islice

import dask.array
import numpy as np
import pandas
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from PIL import Image
from typer.testing import CliRunner

import napari_leukocyte as nl
from napari_leukocyte.cli import app
from napari_leukocyte.core.segmentation import loaded, method

CELLS = ((22, 25, 14), (40, 60, 13))


def written(folder, array, name="picture"):
    """Write an array as the file that holds it exactly."""
    if array.dtype == np.uint8:
        path = folder / f"{name}.png"
        Image.fromarray(array).save(path)
    else:
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    return path


def by_command_line(path, model, *options):
    """Class map, cell labels and table as the program writes them."""
    out = path.parent / "results"
    arguments = ["segment", path, "--out", out, "--model", model, "--device", "cpu", *options]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    classes = np.array(Image.open(out / f"{path.stem}_classes.png"))
    table = pandas.read_csv(out / "cells.csv", keep_default_na=True).fillna(
        dict.fromkeys(("flags", "pixel_size_doubt", "type", "reader", "made_with", "folder"), "")
    )
    return classes, tifffile.imread(out / f"{path.stem}_cells.tif"), table


def as_kind(rgb, kind):
    grey = rgb.mean(axis=-1)
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    half = alpha.copy()
    half[:, :4] = 128
    return {
        "RGB": rgb,
        "grayscale": grey.astype(np.uint8),
        "RGBA": np.dstack([rgb, alpha]),
        "half transparent": np.dstack([rgb, half]),
        "16-bit": rgb.astype(np.uint16) * 200,
        "16-bit grayscale": (grey * 200).astype(np.uint16),
        "float 0-1": (rgb / 255).astype(np.float32),
        "float": rgb.astype(np.float32) * 3 - 50,
    }[kind]


KINDS = ("RGB", "grayscale", "RGBA", "half transparent", "16-bit", "16-bit grayscale", "float 0-1", "float")


@pytest.mark.parametrize(("kind", "pixel_size"), [*((kind, 1 / 3) for kind in KINDS), ("RGB", None), ("float", None)])
def test_the_same_numbers_by_path_by_array_and_by_the_command_line(tmp_path, model, picture, kind, pixel_size):
    array = as_kind(picture(*CELLS), kind)
    path = written(tmp_path, array)
    choices = {"pixel_size": pixel_size, "keep": "all", "model": model, "device": "cpu"}
    by_path, by_array = nl.segment(path, **choices), nl.segment(array, **choices)
    typed = [] if pixel_size is None else ["--pixel-size", pixel_size]
    classes, cells, table = by_command_line(path, model, "--keep", "all", *typed)
    assert by_path.cells.max() == 2
    assert set(np.unique(by_path.classes)) == {0, 1, 2}
    for result in (by_path, by_array):
        np.testing.assert_array_equal(result.classes, classes)
        np.testing.assert_array_equal(result.cells, cells)
        own = result.table()
        assert list(own.columns) == list(table.columns)
        assert_frame_equal(
            own.drop(columns=["image", "folder"]), table.drop(columns=["image", "folder"]), rtol=1e-7, check_dtype=False
        )
    assert set(by_path.table()["image"]) == {path.name} == set(table["image"])
    assert by_path.table()["nucleus_um2"].isna().all() == (pixel_size is None)
    assert by_path.notes == by_array.notes


cells_anywhere = st.lists(st.tuples(st.integers(5, 55), st.integers(5, 75), st.integers(9, 15)), min_size=1, max_size=3)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(planes=st.lists(cells_anywhere, min_size=1, max_size=3), keep=st.sampled_from(["all", "whole", "centre"]))
def test_a_stack_is_its_planes(model, picture, planes, keep):
    stack = np.stack([picture(*cells, seed=i) for i, cells in enumerate(planes)])
    choices = {"pixel_size": 1 / 3, "keep": keep, "model": model, "device": "cpu"}
    whole, single = nl.segment(stack, **choices), [nl.segment(plane, **choices) for plane in stack]
    np.testing.assert_array_equal(whole.classes, [one.classes for one in single])
    np.testing.assert_array_equal(whole.cells, [one.cells for one in single])
    assert list(map(str, whole.measure())) == [str(measure) for one in single for measure in one.measure()]
    table = whole.table()
    for number, one in enumerate(single):
        differ = ["plane", "pixel_size_scope"]  # what is typed goes for all planes
        of_plane = table[table["plane"] == number].drop(columns=differ).reset_index(drop=True)
        assert_frame_equal(of_plane, one.table().drop(columns=differ))


def test_stacks_of_gray_planes_of_dask_and_in_files(tmp_path, model, picture):
    stack = np.stack([picture(CELLS[i % 2]) for i in range(6)])
    choices = {"pixel_size": 1 / 3, "model": model, "device": "cpu"}
    grey = stack.mean(axis=-1).astype(np.uint8)
    assert nl.segment(grey, **choices).classes.shape == (6, 60, 80)
    with pytest.raises(nl.LeukocyteError, match="can be read as"):
        nl.segment(grey[:3], **choices)
    assert nl.segment(grey[:3], rgb=False, **choices).classes.shape == (3, 60, 80)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="rgb")
    whole = nl.segment(stack, **choices)
    for same in (dask.array.from_array(stack, chunks=(1, 60, 80, 3)), tmp_path / "stack.tif"):
        np.testing.assert_array_equal(nl.segment(same, **choices).classes, whole.classes)


def test_a_plane_that_fails_is_empty_and_says_why(model, picture):
    stack = np.stack([picture(CELLS[0]), np.full((60, 80, 3), 7, np.uint8), picture(CELLS[1])])
    result = nl.segment(stack, pixel_size=1 / 3, model=model)
    assert list(result.failures) == [1]
    assert "same colour" in result.failures[1]
    assert result.planes[1] is None
    assert [plane.any() for plane in result.classes] == [True, False, True]
    assert set(result.table()["plane"]) == {0, 2}
    assert "1 failed" in repr(result)
    with pytest.raises(nl.LeukocyteError, match="same colour"):
        nl.segment(stack[1:2], model=model)


BAD_IMAGES = {
    "empty": np.zeros((0, 5, 3), np.uint8),
    "an empty stack": np.zeros((0, 9, 9, 3), np.uint8),
    "NaN": np.where(np.eye(9)[..., None] > 0, np.nan, np.random.default_rng(0).random((9, 9, 3))),
    "infinite": np.full((9, 9), np.inf),
    "complex": np.ones((9, 9), complex),
    "one axis": np.arange(9),
    "five axes": np.zeros((1, 2, 9, 9, 3)),
    "two channels": np.zeros((9, 9, 2)),
    "colours first": np.zeros((3, 9, 9)),
    "one pixel wide": np.zeros((9, 1, 3)),
    "constant": np.full((9, 9, 3), 8, np.uint8),
    "true and false": np.eye(9, dtype=bool),
    "objects": np.full((9, 9), None),
    "texts": np.full((9, 9), "x"),
    "ragged": [[1, 2], [3]],
    "nothing": None,
    "a number": 7,
    "a dictionary": {"image": 1},
    "bytes": b"abc",
}


@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_bad_arrays_are_one_sentence(model, image):
    with pytest.raises(nl.LeukocyteError) as raised:
        nl.segment(image, model=model)
    assert_one_sentence(str(raised.value))
    (failed,) = nl.segment_many([image], model=model)
    assert isinstance(failed, nl.Failed)
    assert failed.path == "image 0"
    assert_one_sentence(failed.reason)


def assert_one_sentence(text):
    assert text.endswith((".", ".)"))
    assert text[0].isupper()
    assert "\n" not in text
    assert "Traceback" not in text
    assert len(text.split()) > 6


def test_bad_files_are_one_sentence(tmp_path, model):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not an image")
    for path in (tmp_path / "missing.png", tmp_path, tmp_path / "empty.png", tmp_path / "text.png", "", "no/where.tif"):
        with pytest.raises(nl.LeukocyteError) as raised:
            nl.segment(path, model=model)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "choices",
    [
        {"pixel_size": 0},
        {"pixel_size": float("nan")},
        {"pixel_size": "large"},
        {"pixel_size": [0.1, 0.2]},
        {"keep": "center"},
        {"mode": "four"},
        {"model": "no-such-model"},
        {"model": 3},
        {"model": None},
        {"device": "gpu"},
        {"device": None},
    ],
    ids=str,
)
def test_impossible_choices_are_one_sentence_at_the_call(model, picture, choices):
    chosen = {"model": model, **choices}
    with pytest.raises(nl.LeukocyteError) as raised:
        nl.segment(picture(CELLS[0]), **chosen)
    assert "\n" not in str(raised.value)
    with pytest.raises(nl.LeukocyteError, match=re.escape(str(raised.value))):
        nl.segment_many([], **chosen)  # before any image is asked for


def test_a_binary_model_needs_binary_mode(binary_model, picture):
    with pytest.raises(nl.LeukocyteError, match="choose binary"):
        nl.segment(picture(CELLS[0]), model=binary_model)
    result = nl.segment(picture(*CELLS), model=binary_model, mode="binary", pixel_size=1 / 3, keep="all")
    assert result.binary
    assert set(np.unique(result.classes)) == {0, 1}
    assert result.table()["cnr"].isna().all()
    assert len(result.table()) == 2


def test_many_come_in_their_order_and_a_bad_one_in_its_place(tmp_path, model, picture):
    good = written(tmp_path, picture(CELLS[0]))
    array = picture(CELLS[1])
    given = [good, str(tmp_path / "missing.png"), array, np.zeros(3), str(good)]
    results = list(nl.segment_many(given, model=model, pixel_size=1 / 3))
    assert [type(result) for result in results] == [nl.Result, nl.Failed, nl.Result, nl.Failed, nl.Result]
    assert results[1].path == tmp_path / "missing.png"
    assert "does not exist" in results[1].reason
    assert results[3].path == "image 3"
    assert results[0].path == good
    assert results[2].path is None
    assert results[2].name == "image 2"
    np.testing.assert_array_equal(results[0].classes, nl.segment(good, model=model, pixel_size=1 / 3).classes)


def test_many_are_lazy_and_load_one_model(tmp_path, model, picture, monkeypatch):
    loads, asked = [], []
    load = method.Predictor
    monkeypatch.setattr(method, "Predictor", lambda *a, **k: loads.append(a) or load(*a, **k))
    loaded._loaded.cache_clear()

    def images():
        for number in range(1000):
            asked.append(number)
            yield picture(CELLS[number % 2])

    results = nl.segment_many(images(), model=model, pixel_size=1 / 3)
    assert asked == []
    assert [result.name for result in islice(results, 3)] == ["image 0", "image 1", "image 2"]
    assert asked == [0, 1, 2]
    nl.segment(picture(CELLS[0]), model=model)
    assert len(loads) == 1


def test_many_of_a_folder_or_a_pattern(tmp_path, model, picture):
    for name in ("a10", "a2", "b"):
        written(tmp_path, picture(CELLS[0]), name)
    found = nl.segment_many(tmp_path, model=model, pixel_size=1 / 3)
    assert [result.name for result in found] == ["a2.png", "a10.png", "b.png"]
    found = nl.segment_many(str(tmp_path / "a*.png"), model=model, pixel_size=1 / 3)
    assert [result.name for result in found] == ["a2.png", "a10.png"]
    (tmp_path / "none").mkdir()
    with pytest.raises(nl.LeukocyteError, match="no image in the folder"):
        nl.segment_many(tmp_path / "none", model=model)
    with pytest.raises(nl.LeukocyteError, match="no list of images"):
        nl.segment_many(7, model=model)


def test_a_folder_gives_the_table_of_the_command_line(tmp_path, model, picture):
    """What is decided for the list, such as a pixel size that several images share, is decided the same."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, cells, size in (("a", CELLS, (60, 80)), ("b", CELLS[:1], (60, 80)), ("c", CELLS[:1], (60, 70))):
        Image.fromarray(picture(*cells, size=size)).save(folder / f"{name}.png")
    done = CliRunner().invoke(app, ["segment", str(folder), "--out", str(tmp_path / "out"), "--model", str(model)])
    assert done.exit_code == 0, done.output
    own = pandas.concat([result.table() for result in nl.segment_many(folder, model=model)], ignore_index=True)
    texts = own.select_dtypes(exclude="number").columns
    by_command = pandas.read_csv(tmp_path / "out" / "cells.csv", dtype=dict.fromkeys(texts, str))
    by_command[texts] = by_command[texts].fillna("")
    assert len(own) >= 3
    assert_frame_equal(own, by_command, rtol=1e-7, check_dtype=False)


def test_files_of_one_name_get_their_folders_as_in_the_table_of_the_command_line(tmp_path, model, picture):
    paths = []
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        paths.append(written(tmp_path / folder, picture(CELLS[0])))
    assert [result.name for result in nl.segment_many(paths, model=model)] == ["x/picture.png", "y/picture.png"]


def test_a_weight_file_that_changes_is_loaded_anew(tmp_path, model, picture):
    own = tmp_path / "own.safetensors"
    own.write_bytes(model.read_bytes())
    first = nl.segment(picture(CELLS[0]), model=own, pixel_size=1 / 3).provenance["model_sha256"]
    from napari_leukocyte.core.model.weights import replace_info

    replace_info(own, licence="another")
    assert nl.segment(picture(CELLS[0]), model=own, pixel_size=1 / 3).provenance["model_sha256"] != first


@pytest.mark.parametrize("which", ["network", "active-contour"])
def test_a_loaded_model_can_be_pickled_and_gives_the_same(model, picture, which):
    one = nl.load_model(model if which == "network" else which, device="cpu")
    other = pickle.loads(pickle.dumps(one))
    image = picture(*CELLS)
    first, second = (nl.segment(image, model=m, pixel_size=1 / 3, keep="all") for m in (one, other))
    np.testing.assert_array_equal(first.classes, second.classes)
    assert first.provenance == second.provenance
    assert first.classes.any()


def test_a_pickled_model_goes_to_the_device_that_is_there(model, monkeypatch):
    import torch

    from napari_leukocyte.core.segmentation import predictor

    one = nl.load_model(model)
    one.device, one.batch = torch.device("meta"), 8  # as it is where there is a GPU
    monkeypatch.setattr(type(one.network), "cpu", lambda network: network)
    pickled = pickle.dumps(one)
    there = pickle.loads(pickled)
    assert there.device == predictor.resolve_device("auto")
    assert next(there.network.parameters()).device.type == there.device.type
    if there.device.type == "cpu":
        assert there.batch == 1
        one.wanted_device = "cuda"
        with pytest.raises(nl.LeukocyteError, match="no cuda device"):
            pickle.loads(pickle.dumps(one))
