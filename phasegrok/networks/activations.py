"""Activations of the hand-written networks and their slopes, in buffers of the caller."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

__all__ = ["ACTIVATIONS", "Activation"]


@final
@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function φ of pre-activations and a multiple of its derivative.

    Parameters
    ----------
    slope : callable
        Writes φ'(h) divided by `slope_factor` into its second argument, reading h from its
        first.
    value : callable
        Turns h into φ(h) in place.
    slope_factor : float
        Constant factor of φ', applied later to smaller arrays.
    value_and_slope : callable or None
        Does both at once, where that is cheaper.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    slope_factor: float = 1.0
    value_and_slope: Callable[[Tensor, Tensor], Tensor] | None = None

    def apply_with_slope(self, h: Tensor, out: Tensor) -> Tensor:
        """Turn h into φ(h) in place, with the multiple of φ'(h) in the second argument."""
        if self.value_and_slope is not None:
            return self.value_and_slope(h, out)
        self.slope(h, out)
        return self.value(h)


@functools.cache
def _zero(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.zeros((), dtype=dtype, device=device)


def _erf_slope(h: Tensor, out: Tensor) -> Tensor:
    # e^(-h²) as a power of two: torch computes exp2 three times faster than exp.
    return torch.addcmul(
        _zero(h.dtype, h.device), h, h, value=-math.log2(math.e), out=out
    ).exp2_()


def _tanh_slope(h: Tensor, out: Tensor) -> Tensor:
    # 1/cosh² in terms of tanh: rounding is symmetric and nothing overflows.
    torch.tanh(h, out=out)
    return out.square_().neg_().add_(1.0)


@functools.cache
def _one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones((), dtype=dtype, device=device)


def _tanh_with_slope(h: Tensor, out: Tensor) -> Tensor:
    value = h.tanh_()
    torch.addcmul(_one(h.dtype, h.device), value, value, value=-1.0, out=out)
    return value


def _relu_slope(h: Tensor, out: Tensor) -> Tensor:
    return torch.gt(h, 0.0, out=out)


def _linear_slope(h: Tensor, out: Tensor) -> Tensor:  # noqa: ARG001
    return out.fill_(1.0)


ACTIVATIONS: dict[str, Activation] = {
    "erf": Activation(
        value=torch.erf_, slope=_erf_slope, slope_factor=2.0 / math.sqrt(math.pi)
    ),
    "tanh": Activation(value=torch.tanh_, slope=_tanh_slope, value_and_slope=_tanh_with_slope),
    "relu": Activation(value=torch.relu_, slope=_relu_slope),
    "quadratic": Activation(
        value=torch.square_, slope=lambda h, out: out.copy_(h), slope_factor=2.0
    ),
    "linear": Activation(value=lambda h: h, slope=_linear_slope),
}
"""By the name used in a study."""
