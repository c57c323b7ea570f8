"""Walkers of real ladders, sorted by their rungs."""

from typing import Any

import numpy as np
import pytest

from phasegrok.dynamics import simulate
from phasegrok.statistics import at_rungs
from phasegrok.study import Energy, Exchange, Plan, Recording, Study, part, requested_runs

DECAYS = [0.5, 0.7, 1.0]


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "ladder",
        "seed": 3,
        "task": part("cubic_teacher", example_count=12, input_size=3, cubic=-0.3),
        "network": part("two_layer", width=2),
        "dynamics": part("langevin", step_size=0.02),
        "energy": Energy(temperature=1.0, weight_decay=0.5),
        "recording": Recording(steps=60, every=1, observables=[part("train_loss")]),
        "exchange": Exchange(control="weight_decay", rungs=DECAYS),
        "plan": Plan(grid={"temperature": [0.5, 1.0]}, replicas=2),
    }
    fields.update(changes)
    return Study(**fields)


@pytest.mark.parametrize("control", ["weight_decay", "temperature"])
def test_every_number_is_that_of_the_walker_on_the_rung(control: str) -> None:
    plan = Plan(disorders=2, replicas=2)
    study = described(exchange=Exchange(control=control, rungs=DECAYS), plan=plan)
    walkers = simulate(study, requested_runs(study)).dataset
    # The order of the runs is no matter.
    shuffled = walkers.isel(run=np.random.default_rng(0).permutation(walkers.sizes["run"]))
    chains = at_rungs(shuffled, control=control)
    assert chains.sizes["run"] == walkers.sizes["run"]
    np.testing.assert_array_equal(chains[control], np.tile(DECAYS, 4))
    np.testing.assert_array_equal(chains["ladder"], np.repeat(np.arange(4), 3))
    assert set(chains.physical_kinetics.values) == {0}
    moved = 0
    for chain in chains.run.values:
        here = chains.isel(run=chain)
        labels = (walkers.disorder == here.disorder) & (walkers.replica == here.replica)
        ladder = walkers.isel(run=labels.values)
        for record in (0, 17, 60):
            now = ladder.isel(record=record)
            rung = DECAYS.index(float(here[control]))
            walker = int(np.flatnonzero(now.rung == rung)[0])
            moved += int(now.first_rung[walker]) != rung
            for name in ("loss", "half_square_norm_first", "train_loss"):
                np.testing.assert_array_equal(
                    here[name].isel(record=record), now[name].isel(run=walker)
                )
            assert float(now[f"{control}_now"].isel(run=walker)) == float(here[control])
    assert moved > 5
