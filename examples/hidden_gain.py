"""An observable of one's own: the gain of hidden layers, for `deep_linear_phase_diagram.py`.

It lies in a file of its own since the source of an observable is part of a study's identity:
the example may change while its runs stay.
"""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from phasegrok.observables import Measurement, Observable


@final
@dataclass(frozen=True, kw_only=True)
class LogHiddenGain(Observable):
    """ln a, a = |W_(L-1) ... W_1| of a linear network with one input.

    The two phases of a network with one output are two peaks of its density. The output m is
    no such coordinate: at given a it is Gaussian, so that its density has a peak at zero that
    is no phase.

    Parameters
    ----------
    depth : int
        Number L of layers.
    """

    depth: int
    name: str = "log_hidden_gain"
    long_name: str = "ln a, gain of the hidden layers"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        gain = measurement.parameters["layer_1"].double()
        for layer in range(2, self.depth):
            gain = measurement.parameters[f"layer_{layer}"].double() @ gain
        logarithm: Tensor = gain.flatten(1).norm(dim=1).log()
        return logarithm
