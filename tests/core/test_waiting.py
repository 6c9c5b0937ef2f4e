import os
import subprocess
import sys

import pytest

from napari_leukocyte.core.waiting import wait_asleep


def test_a_users_own_choice_stays(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize("start", ["napari_leukocyte.plugin.background", "napari_leukocyte.cli.app"])
def test_it_is_settled_before_torch_loads(start, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    call = "" if start.endswith("background") else "module.app = lambda **_: None; module.main(); "
    program = f"import os, sys, {start}; module = sys.modules['{start}']; {call}"
    program += "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["PASSIVE", "False"]
