"""The report of a study: one HTML file that needs nothing but itself."""

import base64
import shlex
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from phasegrok.report.analysis import (
    Analysis,
    analyze_study,
    current_analysis,
    place_names,
)
from phasegrok.report.captions import CAPTIONS, findings, heading
from phasegrok.report.figures import FIGURES, FOLDER, plot_study
from phasegrok.report.system import question, system_text
from phasegrok.report.tables import health_table, points_table
from phasegrok.report.template import PAGE
from phasegrok.report.wording import (
    control_text,
    count_text,
    duration,
    rows_table,
    significant,
    words_table,
)
from phasegrok.runs.disk import write_over

__all__ = ["REPORT", "report_study", "write_report"]

REPORT: Final = "report.html"


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
    StorageError
        If numbers, figures or the report cannot be written.
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
    StorageError
        If the report cannot be written; an older one stays.
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
        points_table(analysis),
        health_table(analysis),
        _doubts(analysis),
        _provenance(analysis, Path(folder)),
    ]
    page = PAGE.substitute(
        title=escape(title), question=question(analysis), body="\n".join(filter(None, parts))
    )
    path = Path(folder) / REPORT
    write_over(path, page.encode())
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
            f"Runs from “{escape(starts.attrs['first'])}” and from "
            f"“{escape(starts.attrs['second'])}” starts agree within two of their errors in "
            f"{np.count_nonzero(np.abs(known) <= 2.0)} of {known.size} comparisons (95 % are "
            "expected)."
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
        f"{escape(', '.join(plan.get('starts', ['prior'])))}"
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
        title, caption = escape(heading(analysis, name)), CAPTIONS[name][1](analysis)
        image = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        parts.append(
            f"<h3>{number}. {title}</h3>\n<figure>"
            f'<img alt="{title}" src="data:image/png;base64,{image}">\n'
            f"<figcaption>{caption} <code>{FOLDER}/{name}.csv</code> holds the "
            "numbers.</figcaption></figure>"
        )
    return "\n".join(parts)


def _doubts(analysis: Analysis) -> str:
    notes, failures = analysis.summary["notes"], analysis.summary["failures"]
    parts = ["<h2>What failed, and what is uncertain</h2>"]
    if failures:
        places = place_names(analysis.summary["beside"], analysis.summary["controls"])
        rows = [
            [
                escape(control_text({name: run[name] for name in places})),
                f"disorder {run['disorder']}, replica {run['replica']}, {escape(run['start'])}",
                escape(str(run["outcome"])),
                escape(str(run["outcome_reason"])),
            ]
            for run in failures
        ]
        parts.append(words_table(["point", "run", "outcome", "reason"], rows))
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
        "run again": f"<code>phasegrok analyze {escape(shlex.quote(str(folder)))}</code>",
    }
    body = [[name, text] for name, text in rows.items() if text]
    return "<h2>Where the numbers come from</h2>" + words_table(["", ""], body)


def _span(origins: list[dict[str, Any]]) -> list[str]:
    times = sorted(str(origin["created"]) for origin in origins if "created" in origin)
    return [times[0], times[-1]] if times else ["–"]


def _machine(origin: dict[str, Any]) -> dict[str, Any]:
    machine = origin.get("machine_type", {})
    return dict(machine) if isinstance(machine, dict) else {}
