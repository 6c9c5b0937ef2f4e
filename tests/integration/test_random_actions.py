"""Nothing that a person can do in any order raises, crashes or leaves a thread behind: the benchmark in small."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ACTIONS = Path(__file__).parents[2] / "benchmarks" / "random_actions.py"


@pytest.mark.slow
@pytest.mark.gui
@pytest.mark.skipif(not ACTIONS.exists(), reason="benchmarks are not here")
def test_random_actions_in_real_windows():
    command = [sys.executable, ACTIONS, "--actions", "40", "--seeds", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"seed 7: 40 actions in .* 0 problems\n", done.stdout), done.stdout
