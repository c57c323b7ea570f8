"""Lifetimes of the unlearned phase of a deep linear chain, beside Kramers and Langer.

A chain of three weights learns one number by Langevin dynamics. Below its first-order
transition the state that has learned nothing is metastable, and noise lets it escape. Escapes
are dated at every step. Printed are the lifetimes at several barriers over temperatures, slope
and prefactor of their Arrhenius law beside those of theory without a fit, and what remains of
them when the runs are cut at a time that three in ten outlive: by the right estimator, and by
the mean of the runs that escaped.

A second study reads this as grokking: the chain is trapped by a large weight decay, which is
then lowered; what follows is a delay of the whole drop of the loss that spans decades. No
example is memorised meanwhile: losses of training and test stay high together.

    python examples/lifetimes.py              # 2000 runs a point, an hour
    python examples/lifetimes.py --quick      # a minute
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from phasegrok import Energy, Plan, Recording, Study, open_runs, part
from phasegrok.collect import collect
from phasegrok.plotting import lifetimes as draw_lifetimes
from phasegrok.plotting import lifetimes_table, save_figure
from phasegrok.study import Event, Ramp
from phasegrok.theory import deep_linear_escape
from phasegrok.transitions import arrhenius, lifetimes

LAYERS: Final = 3
STEP_SIZE: Final = 0.04
ESCAPED: Final = 0.4
"""Output at which a chain has escaped: beyond the saddle, within the learned basin."""

LONGEST: Final = 7.0
"""Lifetimes that a run may last: one in a thousand lasts longer, and is censored."""

TRAPPED: Final = 0.8
TRAPPED_TIME: Final = 20.0


def theory_at(weight_decay: float, temperature: float) -> xr.Dataset:
    """Rates, barrier and prefactor of Kramers and Langer at a point."""
    return deep_linear_escape(
        layer_count=LAYERS, weight_decay=[weight_decay], temperature=[temperature]
    ).isel(weight_decay=0, temperature=0)


def points(weight_decay: float, barriers: Sequence[float]) -> list[dict[str, float]]:
    """Temperatures for barriers over the temperature, and the steps that escapes take."""
    height = float(theory_at(weight_decay, 1.0).barrier_to_learn)
    found = []
    for barrier in barriers:
        temperature = height / barrier
        expected = 1.0 / float(theory_at(weight_decay, temperature).rate_to_learn)
        steps = round(LONGEST * expected / STEP_SIZE, -2)
        found.append(
            {"temperature": temperature, "weight_decay": weight_decay, "steps": int(steps)}
        )
    return found


def chains(arguments: argparse.Namespace) -> Study:
    """Escapes from the unlearned state at all points."""
    return Study(
        name="lifetimes of the unlearned phase",
        seed=5,
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
        energy=Energy(temperature=0.01, weight_decay=0.35),
        recording=Recording(steps=1000, spacing="logarithmic", count=10),
        events=[
            Event(
                name="escape",
                observable=part("mode_strength", mode=0),
                threshold=ESCAPED,
                stop=True,
            )
        ],
        plan=Plan(
            points=[
                point
                for weight_decay in arguments.weight_decays
                for point in points(weight_decay, arguments.barriers)
            ],
            replicas=arguments.replicas,
            starts=("zero",),
        ),
    )


def released(weight_decay: float, arguments: argparse.Namespace) -> Study:
    """Chains that are trapped by a large weight decay, which is lowered at once."""
    trapped = round(TRAPPED_TIME / STEP_SIZE)
    expected = 1.0 / float(
        theory_at(weight_decay, arguments.released_temperature).rate_to_learn
    )
    steps = trapped + round(LONGEST * expected / STEP_SIZE, -2)
    ramp = Ramp(control="weight_decay", knots=[(trapped, TRAPPED), (trapped + 1, weight_decay)])
    return replace(
        chains(arguments),
        name=f"released to {weight_decay:g}",
        energy=Energy(temperature=arguments.released_temperature, weight_decay=TRAPPED),
        recording=Recording(steps=int(steps), spacing="logarithmic", count=120),
        ramps=[ramp],
        plan=Plan(replicas=arguments.released_replicas, starts=("prior",)),
    )


def censored(runs: xr.Dataset, share: float) -> xr.Dataset:
    """Cut every point at the step that this share of its runs outlives."""
    lower, upper = (runs[f"event_escape_{side}"].copy() for side in ("lower", "upper"))
    for temperature in np.unique(runs.temperature):
        here = runs.temperature.values == temperature
        cut = np.quantile(upper.values[here], 1.0 - share)
        beyond = here & (upper.values > cut)
        upper.values[beyond] = np.inf
        lower.values[beyond] = np.minimum(lower.values[beyond], cut)
    return runs.assign(event_escape_lower=lower, event_escape_upper=upper)


def naive_means(runs: xr.Dataset, temperatures: Sequence[float]) -> list[float]:
    """Mean times of the runs that escaped, which forgets the others."""
    upper = runs.event_escape_upper.values
    means = []
    for temperature in temperatures:
        here = (runs.temperature.values == temperature) & np.isfinite(upper)
        means.append(float(upper[here].mean() * STEP_SIZE))
    return means


def against_theory(runs: xr.Dataset, weight_decay: float, out: Path) -> None:
    """Print lifetimes and their law beside theory, and draw them."""
    here = runs.isel(run=np.flatnonzero(runs.weight_decay.values == weight_decay))
    cut = censored(here, 0.3)
    tables = [lifetimes(each, event="escape", by=["temperature"]) for each in (here, cut)]
    temperatures = tables[0].temperature.values
    exact = [1.0 / float(theory_at(weight_decay, each).rate_to_learn) for each in temperatures]
    naive = naive_means(cut, temperatures)
    theory = theory_at(weight_decay, 1.0)
    barrier = float(theory.barrier_to_learn)
    print(f"weight decay {weight_decay:g}, barrier {barrier:.6f}")
    for index, temperature in enumerate(temperatures):
        whole, short = (table.isel(point=index) for table in tables)
        print(
            f"  barrier/T {barrier / temperature:4.1f}  {in_error_bars(whole)}  "
            f"cut at 30 % {in_error_bars(short)}, {int(short.censored)} of "
            f"{int(short.censored + short.escapes)} censored  "
            f"mean of those that escaped {naive[index]:7.1f}  theory {exact[index]:7.1f}"
        )
    for label, table in zip(("all runs", "cut at 30 %"), tables, strict=True):
        inverse = table.assign_coords(size=1.0 / table.temperature)
        fit = arrhenius(inverse)
        print(
            f"  {label:12s} barrier {fit.barrier:.5f} ± {fit.barrier_error:.5f}, theory "
            f"{barrier:.5f}; ln prefactor {fit.log_prefactor:.3f} ± "
            f"{fit.log_prefactor_error:.3f}, theory "
            f"{-np.log(float(theory.prefactor_to_learn)):.3f}"
        )
        name = f"lifetimes_{weight_decay:g}_{label.split()[0]}"
        axes = draw_lifetimes(inverse, fit, exact=exact)
        axes.set_xlabel("inverse temperature 1/T")
        save_figure(axes.figure, out / name, table=lifetimes_table(inverse, fit, exact=exact))


def in_error_bars(row: xr.Dataset) -> str:
    """A lifetime with its 68 per cent interval."""
    up, down = row.upper_68 - row.value, row.value - row.lower_68
    return f"{float(row.value):7.1f} +{float(up):.1f} -{float(down):.1f}"


def delays(arguments: argparse.Namespace) -> None:
    """Print the delays after the release, beside theory and over how many decades."""
    shortest, longest = np.inf, 0.0
    for weight_decay in arguments.released_weight_decays:
        folder = arguments.out / f"released-{weight_decay:g}"
        print(collect(released(weight_decay, arguments), folder, workers=arguments.workers))
        runs = open_runs(folder).load()
        table = lifetimes(runs, event="escape", by=["temperature"], dead_time=TRAPPED_TIME)
        row = table.isel(point=0)
        theory = theory_at(weight_decay, arguments.released_temperature)
        shortest = min(shortest, float(row.value))
        longest = max(longest, float(row.value))
        print(
            f"  released to {weight_decay:g}: {in_error_bars(row)}, theory "
            f"{1.0 / float(theory.rate_to_learn):7.1f} at barrier/T "
            f"{float(theory.barrier_to_learn) / arguments.released_temperature:.2f}; "
            f"spread over mean {float(row.coefficient_of_variation):.3f}, 1 for one rate; "
            f"status {int(row.status)}"
        )
    print(f"delays over {np.log10(longest / shortest):.2f} decades")


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-lifetimes"))
    parser.add_argument("--weight-decays", type=float, nargs="+", default=[0.35, 0.3])
    parser.add_argument("--barriers", type=float, nargs="+", default=[3.0, 4.0, 5.0, 6.0])
    parser.add_argument("--replicas", type=int, default=2000)
    parser.add_argument(
        "--released-weight-decays",
        type=float,
        nargs="+",
        default=[0.18, 0.21, 0.24, 0.26, 0.28],
    )
    parser.add_argument("--released-temperature", type=float, default=0.0015)
    parser.add_argument("--released-replicas", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.weight_decays, arguments.barriers = [0.35], [1.5, 2.5]
        arguments.replicas, arguments.released_replicas = 100, 30
        arguments.released_weight_decays = [0.18, 0.21]
    return arguments


def main() -> None:
    """Collect all studies and print what they say."""
    arguments = parse()
    folder = arguments.out / "points"
    print(collect(chains(arguments), folder, workers=arguments.workers))
    runs = open_runs(folder).load()
    for weight_decay in arguments.weight_decays:
        against_theory(runs, weight_decay, arguments.out)
    delays(arguments)


if __name__ == "__main__":
    main()
