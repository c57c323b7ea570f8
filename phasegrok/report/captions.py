"""What there is to say of each figure: its numbers and errors beside the theory's."""

import re
from collections.abc import Callable, Mapping
from html import escape
from statistics import NormalDist
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.report.analysis import HIGHEST_R_HAT, Analysis, place_names
from phasegrok.report.figures import corner_point, density_points, row_points
from phasegrok.report.wording import beside, control_text, estimate, percent, significant

__all__ = ["CAPTIONS", "findings", "heading", "place_text"]


def place_text(analysis: Analysis, point: int) -> str:
    """Write where a point lies, as HTML."""
    places = analysis.tables["health"].sel(point=point)
    names = place_names(analysis.summary["beside"], analysis.summary["controls"])
    return escape(control_text({name: places[name].item() for name in names}))


def heading(analysis: Analysis, name: str) -> str:
    """Head a figure; that of the starts says what they allow to be said."""
    if name != "start_traces":
        return CAPTIONS[name][0]
    count = analysis.tables["traces"].sizes["start"]
    if count == 1:
        return "Relaxation"
    if count == 2 and not _against_equilibrium(analysis):
        return "Two starts, one equilibrium"
    return f"Relaxation from {'two' if count == 2 else count} starts"


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
    here = escape(control_text({beside: row}))
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
        f"{here} the theory puts {', '.join(crossings)}. Measured: "
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
        f"{_reason(fit)} The chains are {fit['grade'].item()}."
    )


def _reason(fit: xr.Dataset) -> str:
    """Why the fit decided so, as a sentence with ln B to the second digit of its error."""
    odds = estimate(float(fit["log_evidence_difference"]), float(fit["log_evidence_error"]))
    reason = re.sub(r"ln B = \S+ ± \S+", f"ln B = {odds}", str(fit["reason"].item()))
    reason = re.sub(r"(?<![\w.])-(?=\d)", "−", reason)
    return escape(reason[:1].upper() + reason[1:].rstrip(".") + ".")


def _start_traces(analysis: Analysis) -> str:
    traces = analysis.tables["traces"]
    names = traces["start"].to_numpy().tolist()
    point = row_points(analysis)[0]
    begun = "each start" if len(names) > 1 else f"the start “{escape(str(names[0]))}”"
    text = (
        f"Relaxation at {place_text(analysis, point)} from {begun}; bands are standard "
        f"errors over disorders. Averages begin at step {traces.attrs['cut_step']} (dotted)."
    )
    known = _start_z_scores(analysis)
    if known.size:
        starts = analysis.tables["starts"]
        one = starts.sel(quantity=traces.attrs["quantity"], point=point)
        here = estimate(float(one["difference"]), float(one["error"]))
        spread = float(np.sqrt(np.mean(known**2)))
        text += (
            f" From there on the start “{escape(starts.attrs['first'])}” less "
            f"“{escape(starts.attrs['second'])}” is {here} here; over all points the "
            f"difference in units of its error has a root mean square of {spread:.2f} (1 is "
            f"expected) and at most {float(np.abs(known).max()):.1f}."
        )
    doubts = _against_equilibrium(analysis)
    if len(names) > 1 and doubts:
        text += f" One equilibrium is not established: {'; '.join(doubts)}."
    return text


def _start_z_scores(analysis: Analysis) -> NDArray[np.float64]:
    """Differences of two starts in units of their errors, where both are known."""
    starts, quantity = analysis.table("starts"), analysis.tables["traces"].attrs["quantity"]
    if starts is None or quantity not in starts["quantity"].to_numpy():
        return np.empty(0)
    z_scores = starts["z_score"].sel(quantity=quantity).to_numpy()
    return np.asarray(z_scores[np.isfinite(z_scores)])


def _against_equilibrium(analysis: Analysis) -> list[str]:
    """What forbids to say that all starts have reached one equilibrium."""
    health, known = analysis.tables["health"], _start_z_scores(analysis)
    doubts = []
    if not known.size:
        doubts.append("the starts could not be compared")
    elif _disagree(known):
        doubts.append("the starts disagree by more than chance explains")
    hats = health["split_r_hat"].to_numpy() if "split_r_hat" in health else np.empty(0)
    high = np.count_nonzero(hats > HIGHEST_R_HAT)
    if not np.isfinite(hats).any():
        doubts.append("split R̂ is not known")
    elif high:
        doubts.append(f"split R̂ exceeds {HIGHEST_R_HAT} at {high} of {hats.size} points")
    return doubts


def _disagree(z_scores: NDArray[np.float64]) -> bool:
    """Whether unit normal numbers are as large as these, one or all, once in a hundred times.

    The largest is held against its share of the chance (Bonferroni), the sum of squares
    against χ² (Wilson and Hilferty, PNAS 17, 684, 1931).
    """
    count = z_scores.size
    largest = NormalDist().inv_cdf(1.0 - _CHANCE / (2.0 * count))
    width = 2.0 / (9.0 * count)
    squares = count * (1.0 - width + NormalDist().inv_cdf(1.0 - _CHANCE) * width**0.5) ** 3
    return bool(np.abs(z_scores).max() > largest or np.sum(z_scores**2) > squares)


_CHANCE: Final = 0.01


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
    return escape(name.replace("_", " "))


CAPTIONS: Final[Mapping[str, tuple[str, Callable[[Analysis], str]]]] = {
    "phase_diagram": ("Phase diagram", _phase_diagram),
    "aligned_fraction": ("Aligned neurons against the noise", _aligned_fraction),
    "discrepancies": ("What is not learned", _discrepancies),
    "overlap_density": ("Two kinds of neurons", _overlap_density),
    "corner": ("The droplet phase", _corner),
    "start_traces": ("Relaxation", _start_traces),
    "run_health": ("Health of the runs", _run_health),
}
"""Heading and caption of each figure of `figures.FIGURES`; ask `heading` for the heading."""
