"""Broken tables, records, weights, training sets and results for ``faults.py``."""

import json
import shutil
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fault_images import Fault, Kind, Rng, cut, draw, spoil_bytes
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.decision import Choice, decision_path, read_decision
from napari_leukocyte.core.fine_tuning.progress_file import ProgressFile
from napari_leukocyte.core.imaging.presets import Preset, presets_from_text, presets_to_text
from napari_leukocyte.core.results.class_maps import MapFailed, MapMeasured, measure_class_maps
from napari_leukocyte.core.results.record import ResultsRecord
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.scoring.case_index import CaseInfo, read_case_index
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.records import Version
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["FILES", "files_under", "spoil_file", "spoil_json"]

DEEP = '{"a":' * 2000 + "1" + "}" * 2000
ODD: tuple[Any, ...] = (
    *(
        True,
        False,
        None,
        0,
        -1,
        3.0,
        10**30,
        10**400,
        -(10**30),
        1e308,
        float("nan"),
        float("inf"),
        "0.5",
        "",
        "\0",
        "1",
    ),
    *("\ud800", "caf\udce9", "=1+1", "../../up", "/", "a" * 5000, "2026-01-01", "0001-01-01T00:00:00+14:00", [], {}),
    *([[]], [True, True], [None], {"a": {}}, {"1": 1}, {"-1": []}, {"9" * 5000: 1}, [1] * 2000, ["a", 1]),
)


def spoil_json(rng: Rng, content: str) -> bytes:
    """JSON with one field of another type, too many or too few, or JSON no more."""
    how = rng.random()
    if how < 0.12:
        return cut(rng, content.encode(errors="backslashreplace"))
    if how < 0.2:
        return spoil_bytes(rng, content.encode(errors="backslashreplace"))
    if how < 0.3:
        other = rng.choice([DEEP, "[" * 200_000, "", "[]", "null", "3", '"text"', "{}", "9" * 6000, "\0", "\ufeff{"])
        return str(other).encode(str(rng.choice(["utf-8", "utf-8", "utf-16"])))
    value = json.loads(content)
    places = list(_places(value))
    holder, key = places[int(rng.integers(len(places)))]
    if how < 0.4:
        del holder[key]
    elif how < 0.45 and isinstance(holder, dict):
        holder["surprise"] = ODD[int(rng.integers(len(ODD)))]
    else:
        holder[key] = ODD[int(rng.integers(len(ODD)))]
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    """Each place in it, as what holds it and its key."""
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(one, dict | list):
            yield from _places(one)


def spoil_file(rng: Rng, path: Path) -> str:
    """Break one file in a way that fits it; returns how."""
    content = path.read_bytes()
    how = rng.random()
    if how < 0.06:
        path.unlink()
        return "gone"
    if how < 0.12:
        path.unlink()
        path.mkdir()
        return "a folder"
    if how < 0.18:
        path.unlink()
        path.symlink_to(path.name)
        return "a link to itself"
    if path.suffix == ".json":
        path.write_bytes(spoil_json(rng, content.decode()))
        return "other JSON"
    if path.suffix == ".jsonl":
        lines = content.splitlines()
        at = int(rng.integers(len(lines)))
        lines[at] = spoil_json(rng, lines[at].decode())
        path.write_bytes(b"\n".join(lines) + b"\n")
        return f"other line {at}"
    path.write_bytes(cut(rng, content) if how < 0.6 else spoil_bytes(rng, content))
    return "other bytes"


def files_under(folder: Path) -> list[Path]:
    """All files but locks, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


# ---- tables ---------------------------------------------------------------------------------------------------------

ODD_FIELDS = ("0.25", "1e308", "-3", "0", "nan", "inf", "ten", "1e-300", "0x10", "1_0", "٣", "--", "6 um", "9" * 400)


def table_any(rng: Rng, folder: Path, _base: Path) -> Fault:
    """An index as some spreadsheet saves it, right or with one fault."""
    separator = str(rng.choice([",", ";", "\t"]))
    density = round(float(rng.uniform(2, 20)), 2)
    text = str(density).replace(".", "," if separator != "," and rng.random() < 0.5 else ".")
    header = ["image", "px_per_um", "cell_type", "difficulty"]
    if rng.random() < 0.5:
        header = [str(rng.choice([name.upper(), f" {name} ", name.title()])) for name in header]
    name = str(rng.choice(["a.png", "'=1+1.png", "ä ö.png", "x/a.png", "a.b.c.png"]))
    row = [name, text, "lymphocyte", "4"]
    fault = str(
        rng.choice(["none", "none", "field", "more", "twice", "nul", "bytes", "cut", "class", "utf-16", "quote"])
    )
    if fault == "field":
        row[1] = str(rng.choice(ODD_FIELDS))
    elif fault == "more":
        row += ["9", "9"]
    elif fault == "twice":
        header[2] = "image"
    elif fault == "class":
        row[3] = str(rng.choice(["0", "9", "12", "4.0", "four", "-1"]))
    content = "\r\n".join(separator.join(line) for line in (header, row, [""] * 4)).encode()
    path = folder / "index.csv"
    if fault == "nul":
        content = content.replace(b"lympho", b"lym\0ho")
    elif fault == "bytes":
        content = spoil_bytes(rng, content)
    elif fault == "cut":
        content = cut(rng, content)
    elif fault == "utf-16":
        content = content.decode().encode("utf-16")
    elif fault == "quote":
        content += b'\r\n"' + b"b" * 200_000
    path.write_bytes((b"\xef\xbb\xbf" if rng.random() < 0.3 else b"") + content)
    stem = Path(name.removeprefix("'")).stem

    def right(found: CaseInfo) -> bool:
        whole = (1 / density, 4, "lymphocyte")
        if fault in ("bytes", "cut"):  # what is left may be another table, but no impossible one
            return found.pixel_size is None or 0.01 <= found.pixel_size <= 2
        return (found.pixel_size, found.difficulty, found.cell_type) == whole

    return Fault(
        f"table with {fault}, separator {separator!r}",
        lambda: read_case_index(path).find(stem, folder / "m.png")[0],
        right if fault in ("none", "bytes", "cut") else None,
        may_refuse=fault != "none",
    )


# ---- records --------------------------------------------------------------------------------------------------------


def record_any(rng: Rng, folder: Path, _base: Path) -> Fault:
    """A small record of one of our kinds, spoilt: refused, or of the types that it has."""
    kind = str(rng.choice(["decision", "progress", "presets", "provenance"]))
    return {"decision": _decision, "progress": _progress, "presets": _presets, "provenance": _provenance}[kind](
        rng, folder
    )


def _decision(rng: Rng, folder: Path) -> Fault:
    model = folder / "m.safetensors"
    content = json.dumps({"decision": "accepted", "by": "Ann", "date": "2026-01-01T00:00:00+00:00"})
    decision_path(model).write_bytes(spoil_json(rng, content))

    def right(found: Any) -> bool:
        return found.decision in get_args(Choice) and all(isinstance(one, str) for one in (found.by, found.date))

    return Fault("decision", lambda: read_decision(model), right)


def _progress(rng: Rng, folder: Path) -> Fault:
    out = folder / "m.safetensors"
    ProgressFile(out, "print").__exit__(None, None, None)
    run = folder / "m.safetensors.fine-tuning" / "run.json"
    run.write_bytes(spoil_json(rng, json.dumps({"fingerprint": "print", "finished": ["fold 1"]})))

    def act() -> bool:
        with ProgressFile(out, "print") as progress:
            return progress.finished("fold 1")

    return Fault("run of a fine-tuning", act, lambda found: isinstance(found, bool))


def _presets(rng: Rng, _folder: Path) -> Fault:
    text = presets_to_text([Preset("100x", 0.065), Preset("50x", 0.13, 50, 0.63, 2)])
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(text)))
        text = text[:at] + str(rng.choice(list("0e9.-:;\n\0x ∞"))) + text[at + int(rng.integers(2)) :]

    def right(found: dict[str, Preset]) -> bool:
        return all(0.01 <= one.um <= 2 and one.objective > 0 for one in found.values())

    return Fault("presets", lambda: presets_from_text(text), right)


def _provenance(rng: Rng, folder: Path) -> Fault:
    """What a class map of ours says of itself, spoilt: its cells are measured all the same."""
    _, classes = draw(rng)
    about = {
        "napari-leukocyte": "1",
        "mode": "three-class",
        "model": "default",
        "image": "a.png",
        "pixel_size_um": "0.1",
        "pixel_size_source": "typed",
        "pixel_size_scope": "own",
        "pixel_size_doubt": "",
        "not_a_wbc": "1 smudge",
    }
    info = PngInfo()
    info.add_text("napari-leukocyte", spoil_json(rng, json.dumps(about)).decode("latin-1"))
    path = folder / "a_classes.png"
    Image.fromarray(classes).save(path, pnginfo=info)

    def right(found: list[Any]) -> bool:
        (event,) = found
        sizes = {None} if isinstance(event, MapFailed) else {event.pixel_size.um}
        return isinstance(event, MapFailed) or (len(event.measures) == 2 and sizes <= {None, 0.1, 1.0, 0.5, 3.0})

    return Fault("provenance of a map", lambda: list(measure_class_maps([path])), right)


# ---- weights --------------------------------------------------------------------------------------------------------


def weights_any(rng: Rng, folder: Path, base: Path) -> Fault:
    """A weight file with another header, other tensors, or other bytes."""
    content = (base / "tiny.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    path, how = folder / "w.safetensors", float(rng.random())
    if how < 0.6:
        what = "other header"
        spoilt = spoil_json(rng, header["__metadata__"]["napari-leukocyte"]).decode("utf-8", "replace")
        header["__metadata__"]["napari-leukocyte"] = spoilt
    elif how < 0.8:
        what = "other tensors"
        key = str(rng.choice([key for key in header if key != "__metadata__"]))
        field = str(rng.choice(["dtype", "shape", "data_offsets"]))
        header[key][field] = {
            "dtype": str(rng.choice(["F8_E4M3", "F8_E5M2", "I64", "BOOL", "F64", "U8", "C64", "F4"])),
            "shape": [int(one) for one in rng.integers(0, 2**62, int(rng.integers(0, 5)))],
            "data_offsets": [int(one) for one in rng.integers(0, 2**62, 2)],
        }[field]
    else:
        what = "other bytes"
        path.write_bytes(cut(rng, content) if how < 0.9 else spoil_bytes(rng, content))
    if what != "other bytes":
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + body)

    def act() -> Any:
        from napari_leukocyte.core.model.weights import load_model

        return load_model(path)

    def right(found: Any) -> bool:
        model, info = found
        values = [info.pixel_size, info.architecture.input_mean, info.architecture.input_std]
        finite = all(type(one) is float and np.isfinite(one) for one in values)
        return finite and type(info.classes) is int and all(bool(one.isfinite().all()) for one in model.parameters())

    return Fault(f"weights with {what}", act, right)


# ---- training sets and results --------------------------------------------------------------------------------------


def _copied(rng: Rng, folder: Path, source: Path) -> tuple[Path, str]:
    place = folder / source.name
    shutil.copytree(source, place)
    files = files_under(place)
    path = files[int(rng.integers(len(files)))]
    return place, f"{path.relative_to(place)}: {spoil_file(rng, path)}"


def set_any(rng: Rng, folder: Path, base: Path) -> Fault:
    """A training set with one broken file: what can still be read is what was put in."""
    place, what = _copied(rng, folder, base / "set")
    whole = TrainingSet.open(base / "set")
    pictures = {image.id: whole.read_image(image.id) for image in whole.images()}
    masks = {(v.image, v.number): whole.read_mask(v)[0] for one in pictures for v in whole.versions(one)}
    drafts = {one: whole.drafts.read(one) for one in pictures}

    def act() -> list[str]:
        found = TrainingSet.open(place)
        wrong: list[str] = []
        for image in found.images():
            _same(wrong, image.id, partial(found.read_image, image.id), pictures.get(image.id))
            for one in found.versions(image.id):
                _same(wrong, f"{one.number}", partial(_map_of, found, one), masks.get((one.image, one.number)))
            draft = drafts.get(image.id)
            _same(wrong, "draft", partial(_draft_of, found, image.id), None if draft is None else draft.classes)
            found.drafts.kept(image.id)
        found.items()
        check(place)
        return wrong

    return Fault(what, act, lambda wrong: wrong == [])


def _map_of(found: TrainingSet, version: Version) -> Any:
    return found.read_mask(version)[0]


def _draft_of(found: TrainingSet, image: str) -> Any:
    draft = found.drafts.read(image)
    return None if draft is None or draft.note else draft.classes  # with a note it is the one before


def _same(wrong: list[str], what: str, read: Callable[[], Any], right: Any) -> None:
    try:
        value = read()
    except LeukocyteError:
        return
    if value is not None and not np.array_equal(value, right):
        wrong.append(what)


def results_any(rng: Rng, folder: Path, base: Path) -> Fault:
    """A results folder with one broken file: its record is refused or read, and each map measured or refused."""
    place, what = _copied(rng, folder, base / "results")

    def act() -> Any:
        maps = sorted(place.glob("*_classes.png"))
        events = list(measure_class_maps(maps))
        assert all(isinstance(event, MapMeasured | MapFailed) for event in events)
        assert {event.path for event in events} == set(maps)
        return read_record(place)

    return Fault(what, act, lambda found: found is None or isinstance(found, ResultsRecord))


FILES = {
    "tables": Kind(table_any, 50),
    "records": Kind(record_any, 50),
    "weights": Kind(weights_any, 50, needs_base=True, torch=True),
    "training sets": Kind(set_any, 40, needs_base=True),
    "results": Kind(results_any, 25, needs_base=True),
}
