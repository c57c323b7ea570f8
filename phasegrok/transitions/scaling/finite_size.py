"""Exponents from how peaks grow, narrow and shift with size, corrections marginalised.

With r = N/N_min, the largest N Var m grows as r^(1-2x), the steepest change of ⟨m⟩ as r^(y-x),
and both lie at g_c + a r^-y; each has a correction of its own in r^-ω. All four are fitted at
once. All but y and ω is linear and integrated out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.stats import chi2

from phasegrok.inference import (
    Model,
    ParameterSpace,
    Posterior,
    fit_model,
    linear_posterior,
    uniform,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.scaling.curves import MomentCurves, moment_curves
from phasegrok.transitions.scaling.exponents import derived_exponents, summary_of
from phasegrok.transitions.scaling.peak_features import (
    FEATURES,
    ORDER_CENTRE,
    ORDER_SPREAD,
    PeakFeatures,
    peak_features,
)

__all__ = ["FiniteSizeScaling", "finite_size_scaling", "scaling_of"]

_SPACE: Final = ParameterSpace(
    (
        uniform("width_exponent", 0.1, 1.3, meaning="y: the transition narrows as N^-y"),
        uniform("correction_exponent", 0.2, 2.0, meaning="ω: corrections vanish as N^-ω"),
    )
)

# Columns of `PeakFeatures.design`.
_ORDER: Final = 2
_TRANSITION: Final = 3


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FiniteSizeScaling:
    """Exponents of the peaks of all sizes.

    Parameters
    ----------
    summary : Dataset
        Along ``quantity``: ``transition`` g_c, what `exponents.derived_exponents` names and
        ``correction_exponent`` ω, with the columns of `exponents.summary_of`.
    features : Dataset
        Along ``size``: ``volume`` and each of `peak_features.FEATURES` with its ``_error``,
        and ``_fitted`` by the posterior mean; NaN where it was not found within the window.
    posterior : Posterior
        Of y and ω.
    chi_squared : float
        Of the posterior mean.
    degrees_of_freedom : float
        Data less parameters, a parameter counting as far as the data determine it.
    probability : float
        To find a chi squared as large where the laws hold.
    """

    summary: xr.Dataset
    features: xr.Dataset
    posterior: Posterior
    chi_squared: float
    degrees_of_freedom: float
    probability: float


def finite_size_scaling(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> FiniteSizeScaling:
    """Exponents and transition point from the peaks of all sizes.

    Parameters
    ----------
    samples, control, size, dimension, energy, seed
        See `curves.moment_curves`, also for what is raised.

    Returns
    -------
    FiniteSizeScaling
        See `scaling_of`.
    """
    curves = moment_curves(
        samples, control=control, size=size, dimension=dimension, energy=energy, seed=seed
    )
    return scaling_of(curves, dimension=dimension, seed=seed)


def scaling_of(
    curves: Sequence[MomentCurves], *, dimension: int | None, seed: int = 0
) -> FiniteSizeScaling:
    """Fit the laws of finite-size scaling to the peaks of curves.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.
    dimension : int or None
        Adds the exponents in powers of the linear extent.
    seed : int
        Of the posterior's draws.

    Returns
    -------
    FiniteSizeScaling
        Peaks at the edge of the window take no part. Prior: y uniform on (0.1, 1.3), x normal
        0.25 ± 0.2, ω uniform on (0.2, 2); g_c and shifts normal with the width of the window;
        corrections to the smallest size normal 0 ± 0.3, of a logarithm or a shift [1]_.

    Raises
    ------
    InsufficientSamplesError
        Where fewer than three sizes have their largest fluctuation within the window.

    References
    ----------
    .. [1] V. Privman and M. E. Fisher, J. Phys. A 16, L295 (1983).
    """
    data = peak_features(curves)
    fits, chances = np.random.SeedSequence(checked_seed(seed)).spawn(2)
    posterior = fit_model(_model(data), seed=int(fits.generate_state(1)[0]))
    draws = dict(zip(_SPACE.names, posterior.chains.flat().T, strict=True))
    linear = linear_posterior(*_whitened(data, draws)).drawn(np.random.default_rng(chances))
    order = ORDER_CENTRE + ORDER_SPREAD * linear[:, _ORDER]
    named = {"transition": data.middle + data.window * linear[:, _TRANSITION]}
    named |= derived_exponents(draws["width_exponent"], order, dimension=dimension)
    named["correction_exponent"] = draws["correction_exponent"]
    fitted = data.expected(draws) + np.einsum("dfp,dp->df", data.design(draws), linear)
    misfit, free = _misfit(data, fitted)
    return FiniteSizeScaling(
        summary=summary_of(named),
        features=_feature_table(curves, data, fitted.mean(axis=0)),
        posterior=posterior,
        chi_squared=misfit,
        degrees_of_freedom=free,
        probability=float(chi2.sf(misfit, free)),
    )


def _whitened(
    data: PeakFeatures, parameters: Mapping[str, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Residuals (draw, datum) and design (draw, datum, parameter) in units of the errors."""
    residuals = (data.values - data.expected(parameters)) @ data.whitening.T
    return residuals, data.whitening @ data.design(parameters)


def _model(data: PeakFeatures) -> Model:
    logarithms = np.log(np.diagonal(data.whitening)) - 0.5 * np.log(2.0 * np.pi)
    constant = float(logarithms.sum())

    def log_likelihood(parameters: Mapping[str, FloatArray]) -> FloatArray:
        return linear_posterior(*_whitened(data, parameters)).log_marginal + constant

    return Model(
        name="finite-size scaling of peaks", space=_SPACE, log_likelihood=log_likelihood
    )


def _misfit(data: PeakFeatures, fitted: FloatArray) -> tuple[float, float]:
    """Chi squared of the mean of fits (draw, datum), and the data that are left free."""
    deviation = data.whitening @ (data.values - fitted.mean(axis=0))
    # The spread of the fits in units of the errors counts the parameters determined.
    spread = (fitted - fitted.mean(axis=0)) @ data.whitening.T
    used = float(np.mean(np.sum(spread**2, axis=1)))
    return float(deviation @ deviation), max(data.values.size - used, 1.0)


def _feature_table(
    curves: Sequence[MomentCurves], data: PeakFeatures, fitted: FloatArray
) -> xr.Dataset:
    table = np.full_like(data.table, np.nan)
    table[np.isfinite(data.table)] = fitted
    columns = {"volume": np.array([each.volume for each in curves])}
    for index, name in enumerate(FEATURES):
        columns[name] = data.table[:, index]
        columns[f"{name}_error"] = data.errors[:, index]
        columns[f"{name}_fitted"] = table[:, index]
    return xr.Dataset(
        {name: ("size", values) for name, values in columns.items()},
        coords={"size": [each.size for each in curves]},
    )
