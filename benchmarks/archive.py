"""An archive of crops over the workers of a dask cluster on this computer: rates, and workers that are killed.

    python benchmarks/archive.py [--images 20000] [--workers 1 2] [--jobs 1 2] [--pin] [--kill-every 20]

At most ``--distinct`` crops are drawn; the others are these with a pixel changed, so that every file is another one.
The same list is segmented by each number of workers, one thread each, and by each number of processes without a
cluster (``--jobs``); what these took of the processors says more than the clock where other programs run. The one who
writes and dask's scheduler need a core as well: ``--pin`` gives all of a run together as many cores as it has workers,
so that twice the workers are twice the computer (Linux). All results must be the same. ``--kill-every S`` segments the
list once more while a worker, drawn at random, gets SIGKILL every S seconds, and holds maps, table and record to those
of the undisturbed run.
"""

import argparse
import os
import pickle
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
from typing import Any

import numpy as np
from PIL import Image

from local_cluster import local_cluster
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.packed import Packed
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import ImageSegmented, method_of, segment_images
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


def on_its_way(folder: Path, *, images: int, size: int, model: str, engine: Any) -> str:
    """What the results of some images take between a worker and the one who writes."""
    from napari_leukocyte.core.segmentation.cluster_worker import Done

    parameters = SegmentParameters(model=model, engine=engine)
    method, decision = method_of(parameters), SizeDecision(PixelSize(480 / size / PX_PER_UM, "drawn"))
    sent, maps = [], []
    sources = list(sources_from_files(sorted(folder.iterdir())[:images]))
    for event in segment_images(sources, parameters, method, decisions=dict.fromkeys(range(images), decision)):
        if isinstance(event, ImageSegmented):
            result = event.result
            sent.append(len(pickle.dumps(Done(result, result.measure(), ""))))
            maps.append(sum(len(pickle.dumps(Packed(one))) for one in (result.classes, result.cells)))
    return f"a result takes {np.median(sent) / 1000:.1f} kB on its way, its maps {np.median(maps) / 1000:.1f} of them"


def segmented(folder: Path, out: Path, *options: str) -> tuple[float, float]:
    """Run the command; returns its seconds by the clock and, with the processes that it began, of the processor."""
    command = [sys.executable, "-m", "napari_leukocyte", "segment", str(folder), "--out", str(out)]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"segment failed: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return time.perf_counter() - started, taken


def cells(out: Path) -> list[dict[str, str]]:
    """The rows of the table, but for how many threads they were made by."""
    record = read_record(out)
    assert record is not None
    return [{name: text for name, text in row.items() if name != "device"} for row in record.table().rows]


class Rates:
    """Segments one list in several ways, and says how quick each was.

    What all have once (torch is loaded, pixel sizes are decided) is measured on a short list, and not counted.
    """

    def __init__(self, place: Path, options: list[str], *, pin: bool) -> None:
        self._place, self._options, self._pin = place, options, pin
        self._images, self._few = (len(list((place / name).iterdir())) for name in ("in", "first"))
        self._cores = sorted(os.sched_getaffinity(0)) if pin else []
        self.rates: dict[tuple[str, int], float] = {}

    @property
    def made(self) -> list[Path]:
        """The folders with results."""
        return [self._place / f"{kind} {number}" for kind, number in self.rates]

    def by_workers(self, number: int) -> None:
        """The workers of a cluster, one thread each."""
        from distributed import Client

        self._hold(number)
        with local_cluster(number) as address, Client(address, set_as_default=False) as client:

            def of_workers() -> float:
                return float(sum(client.run(time.process_time).values()))

            less, own_less = self._run("first", f"first {number}", "--scheduler", address)
            before = of_workers()
            seconds, own = self._run("in", f"workers {number}", "--scheduler", address)
            each = 1000 * (of_workers() - before) / self._images
            own = 1000 * (own - own_less) / (self._images - self._few)
        self._say("workers", number, seconds, less, f"{each:.0f} ms an image in workers, {own:.1f} ms in the writer")

    def by_jobs(self, number: int) -> None:
        """Processes without a cluster."""
        self._hold(number)
        less, own_less = self._run("first", f"first of jobs {number}", "--jobs", str(number))
        seconds, own = self._run("in", f"jobs {number}", "--jobs", str(number))
        own = 1000 * (own - own_less) / (self._images - self._few)
        self._say("jobs", number, seconds, less, f"{own:.0f} ms an image in all processes together")

    def _run(self, folder: str, out: str, *options: str) -> tuple[float, float]:
        return segmented(self._place / folder, self._place / out, *options, *self._options)

    def _hold(self, number: int) -> None:
        """The processes that are begun from now on have so many cores."""
        if self._pin:
            os.sched_setaffinity(0, self._cores[:number])

    def _say(self, kind: str, number: int, seconds: float, less: float, processor: str) -> None:
        rate = (self._images - self._few) / (seconds - less)
        self.rates[kind, number] = rate
        others = [(other, one) for (own, other), one in self.rates.items() if own == kind and other < number]
        times = "".join(f", {rate / one:.2f} times as fast as {other}" for other, one in others)
        print(
            f"{kind} {number}: {self._images} images in {seconds:.0f} s, {less:.0f} s of it to begin; {rate:.2f} "
            f"images a second{times}; of the processor {processor}",
            flush=True,
        )


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
    parser.add_argument("--jobs", type=int, nargs="*", default=[], help="without a cluster: processes")
    parser.add_argument("--pin", action="store_true", help="as many cores as workers, for all of a run")
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
        make_archive(place / "first", images=8 * max(*given.workers, *given.jobs, 1), distinct=1, size=given.size)
        few = min(given.distinct, 50)
        print(on_its_way(place / "in", images=few, size=given.size, model=given.model, engine=given.engine), flush=True)
        rates = Rates(place, options, pin=given.pin)
        for number in given.jobs:
            rates.by_jobs(number)
        for number in given.workers:
            rates.by_workers(number)
        rows = [cells(out) for out in rates.made]
        faults += [
            f"the cells of {out.name} are others" for out, own in zip(rates.made, rows, strict=True) if own != rows[0]
        ]
        print(f"{len(faults)} of these {len(rows)} runs have other cells than the first", flush=True)
        if given.kill_every:
            most = max(given.workers)
            with local_cluster(most) as address, killer(address, given.kill_every, given.minutes) as killed:
                seconds, _ = segmented(place / "in", place / "killed", "--scheduler", address, *options)
            others = faults_at_end(place / "killed", rates.made[-1])
            print(
                f"{len(killed)} kills in {seconds:.0f} s, one every {given.kill_every:.0f} s: "
                f"{len(others)} differences from the undisturbed run"
            )
            faults += others
    print("\n".join(faults[:20]))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
