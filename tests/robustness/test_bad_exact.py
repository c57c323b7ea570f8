"""Systems whose answer is known, asked for what they have not: a result, or a refusal."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, final

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok import exact
from phasegrok.errors import InvalidValueError

RAMP: dict[str, Any] = {
    "lowest": -1.5,
    "highest": 1.5,
    "rates": (2.0, 4.0),
    "record_count": 4,
    "directions": ("up", "around"),
}
UP, DOWN = np.linspace(2.0, 0.5, 6), np.linspace(0.0, 2.0, 6)
NETWORK: dict[str, Any] = {
    "layer_count": 3,
    "width": 4,
    "temperature": 0.05,
    "weight_decay": 1.0,  # Less of it takes more nodes.
    "target": 1.0,
}
SAMPLED: dict[str, Any] = {"replica_count": 2, "seed": 1}


@final
@dataclass(frozen=True, kw_only=True)
class Door:
    """A public function with arguments that it takes in its stride."""

    work: Callable[..., Any]
    good: Mapping[str, Any]


def ramped(work: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function with the numbers of the ramp among its own."""

    def driven(**given_: Any) -> Any:
        ramp = exact.FieldRamp(**{name: given_.pop(name) for name in RAMP})
        return work(ramp=ramp, **{name: given_[name] for name in names})

    return driven


SPINS: dict[str, Any] = {"size": 12, "inverse_temperature": 1.5, "field": 0.05}
WELL: dict[str, Any] = {"barrier": 1.0, "temperature": 0.3}
DRIVEN_WELL: dict[str, Any] = {**WELL, "time_step": 0.02, **SAMPLED}
DRIVEN_SPINS: dict[str, Any] = {"size": 12, "inverse_temperature": [0.5, 1.5], **SAMPLED}
DOORS: dict[str, Door] = {
    "FieldRamp": Door(work=exact.FieldRamp, good=RAMP),
    "driven_curie_weiss_ising": Door(
        work=ramped(exact.driven_curie_weiss_ising, tuple(DRIVEN_SPINS)),
        good={**RAMP, **DRIVEN_SPINS},
    ),
    "driven_double_well": Door(
        work=ramped(exact.driven_double_well, tuple(DRIVEN_WELL)), good={**RAMP, **DRIVEN_WELL}
    ),
    "curie_weiss_escapes": Door(
        work=exact.curie_weiss_escapes,
        good={**SPINS, "exit_magnetization": 0.5, "stop_time": 9.0, **SAMPLED},
    ),
    "double_well_escapes": Door(
        work=exact.double_well_escapes,
        good={
            **WELL,
            "exit_coordinate": 0.5,
            "time_step": 0.02,
            "stop_time": 5.0,
            **SAMPLED,
        },
    ),
    "birth_death_passage_time": Door(
        work=lambda up, down, **states: exact.birth_death_passage_time(up, down, **states),
        good={"up": UP, "down": DOWN, "start": 1, "target": 4},
    ),
    "curie_weiss_escape_time": Door(
        work=exact.curie_weiss_escape_time, good={**SPINS, "exit_magnetization": 0.5}
    ),
    "curie_weiss_barrier": Door(
        work=exact.curie_weiss_barrier, good={"inverse_temperature": 1.5, "field": 0.05}
    ),
    "curie_weiss_spinodal_field": Door(
        work=exact.curie_weiss_spinodal_field, good={"inverse_temperature": 1.5}
    ),
    "double_well_escape_time": Door(work=exact.double_well_escape_time, good=WELL),
    "double_well_passage_time": Door(
        work=exact.double_well_passage_time, good={**WELL, "exit_coordinate": 0.5}
    ),
    "double_well_spinodal_field": Door(
        work=exact.double_well_spinodal_field, good={"barrier": 1.0}
    ),
    "deep_linear": Door(work=exact.deep_linear, good={**NETWORK, "record_count": 5, **SAMPLED}),
    "deep_linear_law": Door(work=exact.deep_linear_law, good=NETWORK),
    "deep_linear_moments": Door(work=exact.deep_linear_moments, good=NETWORK),
    "deep_linear_learned_weight": Door(
        work=exact.deep_linear_learned_weight, good={**NETWORK, "cut": 0.5}
    ),
    "deep_linear_transition": Door(
        work=exact.deep_linear_transition, good={"layer_count": 3, "target": 1.0}
    ),
}
NO_NUMBERS: tuple[Any, ...] = (
    np.nan,
    np.inf,
    -np.inf,
    True,
    np.False_,
    "a",
    "1",
    b"2",
    None,
    1j,
    [],
    (),
    {},
    "",
    [1.0, [2.0]],
    [[1.0, 2.0], [3.0]],
    np.zeros((0, 3)),
    np.array(["1.0"]),
    np.array([True]),
    [np.nan, 1.0],
    xr.Dataset({"a": 1.0}),
    exact,
)
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2,
    3,
    -0.0,
    0.5,
    -2.5,
    1.5,
    1.0 + 2e-16,
    np.float32(0.5),
    np.array(0.25),
    np.array([0.2]),
    [0.5, 0.7],
    [0.5, 0.5],
    np.full((2, 2), 0.5),
    (0.3,),
    ("up",),
    ("down", "down"),
)
HUGE: tuple[Any, ...] = (
    1e30,
    1e59,
    1e149,
    1e308,
    10**14,
    10**30,
    10**400,
    [1e308],
    (1e300,),
    (1e30,),
)
TINY: tuple[Any, ...] = (5e-324, 1e-308, 1e-149, 1e-59, 1e-30, [5e-324], (1e-300,))
ANY = st.one_of(*(st.sampled_from(each) for each in (NO_NUMBERS, NUMBERS, HUGE, TINY)))


def numbers_of(result: Any) -> list[Any]:
    """Everything that a result holds and that should be finite."""
    if isinstance(result, xr.Dataset):
        # A censored run has no upper bound, and a system without noise no finite size.
        endless = {"event_escape_upper", "size"}
        kept = [result[name] for name in result.variables if name not in endless]
        made = xr.DataArray(np.arange(result.sizes["record"]), dims="record")
        there = made < result["record_count"]
        numbers = [each for each in kept if each.dtype.kind in "iuf"]
        return [each.where(there, 0).to_numpy() for each in numbers]
    if isinstance(result, exact.ContinuousLaw):
        places = result.quantile(np.array([0.0, 0.01, 0.5, 0.99]))
        return [result.cumulative, places, result.density(places), result.distribution(places)]
    if isinstance(result, exact.FieldRamp):
        return [result.fields(each) for each in result.directions]
    if is_dataclass(result) and not isinstance(result, type):
        return list(asdict(result).values())
    return [result]


def require_finite(result: Any) -> None:
    if result is not None:
        for each in numbers_of(result):
            assert np.isfinite(each).all()


@pytest.mark.parametrize("name", DOORS)
def test_good_arguments_give_finite_numbers(name: str) -> None:
    """Else all below could be refusals, and nothing would have been tried."""
    door = DOORS[name]
    result = door.work(**door.good)
    assert result is not None
    require_finite(result)


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_bad_arguments(name: str, data: st.DataObject, bad: Any) -> None:
    door = DOORS[name]
    names = st.sampled_from(sorted(door.good))
    changed = {
        each: data.draw(ANY) for each in data.draw(st.lists(names, min_size=1, max_size=3))
    }
    require_finite(bad.attempt(lambda: door.work(**{**door.good, **changed})))


EACH = [(name, argument) for name, door in DOORS.items() for argument in door.good]


@pytest.mark.parametrize(("name", "argument"), EACH)
def test_each_argument_alone(name: str, argument: str, bad: Any) -> None:
    door = DOORS[name]
    for value in (*HUGE, *TINY, *NUMBERS):
        given_ = {**door.good, argument: value}
        require_finite(bad.attempt(lambda g=given_: door.work(**g)))


@pytest.mark.parametrize(("name", "argument"), EACH)
def test_what_is_no_number_is_refused(name: str, argument: str) -> None:
    door = DOORS[name]
    for value in NO_NUMBERS:
        with pytest.raises(InvalidValueError):
            door.work(**{**door.good, argument: value})


@pytest.mark.parametrize("work", [exact.driven_curie_weiss_ising, exact.driven_double_well])
@pytest.mark.parametrize("ramp", [None, RAMP, (-1.0, 1.0), "up", exact.FieldRamp], ids=str)
def test_what_is_no_ramp_is_refused(work: Callable[..., Any], ramp: Any) -> None:
    good = DRIVEN_WELL if work is exact.driven_double_well else DRIVEN_SPINS
    with pytest.raises(InvalidValueError, match="ramp must be a FieldRamp"):
        work(ramp=ramp, **good)


COSTLY: dict[str, tuple[str, dict[str, Any], str]] = {
    "a slow ramp": ("driven_double_well", {"rates": (1e-12,)}, "about a day"),
    "a slow ramp of spins": ("driven_curie_weiss_ising", {"rates": (1e-12,)}, "about a day"),
    "short steps": ("driven_double_well", {"time_step": 1e-13}, "about a day"),
    "long lives": ("double_well_escapes", {"stop_time": 1e12}, "about a day"),
    "long lives of spins": ("curie_weiss_escapes", {"stop_time": 1e12}, "about a day"),
    "records": ("FieldRamp", {"record_count": 10**9}, "GiB"),
    "runs": ("double_well_escapes", {"replica_count": 10**8}, "GiB"),
    "driven runs": ("driven_double_well", {"replica_count": 10**6}, "GiB"),
    "draws": ("deep_linear", {"record_count": 10**9}, "GiB"),
    "spins": ("curie_weiss_escapes", {"size": 10**9}, "GiB"),
    "driven spins": ("driven_curie_weiss_ising", {"size": 10**9}, "GiB"),
    "states": ("curie_weiss_escape_time", {"size": 10**9}, "GiB"),
    "nodes": ("deep_linear_moments", {"temperature": 2e-8}, "GiB"),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_what_would_take_all_day_or_all_memory_is_refused(kind: str) -> None:
    name, changed, message = COSTLY[kind]
    with pytest.raises(InvalidValueError, match=message):
        DOORS[name].work(**{**DOORS[name].good, **changed})


def test_coordinates_that_the_rule_loses_are_refused() -> None:
    """No step fits a curvature that grows with the square of the coordinate."""
    for name in ("driven_double_well", "double_well_escapes"):
        door = DOORS[name]
        with pytest.raises(InvalidValueError, match="shorten the step"):
            door.work(**{**door.good, "temperature": 1e9})


# Lattices, mixtures and other systems that are sampled at rest have refusals of their own.
AT_REST = {
    "autoregressive",
    "autoregressive_time",
    "concatenated",
    "curie_weiss_ising",
    "curie_weiss_ising_law",
    "curie_weiss_potts",
    "curie_weiss_potts_law",
    "curie_weiss_potts_transition",
    "double_well",
    "double_well_law",
    "driven_single_well",
    "gaussian_mixture",
    "gaussian_mixture_moment",
    "glauber",
    "ising",
    "ising_energy",
    "ising_energy_of_the_infinite_lattice",
    "ising_log_partition_function",
    "ising_spontaneous_magnetization",
    "metropolis",
    "potts",
    "potts_transition",
}


def test_no_public_function_is_left_out() -> None:
    public = {name for name in exact.__all__ if inspect.isfunction(getattr(exact, name))}
    assert public - set(DOORS) == AT_REST


@pytest.mark.parametrize("beta", [7.0, 10.0, 30.0, 1e3, 1e6])
def test_the_barrier_of_a_cold_magnet_is_half_its_coupling(beta: float) -> None:
    """The phase lies at -1, without entropy, and the saddle at 0, where it is ln 2."""
    barrier = exact.curie_weiss_barrier(inverse_temperature=beta, field=0.0)
    # Both entropies are corrected by about e^(-2β).
    np.testing.assert_allclose(barrier, 0.5 * beta - np.log(2.0), atol=1e-5, rtol=1e-9)


@pytest.mark.parametrize("beta", [1e15, 1e16, 1e20, 1e50])
def test_the_spinodal_field_of_a_cold_magnet_is_one(beta: float) -> None:
    field = exact.curie_weiss_spinodal_field(inverse_temperature=beta)
    np.testing.assert_allclose(field, 1.0, rtol=1e-13)
