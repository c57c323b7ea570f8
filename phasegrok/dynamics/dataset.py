"""From the arrays of a batch to a dataset in the schema."""

import json
import platform
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr

from phasegrok.dynamics.building import BuiltRun, decay_by_layer
from phasegrok.dynamics.events import EventWatch
from phasegrok.dynamics.exchange import Ladders
from phasegrok.dynamics.recorder import Recorder
from phasegrok.dynamics.schedule import Schedule
from phasegrok.dynamics.traffic import TRAFFIC
from phasegrok.networks import Layout, find_loss
from phasegrok.schema import (
    ATTRIBUTE,
    RECORD,
    RUN,
    RUN_COORDINATES,
    SCHEMA_VERSION,
    Outcome,
    Symmetry,
)
from phasegrok.study import UMBRELLA, Ramp, Study, identity, plain_study

__all__ = ["Ending", "batch_dataset", "machine_type", "states_dataset"]

Ending = tuple[Outcome, str, int]
"""Outcome, reason and number of gradients of one run."""


def batch_dataset(  # noqa: PLR0913 - what came of a batch
    study: Study,
    runs: Sequence[BuiltRun],
    *,
    recorder: Recorder,
    watch: EventWatch,
    ladders: Ladders | None = None,
    endings: Sequence[Ending],
    wall_seconds: float,
    device: torch.device,
) -> xr.Dataset:
    """Put the records of a batch into a dataset.

    Parameters
    ----------
    study : Study
        Description.
    runs : sequence of BuiltRun
        In the order of the arrays.
    recorder, watch, ladders
        Records, events and the walkers of exchange ladders.
    endings : sequence of Ending
        Of each run.
    wall_seconds : float
        Time that the batch took.
    device : torch.device
        Where it was computed.

    Returns
    -------
    xarray.Dataset
        See docs/schema.md.
    """
    variables = recorder.variables()
    coordinates = _coordinates(study, runs)
    coordinates["outcome"] = np.array(
        [outcome.value for outcome, _, _ in endings], dtype=object
    )
    coordinates["outcome_reason"] = np.array([why for _, why, _ in endings], dtype=object)
    coordinates["record_count"] = recorder.counts
    dataset = xr.Dataset(
        data_vars={name: each for name, each in variables.items() if name != "time"},
        coords={
            **{name: (RUN, values) for name, values in coordinates.items()},
            "step": ((RUN, RECORD), Schedule([run.recording for run in runs]).steps),
        },
    )
    if "time" in variables:
        dataset = dataset.assign_coords(time=variables["time"])
    dataset = _with_counts(dataset, watch, [gradients for _, _, gradients in endings])
    if study.exchange is not None:
        dataset = dataset.assign(_traffic(ladders, len(runs)))
    _describe(dataset)
    provenance = {
        "machine_type": machine_type(study, device),
        "wall_seconds": wall_seconds,
        "threads": torch.get_num_threads(),
    }
    dataset.attrs[ATTRIBUTE] = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "study": plain_study(study),
            "identity": identity(study),
            "provenance": provenance,
        }
    )
    return dataset


def states_dataset(
    runs: Sequence[BuiltRun], recorder: Recorder, layout: Layout
) -> xr.Dataset | None:
    """Recorded weights, with what is needed to split a row.

    Parameters
    ----------
    runs : sequence of BuiltRun
        In the order of the arrays.
    recorder : Recorder
        Holds the rows.
    layout : Layout
        Of the rows.

    Returns
    -------
    xarray.Dataset or None
        ``parameters(run, state_record, parameter)``; None where none were kept.
    """
    if recorder.weights is None:
        return None
    leaves = {
        leaf.name: {"start": layout.slices[leaf.name].start, "shape": list(leaf.shape)}
        for leaf in layout.leaves
    }
    attrs = {"units": "1", "long_name": "weights in a flat row", "layout": json.dumps(leaves)}
    ids = np.array([run.request.run_id for run in runs], dtype=object)
    return xr.Dataset(
        {"parameters": ((RUN, "state_record", "parameter"), recorder.weights, attrs)},
        coords={"run_id": (RUN, ids)},
    )


def machine_type(study: Study, device: torch.device) -> dict[str, str]:
    """What must agree for two runs to agree in every bit.

    Parameters
    ----------
    study : Study
        Gives the dtype.
    device : torch.device
        Where it is computed.

    Returns
    -------
    dict
        Instruction set, device, torch build and dtype.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        "processor": platform.machine(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "device": name,
        "torch": torch.__version__,
        "dtype": study.dtype,
    }


def _coordinates(study: Study, runs: Sequence[BuiltRun]) -> dict[str, Any]:
    rows = [_run_coordinates(study, run) for run in runs]
    return {name: _array([row[name] for row in rows]) for name in rows[0]}


def _run_coordinates(study: Study, run: BuiltRun) -> dict[str, Any]:
    request, energy = run.request, run.resolved.energy
    row: dict[str, Any] = {
        "run_id": request.run_id,
        "disorder": request.disorder,
        "replica": request.replica,
        "start": request.start,
        "direction": "none",
        "rate": 0.0,
        "integrator": run.resolved.dynamics.kind,
        "physical_kinetics": np.int8(run.integrator.kinetics_are_physical),
        "temperature": float(energy.temperature),
    }
    for part, name in ((run.task, "example_count"), (run.network, "width")):
        if hasattr(part, name):
            row[name] = int(getattr(part, name))
    for name, value in request.controls.items():
        row[name] = float(value) if isinstance(value, float) else value
    sweep = run.resolved.sweep
    if sweep is not None:
        row["direction"], row["rate"] = sweep.direction, sweep.rate
    elif study.ramps:
        row["direction"], row["rate"] = study.ramps[0].direction, _rate(study.ramps[0], run)
    if run.resolved.umbrella is not None:
        row[f"{UMBRELLA}center"] = run.resolved.umbrella.center
        row[f"{UMBRELLA}strength"] = run.resolved.umbrella.strength
    if request.rung is not None:
        row["first_rung"] = request.rung
    return row | _derived(run)


def _rate(ramp: Ramp, run: BuiltRun) -> float:
    """Way travelled per unit of time: a ramp up and down has the rate of its halves."""
    way = sum(abs(after - before) for (_, before), (_, after) in pairwise(ramp.knots))
    steps = ramp.knots[-1][0] - ramp.knots[0][0]
    return way / (steps * run.integrator.time_per_step)


def _derived(run: BuiltRun) -> dict[str, Any]:
    """Noise variance, weight decay and prior variance, from what was set."""
    temperature = run.resolved.energy.temperature
    loss = find_loss(run.task.loss, output_size=run.task.output_size)
    count = int(getattr(run.task, "example_count", 0))
    derived: dict[str, Any] = {}
    noise = loss.noise_variance(temperature, count)
    if noise is not None:
        derived["noise_variance"] = float(noise)
    for layer, decay in decay_by_layer(run)[0].items():
        derived[f"weight_decay_{layer}"] = decay
        if decay > 0.0 and temperature > 0.0:
            derived[f"prior_variance_{layer}"] = temperature / decay
        else:
            derived[f"prior_variance_{layer}"] = np.inf
    return derived


def _array(values: list[Any]) -> np.ndarray[Any, Any]:
    if isinstance(values[0], str):
        return np.array(values, dtype=object)
    if any(isinstance(value, float) for value in values):
        return np.array(values, dtype=np.float64)
    return np.array(values)


def _with_counts(dataset: xr.Dataset, watch: EventWatch, gradients: list[int]) -> xr.Dataset:
    added: dict[str, Any] = {}
    sides = {"lower": watch.lower, "upper": watch.upper}
    for side, bounds in sides.items():
        for name, values in bounds.items():
            attrs = {"units": "step", "long_name": f"{side} bound of the event {name}"}
            added[f"event_{name}_{side}"] = (RUN, values, attrs)
    about = {"units": "1", "long_name": "gradients computed"}
    added["gradient_count"] = (RUN, np.array(gradients, dtype=np.int64), about)
    return dataset.assign(added)


def _traffic(ladders: Ladders | None, run_count: int) -> dict[str, Any]:
    """How far each walker came; of those that failed nothing is known."""
    nothing = np.zeros(run_count, dtype=np.int64)
    counts = {} if ladders is None else ladders.traffic.counts()
    return {
        name: (RUN, counts.get(name, nothing), {"units": "1", "long_name": meaning})
        for name, meaning in TRAFFIC.items()
    }


def _describe(dataset: xr.Dataset) -> None:
    """Give every variable and coordinate its description."""
    for name, variable in dataset.variables.items():
        meaning = RUN_COORDINATES.get(str(name), str(name).replace("_", " "))
        variable.attrs.setdefault("long_name", meaning)
        variable.attrs.setdefault("units", "1")
        variable.attrs.setdefault("symmetry", Symmetry.NONE.value)
