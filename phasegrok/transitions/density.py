"""Density of the order parameter as a smooth function of the control.

ln p(m | t) = a(m) + t b(m) + t² c(m) - ln Z(t), with cubic splines a, b, c and a scaled control
t, fitted to the counts at all controls at once. It takes the place of reweighting where no
energy was recorded, and is exact to second order in t.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import logsumexp

from phasegrok.errors import NoConvergenceError
from phasegrok.statistics.samples import FloatArray

__all__ = ["Bins", "DensitySurface", "choose_bins", "fit_surface", "variance_over"]

_DEGREE: Final = 3
_RIDGE: Final = 1e-3
_FEWEST_BINS, _MOST_BINS = 24, 72
_MOST_STEPS: Final = 100
_TOLERANCE: Final = 1e-8


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """Equal bins of the order parameter.

    Parameters
    ----------
    edges : (edge,) array
        Ascending, equally spaced.
    """

    edges: FloatArray

    @property
    def centres(self) -> FloatArray:
        """Middles of the bins, (bin,)."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @property
    def width(self) -> float:
        """Common width."""
        return float(self.edges[1] - self.edges[0])

    @property
    def count(self) -> int:
        """Number of bins."""
        return self.edges.size - 1

    def counts(self, values: FloatArray) -> FloatArray:
        """Count values, (bin,); what lies beyond the edges counts in the last bin there."""
        index = np.floor((values - self.edges[0]) / self.width).astype(np.int64)
        return np.bincount(np.clip(index, 0, self.count - 1), minlength=self.count).astype(
            np.float64
        )


def choose_bins(values: FloatArray, *, narrowest: float) -> Bins:
    """Cut the range of the order parameter so that its narrowest phase is resolved.

    Parameters
    ----------
    values : (draw,) array
        Draws at all controls.
    narrowest : float
        Smallest standard deviation of a phase; bins are at most about as wide.

    Returns
    -------
    Bins
        24 to 72. Where the values lie on a lattice, every bin holds equally many of its
        points: bins that cut across a lattice show peaks that are not there.
    """
    low, high = np.quantile(values, [0.0005, 0.9995])
    largest = float(np.abs(values).max())
    spread = max(float(high - low), 1e-12 * largest, np.finfo(float).tiny)
    wanted = int(np.clip(np.ceil(spread / max(narrowest, 1e-300)), _FEWEST_BINS, _MOST_BINS))
    spacing = _lattice_spacing(values)
    if spacing is None:
        margin = 0.02 * spread
        return Bins(edges=np.linspace(low - margin, high + margin, wanted + 1))
    points = max(1, round(spread / spacing / wanted))
    first = float(values.min()) - 0.5 * spacing
    start = first + np.floor((low - first) / spacing) * spacing
    count = int(np.ceil((high - start) / (points * spacing) + 1e-9))
    return Bins(edges=start + points * spacing * np.arange(max(count, 2) + 1))


def _lattice_spacing(values: FloatArray) -> float | None:
    """Distance of the points of a lattice that all values lie on, None without one."""
    distinct = np.unique(values)
    if distinct.size < 2 or distinct.size > 0.2 * values.size or distinct.size > 20_000:
        return None
    spacing = float(np.diff(distinct).min())
    steps = (distinct - distinct[0]) / spacing
    regular = np.max(np.abs(steps - np.round(steps))) < 0.02
    return spacing if regular and steps[-1] < 1e6 else None


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DensitySurface:
    """Probability of every bin at any control within the data.

    Parameters
    ----------
    bins : Bins
        Of the order parameter.
    origin, scale : float
        t = (control - origin)/scale.
    levels : (power, bin) array
        a, b and c at the bins.
    coefficients : (coefficient,) array
        Of the splines, as a start for a fit to similar counts.
    """

    bins: Bins
    origin: float
    scale: float
    levels: FloatArray
    coefficients: FloatArray

    def log_probabilities(self, controls: FloatArray) -> FloatArray:
        """Log probabilities of the bins, (control, bin)."""
        t = (np.asarray(controls) - self.origin) / self.scale
        levels = np.stack([np.ones_like(t), t, t * t], axis=1) @ self.levels
        normalised: FloatArray = levels - logsumexp(levels, axis=1, keepdims=True)
        return normalised

    def score(self, controls: FloatArray) -> FloatArray:
        """∂ ln p(bin)/∂control up to a constant in the bin, (control, bin)."""
        t = (np.asarray(controls) - self.origin) / self.scale
        slope: FloatArray = (self.levels[1] + 2.0 * t[:, None] * self.levels[2]) / self.scale
        return slope


def variance_over(probabilities: FloatArray, centres: FloatArray) -> FloatArray:
    """Variance of the order parameter (...) from probabilities (..., bin) of its bins."""
    # About the middle of the bins: squares of a large offset would cancel.
    away = centres - centres.mean()
    variance: FloatArray = probabilities @ away**2 - (probabilities @ away) ** 2
    return variance


def _spline_columns(bins: Bins, coefficients: int) -> FloatArray:
    """Values of the cubic basis splines at the bins, (bin, coefficient)."""
    if coefficients <= _DEGREE:
        # Too few bins for a cubic: every bin has a level of its own.
        return np.eye(bins.count)
    inner = np.linspace(0.0, 1.0, coefficients - _DEGREE + 1)
    knots = np.concatenate([np.zeros(_DEGREE), inner, np.ones(_DEGREE)])
    place = (np.arange(bins.count) + 0.5) / bins.count
    return np.asarray(BSpline.design_matrix(place, knots, _DEGREE).toarray())


def fit_surface(
    counts: FloatArray,
    controls: FloatArray,
    *,
    bins: Bins,
    start: FloatArray | None = None,
    slope_coefficients: tuple[int, int] = (5, 4),
) -> DensitySurface:
    """Fit the surface to counts by penalised maximum likelihood.

    Parameters
    ----------
    counts : (control, bin) array
        Effective counts: each chain's divided by twice its autocorrelation time.
    controls : (control,) array
        Ascending.
    bins : Bins
        Of the counts.
    start : (coefficient,) array, optional
        Where Newton's method begins.
    slope_coefficients : tuple of int
        Of the splines for b and c: few for the smoothest surface, as many as for a where the
        density between two narrow phases is asked for.

    Returns
    -------
    DensitySurface

    Raises
    ------
    NoConvergenceError
        If Newton's method does not settle.
    """
    centre = 0.5 * (controls[0] + controls[-1])
    scale = max(0.5 * float(controls[-1] - controls[0]), 1e-300)
    t = (controls - centre) / scale
    powers = min(3, controls.size)
    sizes = (max(10, round(10 * bins.count / 24)), *slope_coefficients)[:powers]
    blocks = [_spline_columns(bins, min(size, bins.count)) for size in sizes]
    design = np.concatenate(
        [t[:, None, None] ** power * block[None] for power, block in enumerate(blocks)], axis=2
    )
    found = _newton(counts, design, np.zeros(design.shape[2]) if start is None else start)
    levels = np.zeros((3, bins.count))
    begin = 0
    for power, block in enumerate(blocks):
        levels[power] = block @ found[begin : begin + block.shape[1]]
        begin += block.shape[1]
    return DensitySurface(
        bins=bins, origin=centre, scale=scale, levels=levels, coefficients=found
    )


def _objective(counts: FloatArray, design: FloatArray, theta: FloatArray) -> float:
    linear = design @ theta
    log_p = linear - logsumexp(linear, axis=1, keepdims=True)
    return float(-np.sum(counts * log_p) + 0.5 * _RIDGE * theta @ theta)


def _newton(counts: FloatArray, design: FloatArray, theta: FloatArray) -> FloatArray:
    totals = counts.sum(axis=1)
    value = _objective(counts, design, theta)
    for _ in range(_MOST_STEPS):
        linear = design @ theta
        p = np.exp(linear - logsumexp(linear, axis=1, keepdims=True))
        residual = totals[:, None] * p - counts
        gradient = np.einsum("cb,cbk->k", residual, design) + _RIDGE * theta
        means = np.einsum("cb,cbk->ck", p, design)
        weighted = (totals[:, None] * p)[..., None] * design
        flat = design.reshape(-1, design.shape[2])
        hessian = flat.T @ weighted.reshape(-1, design.shape[2])
        hessian -= np.einsum("c,ck,cl->kl", totals, means, means)
        hessian[np.diag_indices_from(hessian)] += _RIDGE
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        if decrement < _TOLERANCE * (1.0 + abs(value)):
            return theta - step
        length = 1.0
        while True:
            trial = theta - length * step
            new = _objective(counts, design, trial)
            if new <= value - 1e-4 * length * decrement or length < 1e-6:
                break
            length *= 0.5
        theta, value = trial, new
    raise NoConvergenceError(
        f"the density surface did not settle in {_MOST_STEPS} steps of Newton's method; give "
        "more samples or fewer controls.",
        estimate=value,
    )
