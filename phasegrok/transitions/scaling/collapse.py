"""All sizes on one curve: transition and exponents with the scaling function integrated out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError, did_you_mean
from phasegrok.inference import (
    Model,
    ParameterSpace,
    Posterior,
    Schedule,
    fit_model,
    linear_posterior,
    uniform,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import gather_chains
from phasegrok.transitions.scaling.exponents import derived_exponents, summary_of
from phasegrok.transitions.scaling.measured_points import MeasuredPoint, measured_points
from phasegrok.transitions.scaling.scaling_function import (
    LEADING,
    ScalingData,
    leading_columns,
    scaling_data,
)

__all__ = ["QUANTITIES", "DataCollapse", "data_collapse"]

QUANTITIES: Final = ("mean", "variance")
"""What can be collapsed."""

CRITICAL_SHARE: Final = 0.1
"""Controls where the variance is less than this share of a size's largest are left out."""

FEWEST_POINTS: Final = 24
FEWEST_SIZES: Final = 3

_DRAWN: Final = 201
_SCHEDULE: Final = Schedule(walkers=64, burn_in=12, steps=20)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DataCollapse:
    """Curves of all sizes as one scaling function.

    Parameters
    ----------
    summary : Dataset
        Along ``quantity``: ``transition`` g_c, what `exponents.derived_exponents` names and
        ``correction_exponent``, with the columns of `exponents.summary_of`.
    points : Dataset
        Along ``point``: ``size``, ``volume``, ``control``; ``scaled_control`` u at the
        posterior means; for each collapsed quantity ``..._value`` times r^x or r^2x with its
        ``_error``, ``..._correction`` of its size, and ``..._function`` f(u).
    functions : Dataset
        Along ``place``: ``scaled_control`` and, for each quantity, ``..._function`` f(u), the
        scaling function of infinite size.
    posterior : Posterior
        Of transition and exponents.
    chi_squared, degrees_of_freedom, probability : float
        Misfit at the posterior means, data less the parameters that they determine, and the
        chance of as large a misfit where the scaling law holds.
    """

    summary: xr.Dataset
    points: xr.Dataset
    functions: xr.Dataset
    posterior: Posterior
    chi_squared: float
    degrees_of_freedom: float
    probability: float


def data_collapse(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    quantities: Sequence[str] = QUANTITIES,
    seed: int = 0,
) -> DataCollapse:
    """Collapse mean and variance of all sizes.

    Parameters
    ----------
    samples : DataArray
        See `chains.gather_chains`, also for what is raised. Its mean collapses where it
        vanishes on one side of the transition; else collapse ("variance",) alone.
    control, size : str
        Coordinates on ``run``.
    dimension : int or None
        Of space, where the size is a linear extent L, N = L^d; None where it is N.
    quantities : sequence of str
        Of `QUANTITIES`.
    seed : int
        Of the posterior's draws.

    Returns
    -------
    DataCollapse
        With r = N/N_min and u = (g - g_c) r^y: ⟨m⟩ = r^-x [f(u) + r^-ω h(u) + r^-2ω k(u)], and
        Var m likewise with r^-2x. The functions are cubic splines; of the largest value, a
        coefficient of h is a priori 0 ± 1 and of k 0 ± 0.5. g_c is uniform over the sampled
        controls, y on (0.1, 1.3), x on
        (-0.05, 0.6), ω on (0.2, 2) [1]_. Controls far from the transition, where a size has
        less than a tenth of its largest variance, are left out.

    Raises
    ------
    InvalidValueError
        For quantities that are not known.
    InsufficientSamplesError
        For fewer than 3 sizes or 24 points near the transition.

    References
    ----------
    .. [1] Corrections to scaling: F. J. Wegner, Phys. Rev. B 5, 4529 (1972).
    """
    chosen = _indices(quantities)
    points = [
        point
        for each in gather_chains(samples, control=control, size=size, dimension=dimension)
        for point in _critical(measured_points(each))
    ]
    _refuse_few(points)
    data = scaling_data(points, chosen)
    model = _model(data)
    posterior = fit_model(model, seed=seed, schedule=_SCHEDULE)
    draws = dict(zip(model.space.names, posterior.chains.flat().T, strict=True))
    named = {"transition": draws["transition"]}
    named |= derived_exponents(
        draws["width_exponent"], draws["order_exponent"], dimension=dimension
    )
    named["correction_exponent"] = draws["correction_exponent"]
    return _collapsed(
        points, data, posterior, summary_of(named), [QUANTITIES[each] for each in chosen]
    )


def _model(data: ScalingData) -> Model:
    space = ParameterSpace(
        (
            uniform(
                "transition",
                float(data.controls.min()),
                float(data.controls.max()),
                meaning="g_c: control of the transition of the infinite size",
            ),
            uniform("width_exponent", 0.1, 1.3, meaning="y: the transition narrows as N^-y"),
            uniform("order_exponent", -0.05, 0.6, meaning="x: m is of the order N^-x there"),
            uniform("correction_exponent", 0.2, 2.0, meaning="ω: corrections vanish as N^-ω"),
        )
    )
    whitened = data.whitened
    constant = data.log_determinant - 0.5 * whitened.size * float(np.log(2.0 * np.pi))

    def log_likelihood(parameters: Mapping[str, FloatArray]) -> FloatArray:
        design = data.design(parameters)
        residuals = np.broadcast_to(whitened, design.shape[:2])
        return linear_posterior(residuals, design).log_marginal + constant

    return Model(name="collapse of all sizes", space=space, log_likelihood=log_likelihood)


def _indices(quantities: Sequence[str]) -> list[int]:
    if not isinstance(quantities, Sequence):
        raise InvalidValueError(
            f"quantities must be a tuple of {QUANTITIES}, received {quantities!r}."
        )
    for name in quantities:
        if name not in QUANTITIES:
            raise InvalidValueError(
                f"nothing called {name!r} is collapsed." + did_you_mean(name, QUANTITIES)
            )
    chosen = sorted({QUANTITIES.index(name) for name in quantities})
    if isinstance(quantities, str) or not chosen:
        raise InvalidValueError(
            f"quantities must be a tuple of {QUANTITIES}, received {quantities!r}."
        )
    return chosen


def _critical(points: list[MeasuredPoint]) -> list[MeasuredPoint]:
    variances = [float(each.values[1]) for each in points]
    least = CRITICAL_SHARE * max(variances, default=0.0)
    return [each for each in points if each.values[1] >= least]


def _refuse_few(points: list[MeasuredPoint]) -> None:
    sizes = len({each.size for each in points})
    if sizes < FEWEST_SIZES:
        raise InsufficientSamplesError(
            "a data collapse (of sizes)", required=FEWEST_SIZES, received=sizes
        )
    if len(points) < FEWEST_POINTS:
        raise InsufficientSamplesError(
            "a data collapse (of points near the transition)",
            required=FEWEST_POINTS,
            received=len(points),
        )


def _collapsed(
    points: list[MeasuredPoint],
    data: ScalingData,
    posterior: Posterior,
    summary: xr.Dataset,
    names: list[str],
) -> DataCollapse:
    """Everything at the posterior means of transition and exponents."""
    middle = {
        str(name): summary["mean"].sel(quantity=name).to_numpy().reshape(1)
        for name in posterior.chains.names
    }
    design = data.design(middle)[0]
    precision = design.T @ design + np.eye(design.shape[1])
    coefficients = np.linalg.solve(precision, design.T @ data.whitened)
    misfit = float(np.sum((data.whitened - design @ coefficients) ** 2))
    # The trace of the smoother counts coefficients as far as the data determine them.
    used = design.shape[1] - float(np.trace(np.linalg.inv(precision))) + len(middle)
    free = max(data.whitened.size - used, 1.0)
    columns = coefficients.reshape(len(names), -1)
    return DataCollapse(
        summary=summary,
        points=_point_table(points, data, middle, columns, names),
        functions=_function_table(data, middle, columns, names),
        posterior=posterior,
        chi_squared=misfit,
        degrees_of_freedom=free,
        probability=float(chi2.sf(misfit, free)),
    )


def _point_table(
    points: list[MeasuredPoint],
    data: ScalingData,
    middle: Mapping[str, FloatArray],
    coefficients: FloatArray,
    names: list[str],
) -> xr.Dataset:
    grown = 1.0 / data.shrinking(middle)[0]
    splines = data.functions(middle)[0]
    correction = splines[:, LEADING:] @ coefficients[:, LEADING:].T * data.scale
    leading = splines[:, :LEADING] @ coefficients[:, :LEADING].T * data.scale
    columns = {
        "size": np.array([each.size for each in points]),
        "volume": np.array([each.volume for each in points]),
        "control": data.controls,
        "scaled_control": data.scaled_controls(middle)[0],
    }
    for index, name in enumerate(names):
        place = QUANTITIES.index(name)
        error = np.array([each.covariance[place, place] ** 0.5 for each in points])
        columns[f"{name}_value"] = data.values[:, index] * grown[:, index]
        columns[f"{name}_error"] = error * grown[:, index]
        columns[f"{name}_correction"] = correction[:, index]
        columns[f"{name}_function"] = leading[:, index]
    return xr.Dataset({name: ("point", values) for name, values in columns.items()})


def _function_table(
    data: ScalingData,
    middle: Mapping[str, FloatArray],
    coefficients: FloatArray,
    names: list[str],
) -> xr.Dataset:
    u = data.scaled_controls(middle)[0]
    place = np.linspace(0.0, 1.0, _DRAWN)
    values = leading_columns(place) @ coefficients[:, :LEADING].T * data.scale
    columns = {"scaled_control": u.min() + place * np.ptp(u)}
    columns |= {f"{name}_function": values[:, index] for index, name in enumerate(names)}
    return xr.Dataset({name: ("place", each) for name, each in columns.items()})
