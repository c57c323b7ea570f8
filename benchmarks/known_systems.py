"""Small studies of systems whose answer is known, for the calibration of verdicts.

Windows of the control are laid about the known transitions, as a user would after a coarse
scan; everything else is what a first study of a new system would have.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok import exact

RECORDS: Final = 1000
CONTROLS: Final = 12
EXTENTS: Final = (8, 12, 16, 24, 32)
LARGER_EXTENTS: Final = (12, 16, 24, 32, 48)
LARGEST_EXTENTS: Final = (16, 24, 32, 48, 64)
SIZES: Final = (50, 100, 200, 400, 800)

FIRST_ORDER: Final = frozenset({"first-order"})
CONTINUOUS: Final = frozenset({"continuous"})
CROSSOVER: Final = frozenset({"crossover"})
NOTHING: Final[frozenset[str]] = frozenset()

Window = Callable[[float], NDArray[np.float64]]


class System(NamedTuple):
    """One kind of small study.

    What is true may be named, what is false must never be; where neither applies (a transition
    that sizes like these cannot resolve) the honest answer is "undetermined".
    """

    name: str
    true: frozenset[str]
    false: frozenset[str]
    build: Callable[[int], xr.Dataset]
    control: str
    size: str
    dimension: int | None
    with_energy: bool = False


def potts_window(state_count: int, extent: int) -> NDArray[np.float64]:
    """Inverse temperatures about the largest fluctuations of a finite lattice."""
    transition = exact.potts_transition(state_count) if state_count > 4 else None
    point = float(np.log1p(np.sqrt(state_count)))
    if transition is None:
        exponent = -1.0 / {2: 1.0, 3: 5.0 / 6.0, 4: 2.0 / 3.0}[state_count]
        centre, half = point - 0.9 * extent**exponent, 2.1 * extent**exponent
    elif transition.correlation_length > 2.0 * extent:
        centre, half = point - 0.15 / extent, 0.6 * extent**-1.2
    else:
        unit = 1.0 / (transition.latent_heat * extent**2)
        centre = point - float(np.log(state_count)) * unit
        half = min(8.0 * unit, 0.5 / extent)
    return np.linspace(centre - half, centre + half, CONTROLS)


def potts(state_count: int, extents: tuple[int, ...] = EXTENTS) -> Callable[[int], xr.Dataset]:
    """Two chains from each side at every point; Swendsen-Wang."""
    chains = exact.Chains(
        record_count=RECORDS, discarded_sweeps=200, replica_count=2, starts=("hot", "cold")
    )

    def build(seed: int) -> xr.Dataset:
        return exact.concatenated(
            [
                exact.potts(
                    state_count=state_count,
                    linear_extent=extent,
                    inverse_temperature=potts_window(state_count, extent),
                    chains=chains,
                    seed=seed,
                )
                for extent in extents
            ]
        )

    return build


def unmixed_ising(seed: int) -> xr.Dataset:
    """Single-spin dynamics for a few sweeps from both sides: no equilibrium anywhere."""
    sweeps = 24 + 12 * (seed % 4)
    chains = exact.Chains(record_count=sweeps, replica_count=2, starts=("hot", "up"))
    return exact.concatenated(
        [
            exact.metropolis(
                linear_extent=extent,
                # In the units of the Ising model, half those of the Potts model.
                inverse_temperature=0.5 * potts_window(2, extent),
                chains=chains,
                seed=seed,
            )
            for extent in (12, 16, 24, 32)
        ]
    )


def curie_weiss_ising(seed: int) -> xr.Dataset:
    """Continuous in mean field: m ~ N^(-1/4) over a window ~ N^(-1/2)."""
    return exact.concatenated(
        [
            exact.curie_weiss_ising(
                size=size,
                inverse_temperature=1.0 + np.linspace(-2.5, 4.0, CONTROLS) * size**-0.5,
                record_count=RECORDS,
                replica_count=4,
                seed=seed,
            )
            for size in (64, 128, 256, 512, 1024)
        ]
    )


def curie_weiss_potts(state_count: int, sizes: tuple[int, ...]) -> Callable[[int], xr.Dataset]:
    """First-order in mean field for three states and more."""
    point = exact.curie_weiss_potts_transition(state_count).inverse_temperature

    def build(seed: int) -> xr.Dataset:
        return exact.concatenated(
            [
                exact.curie_weiss_potts(
                    state_count=state_count,
                    size=size,
                    inverse_temperature=point + np.linspace(-20.0, 20.0, CONTROLS) / size,
                    record_count=RECORDS,
                    replica_count=4,
                    seed=seed,
                )
                for size in sizes
            ]
        )

    return build


def mixture(
    law: exact.GaussianMixture,
    half_width: Callable[[float], float],
    *,
    disorders: int = 1,
    controls: int = CONTROLS,
    records: int = RECORDS,
) -> Callable[[int], xr.Dataset]:
    """Two Gaussian phases, drawn independently."""

    def build(seed: int) -> xr.Dataset:
        return exact.concatenated(
            [
                exact.gaussian_mixture(
                    law,
                    size=size,
                    field=np.linspace(-half_width(size), half_width(size), controls),
                    record_count=records,
                    replica_count=4 if disorders == 1 else 1,
                    disorder_count=disorders,
                    seed=seed,
                )
                for size in SIZES
            ]
        )

    return build


def driven_well(skewness: float) -> Callable[[int], xr.Dataset]:
    """One well that follows its field."""

    def build(seed: int) -> xr.Dataset:
        return exact.concatenated(
            [
                exact.driven_single_well(
                    size=size,
                    field=np.linspace(-1.5, 1.5, CONTROLS),
                    skewness=skewness,
                    record_count=RECORDS,
                    replica_count=4,
                    seed=seed,
                )
                for size in SIZES
            ]
        )

    return build


def ising_below_its_transition(seed: int) -> xr.Dataset:
    """Magnetization as it is, not folded: ±m coexist at every temperature of the window."""
    chains = exact.Chains(
        record_count=RECORDS, discarded_sweeps=200, replica_count=2, starts=("hot", "cold")
    )
    parts = [
        exact.ising(
            linear_extent=extent,
            inverse_temperature=np.linspace(0.445, 0.5, CONTROLS),
            chains=chains,
            seed=seed,
        )
        for extent in EXTENTS
    ]
    lattices = exact.concatenated(parts)
    unfolded = lattices["magnetization"].assign_attrs(symmetry="none")
    return lattices.assign(order_parameter=unfolded)


def stuck_magnets(seed: int) -> xr.Dataset:
    """Curie-Weiss magnets below the critical point, every chain stuck in a sign of its own."""
    magnets = exact.concatenated(
        [
            exact.curie_weiss_ising(
                size=size,
                inverse_temperature=np.linspace(1.05, 1.8, CONTROLS),
                record_count=RECORDS,
                replica_count=4,
                seed=seed,
            )
            for size in (64, 128, 256, 512)
        ]
    )
    values = magnets["magnetization"]
    signs = np.random.default_rng([seed, 1]).choice([-1.0, 1.0], values.sizes["run"])
    stuck = values.copy(data=np.abs(values.to_numpy()) * signs[:, None])
    return magnets.assign(order_parameter=stuck.assign_attrs(symmetry="none"))


def deep_linear_chain(
    layer_count: int, sizes: tuple[int, ...], window: Window
) -> Callable[[int], xr.Dataset]:
    """Width one, N = 1/T: the root mean square weight, since the output's law diverges at 0."""

    def build(seed: int) -> xr.Dataset:
        parts = [
            exact.deep_linear(
                layer_count=layer_count,
                width=1,
                temperature=1.0 / size,
                weight_decay=window(size),
                record_count=RECORDS,
                replica_count=4,
                seed=seed,
            )
            for size in sizes
        ]
        networks = exact.concatenated(parts)
        weight = np.sqrt(2.0 * networks["half_square_norm"] / layer_count)
        return networks.assign(order_parameter=weight)

    return build


def deep_linear_width(
    scaled_temperature: float, window: Window, layer_count: int = 3
) -> Callable[[int], xr.Dataset]:
    """Networks at fixed t = T h, the output: inert weights are no part of its size h."""

    def build(seed: int) -> xr.Dataset:
        parts = [
            exact.deep_linear(
                layer_count=layer_count,
                width=width,
                temperature=scaled_temperature / width,
                weight_decay=window(width),
                record_count=RECORDS,
                replica_count=4,
                seed=seed,
            )
            for width in (8, 16, 32, 64, 128)
        ]
        networks = exact.concatenated(parts)
        return networks.assign_coords(size=networks["width"])

    return build


def _merging_weight(field: float, size: float) -> float:
    return float(1.0 / (1.0 + np.exp(-(size**0.75) * field)))


SPREAD: Final = exact.GaussianMixture(transition_spread=lambda size: 0.5 * size**-0.5)
MERGING: Final = exact.GaussianMixture(
    weight=_merging_weight,
    distance=lambda size: size**-0.25,
    width=lambda size: 0.3 * size**-0.25,
)
NARROWING: Final = exact.GaussianMixture(
    weight=_merging_weight, distance=lambda size: 2.0 * size**-0.25
)


def _about_learning_with_two_layers(size: float) -> NDArray[np.float64]:
    offsets: NDArray[np.float64] = np.linspace(-5.0, 3.0, CONTROLS)
    window: NDArray[np.float64] = 1.0 + offsets * size**-0.5
    return window


def _about_learning_with_three_layers(size: float) -> NDArray[np.float64]:
    offsets: NDArray[np.float64] = 0.37 + np.linspace(-5.0, 5.0, CONTROLS)
    window: NDArray[np.float64] = 0.39685 + offsets / size
    return window


def _about_coexistence_of_wide_networks(width: float) -> NDArray[np.float64]:
    offsets: NDArray[np.float64] = np.linspace(-0.2, 0.2, CONTROLS) - 0.07
    window: NDArray[np.float64] = 0.478 + offsets / width
    return window


def _about_the_critical_end_point(width: float) -> NDArray[np.float64]:
    # The ordering field of a mean-field critical point: its window shrinks as N^(-3/4).
    window: NDArray[np.float64] = 0.5739 + np.linspace(-0.5, 0.5, CONTROLS) * width**-0.75
    return window


def _above_the_critical_end_point(_: float) -> NDArray[np.float64]:
    return np.linspace(0.4, 0.9, CONTROLS)


def _about_learning_of_wide_networks_with_two_layers(_: float) -> NDArray[np.float64]:
    return np.linspace(0.6, 1.2, CONTROLS)


NOT_FIRST: Final = CONTINUOUS | CROSSOVER
NOT_CONTINUOUS: Final = FIRST_ORDER | CROSSOVER
LATTICE: Final = ("inverse_temperature", "linear_extent", 2, True)
MEAN_FIELD: Final = ("inverse_temperature", "size", None, False)
FIELD: Final = ("field", "size", None, False)
DECAY: Final = ("weight_decay", "size", None, False)

SYSTEMS: Final = {
    each.name: each
    for each in (
        System("Potts q=10", FIRST_ORDER, NOT_FIRST, potts(10), *LATTICE),
        System("Potts q=9", FIRST_ORDER, NOT_FIRST, potts(9), *LATTICE),
        System("Potts q=8", FIRST_ORDER, NOT_FIRST, potts(8, LARGER_EXTENTS), *LATTICE),
        System("Potts q=6", FIRST_ORDER, NOT_FIRST, potts(6, LARGER_EXTENTS), *LATTICE),
        System("Potts q=5", FIRST_ORDER, NOT_FIRST, potts(5, LARGEST_EXTENTS), *LATTICE),
        System("Potts q=4", CONTINUOUS, NOT_CONTINUOUS, potts(4, LARGEST_EXTENTS), *LATTICE),
        System("Potts q=3", CONTINUOUS, NOT_CONTINUOUS, potts(3), *LATTICE),
        System("Ising (Potts q=2)", CONTINUOUS, NOT_CONTINUOUS, potts(2), *LATTICE),
        System(
            "Ising, not equilibrated",
            NOTHING,
            NOT_CONTINUOUS,
            unmixed_ising,
            *LATTICE,
        ),
        System(
            "mean-field Potts q=3",
            FIRST_ORDER,
            NOT_FIRST,
            curie_weiss_potts(3, (64, 128, 256, 512, 1024)),
            *MEAN_FIELD,
        ),
        System(
            "mean-field Potts q=4",
            FIRST_ORDER,
            NOT_FIRST,
            curie_weiss_potts(4, (32, 64, 96, 128, 192)),
            *MEAN_FIELD,
        ),
        System("mean-field Ising", CONTINUOUS, NOT_CONTINUOUS, curie_weiss_ising, *MEAN_FIELD),
        System(
            "two phases",
            FIRST_ORDER,
            NOT_FIRST,
            mixture(exact.GaussianMixture(), lambda size: 8.0 / size),
            *FIELD,
        ),
        System(
            "two phases, spread transition points",
            FIRST_ORDER,
            NOT_FIRST,
            mixture(
                SPREAD, lambda size: 1.6 * size**-0.5, disorders=10, controls=48, records=300
            ),
            *FIELD,
        ),
        System(
            "two phases that merge",
            CONTINUOUS,
            NOT_CONTINUOUS,
            mixture(MERGING, lambda size: 4.0 * size**-0.75),
            *FIELD,
        ),
        System(
            "two phases that merge while barriers grow",
            NOTHING,
            FIRST_ORDER,
            mixture(NARROWING, lambda size: 4.0 * size**-0.75),
            *FIELD,
        ),
        System(
            "Ising below its transition, not folded",
            NOTHING,
            FIRST_ORDER,
            ising_below_its_transition,
            *LATTICE[:3],
        ),
        System(
            "Curie-Weiss below its transition, chains stuck",
            NOTHING,
            FIRST_ORDER,
            stuck_magnets,
            *MEAN_FIELD,
        ),
        System(
            "deep linear chain, two layers",
            CONTINUOUS,
            NOT_CONTINUOUS,
            deep_linear_chain(2, (50, 100, 200, 400, 800), _about_learning_with_two_layers),
            *DECAY,
        ),
        System(
            "deep linear chain, three layers",
            FIRST_ORDER,
            NOT_FIRST,
            deep_linear_chain(3, (100, 200, 300, 400, 600), _about_learning_with_three_layers),
            *DECAY,
        ),
        System(
            "wide linear network, t = 0.02",
            FIRST_ORDER,
            NOT_FIRST,
            deep_linear_width(0.02, _about_coexistence_of_wide_networks),
            *DECAY,
        ),
        System(
            "wide linear network, t = 0.055",
            CONTINUOUS,
            NOT_CONTINUOUS,
            deep_linear_width(0.055, _about_the_critical_end_point),
            *DECAY,
        ),
        System(
            "wide linear network, t = 0.10",
            CROSSOVER,
            FIRST_ORDER | CONTINUOUS,
            deep_linear_width(0.1, _above_the_critical_end_point),
            *DECAY,
        ),
        System(
            "wide linear network of two layers, t = 0.02",
            CROSSOVER,
            FIRST_ORDER | CONTINUOUS,
            deep_linear_width(0.02, _about_learning_of_wide_networks_with_two_layers, 2),
            *DECAY,
        ),
        System("driven well", CROSSOVER, FIRST_ORDER | CONTINUOUS, driven_well(0.0), *FIELD),
        System(
            "driven skewed well", CROSSOVER, FIRST_ORDER | CONTINUOUS, driven_well(1.0), *FIELD
        ),
    )
}
"""Name to system."""
