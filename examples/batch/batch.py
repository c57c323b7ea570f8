"""A batch collection from a TOML file, on a chosen device, that may be interrupted and resumed.

Shows the operator's way: look before spending, collect shard by shard, come back after a kill
and lose nothing finished, then analyse. The study is the one of `phasegrok demo`; a larger one
differs in its numbers only.

    python examples/batch/batch.py --dry-run
    python examples/batch/batch.py --workers 2 --out batch-study
    python examples/batch/batch.py --device cuda --workers 1 --out batch-study
    python examples/batch/batch.py --quick
"""

import argparse
from dataclasses import replace
from pathlib import Path

from phasegrok import Plan, Study, read_study
from phasegrok.collect import collect, dry_run
from phasegrok.report import report_study

DESCRIPTION = Path(__file__).with_name("study.toml")


def few_points(study: Study) -> Study:
    """Give the same study with a smaller plan; a later call may let it grow to the whole."""
    grid = {"temperature": [0.10, 0.32], "example_count": [225, 300]}
    plan = Plan(grid=grid, disorders=2, replicas=1, starts=study.plan.starts)
    return replace(study, plan=plan)


def main() -> None:
    """Collect what the folder does not hold yet, and write the report of what it holds."""
    parser = argparse.ArgumentParser(description="Collect a study described in TOML.")
    parser.add_argument("--study", type=Path, default=DESCRIPTION, metavar="STUDY.toml")
    parser.add_argument("--out", type=Path, default=Path("batch-study"), metavar="FOLDER")
    parser.add_argument("--device", default="cpu", metavar="D", help="such as cuda or cuda:1")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--dry-run", action="store_true", help="tell what it will take")
    parser.add_argument("--quick", action="store_true", help="four points, two disorders")
    options = parser.parse_args()

    study = read_study(options.study)
    if options.quick:
        study = few_points(study)
    where = {"workers": options.workers, "device": options.device}
    if options.dry_run:
        print(dry_run(study, folder=options.out, **where))
        return
    print(collect(study, options.out, **where))
    print(report_study(options.out, workers=options.workers))


if __name__ == "__main__":  # Worker processes import this file again.
    main()
