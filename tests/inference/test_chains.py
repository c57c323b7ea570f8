"""Health of chains against exact autocorrelation times, its grade, and storage."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.inference.chains import Chains, Grade, Health, assess


@pytest.mark.parametrize("steps", [100, 800])  # Also where chains are only 5 times longer.
def test_the_autocorrelation_time_of_autoregressive_chains_is_exact(steps: int) -> None:
    rng = np.random.default_rng(8)
    memory = 0.9
    chain = [rng.normal(size=(2, 1000))]
    for _ in range(steps - 1):
        fresh = rng.normal(scale=np.sqrt(1.0 - memory**2), size=(2, 1000))
        chain.append(memory * chain[-1] + fresh)
    health = assess(np.stack(chain, axis=1)[..., None], acceptance=0.3)
    exact = (1.0 + memory) / (1.0 - memory)
    # Sokal's error of a windowed sum, window 5, 2000 chains; cutting the sum costs 2 %.
    relative = np.sqrt(2.0 * 11.0 * exact / (2000.0 * steps))
    assert health.autocorrelation_time == pytest.approx(exact, rel=4.0 * relative + 0.02)
    assert health.effective_samples == pytest.approx(2000 * steps / health.autocorrelation_time)


def test_a_chain_that_never_moves_is_unusable() -> None:
    health = assess(np.zeros((2, 50, 8, 2)), acceptance=0.0)
    assert health.grade is Grade.UNUSABLE
    assert health.effective_samples == 0.0


@pytest.mark.parametrize(
    ("numbers", "grade"),
    [
        ({}, Grade.RELIABLE),
        ({"effective_samples": 300.0}, Grade.TENTATIVE),
        ({"effective_samples": 50.0}, Grade.UNUSABLE),
        ({"start_agreement": 1.1}, Grade.TENTATIVE),
        ({"start_agreement": 1.5}, Grade.UNUSABLE),
        ({"acceptance": 0.05}, Grade.TENTATIVE),
        ({"acceptance": 0.01}, Grade.UNUSABLE),
        ({"steps": 120}, Grade.TENTATIVE),
        ({"steps": 30}, Grade.UNUSABLE),
    ],
)
def test_every_number_can_lower_the_grade(numbers: dict[str, float], grade: Grade) -> None:
    good = {
        "autocorrelation_time": 20.0,
        "effective_samples": 1000.0,
        "acceptance": 0.3,
        "start_agreement": 1.01,
        "steps": 400,
    }
    assert Health(**(good | numbers)).grade is grade  # type: ignore[arg-type]


def test_chains_survive_storage() -> None:
    positions = np.random.default_rng(2).normal(size=(2, 50, 8, 2))
    columns = {"a": positions[..., 0], "b": positions[..., 1]}
    chains = Chains(
        draws=xr.Dataset(
            {k: (("chain", "draw"), v.reshape(2, -1)) for k, v in columns.items()}
        ),
        health=assess(positions, acceptance=0.3),
        walkers=8,
    )
    again = Chains.from_dataset(chains.to_dataset())
    assert again.health == chains.health
    assert again.walkers == chains.walkers
    np.testing.assert_array_equal(again.flat(), chains.flat())
    with pytest.raises(FormatError, match="attributes of their health"):
        Chains.from_dataset(chains.draws)
