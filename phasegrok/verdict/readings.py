"""Which sizes count, what they say of an observable, and why others do not count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import NoConvergenceError
from phasegrok.schema import LABELS, RUN, RUN_COORDINATES
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.blocks import Blocks, blocks_of, widest_leap
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.verdict.evenness import looks_even
from phasegrok.verdict.features import FEWEST_DISORDERS, SizeFeatures, measure_features
from phasegrok.verdict.gate import LARGEST_RATIO, mixing_ratio
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import ScalingModel
from phasegrok.verdict.weighing import FEWEST_SIZES, Comparison, Weighing, weigh

__all__ = ["Places", "Reading", "read_energy", "read_sizes", "unexplained", "weigh_reading"]

_UNMIXED: Final = "its chains have not equilibrated"
_FEWEST_CONTROLS: Final = 4

_EVEN: Final = (
    "its values lie evenly about zero at every control: phases that a symmetry relates do not "
    "tell the order of this transition; declare attrs['symmetry'] = 'sign'"
)


@final
@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the runs of a study stand.

    Parameters
    ----------
    control, size : str
        Names of coordinates.
    dimension : int or None
        Of space, where the size is a linear extent.
    """

    control: str
    size: str
    dimension: int | None


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What the samples of one observable give.

    Parameters
    ----------
    features : tuple of SizeFeatures
        Of the sizes that count.
    refused : tuple of str
        Why the others do not, and what cannot be trusted of those that do.
    even : bool
        Whether the law is even and was not folded: then nothing can be said of a transition.
    unmixed : tuple of float
        Sizes that do not count because their chains have not equilibrated.
    """

    features: tuple[SizeFeatures, ...]
    refused: tuple[str, ...]
    even: bool = False
    unmixed: tuple[float, ...] = ()


def read_sizes(samples: xr.DataArray, places: Places, *, seed: Sequence[int]) -> Reading:
    """Measure the features of every size that counts.

    Parameters
    ----------
    samples : DataArray
        As in `order_of_transition`.
    places : Places
        Where its runs stand.
    seed : sequence of int
        For resampling; the number of the size is appended.

    Returns
    -------
    Reading

    Raises
    ------
    InvalidValueError
        For missing coordinates, other dimensions, or values that are not finite.
    InsufficientSamplesError
        If no run is usable, or chains have fewer than 8 records.
    """
    gathered = gather_chains(
        samples, control=places.control, size=places.size, dimension=places.dimension
    )
    kept: list[SizeFeatures] = []
    refused: list[str] = []
    unmixed: list[float] = []
    # A symmetry holds at every size, however well each of them shows it.
    even = any(looks_even(each) for each in gathered)
    for number, each in enumerate(gathered):
        generator = np.random.default_rng([*seed, number])
        reason, features = _measured(each, generator, even=even)
        if features is None:
            refused.append(f"the size {each.size:g} does not count: {reason}")
            unmixed += [each.size] if reason.startswith(_UNMIXED) else []
        else:
            kept.append(features)
    if any(_alone(each) for each in gathered):
        refused.append(
            "there is one chain at each control: that chains from both sides agree is not shown"
        )
    return Reading(
        features=tuple(kept),
        refused=tuple(refused),
        even=even,
        unmixed=tuple(unmixed),
    )


def read_energy(energy: xr.DataArray, places: Places, *, seed: Sequence[int]) -> Reading:
    """Measure the features of an energy; see `read_sizes`.

    Its slope is left out: d⟨e⟩/dg is N Var e times a constant, and no second piece of news.
    """
    reading = read_sizes(energy, places, seed=seed)
    features = tuple(replace(each, slope_known=False) for each in reading.features)
    return replace(reading, features=features)


def unexplained(samples: xr.DataArray, places: Places) -> tuple[str, ...]:
    """Tell which numbers differ among runs of one size, control and disorder.

    Runs that differ in a setting are samples of different laws.
    """
    known = {*RUN_COORDINATES, *LABELS, places.control, places.size, "seed"}
    numbers = [
        str(name)
        for name, values in samples.coords.items()
        if values.dims == (RUN,) and values.dtype.kind in "fiu" and name not in known
    ]
    group = [samples[name].to_numpy() for name in (places.size, places.control)]
    if "disorder" in samples.coords and samples["disorder"].dims == (RUN,):
        labels = samples["disorder"].to_numpy().tolist()
        order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
        group.append(np.array([order[label] for label in labels]))
    _, place = np.unique(np.stack(group), axis=1, return_inverse=True)
    first = np.unique(place.ravel(), return_index=True)[1][place.ravel()]
    return tuple(
        f"runs of one {places.size} and {places.control} differ in {name!r}: are they samples "
        "of one law?"
        for name in numbers
        if not np.array_equal(
            samples[name].to_numpy(), samples[name].to_numpy()[first], equal_nan=True
        )
    )


def weigh_reading(
    reading: Reading,
    dimension: int | None,
    models: Callable[[Sizes, FloatArray], Sequence[ScalingModel]],
    *,
    seed: Sequence[int],
) -> Weighing | None:
    """Weigh the kinds for one observable; None where fewer than three sizes count.

    Parameters
    ----------
    reading : Reading
        Features.
    dimension : int or None
        Of space.
    models : callable
        Sets up the kinds for sizes and the mean features.
    seed : sequence of int
        The only source of randomness.

    Returns
    -------
    Weighing or None
    """
    if len(reading.features) < FEWEST_SIZES:
        return None
    sizes = Sizes.of(np.array([each.volume for each in reading.features]), dimension)
    centres = np.mean([each.values for each in reading.features], axis=0)
    made = {each.kind: each for each in models(sizes, centres)}
    comparison = Comparison(features=reading.features, sizes=sizes, models=made)
    return weigh(comparison, seed=np.random.SeedSequence(seed))


def _measured(
    chains: SizeChains, generator: np.random.Generator, *, even: bool
) -> tuple[str, SizeFeatures | None]:
    fault = _unusable(chains) or (_EVEN if even else "")
    if fault:
        return fault, None
    mixing = mixing_ratio(chains)
    if mixing > LARGEST_RATIO:
        return (
            f"{_UNMIXED} (halves of chains differ within a phase by "
            f"{mixing:.2f} of its variance, at most {LARGEST_RATIO} is sound)",
            None,
        )
    blocks = [blocks_of(chains.of_disorder(each)) for each in chains.disorders]
    fault = _leap(blocks)
    if fault:
        return fault, None
    try:
        return "", measure_features(chains, blocks, mixing=mixing, generator=generator)
    except NoConvergenceError as error:
        return str(error), None


def _alone(chains: SizeChains) -> bool:
    """Whether nothing but halves of one chain can be compared."""
    return len(chains.disorders) == 1 and len(chains.chains) == chains.controls.size


def _unusable(chains: SizeChains) -> str:
    count = len(chains.disorders)
    if 1 < count < FEWEST_DISORDERS:
        return f"{count} disorders, {FEWEST_DISORDERS} are needed where there are several"
    controls = {each: chains.of_disorder(each).controls.size for each in chains.disorders}
    fewest = min(controls, key=lambda each: controls[each])
    if controls[fewest] < _FEWEST_CONTROLS:
        where = f" in the disorder {fewest}" if count > 1 else ""
        return f"{controls[fewest]} controls{where}, {_FEWEST_CONTROLS} are needed"
    if not any(np.ptp(chains.pooled(float(g))) > 0.0 for g in chains.controls):
        return "the order parameter does not vary"
    return ""


def _leap(blocks: Sequence[Blocks]) -> str:
    found = [each for each in map(widest_leap, blocks) if each is not None]
    if not found:
        return ""
    return (
        f"the order parameter leaps between the controls {found[0][0]:g} and {found[0][1]:g}, "
        "whose values do not overlap; add controls between them"
    )
