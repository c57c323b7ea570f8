"""What collecting would take, checked before anything is spent."""

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import final

import torch

from phasegrok.collect.batches import Batch, Begun, Limits, group_units, make_batches
from phasegrok.collect.executor import Executor
from phasegrok.collect.speed import DEFAULT_SPEED, Group, samples_of
from phasegrok.dynamics import estimate
from phasegrok.errors import InvalidStudyError, InvalidValueError, StorageError
from phasegrok.study import RunRequest, Study

__all__ = [
    "WorkPlan",
    "check_boolean",
    "check_device",
    "check_disk",
    "check_folder",
    "check_seconds",
    "checked_groups",
    "limits_of",
    "planned",
]

PROCESS_BYTES = 350_000_000
"""What torch takes before the first run, as resident memory of one process."""

WORKERS_LIMIT = 1024
"""Most processes on one machine."""

MEMORY_SHARE = 0.6
DISK_MARGIN = 1.2
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@final
@dataclass(frozen=True, kw_only=True)
class WorkPlan:
    """Batches, and what they take together.

    Parameters
    ----------
    batches : tuple of Batch
        The longest first.
    workers : int
        Processes that share them.
    is_timed : bool
        Whether the durations follow from gradients that were timed here.
    """

    batches: tuple[Batch, ...]
    workers: int
    is_timed: bool = True

    @property
    def runs(self) -> int:
        """Number of runs."""
        return sum(len(batch.requests) for batch in self.batches)

    @property
    def gradients(self) -> int:
        """Number of gradients."""
        return sum(batch.gradients for batch in self.batches)

    @property
    def gradients_before(self) -> float:
        """Number of gradients that checkpoints hold already."""
        return sum(batch.begun * batch.gradients for batch in self.batches)

    @property
    def disk_bytes(self) -> int:
        """Size of the shards."""
        return round(DISK_MARGIN * sum(batch.record_bytes for batch in self.batches))

    @property
    def memory_bytes(self) -> int:
        """Memory of the coordinator, and of all workers at their largest batches."""
        largest = sorted((batch.memory_bytes for batch in self.batches), reverse=True)
        return (self.workers + 1) * PROCESS_BYTES + sum(largest[: self.workers])

    @property
    def seconds(self) -> float:
        """Time until the last worker is done, each taking the longest batch that is left."""
        ends = [0.0] * self.workers
        for batch in self.batches:
            soonest = min(range(len(ends)), key=ends.__getitem__)
            ends[soonest] += batch.seconds
        return max(ends)


def checked_groups(study: Study, requests: Sequence[RunRequest], limits: Limits) -> list[Group]:
    """Sort runs into groups that may share a batch, none too large for this machine.

    Parameters
    ----------
    study : Study
        Description.
    requests : sequence of RunRequest
        What is left to do.
    limits : Limits
        What the machine holds.

    Returns
    -------
    list of groups
        As from `group_units`.

    Raises
    ------
    InvalidStudyError
        If this machine cannot hold what its workers would compute at once.
    """
    groups = group_units(study, requests)
    _check_memory(groups, _unit_bytes(study, groups), limits)
    return groups


def planned(
    study: Study,
    groups: Sequence[Group],
    executor: Executor,
    limits: Limits,
    *,
    begun: Sequence[Begun] = (),
) -> WorkPlan:
    """Split runs into batches.

    Parameters
    ----------
    study : Study
        Description.
    groups : sequence of groups
        What is left to do, from `checked_groups`.
    executor : Executor
        What will carry out the batches; some gradients are timed there.
    limits : Limits
        How large a batch may be.
    begun : sequence of Begun
        Batches to go on with.

    Returns
    -------
    WorkPlan
        With durations for this machine.
    """
    samples = [
        sample[: math.ceil(min(limits.memory_bytes / size, len(sample)))]
        for sample, size in zip(samples_of(groups), _unit_bytes(study, groups), strict=True)
    ]
    speeds = executor.measure(samples) if groups else []
    batches = make_batches(study, groups, speeds, limits, begun=begun)
    is_timed = DEFAULT_SPEED not in speeds
    return WorkPlan(batches=tuple(batches), workers=limits.workers, is_timed=is_timed)


def _unit_bytes(study: Study, groups: Sequence[Group]) -> list[int]:
    """Working memory of one unit of each group."""
    return [
        sum(estimate(study, request).memory_bytes for request in units[0]) for units in groups
    ]


def _check_memory(groups: Sequence[Group], sizes: Sequence[int], limits: Limits) -> None:
    """Refuse what would be killed, or swap, before any of it is allocated."""
    workers = limits.workers
    at_once = sorted(
        (size for units, size in zip(groups, sizes, strict=True) for _ in units[:workers]),
        reverse=True,
    )
    machine = f"{limits.machine_bytes / 1e6:.0f} MB"
    unit = "ladder" if groups and len(groups[0][0]) > 1 else "run"
    if at_once and at_once[0] > limits.machine_bytes:
        raise InvalidStudyError(
            f"the largest {unit} needs about {at_once[0] / 1e6:.0f} MB of memory, and there "
            f"are {machine}; lower the sizes of its network or task, or record less often."
        )
    if sum(at_once[:workers]) > limits.machine_bytes:
        raise InvalidStudyError(
            f"{workers} workers need about {sum(at_once[:workers]) / 1e6:.0f} MB of memory for "
            f"the largest runs, and there are {machine}; use fewer workers."
        )


def limits_of(*, workers: int, device: str, target_seconds: float) -> Limits:
    """Check what is asked of this machine.

    Parameters
    ----------
    workers : int
        Processes; 0 stands for this process.
    device : str
        Where to simulate.
    target_seconds : float
        How long a batch should last.

    Returns
    -------
    Limits
        With the memory that a worker may take, and that of the machine.

    Raises
    ------
    InvalidValueError
        If the device is not there, or a number is out of range.
    """
    count = isinstance(workers, Integral) and 0 <= workers <= WORKERS_LIMIT
    if not count or not isinstance(target_seconds, Real) or not target_seconds > 0.0:
        raise InvalidValueError(
            f"collecting needs a whole number of workers >= 0 and at most {WORKERS_LIMIT}, and "
            f"a positive target time of a batch, received {workers!r} and {target_seconds!r}; "
            "change what differs."
        )
    check_device(device)
    machine = _memory_of(device)
    share = MEMORY_SHARE * machine / max(workers, 1) - PROCESS_BYTES
    return Limits(
        workers=max(workers, 1),
        target_seconds=target_seconds,
        memory_bytes=max(share, PROCESS_BYTES),
        machine_bytes=machine,
    )


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Parameters
    ----------
    device : str
        "cpu", "cuda", "cuda:1" and so on.

    Raises
    ------
    InvalidValueError
        With what torch says of it.
    """
    if not isinstance(device, str):
        raise InvalidValueError(
            f"the device must be text such as 'cpu' or 'cuda', received {device!r}; name one."
        )
    try:
        torch.empty(1, device=device)
    # Torch raises RuntimeError, AssertionError or NotImplementedError, by its build.
    except Exception as error:
        first_line = str(error).splitlines()[0]
        raise InvalidValueError(
            f"the device must be one that torch can use here, received {device!r}: "
            f"{first_line}. 'cpu' is always there."
        ) from error


def check_seconds(name: str, seconds: object) -> None:
    """Refuse a time that is none.

    Parameters
    ----------
    name : str
        What it is for.
    seconds : float
        Positive; infinite for never.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not float(seconds) > 0.0:
        raise InvalidValueError(
            f"{name} must be a positive number of seconds, received {seconds!r}; give inf for "
            "none."
        )


def check_boolean(name: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    if not isinstance(value, bool):
        raise InvalidValueError(f"{name} must be True or False, received {value!r}; give one.")


def check_folder(folder: object) -> None:
    """Refuse what is no path.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    if not isinstance(folder, str | os.PathLike) or not str(folder) or "\0" in str(folder):
        raise InvalidValueError(
            f"the folder of a study must be a path, received {folder!r}; give it as text."
        )


def check_disk(plan: WorkPlan, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    Parameters
    ----------
    plan : WorkPlan
        What is left to do.
    folder : Path
        Folder of the study, or where it will be.

    Raises
    ------
    StorageError
        With the bytes needed and free.
    """
    folder = folder.resolve()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if plan.disk_bytes > free:
        raise StorageError(
            f"the runs that are left need about {plan.disk_bytes / 1e6:.0f} MB in {folder}, "
            f"and {free / 1e6:.0f} MB are free; free some space or record less often."
        )


def _memory_of(device: str) -> float:
    if torch.device(device).type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if CGROUP_LIMIT.is_file() and (limit := CGROUP_LIMIT.read_text().strip()).isdigit():
        total = min(total, float(limit))
    return total
