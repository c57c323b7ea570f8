"""Barriers and prefactors from censored escapes beside those that theory gives."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.exact import double_well_escape_time, double_well_escapes
from phasegrok.transitions.escape.arrhenius_law import (
    Arrhenius,
    arrhenius,
    compare_arrhenius,
)
from phasegrok.transitions.escape.lifetime_tables import lifetimes


def chain(seed: int, *, runs: int = 400, barrier: float = 0.022503) -> xr.Dataset:
    """Exponential escapes at a known rate, a third of them censored."""
    generator = np.random.default_rng(seed)
    sizes = np.repeat(np.array([3.0, 4.0, 5.0, 6.0]) / 0.022503, runs)
    life = np.exp(np.log(9.76) + barrier * sizes)
    stop = 1.1 * life
    time = generator.exponential(life)
    censored = time > stop
    ends = np.where(censored, stop, time)
    count = sizes.size
    return xr.Dataset(
        {
            "event_out_lower": ("run", ends),
            "event_out_upper": ("run", np.where(censored, np.inf, ends)),
        },
        coords={
            "size": ("run", sizes),
            "step": (("run", "record"), np.stack([np.zeros(count), ends + 1], 1)),
            "time": (("run", "record"), np.stack([np.zeros(count), ends + 1], 1)),
            "outcome": ("run", np.full(count, "finished", dtype=object)),
            "record_count": ("run", np.full(count, 2)),
            "physical_kinetics": ("run", np.ones(count, np.int8)),
        },
    )


def fitted(seed: int) -> Arrhenius:
    return arrhenius(lifetimes(chain(seed), event="out"))


def test_the_true_numbers_pass_as_often_as_they_should() -> None:
    found = [
        compare_arrhenius(fitted(seed), barrier=0.022503, log_prefactor=np.log(9.76))
        for seed in range(40)
    ]
    squares = [each.chi_square for each in found]
    # χ² of two degrees of freedom, 40 times; wider errors where a fit scatters take some off.
    assert np.mean(squares) == pytest.approx(1.8, abs=4 * 2 / np.sqrt(40))
    excess = np.array([[each.barrier_excess, each.prefactor_excess] for each in found])
    assert np.abs(excess.mean(axis=0)).max() < 4 / np.sqrt(40)


def test_a_barrier_or_a_prefactor_that_is_wrong_is_noticed() -> None:
    fit = fitted(1)
    truth = {"barrier": 0.022503, "log_prefactor": float(np.log(9.76))}
    high = compare_arrhenius(fit, **(truth | {"barrier": 1.15 * 0.022503}))
    assert high.barrier_excess < -3
    assert high.probability < 1e-4
    shifted = truth | {"log_prefactor": truth["log_prefactor"] + 0.3}
    wrong = compare_arrhenius(fit, **shifted)
    assert wrong.prefactor_ratio == pytest.approx(np.exp(fit.log_prefactor - 0.3) / 9.76)
    assert wrong.probability < 1e-4
    # A theory that knows its own error is forgiven.
    vague = compare_arrhenius(fit, **shifted, log_prefactor_error=0.5)
    assert vague.probability > 0.01


def test_both_numbers_are_judged_together() -> None:
    fit = Arrhenius(
        barrier=1.0,
        barrier_error=0.1,
        log_prefactor=0.0,
        log_prefactor_error=0.1,
        correlation=-0.95,
        chi_square=1.0,
        freedom=2,
        predictive=0.5,
    )
    # Along the correlation, and across it.
    near = compare_arrhenius(fit, barrier=1.1, log_prefactor=-0.1)
    far = compare_arrhenius(fit, barrier=1.1, log_prefactor=0.1)
    assert near.chi_square == pytest.approx(2 / 1.95)
    assert far.chi_square == pytest.approx(2 / 0.05)
    assert near.barrier_excess == pytest.approx(far.barrier_excess) == pytest.approx(-1.0)


def test_the_double_well_has_the_barrier_and_the_prefactor_of_kramers() -> None:
    heats = np.array([0.25, 0.22, 0.2])
    samples = double_well_escapes(
        barrier=1.0, temperature=heats, stop_time=250.0, replica_count=150, seed=2
    )
    table = lifetimes(samples, event="escape")
    assert int(table["censored"].sum()) > 20
    fit = arrhenius(table)
    # Kramers' formula is that of low temperature: its next order is some T/barrier.
    prefactor = np.log(double_well_escape_time(barrier=1.0, temperature=0.2)) - 5.0
    found = compare_arrhenius(
        fit, barrier=1.0, log_prefactor=prefactor, log_prefactor_error=0.2
    )
    assert found.probability > 1e-3
    assert compare_arrhenius(fit, barrier=2.0, log_prefactor=prefactor).probability < 1e-6


def test_what_has_no_meaning_is_refused() -> None:
    fit = fitted(2)
    with pytest.raises(InvalidValueError, match="finite numbers of a theory"):
        compare_arrhenius(fit, barrier=np.nan, log_prefactor=0.0)
    with pytest.raises(InvalidValueError, match="barrier_error"):
        compare_arrhenius(fit, barrier=1.0, log_prefactor=0.0, barrier_error=-1.0)
