"""Critical point and exponents of the Ising model on a square, beside the exact ones.

Spins are sampled by Swendsen-Wang updates at several sizes about the transition. Crossings of
Binder cumulants, the growth of peaks with size and the collapse of all sizes on one curve give
the transition and its exponents, printed with their errors beside the exact values. The figure
and its numbers are written to ``--out``. No torch is needed.

    python examples/finite_size_scaling.py               # two minutes, L = 8 to 48
    python examples/finite_size_scaling.py --quick       # seconds, L = 6 to 16
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.exact import ISING_CRITICAL_INVERSE_TEMPERATURE, Chains, concatenated, ising
from phasegrok.plotting import collapse, collapse_table, save_figure
from phasegrok.transitions import (
    crossings_of,
    curve_table,
    data_collapse,
    moment_curves,
    peaks_of,
    scaling_of,
)

CONTROL: Final = "inverse_temperature"

EXACT: Final[Mapping[str, float]] = {
    "transition": ISING_CRITICAL_INVERSE_TEMPERATURE,
    "nu": 1.0,
    "beta_over_nu": 1.0 / 8.0,
    "gamma_over_nu": 7.0 / 4.0,
    "width_exponent": 1.0 / 2.0,
    "order_exponent": 1.0 / 16.0,
}

CUMULANT: Final = 0.61069
"""U₄ of the infinite periodic square [Kamieniarz and Blöte, J. Phys. A 26, 201 (1993)]."""


def sampled(extents: Sequence[int], arguments: argparse.Namespace) -> xr.Dataset:
    """Sample every size from hot and cold starts, nearer to the transition the larger it is."""
    chains = Chains(
        record_count=arguments.records, discarded_sweeps=200, starts=("hot", "cold")
    )
    parts = []
    for extent in extents:
        # The transition narrows as 1/L; peaks of the fluctuation lie below it in β.
        middle = ISING_CRITICAL_INVERSE_TEMPERATURE
        controls = np.linspace(middle - 0.9 / extent, middle + 0.5 / extent, arguments.controls)
        parts.append(
            ising(
                linear_extent=extent,
                inverse_temperature=controls,
                chains=chains,
                seed=arguments.seed,
            )
        )
    return concatenated(parts)


def show_crossings(crossings: xr.Dataset) -> None:
    """Print where neighbouring sizes cross; both columns drift towards the exact values."""
    print(f"crossings of cumulants (exact limits: {EXACT['transition']:.6f} and {CUMULANT})")
    for pair in crossings["pair"].values:
        row = crossings.isel(pair=pair)
        print(
            f"  L = {float(row['smaller']):3g}, {float(row['larger']):3g}  "
            f"β {float(row['control']):.5f} ± {float(row['control_error']):.5f}  "
            f"U₄ {float(row['value']):.4f} ± {float(row['value_error']):.4f}  "
            f"{row['finding'].item()}"
        )


def show_peaks(peaks: xr.Dataset) -> None:
    """Print the largest fluctuation of |m| of every size."""
    print("largest N Var|m|")
    for size in peaks["size"].values:
        row = peaks.sel(size=size)
        print(
            f"  L = {size:3g}  β {float(row['fluctuation_control']):.5f} ± "
            f"{float(row['fluctuation_control_error']):.5f}  N Var|m| "
            f"{float(row['fluctuation_peak']):7.3f} ± "
            f"{float(row['fluctuation_peak_error']):.3f}  {row['fluctuation_finding'].item()}"
        )


def show_summary(label: str, summary: xr.Dataset, probability: float) -> None:
    """Print exponents beside the exact ones."""
    print(f"{label} (misfit p = {probability:.2f})")
    for name, exact in EXACT.items():
        row = summary.sel(quantity=name)
        mean, error = float(row["mean"]), float(row["error"])
        print(
            f"  {name:16s} {mean:8.4f} ± {error:.4f}  "
            f"95 % [{float(row['lower_95']):.4f}, {float(row['upper_95']):.4f}]  "
            f"exact {exact:.4f}  z {(mean - exact) / error:6.2f}"
        )


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-finite-size-scaling"))
    parser.add_argument("--extents", type=int, nargs="+", default=[8, 12, 16, 24, 32, 48])
    parser.add_argument("--controls", type=int, default=12)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.extents, arguments.records = [6, 8, 12, 16], 600
    return arguments


def main() -> None:
    """Sample, analyse, print and draw."""
    arguments = parse()
    runs = sampled(arguments.extents, arguments)
    samples, energy = runs["magnetization"], runs["energy"]
    curves = moment_curves(
        samples,
        control=CONTROL,
        size="linear_extent",
        dimension=2,
        energy=energy,
        seed=arguments.seed,
    )
    crossings = crossings_of(curves, lambda each: each.cumulant)
    show_crossings(crossings)
    show_peaks(peaks_of(curves))
    scaling = scaling_of(curves, dimension=2, seed=arguments.seed)
    show_summary("growth and shift of peaks", scaling.summary, scaling.probability)
    fit = data_collapse(
        samples, control=CONTROL, size="linear_extent", dimension=2, seed=arguments.seed
    )
    show_summary("collapse of mean and variance", fit.summary, fit.probability)
    table = curve_table(curves)
    panels = collapse(fit, table, crossings, control=CONTROL)
    drawn = collapse_table(fit, table, crossings)
    for path in save_figure(panels[0].figure, arguments.out / "collapse", drawn):
        print(path)


if __name__ == "__main__":
    main()
