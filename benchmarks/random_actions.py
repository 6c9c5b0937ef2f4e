"""Random actions in real windows of napari: no exception, no crash, no thread left, and memory that does not grow.

    python benchmarks/random_actions.py [--actions 1000] [--seeds 0 1 2]

Images are opened, as layers, stacks and folders, segmented, cancelled, painted, undone, repaired, stepped through,
compared, accepted, trained on; layers are renamed, duplicated and deleted, one by one and all at once; docks and
windows are closed while work is under way, and at times two windows are open. The images are tiny, and so is the
network.

Each seed has a process of its own, with a display of its own where there is Xvfb. A line for each says how many actions
were made and in how many seconds, how much memory was in use after the first hundred and at the end, how long the event
loop was held at most after an action, and how many things went wrong; what it was comes before.
"""

import argparse
import ctypes
import faulthandler
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from random_person import Person

MOST_GROWTH_MB = 200
WARM = 100  # actions after which all libraries are loaded


def memory_mb() -> float:
    """Memory of this process that is really in use; 0 where the system does not say it as Linux does."""
    if sys.platform != "linux":
        return 0.0
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free goes back to the system, so that it is not counted
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def start_display() -> "subprocess.Popen[bytes] | None":
    """Give this process a display of its own, where there is Xvfb; without one, windows open where they always do."""
    if not (sys.platform == "linux" and shutil.which("Xvfb")):
        return None
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        os.environ.pop(name, None)
    return server


def run(seed: int, actions: int) -> bool:
    """Make the actions of one seed in this process; returns whether all went well."""
    faulthandler.enable()
    os.environ["NAPARI_CONFIG"] = ""  # settings stay in memory
    server = start_display()
    try:
        with tempfile.TemporaryDirectory() as folder:
            began, first = perf_counter(), 0.0
            person = Person(seed, Path(folder))
            for number in range(actions):
                person.act()
                if (number + 1) % 50 == 0:
                    print(f"seed {seed}: {number + 1} actions, {memory_mb():.0f} MB", file=sys.stderr, flush=True)
                if number + 1 == min(actions, WARM):
                    first = memory_mb()
            last = memory_mb()
            person.leave()
    finally:
        if server is not None:
            server.terminate()
    if last - first > MOST_GROWTH_MB:
        person.tell(f"memory grew from {first:.0f} to {last:.0f} MB: {dict(person.done)}")
    held, after = person.longest
    print(
        f"seed {seed}: {actions} actions in {perf_counter() - began:.0f} s, {first:.0f} MB after {min(actions, WARM)}, "
        f"{last:.0f} MB at the end, held for {held:.1f} s {after}, {len(person.problems)} problems",
        flush=True,
    )
    return not person.problems


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    if len(given.seeds) == 1:
        well = run(given.seeds[0], given.actions)
        sys.stdout.flush()
        os._exit(0 if well else 1)  # what Python ends with is no part of this
    ended = {
        seed: subprocess.run([sys.executable, __file__, "--actions", str(given.actions), "--seeds", str(seed)])
        for seed in given.seeds
    }
    bad = [f"seed {seed}: exit status {process.returncode}" for seed, process in ended.items() if process.returncode]
    raise SystemExit("\n".join(bad) or None)


if __name__ == "__main__":
    main()
