"""Coexistence of neurons against laws whose phases are known exactly."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.inference.basins import basins
from phasegrok.inference.chains import Grade
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.neurons.coexistence import fit_coexistence, fit_coexistence_labelled
from phasegrok.transitions.neurons.coexistence_fit import CoexistenceFit

QUANTITIES = ("position", "width", "weight")
EDGES = np.linspace(0.0, 2.0, 20_001)
CENTRES = 0.5 * (EDGES[1:] + EDGES[:-1])

# Input size d, interaction u and discrepancies b, c of the cubic teacher [Rubin, Seroussi and
# Ringel, arXiv 2310.03789, with corrected equations], by (β, σ²).
SYSTEMS = {
    (1 / 8, 0.10): (53.03, 97.96, 0.1204, -0.2494),
    (1 / 2, 0.10): (106.07, 97.96, 0.1243, -0.2480),
    (1 / 2, 0.12): (106.07, 68.03, 0.1641, -0.2634),
    (1.0, 0.10): (150.0, 97.96, 0.1259, -0.2471),
    (1.0, 0.12): (150.0, 68.03, 0.1662, -0.2627),
    (2.0, 0.12): (212.13, 68.03, 0.1679, -0.2618),
    (1 / 2, 0.15): (106.07, 43.54, 0.2220, -0.2799),  # A shoulder, no second maximum.
    (1 / 2, 0.30): (106.07, 10.88, 0.4735, -0.2948),  # One phase.
}


def theory_log_density(overlap: FloatArray, beta: float, noise_variance: float) -> FloatArray:
    """Return -d Ŝ(q) of the large-width theory, σ_w² = 1/2."""
    size, interaction, linear, cubic = SYSTEMS[beta, noise_variance]
    square = overlap**2
    reach = 1.0 + 2.0 * (0.5 + square)
    drive = square / reach * (linear - 2.0 * cubic * square / reach) ** 2
    action: FloatArray = size * (square - 2.0 * interaction / np.pi * drive)
    return -action


def mixture_log_density(overlap: FloatArray) -> FloatArray:
    """Two per cent of droplets N(±0.7, 0.08²) beside N(0, 0.1²)."""
    central = 0.98 * 2.0 * stats.norm(0.0, 0.1).pdf(overlap)
    density: FloatArray = np.log(central + 0.02 * stats.norm(0.7, 0.08).pdf(overlap) + 1e-300)
    return density


def draw(log_density: FloatArray, count: int, seed: int) -> FloatArray:
    """Draw signed overlaps (draw) by inverting the exact distribution of |q|."""
    rng = np.random.default_rng(seed)
    probability = np.exp(log_density - log_density.max())
    distribution = np.concatenate([[0.0], np.cumsum(probability)]) / probability.sum()
    folded = np.interp(rng.random(count), distribution, EDGES)
    signed: FloatArray = folded * rng.choice([-1.0, 1.0], size=count)
    return signed


def one_run(overlaps: FloatArray) -> FloatArray:
    """Arrange independent draws as one record of one run."""
    return overlaps.reshape(1, 1, -1)


@cache
def theory_fit(beta: float, noise_variance: float, count: int, seed: int) -> CoexistenceFit:
    overlaps = draw(theory_log_density(CENTRES, beta, noise_variance), count, seed)
    return fit_coexistence(one_run(overlaps), seed=seed)


def covered(fit: CoexistenceFit, truth: dict[str, float], mass: int) -> list[bool]:
    """Whether each quantity's central interval contains the truth."""
    summary = fit.summary
    return [
        float(summary[name].sel(level=f"lower_{mass}"))
        < truth[name]
        < float(summary[name].sel(level=f"upper_{mass}"))
        for name in QUANTITIES
    ]


def truth_of(log_density: FloatArray) -> dict[str, float]:
    return {name: float(v[0]) for name, v in basins(log_density[None], EDGES).items()}


def test_the_truth_is_that_of_the_theory() -> None:
    truth = truth_of(theory_log_density(CENTRES, 1.0, 0.10))
    # Wells and barriers of the theory at β = 1, σ² = 0.10, in nats above q = 0.
    assert truth["position"] == pytest.approx(0.951, abs=1e-3)
    assert truth["valley"] == pytest.approx(0.544, abs=1e-3)
    assert truth["barrier"] == pytest.approx(8.87, abs=0.03)
    assert truth["barrier"] - truth["depth"] == pytest.approx(4.18, abs=0.06)


def test_a_strong_droplet_phase_is_found_with_its_numbers() -> None:
    fit = theory_fit(0.5, 0.10, 20_000, 1)
    assert fit.two_phases is True
    assert fit.log_evidence_difference > 100.0
    assert fit.two_phase_predictive > 0.01 > fit.one_phase_predictive
    assert fit.health.grade is Grade.RELIABLE
    truth = truth_of(theory_log_density(CENTRES, 0.5, 0.10))
    assert all(covered(fit, truth, 95))
    # The binomial error bounds the weight's from below; the valley's place adds to it.
    summary = fit.summary["weight"]
    spread = float(summary.sel(level="upper_68") - summary.sel(level="lower_68")) / 2.0
    binomial = np.sqrt(truth["weight"] * (1.0 - truth["weight"]) / 20_000)
    assert 0.85 * binomial < spread < 2.5 * binomial
    assert "Two phases coexist" in str(fit)
    assert "weight 0.0" in str(fit)


def test_a_rare_gaussian_droplet_phase_is_found() -> None:
    fit = fit_coexistence(one_run(draw(mixture_log_density(CENTRES), 4000, 3)), seed=3)
    assert fit.two_phases is True
    summary = fit.summary
    for name, exact in (("position", 0.7), ("width", 0.08), ("weight", 0.02)):
        bounds = summary[name]
        assert bounds.sel(level="lower_95") < exact < bounds.sel(level="upper_95")


@pytest.mark.parametrize(
    "law", [stats.norm(scale=0.1), stats.t(4.0, scale=0.1)], ids=["normal", "student"]
)
def test_one_phase_is_not_called_two(law: stats.rv_continuous) -> None:
    overlaps = np.asarray(law.rvs(size=10_000, random_state=7), dtype=np.float64)
    fit = fit_coexistence(one_run(overlaps), seed=7)
    assert fit.two_phases is not True
    assert fit.log_evidence_difference < 2.0
    assert fit.one_phase_predictive > 0.01


def test_a_shoulder_without_second_maximum_is_not_called_two_phases() -> None:
    fit = theory_fit(0.5, 0.15, 10_000, 5)
    assert fit.two_phases is not True
    assert fit.valley_probability < 0.95


def random_field_overlaps(seed: int, disorders: int = 8) -> tuple[FloatArray, list[int]]:
    """Networks of shared fields: droplet share Beta(4, 36), mean 0.1, drawn per disorder."""
    rng = np.random.default_rng(seed)
    shape = (5, 60)
    runs = []
    for _ in range(disorders):
        share = rng.beta(4.0, 36.0)
        for _ in range(3):
            droplets = rng.random(shape) < share
            place = rng.normal(0.7, 0.08, size=shape)
            runs.append(np.where(droplets, place, rng.normal(0.0, 0.1, size=shape)))
    signs = rng.choice([-1.0, 1.0], size=(len(runs), *shape))
    return np.stack(runs) * signs, np.repeat(np.arange(disorders), 3).tolist()


def weight_interval(fit: CoexistenceFit, mass: int = 95) -> tuple[float, float]:
    weight = fit.summary["weight"]
    low, high = (float(weight.sel(level=f"{side}_{mass}")) for side in ("lower", "upper"))
    return low, high


def test_correlated_neurons_widen_the_interval_of_the_weight() -> None:
    overlaps, disorder = random_field_overlaps(2)
    grouped = fit_coexistence(overlaps, seed=2, disorder=disorder)
    naive = fit_coexistence(one_run(overlaps), seed=2)
    assert grouped.effective.kind == "disorder"
    assert grouped.effective.groups == 8
    ratio = np.diff(weight_interval(grouped)) / np.diff(weight_interval(naive))
    # Seven degrees of freedom stretch 95 % of a normal law by 2.36 / 1.96.
    expected = 2.365 / 1.960 / np.sqrt(grouped.effective.balance_share)
    assert ratio == pytest.approx(expected, rel=0.2)


def labelled(overlaps: FloatArray, disorder: list[int]) -> xr.DataArray:
    return xr.DataArray(
        overlaps,
        dims=("run", "record", "neuron"),
        coords={"disorder": ("run", disorder)},
        attrs={"symmetry": "sign"},
    )


def test_labels_signs_and_unmade_records_change_nothing() -> None:
    overlaps, disorder = random_field_overlaps(4, disorders=3)
    plain = fit_coexistence(overlaps, seed=1, disorder=disorder)
    padded = np.concatenate([-overlaps, np.full_like(overlaps[:, :2], np.nan)], axis=1)
    named = labelled(padded, disorder).assign_coords(record_count=("run", [5] * 9))
    again = fit_coexistence_labelled(named.transpose("neuron", "run", "record"), seed=1)
    xr.testing.assert_identical(plain.posterior, again.posterior)
    assert plain.decision == again.decision


def test_a_fit_survives_storage(tmp_path: Path) -> None:
    fit = theory_fit(0.5, 0.10, 20_000, 1)
    fit.to_dataset().to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "fit.nc", engine="h5netcdf") as stored:
        again = CoexistenceFit.from_dataset(stored.load())
    assert str(again) == str(fit)
    assert again.effective == fit.effective
    assert again.two_phase_evidence == fit.two_phase_evidence
    xr.testing.assert_equal(again.posterior, fit.posterior)
    xr.testing.assert_equal(again.density, fit.density)
    with pytest.raises(FormatError, match="a stored fit has the attribute"):
        CoexistenceFit.from_dataset(xr.Dataset())


def test_the_density_band_holds_the_law() -> None:
    density = theory_fit(0.5, 0.10, 20_000, 1).density
    edges = np.append(density["lower_edge"].values, density["upper_edge"].values[-1])
    exact = np.exp(theory_log_density(CENTRES, 0.5, 0.10))
    exact /= exact.sum() * np.diff(EDGES)[0]
    at = np.interp(0.5 * (edges[1:] + edges[:-1]), CENTRES, exact)
    inside = (density["lower_95"].values < at) & (at < density["upper_95"].values)
    # Neighbouring bins share the misfit, so about ten of the 110 are independent.
    assert inside.mean() > 0.75


def test_refusals() -> None:
    rng = np.random.default_rng(0)
    good = rng.normal(size=(2, 5, 60))
    broken = good.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(InvalidValueError, match="declared symmetry, here 'sign'"):
        fit_coexistence(good, seed=0, symmetry="none")
    with pytest.raises(InvalidValueError, match="must be finite"):
        fit_coexistence(broken, seed=0)
    with pytest.raises(InvalidValueError, match=r"must be \(run, record, neuron\)"):
        fit_coexistence(good[0], seed=0)
    with pytest.raises(InsufficientSamplesError, match="at least 200 samples"):
        fit_coexistence(good[:, :1], seed=0)
    with pytest.raises(InvalidValueError, match="one disorder per run"):
        fit_coexistence(good, seed=0, disorder=[1])
    with pytest.raises(InvalidValueError, match="must vary continuously"):
        fit_coexistence(np.round(good), seed=0)
    with pytest.raises(InvalidValueError, match="need the dimensions"):
        fit_coexistence_labelled(labelled(good, [0, 1]).rename(neuron="unit"), seed=0)
    with pytest.raises(InvalidValueError, match="received 'none'"):
        fit_coexistence_labelled(labelled(good, [0, 1]).drop_attrs(), seed=0)


def coverage(
    fits: list[CoexistenceFit], truth: dict[str, float], mass: int
) -> dict[str, tuple[int, float]]:
    """Number covered and two-sided binomial probability, per quantity."""
    hits = np.sum([covered(fit, truth, mass) for fit in fits], axis=0)
    return {
        name: (int(hit), float(stats.binomtest(int(hit), len(fits), mass / 100).pvalue))
        for name, hit in zip(QUANTITIES, hits, strict=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beta", "noise_variance", "count"),
    [
        (1 / 8, 0.10, 10_000),
        (1 / 2, 0.10, 40_000),
        (1 / 2, 0.12, 10_000),
        (1.0, 0.10, 40_000),
        (1.0, 0.12, 40_000),
        pytest.param(
            2.0,
            0.12,
            40_000,
            marks=pytest.mark.xfail(
                strict=True,
                reason="so many draws tell the droplet from a skewed normal law: its width "
                "comes out 1 to 2 % narrow, and 95 % intervals of it cover 50 of 60 here and "
                "47 of 50 with other seeds",
            ),
        ),
    ],
)
def test_intervals_cover_on_draws_from_the_theory(
    beta: float, noise_variance: float, count: int
) -> None:
    fits = [theory_fit.__wrapped__(beta, noise_variance, count, seed) for seed in range(60)]
    truth = truth_of(theory_log_density(CENTRES, beta, noise_variance))
    for mass in (68, 95):
        for name, (hits, chance) in coverage(fits, truth, mass).items():
            assert chance > 1e-3, f"{name}: {hits} of 60 at {mass} %"


@pytest.mark.slow
@pytest.mark.parametrize(("grouped", "calibrated"), [(True, True), (False, False)])
def test_weights_of_correlated_neurons_cover_only_by_disorder(
    *, grouped: bool, calibrated: bool
) -> None:
    def covers(seed: int) -> bool:
        overlaps, disorder = random_field_overlaps(seed)
        data = overlaps if grouped else one_run(overlaps)
        low, high = weight_interval(
            fit_coexistence(data, seed=seed, disorder=disorder if grouped else None)
        )
        return low < 0.1 < high

    hits = sum(covers(seed) for seed in range(60))
    assert bool(stats.binomtest(hits, 60, 0.95).pvalue > 1e-3) is calibrated


@pytest.mark.slow
@pytest.mark.parametrize(
    "log_density",
    [mixture_log_density, lambda q: theory_log_density(q, 0.5, 0.30)],
    ids=["mixture", "one phase"],
)
def test_answers_are_right_or_undetermined(
    log_density: Callable[[FloatArray], FloatArray],
) -> None:
    law = log_density(CENTRES)
    right = bool(truth_of(law)["depth"] > 0)
    answers = [
        fit_coexistence(one_run(draw(law, 5000, seed)), seed=seed).two_phases
        for seed in range(30)
    ]
    assert (not right) not in answers
    assert sum(answer is right for answer in answers) >= 20
