"""The figures of a study, each drawn from its analysis alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from phasegrok.plotting import (
    Table,
    against_noise,
    against_noise_table,
    corner,
    corner_table,
    discrepancies,
    health_of_points,
    health_of_points_table,
    overlap_density,
    overlap_density_table,
    phase_diagram,
    phase_diagram_table,
    save_figure,
    start_traces,
    start_traces_table,
)
from phasegrok.report.analysis import FITS, Analysis, current_analysis, require_writable
from phasegrok.report.overlaps import read_fit

__all__ = ["FIGURES", "FOLDER", "corner_point", "density_points", "plot_study", "row_points"]

FOLDER: Final = "figures"
_MOST_DENSITIES: Final = 4
_LEAST_VALLEY: Final = 0.5
# Share of draws with a second maximum from which a droplet phase is worth drawing.
_HEALTH: Final = ("acceptance", "autocorrelation_time", "split_r_hat", "start_z_score")

Drawn: TypeAlias = tuple[Any, Table] | None
"""A figure and its numbers; None where it does not apply to the study."""


def plot_study(folder: str | Path) -> list[Path]:
    """Draw every figure that applies to a study into ``folder/figures``.

    The study is analysed first where that was not done, or runs were added since.

    Parameters
    ----------
    folder : path
        Folder of the study.

    Returns
    -------
    list of Path
        PDF, PNG and CSV of each figure.

    Raises
    ------
    FormatError
        If the folder holds no readable runs.
    StorageError
        If the figures cannot be written.
    """
    analysis = current_analysis(folder)
    target = Path(folder) / FOLDER
    require_writable(target)
    paths: list[Path] = []
    for name, draw in FIGURES.items():
        drawn = draw(analysis)
        if drawn is not None:
            paths += save_figure(drawn[0], target / name, drawn[1])
    return paths


def row_points(analysis: Analysis) -> list[int]:
    """Points at the stated value of the control beside the noise, by increasing noise.

    Without a theory, all points in their order.
    """
    places = analysis.tables["health"]
    labels = places["point"].to_numpy()
    beside = analysis.summary["beside"]
    if beside is None:
        return [int(label) for label in labels]
    here = labels[places[beside].to_numpy() == analysis.summary["row"]]
    return [int(label) for label in sorted(here, key=lambda p: _noise(analysis, p))]


def corner_point(analysis: Analysis) -> int | None:
    """Point at which two phases are most probable; None where no sound fit finds a second."""
    fits = analysis.table("fits")
    if fits is None:
        return None
    likely = fits["valley_probability"].to_numpy() > _LEAST_VALLEY
    likely &= fits["grade"].to_numpy() != "unusable"
    if not likely.any():
        return None
    odds = np.where(likely, fits["log_evidence_difference"].to_numpy(), -np.inf)
    return int(fits["point"].to_numpy()[int(odds.argmax())])


def density_points(analysis: Analysis) -> list[int]:
    """A few points of one row, from the lowest noise to the highest."""
    row = row_points(analysis)
    chosen = np.linspace(0, len(row) - 1, min(_MOST_DENSITIES, len(row))).round()
    return [row[int(place)] for place in chosen]


def _noise(analysis: Analysis, point: int) -> float:
    return float(analysis.tables["health"]["noise_variance"].sel(point=point))


def _draw_phase_diagram(analysis: Analysis) -> Drawn:
    lines, points = analysis.table("lines"), analysis.tables["points"]
    if lines is None or "aligned_fraction" not in points["quantity"].to_numpy():
        return None
    plane = ("noise_variance", str(analysis.summary["beside"]))
    table = phase_diagram_table(points, lines, plane=plane)
    return phase_diagram(points, lines, plane=plane).figure, table


def _draw_overlap_density(analysis: Analysis) -> Drawn:
    overlaps, theory = analysis.table("overlaps"), analysis.table("overlap_theory")
    if overlaps is None:
        return None
    points = density_points(analysis)
    table = overlap_density_table(overlaps, theory, points=points)
    return overlap_density(overlaps, theory, points=points).figure, table


def _draw_discrepancies(analysis: Analysis) -> Drawn:
    names = ("linear_discrepancy", "cubic_discrepancy")
    if not _has_curves(analysis, names):
        return None
    beside, points = str(analysis.summary["beside"]), analysis.tables["points"]
    curves = analysis.tables["curves"]
    panels = discrepancies(points, curves, beside=beside)
    parts = []
    for name in names:
        part = against_noise_table(points, curves, quantity=name, beside=beside)
        named = np.full(len(part), name, dtype=object)
        parts.append(Table(columns={"quantity": named, **part.columns}))
    return panels[0].figure, Table.joined(parts)


def _draw_aligned_fraction(analysis: Analysis) -> Drawn:
    if not _has_curves(analysis, ("aligned_fraction",)):
        return None
    points, curves = (
        analysis.tables["points"],
        analysis.tables["curves"].sel(size=["this size"]),
    )
    beside = str(analysis.summary["beside"])
    name = "aligned_fraction"
    table = against_noise_table(points, curves, quantity=name, beside=beside)
    return against_noise(points, curves, quantity=name, beside=beside).figure, table


def _has_curves(analysis: Analysis, quantities: tuple[str, ...]) -> bool:
    measured = analysis.tables["points"]["quantity"].to_numpy()
    return "curves" in analysis.tables and all(name in measured for name in quantities)


def _draw_corner(analysis: Analysis) -> Drawn:
    point = corner_point(analysis)
    if point is None:
        return None
    posterior = read_fit(analysis.folder / FITS / f"point-{point:03d}.nc").posterior
    quantities = ("position", "width", "weight")
    table = corner_table(posterior, quantities=quantities)
    return corner(posterior, quantities=quantities)[0, 0].figure, table


def _draw_start_traces(analysis: Analysis) -> Drawn:
    traces = analysis.tables["traces"]
    point = row_points(analysis)[0]
    return start_traces(traces, point=point).figure, start_traces_table(traces, point=point)


def _draw_run_health(analysis: Analysis) -> Drawn:
    health, beside = analysis.tables["health"], analysis.summary["beside"]
    quantities = [name for name in _HEALTH if name in health]
    if beside is None or not quantities:
        return None
    table = health_of_points_table(health, quantities=quantities, beside=beside)
    panels = health_of_points(health, quantities=quantities, beside=beside)
    return panels[0].figure, table


FIGURES: Final[Mapping[str, Callable[[Analysis], Drawn]]] = {
    "phase_diagram": _draw_phase_diagram,
    "aligned_fraction": _draw_aligned_fraction,
    "discrepancies": _draw_discrepancies,
    "overlap_density": _draw_overlap_density,
    "corner": _draw_corner,
    "start_traces": _draw_start_traces,
    "run_health": _draw_run_health,
}
"""Every figure, in the order of the report."""
