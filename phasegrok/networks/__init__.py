"""Networks that hold many runs at once; axis 0 is always the run."""

from phasegrok.networks.base import Network, SingleRunNetwork, draw_from_prior, fan_in_variance
from phasegrok.networks.building import NETWORKS, build_network, evaluation_of
from phasegrok.networks.deep import DeepNetwork, deep_linear
from phasegrok.networks.deep_evaluation import DeepEvaluation
from phasegrok.networks.deep_linear_evaluation import DeepLinearEvaluation
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient
from phasegrok.networks.layout import Layout, Leaf, Parameters
from phasegrok.networks.losses import LOSSES, Loss, SquaredLoss, find_loss
from phasegrok.networks.mapped_evaluation import MappedEvaluation, is_batch_invariant
from phasegrok.networks.module import ModuleNetwork
from phasegrok.networks.scalar_chain_evaluation import ScalarChainEvaluation
from phasegrok.networks.two_layer import TwoLayerNetwork
from phasegrok.networks.two_layer_evaluation import TwoLayerEvaluation

__all__ = [
    "LOSSES",
    "NETWORKS",
    "DeepEvaluation",
    "DeepLinearEvaluation",
    "DeepNetwork",
    "Evaluation",
    "ExampleBatch",
    "Gradient",
    "Layout",
    "Leaf",
    "Loss",
    "MappedEvaluation",
    "ModuleNetwork",
    "Network",
    "Parameters",
    "ScalarChainEvaluation",
    "SingleRunNetwork",
    "SquaredLoss",
    "TwoLayerEvaluation",
    "TwoLayerNetwork",
    "build_network",
    "deep_linear",
    "draw_from_prior",
    "evaluation_of",
    "fan_in_variance",
    "find_loss",
    "is_batch_invariant",
]
