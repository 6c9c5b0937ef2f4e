import json
import math
import pickle
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model import weights
from napari_leukocyte.core.model.unet import UNet, UNetConfig
from napari_leukocyte.core.model.weights import (
    FORMAT_VERSION,
    GESTURE_MODEL,
    SHIPPED_MODELS,
    ModelInfo,
    load_model,
    model_hash,
    model_path,
    read_info,
    replace_info,
    save_model,
)

CONFIG = UNetConfig(widths=(4, 8))


def info_of(config=CONFIG, **changes):
    given = {"name": "tiny", "architecture": config, "pixel_size": 0.2, "recipe": "default", "licence": "none"}
    return ModelInfo(**{**given, **changes})


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = UNet(CONFIG)
    model(torch.rand(2, 3, 8, 8))  # running statistics away from their start
    path = tmp_path / "tiny.safetensors"
    save_model(path, model, info_of(scores={"lab": {"iou": 0.5}}, training={"data": {"n": 3}, "seed": 1}))
    return path, model


def rewrite(path, *, header=None, state=None):
    """Write the file again with another header or other tensors."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(path) if state is None else state, path, metadata=metadata if header is None else header)


def changed_header(path, **changes):
    header = {**asdict(read_info(path)), **changes}
    return {"napari-leukocyte": json.dumps({k: v for k, v in header.items() if v is not None})}


def refused(path, sentence):
    with pytest.raises(LeukocyteError, match=sentence) as caught:
        load_model(path)
    assert path.name in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_round_trip_in_half_precision(saved):
    path, model = saved
    loaded, info = load_model(path)
    assert info == info_of(scores={"lab": {"iou": 0.5}}, training={"data": {"n": 3}, "seed": 1})
    assert info == read_info(path)
    assert not loaded.training
    for key, value in model.state_dict().items():
        got = loaded.state_dict()[key]
        assert got.dtype == value.dtype
        assert torch.equal(got, value.half().float() if value.is_floating_point() else value), key
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(loaded(x), model.eval()(x), atol=0.02, rtol=0.02)
    assert {v.dtype for v in load_file(path).values()} == {torch.float16, torch.int64}


def test_full_precision_on_request(saved, tmp_path):
    _, model = saved
    save_model(tmp_path / "full.safetensors", model, info_of(), half=False)
    loaded, _ = load_model(tmp_path / "full.safetensors")
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), model.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_the_header_alone_builds_the_network(tmp_path, classes):
    config = UNetConfig(classes=classes, widths=(4, 6, 8), bottom_kernel=1, dropout=0.5, input_mean=0.1, input_std=0.3)
    path = tmp_path / "other.safetensors"
    save_model(path, UNet(config), info_of(config))
    loaded, info = load_model(path)
    assert loaded.config == config
    assert info.classes == classes


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_truncated(saved, share):
    path, _ = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "damaged or no safetensors file")
    with pytest.raises(LeukocyteError, match="damaged"):
        read_info(path)


@pytest.mark.parametrize("content", [b"\x00" * 4096, b"garbage " * 500, b"\xff" * 64, b'{"json": 1}'])
def test_garbage(saved, content):
    path, _ = saved
    path.write_bytes(content)
    refused(path, "damaged or no safetensors file")


def test_a_pickle_is_never_loaded(saved):
    path, model = saved

    class Trap:
        def __reduce__(self):
            return (path.with_name("ran").write_text, ("code was run",))

    path.write_bytes(pickle.dumps(Trap()))
    refused(path, "damaged or no safetensors file")
    torch.save({"state": model.state_dict(), "trap": Trap()}, path)
    refused(path, "damaged or no safetensors file")
    assert not path.with_name("ran").exists()


def test_missing_or_a_folder(tmp_path):
    refused(tmp_path / "none.safetensors", r"cannot be read \(it is not there\)")
    (tmp_path / "folder.safetensors").mkdir()
    refused(tmp_path / "folder.safetensors", "cannot be read")


@pytest.mark.parametrize("header", [{}, {"format": "pt"}])
def test_safetensors_of_another_program(saved, header):
    path, _ = saved
    rewrite(path, header=header)
    refused(path, "not written by napari-leukocyte")


def test_a_newer_format(saved):
    path, _ = saved
    rewrite(path, header=changed_header(path, format_version=FORMAT_VERSION + 1))
    refused(path, f"format {FORMAT_VERSION + 1}, written by a newer napari-leukocyte .*: update the plugin")


WHOLE = {key: one for key, one in asdict(CONFIG).items() if key != "inputs"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pixel_size": None}, "pixel_size"),
        ({"pixel_size": "fine"}, "pixel_size"),
        ({"pixel_size": -1.0}, "pixel_size"),
        ({"pixel_size": math.nan}, "pixel_size"),
        ({"pixel_size": True}, "pixel_size"),
        ({"name": None}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"scores": [1]}, "scores"),
        ({"format_version": None}, "format_version"),
        ({"format_version": "new"}, "format_version"),
        ({"format_version": 1.0}, "format_version"),
        ({"architecture": None}, "architecture"),
        ({"architecture": 3}, "architecture"),
        ({"architecture": {"classes": 3}}, "architecture.widths"),
        *(({"architecture": {**WHOLE, "classes": one}}, "architecture.classes") for one in (5, 3.0, True, "3", 10**30)),
        *(
            ({"architecture": {**WHOLE, "widths": one}}, "architecture.widths")
            for one in (True, [True, True], ["a", "b"], [4.0, 8.0], [4], [4] * 40, [4, 10**30], [4, -8], 8)
        ),
        *(({"architecture": {**WHOLE, "input_mean": one}}, "input_mean") for one in ("0.5", math.nan, True, 10**400)),
        *(({"architecture": {**WHOLE, "input_std": one}}, "input_std") for one in (0, -1, math.inf, [1])),
        ({"architecture": {**WHOLE, "bottom_kernel": 2}}, "bottom_kernel"),
        ({"architecture": {**WHOLE, "dropout": 1}}, "dropout"),
        ({"architecture": {**WHOLE, "inputs": 10**9}}, "inputs"),
        ({"architecture": {**WHOLE, "attention": True}}, "architecture.attention"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_impossible_headers_are_refused_by_the_name_of_the_field(saved, change, field):
    path, _ = saved
    rewrite(path, header=changed_header(path, **change))
    refused(path, rf"header of .* (does not state|states)( .*)? '[a-z.]*{field}'.*: choose another weight file")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", "[" * 100_000, '{"a":' * 200 + "1" + "}" * 200, "9" * 9999]
)
def test_headers_that_are_no_json_object(saved, text):
    path, _ = saved
    rewrite(path, header={"napari-leukocyte": text})
    refused(path, "header of .* is damaged .*: choose another weight file")


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.int32, torch.bool, torch.complex64])
def test_weights_of_a_type_that_none_has(saved, kind):
    path, _ = saved
    state = load_file(path)
    state["head.bias"] = state["head.bias"].to(kind)
    rewrite(path, state=state)
    refused(path, r"holds 'head\.bias' as .*, which should be F16")


@pytest.mark.parametrize("kind", ["shape", "lacking", "extra", "architecture"])
def test_weights_that_do_not_fit(saved, kind):
    path, _ = saved
    state = load_file(path)
    if kind == "shape":
        state["head.weight"] = state["head.weight"][:2].contiguous()
    elif kind == "lacking":
        del state["head.bias"]
    elif kind == "extra":
        state["tail.weight"] = torch.zeros(1)
    else:
        rewrite(path, header=changed_header(path, architecture={**asdict(CONFIG), "widths": [4, 8, 16]}))
    rewrite(path, state=state)
    refused(path, "do not fit the network")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite(saved, value):
    path, _ = saved
    state = load_file(path)
    state["head.bias"][1] = value
    rewrite(path, state=state)
    refused(path, "not finite")


def test_replace_info_leaves_the_weights_bit_for_bit(saved):
    path, _ = saved
    before, hash_before = load_file(path), model_hash(path)
    replace_info(path, scores={"bcisc": {"iou": 0.9}}, licence="CC0")
    after = load_file(path)
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert after[key].dtype == value.dtype
        assert after[key].numpy().tobytes() == value.numpy().tobytes()
    info = read_info(path)
    assert (info.scores, info.licence) == ({"bcisc": {"iou": 0.9}}, "CC0")
    assert info.training == {"data": {"n": 3}, "seed": 1}
    assert model_hash(path) != hash_before


def test_a_full_disk_leaves_the_earlier_file_intact(saved, largest_file):
    path, model = saved
    before = path.read_bytes()
    with largest_file(1024), pytest.raises(LeukocyteError, match=r"could not be written.*nothing was changed"):
        save_model(path, model, info_of(name="second"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(LeukocyteError) as caught:
        model_path("defalt")
    assert "'defalt'" in str(caught.value)
    assert all(name in str(caught.value) for name in SHIPPED_MODELS)


def test_a_path_is_taken_as_it_is(saved):
    path, _ = saved
    assert model_path(path) == model_path(str(path)) == path


def test_the_shipped_model_that_follows_gestures():
    path = model_path(GESTURE_MODEL)
    model, info = load_model(path)
    assert (info.name, info.classes, info.architecture.inputs) == (GESTURE_MODEL, 3, 9)
    assert all(word in info.licence for word in ("GPL-3.0", "Apache-2.0", "MIT", "CC-BY-4.0"))
    assert {"train", "train_sha256", "split", "started_from"} <= info.training["data"].keys()
    assert path.stat().st_size < 10e6
    assert path.with_suffix(".md").is_file()
    side = 2 * model.config.multiple
    assert bool(torch.isfinite(model(torch.rand(1, 9, side, side))).all())


def test_a_header_names_its_channels_only_where_they_are_more_than_colours(saved, tmp_path):
    """Versions that know of colours alone read the files of today."""
    path, _ = saved
    assert "inputs" not in json.loads(safe_open(path, "pt").metadata()["napari-leukocyte"])["architecture"]
    more = tmp_path / "more.safetensors"
    config = UNetConfig(widths=(4, 8), inputs=9)
    save_model(more, UNet(config), info_of(config))
    assert read_info(more).architecture == config
    assert load_model(more)[0].config == config


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_shipped_models(name):
    if not (weights._FOLDER / f"{name}.safetensors").is_file():
        pytest.skip(f"{name} has not been trained yet")
    path = model_path(name)
    model, info = load_model(path)
    assert info.name == name
    assert info.classes == (2 if name == "thesis-binary" else 3)
    assert info.recipe == ("thesis" if name.startswith("thesis") else "default")
    assert all(word in info.licence for word in ("GPL-3.0", "Apache-2.0", "MIT"))
    assert {"train", "validation", "train_sha256", "split"} <= info.training["data"].keys()
    assert path.stat().st_size < 8e6
    side = 2 * model.config.multiple
    assert bool(torch.isfinite(model(torch.rand(1, 3, side, side))).all())
