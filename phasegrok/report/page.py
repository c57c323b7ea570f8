"""The report of a study: one HTML file that needs nothing but itself."""

import base64
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np

from phasegrok.report.analysis import Analysis, analyze_study, current_analysis
from phasegrok.report.captions import CAPTIONS, findings, place_text
from phasegrok.report.figures import FIGURES, FOLDER, plot_study
from phasegrok.report.system import question, system_text
from phasegrok.report.wording import (
    beside,
    control_text,
    count_text,
    duration,
    estimate,
    rows_table,
    significant,
)

__all__ = ["REPORT", "report_study", "write_report"]

REPORT: Final = "report.html"

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fcfcfa; --rule: #d5d5d0;
  --quiet: #5c5c58; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e0; --paper: #1a1b1d;
  --rule: #3c3d40; --quiet: #a3a39d; } }
body { margin: 0 auto; padding: 2rem 1.2rem 5rem; max-width: 46rem; color: var(--ink);
  background: var(--paper); font: 17px/1.6 Georgia, "Times New Roman", serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1rem 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
.lead { font-size: 1.1rem; color: var(--quiet); margin-top: 0; }
.equation { margin: .8rem 0; padding: .5rem 1rem; border-left: 3px solid var(--rule);
  overflow-x: auto; white-space: nowrap; }
figure { margin: 1rem 0 2rem; }
figure img { display: block; max-width: 100%; margin: 0 auto; padding: .6rem;
  background: white; border: 1px solid var(--rule); border-radius: 4px;
  box-sizing: border-box; }
figcaption { font-size: .9rem; line-height: 1.5; color: var(--quiet); margin-top: .6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font: 13px/1.45 system-ui, sans-serif; width: 100%;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .55rem; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
.words td { white-space: normal; }
th { font-weight: 600; border-bottom: 2px solid var(--rule); }
code, pre { font: 13px/1.5 ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.note { font-size: .9rem; color: var(--quiet); }
</style>
</head>
<body>
<h1>$title</h1>
<p class="lead">$question</p>
$body
</body>
</html>
""")


def report_study(folder: str | Path, *, workers: int = 1) -> Path:
    """Analyse a study, draw its figures and write its report.

    Parameters
    ----------
    folder : path
        Folder of the study.
    workers : int
        Processes that fit points; see `analyze_study`.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    FormatError
        If the folder holds no readable runs.
    InsufficientSamplesError
        If no run finished.
    """
    analyze_study(folder, workers=workers)
    plot_study(folder)
    return write_report(folder)


def write_report(folder: str | Path) -> Path:
    """Write the report of a study from its analysis and its figures.

    What is missing is made first: the analysis where runs were added since, and figures.

    Parameters
    ----------
    folder : path
        Folder of the study.

    Returns
    -------
    Path
        ``folder/report.html``, one file with its pictures in it.

    Raises
    ------
    FormatError
        If the folder holds no readable runs.
    """
    analysis = current_analysis(folder)
    figures = Path(folder) / FOLDER
    drawn = [name for name in FIGURES if (figures / f"{name}.png").exists()]
    if not drawn:
        plot_study(folder)
        drawn = [name for name in FIGURES if (figures / f"{name}.png").exists()]
    title = str(analysis.summary["study"].get("name", Path(folder).resolve().name))
    parts = [
        _outcome(analysis),
        system_text(analysis),
        _collection(analysis),
        _figures(analysis, figures, drawn),
        _points(analysis),
        _health(analysis),
        _doubts(analysis),
        _provenance(analysis, Path(folder)),
    ]
    page = _PAGE.substitute(
        title=escape(title), question=question(analysis), body="\n".join(filter(None, parts))
    )
    path = Path(folder) / REPORT
    path.write_text(page, encoding="utf-8")
    return path


def _outcome(analysis: Analysis) -> str:
    said = findings(analysis)
    fits = analysis.table("fits")
    if fits is not None:
        counts = {word: int((fits["two_phases"] == code).sum()) for word, code in _DECISIONS}
        found = ", ".join(f"{word} at {count}" for word, count in counts.items())
        said.append(
            f"Phases among the neurons, of {fits.sizes['point']} points fitted: {found}."
        )
    starts = analysis.table("starts")
    if starts is not None:
        z_scores = starts["z_score"].sel(quantity=_observed(analysis)).to_numpy()
        known = z_scores[np.isfinite(z_scores)]
        said.append(
            f"Runs from “{starts.attrs['first']}” and from “{starts.attrs['second']}” starts "
            f"agree within two of their errors in {np.count_nonzero(np.abs(known) <= 2.0)} of "
            f"{known.size} comparisons (95 % are expected)."
        )
    if not said:
        return ""
    items = "".join(f"<li>{each}</li>" for each in said)
    return f"<h2>What was found</h2><ul>{items}</ul>"


_DECISIONS: Final = (("two coexisting", 1), ("one", 0), ("undetermined", -1))


def _observed(analysis: Analysis) -> list[str]:
    """Quantities that the theory predicts, else the main one."""
    comparison, starts = analysis.table("comparison"), analysis.tables["starts"]
    names = [] if comparison is None else comparison["quantity"].to_numpy().tolist()
    there = starts["quantity"].to_numpy().tolist()
    return [name for name in names if name in there] or there[:1]


def _collection(analysis: Analysis) -> str:
    summary = analysis.summary
    total = sum(summary["outcomes"].values())
    rows = [[word, str(count)] for word, count in summary["outcomes"].items()]
    plan = summary["study"].get("plan", {})
    planned = (
        f"{count_text(int(plan.get('disorders', 1)), 'disorder')}, "
        f"{count_text(int(plan.get('replicas', 1)), 'replica')} for each of the starts "
        f"{', '.join(plan.get('starts', ['prior']))}"
    )
    points = analysis.tables["health"].sizes["point"]
    lines = (
        f"<p>{count_text(total, 'run')} at {count_text(points, 'point')} with finished runs"
        f"{': ' + planned if plan else ''}. Controls: "
        f"{escape(', '.join(summary['controls']))}. Of {summary['records']['made']} records of "
        f"a run, {summary['records']['kept']} enter averages, from step "
        f"{summary['cut']['step']} on. Errors are standard errors over disorders of the means "
        "over their replicas; runs that did not finish are left out of every average.</p>"
    )
    return "<h2>What was collected</h2>" + lines + rows_table(["outcome", "runs"], rows)


def _figures(analysis: Analysis, folder: Path, names: list[str]) -> str:
    parts = ["<h2>Figures</h2>"]
    for number, name in enumerate(names, start=1):
        heading, caption = CAPTIONS[name]
        image = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        parts.append(
            f"<h3>{number}. {heading}</h3>\n<figure>"
            f'<img alt="{heading}" src="data:image/png;base64,{image}">\n'
            f"<figcaption>{caption(analysis)} <code>{FOLDER}/{name}.csv</code> holds the "
            "numbers.</figcaption></figure>"
        )
    return "\n".join(parts)


def _points(analysis: Analysis) -> str:
    table = analysis.table("comparison")
    if table is None:
        return _points_without_theory(analysis)
    fits = analysis.table("fits")
    names = table["quantity"].to_numpy().tolist()
    head = [
        "point",
        *(f"{_SYMBOLS[name]} measured</th><th>theory</th><th>dev." for name in names),
    ]
    rows = []
    for point in table["point"].to_numpy():
        row = [place_text(analysis, int(point))]
        for name in names:
            one = table.sel(quantity=name, point=point)
            row += [
                estimate(float(one["measured"]), float(one["standard_error"])),
                beside(float(one["theory"]), float(one["standard_error"])),
                f"{float(one['deviation']):+.1f}σ".replace("-", "−"),
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


def _points_without_theory(analysis: Analysis) -> str:
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
    head = ["point", *(name.replace("_", " ") for name in names)]
    return "<h2>Every point</h2>" + rows_table(head, rows)


def _decision(fits: Any, point: int) -> str:
    if point not in fits["point"].to_numpy():
        return "–"
    fit = fits.sel(point=point)
    word = {1: "two", 0: "one", -1: "?"}[int(fit["two_phases"])]
    return f"{word} ({significant(float(fit['log_evidence_difference']), 2)})"


_HEALTH: Final = {
    "acceptance": "acceptance",
    "autocorrelation_time": "τ (records)",
    "effective_samples": "effective samples",
    "split_r_hat": "split R̂",
    "drift_z_score": "drift z",
    "relaxed_at": "relaxed at step",
    "start_z_score": "starts z",
}


def _health(analysis: Analysis) -> str:
    health = analysis.tables["health"]
    names = [name for name in _HEALTH if name in health]
    rows = [
        [place_text(analysis, int(point))]
        + [significant(float(health[name].sel(point=point))) for name in names]
        for point in health["point"].to_numpy()
    ]
    quantity = str(health.attrs["quantity"]).replace("_", " ")
    return (
        f"<h2>Health of the runs</h2><p class='note'>For the {escape(quantity)}: integrated "
        "autocorrelation time τ, effective samples of all runs, rank-normalised split R̂ over "
        "the replicas of the worst disorder, first tenth against last half of the records "
        "(drift), the median end of the relaxation, and the difference of the two starts in "
        "units of its error.</p>"
        + rows_table(["point", *(_HEALTH[name] for name in names)], rows)
    )


def _doubts(analysis: Analysis) -> str:
    notes, failures = analysis.summary["notes"], analysis.summary["failures"]
    parts = ["<h2>What failed, and what is uncertain</h2>"]
    if failures:
        rows = [
            [
                escape(control_text({n: run[n] for n in analysis.summary["controls"]})),
                f"disorder {run['disorder']}, replica {run['replica']}, {escape(run['start'])}",
                escape(str(run["outcome"])),
                escape(str(run["outcome_reason"])),
            ]
            for run in failures
        ]
        parts.append(rows_table(["point", "run", "outcome", "reason"], rows))
    else:
        parts.append("<p>Every run finished.</p>")
    if notes:
        parts.append("<ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>")
    return "\n".join(parts)


def _provenance(analysis: Analysis, folder: Path) -> str:
    summary = analysis.summary
    collected, analysed = summary["collected"]["provenance"], summary["analysed"]
    shards = summary["collected"]["shards"]
    origins = [collected | shard.get("provenance", {}) for shard in shards] or [collected]
    spent = sum(float(origin.get("wall_seconds", 0.0)) for origin in origins)
    commands = dict.fromkeys(str(origin.get("command", "")) for origin in origins)
    packages = analysed.get("packages", {}) | collected.get("packages", {})
    rows = {
        "collected by": "<br>".join(
            f"<code>{escape(text)}</code>" for text in commands if text
        ),
        "analysed by": f"<code>{escape(str(analysed.get('command', '')))}</code>",
        "seed": str(summary["study"].get("seed", "–")),
        "gradients": significant(float(summary.get("gradients", np.nan)), 4),
        "time of the batches, summed over workers": duration(spent),
        "first and last shard": " – ".join(_span(origins)),
        "time of the analysis": duration(float(summary["seconds"])),
        "versions": escape(
            ", ".join(f"{name} {number}" for name, number in packages.items())
            + f", matplotlib {version('matplotlib')}, Python {analysed.get('python', '–')}"
        ),
        "machine": escape(
            f"{analysed.get('platform', '–')}; "
            + " ".join(f"{k} {v}" for k, v in _machine(origins[0]).items())
        ),
        "run again": f"<code>phasegrok analyze {escape(folder.name)}</code>",
    }
    body = [[name, text] for name, text in rows.items() if text]
    table = rows_table(["", ""], body).replace("<table>", '<table class="words">')
    return "<h2>Where the numbers come from</h2>" + table


def _span(origins: list[dict[str, Any]]) -> list[str]:
    times = sorted(str(origin["created"]) for origin in origins if "created" in origin)
    return [times[0], times[-1]] if times else ["–"]


def _machine(origin: dict[str, Any]) -> dict[str, Any]:
    machine = origin.get("machine_type", {})
    return dict(machine) if isinstance(machine, dict) else {}
