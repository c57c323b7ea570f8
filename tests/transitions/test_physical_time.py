"""Whatever needs a time that means something refuses runs of samplers, in one sentence."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok import exact, transitions
from phasegrok.errors import FormatError
from phasegrok.transitions.physical_time import refuse_sampler_time, require_physical_time

SENTENCE = r"need runs whose time has a physical meaning \(physical_kinetics 1\)"


def sampled(dataset: xr.Dataset) -> xr.Dataset:
    """The same as if a sampler had made it."""
    if "physical_kinetics" in dataset.variables:
        return dataset.assign_coords(physical_kinetics=dataset["physical_kinetics"] * 0)
    return dataset.assign_attrs(physical_kinetics=0)


def driven() -> xr.Dataset:
    ramp = exact.FieldRamp(lowest=-3.0, highest=3.0, rates=(2.0, 4.0), record_count=12)
    return exact.driven_double_well(
        barrier=1.0, temperature=[0.1, 0.2], ramp=ramp, replica_count=2, seed=1
    )


def escaping() -> xr.Dataset:
    return exact.double_well_escapes(
        barrier=1.0, temperature=[0.5, 0.7], stop_time=3.0, replica_count=3, seed=1
    )


def table_of_loops() -> xr.Dataset:
    return transitions.loops(driven(), control="field", variable="order_parameter")


def table_of_lifetimes() -> xr.Dataset:
    return transitions.lifetimes(escaping(), event="escape")


NAMES: dict[str, Any] = {"control": "field", "variable": "order_parameter"}
TIMED: dict[str, tuple[Callable[[], xr.Dataset], Callable[[xr.Dataset], Any]]] = {
    "switching_fields": (driven, lambda d: transitions.switching_fields(d, **NAMES)),
    "loops": (driven, lambda d: transitions.loops(d, **NAMES)),
    "lifetimes": (escaping, lambda d: transitions.lifetimes(d, event="escape")),
    "arrhenius": (table_of_lifetimes, transitions.arrhenius),
    "spinodal_estimate": (table_of_loops, transitions.spinodal_estimate),
    "compare_loop_laws": (table_of_loops, lambda d: transitions.compare_loop_laws(d, seed=1)),
    "switching_collapse": (table_of_loops, transitions.switching_collapse),
    "compare_collapse": (table_of_loops, transitions.compare_collapse),
    "rate_laws": (table_of_loops, transitions.rate_laws),
}

OF_TIMED_RESULTS = {
    # They take numbers or results of the above, which have no runs to ask.
    "compare_arrhenius",
    "fit_activated",
    "fit_deterministic",
    "fit_far_above",
    "fit_near_equilibrium",
    "lifetime",
    "plateau",
    "compare_rate_laws",
}

WITHOUT_TIME = {
    # Stationary laws: samplers serve as well, or better.
    "clausius_clapeyron",
    "coexistence_line",
    "coexistence_points",
    "compare_line",
    "crossings_of",
    "cumulant_crossings",
    "cumulant_minima",
    "curve_table",
    "data_collapse",
    "escape_from_profile",  # Its diffusion is given, its free energy a stationary law.
    "finite_size_scaling",
    "fit_coexistence",
    "fit_coexistence_labelled",
    "free_energy_profile",
    "integrated_line",
    "interface_tension",
    "joined_lines",
    "jump_of_the_infinite_system",
    "kramers_time",
    "kurtosis_crossings",
    "ladder_round_trips",
    "mean_first_passage_time",
    "minima_of",
    "moment_curves",
    "norm_diffusion",
    "peak_positions",
    "peaks_of",
    "phase_round_trips",  # Mixing, in steps: of samplers too.
    "profile_wells",
    "round_trip_statistics",
    "scaling_of",
    "transition_point_of_the_infinite_system",
    "two_wells",
}


@pytest.mark.parametrize("name", TIMED)
def test_what_needs_time_refuses_samplers(name: str) -> None:
    made, work = TIMED[name]
    with pytest.raises(FormatError, match=SENTENCE):
        work(sampled(made()))


@pytest.mark.parametrize("name", ["switching_fields", "loops", "lifetimes"])
def test_one_sampler_among_the_runs_is_enough(name: str) -> None:
    made, work = TIMED[name]
    dataset = made()
    kinetics = np.ones(dataset.sizes["run"], np.int8)
    kinetics[-1] = 0
    with pytest.raises(FormatError, match=f"received 1 of {kinetics.size} without"):
        work(dataset.assign_coords(physical_kinetics=("run", kinetics)))
    with pytest.raises(FormatError, match="'physical_kinetics' on run"):
        work(dataset.drop_vars("physical_kinetics"))


def test_every_public_function_needs_time_or_does_not() -> None:
    public = {
        name for name in transitions.__all__ if inspect.isfunction(getattr(transitions, name))
    }
    assert public == {*TIMED} | OF_TIMED_RESULTS | WITHOUT_TIME


def test_the_sentence_says_what_is_to_be_done() -> None:
    samples = sampled(driven())
    for refuse in (require_physical_time, refuse_sampler_time):
        with pytest.raises(FormatError, match="take Langevin runs"):
            refuse("rates", samples)
    refuse_sampler_time("rates", samples.drop_vars("physical_kinetics"))
