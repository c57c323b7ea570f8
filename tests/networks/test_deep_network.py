"""Deep networks as described: layers, priors, rows, and what makes none."""

import math
from typing import Any

import pytest
import torch

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import DeepNetwork, build_network, deep_linear, draw_from_prior
from phasegrok.networks.layout import ALIGNMENT
from phasegrok.study import part
from phasegrok.tasks import LinearTeacher

TASK = LinearTeacher(input_size=6, output_size=3, singular_values=(1.0,), example_count=9)


def test_layers_are_counted_from_the_inputs() -> None:
    same = build_network(part("deep", depth=4, width=5), TASK)
    other = build_network(part("deep", depth=3, widths=[7, 2]), TASK)
    assert {leaf.name: leaf.shape for leaf in same.leaves} == {
        "layer_1": (5, 6),
        "layer_2": (5, 5),
        "layer_3": (5, 5),
        "layer_4": (3, 5),
    }
    assert [leaf.shape for leaf in other.leaves] == [(7, 6), (2, 7), (3, 2)]
    flat = build_network(part("deep_linear", depth=1), TASK)
    assert [(leaf.name, leaf.shape) for leaf in flat.leaves] == [("layer_1", (3, 6))]


def test_linear_ones_are_deep_ones_without_activation() -> None:
    options: dict[str, Any] = {"depth": 3, "widths": [4, 2], "gain": 0.5}
    linear = build_network(part("deep_linear", **options), TASK)
    assert linear == build_network(part("deep", activation="linear", **options), TASK)
    source = torch.Generator().manual_seed(2)
    weights = draw_from_prior(
        linear.leaves, linear.prior_variances(), generator=source, dtype=torch.float64
    )
    inputs = torch.randn(9, 6, generator=source, dtype=torch.float64)
    product = weights["layer_3"] @ weights["layer_2"] @ weights["layer_1"]
    answers = linear.outputs({name: each[None] for name, each in weights.items()}, inputs)
    torch.testing.assert_close(answers[0], inputs @ product.T)
    with pytest.raises(InvalidStudyError, match="has no option 'activation'"):
        build_network(part("deep_linear", activation="tanh", **options), TASK)


def test_prior_variance_is_the_squared_gain_over_the_inputs_of_a_layer() -> None:
    network = deep_linear(depth=3, widths=(40, 50), gain=1.5, input_size=20, output_size=30)
    assert network.prior_variances() == {
        "layer_1": pytest.approx(2.25 / 20),
        "layer_2": pytest.approx(2.25 / 40),
        "layer_3": pytest.approx(2.25 / 50),
    }
    weights = draw_from_prior(
        network.leaves,
        network.prior_variances(),
        generator=torch.Generator().manual_seed(4),
        dtype=torch.float64,
    )
    for name, exact in network.prior_variances().items():
        squares = weights[name].square().mean()
        error = exact * math.sqrt(2.0 / weights[name].numel())
        assert abs(float(squares) - exact) < 4.0 * error


def test_gains_share_a_batch_and_sizes_do_not() -> None:
    def key(**options: Any) -> Any:
        given = {"depth": 3, "width": 4, "input_size": 2} | options
        return DeepNetwork(**given).batch_key()

    assert key(gain=0.1) == key(gain=2.0)
    assert key(width=0, widths=(4, 4)) == key()
    for change in ({"width": 5}, {"depth": 4}, {"activation": "erf"}, {"output_size": 2}):
        assert key(**change) != key()


def test_small_layers_share_a_row() -> None:
    layout = deep_linear(depth=3, width=1, input_size=1).layout()
    assert (layout.row_size, layout.parameter_count) == (ALIGNMENT, 3)
    assert [each.start for each in layout.slices.values()] == [0, 1, 2]
    rows = torch.ones(2, layout.row_size)
    layout.clear_padding(rows)
    assert rows.sum(1).tolist() == [3.0, 3.0]
    assert deep_linear(depth=2, width=9, input_size=4).layout().row_size == 2 * ALIGNMENT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 3}, "needs the option 'depth'"),
        ({"depth": 0}, "the depth of deep must be at least 1, received 0"),
        ({"depth": 2.5, "width": 3}, "depth of deep must be a whole number, received 2.5"),
        ({"depth": 3}, "has 2 hidden layers and needs their width, received none; give width"),
        ({"depth": 3, "width": -1}, "width of deep must be at least 0"),
        ({"depth": 3, "widths": [4]}, r"a list of 2 widths, received .* the widths \[4\]"),
        ({"depth": 3, "width": 2, "widths": [4, 4]}, "received the width 2 and the widths"),
        ({"depth": 1, "widths": [4]}, "either one width for all of its 0 hidden layers"),
        ({"depth": 2, "widths": [0]}, "every width of deep must be at least 1"),
        ({"depth": 2, "widths": 3}, "widths of deep must be a list, received 3"),
        ({"depth": 2, "width": 3, "gain": 0.0}, "gain of deep must be a finite number above"),
        ({"depth": 2, "width": 3, "activation": "tan"}, "Did you mean 'tanh'"),
        ({"depth": 2, "widht": 3}, "Did you mean 'width'"),
    ],
)
def test_refuses_what_makes_no_network(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        build_network(part("deep", **options), TASK)
