"""Plug-ins on the path, and what it means that a run does not depend on its batch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import xarray as xr

from phasegrok.dynamics import batch_key, check_study, simulate
from phasegrok.runs import validate
from phasegrok.study import Study, requested_runs

Check: TypeAlias = Callable[..., xr.Dataset]


@pytest.fixture(autouse=True)
def _plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent / "plug_ins")


def differing(part: xr.Dataset, whole: xr.Dataset) -> list[str]:
    """Names of variables that differ in any bit."""
    assert set(part.variables) == set(whole.variables)
    return [
        str(name)
        for name, values in part.variables.items()
        if not np.array_equal(
            values.values, whole[name].values, equal_nan=values.dtype.kind == "f"
        )
    ]


def _same_in_every_batch(study: Study, picks: Sequence[Sequence[int]]) -> xr.Dataset:
    """Make all runs of a study together, then in other batches; return the whole."""
    requests = requested_runs(study)
    check_study(study, requests)
    assert len({batch_key(study, each) for each in requests}) == 1
    whole = simulate(study, requests)
    assert validate(whole.dataset) == []
    for pick in picks:
        part = simulate(study, [requests[run] for run in pick])
        assert differing(part.dataset, whole.dataset.isel(run=list(pick))) == []
        if part.states is not None and whole.states is not None:
            assert differing(part.states, whole.states.isel(run=list(pick))) == []
    return whole.dataset


@pytest.fixture
def same_in_every_batch() -> Check:
    return _same_in_every_batch
