"""From a description to its shards: what is left is done, and nothing finished is lost."""

import math
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, final

from phasegrok.collect.batches import Begun, Limits
from phasegrok.collect.checkpoints import claim_checkpoints, machine_type
from phasegrok.collect.execution import Setup
from phasegrok.collect.ledger import Ledger
from phasegrok.collect.plan import (
    check_boolean,
    check_disk,
    check_folder,
    check_seconds,
    checked_groups,
    limits_of,
    planned,
)
from phasegrok.collect.progress import TellingStatus, Totals, make_reporter
from phasegrok.collect.speed import Group
from phasegrok.collect.workers import make_executor
from phasegrok.dynamics import check_study
from phasegrok.errors import FormatError
from phasegrok.runs import HeldFolder, StudyFolder
from phasegrok.runs.durations import readable_time
from phasegrok.runs.unfinished import begun_runs, read_headers
from phasegrok.schema import Outcome
from phasegrok.study import (
    RunRequest,
    Study,
    as_stored,
    asks_for,
    joined_plan,
    requested_runs,
    require_study,
)

__all__ = ["CollectReport", "collect"]

TARGET_SECONDS = 20.0
CHECKPOINT_SECONDS = 60.0


@final
@dataclass(frozen=True, kw_only=True)
class CollectReport:
    """What one call of `collect` did.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    outcomes : mapping
        Outcome to number of runs, of this call.
    stored_before : int
        Requested runs that were there already.
    failed_before : int
        Those of them that failed; they are not tried again.
    reasons : mapping
        Reason to number of runs of this call that failed with it.
    shards : tuple of Path
        Files written by this call.
    warnings : tuple of str
        What the dynamics warned of, each sentence once.
    gradients : int
        Number of gradients taken, also by batches that raised and were split; not those of
        processes that died, which nobody counted.
    wall_seconds : float
        Duration of the call.
    beyond : int
        Runs that the folder was asked for before, that are not stored, and that the plan of
        this call does not ask for. They are left to do, and were not done by this call.
    set_aside : tuple of Path
        New names of shards that were damaged; their runs count as not made.
    """

    folder: Path
    outcomes: Mapping[str, int]
    stored_before: int
    failed_before: int
    reasons: Mapping[str, int]
    shards: tuple[Path, ...]
    warnings: tuple[str, ...]
    gradients: int
    wall_seconds: float
    beyond: int = 0
    set_aside: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """Write the counts, then why runs failed, then the warnings."""
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        lines = [
            f"{counts or 'nothing left to do'} ({self.stored_before} runs were there before), "
            f"{self.gradients:.4g} gradients in {readable_time(self.wall_seconds)}, "
            f"{len(self.shards)} shards in {self.folder}"
        ]
        lines += [f"failed ({count}): {reason}" for reason, count in self.reasons.items()]
        if self.failed_before:
            lines.append(
                f"{self.failed_before} of the runs that were there before failed and are not "
                f"tried again; phasegrok status {shlex.quote(str(self.folder))} says why"
            )
        lines += [
            f"a damaged shard was set aside as {path}; its runs are made again where they are "
            "asked for"
            for path in self.set_aside
        ]
        if self.beyond:
            lines.append(
                f"{self.beyond} runs that the folder was asked for before, beyond this plan, "
                "are still left to do"
            )
        return "\n".join(lines + [f"warning: {text}" for text in self.warnings])


def collect(  # noqa: PLR0913 - all that an operator sets
    study: Study,
    folder: str | Path,
    *,
    workers: int = 2,
    device: str = "cpu",
    progress: bool = True,
    target_seconds: float = TARGET_SECONDS,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    run_seconds: float = math.inf,
    replace_plan: bool = False,
) -> CollectReport:
    """Simulate the runs of a study that its folder does not hold yet.

    Parameters
    ----------
    study : Study
        Description. Its plan may have grown since the folder was begun, the rest must be the
        same. What it asks for is done. The folder keeps asking for what it was asked for
        before, too: its plan becomes what both ask for together.
    folder : path
        Folder of the study; made where it is missing.
    workers : int
        Processes, each with one thread. With 0 this process does the work, for debugging.
    device : str
        Where to simulate, such as "cpu" or "cuda".
    progress : bool
        Show a bar on a terminal, and a line now and then in a log.
    target_seconds : float
        How long a batch should last.
    checkpoint_seconds : float
        Interval at which batches that last longer leave what they need to go on: what a kill
        can lose. Infinite for none.
    run_seconds : float
        Time limit of a run, its share of the time of its batch; then it is truncated. With a
        limit, a run in which a step does not end is found and stored as failed.
    replace_plan : bool
        Forget what the folder was asked for before; runs that are stored stay.

    Returns
    -------
    CollectReport
        Counts by outcome. A run that diverges or raises is stored with its outcome and its
        reason, and its siblings finish.

    Raises
    ------
    InvalidStudyError
        If the study cannot be carried out, or all of its runs, or the first eight, raise
        before any other has ended; then nothing is stored.
    InvalidValueError
        If the folder, the workers, the device, the target or another option are none.
    StudyChangedError
        If the folder belongs to another description.
    StudyBusyError
        If another collector holds the folder.
    FormatError
        If the folder holds a shard of another study, or a run twice.
    StorageError
        If the disk is full or the folder cannot be written; finished shards stay valid.
    KeyboardInterrupt
        On Ctrl-C, with a sentence that says what is kept.
    """
    begin = time.monotonic()
    require_study(study)
    check_folder(folder)
    limits = limits_of(workers=workers, device=device, target_seconds=target_seconds)
    check_seconds("the interval of checkpoints", checkpoint_seconds)
    check_seconds("the time limit of a run", run_seconds)
    check_boolean("replace_plan", replace_plan)
    requests = requested_runs(study)
    check_study(study, requests)
    # What this machine cannot hold leaves no folder, which would belong to it ever after.
    groups = None if Path(folder).exists() else checked_groups(study, requests, limits)
    store = StudyFolder.create(folder, study)
    setup = Setup(
        study,
        store.path.resolve(),
        device,
        " ".join(sys.argv),
        float(checkpoint_seconds),
        float(run_seconds),
    )
    with store.lock() as held:
        aside = _tidy(held)
        joined = _stored_plan(held, study, replace_plan=replace_plan)
        done = store.run_outcomes()
        requests = as_stored(requests, done)
        asked = {each.run_id for each in as_stored(joined, done)} - done.keys()
        left = [request for request in requests if request.run_id not in done]
        if groups is None or len(left) < len(requests):
            groups = checked_groups(study, left, limits)
        try:
            ledger = _carried_out(
                setup,
                groups,
                limits,
                workers=workers,
                progress=progress,
                lock=held.lock,
                runs=_Runs({request.run_id for request in left}, asked),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_kept(store, requests)) from None
    before = [done[request.run_id] for request in requests if request.run_id in done]
    report = _report(ledger, store.path, before=before, seconds=time.monotonic() - begin)
    beyond = asked - {request.run_id for request in requests}
    return replace(report, beyond=len(beyond), set_aside=tuple(aside))


class _Runs(NamedTuple):
    """By their identifiers."""

    left: set[str]  # To be made now.
    asked: set[str]  # That the folder asks for and does not hold.


def _carried_out(
    setup: Setup,
    groups: Sequence[Group],
    limits: Limits,
    *,
    workers: int,
    progress: bool,
    lock: int,
    runs: _Runs,
) -> Ledger:
    """Do what is left, in the folder that is held."""
    study, folder = setup.study, setup.folder
    machine = machine_type(study, setup.device)
    headers = claim_checkpoints(folder, left=runs.left, asked=runs.asked, machine=machine)
    begun = [Begun(run_ids=each.run_ids, fraction=each.fraction) for each in headers]
    with closing(make_executor(setup, workers, inherited=(lock,))) as executor:
        plan = planned(study, groups, executor, limits, begun=begun)
        check_disk(plan, folder)
        store = StudyFolder.open(folder)
        ledger = Ledger(study, store, plan.batches, run_seconds=setup.run_seconds)
        totals = Totals(plan.gradients, plan.runs, plan.gradients_before)
        shown = make_reporter(totals, progress=progress)
        with closing(TellingStatus(shown, folder, totals)) as reporter:
            ledger.carry_out(executor, reporter)
    # Those of batches that were split: the shards of their parts have landed.
    claim_checkpoints(folder, left=(), asked=runs.asked - runs.left, machine=machine)
    return ledger


def _stored_plan(held: HeldFolder, study: Study, *, replace_plan: bool) -> Sequence[RunRequest]:
    """Store what the folder is asked for from now on, and tell what was asked for besides."""
    folder = StudyFolder.open(held.folder.path)
    before = folder.description()
    # Of a folder that holds nothing, no request is lost that would not be made again.
    is_empty = not (folder.shards() or read_headers(folder.path))
    if replace_plan or is_empty or asks_for(study.plan, before.plan):
        held.store_plan(study)
        return ()
    joined = replace(study, plan=joined_plan([before.plan, study.plan]))
    held.store_plan(joined)
    return requested_runs(joined)


def _tidy(held: HeldFolder) -> list[Path]:
    """Clear what killed writers left, and give the damaged shards that were set aside."""
    held.clear_partial_files()
    aside = held.set_aside_damaged()
    problems = held.folder.problems()
    if problems:
        raise FormatError("\n".join(problem.text for problem in problems))
    return aside


def _kept(store: StudyFolder, requests: Sequence[RunRequest]) -> str:
    finished = store.finished_run_ids()
    stored = sum(request.run_id in finished for request in requests)
    begun = begun_runs(store.path) - finished
    kept = f", and {len(begun)} have checkpoints" if begun else ""
    return (
        f"{stored} of {len(requests)} runs are stored in {store.path}{kept}; the same command "
        "goes on from there."
    )


def _report(
    ledger: Ledger, folder: Path, *, before: Sequence[str], seconds: float
) -> CollectReport:
    outcomes: Counter[str] = Counter()
    for each in ledger.stored:
        outcomes.update(each.outcomes)
    warnings = dict.fromkeys(text for each in ledger.stored for text in each.warnings)
    return CollectReport(
        folder=folder,
        outcomes=dict(outcomes),
        stored_before=len(before),
        failed_before=before.count(Outcome.FAILED.value),
        reasons=dict(ledger.reasons),
        shards=tuple(each.path for each in ledger.stored),
        warnings=tuple(warnings),
        gradients=sum(each.gradients for each in ledger.stored) + ledger.gradients_of_failures,
        wall_seconds=seconds,
    )
