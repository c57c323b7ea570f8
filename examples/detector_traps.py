"""Nine ways to mistake one kind of transition for another, on systems whose answer is known.

For every trap a naive detector is run on samples that it gets wrong, and phasegrok on the same
samples. A line of numbers (naive, exact, phasegrok) is printed and a picture of both is written
to ``--out``. No torch is needed. Verdicts are reached in the full run only.

    python examples/detector_traps.py            # two minutes on one core
    python examples/detector_traps.py --quick    # fewer sizes and draws, no verdicts
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import emcee
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit, logsumexp
from scipy.stats import laplace, norm

from phasegrok import exact
from phasegrok.exact import ISING_CRITICAL_INVERSE_TEMPERATURE as BETA_CRITICAL
from phasegrok.inference import (
    Budget,
    Model,
    ParameterSpace,
    Posterior,
    bin_folded,
    fit_model,
    sample,
    uniform,
)
from phasegrok.inference.folded import predictive_probability
from phasegrok.plotting.style import PALETTE, new_axes_row, shade, style
from phasegrok.statistics import (
    Status,
    connected_susceptibility_by_point,
    mean,
    run_layout,
    susceptibility_estimate,
)
from phasegrok.transitions import (
    SpinodalStatus,
    coexistence_points,
    compare_loop_laws,
    loops,
    spinodal_estimate,
)
from phasegrok.verdict import Verdict, order_of_transition

Array = NDArray[np.float64]

LOG_WIDTH: Final = float(np.log(20.0))
"""ln of the range of the uniform prior of the two-mode toy, one parameter."""


SHORT: Final = Budget(block=100, most_steps=400, burn_in=50)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to draw, and from which seed."""

    quick: bool
    seed: int = 1

    def either(self, quick: Any, full: Any) -> Any:
        """What a quick and a full run take."""
        return quick if self.quick else full


@dataclass(frozen=True, kw_only=True)
class Trap:
    """What came of one trap.

    Parameters
    ----------
    naive, exact, phasegrok : str
        The three answers in a phrase each.
    numbers : mapping
        The numbers in them, by name.
    figure : Figure
        Both detectors.
    verdict : Verdict, optional
        Where one was asked for.
    """

    naive: str
    exact: str
    phasegrok: str
    numbers: Mapping[str, Any]
    figure: Figure
    verdict: Verdict | None = None


def panels() -> list[Axes]:
    """Two panels side by side."""
    return new_axes_row(2, width=6.4, aspect=0.4)


def finish(drawn: Sequence[Axes]) -> Figure:
    """Legends, and the figure that the panels lie on."""
    for ax in drawn:
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="best")
    figure = drawn[0].get_figure()
    if not isinstance(figure, Figure):
        raise TypeError("the panels lie on no figure; make them by panels().")
    return figure


def verdict_of(samples: xr.DataArray, effort: Effort, **words: Any) -> Verdict | None:
    """Verdict, in a full run."""
    return None if effort.quick else order_of_transition(samples, seed=effort.seed, **words)


def order(verdict: Verdict | None) -> str:
    """Answer of a verdict, and the likeliest with its probability."""
    if verdict is None:
        return "no verdict in a quick run"
    likeliest = max(verdict.probabilities, key=lambda each: verdict.probabilities[each])
    return f"verdict {verdict.order} ({likeliest} {verdict.probabilities[likeliest]:.3f})"


# 1. Two peaks at one size.


def magnetization_law(extent: int, beta: float) -> tuple[Array, Array]:
    """Exact law of the mean spin of the Ising model on a torus, by a transfer matrix.

    Rows are added one by one while the sum of all spins is counted: one first row of every
    set that a shift maps onto itself, 2^L last rows, L² + 1 sums.
    """
    bits = (np.arange(2**extent)[:, None] >> np.arange(extent)) & 1
    shifted = [np.roll(bits, by, axis=1) @ 2 ** np.arange(extent) for by in range(extent)]
    first, copies = np.unique(np.min(shifted, axis=0), return_counts=True)
    spins = 2 * bits - 1
    within = np.exp(beta * np.sum(spins * np.roll(spins, 1, axis=1), axis=1))
    between = np.exp(beta * (spins @ spins.T))
    up = (spins.sum(axis=1) + extent) // 2
    law = np.zeros((first.size, 2**extent, extent**2 + 1))  # (first row, last row, spins up)
    law[np.arange(first.size), first, up[first]] = within[first]
    for _ in range(extent - 1):
        law = np.einsum("fls,lk->fks", law, between, optimize=True) * within[:, None]
        law = np.stack([np.roll(law[:, k], up[k], axis=-1) for k in range(len(up))], axis=1)
    weight = np.einsum("fls,lf,f->s", law, between[:, first], copies, optimize=True)
    return np.linspace(-1.0, 1.0, extent**2 + 1), weight / weight.sum()


def symmetric_histogram(
    values: Array, *, spins: int, weight: Array | None = None, bins: int = 33
) -> tuple[Array, Array]:
    """Centres and log density of an even law of the mean spin, in bins about zero."""
    edges = np.linspace(-1.0, 1.0, bins + 1)
    shares = np.histogram(values, edges, weights=weight, density=False)[0]
    shares = (shares + shares[::-1]) / (2.0 * shares.sum())
    # Bins hold different numbers of the values that a mean of so many spins can take.
    possible = np.histogram(np.linspace(-1.0, 1.0, spins + 1), edges)[0]
    with np.errstate(divide="ignore"):
        return 0.5 * (edges[1:] + edges[:-1]), np.log(shares / possible * spins / 2)


def unfolded_barrier(log_density: Array) -> float:
    """Naive barrier ln P_max - ln P(0) of an even law."""
    return float(log_density.max() - log_density[log_density.size // 2])


@cache
def potts_study(effort: Effort) -> xr.Dataset:
    """Coexistence in the ten-state Potts model, sampled about equal height, by size."""
    solved = exact.potts_transition(10)
    tables = []
    # Autocorrelation times of the energy in sweeps, and how many of them a chain lasts.
    for extent, slowness, times in effort.either(
        ((12, 241, 25),),
        ((8, 110, 60), (12, 241, 60), (16, 427, 50)),
    ):
        shift = np.log(10.0) / (solved.latent_heat * extent**2)
        chains = exact.Chains(
            record_count=10 * times,
            sweeps_per_record=slowness // 10,
            discarded_sweeps=2 * slowness,
            replica_count=2,
            starts=("hot", "cold"),
        )
        samples = exact.potts(
            state_count=10,
            linear_extent=extent,
            inverse_temperature=solved.inverse_temperature - shift * np.array([1.2, 0.8]),
            chains=chains,
            seed=effort.seed,
        )
        tables.append(potts_points(samples["energy"], effort.seed))
    return xr.concat(tables, "size")


def potts_points(energy: xr.DataArray, seed: int) -> xr.Dataset:
    """Where the ordered phases weigh ten times the disordered one."""
    return coexistence_points(
        energy,
        control="inverse_temperature",
        size="linear_extent",
        dimension=2,
        energy=energy,
        weight_ratio=10,
        seed=seed,
    )


def ising_study(extents: Sequence[int], records: int, seed: int) -> xr.Dataset:
    """Equilibrium samples about the critical point, nearer to it the larger the size."""
    chains = exact.Chains(record_count=records, discarded_sweeps=150, starts=("hot", "cold"))
    parts = [
        exact.ising(
            linear_extent=extent,
            inverse_temperature=BETA_CRITICAL + np.linspace(-0.9, 0.5, 10) / extent,
            chains=chains,
            seed=seed,
        )
        for extent in extents
    ]
    return exact.concatenated(parts)


def two_peaks(effort: Effort) -> Trap:
    """The order parameter of a critical lattice has two peaks at every size."""
    extents = effort.either((8, 16), (8, 16, 32))
    chains = exact.Chains(
        record_count=effort.either(2000, 8000), discarded_sweeps=100, replica_count=2
    )
    densities, barriers = {}, {}
    for extent in extents:
        at = exact.ising(
            linear_extent=extent,
            inverse_temperature=BETA_CRITICAL,
            chains=chains,
            seed=effort.seed,
        )
        densities[extent] = symmetric_histogram(
            at["magnetization"].to_numpy().ravel(), spins=extent**2
        )
        barriers[extent] = unfolded_barrier(densities[extent][1])
    law = magnetization_law(8, BETA_CRITICAL)
    truth = unfolded_barrier(symmetric_histogram(law[0], spins=64, weight=law[1])[1])
    points = potts_study(effort)
    verdict = None
    if not effort.quick:
        study = ising_study((8, 12, 16, 24, 32), 600, effort.seed)
        verdict = verdict_of(
            study["magnetization"],
            effort,
            control="inverse_temperature",
            size="linear_extent",
            dimension=2,
        )
    tension = exact.potts_transition(10).twice_interface_tension
    drawn = panels()
    draw_two_peaks(drawn, densities, law, barriers, points)
    grown = list(zip(points["barrier"].values, points["barrier_error"].values, strict=True))
    return Trap(
        naive="barrier of m "
        + ", ".join(f"{value:.2f} at L = {extent}" for extent, value in barriers.items()),
        exact=f"{truth:.2f} at L = 8 and no growth, so continuous; Potts q = 10 grows by "
        f"{tension:.3f} L",
        phasegrok="Potts barrier of the energy "
        + ", ".join(
            f"{value:.2f}({error:.2f}) at L = {extent:g}"
            for extent, (value, error) in zip(points["size"].values, grown, strict=True)
        )
        + f"; Ising: {order(verdict)}",
        numbers={"naive": barriers, "exact": truth, "points": points},
        figure=finish(drawn),
        verdict=verdict,
    )


def draw_two_peaks(
    drawn: Sequence[Axes],
    densities: Mapping[int, tuple[Array, Array]],
    law: tuple[Array, Array],
    barriers: Mapping[int, float],
    points: xr.Dataset,
) -> None:
    """Densities of the mean spin; barriers against size."""
    for index, (extent, (centres, log_density)) in enumerate(densities.items()):
        colour, marker = shade(index)
        shown = np.isfinite(log_density)
        drawn[0].plot(
            centres[shown], log_density[shown], marker, color=colour, label=f"L = {extent}"
        )
    spacing = law[0][1] - law[0][0]
    drawn[0].plot(law[0], np.log(law[1] / spacing), color="0.5", lw=0.8, label="L = 8, exact")
    drawn[0].set(xlabel="mean spin $m$", ylabel=r"$\ln p(m)$", ylim=(-4.0, 1.2))
    drawn[0].set_title("critical Ising: two deep peaks, no jump")
    drawn[1].plot(
        list(barriers), list(barriers.values()), "o-", color=PALETTE[0], label="Ising, $m$"
    )
    extents = points["size"].to_numpy()
    drawn[1].errorbar(
        extents,
        points["barrier"],
        points["barrier_error"],
        fmt="s-",
        color=PALETTE[1],
        label="Potts $q=10$, energy",
    )
    tension = exact.potts_transition(10).twice_interface_tension
    anchor = points.sel(size=12)
    line = np.array([8.0, 34.0])
    drawn[1].plot(
        line,
        float(anchor["barrier"]) + tension * (line - 12.0),
        "--",
        color=PALETTE[1],
        lw=0.8,
        label=r"exact slope $2\sigma_{od}$",
    )
    drawn[1].set(xlabel="$L$", ylabel="barrier (nats)", ylim=(0.0, 4.5))
    drawn[1].set_title("decide on growth, not on height")


# 2. A steep curve at one size.


def fluctuations(study: xr.DataArray) -> tuple[Array, Array, Array]:
    """Sizes, N Var x at zero field, and its error over replicas."""
    centre = study.isel(run=np.flatnonzero(np.abs(study["field"].to_numpy()) < 1e-9))
    sizes = np.unique(centre["size"].to_numpy()).astype(np.float64)
    rows = []
    for size in sizes:
        values = centre.isel(run=np.flatnonzero(centre["size"].to_numpy() == size)).to_numpy()
        found = susceptibility_estimate(values, system_size=size)
        rows.append((found.value.mean(), np.sqrt(np.mean(found.error**2) / len(values))))
    return sizes, *np.transpose(rows)


def steep_curve(effort: Effort) -> Trap:
    """A driven single well looks like a jump on a wide range of the control."""
    wide = np.linspace(-40.0, 40.0, 81)
    draws: dict[str, Any] = {"record_count": 500, "replica_count": 4, "seed": effort.seed}
    look = exact.driven_single_well(size=400, field=wide, **draws)
    curve = look["order_parameter"].groupby("field").mean(...).to_numpy()
    share = float(np.diff(np.interp([-0.8, 0.8], curve[30:51], wide[30:51]))[0] / 80.0)
    sizes, field = (50, 100, 200, 400), np.linspace(-6.0, 6.0, 13)
    wells = [exact.driven_single_well(size=each, field=0.1 * field, **draws) for each in sizes]
    phases = [
        exact.gaussian_mixture(exact.GaussianMixture(), size=each, field=field / each, **draws)
        for each in sizes
    ]
    studies = [exact.concatenated(each)["order_parameter"] for each in (wells, phases)]
    grown = [fluctuations(each) for each in studies]
    verdict = verdict_of(studies[0], effort, control="field", size="size", dimension=None)
    drawn = panels()
    draw_steep_curve(drawn, (wide, curve), grown)
    (well, error), (both, both_error) = [(each[1][-1], each[2][-1]) for each in grown]
    return Trap(
        naive=f"one size: 10 to 90 % of the change within {share:.3f} of the range, a jump",
        exact=f"tanh h, share {2 * np.arctanh(0.8) / 80:.3f}; N Var x = 1 at every size",
        phasegrok=f"N Var x = {well:.2f}({error:.2f}) at N = 400, beside {both:.1f}"
        f"({both_error:.1f}) of two phases (exact 101); {order(verdict)}",
        numbers={"naive": share, "well": grown[0], "phases": grown[1]},
        figure=finish(drawn),
        verdict=verdict,
    )


def draw_steep_curve(
    drawn: Sequence[Axes], look: tuple[Array, Array], grown: Sequence[tuple[Array, ...]]
) -> None:
    """The curve of one size on a wide range; fluctuations against size."""
    drawn[0].plot(*look, "o-", ms=2.5, color=PALETTE[0], label="driven well, $N$ = 400")
    drawn[0].set(xlabel="field $h$", ylabel=r"$\langle x\rangle$")
    drawn[0].set_title("one size, a wide range: a jump?")
    for index, (name, rows) in enumerate(
        zip(("driven well", "two phases"), grown, strict=True)
    ):
        colour, marker = shade(index)
        drawn[1].errorbar(rows[0], rows[1], rows[2], fmt=marker, color=colour, label=name)
    sizes = grown[0][0]
    drawn[1].plot(sizes, np.ones(sizes.size), color="0.4", lw=0.8, label="exact: 1, $1+N/4$")
    drawn[1].plot(sizes, 1.0 + sizes / 4.0, color="0.4", lw=0.8)
    drawn[1].set(xscale="log", yscale="log", xlabel="size $N$", ylabel=r"$N\,$Var$\,x$")
    drawn[1].set_xticks(sizes, [f"{size:g}" for size in sizes])
    drawn[1].tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    drawn[1].set_title("several sizes: only phases grow apart")


# 3. A loop at one ramp rate.


def one_loop(effort: Effort) -> Trap:
    """Every slow system has a loop; what matters is where its width goes."""
    betas = (0.9, 1.5)
    ramp = exact.FieldRamp(
        lowest=-0.6,
        highest=0.6,
        rates=(0.003, 0.01, 0.03),
        record_count=61,
        directions=("around",),
    )
    runs = {
        beta: exact.concatenated(
            [
                exact.driven_curie_weiss_ising(
                    size=size,
                    inverse_temperature=beta,
                    ramp=ramp,
                    replica_count=effort.either(10, 32),
                    seed=effort.seed,
                )
                for size in effort.either((100, 200), (100, 200, 400))
            ]
        )
        for beta in betas
    }
    tables = {
        beta: loops(each, control="field", variable="magnetization")
        for beta, each in runs.items()
    }
    limits = {beta: spinodal_estimate(each) for beta, each in tables.items()}
    laws = {} if effort.quick else {b: compare_loop_laws(t, seed=1) for b, t in tables.items()}
    drawn = panels()
    draw_one_loop(drawn, runs, tables)
    truth = exact.curie_weiss_spinodal_field(inverse_temperature=1.5)
    widths = {beta: float(each["width"].max()) for beta, each in tables.items()}
    said = [
        f"β = {beta}: {loop_limit(limits[beta])}"
        + (f", {law_of(laws[beta])}" if beta in laws else "")
        for beta in betas
    ]
    return Trap(
        naive=f"widths {widths[0.9]:.2f} and {widths[1.5]:.2f} at r = 0.03: both have a loop",
        exact=f"β = 0.9: none in the limit; β = 1.5: spinodal at {truth:.4f}",
        phasegrok="; ".join(said),
        numbers={"naive": widths, "exact": truth, "limits": limits, "laws": laws},
        figure=finish(drawn),
    )


def loop_limit(limits: xr.Dataset) -> str:
    """Status and limit of the upper branch."""
    up = limits.sel(direction="up")
    status = SpinodalStatus(int(up["status"])).name
    return f"{status}, {float(up['spinodal']):.3f}({float(up['spinodal_error']):.3f})"


def law_of(table: xr.Dataset) -> str:
    """The likelier law of the loops, with its probability."""
    return f"{table['model'].to_numpy()[0]} ({float(table['probability'][0]):.3f})"


def draw_one_loop(
    drawn: Sequence[Axes], runs: Mapping[float, xr.Dataset], tables: Mapping[float, xr.Dataset]
) -> None:
    """Mean loops at the fastest rate; widths of the largest size against the rate."""
    for index, (beta, runs_of) in enumerate(runs.items()):
        colour, marker = shade(index)
        size = int(runs_of["size"].max())
        fastest = runs_of.isel(
            run=np.flatnonzero((runs_of["size"] == size) & (runs_of["rate"] > 0.02))
        )
        field, value = (fastest[name].mean("run") for name in ("field_now", "magnetization"))
        drawn[0].plot(field, value, color=colour, label=rf"$\beta$ = {beta}")
        chosen = tables[beta].isel(point=np.flatnonzero(tables[beta]["size"] == size))
        drawn[1].errorbar(
            chosen["rate"],
            chosen["width"],
            chosen["width_error"],
            fmt=f"{marker}-",
            color=colour,
            label=rf"$\beta$ = {beta}, $N$ = {size}",
        )
    limit = 2.0 * exact.curie_weiss_spinodal_field(inverse_temperature=1.5)
    drawn[1].axhline(limit, color=PALETTE[1], ls="--", lw=0.8, label=r"exact $2h_s$")
    drawn[0].set(xlabel="field $h$", ylabel=r"$\langle m\rangle$")
    drawn[0].set_title("one rate, r = 0.03: two loops")
    drawn[1].set(xscale="log", xlabel="rate $r$", ylabel="width", ylim=(0.0, 0.8))
    drawn[1].set_xticks([0.003, 0.01, 0.03], ["0.003", "0.01", "0.03"])
    drawn[1].minorticks_off()
    drawn[1].set_title("slower: one closes, one stays")


# 4. Counting modes with a Markov chain.


def two_modes(points: Array) -> Array:
    """Log likelihood (walker) of two equal Gaussians at ±(4, 4, 4) of deviation 1/2."""
    squares = [np.sum((points - side) ** 2, axis=-1) / 0.5 for side in (4.0, -4.0)]
    constant = 1.5 * np.log(2.0 * np.pi * 0.25) + np.log(2.0)
    result: Array = np.logaddexp(-squares[0], -squares[1]) - constant
    return result


def stretch_chains(steps: int, seed: int) -> tuple[Array, float]:
    """Share of walkers in the upper mode at every step, and emcee's autocorrelation time."""
    generator = np.random.default_rng(seed)
    sides = np.where(np.arange(40) < 30, 4.0, -4.0)
    start = sides[:, None] + 0.5 * generator.standard_normal((40, 3))
    sampler = emcee.EnsembleSampler(
        40, 3, two_modes, moves=emcee.moves.StretchMove(), vectorize=True
    )
    sampler.random_state = np.random.MT19937(seed).state
    sampler.run_mcmc(start, steps)
    chain = sampler.get_chain()
    shares: Array = (chain[..., 0] > 0.0).mean(axis=1)
    return shares, float(np.max(sampler.get_autocorr_time(quiet=True)))


def mode_model() -> Model:
    """The same density with its uniform prior on [-10, 10]³."""
    names = ("x", "y", "z")
    space = ParameterSpace(tuple(uniform(n, -10.0, 10.0, meaning="coordinate") for n in names))

    def log_likelihood(values: Mapping[str, Array]) -> Array:
        return two_modes(np.stack([values[name] for name in names], axis=-1))

    return Model(name="two modes", space=space, log_likelihood=log_likelihood)


def frozen_modes(effort: Effort) -> Trap:
    """Walkers do not hop between modes, and the autocorrelation time does not tell."""
    shares, time = stretch_chains(effort.either(3000, 10000), effort.seed)
    budget = Budget(effective_samples=effort.either(400.0, 1000.0), most_steps=2000)
    found = fit_model(mode_model(), seed=effort.seed, budget=budget)
    weight = float(np.mean(found.chains.draws["x"].to_numpy() > 0.0))
    generator = np.random.default_rng(effort.seed)
    starts = np.stack([s + 0.5 * generator.standard_normal((20, 3)) for s in (4.0, -4.0)])
    split = sample(two_modes, starts, names=("x", "y", "z"), seed=effort.seed, budget=SHORT)
    drawn = panels()
    draw_frozen_modes(drawn, shares, found, weight)
    return Trap(
        naive=f"weight {shares[-1]:.3f} after {shares.size} steps, {shares.size / time:.0f} "
        f"autocorrelation times of {time:.0f} steps",
        exact=f"weight 0.5, ln Z = {-3.0 * LOG_WIDTH:.3f}",
        phasegrok=f"{found.evidence}, weight {weight:.3f}; chains begun apart are "
        f"{split.health.grade} (agreement {split.health.start_agreement:.1f})",
        numbers={
            "naive": shares,
            "time": time,
            "evidence": found.evidence,
            "weight": weight,
            "health": split.health,
        },
        figure=finish(drawn),
    )


def draw_frozen_modes(
    drawn: Sequence[Axes], shares: Array, found: Posterior, weight: float
) -> None:
    """Weights along the chain; evidences beside the exact one."""
    drawn[0].plot(shares, color=PALETTE[0], label="stretch moves")
    drawn[0].axhline(weight, color=PALETTE[1], label="fit_model")
    drawn[0].axhline(0.5, color="0.4", ls="--", lw=0.8, label="exact")
    drawn[0].set(xlabel="step", ylabel="share in the upper mode", ylim=(0.3, 1.0))
    drawn[0].set_title("the start decides, for ever")
    evidence = found.evidence
    one_mode = -3.0 * LOG_WIDTH - np.log(2.0)
    rows = [
        ("one mode,\ncounted as all", one_mode, 0.0, PALETTE[0]),
        ("forward", evidence.forward, 0.0, "0.5"),
        ("reverse", evidence.reverse, 0.0, "0.5"),
        ("fit_model", evidence.log_evidence, evidence.standard_error, PALETTE[1]),
    ]
    for place, (_, value, error, colour) in enumerate(rows):
        drawn[1].errorbar(value, place, xerr=error, fmt="o", color=colour)
    drawn[1].axvline(-3.0 * LOG_WIDTH, color="0.4", ls="--", lw=0.8, label="exact")
    drawn[1].set_yticks(range(len(rows)), [row[0] for row in rows])
    drawn[1].set(xlabel=r"$\ln Z$", ylim=(-0.7, len(rows) - 0.3))
    drawn[1].set_title("evidence from a ladder")


# 5. Correlated draws taken as independent.


def correlated_draws(effort: Effort) -> Trap:
    """The error of a mean is √(2τ) times what independent draws would have."""
    memory, records = 0.95, 10000
    runs = exact.autoregressive(
        coefficient=memory,
        record_count=records,
        replica_count=effort.either(100, 400),
        seed=effort.seed,
    )["order_parameter"].to_numpy()
    time = float(exact.autoregressive_time(memory))
    truth = float(np.sqrt(2.0 * time / records))
    naive = runs.std(axis=1, ddof=1) / np.sqrt(records)
    found = mean(runs)
    pulls = {"naive": found.mean / naive, "phasegrok": found.mean / found.error}
    drawn = panels()
    draw_correlated_draws(drawn, runs[0], pulls, time)
    covered = {name: float(np.mean(np.abs(each) < 1.0)) for name, each in pulls.items()}
    error = float(np.sqrt(np.mean(found.error**2)))
    return Trap(
        naive=f"error {naive.mean():.4f}; {covered['naive']:.0%} of intervals hold the truth",
        exact=f"error {truth:.4f}, √(2τ) = {np.sqrt(2 * time):.2f} times more; 68 %",
        phasegrok=f"error {error:.4f}, τ = {found.time.mean():.1f} (exact {time:.1f}); "
        f"{covered['phasegrok']:.0%}",
        numbers={
            "naive": float(naive.mean()),
            "exact": truth,
            "phasegrok": error,
            "covered": covered,
            "runs": len(runs),
        },
        figure=finish(drawn),
    )


def draw_correlated_draws(
    drawn: Sequence[Axes], series: Array, pulls: Mapping[str, Array], time: float
) -> None:
    """A stretch of the series; deviations in units of the stated errors."""
    drawn[0].plot(series[:600], color=PALETTE[0], lw=0.8)
    drawn[0].set(xlabel="record", ylabel="$x$")
    drawn[0].set_title(rf"$\tau$ = {time:.1f}: 600 records are {600 / (2 * time):.0f} draws")
    edges = np.linspace(-14.0, 14.0, 57).tolist()
    for index, (name, each) in enumerate(pulls.items()):
        drawn[1].hist(
            each, edges, density=True, histtype="step", color=PALETTE[index], label=name
        )
    line = np.linspace(-14.0, 14.0, 200)
    drawn[1].plot(line, norm.pdf(line), color="0.4", ls="--", lw=0.8, label="as it should be")
    drawn[1].set(xlabel="deviation / stated error", ylabel="density")
    drawn[1].set_title("how far the means are off")


# 6. Averaging over disorder first.


SPREAD: Final = exact.GaussianMixture(transition_spread=lambda size: 0.5 * size**-0.5)


def averaged_susceptibility(size: int) -> float:
    """Exact disorder average of N w (1 - w) at g = 0, transition points 0.5 N^(-1/2) ξ."""
    shift = np.linspace(-8.0, 8.0, 20001)
    weight = expit(0.5 * np.sqrt(size) * shift)
    integrand = size * weight * (1.0 - weight) * norm.pdf(shift)
    return float(np.sum(integrand) * (shift[1] - shift[0]))


def disordered_study(sizes: Sequence[int], effort: Effort) -> xr.DataArray:
    """Two phases whose transition points differ from one disorder to the next."""
    parts = [
        exact.gaussian_mixture(
            SPREAD,
            size=size,
            # Wide enough for all disorders, dense enough for one.
            field=np.linspace(-1.5, 1.5, round(1.2 * size**0.5) // 2 * 2 + 1) * size**-0.5,
            record_count=effort.either(40, 60),
            replica_count=2,
            disorder_count=12,
            seed=effort.seed,
        )
        for size in sizes
    ]
    return exact.concatenated(parts)["order_parameter"]


def averaged_at_the_centre(effort: Effort) -> tuple[Array, Array, Array]:
    """Sizes, averaged N w (1 - w) at g = 0, and its error over disorders."""
    sizes = np.array([100.0, 400.0, 1600.0])
    parts = [
        exact.gaussian_mixture(
            SPREAD,
            size=int(size),
            field=0.0,
            record_count=40,
            replica_count=2,
            disorder_count=effort.either(600, 4000),
            seed=effort.seed,
        )
        for size in sizes
    ]
    samples = exact.concatenated(parts)["order_parameter"]
    layout = run_layout(disorder=samples["disorder"], point=samples["size"])
    found = connected_susceptibility_by_point(
        samples.to_numpy(), layout=layout, system_size=sizes
    )
    # Within a phase the mixture has N Var = 1; the rest is the weight's.
    return sizes, found.value - 1.0, found.standard_error


def average_first(effort: Effort) -> Trap:
    """Averages over disorder have the exponents of a mean-field critical point."""
    study = disordered_study(effort.either((100, 400), (50, 100, 200, 400)), effort)
    measured = averaged_at_the_centre(effort)
    slope = float(np.log(measured[1][-1] / measured[1][0]) / np.log(16.0))
    places: dict[str, Any] = {"control": "field", "size": "size", "dimension": None}
    points = coexistence_points(study, **places, seed=effort.seed)
    verdict = verdict_of(study, effort, **places)
    drawn = panels()
    draw_average_first(drawn, study, measured)
    truth = {size: averaged_susceptibility(size) for size in (100, 400, 1600, 6400, 25600)}
    last = points.isel(size=-1)
    pairs = zip(*measured[1:], strict=True)
    values = ", ".join(f"{value:.1f}({error:.1f})" for value, error in pairs)
    return Trap(
        naive=f"averaged χ_con = {values} at N = 100, 400, 1600, as N^{slope:.2f}: mean field",
        exact=", ".join(f"{value:.1f}" for value in truth.values())
        + " at N = 100 ... 25600; every disorder jumps by 1",
        phasegrok=f"jump {float(last['jump']):.3f}({float(last['jump_error']):.3f}) at "
        f"N = 400, points spread by {float(last['equal_weight_point_spread']):.3f} (drawn with "
        f"{0.5 * 400**-0.5:.3f}); {order(verdict)}",
        numbers={"naive": measured, "slope": slope, "exact": truth, "points": points},
        figure=finish(drawn),
        verdict=verdict,
    )


def draw_average_first(
    drawn: Sequence[Axes], study: xr.DataArray, measured: tuple[Array, Array, Array]
) -> None:
    """Curves of single disorders and their average; the averaged susceptibility."""
    largest = study.isel(run=np.flatnonzero(study["size"].to_numpy() == 400))
    means = largest.mean("record")
    for disorder in range(8):
        one = means.isel(run=np.flatnonzero(means["disorder"].to_numpy() == disorder))
        curve = one.groupby("field").mean()
        drawn[0].plot(curve["field"], curve, color="0.75", lw=0.7)
    curve = means.groupby("field").mean()
    drawn[0].plot(curve["field"], curve, color=PALETTE[0], lw=1.6, label="average of 12")
    drawn[0].plot([], [], color="0.75", lw=0.7, label="one disorder each")
    drawn[0].set(xlabel="field $g$", ylabel=r"$\langle x\rangle$, $N$ = 400")
    drawn[0].set_title("each disorder jumps, the average does not")
    sizes = np.geomspace(60.0, 30000.0, 40)
    exact_line = [averaged_susceptibility(round(size)) for size in sizes]
    drawn[1].plot(sizes, exact_line, color="0.4", lw=0.8, label=r"exact, $\propto N^{1/2}$")
    drawn[1].plot(sizes, sizes / 4.0, color=PALETTE[1], ls="--", label="one disorder: $N/4$")
    drawn[1].errorbar(*measured, fmt="o", color=PALETTE[0], label="averaged over disorder")
    drawn[1].set(xscale="log", yscale="log", xlabel="size $N$", ylabel=r"$\chi_{con}$ at $g=0$")
    drawn[1].set_title("the average looks critical")


# 7. Evidence between wrong models.

WRONG: Final[Mapping[str, Any]] = {"normal": norm, "Laplace": laplace}


def folded_phases(count: int, seed: int) -> Array:
    """Draws |x| of two equal phases at ±1 of deviation 1/2."""
    generator = np.random.default_rng(seed)
    values: Array = np.abs(1.0 + 0.5 * generator.standard_normal(count))
    return values


def wrong_model(name: str, data: Array) -> Model:
    """One phase about zero of the named law, its scale uniform between 0.2 and 5."""
    scale = uniform("scale", 0.2, 5.0, meaning="width of the law")

    def log_likelihood(values: Mapping[str, Array]) -> Array:
        total: Array = folded_log_density(name, data, values["scale"])
        return total

    return Model(name=name, space=ParameterSpace((scale,)), log_likelihood=log_likelihood)


def folded_log_density(name: str, data: Array, scale: Array) -> Array:
    """Σ ln 2 p(|x|) at every scale, from the one statistic that the law needs."""
    counted = data.size * np.log(2.0)
    if name == "normal":
        squares = np.sum(data**2) / scale**2
        normal: Array = counted - 0.5 * squares - data.size * np.log(scale * np.sqrt(2 * np.pi))
        return normal
    double: Array = counted - np.sum(data) / scale - data.size * np.log(2.0 * scale)
    return double


def exact_log_evidence(name: str, data: Array) -> float:
    """The same by quadrature over the scale."""
    scale = np.linspace(0.2, 5.0, 200001)
    density = folded_log_density(name, data, scale) - np.log(4.8)
    return float(logsumexp(density) + np.log(scale[1] - scale[0]))


def evidence_rate() -> float:
    """Growth of ln B per draw: difference of the cross entropies at the best scales."""
    magnitude = 0.5 * np.sqrt(2 / np.pi) * np.exp(-2.0) + 1.0 - 2.0 * norm.cdf(-2.0)
    return float(1.0 + np.log(2.0 * magnitude) - 0.5 * np.log(2.0 * np.pi * np.e * 1.25))


def fit_probability(name: str, data: Array, seed: int) -> float:
    """Posterior-predictive probability of a wrong model's misfit."""
    generator = np.random.default_rng(seed)
    scale = np.linspace(0.2, 5.0, 20001)
    density = folded_log_density(name, data, scale)
    weight = np.exp(density - density.max())
    draws = generator.choice(scale, 400, p=weight / weight.sum())
    counts = bin_folded(data, bins=40)
    cumulative = WRONG[name].cdf(counts.edges, scale=draws[:, None])
    return binned_probability(np.diff(cumulative, axis=1), data, generator)


def truth_probability(data: Array, seed: int) -> float:
    """The same of the law that the data are drawn from."""
    counts = bin_folded(data, bins=40)
    edges = counts.edges
    cumulative = norm.cdf((edges - 1.0) / 0.5) - norm.cdf((-edges - 1.0) / 0.5)
    rows = np.repeat(np.diff(cumulative)[None], 400, axis=0)
    return binned_probability(rows, data, np.random.default_rng(seed))


def binned_probability(
    probabilities: Array, data: Array, generator: np.random.Generator
) -> float:
    """Hand bin probabilities, conditioned on lying in a bin, to the check of fit."""
    rows = probabilities / probabilities.sum(axis=1, keepdims=True)
    return predictive_probability(rows, bin_folded(data, bins=40), generator)


def wrong_models(effort: Effort) -> Trap:
    """Of two wrong models one wins without limit, and still does not fit."""
    numbers = (10, 30, 100, 300, 1000, 3000)
    data = {count: folded_phases(count, effort.seed) for count in numbers}
    factors = {
        count: exact_log_evidence("normal", each) - exact_log_evidence("Laplace", each)
        for count, each in data.items()
    }
    chances = {
        name: [fit_probability(name, each, effort.seed) for each in data.values()]
        for name in WRONG
    }
    chances["two phases"] = [truth_probability(each, effort.seed) for each in data.values()]
    asked = 300
    fits = {
        name: fit_model(wrong_model(name, data[asked]), seed=effort.seed, budget=SHORT)
        for name in WRONG
    }
    measured = fits["normal"].evidence.log_evidence - fits["Laplace"].evidence.log_evidence
    drawn = panels()
    draw_wrong_models(drawn, factors, chances, (asked, measured))
    return Trap(
        naive=f"ln B (normal : Laplace) = {factors[300]:.1f} at n = 300, {factors[3000]:.0f} "
        "at n = 3000: normal, beyond all doubt",
        exact=f"both wrong; ln B grows by {evidence_rate():.4f} a draw",
        phasegrok=f"ln B = {measured:.1f} at n = 300; posterior-predictive p "
        f"{chances['normal'][3]:.3f} and {chances['Laplace'][3]:.3f}, of the true law "
        f"{chances['two phases'][3]:.2f}: neither fits",
        numbers={"factors": factors, "chances": chances, "measured": measured},
        figure=finish(drawn),
    )


def draw_wrong_models(
    drawn: Sequence[Axes],
    factors: Mapping[int, float],
    chances: Mapping[str, Sequence[float]],
    fitted: tuple[int, float],
) -> None:
    """Log of B and the probability of the misfit against the number of draws."""
    counts = np.array(list(factors))
    drawn[0].plot(
        counts, evidence_rate() * counts, color="0.4", ls="--", lw=0.8, label="exact rate"
    )
    drawn[0].plot(counts, list(factors.values()), "o", color=PALETTE[0], label="quadrature")
    drawn[0].plot(*fitted, "x", ms=8, color=PALETTE[1], label="fit_model")
    drawn[0].set(xscale="log", yscale="log", xlabel="draws $n$")
    drawn[0].set_ylabel(r"$\ln B$, normal : Laplace")
    drawn[0].set_title("a winner without limit")
    for index, (name, values) in enumerate(chances.items()):
        colour, marker = shade(index)
        shown = np.maximum(values, 0.0025)
        drawn[1].plot(counts, shown, f"{marker}-", color=colour, ms=6 - 1.5 * index, label=name)
    drawn[1].axhline(0.01, color="0.4", ls="--", lw=0.8)
    drawn[1].set(xscale="log", yscale="log", xlabel="draws $n$", ylim=(0.0018, 1.5))
    drawn[1].set_ylabel("posterior-predictive $p$")
    drawn[1].set_title("below the line: does not fit")


# 8. Chains that have not mixed.


def unmixed_chains(effort: Effort) -> Trap:
    """Short chains from two sides of a critical point look like two phases."""
    extents = effort.either((16, 32, 64), (16, 32, 64))
    schedule = exact.Chains(
        record_count=24,
        discarded_sweeps=8,
        replica_count=effort.either(6, 12),
        starts=("hot", "up"),
    )
    parts = [
        exact.metropolis(
            linear_extent=extent,
            inverse_temperature=BETA_CRITICAL + np.linspace(-0.4, 0.4, 7) / extent,
            chains=schedule,
            seed=effort.seed,
        )
        for extent in extents
    ]
    study = exact.concatenated(parts)["order_parameter"]
    # The gate alone decides here, without a fit: quick runs ask as well.
    verdict = order_of_transition(
        study,
        control="inverse_temperature",
        size="linear_extent",
        dimension=2,
        seed=effort.seed,
    )
    critical = parts[1].isel(
        run=np.flatnonzero(np.abs(parts[1]["inverse_temperature"] - BETA_CRITICAL) < 1e-9)
    )
    mixed = exact.ising(
        linear_extent=32,
        inverse_temperature=BETA_CRITICAL,
        chains=exact.Chains(
            record_count=effort.either(1000, 4000), discarded_sweeps=100, replica_count=2
        ),
        seed=effort.seed,
    )
    energies = {
        start: float(critical["energy"].isel(run=critical["start"] == start).mean())
        for start in ("hot", "up")
    }
    truth = float(exact.ising_energy(32, 32, inverse_temperature=BETA_CRITICAL))
    settled = mean(mixed["energy"].to_numpy())
    drawn = panels()
    draw_unmixed_chains(drawn, critical, mixed, truth)
    return Trap(
        naive="two peaks at L = 32; energies of the two starts "
        f"{energies['hot']:.3f} and {energies['up']:.3f}, a latent heat of "
        f"{energies['hot'] - energies['up']:.2f}",
        exact=f"one energy, {truth:.4f} (Kaufman), and no latent heat",
        phasegrok=f"verdict {verdict.order}, {verdict.table.sizes['size']} of {len(extents)} "
        f"sizes usable; mixed chains {settled.mean.mean():.4f}"
        f"({np.sqrt(np.sum(settled.error**2)) / 2:.4f})",
        numbers={
            "naive": energies,
            "exact": truth,
            "mixed": (
                float(settled.mean.mean()),
                float(np.sqrt(np.sum(settled.error**2)) / 2),
            ),
        },
        figure=finish(drawn),
        verdict=verdict,
    )


def draw_unmixed_chains(
    drawn: Sequence[Axes], critical: xr.Dataset, mixed: xr.Dataset, truth: float
) -> None:
    """Histograms of |m|; energies along the chains."""
    edges = np.linspace(0.0, 1.0, 31).tolist()
    pairs = ((critical, "32 sweeps, two starts"), (mixed, "mixed"))
    for index, (runs, label) in enumerate(pairs):
        values = runs["order_parameter"].to_numpy().ravel()
        drawn[0].hist(
            values, edges, density=True, histtype="step", color=PALETTE[1 - index], label=label
        )
    drawn[0].set(xlabel="$|m|$ at $\\beta_c$, $L$ = 32", ylabel="density")
    drawn[0].set_title("two peaks, for want of sweeps")
    for index, (start, name) in enumerate((("hot", "disordered"), ("up", "ordered"))):
        energy = critical["energy"].isel(run=critical["start"] == start)
        sweep = 8 + np.arange(24)
        drawn[1].plot(sweep, energy.to_numpy().T, color=PALETTE[index], lw=0.4, alpha=0.4)
        drawn[1].plot(
            sweep, energy.mean("run"), color=PALETTE[index], lw=2.0, label=f"begun {name}"
        )
    drawn[1].axhline(truth, color="black", ls="--", lw=1.0, label="exact")
    drawn[1].set(xlabel="sweep", ylabel="energy per site", ylim=(-1.75, -0.95))
    drawn[1].set_title("the starts have not met")


# 9. Replicas that count basins.


def counted_basins(effort: Effort) -> Trap:
    """Independent replicas repeat the weights of their starts."""
    solved = exact.potts_transition(10)
    chains = exact.Chains(
        record_count=effort.either(150, 300),
        discarded_sweeps=50,
        replica_count=4,
        starts=("hot", "cold"),
    )
    betas = solved.inverse_temperature + np.array([-0.004, 0.0, 0.004])
    energy = exact.potts(
        state_count=10,
        linear_extent=32,
        inverse_temperature=betas,
        chains=chains,
        seed=effort.seed,
    )["energy"]
    middle = 0.5 * (solved.energy_ordered + solved.energy_disordered)
    share = (energy < middle).mean("record").groupby("inverse_temperature").mean().to_numpy()
    frozen = potts_points(energy, effort.seed).isel(size=0)
    mobile = potts_study(effort).sel(size=12)
    drawn = panels()
    draw_counted_basins(drawn, energy, (betas, share), mobile)
    point, error = (float(mobile[f"equal_weight_point{end}"]) for end in ("", "_error"))
    return Trap(
        naive=f"ordered weight {share[0]:.2f}, {share[1]:.2f}, {share[2]:.2f} at "
        f"β_t - 0.004, β_t, β_t + 0.004: the starts, at every β",
        exact=f"{ordered_weight(betas[0]):.3f}, {10 / 11:.3f}, {ordered_weight(betas[2]):.4f}; "
        f"β_t = {solved.inverse_temperature:.5f} (weights to first order in β - β_t)",
        phasegrok=f"L = 32: {int(frozen['round_trips'])} round trips, "
        f"{Status(int(frozen['equal_weight_point_status'])).name}; L = 12: "
        f"{int(mobile['round_trips'])} round trips, β_w = {point:.5f}({error:.5f})",
        numbers={"naive": share, "frozen": frozen, "mobile": mobile},
        figure=finish(drawn),
    )


def ordered_weight(beta: float | Array) -> Any:
    """Weight of the ten ordered phases at L = 32 by their exact free energies, first order."""
    solved = exact.potts_transition(10)
    apart = 32**2 * solved.latent_heat * (np.asarray(beta) - solved.inverse_temperature)
    return expit(np.log(10.0) + apart)


def draw_counted_basins(
    drawn: Sequence[Axes],
    energy: xr.DataArray,
    counted: tuple[Array, Array],
    mobile: xr.Dataset,
) -> None:
    """Chains that keep to their start; weights by them and exactly."""
    solved = exact.potts_transition(10)
    at = energy.isel(
        run=np.flatnonzero(
            np.abs(energy["inverse_temperature"] - solved.inverse_temperature) < 1e-9
        )
    )
    for index, start in enumerate(("hot", "cold")):
        rows = at.isel(run=np.flatnonzero(at["start"] == start)).to_numpy()
        drawn[0].plot(rows.T, color=PALETTE[index], lw=0.6)
        drawn[0].plot([], [], color=PALETTE[index], label=f"begun {start}")
    for value in (solved.energy_disordered, solved.energy_ordered):
        drawn[0].axhline(value, color="0.4", ls="--", lw=0.8)
    drawn[0].set(xlabel="sweep", ylabel="energy per site", ylim=(-1.85, -0.7))
    drawn[0].set_title(r"$q$ = 10, $L$ = 32 at $\beta_t$: no one crosses")
    beta = np.linspace(counted[0][0] - 0.004, counted[0][-1] + 0.004, 200)
    shift = 1e3 * (beta - solved.inverse_temperature)
    drawn[1].plot(shift, ordered_weight(beta), color="0.4", ls="--", lw=0.8, label="exact")
    drawn[1].plot(
        1e3 * (counted[0] - solved.inverse_temperature),
        counted[1],
        "o",
        color=PALETTE[0],
        label="counted replicas, $L$ = 32",
    )
    point, error = (float(mobile[f"equal_weight_point{end}"]) for end in ("", "_error"))
    drawn[1].errorbar(
        1e3 * (point - solved.inverse_temperature),
        10 / 11,
        xerr=1e3 * error,
        fmt="s",
        color=PALETTE[1],
        label="ratio 10 : 1, round trips, $L$ = 12",
    )
    drawn[1].set(xlabel=r"$10^3\,(\beta-\beta_t)$", ylabel="ordered weight", ylim=(-0.05, 1.1))
    drawn[1].set_title("the weights are the starts'")


TRAPS: Final[Mapping[str, Callable[[Effort], Trap]]] = {
    "two_peaks": two_peaks,
    "steep_curve": steep_curve,
    "one_loop": one_loop,
    "frozen_modes": frozen_modes,
    "correlated_draws": correlated_draws,
    "average_first": average_first,
    "wrong_models": wrong_models,
    "unmixed_chains": unmixed_chains,
    "counted_basins": counted_basins,
}


def caught(name: str, effort: Effort) -> Trap:
    """Run one trap, drawn in the library's style."""
    with style():
        return TRAPS[name](effort)


def show(name: str, trap: Trap) -> None:
    """Print the three answers."""
    print(f"{name:17s} naive      {trap.naive}")
    print(f"{'':17s} exact      {trap.exact}")
    print(f"{'':17s} phasegrok  {trap.phasegrok}", flush=True)


def main() -> None:
    """Run the traps, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-detector-traps"))
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    parser.add_argument("--only", nargs="+", choices=list(TRAPS), default=list(TRAPS))
    parser.add_argument("--verdicts", action="store_true", help="print verdicts in full")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    effort = Effort(quick=arguments.quick, seed=arguments.seed)
    for name in arguments.only:
        trap = caught(name, effort)
        show(name, trap)
        if arguments.verdicts and trap.verdict is not None:
            print(f"{'':17s} {trap.verdict}")
        trap.figure.savefig(arguments.out / f"trap_{name}.png", dpi=180)


if __name__ == "__main__":
    main()
