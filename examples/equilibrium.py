"""Two samplers and two starts beside theory: the measured equilibrium is the right one.

Two-layer erf networks learn a cubic teacher at several noise levels, sampled by HMC and by
BAOAB, from the prior and with every neuron aligned. The discrepancies b and c and the aligned
fraction are printed beside the finite-size theory, with errors over disorders, and the samplers
and the starts are compared on equal disorders. The studies stay in ``--out``: the same command
again continues them.

    python examples/equilibrium.py                       # beta = 1/8, 12 disorders
    python examples/equilibrium.py --beta 0.5 --noise-variances 0.1 0.25 --disorders 4
    python examples/equilibrium.py --quick               # a minute, two disorders
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from phasegrok import Energy, Plan, Recording, Study, open_runs, part
from phasegrok.collect import collect
from phasegrok.statistics import point_means
from phasegrok.study import Part
from phasegrok.theory import CubicTeacherSystem, solve_finite_size

VARIABLES = ("linear_discrepancy", "cubic_discrepancy", "aligned_fraction")


def sampler(name: str, burn_in: int) -> Part:
    """HMC, or BAOAB in the same whitened coordinates."""
    if name == "hmc":
        return part("hmc", step_size=0.1, leapfrog_steps=10, burn_in=burn_in)
    return part("underdamped", step_size=0.1, friction=0.3, coordinates="whitened")


def describe(name: str, arguments: argparse.Namespace) -> Study:
    """The study of one sampler; a trajectory of HMC is worth ten steps of BAOAB."""
    system = CubicTeacherSystem.paper(beta=arguments.beta, noise_variance=0.18)
    unit = 1 if name == "hmc" else 10
    burn_in = arguments.burn_in
    return Study(
        name=f"equilibrium by {name}",
        seed=8,
        task=part(
            "cubic_teacher",
            input_size=round(system.input_size),
            example_count=round(system.example_count),
            cubic=system.cubic,
            test_count=0,
        ),
        network=part(
            "two_layer",
            width=round(system.width),
            first_variance=system.first_variance,
            readout_variance=system.readout_variance,
        ),
        dynamics=sampler(name, burn_in),
        energy=Energy(temperature=0.18, weight_decay="prior"),
        recording=Recording(
            steps=(burn_in + arguments.trajectories) * unit,
            start=burn_in * unit,
            every=4 * unit,
            observables=[part(variable) for variable in VARIABLES],
        ),
        plan=Plan(
            grid={"temperature": list(arguments.noise_variances)},
            disorders=arguments.disorders,
            replicas=2,
            starts=("prior", "aligned"),
        ),
    )


def against_theory(runs: xr.Dataset, name: str, beta: float) -> None:
    """Print measured means beside the theory at this size."""
    tables = [point_means(runs, each, controls=["temperature"]) for each in VARIABLES]
    for index, noise_variance in enumerate(tables[0]["temperature"].values):
        system = CubicTeacherSystem.paper(beta=beta, noise_variance=float(noise_variance))
        theory = solve_finite_size(system)
        expected = (
            theory.linear_discrepancy,
            theory.cubic_discrepancy,
            theory.aligned_fraction(0.5),
        )
        for variable, table, value in zip(VARIABLES, tables, expected, strict=True):
            point = table.isel(point=index)
            mean, error = float(point["mean"]), float(point["standard_error"])
            print(
                f"{name:12s} σ²={noise_variance:<5g} {variable:19s} {mean:8.4f} ± {error:.4f}  "
                f"theory {value:8.4f}  ratio {mean / value:6.3f}  "
                f"z {(mean - value) / error:6.2f}  "
                f"split R-hat {float(point['split_r_hat']):.3f}"
            )


def disorder_means(runs: xr.Dataset, variable: str) -> xr.DataArray:
    """Mean of every disorder at every temperature, (temperature, disorder)."""
    means = runs[variable].mean("record")
    return means.groupby(["temperature", "disorder"]).mean()


def compare(label: str, first: xr.DataArray, second: xr.DataArray) -> None:
    """Print the mean difference over equal disorders, with its standard error."""
    difference = first - second
    count = difference.sizes["disorder"]
    error = difference.std("disorder", ddof=1) / np.sqrt(count)
    for noise_variance in difference["temperature"].values:
        here = {"temperature": noise_variance}
        shift = float(difference.sel(here).mean())
        spread = float(error.sel(here))
        print(
            f"{label:24s} σ²={noise_variance:<5g} {first.name!s:19s} "
            f"{shift:8.4f} ± {spread:.4f}  z {shift / spread:6.2f}"
        )


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-equilibrium"))
    parser.add_argument("--beta", type=float, default=0.125)
    parser.add_argument("--noise-variances", type=float, nargs="+", default=[0.1, 0.18, 0.3])
    parser.add_argument("--disorders", type=int, default=12)
    parser.add_argument("--burn-in", type=int, default=200, help="trajectories")
    parser.add_argument("--trajectories", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.disorders, arguments.burn_in, arguments.trajectories = 2, 30, 60
    return arguments


def main() -> None:
    """Collect both studies and print the comparisons."""
    arguments = parse()
    means: dict[str, dict[str, xr.DataArray]] = {}
    for name in ("hmc", "underdamped"):
        folder = arguments.out / name
        print(
            collect(
                describe(name, arguments),
                folder,
                workers=arguments.workers,
                device=arguments.device,
            )
        )
        runs = open_runs(folder).load()
        against_theory(runs, name, arguments.beta)
        means[name] = {each: disorder_means(runs, each) for each in VARIABLES}
        prior, aligned = (runs.isel(run=runs.start == word) for word in ("prior", "aligned"))
        for each in VARIABLES:
            compare(
                f"{name}: prior - aligned",
                disorder_means(prior, each),
                disorder_means(aligned, each),
            )
    for each in VARIABLES:
        compare("hmc - underdamped", means["hmc"][each], means["underdamped"][each])


if __name__ == "__main__":
    main()
