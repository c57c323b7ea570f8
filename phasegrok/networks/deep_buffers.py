"""Buffers of deep networks: padded weights of a few runs at a time, and their way back to rows.

Hidden neurons and inputs are padded to multiples of 8 and outputs to multiples of 2, so that
every matrix of a batch begins at an aligned address and none is a vector: then products round
alike wherever a run sits in a batch.
"""

import itertools
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.deep import DeepNetwork
from phasegrok.networks.layout import Layout, up

__all__ = ["WeightBuffers", "padded_sizes"]


def padded_sizes(network: DeepNetwork) -> tuple[int, ...]:
    """Numbers of inputs, hidden neurons and outputs after filling up."""
    *before, outputs = network.sizes
    return (*(up(size, 8) for size in before), up(outputs, 2))


@final
class WeightBuffers:
    """Weights and gradients of the layers of one piece, padded.

    Parameters
    ----------
    network : DeepNetwork
        Sizes.
    like : tensor
        Of the dtype and on the device of the weights.
    size : int
        Runs of a piece.
    """

    def __init__(self, network: DeepNetwork, like: Tensor, size: int) -> None:
        self._layout: Layout = network.layout()
        shapes = [(above, below) for below, above in itertools.pairwise(padded_sizes(network))]
        self.weights = [like.new_zeros((size, *shape)) for shape in shapes]
        """Of each layer, (run, above, below)."""
        self.gradients = [torch.zeros_like(each) for each in self.weights]
        """∂L/∂W of each layer, (run, above, below); what is in the padding is left out."""
        self._live_weights = _live(self.weights, network)
        self._live_gradients = _live(self.gradients, network)

    def load(self, rows: Tensor) -> None:
        """Take the weights from rows (run, row)."""
        given = self._layout.split(rows).values()
        for live, weights in zip(self._live_weights, given, strict=True):
            live.copy_(weights)

    def store(self, rows: Tensor) -> None:
        """Put the gradients into rows (run, row)."""
        views = self._layout.split(rows).values()
        for view, live in zip(views, self._live_gradients, strict=True):
            view.copy_(live)


def _live(padded: list[Tensor], network: DeepNetwork) -> list[Tensor]:
    """Views of what is no padding."""
    return [
        each[:, : leaf.shape[0], : leaf.shape[1]]
        for each, leaf in zip(padded, network.leaves, strict=True)
    ]
