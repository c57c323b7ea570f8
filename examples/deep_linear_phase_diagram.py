"""The phase diagram of a deep linear network, measured and beside its exact law.

A linear network of three layers with one input and one output learns one number. Its stationary
law exp(-U/T) has two phases, learned and unlearned, which coexist on a line in the plane of the
weight decay λ and the scaled temperature t = T h, h the width; for h → ∞ the line ends in a
critical point, beyond which there is a crossover. Two layers have a crossover at every t > 0.

Exchange ladders along the weight decay, half of them begun learned, half unlearned, are
reweighted together. Printed beside the exact law of each width, and drawn over the lines of the
limit, are

- below the critical point: λ of equal weights and the jump of the output m; where walkers made
  fewer than ten round trips weights are unknown, and that is printed. Phases are told apart at
  the valley of ln a, a the gain of the hidden layers (`hidden_gain.py`): the half square norm,
  which λ multiplies, carries the noise of h² free weights, and hides them near the end;
- about it: the kurtosis of a at the λ of no skewness, which falls with h where there are two
  phases and rises where there is one. Where curves of widths cross, and where they pass the
  number of the mean-field critical point, is the end of the line;
- above it, and for two layers: λ of the steepest change of ln m with ln λ;
- verdicts from independent exact draws of widths 8 to 128 at t = 0.02, 0.055 and 0.1, and
  for two layers at 0.02; the ladders' widths span too little.

Errors come from ladders drawn again; those of few ladders are themselves uncertain: of eight
ladders one number in some thirty lay five of its errors from the truth. A ladder along λ must
cross the barrier at coexistence: at four temperatures (h = 32, t = 0.03) eight ladders made no
round trip in 1500 trajectories.

    python examples/deep_linear_phase_diagram.py             # an hour or more on one core
    python examples/deep_linear_phase_diagram.py --quick     # a minute, no verdicts
    python examples/deep_linear_phase_diagram.py --steps 1000 --ladders 4   # a quarter hour
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gamma

from phasegrok import Energy, Plan, Recording, Study, exact, open_runs, part
from phasegrok.collect import collect
from phasegrok.errors import InsufficientSamplesError
from phasegrok.plotting import save_figure
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import new_axes_row, shade, style
from phasegrok.statistics import ControlStates, at_rungs, solve_controls
from phasegrok.statistics.multistate import Multistate, sample_shares
from phasegrok.study import Exchange
from phasegrok.theory import (
    deep_linear_coexistence,
    deep_linear_critical_point,
    deep_linear_equilibrium,
    deep_linear_large_width_lines,
)
from phasegrok.transitions import coexistence_line, ladder_round_trips
from phasegrok.verdict import order_of_transition

Array = NDArray[np.float64]

FEWEST_TRIPS: Final = 10
"""Round trips of all walkers below which weights of phases are unknown."""

CRITICAL_KURTOSIS: Final = gamma(0.25) ** 2 / (4.0 * gamma(0.75) ** 2)
"""⟨x⁴⟩/⟨x²⟩² of exp(-x⁴), the law of a mean-field critical point: 2.1884."""

DRAWS: Final = 20
SECOND: Final = {"coexistence": "jump", "end": "kurtosis", "steepest": "steepness"}
"""What is measured besides λ, by the kind of place."""

GAIN: Final = "log_hidden_gain"
OUTPUT: Final = "mode_strength"


class Measured(NamedTuple):
    """Numbers of one width at one temperature, with errors and their exact counterparts."""

    value: Array
    error: Array
    exact: Array

    def said(self, index: int) -> str:
        """One of them, beside the exact one, with the distance in errors."""
        value, error, exact = self.value[index], self.error[index], self.exact[index]
        distance = (value - exact) / error if error > 0.0 else np.nan
        return f"{value:8.5f} ± {error:.5f}  exact {exact:8.5f}  z {distance:5.1f}"


class Place(NamedTuple):
    """Where a network was measured."""

    depth: int
    width: int
    scaled: float

    @property
    def temperature(self) -> float:
        """T = t/h."""
        return self.scaled / self.width


def middle(depth: int, scaled: float) -> float:
    """λ of the line that wide networks have at t, of coexistence or of the crossover."""
    lines = deep_linear_large_width_lines(layer_count=depth, scaled_temperature=[scaled])
    below = lines.coexistence.item()
    return float(below if np.isfinite(below) else lines.crossover.item())


def rungs(depth: int, scaled: float, count: int) -> list[float]:
    """Weight decays of a ladder, further down than up, since narrow networks change there."""
    end = deep_linear_critical_point(layer_count=depth)
    beyond = scaled - (0.0 if end is None else end.scaled_temperature)
    half = 0.05 + 2.0 * max(0.0, beyond)
    found: Array = middle(depth, scaled) + np.linspace(-half - 0.04, half, count)
    return [float(each) for each in found]


def describe(depth: int, scaled: float, steps: int, arguments: argparse.Namespace) -> Study:
    """Ladders of every width at one scaled temperature; half are begun in either phase."""
    values = rungs(depth, scaled, arguments.rungs)
    return Study(
        name=f"{depth} layers at t = {scaled:g}",
        seed=3,
        task=part(
            "linear_teacher",
            input_size=1,
            output_size=1,
            singular_values=[1.0],
            example_count=2,
            test_count=0,
        ),
        network=part("deep_linear", depth=depth, width=arguments.widths[0]),
        dynamics=part(
            "hmc",
            step_size=0.2,
            leapfrog_steps=10,
            burn_in=steps // 10,
            coordinates="plain",
        ),
        energy=Energy(temperature=scaled, weight_decay=values[0]),
        recording=Recording(
            steps=steps,
            start=steps // 5,
            every=4,
            observables=[
                part(OUTPUT, mode=0),
                part("hidden_gain:LogHiddenGain", depth=depth),
            ],
        ),
        exchange=Exchange(control="weight_decay", rungs=values),
        plan=Plan(
            points=[
                {"width": width, "temperature": scaled / width} for width in arguments.widths
            ],
            replicas=arguments.ladders,
            starts=("prior", "learned"),
        ),
    )


def collected(
    depth: int, scaled: float, steps: int, arguments: argparse.Namespace
) -> xr.Dataset:
    """Runs of one scaled temperature."""
    folder = arguments.out / f"depth-{depth}-t-{scaled:g}"
    study = describe(depth, scaled, steps, arguments)
    collect(study, folder, workers=arguments.workers, progress=False)
    return open_runs(folder).load()


def of_width(runs: xr.Dataset, width: int) -> xr.Dataset:
    """Walkers of one width, with a besides its logarithm."""
    here = runs.isel(run=np.flatnonzero(runs.width.to_numpy() == width))
    return here.assign(gain=np.exp(here[GAIN]))


def with_error(
    states: ControlStates, function: Callable[[Multistate], Array]
) -> tuple[Array, Array]:
    """Numbers that follow from a solution, with errors from ladders drawn again."""
    generator = np.random.default_rng(1)
    drawn = [function(states.redrawn(generator)) for _ in range(DRAWS)]
    return function(states.solution), np.std(drawn, axis=0, ddof=1)


def shares_at(states: ControlStates, solution: Multistate, heat: float, decay: float) -> Array:
    """Share of each sample in the law at a point."""
    at = states.coefficients({"temperature": heat, "weight_decay": decay})
    share: Array = sample_shares(solution, coefficients=at)[0]
    return share


def interval(states: ControlStates) -> tuple[float, float]:
    """Ends of the ladder."""
    values = states.points()["weight_decay"]
    return float(values.min()), float(values.max())


def shape(share: Array, values: Array) -> Array:
    """Skewness, kurtosis and standard deviation of a weighted sample."""
    deviation = values - share @ values
    spread = np.sqrt(share @ deviation**2)
    return np.array(
        [share @ deviation**3 / spread**3, share @ deviation**4 / spread**4, spread]
    )


def even_point(shapes: Callable[[float], Array], ends: tuple[float, float]) -> Array:
    """λ at which the skewness vanishes, and the kurtosis there; NaN where it never does.

    Of several the one of the largest spread: within a phase the skewness may vanish, too.
    """
    grid = np.linspace(*ends, 25)
    table = np.array([shapes(each) for each in grid])
    rises = np.flatnonzero((table[:-1, 0] < 0.0) & (table[1:, 0] > 0.0))
    if not rises.size:
        return np.array([np.nan, np.nan])
    low = rises[np.argmax(table[rises, 2] + table[rises + 1, 2])]
    decay = float(
        brentq(lambda each: float(shapes(each)[0]), grid[low], grid[low + 1], xtol=1e-7)
    )
    return np.array([decay, shapes(decay)[1]])


def exact_shapes(place: Place) -> Callable[[float], Array]:
    """Skewness, kurtosis and spread of a by the exact law, against λ."""

    def shapes(decay: float) -> Array:
        law = exact.deep_linear_law(
            layer_count=place.depth,
            width=place.width,
            temperature=place.temperature,
            weight_decay=decay,
        )
        centres = 0.5 * (law.edges[1:] + law.edges[:-1])
        return shape(np.diff(law.cumulative) / law.cumulative[-1], np.exp(centres))

    return shapes


def about_the_end(states: ControlStates, place: Place) -> Measured:
    """λ of no skewness of a, and the kurtosis there."""
    gain = states.samples_of("gain")

    def found(solution: Multistate) -> Array:
        return even_point(
            lambda decay: shape(shares_at(states, solution, place.temperature, decay), gain),
            interval(states),
        )

    value, error = with_error(states, found)
    return Measured(value, error, even_point(exact_shapes(place), interval(states)))


def steepest(states: ControlStates, place: Place) -> Measured:
    """λ at which -d ln m / d ln λ = λ Cov(m, Q) / (T m) is largest, Q = ½ Σ|θ|²."""
    output = states.samples_of(OUTPUT)
    norm = states.samples_of(states.energy.terms[1])
    heat, ends = place.temperature, interval(states)

    def change(solution: Multistate, decay: float) -> float:
        share = shares_at(states, solution, heat, decay)
        mean = share @ output
        return float(decay * (share @ ((output - mean) * norm)) / (heat * mean))

    def known(decay: float) -> float:
        law = deep_linear_equilibrium(
            layer_count=place.depth, width=place.width, temperature=[heat], weight_decay=[decay]
        )
        return float(decay * law.covariance.item() / (heat * law.order_parameter.item()))

    def largest(function: Callable[[float], float]) -> Array:
        best = minimize_scalar(lambda each: -function(each), bounds=ends, method="bounded")
        return np.array([best.x, -best.fun])

    value, error = with_error(
        states, lambda solution: largest(lambda decay: change(solution, decay))
    )
    return Measured(value, error, largest(known))


def coexisting(states: ControlStates, place: Place) -> tuple[Measured, str]:
    """λ of equal weights and the jump of m, or the reason why there are none."""
    law = deep_linear_coexistence(
        layer_count=place.depth, width=place.width, temperature=[place.temperature]
    ).isel(temperature=0)
    known = np.array([law.coexistence.item(), float(law.order_parameter.diff("phase").item())])
    line = coexistence_line(
        states,
        GAIN,
        along="weight_decay",
        at={"temperature": [place.temperature]},
        seed=1,
        resamples=DRAWS,
    ).isel(point=0)
    decay, cut = line.weight_decay.item(), line.cut.item()
    if not np.isfinite(decay):
        nothing = np.full(2, np.nan)
        return Measured(nothing, nothing, known), str(line.reason.item())
    output, learned = states.samples_of(OUTPUT), states.samples_of(GAIN) > cut

    def jump(solution: Multistate) -> Array:
        share = shares_at(states, solution, place.temperature, decay)
        means = [share[side] @ output[side] / share[side].sum() for side in (learned, ~learned)]
        return np.array([means[0] - means[1]])

    value, error = with_error(states, jump)
    return Measured(
        np.append(decay, value), np.append(line.weight_decay_error.item(), error), known
    ), ""


def read(place: Place, walkers: xr.Dataset, kind: str) -> tuple[Measured | None, str]:
    """What the ladders of a width say, or why they say nothing."""
    trips = ladder_round_trips(walkers).count
    if trips < FEWEST_TRIPS:
        return None, f"{trips} round trips, {FEWEST_TRIPS} are needed"
    try:
        states = solve_controls(at_rungs(walkers, control="weight_decay"), unit="ladder")
    except InsufficientSamplesError as error:
        return None, str(error)
    if kind == "coexistence":
        measured, reason = coexisting(states, place)
    else:
        measured, reason = (about_the_end if kind == "end" else steepest)(states, place), ""
    if not reason and not np.isfinite(measured.value).all():
        reason = "no such point on the ladder"
    return measured, f"{reason}, {trips} round trips" if reason else ""


def measure(place: Place, runs: xr.Dataset, kind: str) -> dict[str, object]:
    """Print one width at one temperature; a row of the figure's table."""
    walkers = of_width(runs, place.width)
    measured, reason = read(place, walkers, kind)
    names = ("weight_decay", SECOND[kind])
    trips = ladder_round_trips(walkers).count
    row: dict[str, object] = {"series": kind, **place._asdict(), "trips": trips}
    head = f"{place.depth} layers, t {place.scaled:<5g} h {place.width:<3d}"
    if measured is None or reason:
        print(f"{head} undetermined: {reason}", flush=True)
    else:
        said = "   ".join(f"{n} {measured.said(i)}" for i, n in enumerate(names))
        print(f"{head} {said}   {trips} round trips", flush=True)
    for index, name in enumerate(names):
        known = measured is not None and not reason
        row[name] = measured.value[index] if measured and known else np.nan
        row[f"{name}_error"] = measured.error[index] if measured and known else np.nan
        row[f"{name}_exact"] = measured.exact[index] if measured is not None else np.nan
    return row


def columns(rows: Sequence[dict[str, object]], **where: object) -> dict[str, Array]:
    """Numbers of the rows with given entries, by name."""
    chosen = [row for row in rows if all(row[name] == value for name, value in where.items())]
    names = [name for name in (chosen[0] if chosen else {}) if name != "series"]
    return {name: np.array([row[name] for row in chosen], dtype=np.float64) for name in names}


def drawn_curves(
    rows: Sequence[dict[str, object]], width: int, name: str, degree: int
) -> Array | None:
    """Polynomials in t through what was measured of a width, (draw, coefficient)."""
    table = columns(rows, series="end", width=width)
    known = np.isfinite(table.get(name, np.empty(0)))
    if known.sum() <= degree:
        return None
    place, value = table["scaled"][known], table[name][known]
    error = table[f"{name}_error"][known]
    noise = np.random.default_rng([width, degree]).standard_normal((200, known.sum()))
    noise[0] = 0.0
    fits = [np.polyfit(place, value + each * error, degree, w=1.0 / error) for each in noise]
    return np.array(fits)


def passed(curves: Array, ends: tuple[float, float]) -> Array:
    """Where each polynomial vanishes within a range, (draw,)."""
    found = np.full(len(curves), np.nan)
    for index, curve in enumerate(curves):
        low, high = (np.polyval(curve, end) for end in ends)
        if low * high < 0.0:
            found[index] = brentq(lambda t, c=curve: float(np.polyval(c, t)), *ends)
    return found


def end_points(
    rows: Sequence[dict[str, object]], arguments: argparse.Namespace
) -> dict[int, Array]:
    """Where the kurtosis of each width passes that of a critical point: (t or λ, draw)."""
    ends, degree = (min(arguments.near), max(arguments.near)), min(2, len(arguments.near) - 1)
    found: dict[int, Array] = {}
    curves = {w: drawn_curves(rows, w, "kurtosis", degree) for w in arguments.widths}
    for width, each in curves.items():
        decays = drawn_curves(rows, width, "weight_decay", degree)
        if each is None or decays is None:
            print(f"h {width}: too few temperatures about the end")
            continue
        shifted = each.copy()
        shifted[:, -1] -= CRITICAL_KURTOSIS
        heat = passed(shifted, ends)
        decay = np.array([np.polyval(c, t) for c, t in zip(decays, heat, strict=True)])
        found[width] = np.array([heat, decay])
        print(f"h {width:<3d} kurtosis {CRITICAL_KURTOSIS:.4f} at {spoken(found[width])}")
        wider = curves.get(2 * width)
        if wider is not None:
            heat = passed(wider - each, ends)
            decay = np.array([np.polyval(c, t) for c, t in zip(decays, heat, strict=True)])
            print(f"h {width} and {2 * width} cross at {spoken(np.array([heat, decay]))}")
    return found


def spoken(draws: Array) -> str:
    """Say t and λ with their errors, or that there are none."""
    missing = float(np.mean(~np.isfinite(draws[0])))
    if missing > 0.1 or not np.isfinite(draws[0, 0]):
        return f"undetermined ({missing:.0%} of the draws outside of what was measured)"
    error = np.nanstd(draws, axis=1)
    return f"t {draws[0, 0]:.5f} ± {error[0]:.5f}, λ {draws[1, 0]:.5f} ± {error[1]:.5f}"


def end_of_the_line(found: dict[int, Array]) -> Array | None:
    """Find t and λ of h → ∞ with errors, linear in 1/h through the three largest widths."""
    known = {h: each for h, each in sorted(found.items()) if np.isfinite(each[:, 0]).all()}
    widths = [h for h in known if h >= 8][-3:]
    if len(widths) < 2:
        print("the end of the line is undetermined: two widths of 8 or more are needed")
        return None
    inverse = 1.0 / np.array(widths, dtype=np.float64)
    draws = np.array([known[h] for h in widths])
    error = np.nanstd(draws, axis=2)
    limit = np.full(draws.shape[1:], np.nan)
    for kind in range(2):
        for draw in np.flatnonzero(np.isfinite(draws[:, kind]).all(axis=0)):
            value = draws[:, kind, draw]
            limit[kind, draw] = np.polyfit(inverse, value, 1, w=1.0 / error[:, kind])[1]
    print(f"h → ∞ from widths {widths}: {spoken(limit)}", end="")
    theory = deep_linear_critical_point(layer_count=3)
    if theory is not None:
        print(f"; theory t {theory.scaled_temperature:.5f}, λ {theory.weight_decay:.5f}")
    return np.append(limit[:, 0], np.nanstd(limit, axis=1))


def verdict(depth: int, scaled: float, widths: Sequence[int]) -> None:
    """Print which order the transition has, from independent exact draws of the output."""
    centre = middle(depth, scaled)
    end = deep_linear_critical_point(layer_count=depth)
    beyond = scaled - (0.0 if end is None else end.scaled_temperature)
    tables = []
    for width in widths:
        # Phases swap over 1/h, a critical region is h^(-3/4), a crossover stays as wide.
        if beyond < -0.01:
            window = centre - 0.07 / width + np.linspace(-0.2, 0.2, 12) / width
        elif beyond < 0.01:
            window = centre + np.linspace(-0.5, 0.5, 12) * width**-0.75
        else:
            window = centre * np.linspace(0.5, 1.3, 12)
        draws = exact.deep_linear(
            layer_count=depth,
            width=width,
            temperature=scaled / width,
            weight_decay=window,
            record_count=1000,
            replica_count=4,
            seed=1,
        )
        tables.append(draws)
    draws = exact.concatenated(tables)
    draws = draws.assign_coords(size=draws["width"])
    found = order_of_transition(
        draws["order_parameter"], control="weight_decay", size="size", dimension=None, seed=1
    )
    shares = ", ".join(f"{name} {each:.2f}" for name, each in found.probabilities.items())
    print(f"verdict, {depth} layers, t = {scaled:g}: {found.order} ({shares})", flush=True)
    if found.order == "undetermined":
        print(f"  {found}", flush=True)


def draw(
    rows: Sequence[dict[str, object]], end: Array | None, arguments: argparse.Namespace
) -> None:
    """The diagram, and the kurtosis about its end."""
    with style():
        diagram, curves = new_axes_row(2, aspect=0.46)
        tables = [draw_limit(diagram), draw_exact(diagram, arguments.widths)]
        for index, width in enumerate(arguments.widths):
            draw_width(diagram, curves, index, rows, width)
        if end is not None:
            drawn: dict[str, Any] = {"fmt": "x", "color": shade(3)[0], "ms": 6, "zorder": 6}
            diagram.errorbar(
                end[1], end[0], xerr=end[3], yerr=end[2], label="end, measured", **drawn
            )
            tables.append(Table.of("end of the line", scaled=end[0], weight_decay=end[1]))
        curves.axhline(CRITICAL_KURTOSIS, color="0.5", lw=0.8, ls=":")
        curves.set(xlabel="$t = T h$", ylabel="kurtosis of $a$ at no skewness")
        diagram.set(xlabel=r"weight decay $\lambda$", ylabel="$t = T h$")
        diagram.set(xlim=(0.2, 0.74), ylim=(0.0, 0.12))
        diagram.legend(loc="upper left")
        for kind in SECOND:
            points = columns(rows, series=kind)
            if points:
                tables.append(Table.of(kind, **points))
        save_figure(diagram.figure, arguments.out / "phase_diagram", Table.joined(tables))


def draw_width(
    diagram: Axes, curves: Axes, index: int, rows: Sequence[dict[str, object]], width: int
) -> None:
    """What was measured of a width, in its colour; hollow where it is a crossover."""
    colour, marker = shade(index)
    for kind, fill in (("coexistence", colour), ("steepest", "none")):
        points = columns(rows, series=kind, width=width, depth=3)
        if points:
            diagram.errorbar(
                points["weight_decay"],
                points["scaled"],
                xerr=points["weight_decay_error"],
                fmt=marker,
                ms=3.5,
                color=colour,
                mfc=fill,
                label=f"h = {width}" if kind == "coexistence" else None,
            )
    near = columns(rows, series="end", width=width)
    if near:
        curves.errorbar(
            near["scaled"],
            near["kurtosis"],
            near["kurtosis_error"],
            fmt=marker,
            ms=3.5,
            color=colour,
        )
        curves.plot(near["scaled"], near["kurtosis_exact"], color=colour, lw=0.8)


def draw_limit(axes: Axes) -> Table:
    """Lines of infinite width, with the range in which both phases are stable."""
    heat = np.unique(np.append(np.linspace(0.0005, 0.12, 240), 0.0549))
    lines = deep_linear_large_width_lines(layer_count=3, scaled_temperature=heat)
    axes.fill_betweenx(
        heat, lines.lower_spinodal, lines.upper_spinodal, color="0.9", label="two phases"
    )
    axes.plot(lines.coexistence, heat, "k-", lw=1.2, label=r"equal, $h \to \infty$")
    axes.plot(lines.crossover, heat, "k--", lw=0.8, label="steepest")
    end = deep_linear_critical_point(layer_count=3)
    if end is not None:
        axes.plot(end.weight_decay, end.scaled_temperature, "ko", mfc="none", ms=6)
    names = ("coexistence", "lower_spinodal", "upper_spinodal", "crossover")
    return Table.of("limit", scaled=heat, **{name: lines[name].to_numpy() for name in names})


def draw_exact(axes: Axes, widths: Sequence[int]) -> Table:
    """λ of equal weights by the exact law of each width, as long as there are two peaks."""
    heat = np.linspace(0.002, 0.054, 27)
    parts = []
    for index, width in enumerate(widths):
        line = deep_linear_coexistence(layer_count=3, width=width, temperature=heat / width)
        axes.plot(line.coexistence, heat, color=shade(index)[0], lw=0.8)
        values = {n: line[n].to_numpy() for n in ("coexistence", "lower_limit", "upper_limit")}
        parts.append(Table.of("exact", scaled=heat, width=np.full(27, width), **values))
    return Table.joined(parts)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-deep-linear-diagram"))
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8, 16, 32])
    below, near = [0.02, 0.025, 0.03, 0.035], [0.045, 0.05, 0.055, 0.06, 0.065]
    parser.add_argument("--below", type=float, nargs="*", default=below)
    parser.add_argument("--near", type=float, nargs="*", default=near)
    parser.add_argument("--above", type=float, nargs="*", default=[0.08, 0.1])
    parser.add_argument("--two-layers", type=float, nargs="*", default=[0.02, 0.1])
    parser.add_argument("--rungs", type=int, default=12)
    parser.add_argument("--ladders", type=int, default=8, help="begun in either phase")
    parser.add_argument("--steps", type=int, default=2500, help="trajectories below the end")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-verdicts", action="store_true")
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.widths, arguments.ladders, arguments.steps = [8, 16], 2, 300
        arguments.below, arguments.near, arguments.above = [0.03], [0.045, 0.065], [0.1]
        arguments.two_layers, arguments.no_verdicts, arguments.workers = [], True, 0
    return arguments


def main() -> None:
    """Collect all ladders, print what they say, and draw it."""
    arguments = parse()
    plans = [
        ("coexistence", 3, arguments.below, arguments.steps),
        ("end", 3, arguments.near, max(200, arguments.steps // 3)),
        ("steepest", 3, arguments.above, max(200, arguments.steps // 3)),
        ("steepest", 2, arguments.two_layers, max(200, arguments.steps // 3)),
    ]
    rows = []
    for kind, depth, heats, steps in plans:
        for scaled in heats:
            runs = collected(depth, scaled, steps, arguments)
            rows += [measure(Place(depth, h, scaled), runs, kind) for h in arguments.widths]
    end = end_of_the_line(end_points(rows, arguments)) if arguments.near else None
    draw(rows, end, arguments)
    if not arguments.no_verdicts:
        for depth, scaled in ((3, 0.02), (3, 0.055), (3, 0.1), (2, 0.02)):
            verdict(depth, scaled, (8, 16, 32, 64, 128))


if __name__ == "__main__":
    main()
