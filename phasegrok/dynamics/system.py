"""The energy of a batch as an integrator sees it: a function of flat rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from phasegrok.dynamics.penalties import NamedPenalty
from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.dynamics.umbrella import UmbrellaBias
from phasegrok.errors import InvalidStudyError
from phasegrok.networks import Evaluation, ExampleBatch, Gradient, Layout

__all__ = ["EnergyControls", "System"]


@final
@dataclass(frozen=True, kw_only=True)
class EnergyControls:
    """Temperature and weight decay of each run.

    Parameters
    ----------
    temperature : (run,) float64 tensor
        T.
    decay : dict of (run,) float64 tensors
        λ of each layer; used as set, unless the layer is in `prior`.
    prior : dict of (run,) float64 tensors
        Variances v of layers whose λ = T/v follows the temperature.
    bias : UmbrellaBias or None
        What holds the runs near a value of Q = ½|θ|².
    """

    temperature: Tensor
    decay: dict[str, Tensor]
    prior: dict[str, Tensor]
    bias: UmbrellaBias | None = None


@final
class System:
    """Energy V(z) of positions z, and the temperature of the bath they are in.

    In plain coordinates z = θ, V = U, and the bath has the temperature T. In coordinates
    whitened by the prior θ = s z with s_l² = T/λ_l, V = U/T, and the bath has the temperature
    1: the stationary law of θ is the same, exp(-U/T), while every direction of the prior has
    the same scale. The scales s are those of the beginning of the run.

    Parameters
    ----------
    evaluation : Evaluation
        Of loss and gradient.
    layout : Layout
        Of the rows.
    examples : ExampleBatch
        The full training set, in which `energy` is always taken.
    controls : EnergyControls
        Temperature and weight decay of each run.
    penalties : sequence of NamedPenalty
        Extra terms.
    whitened : bool
        Which coordinates the positions have.
    dtype : torch.dtype
        Of the positions.
    """

    def __init__(
        self,
        *,
        evaluation: Evaluation[Any],
        layout: Layout,
        examples: ExampleBatch,
        controls: EnergyControls,
        penalties: Sequence[NamedPenalty],
        whitened: bool,
        dtype: torch.dtype,
    ) -> None:
        self.evaluation = evaluation
        self.layout = layout
        self.penalties = tuple(penalties)
        self.whitened = whitened
        self.temperature = controls.temperature
        self.decay = dict(controls.decay)
        self.prior = dict(controls.prior)
        self.bias = controls.bias
        self._dtype = dtype
        self.examples = examples
        self._prepared = evaluation.prepare(examples)
        self.gradient_calls = 0
        self._weights: Tensor | None = None
        self._follow_prior()
        self.scale: Tensor | None = self._whitening() if whitened else None
        self._refresh()

    def set_temperature(self, temperature: Tensor) -> None:
        """Change T, (run,); the λ of layers with a prior variance follows."""
        self.temperature = temperature
        self._follow_prior()
        self._refresh()

    def set_decays(self, decays: Mapping[str, Tensor]) -> None:
        """Change λ of some layers, (run,) each."""
        for layer, decay in decays.items():
            self.prior.pop(layer, None)
            self.decay[layer] = decay
        self._refresh()

    def set_targets(self, targets: Tensor) -> None:
        """Change the targets of the training examples; their shape stays."""
        self.examples = self.examples.with_targets(targets)
        self._prepared = self.evaluation.retarget(self._prepared, targets)

    @property
    def bath(self) -> Tensor:
        """Temperature of the bath in these coordinates, (run, 1)."""
        return self._bath

    def weights(self, position: Tensor) -> Tensor:
        """θ in flat rows, (run, row)."""
        if self.scale is None:
            return position
        if self._weights is None or self._weights.shape != position.shape:
            self._weights = torch.empty_like(position)
        return torch.mul(position, self.scale, out=self._weights)

    def position(self, weights: Tensor) -> Tensor:
        """Coordinates z of weights θ, (run, row)."""
        if self.scale is None:
            return weights.clone()
        # Padding has no scale and holds nothing.
        return torch.where(self.scale > 0.0, weights / self.scale, torch.zeros_like(weights))

    def data_gradient(
        self, position: Tensor, minibatch: ExampleBatch | None, noise: Tensor | None
    ) -> Gradient:
        """Loss, and gradient in θ of loss and penalties, in a buffer of the next call."""
        weights = self.weights(position)
        examples = self._prepared if minibatch is None else self.evaluation.prepare(minibatch)
        gradient = self.evaluation.gradient(weights, examples, noise)
        for penalty in self.penalties:
            penalty.add_gradient(weights, self.layout, gradient.rows)
        self.gradient_calls += 1
        return gradient

    def assemble(self, data_gradient: Tensor, position: Tensor, out: Tensor) -> Tensor:
        """∂V/∂z from the gradient of the data: weight decay and coordinates are put in."""
        if self._data_scale is None:
            torch.addcmul(data_gradient, position, self.decay_rows, out=out)
        else:
            torch.mul(data_gradient, self._data_scale, out=out)
            out.addcmul_(position, self.decay_rows)
        if self.bias is not None:
            weights = self.weights(position)
            decay = self.bias.decay(weights)[:, None].to(self._dtype)
            pull = weights if self._data_scale is None else weights * self._data_scale
            out.addcmul_(pull, decay)
        return out

    def energy(self, position: Tensor, loss: Tensor) -> Tensor:
        """V of every run from its full loss, (run,) float64."""
        energy = self.full_energy(self.weights(position), loss)
        return energy / self.temperature if self.whitened else energy

    def full_energy(self, weights: Tensor, loss: Tensor) -> Tensor:
        """U of every run, (run,) float64."""
        total = loss
        norms = self.layout.half_square_norms(weights)
        for layer, norm in norms.items():
            total = total + self.decay[layer] * norm
        if self.bias is not None:
            total = total + self.bias.energy(torch.stack(list(norms.values())).sum(dim=0))
        for penalty in self.penalties:
            total = total + penalty.strength * penalty.energy(weights, self.layout)
        return total

    def loss(self, position: Tensor) -> Tensor:
        """L over the full training set without noise, (run,) float64."""
        return self.evaluation.loss(self.weights(position), self._prepared)

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs, in this order."""
        index = list(rows)
        self.temperature = self.temperature[index]
        self.decay = {layer: value[index] for layer, value in self.decay.items()}
        self.prior = {layer: value[index] for layer, value in self.prior.items()}
        self.scale = None if self.scale is None else self.scale[index]
        for penalty in self.penalties:
            penalty.select(index)
        if self.bias is not None:
            self.bias.select(index)
        if self.examples.inputs.shape[0] > 1:
            self.examples = ExampleBatch(
                inputs=self.examples.inputs[index],
                targets=self.examples.targets[index],
                total=self.examples.total,
            )
            self._prepared = self.evaluation.prepare(self.examples)
        self._refresh()

    def snapshot(self) -> Snapshot:
        """Give the controls as they are now, and the count of gradients."""
        return {
            "temperature": self.temperature.clone(),
            "decay": {layer: value.clone() for layer, value in self.decay.items()},
            "prior": {layer: value.clone() for layer, value in self.prior.items()},
            "center": None if self.bias is None else self.bias.center.clone(),
            "gradient_calls": self.gradient_calls,
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Set the controls and the count of a snapshot."""
        device = self.temperature.device
        self.temperature = snapshot["temperature"].to(device)
        self.decay = {layer: value.to(device) for layer, value in snapshot["decay"].items()}
        self.prior = {layer: value.to(device) for layer, value in snapshot["prior"].items()}
        if self.bias is not None:
            self.bias.center = snapshot["center"].to(device)
        self.gradient_calls = snapshot["gradient_calls"]
        self._refresh()

    def _follow_prior(self) -> None:
        for layer, variance in self.prior.items():
            self.decay[layer] = self.temperature / variance

    def _whitening(self) -> Tensor:
        decays = torch.stack([self.decay[leaf.name] for leaf in self.layout.leaves])
        if not bool(((decays > 0.0) & (self.temperature > 0.0)).all()):
            raise InvalidStudyError(
                "coordinates whitened by the prior need a positive temperature and a positive "
                "weight_decay in every layer; set them, or use coordinates = 'plain'."
            )
        scales = {
            leaf.name: (self.temperature / self.decay[leaf.name]).sqrt().to(self._dtype)
            for leaf in self.layout.leaves
        }
        return self.layout.fill(scales)

    def _refresh(self) -> None:
        """Spread the controls over rows, once after each change."""
        dtype = self._dtype
        self._weights = None
        rows = self.layout.fill({name: value.to(dtype) for name, value in self.decay.items()})
        if self.scale is None:
            self._data_scale: Tensor | None = None
            self.decay_rows = rows
            self._bath = self.temperature.to(dtype)[:, None]
        else:
            cold = (1.0 / self.temperature).to(dtype)[:, None]
            self._data_scale = self.scale * cold
            self.decay_rows = rows * self.scale * self.scale * cold
            self._bath = torch.ones_like(cold)
