"""Points of equal height and of given weights on laws that are known exactly."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from phasegrok.transitions.density import Bins
from phasegrok.transitions.phases.phase_densities import Sides
from phasegrok.transitions.phases.two_phases import read_two_phases

WIDTHS = (0.10, 0.16)
SIZE = 40.0


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Gaussians at -½ and ½ of unequal widths, ln(W₂/W₁) = N g: nothing is sampled."""

    sign: float = 1.0
    distance: float = 1.0
    interval: tuple[float, float] = (-0.2, 0.2)

    bins = Bins(edges=np.linspace(-1.4, 1.4, 141))
    records = np.full(140, 100)
    short = False

    def _weights(self, control: float) -> tuple[float, float]:
        upper = 1.0 / (1.0 + np.exp(-self.sign * SIZE * control))
        return 1.0 - upper, upper

    def density(self, control: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = zip(self._weights(control), (-0.5, 0.5), WIDTHS, strict=True)
        rows = [w * norm.pdf(x, self.distance * m, s) for w, m, s in parts]
        return np.asarray(np.sum(rows, axis=0))

    def log_probabilities(self, control: float) -> NDArray[np.float64]:
        p = self.density(control, self.bins.centres)
        return np.asarray(np.log(p / p.sum()))

    def sides(self, control: float, *, cut: float) -> Sides:
        x = np.linspace(-1.5, 1.5, 20_001)
        p = self.density(control, x)
        p = p / p.sum()
        up = x > cut
        return Sides(
            upper_weight=float(p[up].sum()),
            lower_mean=float(p[~up] @ x[~up] / p[~up].sum()),
            upper_mean=float(p[up] @ x[up] / p[up].sum()),
        )

    def resampled(self, generator: np.random.Generator) -> "Mixture":
        raise NotImplementedError


def exact_equal_height() -> tuple[float, float]:
    """Control and barrier of the mixture on a grid a hundred times finer than the bins."""
    x = np.linspace(-1.4, 1.4, 28_001)
    low, high = x < 0.0, x >= 0.0

    def excess(control: float) -> float:
        p = Mixture().density(control, x)
        return float(np.log(p[high].max() / p[low].max()))

    control = float(brentq(excess, -0.2, 0.2))
    p = Mixture().density(control, x)
    between = (x > -0.5) & (x < 0.5)
    return control, float(np.log(p[low].max() / p[between].min()))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_equal_height_and_barrier_are_those_of_the_law(sign: float) -> None:
    found = read_two_phases(Mixture(sign=sign), weight_ratio=1.0)
    control, barrier = exact_equal_height()
    # The narrower phase weighs less at equal height: ln(0.16/0.10)/N is nearly the point.
    assert found.equal_height_point == pytest.approx(sign * control, abs=2e-4)
    assert abs(control - np.log(1.6) / SIZE) < 1e-4
    assert found.barrier == pytest.approx(barrier, abs=0.01)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_the_ratio_of_weights_is_reached_where_the_law_has_it(ratio: float) -> None:
    found = read_two_phases(Mixture(), weight_ratio=ratio)
    # Of each phase a little lies beyond the cut, by which W differs from the component's.
    assert found.equal_weight_point == pytest.approx(np.log(ratio) / SIZE, abs=3e-4)
    assert found.jump == pytest.approx(1.0, abs=5e-3)
    assert (found.mean_below, found.mean_above) == pytest.approx((-0.5, 0.5), abs=5e-3)


def test_the_phase_above_is_the_one_that_gains_weight() -> None:
    found = read_two_phases(Mixture(sign=-1.0), weight_ratio=10.0)
    assert found.equal_weight_point == pytest.approx(np.log(10.0) / SIZE, abs=3e-4)
    assert found.mean_above < found.mean_below


def test_a_guess_of_the_cut_changes_nothing() -> None:
    searched = read_two_phases(Mixture(), weight_ratio=3.0)
    guessed = read_two_phases(Mixture(), weight_ratio=3.0, cut=searched.cut + 0.1)
    assert guessed.equal_height_point == pytest.approx(searched.equal_height_point, abs=1e-4)
    assert guessed.barrier == pytest.approx(searched.barrier, abs=1e-3)


def test_one_maximum_is_no_pair_of_phases() -> None:
    found = read_two_phases(Mixture(distance=0.1), weight_ratio=1.0)
    assert "one maximum" in found.reason
    assert np.isnan(found.jump)


def test_a_point_beyond_the_controls_is_not_made_up() -> None:
    found = read_two_phases(Mixture(interval=(-0.03, 0.03)), weight_ratio=100.0)
    assert np.isfinite(found.barrier)
    assert np.isnan(found.equal_weight_point)
    assert "asked weights" in found.reason
    nowhere = read_two_phases(Mixture(interval=(0.05, 0.06)), weight_ratio=1.0)
    assert "equal height" in nowhere.reason
