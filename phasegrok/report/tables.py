"""The tables of a report: every point with its numbers, and the health of its runs."""

from html import escape
from typing import Any, Final, NamedTuple

from phasegrok.report.analysis import Analysis
from phasegrok.report.captions import place_text
from phasegrok.report.wording import beside, estimate, fixed, rows_table, significant

__all__ = ["health_table", "points_table"]


def points_table(analysis: Analysis) -> str:
    """Every mean with its error, beside theory and fitted phases where there are any."""
    table = analysis.table("comparison")
    if table is None:
        return _without_theory(analysis)
    fits = analysis.table("fits")
    names = table["quantity"].to_numpy().tolist()
    head = ["point"]
    for name in names:
        head += [f"{_SYMBOLS[name]} measured", "theory", "dev."]
    rows = []
    for point in table["point"].to_numpy():
        row = [place_text(analysis, int(point))]
        for name in names:
            one = table.sel(quantity=name, point=point)
            row += [
                estimate(float(one["measured"]), float(one["standard_error"])),
                beside(float(one["theory"]), float(one["standard_error"])),
                fixed(float(one["deviation"]), "+.1f") + "σ",
            ]
        if fits is not None:
            row.append(_decision(fits, int(point)))
        rows.append(row)
    if fits is not None:
        head.append("phases (ln B)")
    return (
        "<h2>Every point</h2><p class='note'>“dev.” is measured less theory at this size, in "
        "standard errors; with few disorders that error is itself known to some 40 %. ln B "
        "weighs two coexisting phases of neurons against one with heavy tails.</p>"
        + rows_table(head, rows)
    )


_SYMBOLS: Final = {
    "aligned_fraction": "aligned",
    "linear_discrepancy": "b",
    "cubic_discrepancy": "c",
}


def _without_theory(analysis: Analysis) -> str:
    points = analysis.tables["points"]
    names = points["quantity"].to_numpy().tolist()
    rows = [
        [place_text(analysis, int(point))]
        + [
            estimate(
                float(points["mean"].sel(quantity=name, point=point)),
                float(points["standard_error"].sel(quantity=name, point=point)),
            )
            for name in names
        ]
        for point in points["point"].to_numpy()
    ]
    head = ["point", *(escape(name.replace("_", " ")) for name in names)]
    return "<h2>Every point</h2>" + rows_table(head, rows)


def _decision(fits: Any, point: int) -> str:
    if point not in fits["point"].to_numpy():
        return "–"
    fit = fits.sel(point=point)
    word = {1: "two", 0: "one", -1: "?"}[int(fit["two_phases"])]
    return f"{word} ({significant(float(fit['log_evidence_difference']), 2)})"


class _Column(NamedTuple):
    heading: str
    form: str


_HEALTH: Final = {
    "acceptance": _Column("acceptance", ".2f"),
    "autocorrelation_time": _Column("τ (records)", ".2f"),
    "effective_samples": _Column("effective samples", ".0f"),
    "split_r_hat": _Column("split R̂", ".2f"),
    "drift_z_score": _Column("drift z", "+.1f"),
    "relaxed_at": _Column("relaxed at step", ".0f"),
    "start_z_score": _Column("starts z", "+.1f"),
}


def health_table(analysis: Analysis) -> str:
    """How well the runs of every point sampled what they sampled."""
    health = analysis.tables["health"]
    columns = {name: column for name, column in _HEALTH.items() if name in health}
    rows = [
        [place_text(analysis, int(point))]
        + [
            fixed(float(health[name].sel(point=point)), column.form)
            for name, column in columns.items()
        ]
        for point in health["point"].to_numpy()
    ]
    quantity = str(health.attrs["quantity"]).replace("_", " ")
    return (
        f"<h2>Health of the runs</h2><p class='note'>For the {escape(quantity)}: integrated "
        "autocorrelation time τ, effective samples of all runs, rank-normalised split R̂ over "
        "the replicas of the worst disorder, first tenth against last half of the records "
        "(drift), the median end of the relaxation, and the difference of the two starts in "
        "units of its error.</p>"
        + rows_table(["point", *(column.heading for column in columns.values())], rows)
    )
