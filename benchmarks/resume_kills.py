"""``segment`` is killed at random moments and gone on with by ``--resume``: the end must be as if nothing had happened.

    python benchmarks/resume_kills.py [--kills 200] [--files 60] [--seed 0] [--minutes M] [--model NAME] [--out FILE.md]

Small drawn crops, one stack and one file that is no image are segmented once without disturbance. Then, again and again
into a new folder, the command gets SIGKILL one to three times: at a moment drawn from the time that the whole takes, or
just before one of its flushes or renames, so that the few milliseconds between a line of the record and its files are
hit as often as the rest. Each kill is followed by ``--resume``. After each kill:

- the record can be read, and whatever has a result's name is, byte for byte, the undisturbed result;
- no result that the record names is lost: it is there, or in the folder of files in the making.

In the end maps, table and record (but for times and the order of lines) are those of the undisturbed run, and nothing
else lies in the folder.

POSIX only: the commands are forked from a process that has loaded everything, which takes most of a short run's time.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_leukocyte.cli import app
from napari_leukocyte.core.results.in_place import hash_of
from napari_leukocyte.core.results.record import RECORD
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty

PX_PER_UM = 6.0
SHAPE = (132, 132)
DRAWN = 12  # crops that are drawn; the others are those with one pixel changed


def make_images(folder: Path, files: int, seed: int) -> None:
    """Write crops of which none states its pixel size, a stack of three and a file that is no image."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    crops = [draw_difficulty(1, seed=seed + i, size=SHAPE, px_per_um=PX_PER_UM).image for i in range(min(DRAWN, files))]
    for i in range(files - 2):
        crop = crops[i % len(crops)].copy()
        crop[rng.integers(SHAPE[0]), rng.integers(SHAPE[1])] = rng.integers(0, 255, 3)
        Image.fromarray(crop).save(folder / f"crop {i}.png")
    tifffile.imwrite(folder / "stack.tif", np.stack(crops[:3]), photometric="rgb")
    (folder / "torn.png").write_bytes(b"\x89PNG")


def command(images: Path, out: Path, model: str, *options: str) -> int:
    """Fork ``segment``; returns the process."""
    child = os.fork()
    if child:
        return child
    try:  # it never comes back
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        app(["segment", str(images), "--out", str(out), "--model", model, *options])
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


def ended(child: int) -> int:
    """Wait for a process; returns its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(seconds: float, *start: Any) -> bool:
    """Start a command and kill it after a while; returns whether it was still at work."""
    child = command(*start)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return ended(child) == -signal.SIGKILL


def killed_before(step: int, *start: Any) -> bool:
    """Start a command that kills itself just before its flush or rename of that number."""
    real: dict[str, Callable[..., Any]] = {"fsync": os.fsync, "replace": os.replace}
    calls = 0

    def counted(name: str) -> Any:
        def call(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments)

        return call

    for name in real:  # the forked command has them, and this process gets its own back
        setattr(os, name, counted(name))
    try:
        child = command(*start)
    finally:
        for name, function in real.items():
            setattr(os, name, function)
    return ended(child) == -signal.SIGKILL


def contents(out: Path) -> dict[str, str]:
    """Hashes of all files of a folder but the record, by name."""
    return {path.name: hash_of(path) for path in out.iterdir() if path.name != RECORD}


def said(out: Path) -> Any:
    """What the record says, but for times."""
    record = read_record(out)
    if record is None:
        return None
    images = {
        stem: (one.image.label, one.input_sha256, one.settings, one.planes, dict(one.files), one.corrected, one.reason)
        for stem, one in record.images.items()
    }
    return list(record.listed), images, record.sizes, record.problems, record.table().rows


def faults_after_kill(out: Path, whole: Path) -> list[str]:
    """What must not be seen at any moment."""
    if not out.exists():
        return []
    faults = []
    right = contents(whole)
    for name, code in contents(out).items():
        if not name.startswith((".", "cells.")) and code != right.get(name):
            faults.append(f"{name} is another one")
    record = read_record(out)
    for one in record.done.values() if record else ():
        for name, code in one.files.items():
            if code not in (hash_of(out / name), hash_of(out / ".writing" / name)):
                faults.append(f"{name} is lost")
    return faults


def faults_at_end(out: Path, whole: Path) -> list[str]:
    """What is not as in the undisturbed run."""
    there, right = contents(out), contents(whole)
    faults = [
        f"{name}: {there.get(name, 'missing')}" for name in there.keys() | right if there.get(name) != right.get(name)
    ]
    return faults + ["the record differs"] * (said(out) != said(whole))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="stop after so long, and say how many kills it were"
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    from napari_leukocyte.core.results import resume  # noqa: F401 - loaded once, for all forks
    from napari_leukocyte.core.segmentation import recorded_sizes, segment  # noqa: F401

    started = time.perf_counter()
    rng = np.random.default_rng(arguments.seed)
    faults: list[str] = []
    kinds = Counter[str]()
    rounds = 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        images, whole = place / "images", place / "undisturbed"
        make_images(images, arguments.files, arguments.seed)
        begun = time.perf_counter()
        if ended(command(images, whole, arguments.model)) != 1:  # one file is no image
            sys.exit("The undisturbed run failed.")
        seconds = time.perf_counter() - begun
        steps = 5 * arguments.files  # two maps flushed and renamed, and a line, of each image
        while sum(kinds.values()) < arguments.kills and time.perf_counter() - started < 60 * arguments.minutes:
            out = place / f"round {rounds}"
            for _ in range(min(int(rng.integers(1, 4)), arguments.kills - sum(kinds.values()))):
                start = (images, out, arguments.model, "--resume")
                if rng.random() < 0.5:
                    kind, hit = "at a moment", killed_at(float(rng.uniform(0, seconds)), *start)
                else:
                    kind, hit = "before a flush or rename", killed_before(int(rng.integers(1, steps)), *start)
                kinds[kind if hit else "too late"] += 1
                faults += [f"round {rounds}: {fault}" for fault in faults_after_kill(out, whole)]
            if ended(command(images, out, arguments.model, "--resume")) != 1:
                faults.append(f"round {rounds}: --resume ended otherwise")
            faults += [f"round {rounds}: {fault}" for fault in faults_at_end(out, whole)]
            shutil.rmtree(out)
            rounds += 1
    hits = sum(number for kind, number in kinds.items() if kind != "too late")
    text = (
        f"{hits} kills in {rounds} runs over {arguments.files} files in {time.perf_counter() - started:.0f} s (an "
        f"undisturbed run takes {seconds:.1f} s): {', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}; "
        f"{len(faults)} differences from the undisturbed run."
    )
    print("\n".join([*faults, text]))
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
