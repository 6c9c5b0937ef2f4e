import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_leukocyte.core.segmentation.in_jobs import can_share_work

FAULTS = Path(__file__).parents[1] / "benchmarks" / "faults.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="readers are forked")
@pytest.mark.skipif(not can_share_work(), reason="no semaphores between processes here")
@pytest.mark.skipif(not FAULTS.exists(), reason="benchmarks are not here")
def test_broken_inputs_are_read_rightly_or_refused_in_a_sentence():
    command = [sys.executable, FAULTS, "--inputs", "60", "--quick", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 not as they should be." in done.stdout
