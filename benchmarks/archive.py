"""An archive of crops over the workers of a dask cluster on this computer: rates, and workers that are killed.

    python benchmarks/archive.py [--images 20000] [--distinct 500] [--workers 1 2] [--model default] [--kill-every 20]

At most ``--distinct`` crops are drawn; the others are these with a pixel changed, so that every file is another one.
The same list is segmented by each number of workers, one thread each; what a process took of the processors says more
than the clock where other programs run. ``--kill-every S`` segments it once more while a worker, drawn at random, gets
SIGKILL every S seconds, and holds maps, table and record to those of the undisturbed run.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from local_cluster import local_cluster
from napari_leukocyte.core.synthetic.smear import draw_cell
from resume_kills import faults_at_end

PX_PER_UM = 10.2


def make_archive(folder: Path, *, images: int, distinct: int, size: int, seed: int = 0) -> None:
    """Write crops of which no two are the same; they state no pixel size."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    scale = PX_PER_UM * size / 480
    crops = [draw_cell(seed=seed + i, size=(size, size), px_per_um=scale).image for i in range(min(distinct, images))]
    for i in range(images):
        crop = crops[i % len(crops)].copy()
        crop[rng.integers(size), rng.integers(size)] = rng.integers(0, 255, 3)
        Image.fromarray(crop).save(folder / f"{i:05d}.png", compress_level=1)


def segmented(folder: Path, out: Path, scheduler: str, *options: str) -> tuple[float, float]:
    """Run the command; returns its seconds by the clock and of the processor."""
    command = [sys.executable, "-m", "napari_leukocyte", "segment", str(folder), "--out", str(out)]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, "--scheduler", scheduler, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"segment failed: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return time.perf_counter() - started, taken


def measured(folder: Path, first: Path, out: Path, workers: int, images: int, options: list[str]) -> tuple[str, float]:
    """Segment with so many workers; returns a line, and images a second by the clock."""
    from distributed import Client

    with local_cluster(workers) as address, Client(address, set_as_default=False) as client:
        # what both have once (torch is loaded, pixel sizes are decided) is not counted
        few = len(list(first.iterdir()))
        less, own_less = segmented(first, out.with_name(f"{out.name} first"), address, *options)
        before = sum(client.run(time.process_time).values())
        seconds, own = segmented(folder, out, address, *options)
        of_workers = sum(client.run(time.process_time).values()) - before
    rate = (images - few) / (seconds - less)
    each = 1000 * (own - own_less) / (images - few)
    line = (
        f"{workers} worker(s): {images} images in {seconds:.0f} s; {rate:.2f} a second after the start; of the "
        f"processor {1000 * of_workers / images:.0f} ms an image in workers, {each:.1f} ms in the one who writes"
    )
    return line, rate


@contextmanager
def killer(address: str, every: float, minutes: float) -> Iterator[list[int]]:
    """Kill a worker drawn at random every so many seconds while the block runs; yields the kills."""
    from distributed import Client

    rng, ended, killed = np.random.default_rng(0), threading.Event(), list[int]()

    def kill() -> None:
        with Client(address, set_as_default=False) as client:
            until = time.monotonic() + 60 * minutes
            while not ended.wait(every) and time.monotonic() < until:
                there = list(client.run(os.getpid, on_error="ignore").values())
                if there:
                    os.kill(int(rng.choice(there)), signal.SIGKILL)
                    killed.append(1)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--distinct", type=int, default=500)
    parser.add_argument("--size", type=int, default=480, help="of a crop, px")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="default")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--kill-every", type=float, metavar="S")
    parser.add_argument("--minutes", type=float, default=5, help="kill for so long at most")
    given = parser.parse_args()
    options = ["--model", given.model, "--engine", given.engine]
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make_archive(place / "in", images=given.images, distinct=given.distinct, size=given.size)
        make_archive(place / "first", images=8 * max(given.workers), distinct=1, size=given.size)
        rates = {}
        for workers in given.workers:
            line, rates[workers] = measured(
                place / "in", place / "first", place / f"{workers}", workers, given.images, options
            )
            print(line, flush=True)
        most, least = max(rates), min(rates)
        if most > least:
            print(f"{most} workers are {rates[most] / rates[least]:.2f} times as fast as {least}")
        if given.kill_every:
            with local_cluster(most) as address, killer(address, given.kill_every, given.minutes) as killed:
                seconds, _ = segmented(place / "in", place / "killed", address, *options)
            faults = faults_at_end(place / "killed", place / f"{most}")
            print(
                f"{len(killed)} kills in {seconds:.0f} s, one every {given.kill_every:.0f} s: "
                f"{len(faults)} differences from the undisturbed run"
            )
    print("\n".join(faults[:20]))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
