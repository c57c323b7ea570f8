"""Which runs lie at which point of control space, and which records count."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import InsufficientSamplesError
from phasegrok.runs import attribute_of, open_runs
from phasegrok.schema import LABELS, NOW, RECORD, RUN, RUN_COORDINATES, Outcome
from phasegrok.statistics import equilibration_start, finished

__all__ = [
    "OBSERVED",
    "NothingToAnalyzeError",
    "StudyData",
    "observed_quantities",
    "open_study",
]

OBSERVED: Final = ("aligned_fraction", "linear_discrepancy", "cubic_discrepancy")
"""Quantities of the cubic teacher that theory predicts, the order parameter first."""

_NOT_OBSERVED: Final = ("acceptance", "log_step", "rung")
_LATEST_CUT: Final = 0.5
# Fraction of the records that detected relaxation may take at most.
_FEWEST_RECORDS: Final = 8


@final
class NothingToAnalyzeError(InsufficientSamplesError):
    """No run of a study has anything to average.

    Parameters
    ----------
    message : str
        What is missing and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__("an analysis", required=1, received=0)
        self.args = (message,)

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the sentence."""
        return (NothingToAnalyzeError, self.args)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StudyData:
    """The runs of a study, laid out by point.

    Parameters
    ----------
    runs : Dataset
        Every run, however it ended.
    kept : Dataset
        Finished runs, records that all of them made.
    attribute : mapping
        Description and provenance.
    controls : tuple of str
        Coordinates whose combinations are the points.
    index : (run,) integer array
        Point of every kept run.
    places : Dataset
        Along ``point``: coordinates that are constant at each point.
    relaxed : (point,) integer array
        Record at which the relaxation has ended: the median over the runs of the point, for
        the slowest quantity.
    cut : int
        First record that enters averages.
    """

    runs: xr.Dataset
    kept: xr.Dataset
    attribute: Mapping[str, Any]
    controls: tuple[str, ...]
    index: NDArray[np.int64]
    places: xr.Dataset
    relaxed: NDArray[np.int64]
    cut: int

    @property
    def study(self) -> Mapping[str, Any]:
        """The description as plain data; empty for recorded runs."""
        return self.attribute.get("study") or {}

    @property
    def disorder(self) -> NDArray[Any]:
        """Disorder of every kept run, (run,)."""
        return np.asarray(self.kept["disorder"].to_numpy())

    @property
    def steps(self) -> NDArray[np.int64]:
        """Step of every record; that of the first run where runs differ, (record,)."""
        step = self.kept["step"]
        return np.asarray((step.isel(run=0) if RUN in step.dims else step).to_numpy())

    @property
    def main_quantity(self) -> str:
        """The order parameter, else the first recorded quantity."""
        names = observed_quantities(self.kept)
        return next((name for name in OBSERVED if name in names), names[0])


def open_study(folder: str | Path) -> StudyData:
    """Open a study and decide which runs and records enter averages.

    The cut is the larger of the burn-in that the dynamics state and the median over the runs
    of a point, at the slowest point and quantity, of the detected end of the relaxation, but
    at most half of the records.

    Parameters
    ----------
    folder : path
        Folder of the study.

    Returns
    -------
    StudyData

    Raises
    ------
    FormatError
        If the folder holds no readable runs.
    NothingToAnalyzeError
        If no run finished, or none has a record of a number.
    """
    runs = open_runs(folder)
    attribute = attribute_of(runs)
    kept = finished(runs)
    if kept.sizes[RUN] == 0:
        raise NothingToAnalyzeError(_none_finished(runs, folder))
    kept = kept.isel(record=slice(0, int(kept["record_count"].min())))
    if kept.sizes[RECORD] == 0 or not observed_quantities(kept):
        raise NothingToAnalyzeError(
            f"the finished runs of {folder} have no record of a number with a fraction, such "
            "as a loss, that all of them made; an analysis needs at least one."
        )
    on_runs = [name for name in attribute.get("controls", ()) if name in kept.coords]
    controls = tuple(on_runs) or (
        ("temperature",) if "temperature" in kept.coords else ("integrator",)
    )
    index, places = _places(kept, controls)
    relaxed = _relaxed(kept, index)
    study = attribute.get("study") or {}
    return StudyData(
        runs=runs,
        kept=kept,
        attribute=attribute,
        controls=controls,
        index=index,
        places=places,
        relaxed=relaxed,
        cut=_cut(kept, study, relaxed),
    )


def _none_finished(runs: xr.Dataset, folder: str | Path) -> str:
    words = runs["outcome"].to_numpy().tolist()
    counts = ", ".join(f"{words.count(each)} {each}" for each in Outcome if each in words)
    none = "the only run did not finish"
    if len(words) > 1:
        none = f"none of the {len(words)} runs finished"
    return f"{none}: {counts}; see phasegrok status {folder}."


def observed_quantities(runs: xr.Dataset) -> list[str]:
    """Variables with one number per run and record, the recorded observables first."""
    names = [
        str(name)
        for name, variable in runs.data_vars.items()
        if set(variable.dims) == {RUN, RECORD}
        and variable.dtype.kind == "f"
        and not str(name).endswith(NOW)
        and name not in _NOT_OBSERVED
    ]
    return sorted(names, key=lambda name: (name not in OBSERVED, names.index(name)))


def _places(
    kept: xr.Dataset, controls: tuple[str, ...]
) -> tuple[NDArray[np.int64], xr.Dataset]:
    codes = [np.unique(kept[name].to_numpy(), return_inverse=True)[1] for name in controls]
    _, first, index = np.unique(
        np.stack(codes, axis=-1), axis=0, return_index=True, return_inverse=True
    )
    index = index.reshape(-1)
    described = {*LABELS, *RUN_COORDINATES} - {*controls}
    constant = {}
    for name, coordinate in kept.coords.items():
        if coordinate.dims != (RUN,) or name in described:
            continue
        values = coordinate.to_numpy()
        if np.array_equal(values[first][index], values):
            constant[name] = ("point", values[first], coordinate.attrs)
    return index, xr.Dataset(coords={"point": np.arange(first.size), **constant})


def _relaxed(kept: xr.Dataset, index: NDArray[np.int64]) -> NDArray[np.int64]:
    points = int(index.max()) + 1
    latest = np.zeros(points, dtype=np.int64)
    if kept.sizes[RECORD] < _FEWEST_RECORDS:
        return latest
    for name in observed_quantities(kept):
        samples = kept[name].transpose(RUN, RECORD).to_numpy()
        if np.isfinite(samples).all():
            starts = equilibration_start(samples).start
            medians = [np.median(starts[index == point]) for point in range(points)]
            latest = np.maximum(latest, np.asarray(medians, dtype=np.int64))
    return latest


def _cut(kept: xr.Dataset, study: Mapping[str, Any], relaxed: NDArray[np.int64]) -> int:
    steps = np.atleast_2d(kept["step"].transpose(..., RECORD).to_numpy())
    burn_in = float(study.get("dynamics", {}).get("burn_in", 0))
    ready = np.all(steps >= burn_in, axis=0)
    declared = int(ready.argmax()) if ready.any() else 0
    detected = min(int(relaxed.max()), int(_LATEST_CUT * kept.sizes[RECORD]))
    return max(declared, detected)
