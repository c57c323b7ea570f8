"""Round trips and accepted swaps of walkers on a ladder."""

import numpy as np
import torch

from phasegrok.dynamics import simulate
from phasegrok.dynamics.traffic import Traffic
from phasegrok.study import Energy, Exchange, Plan, Recording, Study, part, requested_runs


def trips(*ways: list[int]) -> list[int]:
    """Round trips of walkers that are at these rungs one after the other, of 0 to 2."""
    rungs = torch.tensor(ways)
    traffic = Traffic(rungs[:, 0], top=2)
    for now in rungs.T[1:]:
        traffic.count(now)
    return [int(count) for count in traffic.counts()["round_trip_count"]]


def test_a_round_trip_leads_to_the_other_end_and_back() -> None:
    assert trips([0, 1, 2, 1, 0]) == [1]
    assert trips([0, 1, 2, 1, 1]) == [0]
    assert trips([0, 1, 0, 1, 0]) == [0]
    assert trips([0, 2, 0, 2, 0]) == [2]
    assert trips([2, 1, 0, 1, 2]) == [1]


def test_it_begins_where_an_end_is_first_reached() -> None:
    assert trips([1, 0, 1, 2, 1, 0]) == [1]
    assert trips([1, 2, 0, 2, 1, 1]) == [1]
    assert trips([1, 1, 1, 1, 1, 1]) == [0]
    assert trips([0, 2, 0], [1, 1, 1], [2, 0, 1]) == [1, 0, 0]


def ladder(rungs: list[float], steps: int = 200) -> Study:
    return Study(
        name="ladder",
        seed=3,
        task=part("cubic_teacher", example_count=12, input_size=3, cubic=-0.3),
        network=part("two_layer", width=2),
        dynamics=part("langevin", step_size=0.02),
        energy=Energy(temperature=1.0, weight_decay=0.5),
        recording=Recording(steps=steps, every=1),
        exchange=Exchange(control="temperature", rungs=rungs),
        plan=Plan(replicas=4),
    )


def test_counts_of_runs_are_those_of_their_records() -> None:
    study = ladder([0.5, 0.7, 1.0])
    dataset = simulate(study, requested_runs(study)).dataset
    rung = dataset.rung.values
    assert trips(*rung.tolist()) == dataset.round_trip_count.values.tolist()
    assert int(dataset.round_trip_count.sum()) > 0
    # Even and odd pairs take turns; a pair is counted with the walker that began below.
    first = dataset.first_rung.values
    attempts = dataset.exchange_attempt_count.values
    np.testing.assert_array_equal(attempts, np.array([100, 100, 0])[first])
    below = np.sort(rung.reshape(4, 3, -1), axis=1)
    assert (below == np.arange(3)[None, :, None]).all()
    walkers = np.argsort(rung.reshape(4, 3, -1), axis=1)
    swapped = (np.diff(walkers, axis=2) != 0).astype(int)
    pairs = np.stack([swapped[:, 0], swapped[:, 2]], axis=1).sum(axis=2)
    accepted = dataset.exchange_accepted_count.values.reshape(4, 3)
    np.testing.assert_array_equal(accepted[:, :2], pairs)


def test_equal_neighbours_always_exchange_and_far_ones_never() -> None:
    close, far = (
        simulate(each, requested_runs(each)).dataset
        for each in (ladder([1.0, 1.0 + 1e-9], steps=20), ladder([1e-3, 1e3], steps=20))
    )
    counts = ("exchange_attempt_count", "exchange_accepted_count")
    np.testing.assert_array_equal(close[counts[0]], close[counts[1]])
    np.testing.assert_array_equal(close.exchange_attempt_count[::2], 10)
    # Both began from one prior: only the first swaps of a cold walker that is hotter pass.
    assert int(far.exchange_accepted_count.sum()) < int(far.exchange_attempt_count.sum()) / 2
