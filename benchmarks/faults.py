"""Thousands of broken inputs, seeded, each with the value that is right or the refusal that it must meet.

    python benchmarks/faults.py [--inputs 5200] [--seed 0] [--jobs 2] [--out FILE.md] [--only KIND] [--quick] [--list]

Images, masks, tables, records, weights, training sets, results, names and command lines are made anew and broken: cut
off, bytes changed, fields of another type, absurd sizes, formats that only a name promises. Each is read, in a process
that is forked before torch is loaded, within 20 s and 2 GB. What may come of it: the right value; or, where that is
right, a `LeukocyteError` of one sentence (on the command line: an exit status without a defect, nothing of the inputs
changed). Counted are

- tracebacks: any other exception, or a process that died;
- hangs: more than 20 s;
- memory: more than 2 GB at once;
- silent: a value that is not the right one, or none where a refusal was due;
- refused: a refusal where the value was due, or one that is no sentence.

POSIX only; Linux for the memory.
"""

import argparse
import contextlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from fault_commands import COMMANDS, prepare
from fault_files import FILES
from fault_images import IMAGES, Fault, Kind
from napari_leukocyte.core.errors import LeukocyteError

KINDS = {**IMAGES, **FILES, **COMMANDS}
HANG_S, MOST_BYTES = 20.0, 2_000_000_000
WRONG = ("traceback", "hang", "memory", "silent", "refused")


@dataclass(frozen=True)
class Outcome:
    """What came of one input: ``result`` is "right" or one of `WRONG`; ``told`` says more."""

    kind: str
    number: int
    what: str
    result: str
    told: str
    seconds: float
    megabytes: float


def attempt(kind: str, number: int, seed: int, base: Path, folder: Path) -> Outcome:
    """Make one input in a folder, read it, and judge what comes of it."""
    rng = np.random.default_rng([seed, crc32(kind.encode()), number])
    fault = KINDS[kind].make(rng, folder, base)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory counts from here
    began = time.perf_counter()
    result, told = judged(fault)
    seconds = time.perf_counter() - began
    peak = peak_bytes()
    if result == "right" and seconds > HANG_S:
        result, told = "hang", f"{seconds:.0f} s"
    if result == "right" and peak > MOST_BYTES:
        result, told = "memory", f"{peak / 1e9:.1f} GB"
    return Outcome(kind, number, fault.what, result, told, seconds, peak / 1e6)


def judged(fault: Fault) -> tuple[str, str]:
    try:
        value = fault.act()
    except LeukocyteError as error:
        sentence = str(error)
        if fault.right is not None and not fault.may_refuse:
            return "refused", sentence
        return ("right", sentence) if _is_sentence(sentence) else ("refused", f"no sentence: {sentence!r}")
    except BaseException:
        return "traceback", traceback.format_exc()
    if fault.right is None:
        return "silent", f"taken for {_short(value)}"
    try:
        return ("right", "") if fault.right(value) else ("silent", f"read as {_short(value)}")
    except Exception:
        return "silent", f"{_short(value)}: {traceback.format_exc()}"


def _is_sentence(text: str) -> bool:
    return bool(text) and "\n" not in text and text.rstrip().endswith((".", "'"))


def _short(value: object) -> str:
    return f"{getattr(value, 'shape', '')} {value!r}"[:300]


def peak_bytes() -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return 0


def run_some(task: tuple[str, Sequence[int], int, Path]) -> list[Outcome]:
    """Run inputs of one kind in a forked process, and in a new one after each that hangs or dies."""
    kind, numbers, seed, base = task
    outcomes: list[Outcome] = []
    left = list(numbers)
    while left:
        got, reason = _run_until_it_stops(kind, left, seed, base)
        outcomes += got
        left = left[len(got) :]
        if left:  # it stopped at this one
            outcomes.append(Outcome(kind, left.pop(0), "?", "hang" if reason == "hang" else "traceback", reason, 0, 0))
    return outcomes


def _run_until_it_stops(kind: str, numbers: Sequence[int], seed: int, base: Path) -> tuple[list[Outcome], str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            if KINDS[kind].torch:  # not a part of any input's time
                import torch  # noqa: F401
            for number in numbers:
                folder = Path(tempfile.mkdtemp(prefix="fault-"))
                os.chdir(folder)  # where odd names make files
                outcome = attempt(kind, number, seed, base, folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.write(writing, (json.dumps(asdict(outcome)) + "\n").encode())
        finally:
            os._exit(0)
    os.close(writing)
    outcomes, reason, text = [], "", b""
    while True:
        ready, _, _ = select.select([reading], [], [], 1.5 * HANG_S)
        if not ready:
            reason = "hang"
            os.killpg(child, signal.SIGKILL)
            break
        got = os.read(reading, 1 << 16)
        if not got:
            break
        text += got
        *lines, text = text.split(b"\n")
        outcomes += [Outcome(**json.loads(line)) for line in lines]
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return outcomes, reason or f"the process ended with status {status}"


def run_all(count: int, seed: int, jobs: int, only: str = "", *, quick: bool = False) -> list[Outcome]:
    """Run about so many inputs, shared out among the kinds."""
    kinds = {name: kind for name, kind in KINDS.items() if only in name and not (quick and kind.needs_base)}
    whole = sum(kind.share for kind in kinds.values())
    numbers = {name: range(max(1, round(count * kind.share / whole))) for name, kind in kinds.items()}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        if any(kind.needs_base for kind in kinds.values()):
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    prepare(base)
                    os._exit(0)
                traceback.print_exc()
                os._exit(1)
            if os.waitpid(child, 0)[1]:
                raise RuntimeError("what is broken afterwards could not be made")
        tasks = [
            (name, some[i : i + _at_a_time(kinds[name])], seed, base)
            for name, some in numbers.items()
            for i in range(0, len(some), _at_a_time(kinds[name]))
        ]
        tasks.sort(key=lambda task: not kinds[task[0]].torch)  # the slow ones first
        with get_context("fork").Pool(jobs) as pool:
            return [outcome for some in pool.imap_unordered(run_some, tasks, chunksize=1) for outcome in some]


def _at_a_time(kind: Kind) -> int:
    return 120 if kind.torch else 40


def table(outcomes: Sequence[Outcome]) -> str:
    """What was tried and what came of it, as Markdown."""
    lines = [
        f"| kind | inputs | {' | '.join(WRONG)} | longest s | most MB |",
        "|---" * (len(WRONG) + 4) + "|",
    ]
    for kind in (*KINDS, "all"):
        some = [one for one in outcomes if kind in (one.kind, "all")]
        if some:
            counts = Counter(one.result for one in some)
            longest, most = max(one.seconds for one in some), max(one.megabytes for one in some)
            wrong = " | ".join(str(counts[name]) for name in WRONG)
            lines.append(f"| {kind} | {len(some)} | {wrong} | {longest:.1f} | {most:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--inputs", type=int, default=5200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="kinds with this in their names")
    parser.add_argument("--quick", action="store_true", help="only kinds for which torch need not be loaded")
    parser.add_argument("--list", action="store_true", help="say of each input what came of it")
    parser.add_argument("--out", type=Path)
    given: Any = parser.parse_args()
    if "torch" in sys.modules:
        raise RuntimeError("torch is loaded before the fork")
    began = time.perf_counter()
    outcomes = run_all(given.inputs, given.seed, given.jobs, given.only, quick=given.quick)
    wrong = [one for one in outcomes if one.result != "right"]
    for one in outcomes if given.list else wrong:
        print(f"{one.result}: {one.kind} {one.number}, {one.what}: {one.told.strip()}")
    seconds = time.perf_counter() - began
    text = f"{table(outcomes)}\n\n{len(outcomes)} inputs in {seconds:.0f} s, {len(wrong)} not as they should be."
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
