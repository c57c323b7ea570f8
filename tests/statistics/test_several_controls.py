"""Reweighting in temperature and field at once, from scattered points, against exact sums."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import gammaln, logsumexp

from phasegrok.errors import InsufficientSamplesError
from phasegrok.exact import curie_weiss_ising
from phasegrok.statistics import labelled
from phasegrok.statistics.labelled import LabelledMultistate
from phasegrok.statistics.samples import FloatArray, Status

SIZE, RECORDS, STUDIES = 64, 400, 60
POINTS = np.array([(0.8, 0.02), (0.95, -0.03), (1.05, 0.03), (1.2, 0.0), (0.9, 0.1)])
TARGETS = np.array([(0.9, 0.0), (1.0, 0.05), (1.1, -0.01), (1.0, 0.0)])
FAR = (1.0, 2.0)


def exact_law(inverse_temperature: float, field: float) -> tuple[float, FloatArray]:
    """ln Z and the means of m, |m| and m², summed over the number of spins up."""
    up = np.arange(SIZE + 1.0)
    total = 2.0 * up - SIZE
    weight = gammaln(SIZE + 1.0) - gammaln(up + 1.0) - gammaln(SIZE - up + 1.0)
    weight += inverse_temperature * (total**2 / (2.0 * SIZE) + field * total)
    shares = np.exp(weight - logsumexp(weight))
    m = total / SIZE
    return float(logsumexp(weight)), np.array([shares @ m, shares @ np.abs(m), shares @ m**2])


def runs(seed: int) -> tuple[xr.DataArray, dict[str, xr.DataArray], dict[str, xr.DataArray]]:
    """Magnetization, terms of U/T = β H₀ + βh (-M), and their coefficients."""
    dataset = xr.concat(
        [
            curie_weiss_ising(
                size=SIZE,
                inverse_temperature=inverse_temperature,
                field=field,
                record_count=RECORDS,
                seed=seed,
            )
            for inverse_temperature, field in POINTS
        ],
        dim="run",
        data_vars="all",
        coords="different",
        compat="equals",
        join="outer",
        combine_attrs="override",
    )
    m = dataset["magnetization"]
    terms = {"inverse_temperature": -SIZE * m**2 / 2.0, "field_over_temperature": -SIZE * m}
    beta = dataset["inverse_temperature"]
    return (
        m,
        terms,
        {
            "inverse_temperature": beta,
            "field_over_temperature": beta * dataset["field"],
        },
    )


def coefficients(points: FloatArray) -> dict[str, FloatArray]:
    return {
        "inverse_temperature": points[:, 0],
        "field_over_temperature": points[:, 0] * points[:, 1],
    }


def solved(seed: int) -> tuple[LabelledMultistate, xr.DataArray]:
    m, terms, given = runs(seed)
    return labelled.solve_states(terms, coefficients=given), m


def test_means_and_free_energies_are_exact_with_honest_errors() -> None:
    exact = np.array([exact_law(*target)[1] for target in TARGETS])
    logarithms = np.array([exact_law(*target)[0] for target in TARGETS])
    values, errors, free, free_errors = [], [], [], []
    for seed in range(STUDIES):
        states, m = solved(seed)
        means = [
            labelled.multistate_mean(states, each, coefficients=coefficients(TARGETS))
            for each in (m, abs(m), m**2)
        ]
        values.append(np.stack([mean["value"] for mean in means], axis=-1))
        errors.append(np.stack([mean["error"] for mean in means], axis=-1))
        energy = labelled.multistate_free_energy(states, coefficients=coefficients(TARGETS))
        free.append(energy["value"])
        free_errors.append(energy["error"])
        assert np.all(means[0]["status"] == Status.RESOLVED)
    honest(np.array(values), np.array(errors), exact)
    # States are sorted, so the first is the hottest: it is the zero of free energies.
    hottest = exact_law(*POINTS[0])[0]
    honest(np.array(free), np.array(free_errors), hottest - logarithms)


def honest(values: FloatArray, errors: FloatArray, exact: FloatArray) -> None:
    spread = values.std(axis=0, ddof=1)
    assert np.all(np.abs(values.mean(axis=0) - exact) < 4.0 * spread / STUDIES**0.5)
    ratio = np.sqrt((errors**2).mean(axis=0)) / spread
    assert np.all(np.abs(ratio - 1.0) < 4.0 / (2.0 * STUDIES) ** 0.5)
    # All estimates of all studies together, of which perhaps a quarter are independent.
    assert abs(ratio.mean() - 1.0) < 4.0 / (0.5 * STUDIES * ratio.size) ** 0.5


def test_overlap_and_effective_samples_are_told() -> None:
    states, m = solved(1)
    table = states.table()
    assert table["overlap"].dims == ("state", "other_state")
    np.testing.assert_allclose(table["overlap"].sum("other_state"), 1.0, rtol=1e-12)
    order = np.lexsort((POINTS[:, 1], POINTS[:, 0]))
    np.testing.assert_allclose(table["inverse_temperature"], POINTS[order, 0])
    np.testing.assert_allclose(
        table["field_over_temperature"], POINTS[order, 0] * POINTS[order, 1]
    )
    np.testing.assert_allclose(table["effective_samples"], RECORDS, rtol=0.4)
    assert 0.0 < table.attrs["second_eigenvalue"] < 1.0
    near = labelled.multistate_mean(states, m, coefficients=coefficients(TARGETS))
    # A target within the points is known by more samples than any one of them has.
    assert np.all(near["effective_samples"] > RECORDS)
    assert np.all(near["effective_samples"] < 1.4 * RECORDS * len(POINTS))


def test_a_target_that_no_point_reaches_is_refused_and_harms_no_other() -> None:
    states, m = solved(2)
    both = coefficients(np.array([TARGETS[0], FAR]))
    for result in (
        labelled.multistate_mean(states, m, coefficients=both),
        labelled.multistate_free_energy(states, coefficients=both),
    ):
        assert result["status"].to_numpy().tolist() == [Status.RESOLVED, Status.REFUSED]
        assert np.isfinite(result["value"][0])
        assert np.isnan(result["value"][1])
        assert np.isnan(result["error"][1])
        assert result["effective_samples"][1] < 50.0


def test_points_without_overlap_are_refused_by_name() -> None:
    _, terms, given = runs(3)
    cold = curie_weiss_ising(
        size=SIZE, inverse_temperature=1.0, field=3.0, record_count=RECORDS, seed=3
    )["magnetization"]
    others = {
        "inverse_temperature": -SIZE * cold**2 / 2.0,
        "field_over_temperature": -SIZE * cold,
    }
    joined = {
        name: xr.DataArray(np.concatenate([terms[name], others[name]]), dims=("run", "record"))
        for name in terms
    }
    fields = {"inverse_temperature": 1.0, "field_over_temperature": 3.0}
    with pytest.raises(InsufficientSamplesError, match=r"without overlap between state .*3\.0"):
        labelled.solve_states(
            joined,
            coefficients={
                name: xr.DataArray(np.append(given[name], fields[name]), dims="run")
                for name in given
            },
        )
    assert labelled.solve_states(terms, coefficients=given).solution.free_energy.size == len(
        POINTS
    )


def test_one_control_alone_would_be_wrong() -> None:
    # Leaving the field out treats runs of unequal fields as one system: far from exact.
    m, terms, given = runs(4)
    name = "inverse_temperature"
    states = labelled.solve_states({name: terms[name]}, coefficients={name: given[name]})
    mean = labelled.multistate_mean(states, m, coefficients={name: TARGETS[:1, 0]})
    away = abs(float(mean["value"][0]) - exact_law(*TARGETS[0])[1][0])
    assert away > 10.0 * float(mean["error"][0])
