"""Quantities from cells against sums over an exact law."""

import numpy as np
import pytest
from numpy.typing import NDArray

from phasegrok.exact import DiscreteLaw, curie_weiss_ising_law
from phasegrok.transitions.scaling.cells import QUANTITIES, cell_moments, quantities_of

SIZE = 40
CONTROLS = np.array([0.8, 1.0, 1.3])


def law(control: float) -> DiscreteLaw:
    return curie_weiss_ising_law(size=SIZE, inverse_temperature=control)


def read(centre: float) -> NDArray[np.float64]:
    """Every outcome a cell of its own."""
    m = law(1.0).values["order_parameter"]
    p = np.stack([law(control).probability for control in CONTROLS])
    moments = (m - centre) ** np.arange(1, 5)[:, np.newaxis]
    score = -SIZE * law(1.0).values["energy"]
    return quantities_of(p, moments, centre=centre, score=score)


@pytest.mark.parametrize("centre", [0.0, 0.4, -3.0])
def test_quantities_are_those_of_the_law_wherever_powers_are_centred(centre: float) -> None:
    found = dict(zip(QUANTITIES, read(centre), strict=True))
    for index, control in enumerate(CONTROLS):
        exact = law(control)
        mean = exact.mean("order_parameter")
        step = 1e-5
        higher, lower = law(control + step), law(control - step)
        slope = (higher.mean("order_parameter") - lower.mean("order_parameter")) / (2.0 * step)
        deviation = exact.values["order_parameter"] - mean
        expected = {
            "mean": mean,
            "slope": slope,
            "second": exact.mean("order_parameter", power=2),
            "fourth": exact.mean("order_parameter", power=4),
            "variance": exact.variance("order_parameter"),
            "fourth_central": float(exact.probability @ deviation**4),
        }
        for name, value in expected.items():
            assert found[name][index] == pytest.approx(value, rel=1e-7), name


def test_a_cell_is_worth_the_average_of_its_samples() -> None:
    sums = np.array([[6.0, 0.0], [20.0, 0.0]])
    np.testing.assert_array_equal(
        cell_moments(sums, np.array([2.0, 0.0])), [[3.0, 0.0], [10.0, 0.0]]
    )
