"""A dask scheduler and workers as processes of this computer: for tests and benchmarks of several machines."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["local_cluster"]


@contextmanager
def local_cluster(workers: int) -> Iterator[str]:
    """Yield the address of a scheduler with so many workers of one thread each, which come again when killed."""
    from distributed import Client

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scheduler.json")
        dask, common = [sys.executable, "-m", "dask"], ["--scheduler-file", str(file), "--no-dashboard"]
        commands = [
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *common],
            [*dask, "worker", "--nworkers", str(workers), "--nthreads", "1", *common],
        ]
        programs = [
            subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in commands
        ]
        try:
            with Client(scheduler_file=str(file), set_as_default=False) as client:  # it waits for the file
                client.wait_for_workers(workers, timeout=300)  # beside other programs they take their time
                yield str(client.scheduler.address)
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()
