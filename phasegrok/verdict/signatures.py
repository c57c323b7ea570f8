"""What further signatures add to an order parameter: support or opposition, never a product.

Signatures share draws or a mechanism, so their evidences never multiply. Each may raise or
lower the probability of a first-order transition to its own, and where one of them contradicts
the answer, the conflict is reported and nothing is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from phasegrok.verdict.answers import FIRST_ORDER, NAMED, NO_LATENT_HEAT, UNDETERMINED
from phasegrok.verdict.weighing import SURE, Weighing

__all__ = ["Signature", "energy_signature", "join_signatures", "named_answer"]

_OPEN: Final = 0.3
"""A first-order transition at least as likely as beforehand can be supported."""

_LIKELY: Final = 0.5


@final
@dataclass(frozen=True, kw_only=True)
class Signature:
    """What one signature beside the order parameter says of a first-order transition.

    Parameters
    ----------
    name : str
        Of what was measured.
    supports : float
        Probability by it alone that the transition is first-order.
    opposes : float
        Probability by it alone that it is not; the rest is undetermined.
    grounds, doubts : tuple of str
        Sentences.
    """

    name: str
    supports: float
    opposes: float
    grounds: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def energy_signature(weighing: Weighing) -> Signature:
    """Read what the energy says.

    Parameters
    ----------
    weighing : Weighing
        Of the kinds for an energy.

    Returns
    -------
    Signature
    """
    first, last = weighing.comparison.features[0], weighing.comparison.features[-1]
    said = (
        f"the barrier of the energy goes from {first.values[2]:.2f} to {last.values[2]:.2f}, "
        f"which alone makes a latent heat {weighing.probabilities[FIRST_ORDER]:.3f} probable"
    )
    failed = [f"{each.name}: {each.text}" for each in weighing.checks if not each.passed]
    return Signature(
        name="energy",
        supports=weighing.probabilities[FIRST_ORDER],
        opposes=weighing.probabilities[NO_LATENT_HEAT],
        grounds=(said,),
        doubts=tuple(f"of the energy: {each}" for each in failed),
    )


def join_signatures(
    probabilities: Mapping[str, float], signatures: Sequence[Signature], *, silent: bool
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Let further signatures support or oppose a first-order transition.

    Parameters
    ----------
    probabilities : mapping
        Of the four answers by the order parameter.
    signatures : sequence of Signature
        Beside it; their order does not matter.
    silent : bool
        Whether the order parameter says nothing at all, for want of usable sizes: then support
        is taken as it is.

    Returns
    -------
    dict
        Answer to probability, summing to one.
    tuple of str
        Conflicts, of signatures with the order parameter or with each other.
    """
    joined = dict(probabilities)
    if not signatures:
        return joined, ()
    for_it = [each for each in signatures if each.supports >= _LIKELY]
    against = [each for each in signatures if each.opposes >= _LIKELY]
    named = named_answer(joined)
    conflicts = _conflicts(joined, named, for_it, against)
    if conflicts:
        _move(joined, named or FIRST_ORDER, 0.0)
    elif named is None and against:
        least = min(each.supports for each in against)
        _move(joined, FIRST_ORDER, min(joined[FIRST_ORDER], least))
    elif silent or joined[FIRST_ORDER] >= _OPEN:
        most = max(each.supports for each in signatures)
        _raise(joined, max(joined[FIRST_ORDER], most))
    return joined, conflicts


def _conflicts(
    alone: Mapping[str, float],
    named: str | None,
    for_it: Sequence[Signature],
    against: Sequence[Signature],
) -> tuple[str, ...]:
    if for_it and against:
        return (
            f"signatures contradict each other: {_names(for_it)} for a first-order "
            f"transition, {_names(against)} against one",
        )
    if named is None:
        return ()
    contradicting = (
        [each for each in against if each.opposes >= SURE] if named == FIRST_ORDER else for_it
    )
    return tuple(
        f"the {each.name} contradicts it: the order parameter alone says {named} "
        f"({alone[named]:.2f}), the {each.name} makes first-order {each.supports:.2f} and its "
        f"absence {each.opposes:.2f} probable"
        for each in contradicting
    )


def _names(signatures: Sequence[Signature]) -> str:
    return " and ".join(f"the {each.name}" for each in signatures)


def named_answer(probabilities: Mapping[str, float]) -> str | None:
    """Answer that is likely enough to be named, if any."""
    return next((each for each in NAMED if probabilities[each] >= SURE), None)


def _move(probabilities: dict[str, float], answer: str, left: float) -> None:
    """Take probability from an answer: what is lost is undetermined, not another answer's."""
    probabilities[UNDETERMINED] += probabilities[answer] - left
    probabilities[answer] = left


def _raise(probabilities: dict[str, float], supported: float) -> None:
    """Raise first-order at the cost of all others in proportion."""
    others = 1.0 - probabilities[FIRST_ORDER]
    share = (1.0 - supported) / others if others > 0.0 else 1.0
    for answer in probabilities:
        probabilities[answer] *= share
    probabilities[FIRST_ORDER] = supported
