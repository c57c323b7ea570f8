"""Phase weights across a barrier: Langevin, replica exchange and umbrellas, by equal effort.

A deep linear chain of three weights, at a weight decay where a fifth of its stationary law has
learned; half of all runs begin there. Plain Langevin dynamics crosses at the rates of Kramers
and Langer, so its weights keep the memory of where the runs began. A ladder of temperatures,
and a ladder of umbrellas on ½|θ|², reach the same law around or across the barrier. All three
spend the same number of gradients. Printed are the weight of the learned phase with its error
beside the exact one, round trips, and how many times as many gradients plain dynamics in
equilibrium needs for the same error; for the umbrellas also the free energy between the phases
and the lifetimes that follow from it.

    python examples/barrier_crossing.py              # two temperatures, half an hour
    python examples/barrier_crossing.py --quick      # a minute
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from phasegrok import Energy, Plan, Recording, Study, open_runs, part
from phasegrok.collect import collect
from phasegrok.plotting import free_energy, free_energy_table, save_figure
from phasegrok.statistics import ControlStates, at_rungs, reweighted_map, solve_controls
from phasegrok.study import Exchange, Umbrella
from phasegrok.theory import (
    deep_linear_coexistence,
    deep_linear_equilibrium,
    deep_linear_escape,
    deep_linear_modes,
)
from phasegrok.transitions import (
    escape_from_profile,
    free_energy_profile,
    ladder_round_trips,
    norm_diffusion,
)

LAYERS: Final = 3
WEIGHT: Final = 0.2
"""Of the learned phase."""

STEP_SIZE: Final = 0.05
EVERY: Final = 20
NORMS: Final = tuple(f"half_square_norm_layer_{layer}" for layer in range(1, LAYERS + 1))
HOT: Final = 0.016
"""Highest temperature of a ladder: its barriers are below two temperatures."""

CENTERS: Final = np.linspace(0.0, 1.1, 12)
STIFFNESS: Final = 300.0
"""κ of the umbrellas times the temperature's inverse: windows as wide as they are apart."""


class Answer(NamedTuple):
    """Weight of the learned phase by one method."""

    weight: float
    error: float
    gradients: float
    trips: float


def weight_decay_of(temperature: float) -> float:
    """Where the learned phase has the asked weight."""
    line = deep_linear_coexistence(layer_count=LAYERS, width=1, temperature=[temperature])
    middle = float(line.coexistence[0])

    def excess(weight_decay: float) -> float:
        law = law_at(temperature, weight_decay)
        return float(law.learned_weight) - WEIGHT

    found: float = brentq(excess, middle, middle + 10.0 * temperature)
    return found


def law_at(temperature: float, weight_decay: float) -> xr.Dataset:
    """The stationary law at a point, by quadrature."""
    return deep_linear_equilibrium(
        layer_count=LAYERS, width=1, temperature=[temperature], weight_decay=[weight_decay]
    ).squeeze()


def border(weight_decay: float) -> float:
    """½|θ|² at the saddle, which parts the phases."""
    modes = deep_linear_modes(
        layer_count=LAYERS, singular_values=[1.0], weight_decay=[weight_decay]
    )
    saddle = float(modes.saddle_product.squeeze())
    return float(0.5 * LAYERS * saddle ** (2.0 / LAYERS))


def rungs_of(temperature: float) -> list[float]:
    """Temperatures of a ladder: as many as umbrellas have centers."""
    return [float(each) for each in np.geomspace(temperature, HOT, len(CENTERS))]


def plain(temperature: float, arguments: argparse.Namespace) -> Study:
    """Langevin dynamics, half of the runs from each phase; all gradients of a ladder."""
    weight_decay = weight_decay_of(temperature)
    return Study(
        name="plain Langevin",
        seed=12,
        task=part(
            "linear_teacher",
            input_size=1,
            output_size=1,
            singular_values=[1.0],
            example_count=2,
            test_count=0,
        ),
        network=part("deep_linear", depth=LAYERS, width=1),
        dynamics=part("langevin", step_size=STEP_SIZE),
        energy=Energy(temperature=temperature, weight_decay=weight_decay),
        recording=Recording(steps=arguments.steps, start=arguments.steps // 4, every=EVERY * 5),
        plan=Plan(
            grid={"weight_decay": [weight_decay]},
            replicas=arguments.ladders * len(CENTERS) // 2,
            starts=("zero", "learned"),
        ),
    )


def tempered(temperature: float, arguments: argparse.Namespace) -> Study:
    """A ladder of temperatures."""
    study = plain(temperature, arguments)
    return replace(
        study,
        name="replica exchange",
        exchange=Exchange(control="temperature", rungs=rungs_of(temperature), every=EVERY),
        plan=replace(study.plan, replicas=arguments.ladders // 2),
    )


def umbrellas(temperature: float, arguments: argparse.Namespace) -> Study:
    """A ladder of umbrellas."""
    study = plain(temperature, arguments)
    return replace(
        study,
        name="umbrellas",
        umbrella=Umbrella(center=0.0, strength=STIFFNESS * temperature),
        exchange=Exchange(
            control="umbrella.center",
            rungs=[float(center) for center in CENTERS],
            every=EVERY,
        ),
        plan=replace(study.plan, replicas=arguments.ladders // 2),
    )


def learned_norm(runs: xr.Dataset) -> xr.DataArray:
    """½|θ|² of all layers."""
    total = sum(runs[name] for name in NORMS)
    return xr.DataArray(total)


def by_runs(runs: xr.Dataset, cut: float) -> Answer:
    """Fraction of time beyond the border; every run is one independent sample of it."""
    weights = (learned_norm(runs) > cut).mean("record").values
    error = float(weights.std(ddof=1) / np.sqrt(weights.size))
    gradients = float(runs.gradient_count.sum())
    crossings = np.diff((learned_norm(runs) > cut).values.astype(int), axis=1)
    trips = float(np.abs(crossings).sum() / 2)
    return Answer(float(weights.mean()), error, gradients, trips)


def solved(runs: xr.Dataset) -> ControlStates:
    """All rungs of all ladders as one body of samples."""
    control = "umbrella.center" if "umbrella.center_now" in runs else "temperature"
    chains = at_rungs(runs, control=control)
    biased = NORMS if control == "umbrella.center" else None
    return solve_controls(chains, umbrella=biased, unit="ladder")


def by_ladders(
    runs: xr.Dataset, states: ControlStates, temperature: float, cut: float
) -> Answer:
    """Weight at the cold end without bias, from all rungs."""
    weight_decay = weight_decay_of(temperature)
    found = reweighted_map(
        states,
        {"learned": (learned_norm(states.dataset) > cut).astype(float)},
        at={"temperature": [temperature], "weight_decay": [weight_decay]},
    ).squeeze()
    trips = ladder_round_trips(runs)
    gradients = float(runs.gradient_count.sum())
    return Answer(float(found.learned), float(found.learned_error), gradients, trips.count)


def expected_plain(temperature: float, gradients: float) -> float:
    """Error of plain dynamics in equilibrium, from the rates of Kramers and Langer."""
    rates = deep_linear_escape(
        layer_count=LAYERS,
        weight_decay=[weight_decay_of(temperature)],
        temperature=[temperature],
    ).squeeze()
    both = float(rates.rate_to_learn + rates.rate_to_forget)
    return float(np.sqrt(2.0 * WEIGHT * (1 - WEIGHT) / (both * gradients * STEP_SIZE)))


def tell(name: str, answer: Answer, reference: float) -> None:
    """Print an answer beside the exact one, and what it is worth beside plain dynamics."""
    away = (answer.weight - WEIGHT) / answer.error
    worth = f"plain dynamics needs {(reference / answer.error) ** 2:.3g} times as many"
    if name == "plain":
        worth = f"in equilibrium the error would be {reference:.4f}"
    print(
        f"  {name:9s} weight {answer.weight:.4f} ± {answer.error:.4f}, exact {WEIGHT}, "
        f"z {away:5.2f}; {answer.trips:.0f} round trips; {answer.gradients:.3g} gradients, "
        f"{worth}"
    )


def across(states: ControlStates, temperature: float, out: Path) -> None:
    """Free energy between the phases, and the lifetimes that follow from it."""
    weight_decay = weight_decay_of(temperature)
    profile = free_energy_profile(
        states,
        NORMS,
        at={"temperature": temperature, "weight_decay": weight_decay},
        seed=1,
    )
    rates = deep_linear_escape(
        layer_count=LAYERS, weight_decay=[weight_decay], temperature=[temperature]
    ).squeeze()
    for up, word in ((True, "learn"), (False, "forget")):
        escape = escape_from_profile(profile, diffusion=norm_diffusion(temperature), up=up)
        print(
            f"  time to {word} from the profile {float(escape.time):.4g} ± "
            f"{float(escape.time_error):.2g}, Kramers and Langer "
            f"{1.0 / float(rates[f'rate_to_{word}']):.4g}"
        )
    axes = free_energy(profile)
    save_figure(
        axes.figure,
        out / f"free_energy_{temperature:g}",
        table=free_energy_table(profile),
    )


def compare(temperature: float, arguments: argparse.Namespace) -> None:
    """Make the three studies at one temperature and print what they say."""
    weight_decay = weight_decay_of(temperature)
    law, cut = law_at(temperature, weight_decay), border(weight_decay)
    print(
        f"temperature {temperature:g}, weight decay {weight_decay:.5f}, barriers of "
        f"{float(law.barrier_to_learn):.1f} and {float(law.barrier_to_forget):.1f} nats"
    )
    makers = {"plain": plain, "exchange": tempered, "umbrellas": umbrellas}
    for name, describe in makers.items():
        folder = arguments.out / f"{name}-{temperature:g}"
        print(collect(describe(temperature, arguments), folder, workers=arguments.workers))
        runs = open_runs(folder).load()
        reference = expected_plain(temperature, float(runs.gradient_count.sum()))
        if name == "plain":
            tell(name, by_runs(runs, cut), reference)
            continue
        states = solved(runs)
        tell(name, by_ladders(runs, states, temperature, cut), reference)
        if name == "umbrellas":
            across(states, temperature, arguments.out)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-barrier"))
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.005, 0.0025])
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--ladders", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.temperatures = [0.005]
        arguments.steps, arguments.ladders = 24_000, 8
    return arguments


def main() -> None:
    """Compare at every temperature."""
    arguments = parse()
    for temperature in arguments.temperatures:
        compare(temperature, arguments)


if __name__ == "__main__":
    main()
