"""Coexistence against exact laws, from draws: with the energy and without, over disorders."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.exact import (
    Chains,
    GaussianMixture,
    curie_weiss_potts,
    curie_weiss_potts_law,
    curie_weiss_potts_transition,
    gaussian_mixture,
    ising,
)
from phasegrok.statistics import Status
from phasegrok.transitions.phases import size_points
from phasegrok.transitions.phases.phase_points import coexistence_points

SPINS = 900
BETA = curie_weiss_potts_transition(3).inverse_temperature + np.array([-0.003, 0.005, 0.013])
RATIO = 2.0


def curie_weiss(seed: int, records: int = 1000) -> xr.Dataset:
    return curie_weiss_potts(
        size=SPINS,
        inverse_temperature=BETA,
        record_count=records,
        replica_count=4,
        seed=seed,
    )


def measure(samples: xr.Dataset, **options: object) -> xr.Dataset:
    return coexistence_points(
        samples["order_parameter"],
        control="inverse_temperature",
        size="size",
        dimension=None,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only values are compared, errors need not be sharp."""
    monkeypatch.setattr(size_points, "_RESAMPLES", 12)


def exact_curie_weiss() -> dict[str, float]:
    """Everything that is measured, from the law: sums over all occupations."""
    low, high = float(BETA[0]) - 0.02, float(BETA[-1]) + 0.02

    def law(beta: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        marginal = curie_weiss_potts_law(size=SPINS, inverse_temperature=beta).marginal(
            "order_parameter"
        )
        return marginal.value, marginal.probability

    def heights(beta: float) -> tuple[float, float, float, float]:
        m, p = law(beta)
        log_p = np.log(p)
        middle = (m > 0.2) & (m < 0.4)
        cut = m[middle][np.argmin(log_p[middle])]
        return log_p[m < cut].max(), log_p[m > cut].max(), log_p[middle].min(), float(cut)

    def above(beta: float, cut: float) -> float:
        m, p = law(beta)
        return float(p[m > cut].sum())

    height = brentq(lambda b: heights(b)[1] - heights(b)[0], low, high, xtol=1e-7)
    peak, _, valley, cut = heights(height)
    wanted = np.log(RATIO)
    weight = brentq(
        lambda b: np.log(above(b, cut) / (1.0 - above(b, cut))) - wanted, low, high, xtol=1e-7
    )
    m, p = law(weight)
    means = [float(p[side] @ m[side] / p[side].sum()) for side in (m < cut, m > cut)]
    return {
        "equal_weight_point": weight,
        "equal_height_point": height,
        "barrier": peak - valley,
        "mean_below": means[0],
        "mean_above": means[1],
        "jump": means[1] - means[0],
    }


@pytest.mark.parametrize("with_energy", [True, False])
def test_curie_weiss_potts_agrees_with_its_law(with_energy: bool) -> None:
    samples = curie_weiss(seed=11)
    energy = samples["energy"] if with_energy else None
    found = measure(samples, energy=energy, weight_ratio=RATIO).isel(size=0)
    assert found["reason"].item() == ""
    for name, exact in exact_curie_weiss().items():
        error = float(found[f"{name}_error"])
        assert abs(float(found[name]) - exact) < 4.0 * error, name
        # An error that swallows everything would pass: each is small beside its effect.
        assert error < {"barrier": 0.15}.get(name, 0.015), name
        assert int(found[f"{name}_status"]) == Status.RESOLVED


@pytest.mark.usefixtures("few_resamples")
def test_the_order_of_runs_and_of_dimensions_changes_nothing() -> None:
    samples = curie_weiss(seed=12, records=250)
    mixed = samples.isel(run=np.random.default_rng(0).permutation(samples.sizes["run"]))
    first = measure(samples, energy=samples["energy"])
    again = measure(
        mixed.assign(order_parameter=mixed["order_parameter"].transpose("record", "run")),
        energy=mixed["energy"].transpose("record", "run"),
    )
    for name in ("equal_weight_point", "barrier", "jump"):
        np.testing.assert_allclose(first[name], again[name], rtol=1e-5)


@pytest.mark.usefixtures("few_resamples")
def test_units_of_the_order_parameter_and_the_zero_of_the_energy_change_nothing() -> None:
    samples = curie_weiss(seed=13, records=250)
    first = measure(samples, energy=samples["energy"], weight_ratio=3.0)
    scaled = samples.assign(order_parameter=-4.0 * samples["order_parameter"])
    other = samples["energy"] + 0.25
    again = measure(scaled, energy=other, weight_ratio=3.0)
    mirrored = samples.assign(order_parameter=-samples["order_parameter"])
    beside = measure(mirrored, energy=samples["energy"], weight_ratio=3.0)
    for name in ("equal_weight_point", "equal_height_point", "barrier"):
        np.testing.assert_allclose(again[name], beside[name], rtol=1e-4)
        np.testing.assert_allclose(again[f"{name}_error"], beside[f"{name}_error"], rtol=0.1)
    np.testing.assert_allclose(again["jump"], 4.0 * beside["jump"], rtol=1e-3)
    # Mirrored, the phase above has the lower mean; bins are cut from the other end.
    assert (first["mean_above"] > first["mean_below"]).all()
    assert (beside["mean_above"] < beside["mean_below"]).all()


WIDTH, FIELDS = 0.2, np.linspace(-0.04, 0.04, 5)


def mixture(size: int, seed: int, **options: float) -> xr.DataArray:
    spread = options.get("spread", 0.0)
    law = GaussianMixture(width=lambda _: WIDTH, transition_spread=lambda _: spread)
    samples = gaussian_mixture(
        law,
        size=size,
        field=FIELDS,
        record_count=1500,
        replica_count=2,
        disorder_count=int(options.get("disorders", 1)),
        seed=seed,
    )
    return samples["order_parameter"]


def exact_mixture() -> tuple[float, float]:
    """Jump of the phases cut at zero, and barrier, at equal weights and heights."""
    # Beyond the cut lies a share of each phase; what is cut off is that of the other.
    share = 0.5 * erfc(0.5 / (WIDTH * np.sqrt(2.0)))
    tail = WIDTH * np.exp(-0.125 / WIDTH**2) / np.sqrt(2.0 * np.pi)
    mean = 0.5 * (1.0 - 2.0 * share) + 2.0 * tail
    peak = 0.5 * (1.0 + np.exp(-0.5 / WIDTH**2))
    return float(2.0 * mean), float(np.log(peak) + 0.125 / WIDTH**2)


def test_a_mixture_has_the_weights_the_distance_and_the_barrier_it_was_made_with() -> None:
    size = 40
    found = coexistence_points(
        mixture(size, 21), control="field", size="size", dimension=None, weight_ratio=2.0
    ).isel(size=0)
    jump, barrier = exact_mixture()
    point, error = (float(found[f"equal_weight_point{end}"]) for end in ("", "_error"))
    assert abs(point - np.log(2.0) / size) < 4.0 * error
    assert abs(float(found["equal_height_point"])) < 4.0 * float(
        found["equal_height_point_error"]
    )
    assert abs(float(found["jump"]) - jump) < 4.0 * float(found["jump_error"])
    rounding = 0.06 * barrier
    assert abs(float(found["barrier"]) - barrier) < rounding + 4.0 * float(
        found["barrier_error"]
    )
    # Of n independent draws the odds have the error 2/√n, and the odds grow by N per field; a
    # quadratic law through five points knows its middle 1.6 times worse than a constant.
    least = 2.0 / np.sqrt(15_000) / size
    assert least < error < 2.0 * least


def test_stated_errors_are_the_spread_over_repeats() -> None:
    found = [
        coexistence_points(mixture(40, seed), control="field", size="size", dimension=None)
        for seed in range(30, 36)
    ]
    jump, barrier = exact_mixture()
    for name, exact in (("equal_weight_point", 0.0), ("jump", jump), ("barrier", barrier)):
        z = np.array(
            [float((each[name] - exact)[0] / each[f"{name}_error"][0]) for each in found]
        )
        # Splines round the kink between two Gaussians: that much of a barrier may be missing.
        rounding = 0.06 * exact if name == "barrier" else 0.0
        assert abs(z.mean()) < 4.0 / np.sqrt(z.size) + rounding * np.mean(
            [1.0 / float(each[f"{name}_error"][0]) for each in found]
        )
        # χ² of five: errors half as large would make it 20.
        assert 0.3 < np.sum((z - z.mean()) ** 2) < 20.5, (name, z)


def test_disorders_are_read_at_their_own_points() -> None:
    samples = mixture(40, 51, spread=0.01, disorders=6)
    truth = np.unique(samples["transition_point"].to_numpy())
    found = coexistence_points(samples, control="field", size="size", dimension=None).isel(
        size=0
    )
    assert int(found["disorders"]) == 6
    error = float(found["equal_weight_point_error"])
    assert error == pytest.approx(truth.std(ddof=1) / np.sqrt(6), rel=0.2)
    assert abs(float(found["equal_weight_point"]) - truth.mean()) < 0.2 * error
    assert float(found["equal_weight_point_spread"]) == pytest.approx(
        truth.std(ddof=1), rel=0.2
    )
    jump, _ = exact_mixture()
    assert float(found["jump"]) == pytest.approx(jump, abs=4.0 * float(found["jump_error"]))


@pytest.mark.usefixtures("few_resamples")
def test_a_single_phase_is_refused_with_a_reason() -> None:
    chains = Chains(record_count=600, sweeps_per_record=4, discarded_sweeps=100)
    samples = ising(
        linear_extent=16, inverse_temperature=[0.42, 0.43, 0.44], chains=chains, seed=61
    )
    found = coexistence_points(
        samples["energy"],
        control="inverse_temperature",
        size="linear_extent",
        dimension=2,
        energy=samples["energy"],
    )
    assert np.isnan(found["jump"]).all()
    assert (found["jump_status"] == Status.REFUSED).all()
    assert "maxim" in found["reason"].item()


def labelled(values: NDArray[np.float64], controls: NDArray[np.float64]) -> xr.DataArray:
    coordinates = {"g": ("run", controls), "n": ("run", np.full(controls.size, 10))}
    return xr.DataArray(values, dims=("run", "record"), coords=coordinates)


def test_phases_without_round_trips_have_no_weights() -> None:
    generator = np.random.default_rng(71)
    controls = np.repeat([-0.05, 0.0, 0.05], 8)
    stuck = np.tile([-0.5, 0.5], 12)[:, None] + 0.2 * generator.standard_normal((24, 500))
    found = coexistence_points(
        labelled(stuck, controls), control="g", size="n", dimension=None
    ).isel(size=0)
    assert int(found["round_trips"]) == 0
    assert int(found["equal_weight_point_status"]) != Status.RESOLVED
    assert int(found["barrier_status"]) != Status.RESOLVED
    assert found["reason"].item() != ""


def test_what_cannot_be_compared_is_a_status() -> None:
    generator = np.random.default_rng(72)
    controls = np.repeat([0.0, 1.0, 2.0, 3.0], 2)
    leaping = np.where(controls > 1.5, 0.5, -0.5)[:, None] + 0.01 * generator.standard_normal(
        (8, 200)
    )
    for values, words in ((leaping, "leaps between"), (np.zeros((8, 200)), "does not vary")):
        found = coexistence_points(
            labelled(values, controls), control="g", size="n", dimension=None
        )
        assert words in found["reason"].item()
        assert (found["barrier_status"] == Status.REFUSED).all()
    one = labelled(generator.standard_normal((4, 200)), np.zeros(4))
    found = coexistence_points(one, control="g", size="n", dimension=None)
    assert "two controls are needed" in found["reason"].item()


@pytest.mark.usefixtures("few_resamples")
def test_numbers_that_are_missing_always_have_a_status_and_a_reason() -> None:
    tables = [
        coexistence_points(
            mixture(size, 80 + size), control="field", size="size", dimension=None
        )
        for size in (2, 20, 400)
    ]
    found = xr.concat(tables, "size")
    for name in ("equal_weight_point", "jump", "barrier"):
        missing: xr.DataArray = found[name].isnull() | found[f"{name}_error"].isnull()
        assert (missing == (found[f"{name}_status"] == Status.REFUSED)).all()
        assert (found["reason"].to_numpy()[missing.to_numpy()] != "").all()


def test_unsound_requests_are_refused() -> None:
    samples = mixture(40, 90)
    with pytest.raises(InvalidValueError, match="weight_ratio must be positive"):
        coexistence_points(
            samples, control="field", size="size", dimension=None, weight_ratio=0.0
        )
    with pytest.raises(InvalidValueError, match="runs and records"):
        coexistence_points(
            samples,
            control="field",
            size="size",
            dimension=None,
            energy=samples.isel(run=slice(2)),
        )
    moved = samples.assign_coords(field=samples["field"] + 1.0)
    with pytest.raises(InvalidValueError, match="coordinates 'field' differ"):
        coexistence_points(samples, control="field", size="size", dimension=None, energy=moved)
    with pytest.raises(InsufficientSamplesError, match="needs at least 8"):
        coexistence_points(
            samples.isel(record=slice(3)).assign_coords(record_count=("run", [3] * 10)),
            control="field",
            size="size",
            dimension=None,
        )
