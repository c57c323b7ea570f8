"""Every number of a run is bitwise the same in whatever batch the run was made."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from phasegrok.dynamics import simulate
from phasegrok.study import Energy, Part, Plan, Recording, Study, part, requested_runs

OBSERVABLES = (
    "train_loss",
    "test_loss",
    "teacher_overlap",
    "linear_discrepancy",
    "cubic_discrepancy",
    "aligned_fraction",
)
LOSSES = ("train_loss", "test_loss")
INTEGRATORS = [
    part("hmc", burn_in=6, leapfrog_steps=4),
    part("hmc", step_size=0.01, coordinates="plain", leapfrog_steps=4),
    part("underdamped", step_size=0.15, coordinates="whitened"),
    part("underdamped", step_size=0.02, minibatch_size=11),
    part("langevin", step_size=1e-4),
    part("langevin", step_size=1e-4, minibatch_size=11),
    part("gradient_descent", step_size=1e-4, momentum=0.9),
    part("gradient_descent", step_size=1e-4, minibatch_size=32),
    part("adamw", step_size=1e-3),
    part("adamw", step_size=1e-3, minibatch_size=32),
]
TWO_LAYER, MAPPED = "two_layer", "contract_parts:TwoLayersOneRun"
PICKS = [[0], [63], [0, 1, 2], [17, 40, 3], [63, 5]]
# Some of everything: the rest takes minutes.
CHOSEN = {
    (TWO_LAYER, 1, "float32", 3),
    (TWO_LAYER, 16, "float32", 0),
    (TWO_LAYER, 16, "float64", 5),
    (TWO_LAYER, 88, "float32", 2),
    (TWO_LAYER, 88, "float32", 9),
    (MAPPED, 1, "float32", 4),
    (MAPPED, 16, "float32", 2),
    (MAPPED, 16, "float64", 7),
}


def name_of(dynamics: Part) -> str:
    size = dynamics.options.get("minibatch_size", 0)
    coordinates = dynamics.options.get("coordinates", "")
    return "-".join(filter(None, [dynamics.kind, coordinates, size and f"minibatch {size}"]))


def cases() -> list[Any]:
    found = []
    for network in (TWO_LAYER, MAPPED):
        for width in (1, 16, 88):
            for dtype in ("float32", "float64"):
                for index, dynamics in enumerate(INTEGRATORS):
                    chosen = (network, width, dtype, index) in CHOSEN
                    label = f"{network.rpartition(':')[2]}-{width}-{dtype}-{name_of(dynamics)}"
                    marks = [] if chosen else [pytest.mark.slow]
                    values = (network, width, dtype, dynamics)
                    found.append(pytest.param(*values, id=label, marks=marks))
    return found


def study_of(network: str, width: int, dtype: Any, dynamics: Part, **changes: Any) -> Study:
    """64 runs of two teachers, so that the data are those of each run; picks may share them."""
    hand_written = network == TWO_LAYER
    described: dict[str, Any] = {
        "name": "bits",
        "seed": 1,
        "task": part(
            "cubic_teacher", example_count=75, input_size=13, cubic=-0.3, test_count=50
        ),
        "network": part(network, width=width),
        "dynamics": dynamics,
        "energy": Energy(temperature=0.1, weight_decay="prior"),
        "recording": Recording(
            steps=12,
            every=4,
            states="all",
            observables=[part(each) for each in (OBSERVABLES if hand_written else LOSSES)],
        ),
        "plan": Plan(grid={"temperature": [0.1, 0.18, 0.3, 0.4]}, replicas=8, disorders=2),
        "dtype": dtype,
    }
    return Study(**(described | changes))


@pytest.mark.parametrize(("network", "width", "dtype", "dynamics"), cases())
def test_alone_in_three_and_in_sixty_four_at_any_place(
    same_in_every_batch: Any, network: str, width: int, dtype: str, dynamics: Part
) -> None:
    same_in_every_batch(study_of(network, width, dtype, dynamics), PICKS)


@pytest.mark.parametrize("network", [TWO_LAYER, MAPPED])
@pytest.mark.parametrize("step_size", [0.2, 1e9], ids=["some leave", "all but one leave"])
def test_when_siblings_diverge_and_leave(
    same_in_every_batch: Any, network: str, step_size: float
) -> None:
    study = study_of(
        network,
        16,
        "float32",
        part("langevin", step_size=1e-4),
        plan=Plan(grid={"step_size": [1e-4, step_size]}, replicas=2, disorders=2),
        recording=Recording(steps=12, every=1, states="all", observables=[part("test_loss")]),
    )
    dataset = same_in_every_batch(study, [[0], [1, 2], [3, 4], [5], [6, 0, 7, 4], [4, 5]])
    assert dataset.outcome.values.tolist() == ["finished"] * 4 + ["diverged"] * 4


@pytest.mark.parametrize("dynamics", [INTEGRATORS[0], INTEGRATORS[5]], ids=name_of)
def test_beyond_the_blocks_that_random_numbers_are_drawn_in(
    same_in_every_batch: Any, dynamics: Part
) -> None:
    hot = {"step_size": [1e-4, 0.3]} if dynamics.kind == "langevin" else {}
    study = study_of(
        TWO_LAYER,
        4,
        "float32",
        dynamics,
        plan=Plan(grid=hot, replicas=3, disorders=2),
        recording=Recording(steps=150, every=30, states="all"),
    )
    dataset = same_in_every_batch(study, [[0], [1, 2], [4, 0, 3]])
    assert set(dataset.outcome.values[:6]) == {"finished"}


def test_shared_examples_give_the_bits_of_examples_of_each_run() -> None:
    study = study_of(TWO_LAYER, 16, "float32", INTEGRATORS[4])
    requests = requested_runs(study)
    shared = simulate(study, requests[:8]).dataset
    mixed = simulate(study, requests[4:12]).dataset
    assert set(shared.disorder.values) == {0}
    assert set(mixed.disorder.values) == {0, 1}
    for name in ("loss", "cubic_discrepancy"):
        np.testing.assert_array_equal(shared[name][4:], mixed[name][:4])


def run_with_older_instructions(*selection: str) -> None:
    environment = os.environ | {
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += [__file__, *selection]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


def test_instructions_of_older_processors() -> None:
    few = "two_layer-16 or two_layer-88-float32-underdamped or TwoLayersOneRun-16-float32"
    run_with_older_instructions("-m", "not slow", "-k", f"alone and ({few})")


@pytest.mark.slow
def test_everything_with_instructions_of_older_processors() -> None:
    every = "alone or siblings or shared"
    run_with_older_instructions("-m", "slow or not slow", "-k", every)
