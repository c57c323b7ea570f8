"""Where nonlinear networks begin to learn as the weight decay falls, and whether by a jump.

Networks with one, two and three hidden layers, tanh, ReLU and linear, learn a linear teacher
and digits of MNIST by Langevin dynamics, while the weight decay λ is swept up and down at three
rates. Printed are the switching fields of both branches, the steepest change, the loops, what
is trapped, and what is known exactly; what the data leave open is said to be undetermined.

Known at temperature zero, for L layers of weights without biases: with one hidden layer (L = 2)
the state that has learned nothing is unstable below λ₀, the largest correlation of a neuron
with the targets. With more it is a minimum at every λ > 0, since the gain is of the order L in
the weights and the decay quadratic; so the lowest state can only change by a jump, whatever the
activation and the loss. With ReLU, L = 2 and a squared loss it changes continuously, at λ₀:
along a ray the energy is ½ B b⁴ - (A - λ) b², where B ≥ A²/⟨|y|²⟩. Linear networks are solved
(Ziyin and Ueda, arXiv 2205.12510; Ersoy and Wiesner, arXiv 2505.06597).

Not known, and measured: where nonlinear networks of L ≥ 3 jump, how far they are metastable,
and what noise makes of it. On the way down they are trapped in the unlearned state, which the
slower rates and the higher temperatures leave earlier, and deep networks later; a loop that is
cut has no area. Of the state in which ReLU networks of L ≥ 3 have learned about half, nothing
is known here but that they pass through it. At a fixed width 1/T is a size, U/T = f/T with one
f, and a verdict may be asked; a width, a depth or a number of images is none. Digits are swept
at rates that are far from slow: the order of their transition stays undetermined here.

    python examples/nonlinear_networks.py               # 8 replicas, 3 rates: an hour
    python examples/nonlinear_networks.py --quick       # under a minute, without verdicts

The studies stay in ``--out``: the same command again continues them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from phasegrok import Energy, Plan, Recording, Study, open_runs, part
from phasegrok.collect import collect
from phasegrok.plotting import PALETTE, Table, save_figure, style
from phasegrok.study import Part, Sweep
from phasegrok.tasks import build_task
from phasegrok.theory import deep_linear_modes, deep_linear_ramp
from phasegrok.transitions import LoopStatus, compare_loop_laws, loops, switching_fields
from phasegrok.transitions import SwitchStatus as Switch
from phasegrok.verdict import order_of_transition

Array = npt.NDArray[np.float64]

SEED: Final = 5
WIDTH: Final = 6
COLUMNS: Final = 101
"""Records of a branch."""

LABELS: Final = {
    "target_overlap": "overlap with the target",
    "loss": "training loss",
    "accuracy": "training accuracy",
    "half_square_norm": r"$\frac{1}{2}|\theta|^2$",
}

WINDOW: Final = 0.03
"""Part of the range within which the steepest change is looked for."""

EQUILIBRIUM_TEMPERATURES: Final = (8e-3, 4e-3, 2.8e-3, 2e-3)
EQUILIBRIUM: Final = {2: (0.6, 1.15, 12), 3: (0.34, 0.47, 14)}
"""Weight decays about the transition at these temperatures: from, to, number, by depth."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A task and how it is swept: variable in which phases differ, its value unlearned."""

    name: str
    task: Part
    variable: str
    unlearned: float
    extra: tuple[str, ...]
    temperatures: tuple[float, ...]
    step_size: float
    lengths: tuple[int, ...]
    """Steps of a way through the range; a rate is the range over their time."""


def teacher(quick: bool) -> Case:
    """One mode of strength 1 between 6 whitened inputs and 4 outputs."""
    return Case(
        name="teacher",
        task=part(
            "linear_teacher",
            input_size=6,
            output_size=4,
            singular_values=[1.0],
            example_count=24,
        ),
        variable="target_overlap",
        unlearned=0.0,
        extra=(),
        temperatures=(1e-3,) if quick else (4e-3, 1e-3, 2.5e-4),
        step_size=0.1,
        lengths=(300, 1000, 3000) if quick else (1000, 10_000, 100_000),
    )


def digits(quick: bool) -> Case:
    """Three digits, 30 images; accuracy is no order parameter, as it has no scale."""
    return Case(
        name="mnist",
        task=part("mnist", classes=[0, 1, 2], example_count=30, test_count=60),
        variable="loss",
        unlearned=float(np.log(3.0)),
        extra=("accuracy", "test_accuracy"),
        temperatures=(1e-4,) if quick else (1e-3, 1e-4),
        step_size=0.01,
        lengths=(200, 500, 1200) if quick else (1000, 6000, 36_000),
    )


def expansion(task: Part) -> tuple[Array, Array, float]:
    """Inputs (example, input), targets less the null answer (example, output), curvature.

    The loss about the network that answers nothing is its mean over examples of
    ½ curvature |f|² - f·residual, up to higher orders for classes.
    """
    built = build_task(task)
    train = built.draw(study_seed=SEED, disorder=0).train
    if built.loss == "cross_entropy":
        classes = int(built.output_size)
        return train.inputs, np.eye(classes)[train.targets] - 1.0 / classes, 1.0 / classes
    return train.inputs, train.targets, 1.0


def strongest_mode(task: Part) -> tuple[float, float]:
    """Strongest singular value of the correlation, and the curvature of the loss along it."""
    inputs, residuals, curvature = expansion(task)
    _, strengths, right = np.linalg.svd(residuals.T @ inputs / len(inputs), full_matrices=False)
    return float(strengths[0]), float(curvature * np.mean((inputs @ right[0]) ** 2))


def rectified_onset(task: Part) -> float:
    """Largest |mean of residual · relu(w·x)| over unit w, by power steps from 200 starts."""
    inputs, residuals, _ = expansion(task)
    found = 0.0
    for start in np.random.default_rng(0).standard_normal((200, inputs.shape[1])):
        weights = start / np.linalg.norm(start)
        for _ in range(100):
            active = inputs * (inputs @ weights > 0.0)[:, None]
            pull = residuals.T @ active / len(inputs)
            answer = pull @ weights
            weights = pull.T @ answer
            size = np.linalg.norm(weights)
            if not size > 0.0:
                break
            weights /= size
            found = max(found, float(np.linalg.norm(answer)))
    return found


def linear_theory(case: Case, layers: int) -> tuple[float, float]:
    """λ_c and λ_sp of the strongest mode of the linear network.

    Exact for the teacher at temperature zero; for classes that of the loss to second order.
    """
    strength, curvature = strongest_mode(case.task)
    mode = deep_linear_modes(
        layer_count=layers,
        singular_values=[strength],
        weight_decay=[1.0],
        input_variances=[curvature],
    ).isel(mode=0)
    return float(mode.transition), float(mode.spinodal)


def highest(case: Case, layers: int) -> float:
    """End of the range: beyond all that linear networks would still hold."""
    return round(linear_theory(case, layers)[1] * (1.3 if layers == 2 else 1.6), 3)


def describe(case: Case, layers: int, arguments: argparse.Namespace) -> Study:
    """Sweeps of all activations, temperatures and rates of one depth."""
    high = highest(case, layers)
    times = [length * case.step_size / arguments.shorten for length in case.lengths]
    rates = [high / time for time in times]
    return Study(
        name=f"{case.name}, {layers} layers of weights",
        seed=SEED,
        task=case.task,
        network=part("deep", depth=layers, width=WIDTH, activation="tanh"),
        dynamics=part("langevin", step_size=case.step_size),
        energy=Energy(temperature=case.temperatures[0], weight_decay=high),
        recording=Recording(
            spacing="sweep",
            count=COLUMNS,
            observables=[part("target_overlap")]
            if case.variable == "target_overlap"
            else [part(each) for each in case.extra],
        ),
        sweep=Sweep(
            control="weight_decay",
            low=0.0,
            high=high,
            rate=rates[0],
            wait=arguments.wait * case.step_size,
        ),
        plan=Plan(
            grid={
                "activation": arguments.activations,
                "temperature": list(case.temperatures),
                "rate": rates,
                "direction": ["up", "down"],
            },
            replicas=arguments.replicas,
        ),
    )


def level_of(case: Case, runs: xr.Dataset) -> float:
    """A tenth of the way from the unlearned state to what is learned without weight decay."""
    first = runs.isel(run=np.flatnonzero(runs.direction.values == "up"))
    learned = float(first[case.variable].isel(record=0).mean())
    return case.unlearned + 0.1 * (learned - case.unlearned)


def chosen(runs: xr.Dataset, **values: object) -> xr.Dataset:
    """Runs with the given coordinates."""
    keep = np.ones(runs.sizes["run"], dtype=np.bool_)
    for name, value in values.items():
        keep &= runs[name].values == value
    return runs.isel(run=np.flatnonzero(keep))


def steepest(case: Case, runs: xr.Dataset, level: float) -> str:
    """Largest change within a window of the range, in parts of the whole, of a branch.

    Branches that never got to 30 % of what is learned have none and are not counted.
    """
    learned = (runs[case.variable].values - case.unlearned) / (level - case.unlearned) / 10.0
    learned = learned[learned.max(axis=1) > 0.3]
    if not len(learned):
        return "none learned"
    records = round(WINDOW * (COLUMNS - 1))
    leaps = np.abs(learned[:, records:] - learned[:, :-records]).max(axis=1)
    if len(leaps) == 1:
        return f"{leaps[0]:.2f} (of 1)"
    error = leaps.std(ddof=1) / np.sqrt(len(leaps))
    return f"{leaps.mean():.2f} ± {error:.2f} (of {len(leaps)})"


def exact_onset(case: Case, activation: str) -> float:
    """λ₀, below which one hidden layer cannot stay unlearned at temperature zero."""
    return rectified_onset(case.task) if activation == "relu" else strongest_mode(case.task)[0]


def field(row: xr.Dataset, direction: str) -> str:
    """A switching field with its error, or how many branches never switched."""
    censored = int(row[f"censored_{direction}"])
    if censored:
        return f"{censored} of {int(row[f'replicas_{direction}'])} never"
    value, error = (float(row[f"switching_{direction}{end}"]) for end in ("", "_error"))
    return f"{value:.4g} ± {error:.1g}"


def tell_theory(case: Case, layers: int, table: xr.Dataset) -> None:
    """Print what is known of the onset at temperature zero."""
    transition, spinodal = linear_theory(case, layers)
    if layers == 2:
        activations = np.unique(table.activation.values)
        onsets = [f"{each} {exact_onset(case, str(each)):.4f}" for each in activations]
        print(f"  T = 0: nothing learned is unstable below λ₀ (exact): {', '.join(onsets)}")
        return
    exact = "exact" if case.unlearned == 0.0 else "to second order of the loss"
    print(
        f"  T = 0: nothing learned is a minimum at every λ, so the lowest state jumps; linear: "
        f"λ_c {transition:.4f}, λ_sp {spinodal:.4f} ({exact}); others: not known"
    )
    if case.unlearned == 0.0:
        rates = np.unique(table.rate.values)
        falls = deep_linear_ramp(layer_count=layers, rates=rates, level=table.attrs["level"])
        told = ", ".join(
            f"{float(field):.4f} at rate {rate:.3g}"
            for rate, field in zip(rates, falls.switching_field, strict=True)
        )
        print(f"  T = 0: a linear network falls on the way up at {told} (exact)")


def tell_loops(case: Case, runs: xr.Dataset, table: xr.Dataset) -> None:
    """Print both branches at every rate of every network of one depth."""
    for row in (table.isel(point=index) for index in range(table.sizes["point"])):
        where = {name: row[name].item() for name in ("activation", "temperature", "rate")}
        leaps = [
            steepest(case, chosen(runs, direction=each, **where), table.attrs["level"])
            for each in ("up", "down")
        ]
        status = LoopStatus(int(row.status))
        area = f", area {float(row.area):.3g} ± {float(row.area_error):.1g}"
        print(
            f"  {where['activation']:6s} T {where['temperature']:<7g} rate "
            f"{where['rate']:<8.3g} up {field(row, 'up'):>16s}  down {field(row, 'down'):>16s}"
            f"  steepest up {leaps[0]}, down {leaps[1]}; loop {status.name.lower()}"
            f"{area if status is LoopStatus.WHOLE else ''}"
        )


def tell_trapped(case: Case, runs: xr.Dataset, level: float) -> None:
    """Print how many downward branches are still unlearned at the end, where λ is zero."""
    down = chosen(runs, direction="down")
    fields = switching_fields(down, control="weight_decay", variable=case.variable, level=level)
    rates = np.unique(fields.rate.values)[::-1]
    for activation in np.unique(down.activation.values):
        counts = []
        for temperature in case.temperatures:
            here = (fields.activation == activation) & (fields.temperature == temperature)
            never = [
                int((here & (fields.rate == rate) & (fields.status == Switch.NEVER)).sum())
                for rate in rates
            ]
            total = int(here.sum()) // len(rates)
            counts.append(f"{', '.join(map(str, never))} of {total} at T {temperature:g}")
        print(
            f"  never learned on the way down, fast to slow, {activation}: {'; '.join(counts)}"
        )


def judge_loops(table: xr.Dataset) -> None:
    """Ask which law the loops of each network follow, with 1/T as size: U/T = f/T."""
    for activation in np.unique(table.activation.values):
        here = table.isel(point=np.flatnonzero(table.activation.values == activation))
        whole = here.isel(point=np.flatnonzero(here.status.values == LoopStatus.WHOLE))
        name = f"  law of the loops, {activation}: "
        if whole.sizes["point"] < 6 or np.unique(whole.temperature).size < 2:
            counts = f"{whole.sizes['point']} of {here.sizes['point']} loops are whole"
            print(f"{name}undetermined: {counts}, and six of two temperatures are needed")
            continue
        laws = compare_loop_laws(whole, seed=SEED)
        best = laws.isel(model=0)
        sound = bool(best.reliable) and bool(best.consistent)
        answer = f"{best.model.item()} with probability {float(best.probability):.3f}"
        sure = sound and float(best.probability) > 0.9
        doubt = "" if sound else ", which does not fit or is not reliable"
        print(name + (answer if sure else f"undetermined: {answer}{doubt}"))


def half_square_norm(runs: xr.Dataset) -> xr.DataArray:
    """½|θ|² over all layers, conjugate to the weight decay."""
    names = [name for name in runs.data_vars if str(name).startswith("half_square_norm")]
    return xr.concat([runs[name] for name in names], dim="layer").sum("layer")


def draw_loops(case: Case, studies: dict[int, xr.Dataset], name: str, out: Path) -> None:
    """One panel for each depth and activation, at the lowest temperature, all rates."""
    activations = list(dict.fromkeys(next(iter(studies.values())).activation.values.tolist()))
    parts = []
    with style():
        figure = Figure(figsize=(7.0, 1.9 * len(studies)), layout="constrained")
        panels = figure.subplots(len(studies), len(activations), squeeze=False)
        for row, (layers, runs) in zip(panels, studies.items(), strict=True):
            for axes, activation in zip(row, activations, strict=True):
                cold = chosen(runs, activation=activation, temperature=min(case.temperatures))
                parts += list(draw_branches(axes, cold, name, f"{activation}, {layers} layers"))
                axes.set_title(f"{activation}, {layers} layers")
                if layers == 2:
                    axes.axvline(exact_onset(case, activation), color="black", lw=0.6, ls=":")
                elif activation == "linear":
                    for value, dashes in zip(linear_theory(case, layers), "-:", strict=True):
                        axes.axvline(value, color="black", lw=0.6, ls=dashes)
            row[0].set_ylabel(LABELS.get(name, name))
        for axes in panels[-1]:
            axes.set_xlabel(r"weight decay $\lambda$")
        panels[0, 0].legend(loc="best")
    save_figure(figure, out / f"{case.name}_{name}", table=Table.joined(parts))


def draw_branches(axes: Axes, runs: xr.Dataset, name: str, label: str) -> Iterator[Table]:
    """All branches of one network; the slowest are the darkest."""
    rates = np.unique(runs.rate.values)[::-1]
    for direction, colour in (("up", PALETTE[1]), ("down", PALETTE[0])):
        for place, rate in enumerate(rates):
            here = chosen(runs, direction=direction, rate=rate)
            control = here.weight_decay_now.values
            values = half_square_norm(here) if name == "half_square_norm" else here[name]
            dark = (place + 1) / len(rates)
            lines = axes.plot(control.T, values.values.T, color=colour, alpha=dark, lw=0.7)
            if place == len(rates) - 1:
                lines[0].set_label(direction)
            yield Table.of(
                f"{label}, {direction}, rate {rate:.3g}",
                weight_decay=control[0],
                mean=values.mean("run").values,
                standard_deviation=values.std("run").values,
            )


def draw_onsets(case: Case, tables: dict[int, xr.Dataset], out: Path) -> None:
    """Switching fields at the slowest rate against depth, beside the linear network's."""
    parts = []
    with style():
        figure = Figure(figsize=(3.4, 2.8), layout="constrained")
        axes = figure.subplots()
        activations = list(dict.fromkeys(next(iter(tables.values())).activation.values))
        for place, activation in enumerate(activations):
            for direction, marker in (("up", "^"), ("down", "v")):
                rows = onset_rows(case, tables, str(activation), direction)
                axes.errorbar(
                    np.array(rows["layers"], dtype=np.float64) + 0.06 * (place - 1),
                    rows["field"],
                    rows["error"],
                    fmt=marker,
                    color=PALETTE[place],
                    label=f"{activation}, {direction}",
                )
                parts.append(Table.of(f"{activation}, {direction}", **rows))
        depths = list(tables)
        theory = np.array([linear_theory(case, each) for each in depths])
        for index, (word, dashes) in enumerate((("transition", "-"), ("spinodal", ":"))):
            axes.plot(
                depths,
                theory[:, index],
                color="black",
                ls=dashes,
                lw=0.8,
                label=f"linear, {word}",
            )
            parts.append(Table.of(f"linear, {word}", layers=depths, field=theory[:, index]))
        axes.set(xlabel="layers of weights", ylabel=r"onset in the weight decay", yscale="log")
        axes.set_xticks(depths)
        axes.legend(loc="best")
    save_figure(figure, out / f"{case.name}_onset", table=Table.joined(parts))


def onset_rows(
    case: Case, tables: dict[int, xr.Dataset], activation: str, direction: str
) -> dict[str, list[float]]:
    """Fields of one branch by depth, lowest temperature and slowest rate; NaN if trapped."""
    rows: dict[str, list[float]] = {"layers": [], "field": [], "error": [], "censored": []}
    for layers, table in tables.items():
        here = (table.activation == activation) & (table.temperature == min(case.temperatures))
        slow = table.isel(point=np.flatnonzero(here & (table.rate == table.rate.min()))[0])
        rows["layers"].append(layers)
        rows["field"].append(float(slow[f"switching_{direction}"]))
        rows["error"].append(float(slow[f"switching_{direction}_error"]))
        rows["censored"].append(float(slow[f"censored_{direction}"]))
    return rows


def sweeps(case: Case, arguments: argparse.Namespace) -> None:
    """Collect and tell all depths of one task."""
    studies, tables = {}, {}
    for layers in arguments.layers:
        folder = arguments.out / f"{case.name}-{layers}"
        print(collect(describe(case, layers, arguments), folder, workers=arguments.workers))
        runs = open_runs(folder).load()
        runs = runs.assign_coords(size=1.0 / runs.temperature)
        level = level_of(case, runs)
        table = loops(
            runs,
            control="weight_decay",
            variable=case.variable,
            by=["activation", "temperature", "size"],
            level=level,
        )
        print(
            f"{case.name}, {layers} layers of weights; fields at {case.variable} = {level:.3f}"
        )
        tell_theory(case, layers, table)
        tell_loops(case, runs, table)
        tell_trapped(case, runs, level)
        judge_loops(table)
        studies[layers], tables[layers] = runs, table
    for name in (case.variable, *case.extra[:1], "half_square_norm"):
        draw_loops(case, studies, name, arguments.out)
    if len(tables) > 1:
        draw_onsets(case, tables, arguments.out)


def equilibrium(layers: int, arguments: argparse.Namespace) -> Study:
    """Tanh networks that learn the teacher at rest, from zero and from large weights."""
    case = teacher(quick=False)
    low, high, count = EQUILIBRIUM[layers]
    return Study(
        name=f"equilibrium, {layers} layers of weights",
        seed=SEED,
        task=case.task,
        network=part("deep", depth=layers, width=WIDTH, activation="tanh", gain=1.5),
        dynamics=part("langevin", step_size=case.step_size),
        energy=Energy(temperature=EQUILIBRIUM_TEMPERATURES[0], weight_decay=high),
        recording=Recording(
            steps=arguments.rest,
            start=arguments.rest // 5,
            every=50,
            observables=[part("target_overlap")],
        ),
        plan=Plan(
            grid={
                "temperature": list(EQUILIBRIUM_TEMPERATURES),
                "weight_decay": {"from": low, "to": high, "count": count},
            },
            replicas=3,
            starts=("zero", "prior"),
        ),
    )


def verdicts(arguments: argparse.Namespace) -> None:
    """Ask for the order of the transition as T falls at a fixed width, N = 1/T.

    Of the weight that a layer carries, |m|^(1/L) with the sign of m: where that grows like a
    root, m itself has a mere kink, whose slope stays finite as at a crossover.
    """
    for layers in EQUILIBRIUM:
        folder = arguments.out / f"equilibrium-{layers}"
        print(collect(equilibrium(layers, arguments), folder, workers=arguments.workers))
        runs = open_runs(folder).load()
        overlap = runs.target_overlap.assign_coords(size=1.0 / runs.temperature)
        samples = np.sign(overlap) * np.abs(overlap) ** (1.0 / layers)
        verdict = order_of_transition(
            samples, control="weight_decay", size="size", dimension=None
        )
        print(f"tanh, {layers} layers of weights, teacher, N = 1/T: {verdict}")


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("phasegrok-nonlinear"))
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--activations", nargs="+", default=["tanh", "relu", "linear"])
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--shorten", type=float, default=1.0, help="sweeps, by this factor")
    parser.add_argument("--wait", type=int, default=2000, help="steps before a sweep")
    parser.add_argument("--rest", type=int, default=60_000, help="steps for the verdicts")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small, for a look")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.layers, arguments.replicas, arguments.wait = [2, 3], 2, 400
    return arguments


def main() -> None:
    """Collect all sweeps and print what they say."""
    arguments = parse()
    for case in (teacher(arguments.quick), digits(arguments.quick)):
        if arguments.quick and case.name == "mnist":
            arguments.layers = [3]
        sweeps(case, arguments)
    if arguments.quick:
        print("verdicts: undetermined; they need runs at rest at several temperatures")
    else:
        verdicts(arguments)


if __name__ == "__main__":
    main()
