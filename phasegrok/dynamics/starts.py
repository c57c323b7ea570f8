"""How initial states are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Generator

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.networks import (
    DeepNetwork,
    Network,
    Parameters,
    TwoLayerNetwork,
    draw_from_prior,
)
from phasegrok.study import find_plug_in
from phasegrok.tasks import TaskData

__all__ = ["STARTS", "Start", "StartContext", "find_start"]


@final
@dataclass(frozen=True, kw_only=True)
class StartContext:
    """What a start may use to make the weights of a single run.

    Parameters
    ----------
    network : Network
        Of this run.
    data : TaskData
        Its disorder.
    generator : torch.Generator
        The run's own, on the CPU.
    dtype : torch.dtype
        Of the weights.
    """

    network: Network
    data: TaskData
    generator: Generator
    dtype: torch.dtype


Start = Callable[[StartContext], Parameters]
"""Makes the weights of one run, {name: (*shape)}."""


def prior_start(context: StartContext) -> Parameters:
    """A draw from the Gaussian prior of every layer."""
    network = context.network
    return draw_from_prior(
        network.leaves,
        network.prior_variances(),
        generator=context.generator,
        dtype=context.dtype,
    )


def own_start(context: StartContext) -> Parameters:
    """What the network itself begins with, such as a module's ``reset_parameters``."""
    weights = context.network.initial(context.generator, context.dtype)
    if weights is None:
        raise InvalidStudyError(
            f"the network {type(context.network).__name__} has no start of its own; "
            "use 'prior'."
        )
    return weights


def zero_start(context: StartContext) -> Parameters:
    """All weights zero."""
    return {
        leaf.name: torch.zeros(leaf.shape, dtype=context.dtype)
        for leaf in context.network.leaves
    }


def aligned_start(context: StartContext) -> Parameters:
    """Every hidden neuron at q = ±1, with a readout of the same sign: the learned side.

    The other components are those of the prior. Together with "prior" it brackets equilibrium.
    """
    network, truth = context.network, context.data.truth
    if not isinstance(network, TwoLayerNetwork) or "teacher" not in truth:
        raise InvalidStudyError(
            "the start 'aligned' needs the network two_layer and a task with a teacher, "
            f"received {type(network).__name__}; use 'prior'."
        )
    weights = prior_start(context)
    teacher = torch.as_tensor(truth["teacher"], dtype=context.dtype)
    overlap = weights["first"] @ teacher
    sign = torch.where(overlap >= 0.0, 1.0, -1.0).to(context.dtype)
    weights["first"] += (sign - overlap)[:, None] * teacher
    weights["readout"] = weights["readout"].abs() * sign
    return weights


def learned_start(context: StartContext) -> Parameters:
    """A linear network that is its linear teacher: W_L ... W_1 = Σ_k s_k u_k v_kᵀ.

    The factors are balanced, s_k^(1/L) in every layer along one direction of each hidden
    layer, which has the least Σ |W_l|² of all with this product (Saxe, McClelland, Ganguli,
    arXiv 1312.6120). A width below the number of modes holds the strongest ones.
    """
    network, truth = context.network, context.data.truth
    if (
        not isinstance(network, DeepNetwork)
        or network.activation != "linear"
        or "strengths" not in truth
    ):
        raise InvalidStudyError(
            "the start 'learned' needs the network deep_linear and the task linear_teacher, "
            f"received {type(network).__name__}; use 'prior'."
        )
    left, right, strengths = (
        torch.as_tensor(truth[name], dtype=torch.float64)
        for name in ("left", "right", "strengths")
    )
    order = strengths.abs().argsort(descending=True, stable=True)[: min(network.sizes)]
    # Between directions of the inputs and of the outputs, unit vectors of the hidden neurons.
    hidden = [torch.eye(size, len(order), dtype=torch.float64) for size in network.sizes[1:-1]]
    ends = [right[:, order], *hidden, left[:, order]]
    share = strengths[order].abs() ** (1.0 / network.depth)
    shares = [*[share] * (network.depth - 1), share * strengths[order].sign()]
    return {
        leaf.name: ((above * each) @ below.T).to(context.dtype)
        for leaf, above, below, each in zip(
            network.leaves, ends[1:], ends[:-1], shares, strict=True
        )
    }


STARTS: dict[str, Start] = {
    "aligned": aligned_start,
    "learned": learned_start,
    "own": own_start,
    "prior": prior_start,
    "zero": zero_start,
}
"""Built-in starts, by the name used in a plan."""


def find_start(name: str) -> Start:
    """Find a start by name.

    Parameters
    ----------
    name : str
        A built-in name or ``module:object``.

    Returns
    -------
    Start
        The function.

    Raises
    ------
    InvalidStudyError
        If there is none of that name.
    """
    if ":" in name:
        start: Start = find_plug_in(name)
        return start
    if name not in STARTS:
        raise InvalidStudyError(f"there is no start {name!r}." + did_you_mean(name, STARTS))
    return STARTS[name]
