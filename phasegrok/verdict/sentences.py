"""The grounds of a verdict in words."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from phasegrok.verdict.answers import CONTINUOUS, NAMED, UNDETERMINED
from phasegrok.verdict.deciding import FARTHEST_DOUBLING, deciding_size
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.readings import Reading
from phasegrok.verdict.weighing import FEWEST_SIZES, WINDOW, Weighing

__all__ = ["doubts", "grounds", "too_few", "wanted_data"]


def grounds(weighing: Weighing) -> tuple[str, ...]:
    """Say how the features grow with size, and which checks an answer survived."""
    first, last = weighing.comparison.features[0], weighing.comparison.features[-1]
    growth = np.log(last.volume / first.volume)
    slope = (last.values[0] - first.values[0]) / growth
    variance = (last.values[1] - first.values[1]) / growth
    steepest = f"the steepest slope grows as N^{slope:.2f} and "
    said = [
        f"from N = {_volume(first)} to {_volume(last)} "
        # Where chains rarely hop, the slope tells where they were started.
        f"{steepest if first.slope_known and last.slope_known else ''}"
        f"the largest variance grows as N^{variance:.2f}",
        f"the barrier goes from {_barrier(first)} to {_barrier(last)}",
    ]
    if last.gap > 0.0:
        said.append(
            f"the means of the two phases lie {first.gap:.3g} and {last.gap:.3g} apart"
            if first.gap > 0.0
            else f"two phases {last.gap:.3g} apart appear at the largest size"
        )
    if last.disorders > 1:
        said.append(
            f"transition points of {last.disorders} disorders spread by "
            f"{first.transition_spread:.3g} and {last.transition_spread:.3g}, and each "
            "disorder was read at its own"
        )
    said += [f"{each.name}: {each.text}" for each in weighing.checks if each.passed]
    return tuple(said)


def _volume(features: SizeFeatures) -> str:
    """N, and the extent that it was raised from: a size given as the other shows here."""
    if features.volume == features.size:
        return f"{features.volume:g}"
    power = np.log(features.volume) / np.log(features.size)
    return f"{features.size:g}^{power:.0f} = {features.volume:g}"


def _barrier(features: SizeFeatures) -> str:
    if features.barrier_bounded:
        return f"at least {features.values[2]:.1f}"
    return f"{features.values[2]:.2f}({features.covariance[2, 2] ** 0.5:.2f})"


def doubts(
    weighing: Weighing, order: str, probabilities: Mapping[str, float]
) -> tuple[str, ...]:
    """Say which checks failed, which answers remain possible, which numbers are unsafe."""
    failed = [f"{each.name}: {each.text}" for each in weighing.checks if not each.passed]
    # Where nothing is named, what was likely before its checks tells more.
    kept = weighing.kinds if order == UNDETERMINED else probabilities
    before = " before its checks" if order == UNDETERMINED and failed else ""
    rivals = [
        f"{answer} keeps the probability {kept[answer]:.2f}{before}"
        for answer in NAMED
        if answer != order and kept[answer] > 0.05
    ]
    unsound = [
        f"the evidence of {kind!r} is uncertain: {each.evidence}"
        for kind, each in weighing.scores.items()
        if not each.evidence.consistent and weighing.kinds[kind] > 0.01
    ]
    if len(weighing.comparison.features) == FEWEST_SIZES and order != UNDETERMINED:
        rivals.append("of three sizes none can be left out to be predicted")
    if order == CONTINUOUS:
        rivals.append(
            "a first-order transition looks the same whose correlation volume exceeds the "
            "largest size; excluded are only phases further apart than "
            f"{_largest_jump(weighing):.2g}"
        )
    return tuple([*failed, *rivals, *unsound])


def _largest_jump(weighing: Weighing) -> float:
    """Bound on a jump Δ: at equal weights two phases have a variance of at least Δ²/4."""
    last = weighing.comparison.features[-1]
    highest = last.values[1] + 2.0 * last.covariance[1, 1] ** 0.5
    return float(2.0 * np.exp(0.5 * highest))


def too_few(reading: Reading) -> tuple[str, ...]:
    """Say that too few sizes count."""
    return (f"{len(reading.features)} usable sizes, {FEWEST_SIZES} are needed",)


def wanted_data(weighing: Weighing | None, order: str, table: xr.Dataset) -> str:
    """Say what would settle an undetermined case; nothing where an answer is named."""
    if order != UNDETERMINED:
        return ""
    if weighing is not None and any(
        each.name == WINDOW and not each.passed for each in weighing.checks
    ):
        return "Move the window of the control until the fluctuations are largest within it."
    if weighing is None:
        return (
            f"Give at least {FEWEST_SIZES} sizes spanning a factor 4 in N, each with several "
            "chains, started from both sides, that mix within each phase."
        )
    needed = deciding_size(weighing)
    if needed is None:
        return (
            f"No size within a factor {2**FARTHEST_DOUBLING} of the largest would tell the "
            "likeliest answers apart by these signatures; record the energy, loops or "
            "lifetimes."
        )
    dimension = table.attrs["dimension"]
    given = needed if dimension < 0 else needed ** (1.0 / dimension)
    return (
        f"A size of about {table.attrs['size']} = {given:.3g} would tell the two likeliest "
        "answers apart, with chains as good as these."
    )
