"""How fast gradients are on this machine, measured on the study's own runs."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

import torch

from phasegrok.dynamics import Progress, estimate, simulate
from phasegrok.study import RunRequest, Study

__all__ = [
    "DEFAULT_SPEED",
    "Group",
    "Speed",
    "Unit",
    "measured_speeds",
    "samples_of",
    "single_thread",
]

PROBE_SECONDS = 0.2
PROBE_RUNS = 48
PROBED = 3
LEAST_RECORDS = 3
SMALLEST_SHARE = 1e-3

Unit = tuple[RunRequest, ...]
Group = list[Unit]


class Speed(NamedTuple):
    """What gradients cost: a batch of n runs takes call + n · run seconds for each of them.

    Parameters
    ----------
    call : float
        Seconds for every gradient of a batch, whatever its size.
    run : float
        Seconds for every gradient of a run.
    """

    call: float
    run: float


DEFAULT_SPEED = Speed(call=3e-4, run=1e-4)
"""Where none can be measured, because the probe raised."""


@contextmanager
def single_thread() -> Iterator[None]:
    """Use one thread, which the bitwise rule asks for and which is faster on small products.

    Yields
    ------
    None
        The number of threads is restored afterwards.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def samples_of(groups: Sequence[Group]) -> list[Group]:
    """Take the few units of each group that are enough to time it."""
    return [group[: max(PROBE_RUNS // len(group[0]), 1)] for group in groups]


def measured_speeds(study: Study, samples: Sequence[Group], *, device: str) -> list[Speed]:
    """Time the first steps of some runs.

    Parameters
    ----------
    study : Study
        Description.
    samples : sequence of groups
        Units that may share a batch, the most important group first. Three groups are timed,
        for less than a second each; the others are taken to be as much slower as they have more
        parameters.
    device : str
        Where the runs will be.

    Returns
    -------
    list of Speed
        Of one worker, for each group.
    """
    counts = [max(estimate(study, units[0][0]).parameter_count, 1) for units in samples]
    measured: dict[int, Speed] = {}
    with single_thread():
        for count, units in zip(counts[:PROBED], samples[:PROBED], strict=True):
            speed = _probe(study, units, device)
            if speed is not None:
                measured[count] = speed
    return [_scaled_speed(measured, count) for count in counts]


def _scaled_speed(measured: dict[int, Speed], parameter_count: int) -> Speed:
    if not measured:
        return DEFAULT_SPEED
    nearest = min(measured, key=lambda count: abs(math.log(count / parameter_count)))
    speed = measured[nearest]
    return Speed(call=speed.call, run=speed.run * parameter_count / nearest)


def _probe(study: Study, units: Group, device: str) -> Speed | None:
    few = [_without_steps(request) for request in units[0]]
    many = [_without_steps(request) for unit in units for request in unit]
    try:
        slow = _call_seconds(study, many, device)
        if len(units) == 1:
            return Speed(call=0.0, run=slow / len(many))
        fast = _call_seconds(study, few, device)
    # What a user's part raises belongs to its run, where collecting keeps the reason.
    except Exception:
        return None
    # A lone run is computed as a pair.
    fewest = max(len(few), 2)
    run = (slow - fast) / max(len(many) - fewest, 1)
    run = min(max(run, SMALLEST_SHARE * slow), slow / len(many))
    return Speed(call=slow - run * len(many), run=run)


class _Enough(Exception):
    """Ends a simulation that was begun for its first steps."""


def _call_seconds(study: Study, requests: list[RunRequest], device: str) -> float:
    """Seconds per gradient of a batch, without what is done once a batch."""
    moments: list[tuple[int, float]] = []

    def report(progress: Progress) -> None:
        moments.append((progress.steps_done, time.perf_counter()))
        if len(moments) > LEAST_RECORDS and moments[-1][1] - moments[1][1] > PROBE_SECONDS:
            raise _Enough

    cost = estimate(study, requests[0])
    with suppress(_Enough):
        simulate(_looked_at_rarely(study), requests, device=device, report=report)
    # The first step also does what is done once a process.
    first, last = moments[min(1, len(moments) - 2)], moments[-1]
    gradients_per_step = cost.gradients / cost.steps
    return (last[1] - first[1]) / (last[0] - first[0]) / gradients_per_step


def _looked_at_rarely(study: Study) -> Study:
    """The study with two records to a doubling of the steps, as few as it might have.

    A sweep has no more records in its first steps than in the others.
    """
    recording = replace(study.recording, states="none")
    if study.sweep is None:
        doublings = recording.steps.bit_length()
        recording = replace(
            recording, start=0, every=1, spacing="logarithmic", count=2 * doublings
        )
    return replace(study, recording=recording)


def _without_steps(request: RunRequest) -> RunRequest:
    controls = {name: value for name, value in request.controls.items() if name != "steps"}
    return replace(request, controls=controls)
