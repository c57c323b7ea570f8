"""Mode strengths and target overlaps against the linear map that a network is."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import (
    DeepNetwork,
    ExampleBatch,
    Network,
    TwoLayerNetwork,
    deep_linear,
    evaluation_of,
    find_loss,
)
from phasegrok.observables import Measurement, ModeStrength, TargetOverlap, build_observables
from phasegrok.schema import Symmetry
from phasegrok.study import part
from phasegrok.tasks import CubicTeacher, LinearTeacher, Mnist

Array = npt.NDArray[np.float64]
RUNS = 5


def task_of(inputs: int, outputs: int, **changes: Any) -> LinearTeacher:
    options: dict[str, Any] = {
        "input_size": inputs,
        "output_size": outputs,
        "singular_values": (1.5, 0.7)[: min(inputs, outputs)],
        "example_count": 30,
    }
    return LinearTeacher(**(options | changes))


def measured(
    network: Network, task: LinearTeacher, *, shared: bool = True, scale: float = 1.0
) -> Measurement:
    """Live networks with random weights, on data they share or on data of each."""
    sets = [task.draw(study_seed=1, disorder=run) for run in range(1 if shared else RUNS)]
    source = torch.Generator().manual_seed(8)
    rows = scale * torch.randn(
        RUNS, network.layout().row_size, generator=source, dtype=torch.float64
    )
    network.layout().clear_padding(rows)
    train = ExampleBatch(
        inputs=torch.as_tensor(np.stack([each.train.inputs for each in sets])),
        targets=torch.as_tensor(np.stack([each.train.targets for each in sets])),
        total=task.example_count,
    )
    loss = find_loss(task.loss, output_size=task.output_size)
    truth = {
        name: torch.as_tensor(np.stack([each.truth[name] for each in sets]))
        for name in sets[0].truth
    }
    return Measurement(
        network=network,
        rows=rows,
        evaluation=evaluation_of(network, loss, dtype=torch.float64),
        train=train,
        test=None,
        tasks=[task] * RUNS,
        truth=truth,
    )


def maps(live: Measurement, run: int) -> Array:
    """W = W_L ... W_1 of one run."""
    layers = [live.parameters[leaf.name][run].numpy() for leaf in live.network.leaves]
    product: Array = layers[0]
    for weights in layers[1:]:
        product = weights @ product
    return product


NETWORKS = [
    (1, 1, deep_linear(depth=3, width=1, input_size=1)),
    (1, 1, deep_linear(depth=3, width=4, input_size=1)),
    (3, 1, deep_linear(depth=1, input_size=3)),
    (4, 3, deep_linear(depth=4, widths=(5, 1, 17), input_size=4, output_size=3)),
    (4, 3, TwoLayerNetwork(width=5, input_size=4, output_size=3, activation="linear")),
]


@pytest.mark.parametrize(("inputs", "outputs", "network"), NETWORKS)
@pytest.mark.parametrize("shared", [True, False])
def test_strengths_are_those_of_the_map_along_the_teachers_directions(
    inputs: int, outputs: int, network: Network, shared: bool
) -> None:
    task = task_of(inputs, outputs)
    live = measured(network, task, shared=shared)
    found = ModeStrength().measure(live).numpy()
    assert found.shape == (RUNS, len(task.singular_values))
    for run in range(RUNS):
        truth = {name: each[0 if shared else run].numpy() for name, each in live.truth.items()}
        exact = np.diag(truth["left"].T @ maps(live, run) @ truth["right"])
        np.testing.assert_allclose(found[run], exact, rtol=1e-12, atol=1e-13)
    for mode in range(len(task.singular_values)):
        alone = ModeStrength(mode=mode).measure(live).numpy()
        np.testing.assert_allclose(alone, found[:, mode], rtol=1e-12, atol=1e-13)
    ModeStrength().check(network, task)


@pytest.mark.parametrize("network", [each[2] for each in NETWORKS[1:3]], ids=["deep", "flat"])
def test_overlap_is_the_strength_of_the_only_mode_over_that_of_the_teacher(
    network: DeepNetwork,
) -> None:
    task = task_of(network.input_size, 1, strength=-0.4)
    live = measured(network, task, shared=False)
    strengths = ModeStrength(mode=0).measure(live)
    overlap = TargetOverlap().measure(live)
    torch.testing.assert_close(overlap, strengths / (-0.4 * 1.5), rtol=1e-12, atol=1e-13)


def test_overlap_of_several_outputs_and_any_network() -> None:
    network = DeepNetwork(depth=2, width=6, input_size=4, output_size=3)
    for shared in (True, False):
        live = measured(network, task_of(4, 3, label_noise=0.3), shared=shared)
        answers = network.outputs(live.parameters, live.train.inputs)
        products = (answers * live.train.targets).sum((1, 2))
        exact = products / live.train.targets.square().sum((1, 2))
        torch.testing.assert_close(TargetOverlap().measure(live), exact)
    silent = measured(network, task_of(4, 3, strength=0.0))
    assert TargetOverlap().measure(silent).tolist() == [0.0] * RUNS


def test_doubling_the_last_layer_doubles_both() -> None:
    network = deep_linear(depth=3, width=6, input_size=4, output_size=3)
    once, twice = (measured(network, task_of(4, 3)) for _ in range(2))
    twice.parameters["layer_3"].mul_(2.0)
    for kind in (ModeStrength(), TargetOverlap()):
        torch.testing.assert_close(2.0 * kind.measure(once), kind.measure(twice))
        assert kind.symmetry is Symmetry.NONE


def test_each_says_what_it_is() -> None:
    every, one = build_observables(
        [part("mode_strength"), part("mode_strength", mode=1, name="second")]
    )
    assert (every.name, every.dims, one.name, one.dims) == (
        "mode_strength",
        ("mode",),
        "second",
        (),
    )
    assert "each mode" in every.long_name
    assert "mode 1" in one.long_name
    assert every.units == "1"


def test_refuses_what_it_cannot_measure() -> None:
    task, linear = task_of(4, 3), deep_linear(depth=2, width=3, input_size=4, output_size=3)
    cubic = CubicTeacher(input_size=4, example_count=5, cubic=0.1)
    curved = DeepNetwork(depth=2, width=3, input_size=4, output_size=3)
    for network, other in ((curved, task), (linear, cubic)):
        with pytest.raises(InvalidStudyError, match="needs the network deep_linear, or"):
            ModeStrength().check(network, other)
    with pytest.raises(InvalidStudyError, match=r"one of the 2 modes .* received 2"):
        ModeStrength(mode=2).check(linear, task)
    for mode, message in ((-1, "must be at least 0"), (0.5, "must be a whole number")):
        with pytest.raises(InvalidStudyError, match=message):
            build_observables([part("mode_strength", mode=mode)])
    with pytest.raises(InvalidStudyError, match="targets that are numbers"):
        TargetOverlap().check(linear, Mnist(example_count=5))
    TargetOverlap().check(curved, cubic)
