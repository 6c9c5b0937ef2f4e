import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CRASHES = Path(__file__).parents[3] / "benchmarks" / "crashes.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the painters are forked")
@pytest.mark.skipif(not CRASHES.exists(), reason="benchmarks are not here")
def test_nothing_is_lost_when_the_program_is_killed_at_random_moments():
    done = subprocess.run(
        [sys.executable, CRASHES, "--rounds", "8"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.fullmatch(
        r"(\d+) steps, 0 promises broken\.\n"
        r"8 rounds in \d+ s: (\d+) strokes, (\d+) drafts saved, (\d+) masks accepted, .* 0 promises broken\.\n",
        done.stdout,
    )
    assert said, done.stdout
    assert all(int(number) > 8 for number in said.groups())


def test_the_training_set_loads_without_torch():
    code = (
        "import sys; from napari_leukocyte.core.training_set import autosave, checks, training_set;"
        "sys.exit(bool({'torch', 'napari', 'qtpy', 'scipy', 'skimage'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
