"""What there is to say of each figure: its numbers and errors beside the theory's."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from phasegrok.report.analysis import Analysis
from phasegrok.report.figures import corner_point, density_points, row_points
from phasegrok.report.wording import beside, control_text, estimate, percent, significant

__all__ = ["CAPTIONS", "findings", "place_text"]


def place_text(analysis: Analysis, point: int) -> str:
    """Write where a point lies: noise and the other control, or its controls."""
    places = analysis.tables["health"].sel(point=point)
    beside = analysis.summary["beside"]
    controls = list(analysis.summary["controls"])
    if beside is not None:
        controls = ["noise_variance", beside]
    return control_text({name: places[name].item() for name in controls})


def findings(analysis: Analysis) -> list[str]:
    """Sentences on how measurement and theory compare over all points."""
    table = analysis.table("comparison")
    if table is None:
        return []
    said = []
    for name, text in _NAMES.items():
        if name not in table["quantity"].to_numpy():
            continue
        one = table.sel(quantity=name)
        deviation = one["deviation"].to_numpy()
        relative = one["relative_deviation"].to_numpy()
        known = np.isfinite(deviation)
        within = np.count_nonzero(np.abs(deviation[known]) <= 2.0)
        above = np.count_nonzero(deviation[known] > 0.0)
        said.append(
            f"{text}: within two standard errors of the theory at {within} of {known.sum()} "
            f"points, above it at {above}; relative deviation "
            f"from {percent(relative.min())} to {percent(relative.max())}, root mean square "
            f"{100.0 * float(np.sqrt(np.mean(relative**2))):.1f} %."
        )
    return said


_NAMES: Final = {
    "cubic_discrepancy": "Cubic discrepancy c",
    "linear_discrepancy": "Linear discrepancy b",
    "aligned_fraction": "Aligned fraction",
}


def _beside_theory(analysis: Analysis, quantity: str, point: int) -> str:
    """A measured value with its error, and the theory's where there is one."""
    one = analysis.tables["points"].sel(quantity=quantity, point=point)
    text = estimate(float(one["mean"]), float(one["standard_error"]))
    predicted = analysis.table("predicted")
    if predicted is None or quantity not in predicted:
        return text
    theory = float(predicted[quantity].sel(size="this size", point=point))
    return f"{text} (theory {beside(theory, float(one['standard_error']))})"


def _along_row(analysis: Analysis, quantity: str) -> str:
    row = row_points(analysis)
    chosen = dict.fromkeys([row[0], row[len(row) // 2], row[-1]])
    return "; ".join(
        f"{place_text(analysis, point)}: {_beside_theory(analysis, quantity, point)}"
        for point in chosen
    )


def _phase_diagram(analysis: Analysis) -> str:
    lines, beside = analysis.tables["lines"], analysis.summary["beside"]
    row = analysis.summary["row"]
    crossings = []
    for name, text in (
        ("first_order_line", "the first-order line of large systems"),
        ("crossover_line", "the steepest change at this size"),
        ("well_limit_line", "the second minimum of −log p(q) at this size"),
    ):
        if name in lines["line"].to_numpy():
            value = float(lines["critical"].sel(line=name, along=row))
            crossings.append(f"{text} at σ² = {significant(value)}")
    return (
        f"Fraction of neurons with |q| &gt; {analysis.summary['threshold']:g} (colour); the "
        "diameter of the white discs grows with the standard error over disorders. At "
        f"{control_text({beside: row})} the theory puts {', '.join(crossings)}. Measured: "
        f"{_along_row(analysis, 'aligned_fraction')}."
    )


def _aligned_fraction(analysis: Analysis) -> str:
    return (
        "The same fraction against the noise, with the self-consistent theory at this size "
        f"(lines). Errors are over disorders. {_along_row(analysis, 'aligned_fraction')}."
    )


def _discrepancies(analysis: Analysis) -> str:
    return (
        "What the network has not learned of the linear and of the cubic part of the target, "
        "with the theory at this size (solid) and for large sizes (dashed). All points share "
        "their disorders, so that neighbouring points err together. b: "
        f"{_along_row(analysis, 'linear_discrepancy')}. c: "
        f"{_along_row(analysis, 'cubic_discrepancy')}."
    )


def _overlap_density(analysis: Analysis) -> str:
    fits = analysis.table("fits")
    said = []
    for point in density_points(analysis):
        if fits is None or point not in fits["point"].to_numpy():
            continue
        fit = fits.sel(point=point)
        words = {1: "two phases", 0: "one phase", -1: "undetermined"}[int(fit["two_phases"])]
        odds = significant(float(fit["log_evidence_difference"]))
        said.append(f"{place_text(analysis, point)}: {words} (ln B = {odds})")
    fitted = f" The fit of coexisting phases finds {'; '.join(said)}." if said else ""
    return (
        "Minus the logarithm of the density of the overlap q = w·w* of a neuron, folded over "
        "±q, with errors over disorders, against the theory's p(q) without a fitted "
        f"parameter.{fitted}"
    )


def _corner(analysis: Analysis) -> str:
    point = corner_point(analysis)
    if point is None:
        return ""
    fit = analysis.tables["fits"].sel(point=point)
    intervals = ", ".join(
        f"{name} {significant(float(fit[name]))} "
        f"[{significant(float(fit[name + '_lower_95']))}, "
        f"{significant(float(fit[name + '_upper_95']))}]"
        for name in ("position", "width", "weight")
    )
    return (
        f"Posterior of the droplet phase where two phases are most probable, "
        f"{place_text(analysis, point)}: {intervals} (medians and 95 % intervals). "
        f"{_sentence(str(fit['reason'].item()))} The chains are {fit['grade'].item()}."
    )


def _sentence(reason: str) -> str:
    """The first letter in capitals and a full stop, to stand in running text."""
    return reason[:1].upper() + reason[1:].rstrip(".") + "."


def _start_traces(analysis: Analysis) -> str:
    traces = analysis.tables["traces"]
    point = row_points(analysis)[0]
    cut = traces.attrs["cut_step"]
    text = (
        f"Relaxation at {place_text(analysis, point)} from each start; bands are standard "
        f"errors over disorders. Averages begin at step {cut} (dotted)."
    )
    starts = analysis.table("starts")
    if starts is None or traces.attrs["quantity"] not in starts["quantity"].to_numpy():
        return text
    one = starts.sel(quantity=traces.attrs["quantity"], point=point)
    z_scores = starts["z_score"].sel(quantity=traces.attrs["quantity"]).to_numpy()
    known = z_scores[np.isfinite(z_scores)]
    here = estimate(float(one["difference"]), float(one["error"]))
    spread = float(np.sqrt(np.mean(known**2)))
    return (
        f"{text} From there on the start “{starts.attrs['first']}” less “"
        f"{starts.attrs['second']}” is {here} here; over all points the difference in units of "
        f"its error has a root mean square of {spread:.2f} (1 is expected) and at most "
        f"{float(np.abs(known).max()):.1f}."
    )


def _run_health(analysis: Analysis) -> str:
    health = analysis.tables["health"]
    parts = []
    if "acceptance" in health:
        low, high = float(health["acceptance"].min()), float(health["acceptance"].max())
        parts.append(f"acceptance {low:.2f} to {high:.2f}")
    if "autocorrelation_time" in health:
        times = health["autocorrelation_time"].to_numpy()
        parts.append(f"autocorrelation time up to {times.max():.1f} records")
    if "split_r_hat" in health:
        parts.append(f"split R̂ up to {float(health['split_r_hat'].max()):.2f}")
    return f"Health of the runs in {_words(health.attrs['quantity'])}: {', '.join(parts)}."


def _words(name: str) -> str:
    return name.replace("_", " ")


CAPTIONS: Final[Mapping[str, tuple[str, Callable[[Analysis], str]]]] = {
    "phase_diagram": ("Phase diagram", _phase_diagram),
    "aligned_fraction": ("Aligned neurons against the noise", _aligned_fraction),
    "discrepancies": ("What is not learned", _discrepancies),
    "overlap_density": ("Two kinds of neurons", _overlap_density),
    "corner": ("The droplet phase", _corner),
    "start_traces": ("Two starts, one equilibrium", _start_traces),
    "run_health": ("Health of the runs", _run_health),
}
"""Heading and caption of each figure of `figures.FIGURES`."""
