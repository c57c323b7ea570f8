"""What is left to do, split into batches that are worth a shard and end together."""

import math
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from typing import TypeAlias, TypeVar, final

from phasegrok.collect.speed import Group, Speed, Unit
from phasegrok.dynamics import Cost, batch_key, estimate
from phasegrok.study import RunRequest, Study, known_controls

__all__ = ["Batch", "Begun", "Limits", "group_units", "halves", "make_batches"]

SHARD_BYTES = 1_000_000
"""Smaller files cost more in opening than in reading."""

LONGEST = 4.0
"""A batch may last this many times its target where it would be too small else."""

CALLS_SHARE = 0.02
"""Share of the time that calls take in a batch which need not be larger: it gains no more than
that, and its arrays leave the caches of the processor."""

ROUNDS = 3
"""With so many batches a worker, largest first, the workers of a long study end together."""

Roles: TypeAlias = Mapping[str, str]
Value = TypeVar("Value")


@final
@dataclass(frozen=True, kw_only=True)
class Batch:
    """Runs that are simulated together and stored in one shard.

    Parameters
    ----------
    requests : tuple of RunRequest
        Units are whole and stand together.
    steps : int
        Of its longest run.
    gradients, record_bytes, memory_bytes : int
        Expected sums over the runs.
    seconds : float
        Expected duration on one worker.
    deaths : int
        How often a worker died of it.
    begun : float
        Fraction of its steps that a checkpoint holds.
    """

    requests: Unit
    steps: int
    gradients: int
    record_bytes: int
    memory_bytes: int
    seconds: float
    deaths: int = 0
    begun: float = 0.0

    @property
    def units(self) -> list[Unit]:
        """The runs by unit."""
        units: dict[str, list[RunRequest]] = {}
        for request in self.requests:
            units.setdefault(request.unit, []).append(request)
        return [tuple(unit) for unit in units.values()]

    def without(self, stored: Container[str]) -> "Batch | None":
        """Leave out runs by their identifiers; None if nothing is left."""
        left = [unit for unit in self.units if any(run.run_id not in stored for run in unit)]
        return _share(self, left) if left else None


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a batch may be.

    Parameters
    ----------
    workers : int
        Processes that share the work.
    target_seconds : float
        How long a batch should last: what a kill can lose.
    memory_bytes : float
        Working memory of one worker.
    machine_bytes : float
        Memory of the machine, or of the device that computes.
    """

    workers: int
    target_seconds: float
    memory_bytes: float = math.inf
    machine_bytes: float = math.inf


def group_units(study: Study, requests: Iterable[RunRequest]) -> list[Group]:
    """Sort runs into groups that may share a batch.

    Parameters
    ----------
    study : Study
        Description.
    requests : iterable of RunRequest
        Some of its runs.

    Returns
    -------
    list of groups
        The largest first. Within a group units of one disorder and one set of data stand
        together, since a batch makes its data once.
    """
    roles = known_controls(study)
    units: dict[str, list[RunRequest]] = {}
    for request in requests:
        units.setdefault(request.unit, []).append(request)
    key_of = _once_a_point(partial(batch_key, study))
    groups: dict[Hashable, Group] = {}
    for unit in units.values():
        groups.setdefault(key_of(unit[0]), []).append(tuple(unit))
    for group in groups.values():
        # Of one set of data, runs of equal length stand together: a batch lasts as its longest.
        group.sort(key=lambda unit: (_data_of(unit[0], roles), _rate_of(study, unit[0])))
    return sorted(groups.values(), key=len, reverse=True)


@final
@dataclass(frozen=True, kw_only=True)
class Begun:
    """A batch that was interrupted, and goes on as it was.

    Parameters
    ----------
    run_ids : tuple of str
        In its order.
    fraction : float
        Of its steps, done.
    """

    run_ids: tuple[str, ...]
    fraction: float


def make_batches(
    study: Study,
    groups: Sequence[Group],
    speeds: Sequence[Speed],
    limits: Limits,
    *,
    begun: Sequence[Begun] = (),
) -> list[Batch]:
    """Split the work into batches: those begun, then the others, the longest first.

    Parameters
    ----------
    study : Study
        Description.
    groups : sequence of groups
        Units that may share a batch, from `group_units`.
    speeds : sequence of Speed
        Of each group, on one worker.
    limits : Limits
        How large a batch may be.
    begun : sequence of Begun
        Batches to go on with; those that are no whole units of one group are left out.

    Returns
    -------
    list of Batch
        Every unit once. No batch exceeds the memory unless a single unit does. It lasts about
        the target; up to four times that, or four times what a single run takes, where its
        shard would be below a megabyte else or most of the time would go into calls rather
        than sums; and less where the workers would not end together, or where a megabyte is
        full and next to no time goes into calls.
    """
    estimated = _once_a_point(partial(estimate, study))
    resumed: list[Batch] = []
    pools: list[_Pool] = []
    for units, speed in zip(groups, speeds, strict=True):
        again, fresh = _resumed([_lone(unit, estimated) for unit in units], speed, begun)
        resumed += again
        pools += [_Pool(fresh, speed)] if fresh else []
    roles = known_controls(study)
    total = sum(pool.total_seconds(limits) for pool in pools)
    batches = [
        _joined(units, pool.speed)
        for pool in pools
        for units in _split(pool.units, pool.fair_size(limits, total), roles)
    ]
    return [*resumed, *sorted(batches, key=lambda batch: -batch.seconds)]


def halves(batch: Batch) -> list[Batch]:
    """Split a batch in two, to find the unit in it that fails.

    Parameters
    ----------
    batch : Batch
        A batch of at least two units.

    Returns
    -------
    list of Batch
        Two batches of whole units. A unit that is left alone has its deaths counted anew.
    """
    units = batch.units
    middle = len(units) // 2
    return [_share(batch, units[:middle]), _share(batch, units[middle:])]


def _data_of(request: RunRequest, roles: Roles) -> tuple[int, str]:
    options = {name: value for name, value in request.controls.items() if roles[name] == "task"}
    return request.disorder, repr(sorted(options.items()))


def _rate_of(study: Study, request: RunRequest) -> float:
    return 0.0 if study.sweep is None else float(request.controls.get("rate", 0.0))


def _once_a_point(function: Callable[[RunRequest], Value]) -> Callable[[RunRequest], Value]:
    """Remember results by controls and rung: replicas and disorders of a point are alike."""
    known: dict[str, Value] = {}

    def remembered(request: RunRequest) -> Value:
        point = repr((sorted(request.controls.items()), request.rung))
        if point not in known:
            known[point] = function(request)
        return known[point]

    return remembered


def _lone(unit: Unit, estimated: Callable[[RunRequest], Cost]) -> Batch:
    costs = [estimated(request) for request in unit]
    return Batch(
        requests=unit,
        steps=max(cost.steps for cost in costs),
        gradients=sum(cost.gradients for cost in costs),
        record_bytes=sum(cost.record_bytes for cost in costs),
        memory_bytes=sum(cost.memory_bytes for cost in costs),
        seconds=0.0,
    )


class _Pool:
    """Units that may share a batch, and the sizes of batch that suit them."""

    def __init__(self, units: Sequence[Batch], speed: Speed) -> None:
        self.units, self.speed = units, speed
        self.whole = _joined(units, speed)
        self.count = len(units)
        runs = len(self.whole.requests)
        # A batch of k units takes calls + k · sums seconds.
        self.calls = speed.call * self.whole.gradients / runs
        self.sums = speed.run * self.whole.gradients / self.count

    @property
    def efficient_size(self) -> float:
        """Units for which two thirds of the time are sums."""
        return 2.0 * self.calls / self.sums

    def size(self, limits: Limits) -> float:
        """Units per batch, if only this worker had to be pleased."""
        target = limits.target_seconds
        alone = self.calls + self.sums
        by_time = (target - self.calls) / self.sums
        most = (LONGEST * max(target, alone) - self.calls) / self.sums
        by_shard = SHARD_BYTES * self.count / max(self.whole.record_bytes, 1)
        by_memory = limits.memory_bytes * self.count / max(self.whole.memory_bytes, 1)
        # Calls that seem to cost nothing were not told apart from sums.
        few_calls = self.calls / (CALLS_SHARE * self.sums) or math.inf
        enough = max(by_shard, few_calls)
        wanted = max(min(by_time, enough), min(max(by_shard, self.efficient_size), most))
        return max(min(wanted, by_memory, self.count), 1.0)

    def total_seconds(self, limits: Limits) -> float:
        """Time of all batches of that size on one worker."""
        return self.calls * self.count / self.size(limits) + self.sums * self.count

    def fair_size(self, limits: Limits, total: float) -> int:
        """Units per batch, so that all workers have work and end together.

        Parameters
        ----------
        limits : Limits
            How large a batch may be.
        total : float
            Seconds of all pools on one worker.
        """
        workers = limits.workers * self.total_seconds(limits) / total
        rounds = min(max(round(total / (limits.workers * limits.target_seconds)), 1), ROUNDS)
        for_all = self.count / math.ceil(workers)
        in_rounds = self.count / math.ceil(workers * rounds)
        fair = min(for_all, max(in_rounds, self.efficient_size))
        return max(min(math.floor(self.size(limits)), math.ceil(fair - 1e-9)), 1)


def _split(units: Sequence[Batch], size: int, roles: Roles) -> list[Sequence[Batch]]:
    """Cut between sets of data where that is possible: a batch of one set makes it once."""
    pieces: list[Sequence[Batch]] = []
    gathered: list[Batch] = []
    for _, same in groupby(units, lambda unit: _data_of(unit.requests[0], roles)):
        block = list(same)
        if len(gathered) + len(block) > size:
            pieces += [gathered] if gathered else []
            gathered = []
        if len(block) > size:
            pieces += _even_pieces(block, math.ceil(len(block) / size))
        else:
            gathered += block
    return [*pieces, gathered] if gathered else pieces


def _even_pieces(block: Sequence[Batch], count: int) -> list[Sequence[Batch]]:
    edges = [len(block) * piece // count for piece in range(count + 1)]
    return [block[first:last] for first, last in pairwise(edges)]


def _resumed(
    units: Sequence[Batch], speed: Speed, begun: Sequence[Begun]
) -> tuple[list[Batch], list[Batch]]:
    """Batches that go on, and the units that are left."""
    waiting = {tuple(run.run_id for run in unit.requests): unit for unit in units}
    leaders = {run_ids[0]: run_ids for run_ids in waiting}
    batches = []
    for each in begun:
        parts, place = [], 0
        while place < len(each.run_ids):
            unit = leaders.get(each.run_ids[place])
            if unit not in waiting or each.run_ids[place : place + len(unit)] != unit:
                break
            parts.append(unit)
            place += len(unit)
        if parts and place == len(each.run_ids):
            whole = _joined([waiting.pop(unit) for unit in parts], speed)
            left = whole.seconds * (1.0 - each.fraction)
            batches.append(replace(whole, seconds=left, begun=each.fraction))
    return batches, list(waiting.values())


def _joined(batches: Sequence[Batch], speed: Speed) -> Batch:
    requests = tuple(request for batch in batches for request in batch.requests)
    gradients = sum(batch.gradients for batch in batches)
    # A call is paid for as long as any run goes on.
    longest = max(batch.gradients / len(batch.requests) for batch in batches)
    return Batch(
        requests=requests,
        steps=max(batch.steps for batch in batches),
        gradients=gradients,
        record_bytes=sum(batch.record_bytes for batch in batches),
        memory_bytes=sum(batch.memory_bytes for batch in batches),
        seconds=longest * speed.call + gradients * speed.run,
    )


def _share(batch: Batch, units: Sequence[Unit]) -> Batch:
    requests = tuple(request for unit in units for request in unit)
    share = len(requests) / len(batch.requests)
    return Batch(
        requests=requests,
        steps=batch.steps,
        gradients=round(batch.gradients * share),
        record_bytes=round(batch.record_bytes * share),
        memory_bytes=round(batch.memory_bytes * share),
        seconds=batch.seconds * share,
        deaths=batch.deaths if len(units) > 1 else 0,
        begun=batch.begun,
    )
