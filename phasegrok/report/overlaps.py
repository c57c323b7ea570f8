"""The law of the neurons' overlaps at each point: histogram, theory, coexistence fit."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import PhasegrokError
from phasegrok.report.places import StudyData
from phasegrok.report.predictions import Systems
from phasegrok.runs.disk import write_over
from phasegrok.runs.netcdf import netcdf_image
from phasegrok.schema import RUN, Symmetry
from phasegrok.seeding import seed
from phasegrok.statistics import histogram_density, negative_log_density
from phasegrok.theory import solve_finite_size
from phasegrok.transitions import CoexistenceFit, fit_coexistence

__all__ = ["OVERLAP", "fit_points", "fit_table", "overlap_table", "overlap_theory", "read_fit"]

OVERLAP: Final = "teacher_overlap"
_BINS, _THEORY_POINTS = 32, 161
_QUANTITIES: Final = ("position", "width", "weight")


class _Task(NamedTuple):
    """What a worker process needs to fit one point."""

    overlaps: NDArray[np.float32]  # (run, record, neuron)
    disorder: list[Any]
    seed: int
    path: Path


def overlap_table(data: StudyData) -> xr.Dataset:
    """Histogram of |q| at every point, as -log p(q), with errors over disorders.

    Parameters
    ----------
    data : StudyData
        A study that recorded `OVERLAP`.

    Returns
    -------
    Dataset
        ``negative_log_density``, ``standard_error`` in nats and ``total_count``, each (point,
        bin). p is normalised over both signs of q.

    Raises
    ------
    InsufficientSamplesError
        For a single disorder.
    """
    folded = [np.abs(_overlaps(data, point)) for point in range(data.places.sizes["point"])]
    end = np.ceil(10.0 * max(float(part.max()) for part in folded)) / 10.0
    edges = np.linspace(0.0, end, _BINS + 1)
    rows = []
    for point, part in enumerate(folded):
        labels = data.disorder[data.index == point]
        found = negative_log_density(histogram_density(part, edges=edges, disorder=labels))
        # Half of the law of |q| lies on either side.
        rows.append((found.value + np.log(2.0), found.standard_error, found.total_count))
    names = ("negative_log_density", "standard_error", "total_count")
    columns = zip(names, zip(*rows, strict=True), strict=True)
    centres = 0.5 * (edges[1:] + edges[:-1])
    return data.places.assign_coords(bin_center=("bin", centres)).assign(
        {name: (("point", "bin"), np.stack(part)) for name, part in columns}
    )


def overlap_theory(systems: Systems, places: xr.Dataset, *, end: float) -> xr.Dataset:
    """Predict -log p(q) at every point on a fine grid.

    Parameters
    ----------
    systems : Systems
        The theory's description of the points.
    places : Dataset
        Along ``point``.
    end : float
        Largest |q|.

    Returns
    -------
    Dataset
        ``negative_log_density`` (point, overlap) in nats, normalised over both signs of q.
    """
    grid = np.linspace(0.0, end, _THEORY_POINTS)
    rows = [solve_finite_size(system).negative_log_density(grid) for system in systems.at]
    return places.assign_coords(overlap=grid).assign(
        negative_log_density=(("point", "overlap"), np.stack(rows))
    )


def _overlaps(data: StudyData, point: int) -> NDArray[np.float32]:
    chosen = data.kept[OVERLAP].isel({RUN: np.flatnonzero(data.index == point)})
    kept = chosen.isel(record=slice(data.cut, None)).transpose(RUN, "record", "neuron")
    return np.asarray(kept.to_numpy())


def fit_points(
    data: StudyData, folder: Path, *, workers: int, notes: list[str]
) -> dict[int, CoexistenceFit]:
    """Fit the coexisting phases at every point, and store each fit.

    Parameters
    ----------
    data : StudyData
        A study that recorded `OVERLAP` with the symmetry "sign".
    folder : Path
        Where ``point-<number>.nc`` go.
    workers : int
        Processes; 1 works in this one.
    notes : list of str
        Receives a sentence for each point without a fit.

    Returns
    -------
    dict
        Point to fit.

    Raises
    ------
    StorageError
        If a fit cannot be written.
    """
    if data.kept[OVERLAP].attrs.get("symmetry") != Symmetry.SIGN:
        notes.append(f"No fit of coexistence: {OVERLAP} does not declare the symmetry 'sign'.")
        return {}
    study_seed = int(data.study.get("seed", 0))
    tasks = []
    for point in range(data.places.sizes["point"]):
        labels = {name: data.places[name].to_numpy()[point].item() for name in data.controls}
        tasks.append(
            _Task(
                overlaps=_overlaps(data, point),
                disorder=data.disorder[data.index == point].tolist(),
                seed=seed(study_seed, "coexistence", labels),
                path=folder / f"point-{point:03d}.nc",
            )
        )
    fits = {}
    for point, reason in enumerate(_carry_out(tasks, workers)):
        if reason:
            notes.append(f"No fit of coexistence at point {point}: {reason}")
        else:
            fits[point] = read_fit(tasks[point].path)
    return fits


def _carry_out(tasks: Sequence[_Task], workers: int) -> list[str]:
    if workers <= 1 or len(tasks) < 2:
        return [_fit(task) for task in tasks]
    # Spawned, because a fork of a process with threads may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        return list(pool.map(_fit, tasks))


def _fit(task: _Task) -> str:
    """Fit one point and store it; the reason where it cannot be fitted."""
    try:
        overlaps = task.overlaps.astype(np.float64)
        fit = fit_coexistence(overlaps, seed=task.seed, disorder=task.disorder)
    except PhasegrokError as error:
        return str(error)
    write_over(task.path, netcdf_image(fit.to_dataset()))
    return ""


def read_fit(path: Path) -> CoexistenceFit:
    """Read a stored fit into memory."""
    with xr.open_dataset(path, engine="h5netcdf") as stored:
        return CoexistenceFit.from_dataset(stored.load())


def fit_table(fits: dict[int, CoexistenceFit], places: xr.Dataset) -> xr.Dataset:
    """Summarise the fits: decision, evidence, and intervals of the droplet phase.

    Parameters
    ----------
    fits : dict
        Point to fit.
    places : Dataset
        Along ``point``.

    Returns
    -------
    Dataset
        Along ``point``: ``two_phases`` (1, 0, or -1 where the data do not tell), ``reason``,
        ``log_evidence_difference`` and ``log_evidence_error`` in nats,
        ``valley_probability``, ``grade`` of the chains, and ``position``, ``width`` and
        ``weight`` with ``_lower_95`` and ``_upper_95``.
    """
    points = sorted(fits)
    chosen = [fits[point] for point in points]
    told = {True: 1, False: 0, None: -1}
    columns: dict[str, Any] = {
        "two_phases": np.array([told[fit.two_phases] for fit in chosen], dtype=np.int8),
        "reason": np.array([fit.decision.reason for fit in chosen], dtype=object),
        "log_evidence_difference": [fit.log_evidence_difference for fit in chosen],
        "log_evidence_error": [
            np.hypot(
                fit.two_phase_evidence.standard_error, fit.one_phase_evidence.standard_error
            )
            for fit in chosen
        ],
        "valley_probability": [fit.valley_probability for fit in chosen],
        "grade": np.array([str(fit.health.grade) for fit in chosen], dtype=object),
        "balance_samples": [f.effective.balance_share * f.effective.number for f in chosen],
    }
    for name in _QUANTITIES:
        for level, suffix in (
            ("median", ""),
            ("lower_95", "_lower_95"),
            ("upper_95", "_upper_95"),
        ):
            columns[name + suffix] = [
                float(fit.summary[name].sel(level=level)) for fit in chosen
            ]
    return places.sel(point=points).assign(
        {name: ("point", values) for name, values in columns.items()}
    )
