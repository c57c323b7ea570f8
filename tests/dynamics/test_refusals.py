"""What would be computed silently wrong is refused before a step is made."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from phasegrok.dynamics import check_study, simulate
from phasegrok.dynamics.batch import _check_examples
from phasegrok.errors import InvalidStudyError
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Plan,
    Ramp,
    Recording,
    Study,
    part,
    requested_runs,
)
from phasegrok.tasks import Examples

STUDY = Study(
    name="refusals",
    seed=3,
    task=part("cubic_teacher", input_size=5, example_count=20, cubic=-0.3, test_count=0),
    network=part("two_layer", width=4),
    dynamics=part("hmc", burn_in=2),
    energy=Energy(temperature=0.5, weight_decay="prior"),
    recording=Recording(steps=6, every=2, observables=[part("aligned_fraction")]),
)


def penalized(kind: str, **options: Any) -> Energy:
    return replace(STUDY.energy, penalties=[part(kind, **options)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dynamics": part("hmc", burn_in=2.5)}, "'burn_in' of 'hmc' must be a whole number"),
        (
            {"dynamics": part("hmc", leapfrog_steps=2.0)},
            r"'leapfrog_steps' of 'hmc' must be a whole number, received 2\.0; leave out",
        ),
        (
            {"dynamics": part("hmc", leapfrog_steps=2.5)},
            "'leapfrog_steps' of 'hmc' must be a whole number",
        ),
        (
            {"dynamics": part("langevin", step_size=1e-3, minibatch_size=-5)},
            "'minibatch_size' of 'langevin' must be at least 0, received -5",
        ),
        (
            {"dynamics": part("langevin", step_size=1e-3, minibatch_size=21)},
            "a minibatch of 21 needs at least as many examples, received 20; lower mini",
        ),
        (
            {"task": part("cubic_teacher", input_size=5, example_count=20, cubic="a")},
            "'cubic' of 'cubic_teacher' must be a finite number",
        ),
        (
            {"dynamics": part("hmc", leapfrog_steps=0)},
            "'leapfrog_steps' of 'hmc' must be at least 1, received 0; give a larger number",
        ),
        (
            {"dynamics": part("hmc", leapfrog_steps="5")},
            "'leapfrog_steps' of 'hmc' must be a whole number, received '5'",
        ),
        (
            {"dynamics": part("langevin")},
            "needs the option 'step_size', and received no options; add it",
        ),
        (
            {"recording": Recording(steps=6, observables=[part("train_loss", name=3)])},
            "'name' of 'train_loss' must be text, received 3",
        ),
        (
            {"energy": penalized("contract_parts:SmoothSparsity", floor="small")},
            "'floor' of 'contract_parts:SmoothSparsity' must be a finite number",
        ),
        (
            {"energy": penalized("quartic", strength="strong")},
            "'strength' of the penalty 'quartic' must be a finite number, received 'strong'",
        ),
        (
            {"energy": penalized("quartic", name=3)},
            "'name' of the penalty 'quartic' must be text, received 3",
        ),
        (
            {"ramps": [Ramp(control="step_size", knots=[(0, 0.1), (6, 0.2)])]},
            "'step_size' cannot change within a run",
        ),
        (
            {"ramps": [Ramp(control="temperature", knots=[(0, 1.0), (6, 0.0)])]},
            "whitened by the prior need a positive temperature",
        ),
    ],
)
def test_refuses_before_the_first_step(changes: dict[str, Any], message: str) -> None:
    study = replace(STUDY, **changes)
    with pytest.raises(InvalidStudyError, match=message):
        check_study(study, requested_runs(study))


NOISY = part("contract_parts:Dropout", width=4)


@pytest.mark.parametrize(
    ("changes", "decider"),
    [
        ({}, "the dynamics 'hmc'"),
        (
            {
                "dynamics": part("langevin", step_size=1e-3),
                "exchange": Exchange(control="temperature", rungs=[0.5, 0.6]),
            },
            "an exchange ladder",
        ),
    ],
)
def test_refuses_noise_of_the_network_where_energies_decide(
    changes: dict[str, Any], decider: str
) -> None:
    study = replace(STUDY, network=NOISY, recording=Recording(steps=6), **changes)
    with pytest.raises(InvalidStudyError, match=f"{decider} accepts by the energy"):
        check_study(study, requested_runs(study))
    followed = replace(study, dynamics=part("langevin", step_size=1e-3), exchange=None)
    check_study(followed, requested_runs(followed))


@pytest.mark.parametrize(
    ("study", "requests", "message"),
    [
        ("study.toml", [], "received 'study.toml'; read .*phasegrok.study.read_study"),
        (STUDY, None, "the runs to simulate must be a list, received None"),
        (STUDY, ["0f3a"], "every element of the runs .* kind RunRequest, received '0f3a'"),
        (STUDY, [], "at least one run, received none; phasegrok.study.requested_runs lists"),
    ],
)
def test_refuses_what_is_no_study_or_no_run(study: Any, requests: Any, message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        simulate(study, requests)


def test_checks_refuse_what_is_no_study() -> None:
    wrong: Any = "study.toml"
    for check in (requested_runs, lambda study: check_study(study, [])):
        with pytest.raises(InvalidStudyError, match="read a file with"):
            check(wrong)


def test_refuses_runs_of_unequal_shapes() -> None:
    study = replace(STUDY, plan=Plan(grid={"width": [4, 5]}))
    with pytest.raises(InvalidStudyError, match="group them by batch_key"):
        simulate(study, requested_runs(study))


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A task that declares five inputs."""

    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (5,)
    output_size: int = 1


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros((3, 6)), np.zeros(3), r"declares inputs .* \(3, 5\) .* drew \(3, 6\)"),
        (np.zeros((3, 5)), np.zeros((3, 1)), r"drew \(3, 5\) and \(3, 1\)"),
        (np.full((3, 5), np.nan), np.zeros(3), "not finite"),
    ],
)
def test_refuses_data_unlike_their_declaration(inputs: Any, targets: Any, message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        _check_examples(Declared(), Examples(inputs=inputs, targets=targets))  # type: ignore[arg-type]


def test_a_ladder_ends_whole_when_a_walker_meets_its_event() -> None:
    study = replace(
        STUDY,
        exchange=Exchange(control="temperature", rungs=[0.5, 0.6]),
        events=[Event(name="seen", observable=part("train_loss"), threshold=-1.0, stop=True)],
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert dataset.outcome.values.tolist() == ["truncated", "truncated"]
    assert dataset.record_count.values.tolist() == [1, 1]


def test_a_hotter_ramp_is_judged_by_its_own_scale() -> None:
    study = replace(
        STUDY,
        dynamics=part("langevin", step_size=1e-4),
        energy=Energy(temperature=1e-9, weight_decay=1.0),
        ramps=[Ramp(control="temperature", knots=[(0, 50.0), (6, 50.0)])],
        plan=Plan(starts=("zero",)),
        divergence_factor=1.5,
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert dataset.outcome.values.tolist() == ["finished"]
