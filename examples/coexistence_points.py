"""Coexistence in the Potts model with ten states beside its exact solution.

Swendsen-Wang chains of several sizes, begun hot and cold at two temperatures about the point of
equal height, are reweighted together. Printed are the transition point by the ratio of weights,
the latent heat by the means of the phases and the barrier at every size, and then what they say
of the infinite lattice, each beside the exact number. With ``--repeats`` the smallest size is
measured many times, and the intervals that hold the pooled value are counted.

    python examples/coexistence_points.py                 # four minutes on one core
    python examples/coexistence_points.py --quick         # without the largest size
    python examples/coexistence_points.py --repeats 40    # coverage at L = 12 only
"""

import argparse
from collections.abc import Sequence

import numpy as np
import xarray as xr

from phasegrok.exact import Chains, PottsTransition, potts, potts_transition
from phasegrok.transitions import (
    interface_tension,
    jump_of_the_infinite_system,
    transition_point_of_the_infinite_system,
)
from phasegrok.transitions.phases.phase_points import coexistence_points

STATES = 10
# Integrated autocorrelation time of the energy at the transition, in sweeps.
TIMES = {12: 241, 16: 427, 24: 1504, 32: 6286}
RECORDS_PER_TIME = 15
SHOWN = ("equal_weight_point", "equal_height_point", "jump", "barrier")


def sampled(extent: int, *, times: int, replicas: int, seed: int) -> xr.DataArray:
    """Energies of chains about equal height: so many autocorrelation times for each chain."""
    exact = potts_transition(STATES)
    # At β_t the ordered phase weighs q times the other; the phases' energies differ by Δe L².
    shift = np.log(STATES) / (exact.latent_heat * extent**2)
    stride = max(1, TIMES[extent] // RECORDS_PER_TIME)
    chains = Chains(
        record_count=times * TIMES[extent] // stride,
        sweeps_per_record=stride,
        discarded_sweeps=3 * TIMES[extent],
        replica_count=replicas,
        starts=("hot", "cold"),
    )
    samples = potts(
        state_count=STATES,
        linear_extent=extent,
        inverse_temperature=exact.inverse_temperature - shift * np.array([1.2, 0.8]),
        chains=chains,
        seed=seed,
    )
    return samples["energy"]


def measured(energies: Sequence[xr.DataArray], seed: int) -> xr.Dataset:
    """Points of all sizes."""
    tables = [
        coexistence_points(
            each,
            control="inverse_temperature",
            size="linear_extent",
            dimension=2,
            energy=each,
            weight_ratio=STATES,
            seed=seed,
        )
        for each in energies
    ]
    return xr.concat(tables, "size")


def show_sizes(points: xr.Dataset, exact: PottsTransition) -> None:
    """Print a line for every size."""
    print(
        f"{'L':>4s} {'beta_w':>18s} {'z':>5s} {'beta_h':>18s} {'latent heat':>15s} "
        f"{'of exact':>8s} {'barrier':>12s} {'trips':>6s}"
    )
    for extent in points["size"].values:
        at = points.sel(size=extent)
        value = {name: (float(at[name]), float(at[f"{name}_error"])) for name in SHOWN}
        point, error = value["equal_weight_point"]
        jump, jump_error = value["jump"]
        print(
            f"{extent:4g} {point:10.6f}±{error:.6f} "
            f"{(point - exact.inverse_temperature) / error:5.1f} "
            f"{value['equal_height_point'][0]:9.5f}±{value['equal_height_point'][1]:.6f} "
            f"{jump:8.4f}±{jump_error:.4f} {jump / exact.latent_heat:8.3f} "
            f"{value['barrier'][0]:7.3f}±{value['barrier'][1]:.3f} "
            f"{int(at['round_trips']):6d}  {at['reason'].item()}"
        )


def show_limits(points: xr.Dataset, exact: PottsTransition) -> None:
    """Print the infinite lattice beside the exact solution."""
    point = transition_point_of_the_infinite_system(points)
    tension = interface_tension(points)
    jump = jump_of_the_infinite_system(points)
    low, high = jump.interval_95
    print(
        f"transition point   {point.point:.6f} ± {point.error:.6f}   exact "
        f"{exact.inverse_temperature:.6f}   p = {point.probability:.2f}\n"
        f"2 sigma_od         {tension.twice_tension:.4f} ± {tension.twice_tension_error:.4f}   "
        f"exact {exact.twice_interface_tension:.4f}   p = {tension.probability:.2f}\n"
        f"latent heat        {jump.median:.4f} [{low:.4f}, {high:.4f}]   exact "
        f"{exact.latent_heat:.4f}   below {jump.upper_bound:.4f} (95 %)"
    )


def show_coverage(energies: xr.DataArray, repeats: int) -> None:
    """Count the intervals of each repeat that hold the value of all repeats together."""
    pooled = measured([energies], 0).isel(size=0)
    replica = energies["replica"].values
    parts = [energies.isel(run=np.flatnonzero(replica == each)) for each in range(repeats)]
    each = [measured([part], number).isel(size=0) for number, part in enumerate(parts)]
    doubted = sum(bool(one["reason"].item()) for one in each)
    print(f"{repeats} repeats, {doubted} with a doubt")
    for name in SHOWN:
        truth, truth_error = float(pooled[name]), float(pooled[f"{name}_error"])
        values = np.array([float(one[name]) for one in each])
        errors = np.array([float(one[f"{name}_error"]) for one in each])
        z = np.abs(values - truth) / errors
        print(
            f"{name:20s} {truth:.5f} ± {truth_error:.5f}  spread "
            f"{np.nanstd(values, ddof=1):.5f} stated {np.nanmean(errors):.5f}  "
            f"within 1: {np.sum(z < 1.0)}, within 1.96: {np.sum(z < 1.96)} of "
            f"{np.sum(np.isfinite(z))}"
        )


def main() -> None:
    """Sample, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the largest size")
    parser.add_argument("--repeats", type=int, default=0, help="coverage at the smallest size")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.repeats:
        energies = sampled(12, times=80, replicas=arguments.repeats, seed=arguments.seed)
        show_coverage(energies, arguments.repeats)
        return
    exact = potts_transition(STATES)
    extents = [12, 16, 24] if arguments.quick else [12, 16, 24, 32]
    times = 25 if arguments.quick else 30
    energies_by_size = [
        sampled(extent, times=times, replicas=2 if extent > 16 else 4, seed=arguments.seed)
        for extent in extents
    ]
    points = measured(energies_by_size, arguments.seed)
    show_sizes(points, exact)
    show_limits(points, exact)


if __name__ == "__main__":
    main()
