"""What the theory of the cubic teacher predicts for a study: points, curves and lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import PhasegrokError
from phasegrok.report.places import OBSERVED, StudyData
from phasegrok.theory import (
    CubicTeacherSystem,
    PhaseLine,
    crossover_line,
    first_order_line,
    solve_finite_size,
    solve_large_size,
    well_limit_line,
)

__all__ = [
    "SIZES",
    "Systems",
    "comparison_table",
    "curve_table",
    "line_table",
    "predicted_table",
    "systems_of",
]

SIZES: Final = ("this size", "large sizes")
"""Along ``size``: the self-consistent equations at the study's d, and their limit."""

_FROM_POINTS: Final = (
    "noise_variance",
    "example_count",
    "width",
    "prior_variance_first",
    "prior_variance_readout",
)
_CURVE_POINTS, _LINE_POINTS, _MARGIN = 41, 5, 1.4


@final
@dataclass(frozen=True, kw_only=True)
class Systems:
    """The theory's description of every point of a study.

    Parameters
    ----------
    at : tuple of CubicTeacherSystem
        One for each point.
    threshold : float
        Smallest |q| that counts as aligned.
    beside : {"example_count", "width"}
        The control that is varied beside the noise.
    stated : float
        Value of it that the description states.
    """

    at: tuple[CubicTeacherSystem, ...]
    threshold: float
    beside: str
    stated: float

    def values(self, name: str) -> NDArray[np.float64]:
        """Distinct values of a control, increasing."""
        return np.unique([getattr(system, name) for system in self.at])

    @property
    def row(self) -> float:
        """Value of `beside` to show one row of points at: the stated one, else the middle."""
        values = self.values(self.beside)
        return self.stated if self.stated in values else float(values[values.size // 2])

    @property
    def differ_in_two_at_most(self) -> bool:
        """Whether noise and `beside` tell all points apart."""
        rest = {
            tuple(
                value
                for name, value in asdict(system).items()
                if name not in ("noise_variance", self.beside)
            )
            for system in self.at
        }
        return len(rest) == 1


def systems_of(data: StudyData) -> Systems | None:
    """Describe the points of a study to the theory.

    Parameters
    ----------
    data : StudyData
        The study.

    Returns
    -------
    Systems or None
        None for another task or network, or where the stationary law is not the posterior
        that the theory is about.
    """
    task, network = data.study.get("task", {}), data.study.get("network", {})
    places = data.places
    known = (task.get("kind"), network.get("kind"), network.get("activation", "erf"))
    if known != ("cubic_teacher", "two_layer", "erf"):
        return None
    if any(data.study.get(other) for other in ("ramps", "sweep", "umbrella")):
        return None
    if any(name not in places.coords for name in _FROM_POINTS):
        return None
    columns = {name: places[name].to_numpy().astype(np.float64) for name in _FROM_POINTS}
    if not all(np.isfinite(column).all() and (column > 0).all() for column in columns.values()):
        return None
    systems = []
    for at, row in enumerate(zip(*columns.values(), strict=True)):
        noise, examples, width, first, readout = (float(value) for value in row)
        inputs = _option(places, task, "input_size", at)
        systems.append(
            CubicTeacherSystem(
                noise_variance=noise,
                example_count=examples,
                width=width,
                input_size=inputs,
                # Rounded, since products of float64 tell equal variances apart.
                first_variance=float(f"{first * inputs:.12g}"),
                readout_variance=float(f"{readout * width:.12g}"),
                cubic=_option(places, task, "cubic", at),
            )
        )
    widths = np.unique(columns["width"]).size > 1
    beside = "width" if widths and "width" in data.controls else "example_count"
    stated = network.get("width") if beside == "width" else task.get("example_count")
    return Systems(
        at=tuple(systems), threshold=_threshold(data.study), beside=beside, stated=float(stated)
    )


def _option(places: xr.Dataset, task: Mapping[str, Any], name: str, at: int) -> float:
    return float(places[name].to_numpy()[at]) if name in places.coords else float(task[name])


def _threshold(study: Mapping[str, Any]) -> float:
    for observable in study.get("recording", {}).get("observables", ()):
        described = {"kind": observable} if isinstance(observable, str) else observable
        if described.get("kind") == "aligned_fraction":
            return float(described.get("threshold", 0.5))
    return 0.5


def predicted_table(systems: Systems, places: xr.Dataset) -> xr.Dataset:
    """Predict b, c and the aligned fraction at every point.

    Parameters
    ----------
    systems : Systems
        From `systems_of`.
    places : Dataset
        Along ``point``.

    Returns
    -------
    Dataset
        Each quantity of `OBSERVED` (size, point); ``residual`` and ``converged`` of the
        equations at this size (point), and the ``interaction`` u.
    """
    predicted, health = _solved(systems.at, systems.threshold)
    sized = places.assign_coords(size=np.array(SIZES, dtype=object))
    return sized.assign(
        {name: (("size", "point"), values) for name, values in predicted.items()}
    ).assign(
        interaction=("point", [system.interaction for system in systems.at]),
        residual=("point", health[0]),
        converged=("point", health[1].astype(np.int8)),
    )


def _solved(
    systems: Sequence[CubicTeacherSystem], threshold: float
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Values (size, system) of each quantity, and (residual, converged)."""
    values = np.empty((len(OBSERVED), len(SIZES), len(systems)))
    health = np.empty((2, len(systems)))
    for at, system in enumerate(systems):
        finite, large = solve_finite_size(system), solve_large_size(system)
        health[:, at] = finite.residual, finite.converged
        values[0, :, at] = finite.aligned_fraction(threshold), large.aligned_fraction
        values[1, :, at] = finite.linear_discrepancy, large.linear_discrepancy
        values[2, :, at] = finite.cubic_discrepancy, large.cubic_discrepancy
    return dict(zip(OBSERVED, values, strict=True)), health


def comparison_table(points: xr.Dataset, predicted: xr.Dataset) -> xr.Dataset:
    """Put measurement and theory side by side.

    Parameters
    ----------
    points, predicted : Dataset
        From `point_table` and `predicted_table`.

    Returns
    -------
    Dataset
        ``measured``, ``standard_error``, ``theory`` (at this size), ``deviation`` in standard
        errors and ``relative_deviation``, each (quantity, point).
    """
    names = [name for name in OBSERVED if name in points["quantity"].to_numpy()]
    measured = points["mean"].sel(quantity=names)
    error = points["standard_error"].sel(quantity=names)
    here = predicted.sel(size=SIZES[0])
    theory = measured.copy(data=np.stack([here[name].to_numpy() for name in names]))
    difference = measured - theory
    return xr.Dataset(
        {
            "measured": measured,
            "standard_error": error,
            "theory": theory,
            "deviation": difference / error.where(error > 0.0),
            "relative_deviation": difference / theory,
        }
    )


def curve_table(systems: Systems) -> xr.Dataset:
    """Predict every quantity along the noise, for each value of the other control.

    Returns
    -------
    Dataset
        Each quantity of `OBSERVED` (size, beside, noise_variance).
    """
    noise = systems.values("noise_variance")
    rows, template = systems.values(systems.beside), systems.at[0]
    grid = np.geomspace(noise[0] / 1.1, noise[-1] * 1.1, _CURVE_POINTS)
    if template.cubic != 0.0:
        onset = first_order_line(
            template, solve_for="noise_variance", along=systems.beside, values=rows
        ).critical_values
        # The limit has a kink there, which a grid would cut off.
        inside = onset[(onset > grid[0]) & (onset < grid[-1])]
        grid = np.unique(np.concatenate([grid, inside]))
    along = [
        replace(template, **{"noise_variance": float(value), systems.beside: float(row)})
        for row in rows
        for value in grid
    ]
    predicted, _ = _solved(along, systems.threshold)
    dims = ("size", systems.beside, "noise_variance")
    shape = (len(SIZES), rows.size, grid.size)
    return xr.Dataset(
        {name: (dims, values.reshape(shape)) for name, values in predicted.items()},
        coords={
            "size": np.array(SIZES, dtype=object),
            systems.beside: rows,
            "noise_variance": grid,
        },
    )


def line_table(systems: Systems, notes: list[str]) -> xr.Dataset | None:
    """Lines of the phase diagram in the plane of noise variance and the other control.

    Parameters
    ----------
    systems : Systems
        From `systems_of`.
    notes : list of str
        Receives a sentence for a line that is not there.

    Returns
    -------
    Dataset or None
        ``critical`` (line, along), NaN where there is no such transition; None where fewer
        than two values of either control were measured.
    """
    rows = systems.values(systems.beside)
    if min(rows.size, systems.values("noise_variance").size) < 2:
        return None
    ends = (rows[0] / _MARGIN, rows[-1] * _MARGIN)
    along = np.unique(np.concatenate([np.geomspace(*ends, _LINE_POINTS), rows]))
    makers: dict[str, Callable[..., PhaseLine]] = {
        "first_order_line": first_order_line,
        "crossover_line": crossover_line,
        "well_limit_line": well_limit_line,
    }
    found = {}
    for name, maker in makers.items():
        options = {"threshold": systems.threshold} if maker is crossover_line else {}
        try:
            line = maker(
                systems.at[0],
                solve_for="noise_variance",
                along=systems.beside,
                values=along,
                **options,
            )
        except PhasegrokError as error:
            notes.append(f"The theory's {name} is not drawn: {error}")
            continue
        critical = np.full(along.size, np.nan)
        critical[np.isin(along, line.along_values)] = line.critical_values
        found[name] = critical
    return xr.Dataset(
        {"critical": (("line", "along"), np.stack(list(found.values())))},
        coords={"line": np.array(list(found), dtype=object), "along": along},
        attrs={"along": systems.beside, "solve_for": "noise_variance"},
    )
