"""Walkers of exchange ladders, sorted by rung."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.statistics.controls import at_rungs

HEATS = [0.1, 0.2, 0.4]


def walkers() -> xr.Dataset:
    """Two ladders of three walkers; the observable tells rung, ladder and record."""
    generator = np.random.default_rng(1)
    rung = np.stack([generator.permuted([0, 1, 2]) for _ in range(10)], axis=1)
    both = np.concatenate([rung, np.roll(rung, 1, axis=1)])
    ladder = np.repeat([0, 1], 3)
    value = both + 10.0 * ladder[:, None] + 100.0 * np.arange(10)
    return xr.Dataset(
        {"rung": (("run", "record"), both), "q": (("run", "record"), value)},
        coords={
            "first_rung": ("run", [0, 1, 2, 0, 1, 2]),
            "temperature": ("run", HEATS * 2),
            "disorder": ("run", ladder),
            "replica": ("run", np.zeros(6, int)),
            "start": ("run", np.full(6, "prior", dtype=object)),
            "outcome": ("run", np.full(6, "finished", dtype=object)),
            "record_count": ("run", np.full(6, 10)),
            "physical_kinetics": ("run", np.ones(6, np.int8)),
        },
    )


def test_every_rung_holds_the_records_that_were_made_there() -> None:
    found = at_rungs(walkers(), control="temperature")
    rung, ladder = np.tile([0, 1, 2], 2), np.repeat([0, 1], 3)
    wanted = rung[:, None] + 10.0 * ladder[:, None] + 100.0 * np.arange(10)
    np.testing.assert_array_equal(found["q"], wanted)
    np.testing.assert_array_equal(found["temperature"], HEATS * 2)
    np.testing.assert_array_equal(found["ladder"], ladder)
    assert set(found["physical_kinetics"].values) == {0}


def test_a_control_that_is_stored_by_record_is_believed() -> None:
    samples = walkers()
    now = np.array(HEATS)[samples["rung"].to_numpy()]
    stored = samples.assign(temperature_now=(("run", "record"), now)).assign_coords(
        temperature=("run", np.full(6, 0.1))
    )
    found = at_rungs(stored, control="temperature")
    np.testing.assert_array_equal(found["temperature"], HEATS * 2)


def test_a_ladder_with_a_walker_that_failed_is_left_out() -> None:
    samples = walkers()
    outcome = samples["outcome"].to_numpy().copy()
    outcome[4] = "diverged"
    kept = at_rungs(samples.assign_coords(outcome=("run", outcome)), control="temperature")
    assert set(kept["disorder"].values) == {0}


def test_what_makes_no_ladder_is_refused() -> None:
    samples = walkers()
    with pytest.raises(FormatError, match="first_rung"):
        at_rungs(samples.drop_vars("first_rung"), control="temperature")
    with pytest.raises(FormatError, match="one walker for each of 3 rungs"):
        at_rungs(samples, control="temperature", by=("replica",))
    doubled = samples.copy(deep=True)
    doubled["rung"][0, 0] = int(doubled["rung"][1, 0])
    with pytest.raises(FormatError, match="every rung once"):
        at_rungs(doubled, control="temperature")
