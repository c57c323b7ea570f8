"""From the description of a network to the network and the way its batches are computed."""

import inspect
from collections.abc import Callable

from torch import nn

from phasegrok.errors import InvalidStudyError
from phasegrok.networks.base import Network
from phasegrok.networks.evaluation import Evaluation, ExampleBatch
from phasegrok.networks.losses import Loss
from phasegrok.networks.mapped_evaluation import (
    BatchedEvaluation,
    RunByRunEvaluation,
    is_batch_invariant,
)
from phasegrok.networks.module import ModuleNetwork
from phasegrok.networks.two_layer import TwoLayerNetwork
from phasegrok.networks.two_layer_evaluation import TwoLayerEvaluation
from phasegrok.study import Part, build_part, find_plug_in
from phasegrok.tasks import Task

__all__ = ["NETWORKS", "build_network", "evaluation_of"]

NETWORKS: dict[str, Callable[..., Network]] = {"two_layer": TwoLayerNetwork}
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
    built = build_part(description, NETWORKS, "network")
    if isinstance(built, nn.Module):
        key = f"{description.kind} {sorted(description.options.items())}"
        return ModuleNetwork(module=built, input_shape=tuple(task.input_shape), key=key)
    if not isinstance(built, Network):
        raise InvalidStudyError(
            f"the network {description.kind!r} must be a phasegrok.networks.Network or a "
            f"torch.nn.Module, received {type(built).__name__}. See docs/extending.md."
        )
    return built


def evaluation_of(network: Network, loss: Loss, examples: ExampleBatch) -> Evaluation[object]:
    """Choose how a batch is computed: by hand, batched, or run by run.

    Parameters
    ----------
    network : Network
        What is computed.
    loss : Loss
        Of its outputs.
    examples : ExampleBatch
        For the probe whether batching keeps every bit.

    Returns
    -------
    Evaluation
        Run by run where batching would let a run's numbers depend on its neighbours.
    """
    if isinstance(network, TwoLayerNetwork):
        return TwoLayerEvaluation(network, loss)  # type: ignore[return-value]
    if is_batch_invariant(network, loss, examples):
        return BatchedEvaluation(network, loss)  # type: ignore[return-value]
    return RunByRunEvaluation(network, loss)  # type: ignore[return-value]
