"""Signatures of transitions under bad data: a result with a status, or a refusal in words."""

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok import exact, transitions
from phasegrok.errors import PhasegrokError
from phasegrok.verdict import order_of_transition
from phasegrok.verdict.kinetics import lifetime_signature, loop_signature

RUNS, RECORDS = 15, 24
NAMES: dict[str, Any] = {"control": "field", "size": "size", "dimension": None}
WRONG = (np.nan, np.inf, -np.inf)


def study(values: Any) -> xr.DataArray:
    """Three sizes at five controls in the schema, one run each."""
    rows = np.asarray(values)
    runs = np.arange(len(rows))
    return xr.DataArray(
        rows,
        dims=("run", "record"),
        coords={
            "run": runs,
            "field": ("run", 0.1 + 0.2 * (runs % 5)),
            "size": ("run", 4 + 4 * (runs // 5)),
            "disorder": ("run", 0 * runs),
            "outcome": ("run", np.full(runs.size, "finished")),
            "record_count": ("run", np.full(runs.size, rows.shape[1])),
        },
    )


def noise(seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(RUNS, RECORDS))


GOOD = study(noise())
HALF = np.arange(RUNS) % 2


def labelled(name: str, values: Any) -> xr.DataArray:
    return GOOD.assign_coords({name: ("run", np.broadcast_to(values, RUNS))})


BAD_SAMPLES: dict[str, Any] = {
    "noise": GOOD,
    "constant": study(np.full((RUNS, RECORDS), 3.0)),
    "zero": study(np.zeros((RUNS, RECORDS))),
    "constant at each control": study(np.tile(HALF[:, None], (1, RECORDS))),
    "integers": study(np.round(3 * noise()).astype(int)),
    "booleans": study(noise() > 0),
    **{f"scale {scale:g}": GOOD * scale for scale in (1e-300, 1e-30, 1e30, 1e149)},
    "offset": GOOD * 1e-9 + 1.0,
    "subnormal": GOOD.where(GOOD > 0, 0.0) * 5e-324,
    "outlier": GOOD.where(GOOD < 2.0, 1e9),
    **{f"a run of {value}": GOOD.where(GOOD.run != 3, value) for value in WRONG},
    **{f"length {length}": GOOD[:, :length] for length in (0, 1, 2, 8)},
    **{f"runs {count}": GOOD[:count] for count in (0, 1, 2, 5)},
    "one control": GOOD[[2, 7, 12]],
    "two controls": GOOD[[2, 3, 7, 8, 12, 13]],
    "three controls": GOOD[[1, 2, 3, 6, 7, 8, 11, 12, 13]],
    "points twice": GOOD[[*range(RUNS), *range(RUNS)]],
    "all failed": labelled("outcome", "failed"),
    "half failed": labelled("outcome", np.where(HALF, "failed", "finished")),
    "one outcome": GOOD.assign_coords(outcome="finished"),
    **{
        f"sizes {value}": labelled("size", value) for value in (0, -3, np.nan, "a", True, 1e200)
    },
    **{f"controls {value}": labelled("field", value) for value in (0.0, np.nan, "a", 1j)},
    **{f"controls times {x}": labelled("field", GOOD.field * x) for x in (1e300, 1e-310)},
    **{f"counts {x}": labelled("record_count", x) for x in (0, -5, 20.0, np.nan, "a", 1e30)},
    "one count": GOOD.assign_coords(record_count=20),
    "disorders": labelled("disorder", HALF),
    "a disorder each": labelled("disorder", np.arange(RUNS)),
    "disorders not a number": labelled("disorder", np.where(HALF, np.nan, 1.0)),
    "disorders unlabelled": labelled("disorder", np.array([None, 1] * 8)[:RUNS]),
    "folded": GOOD.assign_attrs(symmetry="sign"),
    "complex": GOOD.astype(complex),
    "words": GOOD.astype(str),
    "objects": GOOD.astype(object),
    "transposed": GOOD.T,
    "other dimensions": GOOD.rename(record="time"),
    "more dimensions": GOOD.expand_dims("neuron"),
    "one dimension": GOOD[0],
    "no coordinates": GOOD.drop_vars(list(GOOD.coords)),
    "dataset": GOOD.to_dataset(name="m"),
    "array": GOOD.to_numpy(),
    "nothing": None,
}
BAD_ENERGIES: dict[str, Any] = {
    "good": study(noise(1)),
    **{name: value for name, value in BAD_SAMPLES.items() if name != "noise"},
    "reversed": study(noise(1))[::-1],
    "short": study(noise(1))[:, :12],
    "other records": study(noise(1)).assign_coords(record=np.arange(5, 5 + RECORDS)),
    "mean": study(noise(1)).mean("record"),
}


def curves(samples: Any, **keywords: Any) -> None:
    """All that is read off moment curves, which are made once."""
    made = transitions.moment_curves(samples, **keywords)
    transitions.curve_table(made)
    transitions.peaks_of(made)
    for quantity in (attrgetter("cumulant"), attrgetter("kurtosis")):
        transitions.crossings_of(made, quantity)
        transitions.minima_of(made, quantity)


def scaling(samples: Any, **keywords: Any) -> None:
    """Exponents where peaks allow them; the fit of noise that has peaks is no matter here."""
    made = transitions.moment_curves(samples, **keywords)
    if any(each.refusal for each in made):
        transitions.scaling_of(made, dimension=None)


OF_SAMPLES: dict[str, Callable[..., Any]] = {
    "coexistence_points": transitions.coexistence_points,
    "moment_curves": curves,
    "scaling_of": scaling,
    "data_collapse": transitions.data_collapse,
    "order_of_transition": order_of_transition,
}
SAME_DOOR = (
    "peak_positions",
    "cumulant_crossings",
    "kurtosis_crossings",
    "cumulant_minima",
    "finite_size_scaling",
)


@pytest.mark.parametrize("kind", BAD_SAMPLES)
@pytest.mark.parametrize("name", OF_SAMPLES)
def test_bad_samples(name: str, kind: str, bad: Any) -> None:
    bad.attempt(lambda: OF_SAMPLES[name](BAD_SAMPLES[kind], **NAMES))


@pytest.mark.parametrize("kind", BAD_ENERGIES)
@pytest.mark.parametrize("name", ["coexistence_points", "moment_curves", "order_of_transition"])
def test_bad_energies(name: str, kind: str, bad: Any) -> None:
    bad.attempt(lambda: OF_SAMPLES[name](GOOD, energy=BAD_ENERGIES[kind], **NAMES))


@pytest.mark.parametrize("kind", ["reversed", "short", "other records", "runs 5", "mean"])
@pytest.mark.parametrize("name", ["coexistence_points", "moment_curves"])
def test_energies_of_other_runs_are_refused(name: str, kind: str) -> None:
    numbered = GOOD.assign_coords(record=np.arange(RECORDS))
    with pytest.raises(PhasegrokError, match="take both from one dataset"):
        OF_SAMPLES[name](numbered, energy=BAD_ENERGIES[kind], **NAMES)


@pytest.mark.parametrize("name", [*OF_SAMPLES, *SAME_DOOR])
@pytest.mark.parametrize(
    "wrong",
    [{"control": "filed"}, {"size": "sise"}, {"control": None}, {"dimension": 0}],
    ids=str,
)
def test_wrong_names_are_refused(name: str, wrong: dict[str, Any]) -> None:
    work = OF_SAMPLES.get(name) or getattr(transitions, name)
    for given_ in (wrong, {}):
        samples = GOOD if given_ else GOOD.to_numpy()
        with pytest.raises(PhasegrokError, match=r"there is no coordinate|must be"):
            work(samples, **NAMES | given_)


OF_COLUMNS: dict[str, tuple[Callable[..., Any], int]] = {
    "lifetime": (transitions.lifetime, 2),
    "plateau": (transitions.plateau, 3),
    "fit_deterministic": (transitions.fit_deterministic, 3),
    "fit_near_equilibrium": (transitions.fit_near_equilibrium, 3),
    "fit_far_above": (transitions.fit_far_above, 3),
    "compare_rate_laws": (transitions.compare_rate_laws, 3),
    "round_trip_statistics": (transitions.round_trip_statistics, 2),
    "fit_activated": (
        lambda rate, value, error, heat: transitions.fit_activated(
            rate, value, error, temperature=heat
        ),
        4,
    ),
}
WRONG_COLUMNS: tuple[Any, ...] = (
    ["a"] * 6,
    [None] * 6,
    [1j] * 6,
    [[1.0]] * 6,
    [1, 2, [3]],
    "word",
    None,
    {},
    1.0,
    GOOD.to_dataset(name="m"),
)


@pytest.mark.parametrize("name", OF_COLUMNS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_bad_columns(name: str, data: st.DataObject, bad: Any) -> None:
    work, count = OF_COLUMNS[name]
    numbers = st.sampled_from(
        [0.0, 1.0, 2.0, 0.3, 7, True, 5e-324, 1e-150, 1e150, 1e308, -1.0, *WRONG]
    )
    length = data.draw(st.sampled_from([6, 0, 1, 2, 3, 4]))
    columns: list[Any] = [
        data.draw(st.lists(numbers, min_size=length, max_size=length)) for _ in range(count)
    ]
    if data.draw(st.booleans()):
        columns = [np.sort(np.abs(np.nan_to_num(np.array(each, float)))) for each in columns]
    if data.draw(st.integers(0, 3)) == 0:
        columns[data.draw(st.integers(0, count - 1))] = data.draw(
            st.sampled_from(WRONG_COLUMNS)
        )
    bad.attempt(lambda: work(*columns))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, "a", None, True, [1.0, 2.0]], ids=str)
def test_bad_numbers_are_refused(value: Any) -> None:
    rows = [1.0, 2.0, 3.0]
    for work in (
        lambda: transitions.lifetime(rows, rows, dead_time=value),
        lambda: transitions.plateau(rows, rows, rows, largest_change=value),
        lambda: transitions.plateau(rows, rows, rows, smallest_factor=value),
        lambda: transitions.coexistence_points(GOOD, weight_ratio=value, **NAMES),
    ):
        with pytest.raises(PhasegrokError, match="must be"):
            work()


def driven() -> xr.Dataset:
    ramp = exact.FieldRamp(lowest=-3.0, highest=3.0, rates=(2.0, 4.0), record_count=12)
    return exact.driven_double_well(
        barrier=1.0, temperature=[0.1, 0.2], ramp=ramp, replica_count=2, seed=1
    )


def escaping() -> xr.Dataset:
    return exact.double_well_escapes(
        barrier=1.0, temperature=[0.5, 0.7], stop_time=3.0, replica_count=3, seed=1
    )


def points() -> xr.Dataset:
    return transitions.coexistence_points(GOOD, **NAMES)


def resolved() -> xr.Dataset:
    """Points of coexistence as they would be where all were resolved."""
    made = points()
    for number, name in enumerate(("equal_weight_point", "jump", "barrier")):
        made[name] = ("size", 1.0 + number * np.arange(3.0))
        made[f"{name}_error"] = ("size", np.full(3, 0.1))
        made[f"{name}_status"] = ("size", np.zeros(3, dtype=np.int64))
    return made


def table_of_loops() -> xr.Dataset:
    return transitions.loops(driven(), control="field", variable="order_parameter")


def table_of_lifetimes() -> xr.Dataset:
    return transitions.lifetimes(escaping(), event="escape")


OF_DATASETS: dict[str, tuple[Callable[[], xr.Dataset], Callable[[Any], Any]]] = {
    "switching_fields": (
        driven,
        lambda d: transitions.switching_fields(d, control="field", variable="order_parameter"),
    ),
    "loops": (
        driven,
        lambda d: transitions.loops(d, control="field", variable="order_parameter"),
    ),
    "lifetimes": (escaping, lambda d: transitions.lifetimes(d, event="escape")),
    "spinodal_estimate": (table_of_loops, transitions.spinodal_estimate),
    "compare_loop_laws": (
        table_of_loops,
        lambda d: transitions.compare_loop_laws(d, seed=1),
    ),
    "arrhenius": (table_of_lifetimes, transitions.arrhenius),
    "interface_tension": (resolved, transitions.interface_tension),
    "jump_of_the_infinite_system": (resolved, transitions.jump_of_the_infinite_system),
    "transition_point_of_the_infinite_system": (
        resolved,
        transitions.transition_point_of_the_infinite_system,
    ),
    "order_of_transition with loops": (
        table_of_loops,
        lambda d: loop_signature(d, size="size", dimension=None, seed=1),
    ),
    "order_of_transition with lifetimes": (
        table_of_lifetimes,
        lambda d: lifetime_signature(d, size="size", dimension=None),
    ),
}


@pytest.mark.parametrize("name", OF_DATASETS)
def test_bad_datasets(name: str, bad: Any) -> None:
    """Each variable in turn is missing, moved, or filled with what has no meaning."""
    made, work = OF_DATASETS[name]
    dataset = made()
    others: list[Any] = [dataset.to_array(), "word", dataset.to_dict(), [], xr.Dataset()]
    for wrong in others:
        with pytest.raises(PhasegrokError):
            work(wrong)
    for each in map(str, dataset.variables):
        bad.attempt(lambda each=each: work(dataset.drop_vars(each)))
        held = dataset[each]
        if each in dataset.indexes:
            continue
        for value in (np.nan, np.inf, 0, -1, 1e200, "failed"):
            filled = xr.full_like(held.astype(object), value).astype(np.array(value).dtype)
            bad.attempt(lambda f=filled, each=each: work(dataset.assign({each: f})))
    for dimension in map(str, dataset.sizes):
        for count in (0, 1, 2):
            part = dataset.isel({dimension: slice(0, count)})
            bad.attempt(lambda part=part: work(part))


def test_no_public_function_is_left_out() -> None:
    public = {
        name for name in transitions.__all__ if inspect.isfunction(getattr(transitions, name))
    }
    read_off_curves = {"curve_table", "peaks_of", "crossings_of", "minima_of"}
    of_neurons = {"fit_coexistence", "fit_coexistence_labelled"}  # Their own refusals.
    of_controls = {  # In test_bad_controls.
        "clausius_clapeyron",
        "coexistence_line",
        "compare_collapse",
        "escape_from_profile",
        "free_energy_profile",
        "integrated_line",
        "ladder_round_trips",
        "phase_round_trips",
        "profile_wells",
        "rate_laws",
        "switching_collapse",
    }
    of_results = {  # Of results of others; their own refusals.
        "compare_arrhenius",
        "compare_line",
        "joined_lines",
        "kramers_time",
        "mean_first_passage_time",
        "norm_diffusion",
        "two_wells",
    }
    tried = {*OF_SAMPLES, *SAME_DOOR, *OF_COLUMNS, *OF_DATASETS}
    assert public - tried == read_off_curves | of_neurons | of_controls | of_results
