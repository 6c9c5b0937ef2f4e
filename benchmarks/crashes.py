"""A program that paints, saves drafts and accepts is killed at random moments; what was promised must be there.

    python benchmarks/crashes.py [--rounds 200] [--seed 0] [--out FILE.md]

In each round one or two programs paint strokes into the images of one training set, hand every stroke to the saver of
drafts, and accept now and then. They write down each stroke when it was handed over, each draft when it was on the
disk, and each accept after it returned, into a pipe that outlives them. At moments the drafts that are there cannot be
read, as on a share that is away: they must be set aside then, not replaced. Then the programs get SIGKILL. Afterwards:

- the set opens, and every accept that was written down is there, bit for bit;
- a draft holds every stroke that is older than 2 s, and every one of a draft that was said to be saved;
- the check finds nothing but leftovers that it calls harmless.

Before that, accepting, saving a draft, adding an image, revoking and holding out are killed at each of their steps in
turn (before each flush and each rename), with the same to be true afterwards.

POSIX only: the painters are forked.
"""

import argparse
import contextlib
import errno
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.autosave import DraftSaver
from napari_leukocyte.core.training_set.checks import check
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet

SHAPE = (96, 128)
IMAGES = 2
ACCEPT_EVERY = 12  # strokes
OLD_S = 2.0  # a stroke older than this must not be lost


def painted(strokes: int) -> NDArray[np.uint8]:
    """The class map after so many strokes; each makes it another one."""
    classes = np.zeros(SHAPE, np.uint8)
    classes.flat[: min(strokes, classes.size)] = 1
    classes[-8:, -8:] = 2
    classes.flat[strokes % 1000 : strokes % 1000 + 5] = 2
    return classes


def labelled(classes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Cell labels that tell one map from another, too."""
    return np.where(classes > 0, 1 + int(classes.sum()) % 5000, 0).astype(np.int32)


def paint(folder: Path, pipe: int, first: int, *, drafts: bool) -> None:
    """Paint until killed, strokes numbered from ``first``; without drafts, only accept masks of the first image."""

    def say(*words: object) -> None:
        os.write(pipe, (" ".join(map(str, words)) + "\n").encode())  # short lines are written whole

    training_set = TrainingSet.open(folder)
    ids = training_set.image_ids()
    have_unreadable_moments(first)
    _claims = [training_set.drafts.claim(image) for image in ids if drafts]
    saver = DraftSaver(
        training_set,
        on_saved=lambda image, draft: say("saved", image, draft.facts.pixels_changed),
        on_failed=lambda image, reason: say("failed", image, reason),
    )
    stroke = first
    while True:
        stroke += 1
        image = ids[(stroke // ACCEPT_EVERY) % len(ids) if drafts else 0]
        classes = painted(stroke)
        cells = labelled(classes)
        if drafts:
            if stroke % 5 == 0:  # somebody was at its rights, so that it is read again before it is replaced
                with contextlib.suppress(FileNotFoundError):
                    (folder / "drafts" / image / "working.tif").chmod(0o600 + 0o44 * (stroke % 2))
            saver.submit(image, Draft(classes, cells, MaskFacts(model="m", pixels_changed=stroke), datetime.now(UTC)))
            say("stroke", image, stroke, time.time())
        if stroke % ACCEPT_EVERY == 0 or not drafts:
            version = training_set.accept(
                image, Correction(classes, cells, MaskFacts(pixels_changed=stroke, model="m"))
            )
            say("accepted", image, version.number, stroke)
        time.sleep(0.004)


def have_unreadable_moments(seed: int) -> None:
    """Let every third reading of a draft fail, in this process."""
    rng, real = np.random.default_rng(seed), Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.suffix == ".tif" and rng.random() < 1 / 3:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    setattr(Path, "read_bytes", read_bytes)  # noqa: B010 - a method, which mypy lets nobody replace


@dataclass
class Round:
    """What one round wrote down, and what it broke."""

    log: list[list[str]]
    killed: float
    faults: list[str] = field(default_factory=list)
    leftovers: int = 0

    def of(self, kind: str) -> list[list[str]]:
        return [words[1:] for words in self.log if words[0] == kind]


def run_round(folder: Path, seed: int, *, painters: int, seconds: float) -> Round:
    """Fork painters, kill them after a while, and look at what they leave."""
    training_set = TrainingSet.create(folder, pixel_size=0.1)
    rng = np.random.default_rng(seed)
    for i in range(IMAGES):
        training_set.add_image(rng.integers(0, 255, (*SHAPE, 3)).astype(np.uint8), name=f"image {i}.png")
    reading, writing = os.pipe()
    children = []
    for i in range(painters):
        child = os.fork()
        if child == 0:  # it never comes back
            try:
                os.close(reading)
                paint(folder, writing, 5000 * i, drafts=i == 0)
            except BaseException as error:
                os.write(writing, f"failed all {error!r}\n".encode())
            finally:
                os._exit(1)
        children.append(child)
    os.close(writing)
    time.sleep(seconds)
    killed = time.time()
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        log = [line.split() for line in pipe.read().splitlines()]
    done = Round(log, killed)
    judge(folder, done)
    return done


def judge(folder: Path, done: Round) -> None:
    """Write down each promise that was broken."""
    done.faults += [" ".join(words) for words in done.of("failed")]
    try:
        training_set = TrainingSet.open(folder)
    except LeukocyteError as error:
        done.faults.append(f"the set does not open: {error}")
        return
    accepted = done.of("accepted")
    times = Counter((image, number) for image, number, _ in accepted)
    done.faults += [f"number {number} of {image} was given twice" for (image, number), n in times.items() if n > 1]
    for image, number, stroke in accepted:
        found = {version.number: version for version in training_set.versions(image)}
        if int(number) not in found:
            done.faults.append(f"mask {number} of {image} is lost")
            continue
        classes, cells = training_set.read_mask(found[int(number)])
        wanted = painted(int(stroke))
        if not (np.array_equal(classes, wanted) and np.array_equal(cells, labelled(wanted))):
            done.faults.append(f"mask {number} of {image} is another one")
    for image in training_set.image_ids():
        old = [
            int(stroke) for one, stroke, when in done.of("stroke") if one == image and done.killed - float(when) > OLD_S
        ]
        saved = [int(stroke) for one, stroke in done.of("saved") if one == image]
        wanted_stroke = max(old + saved, default=0)
        there = [training_set.drafts.read(image), *training_set.drafts.kept(image)[0]]
        draft = max(filter(None, there), key=lambda one: one.facts.pixels_changed, default=None)
        if draft is None:
            if wanted_stroke:
                done.faults.append(f"the draft of {image} is lost")
            continue
        if draft.facts.pixels_changed < wanted_stroke:
            done.faults.append(f"the draft of {image} lacks strokes: {draft.facts.pixels_changed} < {wanted_stroke}")
        shown = painted(draft.facts.pixels_changed)
        if not (np.array_equal(draft.classes, shown) and np.array_equal(draft.cells, labelled(shown))):
            done.faults.append(f"the draft of {image} is of different moments")
        with training_set.drafts.claim(image):  # nobody holds it any more
            pass
    for problem in check(folder):
        done.leftovers += problem.harmless
        if not problem.harmless:
            done.faults.append(str(problem))


def run_rounds(count: int, seed: int, folder: Path) -> list[Round]:
    """In every fourth round a second program accepts masks of the same image; every tenth lasts more than 2 s."""
    rng = np.random.default_rng(seed)
    rounds = []
    for i in range(count):
        seconds = float(rng.uniform(2.2, 3.0) if i % 10 == 9 else rng.uniform(0.02, 0.6))
        rounds.append(run_round(folder / f"set-{i}", seed + i, painters=2 if i % 4 == 3 else 1, seconds=seconds))
        if rounds[-1].faults:
            print(f"round {i}, {seconds:.2f} s:", *rounds[-1].faults, sep="\n  ")
    return rounds


def accept_another(training_set: TrainingSet) -> None:
    classes = painted(2)
    training_set.accept(training_set.image_ids()[0], Correction(classes, labelled(classes)))


def save_another(training_set: TrainingSet) -> None:
    classes = painted(2)
    draft = Draft(classes, labelled(classes), MaskFacts(pixels_changed=2), datetime.now(UTC))
    training_set.drafts.save(training_set.image_ids()[0], draft)


def add_another(training_set: TrainingSet) -> None:
    training_set.add_image(np.full((*SHAPE, 3), 9, np.uint8), name="another.png")


def revoke_first(training_set: TrainingSet) -> None:
    training_set.revoke(training_set.image_ids()[0], 1)


def hold_out_first(training_set: TrainingSet) -> None:
    training_set.hold_out(training_set.image_ids()[:1])


ACTIONS = (accept_another, save_another, add_another, revoke_first, hold_out_first)


def run_steps(folder: Path) -> tuple[int, list[str]]:
    """Kill each action before each of its flushes and renames; returns how many there are, and what was broken."""
    steps, faults = 0, []
    for action in ACTIONS:
        for step in range(100):
            place = folder / f"{action.__name__}-{step}"
            training_set = TrainingSet.create(place, pixel_size=0.1)
            image = training_set.add_image(np.zeros((*SHAPE, 3), np.uint8), name="a.png")
            classes = painted(1)
            training_set.accept(image, Correction(classes, labelled(classes), MaskFacts(model="m")))
            draft = Draft(classes, labelled(classes), MaskFacts(pixels_changed=1), datetime.now(UTC))
            training_set.drafts.save(image, draft)
            child = os.fork()
            if child == 0:
                die_before(step)
                action(training_set)
                os._exit(0)
            if os.waitpid(child, 0)[1] == 0:  # it came to its end
                break
            steps += 1
            faults += [f"{action.__name__}, step {step}: {fault}" for fault in after_step(place, image)]
    return steps, faults


def die_before(step: int) -> None:
    """Kill this process at the flush or rename of that number."""
    calls = 0
    real: dict[str, Callable[..., None]] = {"fsync": os.fsync, "replace": os.replace}

    def counted(name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            nonlocal calls
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            real[name](*arguments)

        return call

    for name in real:
        setattr(os, name, counted(name))


def after_step(folder: Path, image: str) -> list[str]:
    """What is not as it was promised."""
    try:
        training_set = TrainingSet.open(folder)
        first = training_set.versions(image)[0]
        draft = training_set.drafts.read(image)
        faults = [str(problem) for problem in check(folder) if not problem.harmless]
        if not np.array_equal(training_set.read_mask(first)[0], painted(1)):
            faults.append("the accepted mask is another one")
        if draft is None or not np.array_equal(draft.classes, painted(draft.facts.pixels_changed)) or draft.note:
            faults.append("the draft is lost or damaged")
        for action in ACTIONS:  # everything goes on
            action(training_set)
        return faults + [str(problem) for problem in check(folder) if not problem.harmless]
    except Exception as error:
        return [repr(error)]


def summary(rounds: list[Round], seconds: float) -> str:
    """What was tried and what came of it, as Markdown."""
    lost = sum(len(one.faults) for one in rounds)
    strokes, saved, accepted = (sum(len(one.of(kind)) for one in rounds) for kind in ("stroke", "saved", "accepted"))
    return (
        f"{len(rounds)} rounds in {seconds:.0f} s: {strokes} strokes, {saved} drafts saved, {accepted} masks accepted, "
        f"{sum(one.leftovers for one in rounds)} harmless leftovers, {lost} promises broken."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    # a kill is no power cut, so a disk in memory shows the same, sooner
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        steps, faults = run_steps(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        rounds = run_rounds(arguments.rounds, arguments.seed, Path(folder))
    text = f"{steps} steps, {len(faults)} promises broken.\n{summary(rounds, time.perf_counter() - started)}"
    print("\n".join([*faults, text]))
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(faults) or any(one.faults for one in rounds))


if __name__ == "__main__":
    main()
