"""A deep linear network without noise while its weight decay is raised through the spinodal.

All layers of a mode stay alike, so that one weight b moves by
db/dt = (s - b^L) b^(L-1) - λ(t) b. Where its state ceases to be a minimum the fall is delayed
by r^(2/3) for a ramp of rate r (Jung, Gray, Roy and Mandel, Phys. Rev. Lett. 65, 1873 (1990)).
"""

from math import sqrt

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray
from phasegrok.exact.deep_linear_transition import deep_linear_transition
from phasegrok.exact.limits import moderate_positive
from phasegrok.theory.deep_linear_escape import barred_depth
from phasegrok.theory.deep_linear_scales import positive_row, products

__all__ = ["deep_linear_ramp"]

# First zero of Airy's function Ai(-x), where the normal form of the spinodal blows up.
AIRY_ZERO = 2.338107410459767
# Where the ramp begins: at most this part of the spinodal below it, and so many times r^(2/3).
# The network follows the ramp up to there.
PART, LEAD = 0.4, 50.0


def deep_linear_ramp(
    *,
    layer_count: int,
    rates: ArrayLike,
    target: float = 1.0,
    level: float | None = None,
) -> xr.Dataset:
    """Integrate the fall of the learned state on ramps of the weight decay.

    Parameters
    ----------
    layer_count : int
        L, at least 3.
    rates : (rate,) array_like
        r, change of λ per unit of time, above zero.
    target : float
        s, above zero.
    level : float, optional
        Output at whose crossing the state counts as lost; half of the last learned output,
        s (L - 2)/(4 L - 4), if left out. It must lie below the last learned output.

    Returns
    -------
    Dataset
        On rate: ``switching_field``, λ at the crossing; ``delay``, its distance from the
        spinodal; ``leading_delay``, 2.3381 (b² |G″|/2)^(-1/3) r^(2/3) with
        G = (s - b^L) b^(L-2) at the spinodal, which is its limit at small rates.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, two layers, or a level above the last learned output.

    Notes
    -----
    The downward ramp has no counterpart: without noise the unlearned state is a minimum at
    every λ > 0, so that the loop never closes.
    """
    depth = barred_depth(layer_count)
    aim = moderate_positive("target", target)
    speed = positive_row("rate", rates)
    last = (depth - 2) / (2 * depth - 2)
    height = last / 2 if level is None else moderate_positive("level", level) / aim
    if height >= last:
        raise InvalidValueError(
            f"level must lie below the last learned output {last * aim:g}, received {level}; "
            "take half of it."
        )
    unit = aim ** (2 - 2 / depth)
    scaled = speed / unit**2
    spinodal = deep_linear_transition(layer_count=depth).spinodal_weight_decay
    field = np.array([_crossing(each, height, spinodal, depth) for each in scaled])
    # b² G″ = -L (L - 2) b^(L-2) at its maximum.
    bend = depth * (depth - 2) * last ** (1 - 2 / depth) / 2
    values = {
        "switching_field": field,
        "delay": field - spinodal,
        "leading_delay": AIRY_ZERO * bend ** (-1 / 3) * scaled ** (2 / 3),
    }
    return xr.Dataset(
        {name: ("rate", unit * each) for name, each in values.items()},
        coords={"rate": speed},
        attrs={"layer_count": depth, "target": aim, "level": height * aim},
    )


def _crossing(rate: float, level: float, spinodal: float, depth: int) -> float:
    """λ at which the output falls to a level, s = 1."""
    start = spinodal - min(PART * spinodal, LEAD * rate ** (2 / 3))
    learned, _ = products(np.array(start), depth=depth)

    def slope(time: float, state: FloatArray) -> FloatArray:
        weight = state
        pull: FloatArray = (1 - weight**depth) * weight ** (depth - 1)
        change: FloatArray = pull - (start + rate * time) * weight
        return change

    def above(_: float, state: FloatArray) -> float:
        return float(state[0] ** depth - level)

    above.terminal = True  # type: ignore[attr-defined]
    # Beyond the spinodal everything decays within a few times 1/λ.
    limit = (spinodal - start) / rate + 20 / spinodal + 20 / sqrt(rate) + 20 * rate ** (-1 / 3)
    found = solve_ivp(
        slope,
        (0.0, limit),
        [float(learned) ** (1 / depth)],
        method="Radau",
        events=above,
        rtol=1e-10,
        atol=1e-12,
    )
    return float(start + rate * found.t[-1])
