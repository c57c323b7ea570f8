"""What is demanded of curves, and of quantities along them, before anything is read off."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import finite_number, real_numbers, require_magnitude
from phasegrok.transitions.scaling.cells import QUANTITIES
from phasegrok.transitions.scaling.curves import MomentCurves

__all__ = ["CurveOf", "quantity_along", "require_curves"]

CurveOf = Callable[[MomentCurves], FloatArray]
"""Takes one quantity (draw, control) from the curves of a size."""

_FEWEST_DRAWS: Final = 3
"""The samples and two draws of the bootstrap, which have a standard deviation."""

_LARGEST_MOMENT: Final = 1e240
"""The fourth power of the largest order parameter."""

_LARGEST_READ: Final = 1e150
"""Its square is a number still."""

_UNEVEN: Final = 1e-6


def require_curves(
    curves: Sequence[MomentCurves], *, fewest: int = 1, what: str = "a table of curves"
) -> tuple[MomentCurves, ...]:
    """Take the curves of several sizes.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.
    fewest : int
        Sizes without which there is nothing to read.
    what : str
        What is to be read, for the error message.

    Returns
    -------
    tuple of MomentCurves

    Raises
    ------
    InvalidValueError
        For what are no curves, or curves of unequal shapes.
    InsufficientSamplesError
        For fewer sizes.
    """
    listed = isinstance(curves, Sequence) and not isinstance(curves, str | bytes)
    if not listed or not all(isinstance(each, MomentCurves) for each in curves):
        kinds = sorted({type(each).__name__ for each in curves}) if listed else []
        raise InvalidValueError(
            f"{what} needs a sequence of MomentCurves, one for each size, received "
            f"{type(curves).__name__}{' of ' + ', '.join(kinds) if kinds else ''}; make them "
            "by moment_curves."
        )
    if len(curves) < fewest:
        raise InsufficientSamplesError(
            f"{what} (of sizes)", required=fewest, received=len(curves)
        )
    for each in curves:
        _require_curve(each)
    shapes = sorted({each.draws.shape for each in curves})
    if len(shapes) > 1:
        raise InvalidValueError(
            f"all curves must have as many draws and controls as each other, received shapes "
            f"{shapes}; make them by one call of moment_curves."
        )
    return tuple(curves)


def quantity_along(curves: MomentCurves, curve: CurveOf) -> FloatArray:
    """Read one quantity of one size.

    Parameters
    ----------
    curves : MomentCurves
        Of one size, sound.
    curve : callable
        Which quantity.

    Returns
    -------
    (draw, control) array
        NaN where unknown.

    Raises
    ------
    InvalidValueError
        For what cannot be called, another shape, infinities, or numbers above 1e150.
    """
    if not callable(curve):
        raise InvalidValueError(
            "a quantity must be a function of the curves of one size, received "
            f"{type(curve).__name__}; give one such as lambda each: each.cumulant."
        )
    read = real_numbers("a quantity along the control", curve(curves))
    wanted = (len(curves.draws), curves.controls.size)
    if read.shape != wanted:
        raise InvalidValueError(
            f"a quantity must be an array (draw, control) of the shape {wanted}, received "
            f"{read.shape}; leave both dimensions in."
        )
    _require_below("a quantity along the control", read, _LARGEST_READ)
    return read


def _require_curve(curves: MomentCurves) -> None:
    finite_number("the size of a curve", curves.size, positive=True)
    volume = finite_number("the volume of a curve", curves.volume, positive=True)
    require_magnitude("the volume of a curve", np.array(volume))
    controls = real_numbers("the controls of a curve", curves.controls)
    if controls.ndim != 1 or not controls.size or not np.isfinite(controls).all():
        raise InvalidValueError(
            "the controls of a curve must be one or more finite numbers along one dimension, "
            f"received shape {controls.shape} with {np.count_nonzero(~np.isfinite(controls))} "
            "that are not finite; leave out what was not sampled."
        )
    require_magnitude("the controls of a curve", controls)
    steps, reach = np.diff(controls), controls[-1] - controls[0]
    rounding = 4.0 * np.spacing(np.abs(controls).max())
    if (steps < 0.0).any() or (steps.size and np.ptp(steps) > _UNEVEN * reach + rounding):
        raise InvalidValueError(
            "the controls of a curve must rise in equal steps, received steps from "
            f"{steps.min():.3g} to {steps.max():.3g}; interpolate to equal steps."
        )
    draws = real_numbers("the draws of a curve", curves.draws)
    wanted = (len(QUANTITIES), controls.size)
    if draws.ndim != 3 or len(draws) < _FEWEST_DRAWS or draws.shape[1:] != wanted:
        raise InvalidValueError(
            f"the draws of a curve must be an array (draw, quantity, control) of {wanted[0]} "
            f"quantities at {wanted[1]} controls with {_FEWEST_DRAWS} draws or more, received "
            f"shape {draws.shape}; give the samples first, then draws of the bootstrap."
        )
    _require_below("the draws of a curve", draws, _LARGEST_MOMENT)


def _require_below(name: str, values: FloatArray, most: float) -> None:
    """NaN passes: it stands for what is unknown."""
    known = np.abs(values[~np.isnan(values)])
    if known.size and not known.max() <= most:
        raise InvalidValueError(
            f"{name} must be NaN or at most {most:g} in size, received {known.max():g}; change "
            "the unit, or put NaN where it is unknown."
        )
