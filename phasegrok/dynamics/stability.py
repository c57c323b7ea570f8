"""Largest curvature of the energy at the start, by power iteration."""

import torch
from torch import Tensor

from phasegrok.dynamics.system import System

__all__ = ["largest_curvature"]


def largest_curvature(system: System, position: Tensor, *, iterations: int = 12) -> Tensor:
    """Estimate λ_max of the Hessian of V in the coordinates of the system.

    Parameters
    ----------
    system : System
        Energy of the batch.
    position : (run, row) tensor
        Where.
    iterations : int
        Of the power method; each takes two gradients, whose difference is the Hessian's action.

    Returns
    -------
    (run,) float64 tensor
        Size of the curvature that is largest in size, good to some per cent; it only warns.
    """
    source = torch.Generator(device=position.device).manual_seed(1)
    direction = torch.randn(position.shape[1], generator=source, device=position.device)
    direction = direction.to(position.dtype).expand_as(position).clone()
    system.layout.clear_padding(direction)
    calls = system.gradient_calls
    curvature = torch.zeros(position.shape[0], dtype=torch.float64, device=position.device)
    for _ in range(iterations):
        length = direction.double().square().sum(dim=1).sqrt().clamp(min=1e-300)
        direction = direction / length[:, None].to(direction.dtype)
        product = _hessian_action(system, position, direction)
        curvature = (product.double() * direction.double()).sum(dim=1)
        direction = product
    system.gradient_calls = calls
    return curvature.abs()


def _hessian_action(system: System, position: Tensor, direction: Tensor) -> Tensor:
    # A central difference; its step balances rounding against the third derivative.
    size = position.double().square().sum(dim=1).sqrt().clamp(min=1.0)
    epsilon = torch.finfo(position.dtype).eps ** (1.0 / 3.0)
    shift = (epsilon * size)[:, None].to(position.dtype)
    sides = []
    for sign in (1.0, -1.0):
        moved = position + sign * shift * direction
        data = system.data_gradient(moved, None, None).rows
        sides.append(system.assemble(data, moved, torch.empty_like(moved)))
    difference: Tensor = (sides[0] - sides[1]) / (2.0 * shift)
    return difference
