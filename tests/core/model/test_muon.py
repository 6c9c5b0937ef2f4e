from copy import deepcopy

import pytest
import torch

from napari_leukocyte.core.model.muon import Muon, is_hidden_kernel, orthogonal
from napari_leukocyte.core.model.unet import UNet, UNetConfig


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def kernel_with_gradient(*shape, seed=0):
    kernel = torch.nn.Parameter(torch.randn(shape, generator=seeded(seed)))
    kernel.grad = torch.randn(shape, generator=seeded(seed + 1))
    return kernel


def singular_values(kernel):
    return torch.linalg.svdvals(kernel.detach().reshape(len(kernel), -1))


@pytest.mark.parametrize("shape", [(16, 144), (32, 32), (144, 16), (5, 4), (1, 9)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_all_singular_values_come_near_one(shape, scale):
    matrix = torch.randn(shape, generator=seeded()) * scale
    values = torch.linalg.svdvals(orthogonal(matrix))
    # a random square matrix has values so near 0 that they do not get all the way
    assert float(values.max()) < 1.25
    assert float(values.median()) > 0.65
    if max(shape) > 2 * min(shape):
        assert float(values.min()) > 0.65


@pytest.mark.parametrize("shape", [(8, 40), (40, 8)])
def test_the_directions_stay(shape):
    matrix = torch.randn(shape, generator=seeded())
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inside = u.T @ orthogonal(matrix) @ v.T
    torch.testing.assert_close(inside, torch.diag(inside.diagonal()), atol=1e-3, rtol=0)
    assert bool((inside.diagonal() > 0.65).all())


def test_a_weak_direction_is_learnt_like_a_strong_one():
    u, _ = torch.linalg.qr(torch.randn(8, 8, generator=seeded()))
    v, _ = torch.linalg.qr(torch.randn(30, 8, generator=seeded(1)))
    matrix = u @ torch.diag(torch.logspace(0, -2, 8)) @ v.T
    assert float(torch.linalg.svdvals(orthogonal(matrix)).min()) > 0.65


def test_no_gradient_at_all_changes_nothing():
    assert torch.equal(orthogonal(torch.zeros(4, 12)), torch.zeros(4, 12))


def test_a_step_has_the_size_of_the_learning_rate_whatever_the_gradient():
    changes = []
    for scale in (1.0, 1e3):
        kernel = kernel_with_gradient(8, 6, 3, 3)
        before = kernel.detach().clone()
        kernel.grad *= scale
        Muon([kernel], lr=0.1).step()
        changes.append(kernel.detach() - before)
        assert 0.065 < float(singular_values(changes[-1]).min()) <= float(singular_values(changes[-1]).max()) < 0.125
        assert float((changes[-1] * kernel.grad).sum()) < 0  # downhill
    torch.testing.assert_close(*changes)


def test_a_kernel_with_more_outputs_than_inputs_goes_further():
    kernel = kernel_with_gradient(36, 4, 1, 1)
    before = kernel.detach().clone()
    Muon([kernel], lr=0.1).step()
    assert 3 * 0.065 < float(singular_values(kernel.detach() - before).median()) < 3 * 0.125


def test_the_memory_layout_makes_no_difference():
    plain, last = kernel_with_gradient(8, 6, 3, 3), kernel_with_gradient(8, 6, 3, 3)
    last.data = last.data.to(memory_format=torch.channels_last)
    last.grad = last.grad.to(memory_format=torch.channels_last)
    for kernel in (plain, last):
        Muon([kernel], lr=0.1).step()
    torch.testing.assert_close(plain, last)


def test_weights_decay():
    kernel, faster = kernel_with_gradient(4, 4, 3, 3), kernel_with_gradient(4, 4, 3, 3)
    before = kernel.detach().clone()
    Muon([kernel], lr=0.1).step()
    Muon([faster], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(kernel.detach() - faster.detach(), 0.05 * before)


def test_momentum_remembers_and_is_restored_from_its_state():
    kernel = kernel_with_gradient(4, 4, 3, 3)
    optimiser = Muon([kernel], lr=0.1)
    optimiser.step()
    copy = torch.nn.Parameter(kernel.detach().clone())
    again = Muon([copy], lr=0.1)
    again.load_state_dict(deepcopy(optimiser.state_dict()))
    before = kernel.detach().clone()
    forgetful = torch.nn.Parameter(before.clone())
    anew = Muon([forgetful], lr=0.1)
    gradient = torch.randn(4, 4, 3, 3, generator=seeded(9))
    for parameter, own in ((kernel, optimiser), (copy, again), (forgetful, anew)):
        parameter.grad = gradient.clone()
        own.step()
    assert torch.equal(kernel, copy)
    assert not torch.allclose(kernel, forgetful, atol=1e-3)


def test_a_kernel_without_a_gradient_stays():
    kernel = torch.nn.Parameter(torch.ones(4, 4, 3, 3))
    Muon([kernel], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(kernel, torch.ones(4, 4, 3, 3))


def test_a_closure_is_refused():
    with pytest.raises(NotImplementedError):
        Muon([kernel_with_gradient(4, 4, 3, 3)], lr=0.1).step(lambda: 0.0)


@pytest.mark.parametrize("classes", [2, 3])
def test_hidden_kernels_are_all_but_the_first_and_the_last(classes):
    network = UNet(UNetConfig(classes=classes, widths=(8, 16, 32)))
    others = [name for name, p in network.named_parameters() if p.ndim == 4 and not is_hidden_kernel(p)]
    assert others == ["down.0.0.0.weight", "head.weight"]
    assert not any(is_hidden_kernel(p) for p in network.parameters() if p.ndim != 4)
