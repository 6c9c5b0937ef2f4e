"""Broken command lines, and names that no file should have, for ``faults.py``; and what is broken: `prepare`."""

import csv
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fault_files import files_under, spoil_file
from fault_images import Fault, Kind, Rng, draw
from napari_leukocyte.core.safe_text import from_table, printable
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["COMMANDS", "prepare"]


def prepare(base: Path) -> None:
    """Make the weights, the training set and the results that are broken afterwards; it loads torch."""
    import torch

    from napari_leukocyte.core.model.unet import UNet, UNetConfig
    from napari_leukocyte.core.model.weights import ModelInfo, save_model

    torch.manual_seed(0)
    config = UNetConfig(widths=(4, 8))
    info = ModelInfo(name="tiny", architecture=config, pixel_size=0.3, recipe="default", licence="none")
    save_model(base / "tiny.safetensors", UNet(config), info)
    rng = np.random.default_rng(0)
    made = TrainingSet.create(base / "set", pixel_size=0.1)
    (base / "images").mkdir()
    (base / "maps").mkdir()
    for name in "abc":
        image, classes = draw(rng)
        Image.fromarray(image).save(base / "images" / f"{name}.png")
        Image.fromarray(classes).save(base / "maps" / f"{name}.png")
        cells = np.where(classes > 0, 1 + (np.arange(classes.shape[1]) > classes.shape[1] / 2), 0)
        found = made.add_image(image, name=f"{name}.png", group="slide" if name != "c" else "")
        for _ in range(2):
            made.accept(found, Correction(classes, cells))
            made.drafts.save(found, Draft(classes, cells, Correction(classes, cells).facts, datetime.now(UTC)))
        made.drafts.begin(found)
        made.drafts.save(found, Draft(classes, cells, Correction(classes, cells).facts, datetime.now(UTC)))
    lines = ["source,image,mask,px_per_um", *(f"s,images/{name}.png,maps/{name}.png,3.3" for name in "abc")]
    (base / "index.csv").write_text("\n".join(lines) + "\n")
    model = base / "tiny.safetensors"
    status, output, _ = _run("segment", base / "images", "--model", model, "--out", base / "results", "--device", "cpu")
    if status:
        raise RuntimeError(output)


def _run(*arguments: Any) -> tuple[int, str, BaseException | None]:
    from typer.testing import CliRunner

    from napari_leukocyte.cli import app

    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    error = done.exception
    return done.exit_code, done.output, None if isinstance(error, SystemExit) else error


def _is_clean(done: tuple[int, str, BaseException | None]) -> bool:
    status, output, error = done
    return (
        status in (0, 1, 2)
        and error is None
        and "defect of napari-leukocyte" not in output
        and "Traceback" not in output
    )


NUMBERS = ("nan", "-1", "0", "1e308", "inf", "ten", "", "0.25", "3", "٣", "1e-9")


def _odd_path(rng: Rng, folder: Path) -> Path:
    """A path that is none, or of something else."""
    (folder / "circle").symlink_to("circle")
    (folder / "file").write_text("text")
    (folder / "empty").mkdir()
    (folder / "none.png").write_bytes(b"")
    names = ["circle", "file", "empty", "none.png", "missing", "a" * 300, "file/in", "circle/in", "*.nothing", "["]
    odd = [*(folder / name for name in names), Path("~nobody-of-this-name"), Path("~nobody/a.png"), Path("/dev/null")]
    return odd[int(rng.integers(len(odd)))]


def command_odd(rng: Rng, folder: Path, base: Path) -> Fault:
    """A command with an option or a path that cannot be."""
    odd, number = _odd_path(rng, folder), str(rng.choice(NUMBERS))
    maps, out = base / "maps", folder / "out"
    lines: list[tuple[Any, ...]] = [
        ("measure", odd, "--out", folder / "t.csv"),
        ("measure", maps, "--out", odd),
        ("measure", maps, "--out", folder / "t.csv", "--pixel-size", number),
        ("measure", maps, maps / "a.png", odd, "--out", folder / "t.csv"),
        ("evaluate", "--pred", odd, "--truth", maps),
        ("evaluate", "--pred", maps, "--truth", odd),
        ("evaluate", "--pred", maps, "--truth", maps, "--index", odd),
        ("evaluate", "--pred", maps, "--truth", maps, "--json", odd),
        ("evaluate", "--pred", maps, "--truth", maps, "--report", f"{odd}.html"),
        ("evaluate", "--pred", maps, "--truth", maps, "--border", number),
        ("evaluate", "--pred", maps, "--truth", maps, "--score-at", number),
        ("training-set", "create", odd),
        ("training-set", "check", odd),
        ("training-set", "list", odd),
        ("training-set", "create", out, "--pixel-size", number),
        ("training-set", "add", odd, base / "images"),
        ("synth", "--out", odd, "--n", 1, "--size", "64,64"),
        ("synth", "--out", out, "--n", number, "--px-per-um", number),
        ("segment", odd, "--out", out, "--model", base / "tiny.safetensors"),
        ("segment", base / "images", "--out", odd, "--model", base / "tiny.safetensors"),
        ("segment", base / "images", "--out", out, "--model", odd),
        ("segment", base / "images", "--out", out, "--pixel-size", number, "--model", base / "tiny.safetensors"),
        ("segment", base / "images" / "a.png", odd, "--out", out, "--model", base / "tiny.safetensors"),
        ("train", "--data", odd, "--out", folder / "m.safetensors"),
        ("train", "--data", base, "--out", odd, "--epochs", "-3" if number == "3" else number),  # or it trains, as told
    ]
    line = lines[int(rng.integers(len(lines)))]
    before = _hashes(base)

    def act() -> tuple[bool, bool, str]:
        done = _run(*line)
        return _is_clean(done), _hashes(base) == before, f"{done}"

    shown = " ".join(str(one) for one in line)
    return Fault(shown[:200], act, lambda found: found[:2] == (True, True))


def command_broken(rng: Rng, folder: Path, base: Path) -> Fault:
    """A command over good files and one broken one: the good ones are done, and the last lines count."""
    place = folder / "in"
    place.mkdir()
    command = str(rng.choice(["measure", "measure", "evaluate", "segment"]))
    source = base / ("images" if command == "segment" else "maps")
    for name in "abc":
        (place / f"{name}.png").write_bytes((source / f"{name}.png").read_bytes())
    how = spoil_file(rng, place / "b.png")
    before, out = _hashes(place), folder / "out"
    line: tuple[Any, ...] = {
        "measure": ("measure", place, "--out", folder / "t.csv"),
        "evaluate": ("evaluate", "--pred", source, "--truth", place, "--json", folder / "e.json"),
        "segment": ("segment", place, "--out", out, "--model", base / "tiny.safetensors", "--device", "cpu"),
    }[command]

    def act() -> tuple[bool, bool, bool, str]:
        done = _run(*line)
        good = {"measure": folder / "t.csv", "evaluate": folder / "e.json", "segment": out / "cells.csv"}[command]
        whole = good.is_file()
        if whole and command == "segment":
            whole = all((out / f"{name}_classes.png").is_file() for name in "ac")
        if whole and command == "measure":
            with good.open(newline="", encoding="utf-8") as file:
                whole = {"a", "c"} <= {row["image"] for row in csv.DictReader(file)}
        return _is_clean(done), _hashes(place) == before, whole, f"{done}"

    return Fault(f"{command} with {how}", act, lambda found: found[:3] == (True, True, True))


def _hashes(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files_under(folder)}


PARTS = (
    "=1+1",
    "+2",
    "-3",
    "@sum",
    "'",
    "\x1b[31m",
    "\n",
    "\t",
    "a.b",
    "P1.field1",
    "é",
    "é",
    "\udce9",
    "名",
    "x" * 180,
    " ",
    ",;",
)


def name_odd(rng: Rng, folder: Path, base: Path) -> Fault:
    """Class maps with names that steer, or that are nearly the same: each has its rows under its own name."""
    content = (base / "maps" / "a.png").read_bytes()
    names = set()
    for _ in range(3):
        name = "".join(str(one) for one in rng.choice(np.array(PARTS, object), 2)) + ".png"
        try:
            (folder / name).write_bytes(content)
        except OSError:
            continue
        names.add(name)
    paths = [Path(os.fspath(folder / name)) for name in sorted(names)]
    table = folder / "out.csv"

    def act() -> tuple[bool, list[str], list[str], str]:
        done = _run("measure", *paths, "--out", table)
        text = table.read_bytes()
        with table.open(newline="", encoding="utf-8") as file:
            images = [row["image"] for row in csv.DictReader(file)]
        safe = not any(byte in text for byte in (b"\x1b", b"\0")) and not any(
            one[:1] in "=+-@" for one in images if one
        )
        return _is_clean(done) and safe, images, sorted(names), f"{done}"

    def right(found: Any) -> bool:
        clean, images, wanted, _ = found
        shown = {from_table(one) for one in images}
        return clean and len(shown) == len(wanted) and all(one == printable(one) for one in shown)

    return Fault(f"names {sorted(names)!r}"[:200], act, right, may_refuse=False)


COMMANDS = {
    "command lines": Kind(command_odd, 25, needs_base=True, torch=True),
    "commands, a broken file": Kind(command_broken, 20, needs_base=True, torch=True),
    "names": Kind(name_odd, 12, needs_base=True, torch=True),
}
