"""Independent draws from exact laws of finitely many outcomes, run by run."""

from collections.abc import Callable, Sequence

import numpy as np

from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.discrete_law import DiscreteLaw
from phasegrok.exact.labels import RunLabels, Source, laid_out
from phasegrok.exact.samples import require_dataset_memory

__all__ = ["drawn", "independent_runs"]


def independent_runs(
    controls: list[dict[str, float]], size: int, record_count: int, replica_count: int
) -> list[RunLabels]:
    """List runs of independent draws at one size.

    Parameters
    ----------
    controls : list of dict
        Controls but for the size.
    size : int
        Number of spins.
    record_count, replica_count : int
        Draws per run and runs per point.

    Returns
    -------
    list of RunLabels

    Raises
    ------
    InvalidValueError
        For counts without meaning, or more than fits into memory.
    """
    records = whole_number("record_count", record_count, minimum=1)
    sized = [{**point, "size": size} for point in controls]
    runs = laid_out(sized, replica_count=replica_count)
    require_dataset_memory(runs, records, variable_count=6)
    return runs


def drawn(
    source: Source,
    runs: Sequence[RunLabels],
    record_count: int,
    law_at: Callable[..., DiscreteLaw],
) -> dict[str, FloatArray]:
    """Draw every run from the law at its controls.

    Parameters
    ----------
    source : Source
        Of the random numbers.
    runs : sequence of RunLabels
        Runs of one point follow each other.
    record_count : int
        Draws per run.
    law_at : callable
        Takes the controls by name.

    Returns
    -------
    dict
        Name of each quantity of the law to (run, record) values.
    """
    rows: dict[str, list[FloatArray]] = {}
    law, previous = None, None
    for run in runs:
        # Runs of one point follow each other, and its law may have millions of outcomes.
        if law is None or run.controls != previous:
            law, previous = law_at(**run.controls), run.controls
        outcome = law.outcomes(record_count, source.generator(run.plain()))
        for name, values in law.values.items():
            rows.setdefault(name, []).append(values[outcome])
    return {name: np.stack(each) for name, each in rows.items()}
