"""Runs that leave: divergence, its warning, and siblings that never notice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from phasegrok.dynamics import (
    batch_key,
    check_study,
    estimate,
    failed_dataset,
    simulate,
)
from phasegrok.dynamics.batch import build_batch
from phasegrok.dynamics.building import build_run
from phasegrok.dynamics.stability import largest_curvature
from phasegrok.errors import InvalidStudyError
from phasegrok.runs import validate
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Part,
    Plan,
    Ramp,
    Recording,
    Study,
    part,
    requested_runs,
)

TASK = part("contract_parts:SparseTeacher", example_count=12, input_size=5)


def study_of(dynamics: Part, **changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "divergence",
        "seed": 2,
        "task": TASK,
        "network": part("contract_parts:Linear"),
        "dynamics": dynamics,
        "energy": Energy(temperature=0.1, weight_decay=1.0),
        "recording": Recording(steps=40, every=1, observables=[part("train_loss")]),
        "plan": Plan(replicas=3),
        "dtype": "float64",
    }
    return Study(**(described | changes))


def exact_curvature(study: Study) -> float:
    run = build_run(study, requested_runs(study)[0])
    inputs = run.task.draw(study_seed=study.seed, disorder=0).train.inputs
    return float(np.linalg.eigvalsh(inputs.T @ inputs)[-1]) + 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("coordinates", ["plain", "whitened"])
def test_power_iteration_finds_the_largest_curvature(coordinates: str, dtype: str) -> None:
    study = study_of(part("langevin", step_size=0.1, coordinates=coordinates), dtype=dtype)
    runs = [build_run(study, each) for each in requested_runs(study)]
    batch = build_batch(study, runs, torch.device("cpu"))
    calls = batch.system.gradient_calls
    found = largest_curvature(batch.system, batch.state.position, iterations=60)
    # Whitened by the prior, s² = T/λ and V = U/T: the Hessian is divided by λ = 1.
    np.testing.assert_allclose(found, exact_curvature(study), rtol=1e-3)
    assert batch.system.gradient_calls == calls


@pytest.mark.parametrize(
    ("kind", "options", "factor", "power"),
    [
        ("langevin", {}, 2.0, 1.0),
        ("gradient_descent", {}, 2.0, 1.0),
        ("gradient_descent", {"momentum": 0.8}, 3.6, 1.0),
        ("underdamped", {"friction": 0.1}, 2.0, 0.5),
    ],
)
def test_stability_limit_is_where_runs_diverge_and_where_it_is_warned_of(
    kind: str, options: dict[str, float], factor: float, power: float
) -> None:
    limit = factor / exact_curvature(study_of(part("langevin", step_size=1.0))) ** power
    study = study_of(
        part(kind, step_size=1.0, **options),
        recording=Recording(steps=1200, every=100),
        plan=Plan(grid={"step_size": [0.93 * limit, 1.08 * limit]}, replicas=2),
        network=part("contract_parts:Linear"),
    )
    simulation = simulate(study, requested_runs(study))
    assert simulation.dataset.outcome.values.tolist() == ["finished"] * 2 + ["diverged"] * 2
    assert len(simulation.warnings) == 1
    assert "2 of 4 runs begin with a step_size beyond" in simulation.warnings[0]
    quiet = replace(study, plan=Plan(grid={"step_size": [0.8 * limit]}))
    assert simulate(quiet, requested_runs(quiet)).warnings == ()


def test_a_diverged_run_says_so_and_its_later_records_are_fill() -> None:
    study = study_of(
        part("gradient_descent", step_size=0.01),
        plan=Plan(grid={"step_size": [0.01, 0.5]}, replicas=2),
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert validate(dataset) == []
    assert dataset.outcome.values.tolist() == ["finished"] * 2 + ["diverged"] * 2
    assert dataset.outcome_reason.values[:2].tolist() == ["", ""]
    for run in (2, 3):
        assert "a smaller step_size may hold" in str(dataset.outcome_reason.values[run])
        count = int(dataset.record_count[run])
        assert 0 < count < 41
        assert bool(np.isfinite(dataset.loss[run, :count]).all())
        assert bool(np.isnan(dataset.loss[run, count:]).all())
        assert int(dataset.gradient_count[run]) == count


@pytest.mark.parametrize("rungs", [(), (0.5, 0.7)], ids=["alone", "ladders"])
def test_a_run_that_diverges_between_records_is_not_truncated_by_its_event(
    rungs: tuple[float, ...],
) -> None:
    stop = Event(name="far", observable=part("train_loss"), threshold=1e6, stop=True)
    study = study_of(
        part("langevin", step_size=0.01),
        recording=Recording(steps=40, every=20, observables=[part("train_loss")]),
        plan=Plan(grid={"step_size": [0.01, 3.0]}, replicas=2),
        exchange=Exchange(control="temperature", rungs=rungs) if rungs else None,
        events=[stop],
    )
    dataset = simulate(study, requested_runs(study)).dataset
    half = 2 * max(len(rungs), 1)
    assert dataset.outcome.values.tolist() == ["finished"] * half + ["diverged"] * half
    assert dataset.record_count.values.tolist() == [3] * half + [1] * half
    assert all("at step 20" not in str(why) for why in dataset.outcome_reason.values)
    assert validate(dataset) == []


def test_events_end_sound_runs_beside_one_that_diverges() -> None:
    loss = part("train_loss")
    events = [
        Event(name="far", observable=loss, threshold=1e6, stop=True),
        Event(name="fall", observable=loss, threshold=1e-2, direction="below", stop=True),
    ]
    study = study_of(
        part("gradient_descent", step_size=0.01),
        energy=Energy(),
        recording=Recording(steps=400, every=400),
        plan=Plan(grid={"step_size": [0.03, 0.5]}),
        events=events,
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert dataset.outcome.values.tolist() == ["truncated", "diverged"]
    assert dataset.outcome_reason.values[0] == "event fall"
    assert float(dataset.event_fall_upper[0]) < 400


TEMPERATURES = Plan(grid={"temperature": [0.1, 0.2]})
RAMP = Ramp(control="temperature", knots=[(0, 0.1), (9, 0.2)])
LADDER = Exchange(control="temperature", rungs=[0.1, 0.2])


@pytest.mark.parametrize("kind", ["gradient_descent", "adamw"])
@pytest.mark.parametrize(
    "changes",
    [{"plan": TEMPERATURES}, {"ramps": [RAMP]}, {"exchange": LADDER}],
    ids=["plan", "ramp", "ladder"],
)
def test_a_temperature_that_varies_without_effect_is_refused(
    kind: str, changes: dict[str, Any]
) -> None:
    study = study_of(part(kind, step_size=0.01), **({"plan": Plan()} | changes))
    with pytest.raises(InvalidStudyError, match=r"has no noise, .* received 1\.0; use dyn"):
        check_study(study, requested_runs(study))
    prior = replace(study, energy=replace(study.energy, weight_decay="prior"))
    check_study(prior, requested_runs(prior))
    (warning,) = simulate(prior, requested_runs(prior)).warnings
    assert f"{kind!r} has no noise: the temperature acts only through" in warning


@pytest.mark.parametrize(
    ("kind", "plan"),
    [
        ("langevin", TEMPERATURES),
        ("gradient_descent", Plan()),
        ("adamw", Plan(grid={"temperature": [0.0]})),
    ],
)
def test_a_temperature_with_effect_or_none_to_have_is_taken(kind: str, plan: Plan) -> None:
    study = study_of(part(kind, step_size=0.01), plan=plan)
    check_study(study, requested_runs(study))
    assert simulate(study, requested_runs(study)).warnings == ()


def test_energy_factor_is_that_of_the_study() -> None:
    study = study_of(
        part("gradient_descent", step_size=0.3),
        energy=Energy(temperature=0.0, weight_decay=1.0),
        plan=Plan(replicas=1),
    )
    for factor in (1e2, 1e6):
        dataset = simulate(
            replace(study, divergence_factor=factor), requested_runs(study)
        ).dataset
        count = int(dataset.record_count[0])
        energy = (dataset.loss + dataset.half_square_norm_weights).values[0]
        growth = energy[count - 1] / energy[count - 2]
        assert energy[:count].max() <= factor * energy[0]
        assert energy[count - 1] * growth > factor * energy[0]


@pytest.mark.parametrize("start", [0, 10])
def test_variables_are_there_even_if_every_run_diverges_first(start: int) -> None:
    study = study_of(
        part("langevin", step_size=1e6),
        recording=Recording(
            steps=40, start=start, every=10, observables=[part("contract_parts:Weights")]
        ),
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert set(dataset.outcome.values) == {"diverged"}
    assert dataset.weights.shape == (3, len(dataset.record), 5)
    assert bool((dataset.record_count == (1 if start == 0 else 0)).all())
    assert validate(dataset) == []


def test_observables_never_see_numbers_of_a_diverged_sibling() -> None:
    study = study_of(
        part("langevin", step_size=0.001),
        recording=Recording(
            steps=300, every=100, observables=[part("contract_parts:RefusesNan")]
        ),
        plan=Plan(grid={"step_size": [0.001, 1e8]}),
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert dataset.outcome.values.tolist() == ["finished", "diverged"]
    assert int(dataset.record_count[0]) == 4


def test_a_ladder_ends_with_its_walker_and_other_ladders_go_on() -> None:
    study = study_of(
        part("langevin", step_size=0.01),
        energy=Energy(temperature=0.5, weight_decay=1.0),
        exchange=Exchange(control="temperature", rungs=[0.5, 0.7]),
        plan=Plan(grid={"step_size": [0.01, 1e3]}, replicas=2),
    )
    requests = requested_runs(study)
    whole = simulate(study, requests).dataset
    assert whole.outcome.values.tolist() == ["finished"] * 4 + ["diverged"] * 4
    alone = simulate(study, requests[:2]).dataset
    np.testing.assert_array_equal(alone.loss, whole.loss[:2])


def test_a_failed_dataset_has_the_variables_of_one_that_was_made() -> None:
    study = study_of(
        part("hmc", step_size=0.01, leapfrog_steps=2),
        energy=Energy(temperature=0.5, weight_decay=1.0, penalties=[part("quartic")]),
        exchange=Exchange(control="temperature", rungs=[0.5, 0.7]),
        events=[Event(name="fall", observable=part("train_loss"), threshold=0.1)],
    )
    requests = requested_runs(study)
    made = simulate(study, requests).dataset
    failed = failed_dataset(study, requests, "a worker died")
    assert validate(failed) == []
    assert set(failed.variables) == set(made.variables)
    for name, values in made.variables.items():
        assert failed[name].dtype == values.dtype, name
        assert failed[name].dims == values.dims, name
    assert set(failed.outcome.values) == {"failed"}
    assert set(failed.outcome_reason.values) == {"a worker died"}


@pytest.mark.parametrize(
    "dynamics",
    [
        part("hmc", step_size=0.01, leapfrog_steps=3),
        part("underdamped", step_size=0.01),
        part("langevin", step_size=0.01),
        part("adamw", step_size=0.01),
    ],
    ids=lambda dynamics: str(dynamics.kind),
)
def test_estimated_gradients_are_those_computed(dynamics: Part) -> None:
    study = study_of(dynamics)
    requests = requested_runs(study)
    made = simulate(study, requests).dataset
    cost = estimate(study, requests[0])
    assert made.gradient_count.values.tolist() == [cost.gradients] * 3
    assert cost.parameter_count == 5


def event(**options: Any) -> Event:
    observable = options.pop("observable", part("train_loss"))
    return Event(observable=observable, threshold=0.1, **options)


def measured(**options: Any) -> Recording:
    return Recording(steps=3, observables=[part("train_loss", **options)])


def penalized(*penalties: Part) -> Energy:
    return Energy(temperature=0.1, weight_decay=1.0, penalties=penalties)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dynamics": part("langevin", step_size=-1.0)},
            "'step_size' of 'langevin' must be a finite number above zero",
        ),
        ({"dynamics": part("langevins", step_size=1.0)}, "Did you mean 'langevin'"),
        (
            {"dynamics": part("langevin", step_size=1.0, coordinates="white")},
            "must be 'plain' or 'whitened'",
        ),
        (
            {"dynamics": part("hmc", target_acceptance=1.0)},
            "'target_acceptance' of 'hmc' must be at least 0 and",
        ),
        (
            {"dynamics": part("adamw", step_size=1.0, first_beta=1.0)},
            "'first_beta' of 'adamw' must be at least 0 and below 1",
        ),
        ({"dynamics": part("contract_parts:LargestWeight")}, "phasegrok.dynamics.Integrator"),
        (
            {"energy": Energy(temperature=0.1), "dynamics": part("hmc")},
            "positive weight_decay in every layer",
        ),
        ({"energy": Energy(weight_decay={"weight": 1.0})}, "Did you mean 'weights'"),
        ({"energy": Energy(weight_decay={})}, "'weights' is missing"),
        (
            {"ramps": [Ramp(control="temperatur", knots=[(0, 1.0), (1, 2.0)])]},
            "Did you mean 'temperature'",
        ),
        (
            {
                "exchange": Exchange(control="weight_decay", rungs=[0.1, 0.2]),
                "energy": Energy(weight_decay=0.1),
            },
            "positive temperature on every rung",
        ),
        (
            {"events": [event(name="a", observable=part("contract_parts:Weights"))]},
            "needs an observable with one number a run",
        ),
        ({"events": [event(name="a"), event(name="a")]}, "every event needs a name"),
        (
            {
                "recording": Recording(
                    steps=3, observables=[part("contract_parts:LargestWeight", name="loss")]
                )
            },
            "cannot be named 'loss'",
        ),
        *(
            ({"recording": measured(name=name)}, f"cannot be named {name!r}")
            for name in ("a/b", "two words", "", "run", "record", ".", "states")
        ),
        *(
            ({"recording": measured(name=name)}, f"cannot be named {name!r}, which is recorded")
            for name in ("noise_variance", "event_a_lower", "temperature_now", "first_rung")
        ),
        (
            {"recording": measured(name="log_step"), "dynamics": part("hmc", step_size=0.01)},
            "cannot be named 'log_step', which is recorded",
        ),
        (
            {"energy": penalized(part("quartic", name="a/b"))},
            "a penalty cannot be named 'a/b': the name must be one word of text",
        ),
        (
            {"energy": penalized(part("quartic"), part("quartic"))},
            "every penalty needs a name of its own",
        ),
        (
            {"recording": Recording(steps=3, observables=[part("train_loss")] * 2)},
            "needs a name of its own",
        ),
        ({"plan": Plan(starts=("priors",))}, "Did you mean 'prior'"),
        (
            {"energy": Energy(penalties=[part("contract_parts:LargestWeight")])},
            "must be a phasegrok.dynamics.Penalty",
        ),
    ],
)
def test_refuses_at_once_what_cannot_be_made(changes: dict[str, Any], message: str) -> None:
    study = study_of(**({"dynamics": part("langevin", step_size=0.01)} | changes))
    with pytest.raises(InvalidStudyError, match=message):
        check_study(study, requested_runs(study))


def test_two_events_may_watch_one_observable() -> None:
    study = study_of(
        part("langevin", step_size=0.01), events=[event(name="a"), event(name="b", every=5)]
    )
    check_study(study, requested_runs(study))
    made = simulate(study, requested_runs(study)).dataset
    assert {"event_a_lower", "event_b_upper"} <= set(made.data_vars)


def test_a_start_of_its_own_is_refused_where_a_network_has_none() -> None:
    study = study_of(part("langevin", step_size=0.01), plan=Plan(starts=("own",)))
    with pytest.raises(InvalidStudyError, match="no start of its own"):
        simulate(study, requested_runs(study))


def test_no_runs_and_minibatches_too_large_are_refused() -> None:
    study = study_of(part("langevin", step_size=0.01, minibatch_size=13))
    with pytest.raises(InvalidStudyError, match="at least one run"):
        simulate(study, [])
    with pytest.raises(InvalidStudyError, match="minibatch of 13 needs at least as many"):
        simulate(study, requested_runs(study))


def test_runs_whose_decay_follows_the_prior_do_not_share_a_batch_with_others() -> None:
    study = study_of(
        part("langevin", step_size=0.01), plan=Plan(grid={"weight_decay": ["prior", 0.1]})
    )
    keys = [batch_key(study, each) for each in requested_runs(study)]
    assert keys[0] != keys[1]


def test_adamw_takes_the_steps_of_torch() -> None:
    study = study_of(
        part("adamw", step_size=0.05, first_beta=0.8, second_beta=0.9),
        energy=Energy(weight_decay=0.3),
        recording=Recording(steps=30, every=10, states="all"),
    )
    requests = requested_runs(study)
    simulation = simulate(study, requests)
    assert simulation.states is not None
    found = simulation.states.parameters.values[..., :5]
    train = build_run(study, requests[0]).task.draw(study_seed=2, disorder=0).train
    inputs, targets = map(torch.as_tensor, (train.inputs, train.targets))
    for run in range(3):
        weights = torch.nn.Parameter(torch.as_tensor(found[run, 0]).clone())
        optimiser = torch.optim.AdamW(
            [weights], lr=0.05, betas=(0.8, 0.9), eps=1e-8, weight_decay=0.3
        )
        for _ in range(30):
            optimiser.zero_grad()
            loss = 0.5 * (inputs @ weights - targets).square().sum()
            (weights.grad,) = torch.autograd.grad(loss, [weights])
            optimiser.step()
        np.testing.assert_allclose(found[run, -1], weights.detach(), rtol=1e-10)
