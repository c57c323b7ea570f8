"""Hysteresis of deep linear networks: what a loop says of phases, beside exact theory.

Chains of two and three weights learn one number by Langevin dynamics while their weight decay
is raised and lowered at a constant rate.

Without noise the chain of three loses what it learned beyond its spinodal, by a delay that
goes as r^(2/3), and never learns it again: that loop does not close. The chain of two follows
its continuous transition, with a lag that goes as r.

With noise every loop closes. The branches of three weights stand beside the survival
dP/dt = -k(λ(t)) P with the rates k of Kramers and Langer, without a fit; first passages are
looked for at every step. Theory holds where barriers are two temperatures and more; the share
of passages elsewhere is printed, and nothing is compared where it matters. The switching fields
of all temperatures fall on one curve of T ln(r₀/r) for three weights. For two they do not, and
the area is (r/2) [ln(4 (s - λ₀)²/T) + γ] for T ≪ r ≪ 1, where the range ends at λ₀ and γ is
Euler's constant: no plateau is left at slow rates, as is right for a continuous transition.

    python examples/hysteresis.py              # 128 replicas, rates from 1e-5 on
    python examples/hysteresis.py --quick      # 16 replicas, rates too fast for Kramers

The former takes about an hour on one core, the latter under a minute. The studies stay in
``--out``: the same command again continues them.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq
from scipy.special import erfcx

from phasegrok import Energy, Plan, Recording, Study, open_runs, part
from phasegrok.collect import collect
from phasegrok.errors import InsufficientSamplesError
from phasegrok.exact import deep_linear_transition
from phasegrok.plotting import DOUBLE_COLUMN, PALETTE, SINGLE_COLUMN, Table, save_figure, style
from phasegrok.plotting import switching_collapse as draw_collapse
from phasegrok.plotting import switching_collapse_table as collapse_table
from phasegrok.study import Event, Sweep
from phasegrok.theory import deep_linear_driven_escape, deep_linear_escape, deep_linear_ramp
from phasegrok.transitions import (
    CollapseStatus,
    LoopStatus,
    compare_collapse,
    fit_deterministic,
    loops,
    rate_laws,
    switching_collapse,
)

FloatArray = npt.NDArray[np.float64]

STEP_SIZE: Final = 0.04
WAIT: Final = 20.0
"""Time at the first weight decay, in which a state relaxes."""

RECORDS: Final = 401
BATCH_SECONDS: Final = 600.0
"""Long batches: a step of a thousand chains costs little more than one of a hundred."""

OUTPUT: Final = "mode_strength"
LOWEST: Final = {2: 0.3, 3: 0.05}
HIGHEST: Final = {2: 1.5, 3: 0.6}
"""Ends of the range, within which the loops of each depth close."""

FORGOTTEN: Final = {2: 0.1, 3: 0.05}
LEARNED: Final = {2: 0.1, 3: 0.4}
"""Outputs whose passage is dated; for three weights each lies beyond the saddle."""

LEVEL: Final = {2: 0.1, 3: 0.2}
"""Output that parts the phases in recorded loops."""

OUTSIDE: Final = 0.5
"""Share of passages over low barriers beyond which areas and branches are no prediction.

Those passages are told too late, by the distance to the spinodal at most."""

LOWEST_BARRIER: Final = 1.0
"""Barrier over temperature from which on a switch counts as an escape over it."""


def describe(depth: int, arguments: argparse.Namespace) -> Study:
    """Sweeps up from the learned state and down from the unlearned one."""
    return Study(
        name=f"loops of {depth} layers",
        seed=5,
        dtype="float64",
        task=part(
            "linear_teacher",
            input_size=1,
            output_size=1,
            singular_values=[1.0],
            example_count=2,
            test_count=0,
        ),
        network=part("deep_linear", depth=depth, width=1, gain=0.05),
        dynamics=part("langevin", step_size=STEP_SIZE),
        energy=Energy(temperature=1.0, weight_decay=0.4),
        recording=Recording(spacing="sweep", count=RECORDS, observables=[part(OUTPUT, mode=0)]),
        sweep=Sweep(
            control="weight_decay",
            low=LOWEST[depth],
            high=HIGHEST[depth],
            rate=1.0,
            wait=WAIT,
        ),
        events=[
            passage("forgotten", FORGOTTEN[depth]),
            passage("learned", LEARNED[depth]),
        ],
        plan=plan(depth, arguments),
    )


def passage(name: str, threshold: float) -> Event:
    """A first passage of the output, looked for at every step."""
    return Event(
        name=name,
        observable=part(OUTPUT, mode=0),
        threshold=threshold,
        direction="below" if name == "forgotten" else "above",
        every=1,
    )


def plan(depth: int, arguments: argparse.Namespace) -> Plan:
    """All temperatures and rates, both ways, and single runs without noise.

    The start "prior" of a small gain lies near zero, and not at it: without noise zero would
    stay zero whatever is learned elsewhere.
    """
    noisy = {
        "temperature": list(arguments.temperatures[depth]),
        "rate": list(arguments.rates[depth]),
    }
    quiet_rates = arguments.quiet_rates if depth == 3 else arguments.rates[2]
    quiet = {"temperature": [0.0], "rate": list(quiet_rates)}
    starts = {"up": ("learned",), "down": ("prior",)}
    plans = [
        Plan(grid={**grid, "direction": [way]}, replicas=count, starts=starts[way])
        for grid, count in ((noisy, arguments.replicas), (quiet, 1))
        for way in ("up", "down")
    ]
    first, *more = plans
    # Two layers would need noise to leave the state that has become unstable.
    return Plan(
        grid=first.grid,
        replicas=first.replicas,
        starts=first.starts,
        more=more if depth == 3 else more[:2],
    )


def passages(runs: xr.Dataset, depth: int, direction: str) -> FloatArray:
    """Weight decay at the first passage of each run, NaN where there is none."""
    name = "forgotten" if direction == "up" else "learned"
    middle = 0.5 * (runs[f"event_{name}_lower"] + runs[f"event_{name}_upper"]).values
    way = np.maximum(middle - round(WAIT / STEP_SIZE), 0.0) * STEP_SIZE * runs.rate.values
    field = LOWEST[depth] + way if direction == "up" else HIGHEST[depth] - way
    return np.where(np.isfinite(field), field, np.nan)


def chosen(runs: xr.Dataset, **values: float | str) -> xr.Dataset:
    """Runs whose coordinates have these values."""
    keep = np.ones(runs.sizes["run"], dtype=np.bool_)
    for name, value in values.items():
        keep &= runs[name].values == value
    return runs.isel(run=np.flatnonzero(keep))


def noiseless(runs: xr.Dataset, out: Path) -> None:
    """Print and draw the ramps of three layers without noise beside their law."""
    up = chosen(runs, temperature=0.0, direction="up").sortby("rate")
    down = chosen(runs, temperature=0.0, direction="down")
    rate, field = up.rate.values, passages(up, 3, "up")
    theory = deep_linear_ramp(layer_count=3, rates=rate, level=FORGOTTEN[3])
    spinodal = deep_linear_transition(layer_count=3).spinodal_weight_decay
    print("three layers, no noise: weight decay at which the learned state is lost")
    for index, each in enumerate(rate):
        print(
            f"  rate {each:7.1e}  {field[index]:.6f} ± {0.5 * each * STEP_SIZE:.6f}  theory "
            f"{float(theory.switching_field[index]):.6f}  delay {field[index] - spinodal:.6f}, "
            f"leading law {float(theory.leading_delay[index]):.6f}"
        )
    if rate.size >= 4:
        print_limit(rate[:4], field[:4], theory)
        print(f"  spinodal {spinodal:.5f}")
    largest = float(np.abs(down[OUTPUT].values[:, 1:]).max())
    print(f"  largest output on the way down to {LOWEST[3]:g}: {largest:.1e}; it never learns")
    draw_delays(rate, field - spinodal, theory, out)


def print_limit(rate: FloatArray, field: FloatArray, theory: xr.Dataset) -> None:
    """Print the law of the slowest rates, and the same fit to theory.

    The law has r^(2/3) and r. The term r ln r, which passages of a spinodal have besides,
    moves both fits alike.
    """
    exact = theory.switching_field.values[: rate.size]
    leading = float(theory.leading_delay[0]) / rate[0] ** (2 / 3)
    for name, each in (("measured", field), ("theory", exact)):
        fit = fit_deterministic(rate, each, 0.5 * rate * STEP_SIZE)
        scale, error = (fit.coefficients[f"two_thirds{end}"] for end in ("", "_error"))
        print(
            f"  fit to {name:8s} at rate zero {fit.limit:.5f} ± {fit.limit_error:.5f}, "
            f"coefficient of r^(2/3) {scale:.3f} ± {error:.3f}, leading {leading:.3f}"
        )


def fall(rate: float) -> float:
    """Weight decay at which two layers without noise fall to the level, in closed form.

    The output follows dm/dt = 2 (1 - λ - m) m, which is linear in 1/m.
    """
    start, scale = (1.0 - LOWEST[2]) / np.sqrt(rate), np.sqrt(np.pi / rate)
    first = 1.0 / (1.0 - LOWEST[2]) - scale * erfcx(start)

    def excess(place: float) -> float:
        inverse = scale * erfcx(-place) + np.exp(place**2 - start**2) * first
        return float(1.0 / inverse - FORGOTTEN[2])

    return float(1.0 + np.sqrt(rate) * brentq(excess, -start, start))


def continuous(runs: xr.Dataset) -> None:
    """Print the ramps of two layers without noise beside their closed form."""
    up = chosen(runs, temperature=0.0, direction="up").sortby("rate")
    print("two layers, no noise: weight decay at which the output falls to 0.1")
    for rate, field in zip(up.rate.values, passages(up, 2, "up"), strict=True):
        print(
            f"  rate {rate:7.1e}  {field:.5f} ± {0.5 * rate * STEP_SIZE:.5f}  theory "
            f"{fall(rate):.5f}, at rate zero 0.9"
        )


@cache
def driven(temperature: float, rates: tuple[float, ...]) -> xr.Dataset:
    """Branches, switching fields and areas of three layers by Kramers and Langer."""
    return deep_linear_driven_escape(
        layer_count=3,
        temperature=temperature,
        rates=rates,
        lowest=LOWEST[3],
        highest=HIGHEST[3],
        record_count=RECORDS,
    )


def median(values: FloatArray, direction: str) -> tuple[float, float]:
    """Median of passages with its error, from order statistics; censored ones come last."""
    last = np.inf if direction == "up" else -np.inf
    ordered = np.sort(np.where(np.isnan(values), last, values))
    count, reach = ordered.size, 0.5 * np.sqrt(values.size)
    low, high = (max(int(0.5 * count - reach), 0), min(int(0.5 * count + reach), count - 1))
    middle = float(np.median(ordered)) if np.isfinite(ordered[[low, high]]).all() else np.nan
    return middle, 0.5 * float(ordered[high] - ordered[low]) if middle == middle else np.nan


def holds(field: float, temperature: float, way: str) -> bool:
    """Whether the barrier at a switching field is at least two temperatures."""
    if field != field:
        return False
    escape = deep_linear_escape(layer_count=3, weight_decay=[field], temperature=[temperature])
    return bool(escape["holds_to_forget" if way == "up" else "holds_to_learn"].item())


def log_rate_error(field: float, difference: float, temperature: float, way: str) -> float:
    """Logarithm of the rate over Kramers' that would move the switching field so far."""
    decays = np.array([field - 1e-4, field + 1e-4])
    escape = deep_linear_escape(layer_count=3, weight_decay=decays, temperature=[temperature])
    name = "rate_to_forget" if way == "up" else "rate_to_learn"
    slope = float(np.diff(np.log(escape[name].isel(temperature=0).values))[0]) / 2e-4
    return -slope * difference


def against_survival(runs: xr.Dataset, arguments: argparse.Namespace) -> None:
    """Print median first passages of three layers beside those of the survival."""
    print(
        "three layers: median weight decay of first passages; outside: share of them over\n"
        "  barriers below two temperatures; ln k/k: of the rate that would explain the\n"
        "  difference over that of Kramers, which is of the order of T/barrier"
    )
    for temperature in arguments.temperatures[3]:
        theory = driven(temperature, tuple(arguments.rates[3]))
        for rate in arguments.rates[3]:
            for way in ("up", "down"):
                here = chosen(runs, temperature=temperature, rate=rate, direction=way)
                one = theory.sel(rate=rate, direction=way)
                value, error = median(passages(here, 3, way), way)
                told = beside(value, error, one, temperature, way)
                print(f"  T {temperature:g}  rate {rate:7.1e}  {way:4s} {told}")


def beside(value: float, error: float, one: xr.Dataset, heat: float, way: str) -> str:
    """A median beside theory, or that theory says nothing."""
    outside, expected = float(one.outside_share), float(one.switching_field)
    told = f"{value:.4f} ± {error:.4f}  outside {outside:.3f}"
    if value != value:
        return "undetermined: fewer than half switched"
    if not holds(expected, heat, way):
        return f"{told}  theory does not hold"
    shift = value - expected
    factor, spread = (log_rate_error(expected, each, heat, way) for each in (shift, error))
    return f"{told}  theory {expected:.4f}  ln k/k {factor:6.2f} ± {abs(spread):.2f}"


def tabulate(runs: xr.Dataset, depth: int, arguments: argparse.Namespace) -> xr.Dataset:
    """Loops of all temperatures and rates with noise, of size 1/T."""
    asked = np.isin(runs.temperature.values, arguments.temperatures[depth])
    asked &= np.isin(runs.rate.values, arguments.rates[depth])
    noisy = runs.isel(run=np.flatnonzero(asked))
    noisy = noisy.assign_coords(size=("run", 1.0 / noisy.temperature.values))
    return loops(noisy, control="weight_decay", variable=OUTPUT, level=LEVEL[depth])


def expected_area(
    depth: int, temperature: float, rate: float, rates: tuple[float, ...]
) -> tuple[float, float]:
    """Area of a loop and the share of passages for which it does not hold."""
    if depth == 3:
        theory = driven(temperature, rates).sel(rate=rate)
        return float(theory.loop_area), float(theory.outside_share.max())
    reach = 1.0 - LOWEST[2]
    area = 0.5 * rate * (np.log(4.0 * reach**2 / temperature) + np.euler_gamma)
    # It needs noise that is weak beside the rate, and a range that is wide beside √r.
    valid = temperature <= 0.01 * rate and rate <= 0.1 * reach**2
    return float(area), 0.0 if valid else 1.0


def areas(table: xr.Dataset, depth: int, arguments: argparse.Namespace) -> xr.Dataset:
    """Print loop areas beside theory, and which law of the rate each temperature follows."""
    print(f"{depth} layers: areas of loops")
    expected = []
    for index in range(table.sizes["point"]):
        row = table.isel(point=index)
        heat, rate = 1.0 / float(row["size"]), float(row["rate"])
        heat = min(arguments.temperatures[depth], key=lambda each: abs(each - heat))
        area, outside = expected_area(depth, heat, rate, tuple(arguments.rates[depth]))
        expected.append(area if outside <= OUTSIDE else np.nan)
        whole = int(row.status) == LoopStatus.WHOLE
        told = f"{float(row.area):.5f} ± {float(row.area_error):.5f}" if whole else "cut"
        theory = f"theory {area:.5f}" if outside <= OUTSIDE else "theory does not hold"
        print(f"  T {heat:g}  rate {rate:7.1e}  {told}  {theory}")
    print_laws(table)
    return table.assign(expected_area=("point", np.array(expected)))


def print_laws(table: xr.Dataset) -> None:
    """Print the likeliest law of the areas at each temperature."""
    try:
        found = rate_laws(table, quantity="area")
    except InsufficientSamplesError as reason:
        print(f"  law of the rate: undetermined ({reason})")
        return
    for size in found["size"].values:
        one = found.sel(size=size)
        law = one.isel(law=int(np.argmax(one.weight.values)))
        free = one.sel(law="continuous")
        name = str(law["law"].values) if int(law.consistent) else "undetermined, none fits"
        print(
            f"  T {1.0 / size:g}: law of the rate {name}, weight {float(law.weight):.2f}; "
            f"a free power {float(free.exponent):.2f} ± {float(free.exponent_error):.2f}"
        )


def medians(runs: xr.Dataset, arguments: argparse.Namespace, depth: int) -> xr.Dataset:
    """Median first passages of both branches, laid out as `loops` lays out its fields."""
    columns: dict[str, list[float]] = {}
    for temperature in arguments.temperatures[depth]:
        for rate in arguments.rates[depth]:
            row = {"size": 1.0 / temperature, "rate": rate}
            for way in ("up", "down"):
                here = chosen(runs, temperature=temperature, rate=rate, direction=way)
                value, error = median(passages(here, depth, way), way)
                row |= {f"switching_{way}": value, f"switching_{way}_error": error}
            for name, each in row.items():
                columns.setdefault(name, []).append(each)
    arrays = {name: ("point", np.array(each)) for name, each in columns.items()}
    return xr.Dataset(arrays, attrs={"control": "weight_decay"}).set_coords(["size", "rate"])


def activated(table: xr.Dataset) -> xr.Dataset:
    """Leave out the fields of three layers at which hardly a barrier is left."""
    kept = table.copy()
    for way, name in (("up", "barrier_to_forget"), ("down", "barrier_to_learn")):
        field = table[f"switching_{way}"].values
        decays = np.where(np.isfinite(field), field, 1.0)
        escape = deep_linear_escape(layer_count=3, weight_decay=decays, temperature=[1.0])
        high = escape[name].values * table["size"].values >= LOWEST_BARRIER
        kept[f"switching_{way}"] = ("point", np.where(high, field, np.nan))
    return kept


def collapse(table: xr.Dataset, depth: int, out: Path) -> None:
    """Print and draw whether the switching fields are one function of T ln(r₀/r)."""
    used = [int(np.isfinite(table[f"switching_{way}"]).sum()) for way in ("up", "down")]
    print(f"{depth} layers: {used[0]} fields up and {used[1]} down enter the collapse")
    try:
        found, weighed = switching_collapse(table), compare_collapse(table)
    except InsufficientSamplesError as reason:
        print(f"{depth} layers, collapse: undetermined ({reason})")
        return
    weights = ", ".join(
        f"{name} {float(weight):.3f} (χ² {float(square):.1f} of {int(freedom)})"
        for name, weight, square, freedom in zip(
            weighed["model"].values,
            weighed.weight,
            weighed.chi_square,
            weighed.freedom,
            strict=True,
        )
    )
    misfit = not (weighed.predictive > 0.001).any()
    answer = "undecided, as no law fits" if misfit else weighed.attrs["answer"]
    print(f"{depth} layers, collapse: {answer}; {weights}")
    for name in ("up", "down"):
        one = found.sel(direction=name)
        status = CollapseStatus(int(one.status))
        if status is CollapseStatus.TOO_FEW:
            print(f"  {name:4s} undetermined: too few temperatures or rates")
            continue
        print(
            f"  {name:4s} {status.name.lower()}, scatter over the range "
            f"{float(one.scatter):.3f} ± {float(one.scatter_error):.3f}, ln r₀ "
            f"{float(one.log_attempt_rate):.1f} ± {float(one.log_attempt_rate_error):.1f}"
        )
    axes = draw_collapse(table, found, comparison=weighed)
    save_figure(axes.figure, out / f"collapse_{depth}", table=collapse_table(table, found))


def panels(count: int) -> Sequence[Axes]:
    """Axes side by side in the style of the library."""
    width = SINGLE_COLUMN if count == 1 else DOUBLE_COLUMN
    figure = Figure(figsize=(width, 2.6), layout="constrained")
    drawn: Sequence[Axes] = figure.subplots(1, count, squeeze=False)[0].tolist()
    return drawn


def draw_delays(rate: FloatArray, delay: FloatArray, theory: xr.Dataset, out: Path) -> None:
    """Draw the delay beyond the spinodal without noise."""
    line = np.geomspace(rate.min(), rate.max(), 25)
    exact = deep_linear_ramp(layer_count=3, rates=line, level=FORGOTTEN[3])
    with style():
        (axes,) = panels(1)
        axes.plot(line, exact.delay, color="black", label="theory")
        axes.plot(line, exact.leading_delay, color="black", ls=":", label=r"$\propto r^{2/3}$")
        axes.plot(rate, delay, "o", color=PALETTE[0], label="measured")
        axes.set(xscale="log", yscale="log", xlabel="rate $r$")
        axes.set_ylabel(r"delay $\lambda - \lambda_{\mathrm{sp}}$")
        axes.legend()
    table = [
        Table.of("measured", rate=rate, delay=delay),
        Table.of("theory", rate=rate, delay=theory.delay.values),
        Table.of("leading", rate=rate, delay=theory.leading_delay.values),
    ]
    save_figure(axes.figure, out / "delays", table=Table.joined(table))


def branches(
    runs: xr.Dataset, arguments: argparse.Namespace, depth: int, temperature: float
) -> Iterator[Table]:
    """Mean branches of a temperature, and those of theory for three layers."""
    rates = arguments.rates[depth]
    theory = driven(temperature, tuple(rates)) if depth == 3 else None
    for rate in rates:
        for way in ("up", "down"):
            here = chosen(runs, temperature=temperature, rate=rate, direction=way)
            outputs = here[OUTPUT].values
            yield Table.of(
                f"measured {way}",
                temperature=np.full(RECORDS, temperature),
                rate=np.full(RECORDS, rate),
                weight_decay=here.weight_decay_now.values[0],
                output=outputs.mean(axis=0),
                error=outputs.std(axis=0, ddof=1) / np.sqrt(len(outputs)),
            )
            if theory is None:
                continue
            yield Table.of(
                f"theory {way}",
                temperature=np.full(RECORDS, temperature),
                rate=np.full(RECORDS, rate),
                weight_decay=theory.weight_decay.values,
                output=theory.order_parameter.sel(direction=way, rate=rate).values,
                outside=np.full(RECORDS, theory.outside_share.sel(direction=way, rate=rate)),
            )


def draw_loops(runs: xr.Dataset, arguments: argparse.Namespace, depth: int, out: Path) -> None:
    """Draw mean loops of every temperature; theory only where it is a prediction."""
    temperatures = arguments.temperatures[depth]
    parts = []
    with style():
        for axes, temperature in zip(panels(len(temperatures)), temperatures, strict=True):
            table = Table.joined(branches(runs, arguments, depth, temperature))
            parts.append(table)
            for index, rate in enumerate(arguments.rates[depth]):
                draw_loop(axes, table.where(rate=rate), rate, PALETTE[index % len(PALETTE)])
            axes.set(xlabel=r"weight decay $\lambda$", title=f"$T$ = {temperature:g}")
        title = "rate; dashed: theory" if depth == 3 else "rate"
        axes.legend(title=title, loc="upper right")
        figure = axes.figure
        figure.axes[0].set_ylabel("mean output $m$")
    save_figure(figure, out / f"loops_{depth}", table=Table.joined(parts))


def draw_loop(axes: Axes, table: Table, rate: float, colour: str) -> None:
    """Draw both branches of a rate, and theory where it holds."""
    for way in ("up", "down"):
        branch = table.where(series=f"measured {way}")
        label = f"{rate:g}" if way == "up" else None
        axes.plot(branch["weight_decay"], branch["output"], color=colour, lw=0.9, label=label)
        theory = table.where(series=f"theory {way}")
        if len(theory) and theory["outside"][0] <= OUTSIDE:
            axes.plot(theory["weight_decay"], theory["output"], color="black", lw=0.9, ls="--")


def draw_fields(table: xr.Dataset, out: Path) -> None:
    """Draw the switching fields of three layers with noise beside the survival."""
    parts: list[Table] = []
    with style():
        (axes,) = panels(1)
        for index, size in enumerate(np.unique(table["size"].values)):
            here = table.isel(point=np.flatnonzero(table["size"].values == size))
            parts += draw_branches(axes, here, 1.0 / size, PALETTE[index % len(PALETTE)])
        spinodal = deep_linear_transition(layer_count=3).spinodal_weight_decay
        axes.axhline(spinodal, color="black", lw=0.6, ls=":")
        axes.set(xscale="log", xlabel="rate $r$", ylabel=r"switching weight decay $\lambda$")
        above(axes)
    save_figure(axes.figure, out / "fields", table=Table.joined(parts))


def draw_branches(axes: Axes, table: xr.Dataset, heat: float, colour: str) -> list[Table]:
    """Draw both switching fields of a temperature, full up and open down."""
    rate = table.rate.values
    line = np.geomspace(rate.min(), rate.max(), 9)
    theory = driven(heat, tuple(line.tolist()))
    parts = []
    for way, label in (("up", f"$T$ = {heat:g}"), ("down", None)):
        value, error = (table[f"switching_{way}{end}"].values for end in ("", "_error"))
        expected = theory.sel(direction=way)
        curve = expected.switching_field.values
        curve = np.where([holds(each, heat, way) for each in curve], curve, np.nan)
        filled = colour if way == "up" else "none"
        axes.errorbar(rate, value, error, fmt="o", color=colour, mfc=filled, label=label)
        axes.plot(line, curve, ls="--", color=colour)
        parts.append(fields_part(f"measured {way}", heat, rate, value, error))
        parts.append(fields_part(f"theory {way}", heat, line, curve, np.zeros_like(curve)))
    return parts


def fields_part(
    series: str, heat: float, rate: npt.ArrayLike, field: FloatArray, error: FloatArray
) -> Table:
    """Switching fields of a temperature and a direction."""
    temperature = np.full(field.shape, heat)
    return Table.of(series, temperature=temperature, rate=rate, field=field, error=error)


def above(axes: Axes) -> None:
    """Put the legend above the frame, where it hides no point."""
    axes.legend(title="dashed: theory", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)


def draw_areas(table: xr.Dataset, depth: int, out: Path) -> None:
    """Draw areas over the rate for two layers, areas for three, beside theory."""
    scale = table.rate.values if depth == 2 else np.ones(table.sizes["point"])
    heat = 1.0 / table["size"].values
    with style():
        (axes,) = panels(1)
        for index, each in enumerate(np.unique(heat)):
            here = heat == each
            rate, shown = table.rate.values[here], scale[here]
            measured, error = (table[n].values[here] / shown for n in ("area", "area_error"))
            colour = PALETTE[index % len(PALETTE)]
            axes.errorbar(rate, measured, error, fmt="o", label=f"$T$ = {each:g}", color=colour)
            axes.plot(rate, table.expected_area.values[here] / shown, ls="--", color=colour)
        axes.set(xscale="log", xlabel="rate $r$")
        axes.set_ylabel("area $A$ over rate $r$" if depth == 2 else "area $A$ of the loop")
        above(axes)
    numbers = {name: table[name].values for name in ("rate", "area", "area_error")}
    expected = table.expected_area.values
    listed = Table.of("loops", temperature=heat, **numbers, expected=expected)
    save_figure(axes.figure, out / f"areas_{depth}", table=listed)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-hysteresis"))
    for name, numbers in (
        ("--temperatures", [0.002, 0.003, 0.004]),
        ("--rates", [1e-5, 3e-5, 1e-4, 3e-4, 1e-3]),
        ("--two-layer-temperatures", [1e-6, 1e-5, 1e-4]),
        ("--two-layer-rates", [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
        ("--quiet-rates", [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
    ):
        parser.add_argument(name, type=float, nargs="+", default=numbers)
    parser.add_argument("--replicas", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    found = parser.parse_args(words)
    if found.quick:
        found.replicas, found.rates = 16, [1.5e-3, 3e-3]
        found.quiet_rates = [1.5e-3, 3e-3, 6e-3, 1.2e-2]
        found.two_layer_rates = [3e-3, 6e-3, 1.2e-2, 1.8e-2]
    found.rates = {3: found.rates, 2: found.two_layer_rates}
    found.temperatures = {3: found.temperatures, 2: found.two_layer_temperatures}
    return found


def main() -> None:
    """Collect both depths and print and draw what they say."""
    arguments = parse()
    for depth in (3, 2):
        folder = arguments.out / f"layers-{depth}"
        study = describe(depth, arguments)
        workers = arguments.workers
        print(collect(study, folder, workers=workers, target_seconds=BATCH_SECONDS))
        runs = open_runs(folder).load()
        if depth == 3:
            noiseless(runs, arguments.out)
            against_survival(runs, arguments)
            draw_fields(medians(runs, arguments, depth), arguments.out)
        else:
            continuous(runs)
        table = areas(tabulate(runs, depth, arguments), depth, arguments)
        fields = medians(runs, arguments, depth)
        collapse(activated(fields) if depth == 3 else fields, depth, arguments.out)
        draw_loops(runs, arguments, depth, arguments.out)
        draw_areas(table, depth, arguments.out)


if __name__ == "__main__":
    main()
