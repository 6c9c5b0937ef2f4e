import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import threading
import numpy as np
from napari_leukocyte.core.freed_memory import keep_freed_memory

def work(times):
    for _ in range(times):
        np.ones(2**18, np.float32)  # 1 MiB: numpy asks for huge pages from 4 MiB on

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=work, args=(times,))  # as a worker of dask
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults(200)
keep_freed_memory()
print(before, faults(200))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone")
def test_a_worker_of_dask_uses_freed_memory_again():
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 10 * after
