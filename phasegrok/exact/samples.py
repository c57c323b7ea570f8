"""Samples of known systems as datasets in the schema, every run with a seed of its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from typing import Any, final

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, require_memory, whole_number
from phasegrok.schema import ATTRIBUTE, RECORD, RUN, SCHEMA_VERSION, Outcome, Symmetry
from phasegrok.seeding import Label, digest, seed

__all__ = [
    "Observed",
    "RunLabels",
    "Source",
    "concatenated",
    "laid_out",
    "require_dataset_memory",
    "samples_dataset",
]

_PACKAGES = ("phasegrok", "numpy", "scipy", "xarray")


@final
@dataclass(frozen=True, kw_only=True)
class RunLabels:
    """What tells one run from all others of its system.

    Parameters
    ----------
    controls : mapping
        Value of each control, the size included.
    replica : int
        Which of the runs that are alike but for their random numbers.
    start : str
        How the initial state was made; "independent" where draws have no memory.
    disorder : int
        Which draw of the quenched disorder.
    details : mapping
        Numbers that define this run besides its controls.
    """

    controls: Mapping[str, float]
    replica: int
    start: str = "independent"
    disorder: int = 0
    details: Mapping[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Label]:
        """All labels by name; a control never bears the name of another label."""
        own: dict[str, Label] = {
            "replica": self.replica,
            "start": self.start,
            "disorder": self.disorder,
        }
        return {**self.controls, **self.details, **own}


@final
@dataclass(frozen=True, kw_only=True)
class Source:
    """Where samples come from.

    Parameters
    ----------
    system : str
        What was sampled; part of every seed.
    seed : int
        Seed that the caller chose.
    integrator : str
        How states follow each other.
    physical_kinetics : bool
        Whether time has a physical meaning.
    parameters : mapping
        What else defines the system, the same for all runs; part of every seed.

    Raises
    ------
    InvalidValueError
        If the seed is not a whole number of at least 0.
    """

    system: str
    seed: int
    integrator: str
    physical_kinetics: bool = False
    parameters: Mapping[str, Label] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the seed."""
        whole_number("seed", self.seed, minimum=0)

    def generator(self, labels: Mapping[str, Label]) -> np.random.Generator:
        """Make the random numbers that belong to the labels, whatever else is sampled."""
        every = {**self.parameters, **labels}
        return np.random.default_rng(seed(int(self.seed), self.system, every))

    def run_id(self, run: RunLabels) -> str:
        """Name a run by what makes it."""
        return digest([self.system, self.identity(), run.plain()])

    def identity(self) -> dict[str, Any]:
        """What all runs share, so that datasets of several sizes have one identity."""
        return {"exact": self.system, "seed": int(self.seed), **self.parameters}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """One variable.

    Parameters
    ----------
    values : (run, record) array
        Numbers.
    long_name : str
        Meaning.
    symmetry : Symmetry
        ``SIGN`` where its law is even.
    """

    values: FloatArray
    long_name: str
    symmetry: Symmetry = Symmetry.NONE


def laid_out(
    points: Sequence[Mapping[str, float]],
    *,
    replica_count: int,
    starts: Sequence[str] = ("independent",),
    disorder_count: int = 1,
) -> list[RunLabels]:
    """List the runs of several points.

    Parameters
    ----------
    points : sequence of mapping
        Controls, the size included.
    replica_count : int
        Runs per point, disorder and start.
    starts : sequence of str
        Initial states.
    disorder_count : int
        Draws of the disorder.

    Returns
    -------
    list of RunLabels
        Sorted by point, disorder, start and replica.

    Raises
    ------
    InvalidValueError
        If a count is not a whole number of at least 1.
    """
    replicas = range(whole_number("replica_count", replica_count, minimum=1))
    disorders = range(whole_number("disorder_count", disorder_count, minimum=1))
    return [
        RunLabels(controls=point, disorder=disorder, start=start, replica=replica)
        for point, disorder, start, replica in product(points, disorders, starts, replicas)
    ]


def samples_dataset(
    source: Source,
    runs: Sequence[RunLabels],
    *,
    step: npt.NDArray[np.int64],
    variables: Mapping[str, Observed],
    derived: Mapping[str, npt.NDArray[Any]] | None = None,
) -> xr.Dataset:
    """Put samples into the schema.

    Parameters
    ----------
    source : Source
        Where they come from.
    runs : sequence of RunLabels
        One per run.
    step : (record,) array
        Number of updates, or of draws, before each record; time is the same number.
    variables : mapping
        Name to values with their meaning.
    derived : mapping, optional
        Name to (run,) array of further coordinates that follow from the controls.

    Returns
    -------
    Dataset
        Follows docs/schema.md.
    """
    shape = (len(runs), len(step))
    controls = list(runs[0].controls)
    coordinates: dict[str, Any] = {
        name: (RUN, np.array([run.controls[name] for run in runs])) for name in controls
    }
    coordinates |= {name: (RUN, values) for name, values in (derived or {}).items()}
    coordinates |= _run_coordinates(source, runs, len(step))
    # Views without memory of their own. On (run, record), so that sizes with unequal steps
    # can be concatenated without one taking the other's.
    coordinates["step"] = ((RUN, RECORD), np.broadcast_to(step, shape))
    coordinates["time"] = ((RUN, RECORD), np.broadcast_to(step.astype(np.float64), shape))
    data = {
        name: ((RUN, RECORD), each.values, _meaning(each)) for name, each in variables.items()
    }
    attribute = {
        "schema_version": SCHEMA_VERSION,
        "study": None,
        "identity": source.identity(),
        "provenance": {"packages": _package_versions(), "seed": int(source.seed)},
        "controls": controls,
    }
    return xr.Dataset(data, coordinates, {ATTRIBUTE: json.dumps(attribute)})


def concatenated(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join runs of several sizes or seeds into one dataset.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of one system. Their numbers of records may differ.

    Returns
    -------
    Dataset
        Shorter runs are filled with NaN, and ``record_count`` says what was made. The
        attribute is that of the first.

    Raises
    ------
    InvalidValueError
        If there is none, coordinates or variables differ, or a run stands in two of them.
    """
    if not datasets:
        raise InvalidValueError("there must be at least one dataset to join, received none.")
    names = [{str(name) for name in each.variables} for each in datasets]
    shared, every = names[0].intersection(*names), names[0].union(*names)
    differing = sorted(every - shared)
    if differing:
        raise InvalidValueError(
            f"the datasets must have the same names, and {differing} are only in some; join "
            "datasets of one system."
        )
    longest = max(each.sizes[RECORD] for each in datasets)
    joined = xr.concat(
        [_lengthened(each, longest) for each in datasets],
        RUN,
        data_vars="all",
        coords="all",
        compat="equals",
        join="exact",
        combine_attrs="override",
    )
    if len(np.unique(joined["run_id"].values.astype(str))) < joined.sizes[RUN]:
        raise InvalidValueError(
            "every run must stand in one dataset only; the same size, control and seed were "
            "given twice."
        )
    return joined


def require_dataset_memory(
    runs: Sequence[RunLabels],
    record_count: int,
    *,
    variable_count: int,
    other_bytes: float = 0.0,
) -> None:
    """Refuse samples that would not fit.

    Parameters
    ----------
    runs : sequence of RunLabels
        All runs of the call.
    record_count : int
        Records of each.
    variable_count : int
        Numbers per record, of 8 bytes.
    other_bytes : float
        What is needed besides.

    Raises
    ------
    InvalidValueError
        With the estimate.
    """
    kept = 8 * len(runs) * record_count * variable_count
    require_memory(f"{len(runs)} runs of {record_count} records", kept + other_bytes)


def _run_coordinates(
    source: Source, runs: Sequence[RunLabels], record_count: int
) -> dict[str, tuple[str, npt.NDArray[Any]]]:
    count = len(runs)

    def text(value: str) -> npt.NDArray[Any]:
        return np.full(count, value, dtype=object)

    columns: dict[str, npt.NDArray[Any]] = {
        "run_id": np.array([source.run_id(run) for run in runs], dtype=object),
        "disorder": np.array([run.disorder for run in runs], np.int64),
        "replica": np.array([run.replica for run in runs], np.int64),
        "start": np.array([run.start for run in runs], dtype=object),
        "direction": text("none"),
        "rate": np.zeros(count),
        "integrator": text(source.integrator),
        "physical_kinetics": np.full(count, source.physical_kinetics, np.int8),
        "outcome": text(Outcome.FINISHED.value),
        "outcome_reason": text(""),
        "record_count": np.full(count, record_count, np.int64),
    }
    return {name: (RUN, values) for name, values in columns.items()}


def _meaning(observed: Observed) -> dict[str, str]:
    return {
        "units": "dimensionless",
        "long_name": observed.long_name,
        "symmetry": observed.symmetry.value,
    }


def _package_versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _lengthened(dataset: xr.Dataset, length: int) -> xr.Dataset:
    missing = length - dataset.sizes[RECORD]
    if not missing:
        return dataset
    last = dataset["step"].values[:, -1:]
    later = last + np.arange(1, missing + 1)
    fill = {"step": later, "time": later.astype(np.float64)}
    padded = dataset.drop_vars(list(fill)).pad({RECORD: (0, missing)}, constant_values=np.nan)
    axes = {name: ((RUN, RECORD), np.hstack([dataset[name], fill[name]])) for name in fill}
    return padded.assign_coords(axes)
