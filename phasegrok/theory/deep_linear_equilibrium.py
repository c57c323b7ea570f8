"""Exact means of a deep linear network in equilibrium, over whole maps of its controls.

One input, one output and any width, by quadrature of the stationary law exp(-U/T) of
U = ½ (s - m)² + (λ/2) Σ_l |W_l|² (the model of Ziyin and Ueda, arXiv:2205.12510), resolved by
phase where there are two.
"""

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.deep_linear_law import DeepLinearNetwork, law_exponent
from phasegrok.theory.deep_linear_basins import BasinMeans, basin_means, turning_points
from phasegrok.theory.deep_linear_scales import positive_row

__all__ = ["PHASES", "deep_linear_equilibrium", "phase_means"]

PHASES = ["unlearned", "learned"]
AXES = ("temperature", "weight_decay")
QUANTITIES = ("order_parameter", "half_square_norm", "loss", "energy")


def deep_linear_equilibrium(
    *,
    layer_count: int,
    width: int,
    temperature: ArrayLike,
    weight_decay: ArrayLike,
    target: float = 1.0,
) -> xr.Dataset:
    """Integrate the stationary law at every pair of temperature and weight decay.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30.
    width : int
        h, neurons of every hidden layer.
    temperature : (temperature,) array_like
        T, above zero.
    weight_decay : (weight_decay,) array_like
        λ, above zero.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On (temperature, weight_decay): means ``order_parameter`` m, ``half_square_norm`` Q,
        ``loss`` L, ``energy`` U; ``order_parameter_variance``, ``half_square_norm_variance``
        and ``covariance`` of m and Q, -T d⟨m⟩/dλ; ``bistable``, whether the density of ln a
        has two peaks, a the product of the hidden layers' norms; then ``learned_weight``, the
        probability of the basin beyond the valley, and the barriers ``barrier_to_learn`` and
        ``barrier_to_forget`` in nats, NaN elsewhere. With a dimension phase, "unlearned" and
        "learned", also ``phase_order_parameter``, ``phase_half_square_norm``, ``phase_loss``
        and ``phase_energy``, the means on either side of the valley.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or a temperature at which the law is a point.

    Notes
    -----
    Where barriers are high the weights of the basins do not depend on the coordinate; that
    there are two peaks, and where the second vanishes, is a statement about ln a.
    """
    heat = positive_row("temperature", temperature)
    decay = positive_row("weight decay", weight_decay)
    first = DeepLinearNetwork.checked(
        layer_count=layer_count,
        width=width,
        temperature=float(heat.min()),
        weight_decay=float(decay[0]),
        target=target,
    )
    points = [replace(first, temperature=t, weight_decay=x) for t in heat for x in decay]
    rows = [_row(each) for each in points]
    shape = (len(heat), len(decay))
    whole = {
        name: (AXES, np.array([row[name] for row in rows]).reshape(shape))
        for name in rows[0]
        if not name.startswith("phase_")
    }
    phases = {
        name: ((*AXES, "phase"), np.array([row[name] for row in rows]).reshape(*shape, 2))
        for name in rows[0]
        if name.startswith("phase_")
    }
    return xr.Dataset(
        {**whole, **phases},
        coords={"temperature": heat, "weight_decay": decay, "phase": PHASES},
        attrs={"layer_count": first.layer_count, "width": first.width, "target": first.target},
    )


def phase_means(network: DeepLinearNetwork, means: BasinMeans | None) -> dict[str, FloatArray]:
    """Means of m, Q, L and U of either phase.

    Parameters
    ----------
    network : DeepLinearNetwork
        At one point of its controls.
    means : BasinMeans or None
        Of its basins, if there are any.

    Returns
    -------
    dict of (phase,) arrays
        NaN where there is one basin alone.
    """
    if means is None or means.moments.shape[1] == 1:
        return {name: np.full(2, np.nan) for name in QUANTITIES}
    output, norm, loss = means.moments[:3]
    values = (output, norm, loss, loss + network.weight_decay * norm)
    return dict(zip(QUANTITIES, values, strict=True))


def _row(network: DeepLinearNetwork) -> dict[str, FloatArray | float | bool]:
    """All numbers of one point."""
    turns = turning_points(network)
    means = basin_means(network, turns)
    weight = np.exp(means.log_weight - means.log_weight.max())
    weight /= weight.sum()
    output, norm, loss, output_square, norm_square, cross = (means.moments @ weight).tolist()
    # Of peak, valley, peak; where there is one peak alone, no barrier.
    height = law_exponent(network, turns) if len(turns) == 3 else np.full(3, np.nan)
    phases = {f"phase_{name}": each for name, each in phase_means(network, means).items()}
    return {
        "order_parameter": output,
        "half_square_norm": norm,
        "loss": loss,
        "energy": loss + network.weight_decay * norm,
        "order_parameter_variance": output_square - output**2,
        "half_square_norm_variance": norm_square - norm**2,
        "covariance": cross - output * norm,
        "bistable": len(turns) == 3,
        "learned_weight": float(weight[1]) if len(turns) == 3 else np.nan,
        "barrier_to_learn": float(height[1] - height[0]),
        "barrier_to_forget": float(height[1] - height[2]),
        **phases,
    }
