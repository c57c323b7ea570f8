"""The grounds of a verdict in words."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.verdict.answers import CONTINUOUS, NAMED, UNDETERMINED
from phasegrok.verdict.deciding import FARTHEST_DOUBLING, deciding_size
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.readings import Reading
from phasegrok.verdict.signatures import named_answer
from phasegrok.verdict.weighing import FEWEST_SIZES, WINDOW, Weighing

__all__ = ["doubts", "grounds", "too_few", "wanted_data"]

_SMALL: Final = 0.05
"""Probabilities of rivals that are not worth a sentence."""

_UNSEEN: Final = 0.005
"""Differences that two digits do not show."""


def grounds(weighing: Weighing) -> tuple[str, ...]:
    """Say how the features grow with size, and which checks an answer survived."""
    first, last = weighing.comparison.features[0], weighing.comparison.features[-1]
    growth = np.log(last.volume / first.volume)
    slope = (last.values[0] - first.values[0]) / growth
    variance = (last.values[1] - first.values[1]) / growth
    steepest = f"the steepest slope grows as N^{slope:z.2f} and "
    said = [
        f"from N = {_volume(first)} to {_volume(last)} "
        # Where chains rarely hop, the slope tells where they were started.
        f"{steepest if first.slope_known and last.slope_known else ''}"
        f"the largest variance grows as N^{variance:z.2f}",
        f"the barrier goes from {_barrier(first)} to {_barrier(last)}",
    ]
    if last.gap > 0.0:
        said.append(
            f"the means of the two phases lie {first.gap:.3g} and {last.gap:.3g} apart"
            if first.gap > 0.0
            else f"two phases {last.gap:.3g} apart appear at the largest size"
        )
    said += _spread(first, last)
    said += [f"{each.name}: {each.text}" for each in weighing.checks if each.passed]
    return tuple(said)


def _volume(features: SizeFeatures) -> str:
    """N, and the extent that it was raised from: a size given as the other shows here."""
    if features.volume == features.size:
        return f"{features.volume:g}"
    power = np.log(features.volume) / np.log(features.size)
    return f"{features.size:g}^{power:.0f} = {features.volume:g}"


def _spread(first: SizeFeatures, last: SizeFeatures) -> list[str]:
    """How far transition points of disorders lie apart, of sizes that have several."""
    if last.disorders == 1:
        return []
    points = f"transition points of {last.disorders} disorders spread by"
    read = "and each disorder was read at its own"
    said = (
        f"{points} {last.transition_spread:.3g} at the largest size, {read}"
        if first.disorders == 1
        else f"{points} {first.transition_spread:.3g} and {last.transition_spread:.3g}, {read}"
    )
    return [said, *_differing_heights(last)]


def _differing_heights(features: SizeFeatures) -> list[str]:
    if np.isnan(features.relative_variance):
        return []
    value, error = features.relative_variance, features.relative_variance_error
    return [
        "the largest variances of the disorders have the relative variance "
        f"R = {value:z.3f}({error:.3f}) at the largest size"
    ]


def _barrier(features: SizeFeatures) -> str:
    if features.barrier_bounded:
        # A valley that few draws could have reached bounds nothing: a barrier is no dip.
        return f"at least {max(features.values[2], 0.0):.1f}"
    return f"{features.values[2]:z.2f}({features.covariance[2, 2] ** 0.5:.2f})"


def doubts(
    weighing: Weighing, order: str, probabilities: Mapping[str, float]
) -> tuple[str, ...]:
    """Say which checks failed, which answers remain possible, which numbers are unsafe."""
    failed = [f"{each.name}: {each.text}" for each in weighing.checks if not each.passed]
    rivals = [_rival(each, weighing, order, probabilities) for each in NAMED if each != order]
    rivals = [each for each in rivals if each]
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


def _rival(
    answer: str, weighing: Weighing, order: str, probabilities: Mapping[str, float]
) -> str:
    """Probability of an answer that is not given; nothing where that is small."""
    # Where nothing is named, what was likely before its checks tells more.
    found = (weighing.kinds if order == UNDETERMINED else probabilities)[answer]
    if found <= _SMALL:
        return ""
    if order != UNDETERMINED or abs(found - probabilities[answer]) < _UNSEEN:
        return f"{answer} keeps the probability {found:.2f}"
    checked = found > weighing.probabilities[answer]
    source = "before its checks" if checked else "by the order parameter alone"
    return f"{answer} had the probability {found:.2f} {source}"


def _largest_jump(weighing: Weighing) -> float:
    """Bound on a jump Δ: at equal weights two phases have a variance of at least Δ²/4."""
    last = weighing.comparison.features[-1]
    highest = last.values[1] + 2.0 * last.covariance[1, 1] ** 0.5
    return float(2.0 * np.exp(0.5 * highest))


def too_few(reading: Reading) -> tuple[str, ...]:
    """Say that too few sizes count."""
    count = len(reading.features)
    return (f"{count} usable size{'' if count == 1 else 's'}, {FEWEST_SIZES} are needed",)


def wanted_data(
    weighing: Weighing | None,
    order: str,
    table: xr.Dataset,
    *,
    unmixed: Sequence[float] = (),
) -> str:
    """Say what would settle an undetermined case; nothing where an answer is named.

    Sizes that are there and have not equilibrated come before any that are not there.
    """
    if order != UNDETERMINED:
        return ""
    if weighing is not None and any(
        each.name == WINDOW and not each.passed for each in weighing.checks
    ):
        return "Move the window of the control until the fluctuations are largest within it."
    if unmixed:
        *others, last = [_three_digits(each) for each in sorted(unmixed)]
        sizes = f"{', '.join(others)} and {last}" if others else last
        return (
            f"Longer chains, or moves that mix faster, at {table.attrs['size']} = {sizes}: "
            "what is there does not count yet."
        )
    if weighing is None:
        return (
            f"Give at least {FEWEST_SIZES} sizes spanning a factor 4 in N, each with several "
            "chains, started from both sides, that mix within each phase."
        )
    if named_answer(weighing.probabilities) is not None:
        return (
            "No larger size alone settles what signatures contradict: record all of them in "
            "the same runs, to find the one that misleads."
        )
    needed = deciding_size(weighing)
    dimension = table.attrs["dimension"]
    if needed is None:
        return (
            f"No size within a factor {2**FARTHEST_DOUBLING} of the largest would tell the "
            f"likeliest answers apart by these signatures; record {_further(table)}."
        )
    given = needed if dimension < 0 else needed ** (1.0 / dimension)
    return (
        f"A size of about {table.attrs['size']} = {_three_digits(given)} would tell the two "
        "likeliest answers apart, with chains as good as these."
    )


def _three_digits(value: float) -> str:
    """Rounded, without an exponent below a million."""
    return f"{float(f'{value:.3g}'):g}"


def _further(table: xr.Dataset) -> str:
    """Signatures that could be given beside; loops say nothing in space."""
    energy = [] if "energy_volume" in table else ["the energy"]
    loops = ["loops"] if table.attrs["dimension"] < 0 else []
    *others, last = [*energy, *loops, "lifetimes"]
    return f"{', '.join(others)} or {last}" if others else last
