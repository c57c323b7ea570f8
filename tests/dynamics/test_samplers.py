"""Stationary laws: exact variances, posteriors, densities, biases, ranks."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import xarray as xr
from scipy import integrate, stats

from phasegrok.dynamics import simulate
from phasegrok.dynamics.batch import Batch, build_batch
from phasegrok.dynamics.building import build_run
from phasegrok.study import Energy, Exchange, Part, Plan, Recording, Study, part, requested_runs

Array = npt.NDArray[np.float64]
WEIGHTS = part("contract_parts:Weights")
CPU = torch.device("cpu")


def study_of(dynamics: Part, **changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "sampler",
        "seed": 11,
        "task": part("contract_parts:Nothing", input_size=2000),
        "network": part("contract_parts:Linear"),
        "dynamics": dynamics,
        "energy": Energy(temperature=0.5, weight_decay=2.0),
        "recording": Recording(steps=40, start=40, observables=[WEIGHTS]),
        "dtype": "float64",
    }
    return Study(**(described | changes))


def made(study: Study) -> xr.Dataset:
    dataset = simulate(study, requested_runs(study)).dataset
    assert set(dataset.outcome.values) == {"finished"}
    return dataset


def check_means(of_runs: Array, exact: float) -> None:
    """Means of independent runs, each over its own correlated records."""
    error = of_runs.std(ddof=1) / math.sqrt(of_runs.size)
    assert abs(of_runs.mean() - exact) < 4.0 * error, (of_runs.mean(), exact, error)


def check_variance(samples: Array, exact: float) -> None:
    """Mean zero and this variance, within four standard errors of independent samples."""
    flat = samples.ravel()
    count = flat.size
    assert abs(flat.mean()) < 4.0 * math.sqrt(exact / count)
    squares = flat**2
    assert abs(squares.mean() - exact) < 4.0 * squares.std(ddof=1) / math.sqrt(count)


@pytest.mark.parametrize("decay", [2.0, 8.0])
@pytest.mark.parametrize("step_size", [0.02, 0.2])
def test_euler_has_its_own_variance(decay: float, step_size: float) -> None:
    temperature = 0.5
    steps = int(10 / (decay * step_size))
    study = study_of(
        part("langevin", step_size=step_size),
        energy=Energy(temperature=temperature, weight_decay=decay),
        recording=Recording(steps=steps, start=steps, observables=[WEIGHTS]),
        plan=Plan(replicas=4),
    )
    final = made(study).weights.isel(record=-1).values.astype(float)
    check_variance(final, temperature / (decay * (1.0 - 0.5 * decay * step_size)))


def advanced(study: Study, steps: int) -> Batch:
    runs = [build_run(study, each) for each in requested_runs(study)]
    batch = build_batch(study, runs, CPU)
    batch.integrator.begin(batch.state, batch.system, batch.drive.settings)
    for _ in range(steps):
        batch.advance()
    return batch


@pytest.mark.parametrize("step_size", [0.2, 0.7])
@pytest.mark.parametrize("friction", [0.5, 3.0])
def test_baoab_is_exact_in_positions_and_known_in_momenta(
    step_size: float, friction: float
) -> None:
    temperature, decay = 0.5, 4.0
    study = study_of(
        part("underdamped", step_size=step_size, friction=friction),
        energy=Energy(temperature=temperature, weight_decay=decay),
        plan=Plan(replicas=4),
    )
    batch = advanced(study, int(30 / (step_size * min(friction, decay / friction))))
    positions = batch.system.layout.split(batch.state.position)["weights"].numpy()
    momenta = batch.system.layout.split(batch.state.buffers["momentum"])["weights"].numpy()
    check_variance(positions, temperature / decay)
    check_variance(momenta, temperature * (1.0 - 0.25 * decay * step_size**2))
    products = positions * momenta
    assert abs(products.mean()) < 4.0 * products.std() / math.sqrt(products.size)


@pytest.mark.parametrize("coordinates", ["plain", "whitened"])
@pytest.mark.parametrize("step_size", [0.3, 0.9])
def test_hmc_is_exact_at_any_step(coordinates: str, step_size: float) -> None:
    # In plain coordinates time has the scale 1/√λ; the chain starts far from equilibrium.
    scale = 1.0 if coordinates == "whitened" else 1.0 / math.sqrt(2.0)
    study = study_of(
        part(
            "hmc",
            step_size=step_size * scale,
            leapfrog_steps=3,
            jitter=0.3,
            coordinates=coordinates,
        ),
        task=part("contract_parts:Nothing", input_size=10),
        recording=Recording(steps=150, start=30, every=1, observables=[WEIGHTS]),
        plan=Plan(replicas=48, starts=("contract_parts:ones_start",)),
    )
    dataset = made(study)
    check_means((dataset.weights.values.astype(float) ** 2).mean((1, 2)), 0.25)
    check_means(dataset.weights.values.astype(float).mean((1, 2)), 0.0)
    if step_size > 0.5:
        assert float(dataset.acceptance.mean()) < 0.9


@pytest.mark.parametrize(
    ("dynamics", "factor"),
    [
        (part("langevin", step_size=0.05), 1.0 / (1.0 - 0.5 * 0.05 * np.array([1.0, 5.0]))),
        (part("langevin", step_size=0.1, coordinates="whitened"), 1.0 / (1.0 - 0.05)),
        (part("underdamped", step_size=0.3), 1.0),
        (part("underdamped", step_size=0.3, coordinates="whitened"), 1.0),
        (part("hmc", step_size=0.1, leapfrog_steps=6), 1.0),
    ],
    ids=lambda value: value.kind if isinstance(value, Part) else "",
)
def test_equipartition_in_every_layer(dynamics: Part, factor: Any) -> None:
    decays = {"weights": 1.0, "others": 5.0}
    study = study_of(
        dynamics,
        network=part("contract_parts:Linear", second_size=800),
        energy=Energy(temperature=0.5, weight_decay=decays),
        recording=Recording(steps=200, start=200),
        plan=Plan(replicas=16),
    )
    dataset = made(study)
    sizes = np.array([1200, 800])
    exact = sizes * 0.5 * factor
    errors = exact * np.sqrt(2.0 / sizes / 16)  # Sums of squares of independent Gaussians.
    for (layer, decay), expected, error in zip(decays.items(), exact, errors, strict=True):
        found = 2.0 * decay * dataset[f"half_square_norm_{layer}"].values[:, 0]
        assert abs(found.mean() - expected) < 4.0 * error


def posterior(study: Study, variance: float) -> tuple[Array, Array]:
    """Mean and covariance of w of y = w·x + noise under the prior of that variance."""
    run = build_run(study, requested_runs(study)[0])
    train = run.task.draw(study_seed=study.seed, disorder=0).train
    noise = run.resolved.energy.temperature
    precision = train.inputs.T @ train.inputs / noise + np.eye(3) / variance
    covariance = np.linalg.inv(precision)
    return covariance @ train.inputs.T @ train.targets / noise, covariance


@pytest.mark.parametrize(
    "dynamics",
    [
        part("hmc", step_size=0.1, leapfrog_steps=4, burn_in=60),
        part("hmc", step_size=0.05, leapfrog_steps=4, coordinates="plain", burn_in=60),
        part("underdamped", step_size=0.2),
        part("underdamped", step_size=0.2, coordinates="whitened"),
    ],
    ids=lambda dynamics: f"{dynamics.kind}-{dynamics.options.get('coordinates', '')}",
)
def test_bayesian_linear_regression(dynamics: Part) -> None:
    study = study_of(
        dynamics,
        task=part(
            "contract_parts:SparseTeacher",
            example_count=6,
            input_size=3,
            label_noise=0.5,
        ),
        network=part("contract_parts:Linear", prior_variance=0.7),
        energy=Energy(temperature=0.8, weight_decay="prior"),
        recording=Recording(steps=300, start=60, every=2, observables=[WEIGHTS]),
        plan=Plan(replicas=48),
    )
    samples = made(study).weights.values.astype(float)
    mean, covariance = posterior(study, 0.7)
    # Whitened by the exact law, samples have mean zero and unit covariance.
    white = (samples - mean) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    spread = np.einsum("rsi,rsj->rij", white, white) / white.shape[1]
    for i in range(3):
        check_means(white[:, :, i].mean(1), 0.0)
        for j in range(i + 1):
            check_means(spread[:, i, j], float(i == j))


def test_minibatch_gradients_are_unbiased() -> None:
    steps, step_size = 400, 1e-7  # So small that all gradients are those of the start.
    study = study_of(
        part("gradient_descent", step_size=step_size, minibatch_size=4),
        task=part("contract_parts:SparseTeacher", example_count=9, input_size=3),
        energy=Energy(),
        recording=Recording(steps=steps, start=steps, observables=[WEIGHTS], states="last"),
        plan=Plan(replicas=16, starts=("zero",)),
    )
    simulation = simulate(study, requested_runs(study))
    assert simulation.states is not None
    moved = simulation.states.parameters.values[:, 0, :3] / (steps * step_size)
    run = build_run(study, requested_runs(study)[0])
    train = run.task.draw(study_seed=study.seed, disorder=0).train
    for found, exact in zip(moved.T, train.inputs.T @ train.targets, strict=True):
        check_means(found, exact)


def quartic_moment(temperature: float, strength: float) -> float:
    """⟨θ²⟩ in U = ½θ² + strength θ⁴/4, by quadrature."""

    def weight(power: int) -> float:
        value, _ = integrate.quad(
            lambda x: x**power * math.exp(-(0.5 * x**2 + 0.25 * strength * x**4) / temperature),
            -10.0,
            10.0,
        )
        return float(value)

    return weight(2) / weight(0)


def quartic_bias(
    dynamics: Part, steps: list[float], *, records: int, wells: int
) -> tuple[Array, Array]:
    """Bias of ⟨θ²⟩ at each step size, with its standard error over eight runs."""
    study = study_of(
        dynamics,
        task=part("contract_parts:Nothing", input_size=wells),
        energy=Energy(
            temperature=1.0, weight_decay=1.0, penalties=[part("quartic", strength=1.0)]
        ),
        recording=Recording(steps=5 * records, start=records, every=5),
        plan=Plan(grid={"step_size": steps}, replicas=8, starts=("zero",)),
    )
    squares = 2.0 * made(study).half_square_norm_weights.mean("record").values / wells
    bias = squares.reshape(len(steps), 8) - quartic_moment(1.0, 1.0)
    return bias.mean(1), bias.std(1, ddof=1) / math.sqrt(8)


def test_density_in_a_quartic_well() -> None:
    study = study_of(
        part("hmc", step_size=0.4, leapfrog_steps=4, coordinates="plain"),
        task=part("contract_parts:Nothing", input_size=8),
        energy=Energy(
            temperature=1.0, weight_decay=1.0, penalties=[part("quartic", strength=4.0)]
        ),
        recording=Recording(steps=20, start=20, observables=[WEIGHTS]),
        plan=Plan(replicas=96),
    )
    samples = made(study).weights.values.astype(float).ravel()
    grid = np.linspace(-4.0, 4.0, 4001)
    density = np.exp(-(0.5 * grid**2 + grid**4))
    law = integrate.cumulative_simpson(density, x=grid, initial=0.0)
    result = stats.kstest(samples, lambda x: np.interp(x, grid, law / law[-1]))
    assert result.pvalue > 1e-3


def order_of(bias: Array, errors: Array) -> tuple[float, float]:
    """Slope of log |bias| over log step size for a step that doubles, and its error."""
    relative = np.hypot.reduce(errors / bias)
    return float(np.log2(np.abs(bias[1] / bias[0]))), float(relative / math.log(2.0))


def test_bias_of_euler_is_of_first_order() -> None:
    dynamics = part("langevin", step_size=0.1)
    bias, errors = quartic_bias(dynamics, [0.06, 0.12], records=60, wells=1500)
    assert (bias > 5.0 * errors).all()
    order, error = order_of(bias, errors)
    # The next order adds up to a third at these steps.
    assert 1.0 - 4.0 * error < order < 1.35 + 4.0 * error


@pytest.mark.slow
def test_biases_of_all_integrators_in_the_step_size() -> None:
    dynamics = part("langevin", step_size=0.1)
    bias, errors = quartic_bias(dynamics, [0.03, 0.06], records=400, wells=3000)
    order, error = order_of(bias, errors)
    assert 1.0 - 4.0 * error < order < 1.2 + 4.0 * error
    dynamics = part("underdamped", step_size=0.1, friction=1.0)
    bias, errors = quartic_bias(dynamics, [0.18, 0.36], records=400, wells=3000)
    assert abs(bias[1]) > 6.0 * errors[1]
    order, error = order_of(bias, errors)
    assert order > 2.0 - 4.0 * error
    assert abs(bias[1]) < 0.01  # Euler would be off by a fifth.
    dynamics = part("hmc", step_size=0.1, leapfrog_steps=4, coordinates="plain")
    bias, errors = quartic_bias(dynamics, [0.1, 0.2], records=400, wells=50)
    assert (np.abs(bias) < 4.0 * errors).all()


def double_well_moments(temperature: float) -> tuple[float, float]:
    """⟨θ²⟩ and P(|θ| < ½) in U = (θ² - 1)²."""
    grid = np.linspace(0.0, 4.0, 8001)
    density = np.exp(-((grid**2 - 1.0) ** 2) / temperature)
    total = integrate.simpson(density, x=grid)
    second = integrate.simpson(density * grid**2, x=grid) / total
    inside = grid <= 0.5
    return float(second), float(integrate.simpson(density[inside], x=grid[inside]) / total)


@pytest.mark.parametrize(
    "dynamics",
    [
        part("hmc", step_size=0.3, leapfrog_steps=2, coordinates="plain"),
        part("underdamped", step_size=0.15, friction=1.0),
    ],
    ids=lambda dynamics: str(dynamics.kind),
)
def test_exchange_keeps_the_law_of_every_rung(dynamics: Part) -> None:
    rungs = [0.15, 0.3, 0.6]
    study = study_of(
        dynamics,
        task=part("contract_parts:TwoOnes"),
        network=part("contract_parts:Square"),
        energy=Energy(temperature=0.15),
        exchange=Exchange(control="temperature", rungs=rungs, every=2),
        recording=Recording(steps=240, start=30, every=3, observables=[WEIGHTS]),
        plan=Plan(replicas=32, starts=("zero",)),
    )
    dataset = made(study)
    values = dataset.weights.values[..., 0].astype(float).reshape(32, 3, -1)
    places = np.argsort(dataset.rung.values.reshape(32, 3, -1), axis=1)
    by_rung = np.take_along_axis(values, places, axis=1)
    for index, temperature in enumerate(rungs):
        exact = double_well_moments(temperature)
        samples = by_rung[:, index]
        for numbers, expected in zip(
            (samples**2, np.abs(samples) < 0.5, samples), (*exact, 0.0), strict=True
        ):
            check_means(numbers.mean(1), expected)  # One number for each ladder.
    crossings = (np.diff(np.sign(by_rung[:, 0]), axis=1) != 0).mean()
    assert crossings > 0.02  # The coldest rung changes wells by the hot ones.


def test_momenta_follow_the_temperature_of_their_rung() -> None:
    rungs = [0.3, 1.0]
    study = study_of(
        part("underdamped", step_size=0.5, friction=0.1),
        task=part("contract_parts:Nothing", input_size=2),
        energy=Energy(temperature=0.3, weight_decay=1.0),
        exchange=Exchange(control="temperature", rungs=rungs),
        recording=Recording(steps=400, start=100, every=4),
        plan=Plan(replicas=32),
    )
    dataset = made(study)
    norms = 2.0 * dataset.half_square_norm_weights.values.reshape(32, 2, -1)
    places = np.argsort(dataset.rung.values.reshape(32, 2, -1), axis=1)
    by_rung = np.take_along_axis(norms, places, axis=1)
    for index, temperature in enumerate(rungs):
        check_means(by_rung[:, index].mean(1), 2.0 * temperature)


def ranks_of(disorders: int, *, draws: int, dynamics: Part, thinning: int) -> Array:
    """Ranks of the true ½|θ_l|² and loss among posterior draws, (statistic, disorder)."""
    burn_in = 40 * thinning
    options = {"width": 2, "first_variance": 2.0, "readout_variance": 2.0}
    study = study_of(
        dynamics,
        seed=17,
        task=part(
            "contract_parts:StudentFromPrior",
            example_count=4,
            input_size=2,
            noise_variance=0.2,
            **options,
        ),
        network=part("two_layer", **options),
        energy=Energy(temperature=0.2, weight_decay="prior"),
        recording=Recording(
            steps=burn_in + (draws - 1) * thinning, start=burn_in, every=thinning
        ),
        plan=Plan(disorders=disorders),
    )
    dataset = made(study)
    names = ["half_square_norm_first", "half_square_norm_readout", "loss"]
    found = []
    for disorder, request in enumerate(requested_runs(study)):
        task = build_run(study, request).task
        data = task.draw(study_seed=study.seed, disorder=disorder)
        first, readout = data.truth["first"], data.truth["readout"]
        error = special_erf(data.train.inputs @ first.T) @ readout - data.train.targets
        true = [0.5 * (first**2).sum(), 0.5 * (readout**2).sum(), 0.5 * (error**2).sum()]
        found.append(
            [
                (dataset[name].values[disorder] < value).sum()
                for name, value in zip(names, true, strict=True)
            ]
        )
    return np.array(found, dtype=np.float64).T


def special_erf(values: Array) -> Array:
    return np.asarray(torch.erf(torch.as_tensor(values)).numpy(), dtype=np.float64)


def check_uniform(ranks: Array, draws: int, bins: int) -> None:
    edges = np.linspace(-0.5, draws + 0.5, bins + 1)
    for each in ranks:
        counts, _ = np.histogram(each, bins=edges)
        assert stats.chisquare(counts).pvalue > 1e-4, counts


HMC = part("hmc", step_size=0.3, leapfrog_steps=5, burn_in=60)


def test_ranks_of_the_truth_are_uniform() -> None:
    check_uniform(ranks_of(200, draws=9, dynamics=HMC, thinning=4), 9, 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "dynamics",
    [HMC, part("underdamped", step_size=0.1, coordinates="whitened")],
    ids=lambda dynamics: str(dynamics.kind),
)
def test_ranks_of_the_truth_are_uniform_in_many_disorders(dynamics: Part) -> None:
    thinning = 10 if dynamics.kind == "hmc" else 50
    check_uniform(ranks_of(1000, draws=19, dynamics=dynamics, thinning=thinning), 19, 10)


def test_acceptance_comes_near_its_target_and_the_step_stays_afterwards() -> None:
    study = study_of(
        part("hmc", step_size=0.1, leapfrog_steps=5, burn_in=150, target_acceptance=0.8),
        task=part("cubic_teacher", example_count=40, input_size=10, cubic=-0.3),
        network=part("two_layer", width=8),
        energy=Energy(temperature=0.1, weight_decay="prior"),
        recording=Recording(steps=300, every=1),
        plan=Plan(
            grid={"step_size": [0.001, 1.0], "target_acceptance": [0.7, 0.9]}, replicas=4
        ),
    )
    dataset = made(study)
    steps = dataset.log_step.values
    assert (steps[:, 150:] == steps[:, 150:151]).all()
    assert (np.diff(steps[:, :150], axis=1) != 0.0).all()
    np.testing.assert_allclose(steps[:, 0], np.log(dataset.step_size), rtol=1e-12)
    adapting = dataset.acceptance.isel(record=slice(50, 151)).mean("record")
    settled = dataset.acceptance.isel(record=slice(151, None)).mean("record")
    for target in (0.7, 0.9):
        chosen = dataset.target_acceptance.values == target
        assert abs(float(adapting[chosen].mean()) - target) < 0.04
        # The averaged step errs on the side of acceptance.
        assert target - 0.03 < float(settled[chosen].mean()) < target + 0.16
        assert np.ptp(steps[chosen, -1]) < 0.4  # The same wherever it began.


def test_acceptance_of_a_step_too_large_is_zero_and_nothing_moves() -> None:
    study = study_of(
        part("hmc", step_size=50.0, leapfrog_steps=20, jitter=0.0),
        recording=Recording(steps=5, observables=[WEIGHTS]),
        plan=Plan(replicas=3),
    )
    dataset = made(study)
    np.testing.assert_array_equal(dataset.acceptance[:, 1:], 0.0)
    assert bool((dataset.weights == dataset.weights.isel(record=0)).all())
