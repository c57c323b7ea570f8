"""The grounds of a verdict in words."""

from collections.abc import Sequence

import numpy as np

from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.weighing import ANSWERS, UNDETERMINED, Weighing, deciding_size

__all__ = ["doubts", "grounds", "wanted_data"]


def grounds(weighing: Weighing, features: Sequence[SizeFeatures]) -> tuple[str, ...]:
    """Say how the features grow with size, and which checks an answer survived."""
    first, last = features[0], features[-1]
    growth = np.log(last.volume / first.volume)
    slope = (last.values[0] - first.values[0]) / growth
    variance = (last.values[1] - first.values[1]) / growth
    said = [
        f"from N = {first.volume:g} to {last.volume:g} the steepest slope grows as "
        f"N^{slope:.2f} and the largest variance as N^{variance:.2f}",
        f"the barrier goes from {first.values[2]:.2f}({first.covariance[2, 2] ** 0.5:.2f}) to "
        f"{last.values[2]:.2f}({last.covariance[2, 2] ** 0.5:.2f})",
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


def doubts(weighing: Weighing) -> tuple[str, ...]:
    """Say which checks failed, which answers remain possible, which numbers are unsafe."""
    failed = [f"{each.name}: {each.text}" for each in weighing.checks if not each.passed]
    rivals = [
        f"{answer} keeps the probability {weighing.kinds[answer]:.2f}"
        for answer in ANSWERS[:3]
        if answer != weighing.order and weighing.kinds[answer] > 0.05
    ]
    unsound = [
        f"the evidence of {kind!r} is uncertain: {each.evidence}"
        for kind, each in weighing.scores.items()
        if not each.evidence.consistent and weighing.kinds[kind] > 0.01
    ]
    if weighing.order == "continuous":
        rivals.append(
            "a first-order transition looks the same whose correlation volume exceeds the "
            "largest size"
        )
    return tuple([*failed, *rivals, *unsound])


def wanted_data(
    weighing: Weighing, features: Sequence[SizeFeatures], dimension: int | None, size: str
) -> str:
    """Say which size would settle an undetermined case; nothing where an answer is named."""
    if weighing.order != UNDETERMINED:
        return ""
    needed = deciding_size(weighing, features, dimension)
    if needed is None:
        return (
            "No size within a factor 4096 of the largest would tell the likeliest answers "
            "apart by these signatures; record the energy, loops or lifetimes."
        )
    given = needed if dimension is None else needed ** (1.0 / dimension)
    return (
        f"A size of about {size} = {given:.3g} would tell the two likeliest answers apart, "
        "with chains as good as these."
    )
