"""Analyse a study once and store every number that figures and report need."""

import errno
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, PhasegrokError, StorageError
from phasegrok.report.measured import (
    health_table,
    outcome_table,
    point_table,
    start_table,
    trace_table,
)
from phasegrok.report.overlaps import (
    OVERLAP,
    fit_points,
    fit_table,
    overlap_table,
    overlap_theory,
)
from phasegrok.report.places import OBSERVED, StudyData, open_study
from phasegrok.report.predictions import (
    comparison_table,
    curve_table,
    line_table,
    predicted_table,
    systems_of,
)
from phasegrok.report.wording import control_text
from phasegrok.runs import StudyFolder, provenance
from phasegrok.runs.disk import write_together
from phasegrok.runs.netcdf import netcdf_image
from phasegrok.schema import Outcome
from phasegrok.seeding import digest
from phasegrok.statistics import Status

__all__ = [
    "FITS",
    "FOLDER",
    "HIGHEST_R_HAT",
    "Analysis",
    "analyze_study",
    "current_analysis",
    "place_names",
    "read_analysis",
    "require_writable",
]

FOLDER: Final = "analysis"
FITS: Final = "fits"
_SUMMARY: Final = "summary.json"
_VERSION: Final = 2

HIGHEST_R_HAT: Final = 1.1
"""Split R̂ above which chains are said to disagree."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """What `analyze_study` stored.

    Parameters
    ----------
    folder : Path
        Where it is stored.
    tables : mapping
        Name to dataset: points, outcomes, health, traces, and where they apply starts,
        predicted, comparison, curves, lines, overlaps,
        overlap_theory and fits.
    summary : mapping
        Everything else, as plain data.
    """

    folder: Path
    tables: Mapping[str, xr.Dataset]
    summary: Mapping[str, Any]

    def table(self, name: str) -> xr.Dataset | None:
        """One table, or None where it does not apply to the study."""
        return self.tables.get(name)


def analyze_study(folder: str | Path, *, workers: int = 1) -> Path:
    """Analyse all runs of a study and store the numbers in ``folder/analysis``.

    Every table is written as netCDF and as CSV, and one JSON file says what was done. What
    is specific to a system, such as a theory, is done where the variables are there.

    Parameters
    ----------
    folder : path
        Folder of the study.
    workers : int
        Processes that fit points. With more than one, a script that calls this needs the
        usual ``if __name__ == "__main__":``.

    Returns
    -------
    Path
        The folder of the analysis.

    Raises
    ------
    FormatError
        If the folder holds no readable runs.
    InsufficientSamplesError
        If no run finished, or none has a record of a number.
    StorageError
        If the numbers cannot be written; those of an older analysis stay.
    """
    begin = time.monotonic()
    target = Path(folder) / FOLDER
    data = open_study(folder)
    require_writable(target)
    notes = _notes_of(data)
    tables = _tables(data, target, workers=workers, notes=notes)
    summary = _summary(data, tables, notes) | {"seconds": time.monotonic() - begin}
    files = _files(tables, summary)
    write_together(target, files)
    for stale in target.glob("*.*"):
        if stale.name not in files:
            stale.unlink()
    return target


def _files(
    tables: Mapping[str, xr.Dataset], summary: Mapping[str, Any]
) -> dict[str, bytes | memoryview]:
    """Name and content of every file; the summary, which names the others, comes last."""
    files: dict[str, bytes | memoryview] = {}
    for name, table in tables.items():
        files[f"{name}.nc"] = netcdf_image(table)
        files[f"{name}.csv"] = table.to_dataframe().reset_index().to_csv(index=False).encode()
    files[_SUMMARY] = json.dumps(summary, indent=1, ensure_ascii=False, default=str).encode()
    return files


def require_writable(folder: Path) -> None:
    """Make a folder for results, before time is spent on them.

    Parameters
    ----------
    folder : Path
        The folder; made where it is missing.

    Raises
    ------
    StorageError
        If something else stands there, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    except OSError as error:
        advice = "move away what stands there, or allow writing"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "free some space on the disk"
        raise StorageError(
            f"{folder} must be a folder that can be written ({error.strerror}); {advice}."
        ) from error


def read_analysis(folder: str | Path) -> Analysis:
    """Read what `analyze_study` stored, into memory.

    Parameters
    ----------
    folder : path
        Folder of the study.

    Raises
    ------
    FormatError
        If the study was not analysed, or by another version.
    """
    target = Path(folder) / FOLDER
    try:
        summary = json.loads((target / _SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{target} holds no analysis that can be read; run phasegrok analyze {folder}."
        ) from error
    if summary.get("version") != _VERSION:
        raise FormatError(
            f"{target} is of version {summary.get('version')!r}, and this phasegrok reads "
            f"version {_VERSION}; run phasegrok analyze {folder}."
        )
    tables = {}
    for name in summary["tables"]:
        with xr.open_dataset(target / f"{name}.nc", engine="h5netcdf") as stored:
            tables[name] = stored.load()
    return Analysis(folder=target, tables=tables, summary=summary)


def current_analysis(folder: str | Path, *, workers: int = 1) -> Analysis:
    """Read the analysis of a study; make it first where it is missing or runs were added."""
    runs = digest(sorted(StudyFolder.open(folder).run_outcomes().items()))
    try:
        analysis = read_analysis(folder)
    except FormatError:
        analysis = None
    if analysis is None or analysis.summary["runs_digest"] != runs:
        analyze_study(folder, workers=workers)
        analysis = read_analysis(folder)
    return analysis


def place_names(beside: str | None, controls: Sequence[str]) -> list[str]:
    """Name what says where a point lies: noise and the other control, or its controls.

    Parameters
    ----------
    beside : str or None
        What varies beside the noise in a study that a theory describes; None for others.
    controls : sequence of str
        All controls.
    """
    return list(controls) if beside is None else ["noise_variance", beside]


def _notes_of(data: StudyData) -> list[str]:
    notes = []
    if any(data.study.get(mover) for mover in ("ramps", "sweep", "exchange")):
        notes.append(
            "Controls change within the runs: averages over records mix their values and are "
            "no equilibrium averages at the points named."
        )
    if data.study.get("umbrella"):
        notes.append(
            "An umbrella biases the runs: averages are those of the biased law, which "
            "phasegrok.statistics.solve_controls takes off."
        )
    left_out = data.attribute.get("left_out") or {}
    for name, reason in left_out.items():
        notes.append(f"{name} is left out: {reason}.")
    return notes


def _tables(
    data: StudyData, target: Path, *, workers: int, notes: list[str]
) -> dict[str, xr.Dataset]:
    points = point_table(data, notes)
    starts = start_table(data, notes)
    found: dict[str, xr.Dataset | None] = {
        "points": points,
        "outcomes": outcome_table(data),
        "starts": starts,
        "traces": trace_table(data),
        "health": health_table(data, points, starts),
    }
    systems = systems_of(data)
    if systems is not None:
        predicted = predicted_table(systems, data.places)
        found["predicted"] = predicted
        if set(OBSERVED) & set(points["quantity"].to_numpy().tolist()):
            found["comparison"] = comparison_table(points, predicted)
        if systems.differ_in_two_at_most:
            found["curves"] = curve_table(systems)
            found["lines"] = line_table(systems, notes)
    if OVERLAP in data.kept:
        try:
            found["overlaps"] = overlaps = overlap_table(data)
            if systems is not None:
                end = float(overlaps["bin_center"].max())
                found["overlap_theory"] = overlap_theory(systems, data.places, end=end)
        except PhasegrokError as error:
            notes.append(f"No density of overlaps: {error}")
        fits = fit_points(data, target / FITS, workers=workers, notes=notes)
        if fits:
            found["fits"] = fit_table(fits, data.places)
    return {name: table for name, table in found.items() if table is not None}


def _summary(
    data: StudyData, tables: Mapping[str, xr.Dataset], notes: list[str]
) -> dict[str, Any]:
    systems = systems_of(data)
    places = place_names(None if systems is None else systems.beside, data.controls)
    outcomes = Counter(str(word) for word in data.runs["outcome"].to_numpy())
    pairs = zip(data.runs["run_id"].to_numpy(), data.runs["outcome"].to_numpy(), strict=True)
    counts = (
        {"gradients": int(data.runs["gradient_count"].sum())}
        if ("gradient_count" in data.runs)
        else {}
    )
    return {
        "version": _VERSION,
        "tables": list(tables),
        "runs_digest": digest(sorted([str(run), str(outcome)] for run, outcome in pairs)),
        "outcomes": {word.value: outcomes.get(word.value, 0) for word in Outcome},
        "failures": _failures(data, places),
        "controls": list(data.controls),
        "main_quantity": data.main_quantity,
        "cut": {"record": data.cut, "step": int(data.steps[data.cut])},
        "records": {"kept": int(data.steps.size - data.cut), "made": int(data.steps.size)},
        "beside": None if systems is None else systems.beside,
        "row": None if systems is None else systems.row,
        "threshold": None if systems is None else systems.threshold,
        "notes": [*notes, *_doubts(tables, places)],
        "study": data.study,
        "collected": {"provenance": data.attribute["provenance"]}
        | {"shards": data.attribute.get("shards", [])},
        "analysed": provenance(),
        **counts,
    }


def _failures(data: StudyData, places: Sequence[str]) -> list[dict[str, Any]]:
    """Every run that did not finish, with its labels and its reason."""
    runs = data.runs.isel(run=np.flatnonzero(data.runs["outcome"] != Outcome.FINISHED.value))
    told = ("disorder", "replica", "start", "outcome", "outcome_reason")
    names = list(dict.fromkeys([*data.controls, *places, *told]))
    columns = [runs[name].to_numpy().tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _doubts(tables: Mapping[str, xr.Dataset], places: Sequence[str]) -> list[str]:
    """What the numbers themselves warn of."""
    doubts = []
    health = tables["health"]
    if "split_r_hat" in health:
        high = health["split_r_hat"].to_numpy() > HIGHEST_R_HAT
        if high.any():
            doubts.append(
                f"Split R̂ of {health.attrs['quantity']} exceeds {HIGHEST_R_HAT} at "
                f"{high.sum()} of {high.size} points (worst "
                f"{health['split_r_hat'].max():.2f}): the chains are short there, or "
                "replicas of a disorder disagree."
            )
    if "status" in tables["points"]:
        status = tables["points"]["status"].sel(quantity=health.attrs["quantity"]).to_numpy()
        unresolved = int(np.count_nonzero(status == Status.UNRESOLVED))
        if unresolved:
            doubts.append(
                f"Fewer than 50 effective samples at {unresolved} of {status.size} points: the "
                "autocorrelation time there is a lower bound."
            )
    if "fits" in tables:
        fits = tables["fits"]
        unusable = [
            control_text({name: fits[name][index].item() for name in places})
            for index in np.flatnonzero(fits["grade"].to_numpy() == "unusable")
        ]
        if unusable:
            doubts.append(
                f"The chains of the coexistence fit did not converge at {'; '.join(unusable)}."
            )
    if "predicted" in tables and not tables["predicted"]["converged"].to_numpy().all():
        doubts.append("The theory's equations did not converge at every point.")
    return doubts
