import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from napari_leukocyte.core.model.muon import is_hidden_kernel
from napari_leukocyte.core.model.recipes import default_recipe
from napari_leukocyte.core.model.training_run import TrainingRun
from napari_leukocyte.core.model.unet import UNetConfig

SMALL = replace(default_recipe(), architecture=UNetConfig(widths=(4, 8)), window=16, learning_rate=1e-4, weight_decay=0)


def changes(recipe):
    """Every parameter with what one step down a gradient adds to it."""
    run = TrainingRun(recipe, torch.device("cpu"), seed=0, start=None, steps=10)
    before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    loss = run.model(torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))).square().mean()
    run.descend(loss, recipe)
    assert run.step == 1
    return [(p, p.detach() - before[name]) for name, p in run.model.named_parameters()]


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_hidden_kernels_go_by_their_own_rate(rate):
    hidden = 0
    for parameter, change in changes(replace(SMALL, kernel_rate=rate)):
        if is_hidden_kernel(parameter):
            hidden += 1
            stretch = (max(1.0, len(change) / change[0].numel())) ** 0.5
            assert 0.6 * rate < float(torch.linalg.matrix_norm(change.flatten(1), 2)) / stretch < 1.3 * rate
        else:
            assert float(change.abs().max()) < 1.1e-4
    assert hidden > 3


def test_without_a_rate_of_their_own_they_go_as_the_rest():
    for _, change in changes(replace(SMALL, kernel_rate=0.0)):
        assert float(change.abs().max()) < 1.1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason="with CUDA triton has its use")
def test_without_cuda_no_optimiser_loads_triton(tmp_path):
    """Its LLVM beside Mesa's ends the process; here one stands in its place that ends it at once."""
    (tmp_path / "triton").mkdir()
    (tmp_path / "triton" / "__init__.py").write_text("import os\nos._exit(3)\n")
    code = (
        "import sys, torch\n"
        "from napari_leukocyte.core.model.recipes import default_recipe\n"
        "from napari_leukocyte.core.model.training_run import TrainingRun\n"
        "TrainingRun(default_recipe(), torch.device('cpu'), seed=0, start=None, steps=1)\n"
        "assert 'triton' not in sys.modules\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    assert run.returncode == 0
