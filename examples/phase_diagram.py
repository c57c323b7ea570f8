"""A phase diagram with error bars and the theory's line on it, from a description in Python.

Shows the whole way: a study as frozen data, collecting it with worker processes, averages with
errors over disorders, the theory of adaptive kernels at every point, fits of coexisting phases,
figures, and a report. Two-layer erf networks learn a cubic teacher at equilibrium, over noise
variance and number of examples, half of the runs started with all neurons aligned.

    python examples/phase_diagram.py                  # minutes on two cores
    python examples/phase_diagram.py --quick          # under one minute, larger errors
    python examples/phase_diagram.py --out my-study   # the same command again continues it
"""

import argparse
from pathlib import Path

from phasegrok import open_runs
from phasegrok.collect import collect
from phasegrok.demo import demo_study
from phasegrok.plotting import phase_diagram, phase_diagram_table, save_figure
from phasegrok.report import analyze_study, read_analysis, write_report


def main() -> None:
    """Collect, analyse, draw one figure by hand, and write the report with all of them."""
    parser = argparse.ArgumentParser(description="A phase diagram with error bars.")
    parser.add_argument("--out", type=Path, default=Path("phase-diagram"), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="fewer points, shorter runs")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--device", default="cpu", metavar="D")
    options = parser.parse_args()

    study = demo_study(quick=options.quick)
    print(collect(study, options.out, workers=options.workers, device=options.device))
    runs = open_runs(options.out)
    print(f"{runs.sizes['run']} runs, {runs.sizes['record']} records each")

    analyze_study(options.out, workers=options.workers)
    analysis = read_analysis(options.out)
    columns = ["measured", "standard_error", "theory", "deviation"]
    compared = analysis.tables["comparison"].sel(quantity="aligned_fraction")
    shown = compared.to_dataframe()[["noise_variance", "example_count", *columns]]
    print(shown.round(4).to_string(index=False))

    points, lines = analysis.tables["points"], analysis.tables["lines"]
    axes = phase_diagram(points, lines)
    axes.set_ylabel("training examples $n$")  # The axes are yours to change.
    table = phase_diagram_table(points, lines)
    print(*save_figure(axes.figure, options.out / "my-phase-diagram", table))
    print(write_report(options.out))


if __name__ == "__main__":  # Worker processes import this file again.
    main()
