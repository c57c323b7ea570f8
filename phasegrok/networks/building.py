"""From the description of a network to the network and the way its batches are computed."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from phasegrok.errors import InvalidStudyError
from phasegrok.networks.base import Network
from phasegrok.networks.deep import DeepNetwork, deep_linear
from phasegrok.networks.deep_evaluation import DeepEvaluation
from phasegrok.networks.deep_linear_evaluation import DeepLinearEvaluation
from phasegrok.networks.evaluation import Evaluation
from phasegrok.networks.losses import Loss, SquaredLoss
from phasegrok.networks.mapped_evaluation import MappedEvaluation
from phasegrok.networks.module import ModuleNetwork
from phasegrok.networks.scalar_chain_evaluation import ScalarChainEvaluation
from phasegrok.networks.two_layer import TwoLayerNetwork
from phasegrok.networks.two_layer_evaluation import TwoLayerEvaluation
from phasegrok.study import Part, build_part, find_plug_in
from phasegrok.tasks import Task

__all__ = ["NETWORKS", "build_network", "evaluation_of"]

NETWORKS: dict[str, Callable[..., Network]] = {
    "deep": DeepNetwork,
    "deep_linear": deep_linear,
    "two_layer": TwoLayerNetwork,
}
"""Built-in kinds, by the name used in a study."""


def build_network(description: Part, task: Task) -> Network:
    """Make the network that a part describes.

    Parameters
    ----------
    description : Part
        Kind and options.
    task : Task
        Gives ``input_size``, ``input_shape`` and ``output_size`` to kinds that ask for them.

    Returns
    -------
    Network
        A plain ``torch.nn.Module`` is wrapped.

    Raises
    ------
    InvalidStudyError
        For an unknown kind or option, or a plug-in that is neither.
    """
    kind = find_plug_in(description.kind) if ":" in description.kind else None
    make = kind or NETWORKS.get(description.kind)
    if make is not None:
        offered = {"input_shape": tuple(task.input_shape), "output_size": task.output_size}
        if len(task.input_shape) == 1:
            offered["input_size"] = task.input_shape[0]
        wanted = inspect.signature(make).parameters
        missing = {
            name: value
            for name, value in offered.items()
            if name in wanted and name not in description.options
        }
        description = description.with_options(missing)
    # A module draws its first weights from the global generator of torch: the caller's stays.
    with torch.random.fork_rng(devices=[]):
        built = build_part(description, NETWORKS, "network")
    if isinstance(built, nn.Module):
        return _module_network(description, tuple(task.input_shape))
    if not isinstance(built, Network):
        raise InvalidStudyError(
            f"the network {description.kind!r} must be a phasegrok.networks.Network or a "
            f"torch.nn.Module, received {type(built).__name__}. See docs/extending.md."
        )
    return built


def _module_network(description: Part, input_shape: tuple[int, ...]) -> ModuleNetwork:
    make: Callable[[], Any] = partial(build_part, description, NETWORKS, "network")
    key = f"{description.kind} {sorted(description.options.items())}"
    return ModuleNetwork(make=make, input_shape=input_shape, key=key)


def evaluation_of(network: Network, loss: Loss, *, dtype: torch.dtype) -> Evaluation[Any]:
    """Choose how a batch is computed: by hand, or by torch.func.

    Parameters
    ----------
    network : Network
        What is computed.
    loss : Loss
        Of its outputs.
    dtype : torch.dtype
        Of the weights.

    Returns
    -------
    Evaluation
        In both, a run's numbers are bitwise the same in any batch.
    """
    if isinstance(network, TwoLayerNetwork):
        return TwoLayerEvaluation(network, loss)
    if isinstance(network, DeepNetwork):
        return _deep_evaluation(network, loss)
    return MappedEvaluation(network, loss, dtype=dtype)


def _deep_evaluation(network: DeepNetwork, loss: Loss) -> Evaluation[Any]:
    if network.activation != "linear" or not isinstance(loss, SquaredLoss):
        return DeepEvaluation(network, loss)
    if set(network.sizes) == {1}:
        return ScalarChainEvaluation(network, loss)
    return DeepLinearEvaluation(network, loss)
