"""Muon: momentum whose update of each kernel is made orthogonal, so that all its directions are learnt alike.

After Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". torch has one since 2.9, for
matrices alone; a convolution's kernels (outputs, inputs, Y, X) are taken here as a matrix (outputs, inputs * Y * X).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Muon", "is_hidden_kernel", "orthogonal"]

_STEPS = 5
_QUINTIC = (3.4445, -4.775, 2.0315)  # of the paper: small singular values grow fastest; all end within 0.7-1.2
_SMALLEST = 4  # rows and columns: the first convolution's three colours and the last one's classes are no hidden layer


def is_hidden_kernel(parameter: Tensor) -> bool:
    """Whether a parameter is a convolution between hidden layers; the first and the last one are not."""
    return parameter.ndim == 4 and min(parameter.shape[:2]) >= _SMALLEST


class Muon(torch.optim.Optimizer):
    """Train kernels by orthogonal updates; biases, scales and the outer layers are for another optimiser.

    Parameters
    ----------
    kernels
        Parameters of two or more dimensions, see `is_hidden_kernel`.
    lr
        Size of a step: the spectral norm of the change, for a kernel with no more outputs than inputs.
    momentum
        Share of the mean gradient that stays from step to step.
    weight_decay
        Share of each weight that is taken away at every step, in units of ``lr``.
    """

    def __init__(
        self, kernels: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(kernels, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change each kernel that has a gradient; there is no ``closure`` to evaluate."""
        if closure is not None:
            raise NotImplementedError("Muon evaluates no closure.")
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(kernel)
                mean = state["mean"].lerp_(kernel.grad, 1 - momentum)
                ahead = kernel.grad.lerp(mean, momentum)  # Nesterov
                rows, columns = len(kernel), kernel[0].numel()
                change = orthogonal(ahead.reshape(rows, columns)).reshape(kernel.shape)
                kernel.mul_(1 - lr * group["weight_decay"])
                kernel.add_(change, alpha=-lr * max(1.0, rows / columns) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix near 1 (0.7-1.2) and keep its directions; of zeros it makes zeros."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-12)
    # The polynomials act on x from the left: they are multiplied on the small square x x^T, several times faster
    # than on x itself.
    square = x @ x.T
    identity = torch.eye(len(x), dtype=x.dtype, device=x.device)
    total = identity
    for _ in range(_STEPS):
        factor = a * identity + b * square + c * square @ square
        total = factor @ total
        square = factor @ square @ factor
    x = total @ x
    result: Tensor = x.T if tall else x
    return result
