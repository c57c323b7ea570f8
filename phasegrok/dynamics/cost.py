"""What a run costs, before it is made."""

from typing import NamedTuple

from phasegrok.dynamics.building import build_run
from phasegrok.dynamics.streams import BLOCK_NUMBERS
from phasegrok.observables import build_observables
from phasegrok.study import RunRequest, Study

__all__ = ["Cost", "estimate"]

_ROWS_HELD = 12
"""Rows of the size of the parameters that an integrator and the system hold at once."""


class Cost(NamedTuple):
    """Price of one run.

    Attributes
    ----------
    steps : int
        Updates made.
    gradients : int
        Gradients computed.
    parameter_count : int
        Weights of the network.
    record_bytes : int
        Numbers stored.
    memory_bytes : int
        Working memory while its batch is made.
    """

    steps: int
    gradients: int
    parameter_count: int
    record_bytes: int
    memory_bytes: int


def estimate(study: Study, request: RunRequest) -> Cost:
    """Estimate what a run costs.

    Parameters
    ----------
    study : Study
        Description.
    request : RunRequest
        One of its runs.

    Returns
    -------
    Cost
        Gradients and stored numbers are exact but for resolved observables, which are taken to
        have one number per hidden neuron; memory is rough.
    """
    run = build_run(study, request)
    layout = run.network.layout()
    records = len(run.recording.record_steps())
    width = int(getattr(run.network, "width", layout.parameter_count))
    scalars = 3 + len(layout.leaves) + len(study.energy.penalties)
    scalars += len(run.integrator.records()) + len(study.moving_controls)
    scalars += 1 if study.exchange is not None else 0
    resolved = 0
    for observable in build_observables(study.recording.observables):
        resolved += 4 * width if observable.dims else 0
        scalars += 0 if observable.dims else 1
    item = 4 if study.dtype == "float32" else 8
    kept = {"none": 0, "last": 1, "all": records}[study.recording.states]
    record_bytes = records * (8 * scalars + resolved) + kept * item * layout.row_size
    count = int(getattr(run.task, "example_count", 1))
    examples = 2 * count + int(getattr(run.task, "test_count", 0))
    inputs = 1
    for size in run.task.input_shape:
        inputs *= size
    return Cost(
        steps=run.recording.steps,
        gradients=run.integrator.gradients_to_begin
        + run.recording.steps * run.integrator.gradients_per_step,
        parameter_count=layout.parameter_count,
        record_bytes=record_bytes,
        memory_bytes=record_bytes
        + item * (_ROWS_HELD * layout.row_size + examples * inputs + BLOCK_NUMBERS),
    )
