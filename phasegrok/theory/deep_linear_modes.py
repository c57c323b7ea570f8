"""Every mode of a deep linear network with weight decay at temperature zero.

Of U = ½ E|y - W_L...W_1 x|² + (λ/2) Σ_l |W_l|² the minima decouple into modes, the singular
values of E[y xᵀ], and in each mode all layers carry alike: a mode has two states and one
transition of its own (Ziyin and Ueda, arXiv:2205.12510; Ersoy and Wiesner, arXiv:2505.06597).

Not every set of learned modes is a minimum. Where a stronger mode is left out, first and last
layer tilt towards it without a barrier, at least where inputs are white: then only sets of the
strongest modes are minima, and a mode is learned over its own saddle only once all stronger
ones are.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.deep_linear_transition import deep_linear_transition
from phasegrok.theory.deep_linear_scales import (
    checked_depth,
    energy_of_product,
    positive_row,
    products,
)

__all__ = ["deep_linear_modes"]


class _Units(NamedTuple):
    """What a mode's numbers are measured in, (mode, 1) each."""

    product: FloatArray
    weight_decay: FloatArray
    energy: FloatArray


def deep_linear_modes(
    *,
    layer_count: int,
    singular_values: ArrayLike,
    weight_decay: ArrayLike,
    input_variances: ArrayLike | None = None,
    width: int | None = None,
) -> xr.Dataset:
    """Evaluate the states of every mode, its transition and the barriers between them.

    Parameters
    ----------
    layer_count : int
        L, at least 2. Two layers learn continuously: there is no saddle and no barrier.
    singular_values : (mode,) array_like
        s_k of the correlation E[y xᵀ] of targets and inputs; for whitened inputs those of the
        teacher.
    weight_decay : (weight_decay,) array_like
        λ, above zero, the same for all layers.
    input_variances : (mode,) array_like, optional
        c_k, variance of the inputs along each mode; one if left out. The mode is then that of
        s/√c at λ c^(-1/L). Where the inputs' covariance has other directions, modes couple.
    width : int, optional
        h: no more modes than the narrowest layer has neurons can be learned together.

    Returns
    -------
    Dataset
        On mode: ``transition`` λ_c, ``jump`` of the product there, ``spinodal`` λ_sp, of the
        mode on its own. On (mode, weight_decay): ``learned_product``, of the layers' weights
        at the learned minimum, and ``saddle_product``; ``learned_energy``, ``unlearned_energy``
        of the mode; ``barrier_to_learn``, ``barrier_to_forget``; ``learned_state``, "stable"
        where it is the lower of the two, "metastable", or "absent"; ``learned``, whether the
        lowest state of the network has learned the mode, its h largest gains. On (mode,
        other_mode, weight_decay): ``stable_without``, whether the learned mode is a minimum
        where the other is unlearned. Numbers of a state that does not exist are NaN.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or as many variances as there are no modes.
    """
    depth = checked_depth(layer_count)
    strengths = positive_row("singular value", singular_values)
    decay = positive_row("weight decay", weight_decay)
    variances = _variances(input_variances, len(strengths))
    # In s/√c as unit; dividing by √c turns what the mode puts out into a product of weights.
    aim = strengths / np.sqrt(variances)
    unit = _Units(
        (strengths / variances)[:, None],
        (aim ** (2.0 - 2.0 / depth) * variances ** (1.0 / depth))[:, None],
        (aim**2)[:, None],
    )
    states = _states(unit, decay, depth)
    gain = states["unlearned_energy"] - states["learned_energy"]
    states["learned"] = _largest(gain, _neurons(width, len(strengths)))
    without = _without(states["learned_product"], strengths, variances)
    one = deep_linear_transition(layer_count=depth)
    alone = {
        "transition": one.weight_decay * unit.weight_decay[:, 0],
        "jump": one.jump * unit.product[:, 0],
        "spinodal": one.spinodal_weight_decay * unit.weight_decay[:, 0],
    }
    return xr.Dataset(
        {name: ("mode", values) for name, values in alone.items()}
        | {name: (("mode", "weight_decay"), values) for name, values in states.items()}
        | {"stable_without": (("mode", "other_mode", "weight_decay"), without)},
        coords={
            "weight_decay": decay,
            "singular_value": ("mode", strengths),
            "input_variance": ("mode", variances),
        },
        attrs={"layer_count": depth},
    )


def _variances(given: ArrayLike | None, mode_count: int) -> FloatArray:
    if given is None:
        return np.ones(mode_count)
    variances = positive_row("input variance", given)
    if len(variances) != mode_count:
        raise InvalidValueError(
            f"input_variances must be one for each of {mode_count} modes, received "
            f"{len(variances)}; leave them out where the inputs are white."
        )
    return variances


def _neurons(width: int | None, mode_count: int) -> int:
    return mode_count if width is None else whole_number("width", width, minimum=1)


def _states(unit: _Units, decay: FloatArray, depth: int) -> dict[str, np.ndarray]:
    """Numbers of each mode at each weight decay, (mode, weight_decay)."""
    scaled = decay / unit.weight_decay
    learned, saddle = products(scaled, depth=depth)
    energy = energy_of_product(learned, weight_decay=scaled, depth=depth)
    guard = energy_of_product(saddle, weight_decay=scaled, depth=depth)
    lower = np.where(energy < 0.5, "stable", "metastable")
    return {
        "learned_product": learned * unit.product,
        "saddle_product": saddle * unit.product,
        "learned_energy": energy * unit.energy,
        "unlearned_energy": np.broadcast_to(unit.energy / 2.0, scaled.shape),
        "barrier_to_learn": (guard - 0.5) * unit.energy,
        "barrier_to_forget": (guard - energy) * unit.energy,
        "learned_state": np.where(np.isnan(energy), "absent", lower),
    }


def _largest(gain: FloatArray, count: int) -> np.ndarray:
    """Whether a mode is one of so many that gain most, and gains at all."""
    falling = np.argsort(-np.nan_to_num(gain, nan=-np.inf), axis=0, kind="stable")
    return (np.argsort(falling, axis=0) < count) & (gain > 0.0)


def _without(product: FloatArray, strengths: FloatArray, variances: FloatArray) -> np.ndarray:
    """Whether a learned mode stays where another one is unlearned.

    First and last layer can tilt together from mode k towards mode j, by φ and ψ, at no cost
    in weights: the loss changes by m [(s_k + m (c_j - c_k)) φ² + s_k ψ² - 2 s_j φ ψ]/2.
    """
    own, other = strengths[:, None, None], strengths[None, :, None]
    difference = variances[None, :, None] - variances[:, None, None]
    stiffness = own * (own + product[:, None, :] * difference)
    same = np.eye(len(strengths), dtype=bool)[:, :, None]
    return (same | (stiffness > other**2)) & ~np.isnan(product)[:, None, :]
