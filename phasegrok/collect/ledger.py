"""What became of each batch: stored, tried again, split, or given up with its reason."""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import final

from phasegrok.collect.batches import Batch, halves
from phasegrok.collect.execution import Raised, Result, Stored, Unwritable, write_failed
from phasegrok.collect.executor import (
    Advanced,
    Died,
    Ended,
    Executor,
    Hung,
    Message,
    Noted,
)
from phasegrok.collect.progress import Quiet, Reporter, Standing
from phasegrok.errors import InvalidStudyError, StorageError
from phasegrok.runs import StudyFolder
from phasegrok.runs.shard import name_of_runs
from phasegrok.study import RunRequest, Study

__all__ = ["Ledger"]

FAILURES_WITHOUT_SUCCESS = 8
"""So many runs that raise before any other ends are enough to give up a study early."""

DEATHS_OF_MANY = 1
"""So often a batch is tried again before it is split."""

STEPS_OF_PATIENCE = 20.0
"""Of the expected duration, which a step may take where a machine is busy otherwise."""

START_SECONDS = 20.0
"""What a batch may take before its first step, for data and starts."""

DEATHS_OF_ONE = 2
"""So often a lone unit is tried again before it has failed."""


@final
class Ledger:
    """Hands out batches and keeps count.

    Parameters
    ----------
    study : Study
        Description.
    folder : StudyFolder
        Its folder.
    batches : sequence of Batch
        What is left to do, in the order it is started.
    run_seconds : float
        Time limit of a run.
    """

    def __init__(
        self,
        study: Study,
        folder: StudyFolder,
        batches: Sequence[Batch],
        *,
        run_seconds: float = math.inf,
    ) -> None:
        self.stored: list[Stored] = []
        self.reasons: Counter[str] = Counter()
        self.gradients_of_failures = 0
        self._study, self._folder = study, folder
        self._run_seconds = run_seconds
        self._reporter: Reporter = Quiet()
        self._waiting = deque(batches)
        self._running: dict[int, Batch] = {}
        self._fractions: dict[int, float] = {}
        self._failures: list[tuple[Batch, Raised]] = []
        self._noted: set[str] = set()
        self._started = 0
        self._gradients = 0
        self._is_new = not folder.shards()

    @property
    def run_count(self) -> int:
        """Number of runs stored so far."""
        return sum(sum(each.outcomes.values()) for each in self.stored)

    def carry_out(self, executor: Executor, reporter: Reporter) -> None:
        """Do all that is left.

        Parameters
        ----------
        executor : Executor
            Carries out the batches.
        reporter : Reporter
            Told how far the work is.

        Raises
        ------
        InvalidStudyError
            If the folder holds no run yet and the first runs fail one and all.
        StorageError
            If a shard cannot be written.
        """
        self._reporter = reporter
        while self._waiting or self._running:
            while self._waiting and executor.has_room():
                self._started += 1
                batch = self._running[self._started] = self._waiting.popleft()
                executor.start(self._started, batch.requests, patience=self._patience(batch))
            self._tell()
            self._take(executor.receive())
        if self._failures and self._nothing_succeeded:
            raise self._failed_one_and_all()
        self._write_failures()
        self._tell()

    def _take(self, message: Message) -> None:
        if isinstance(message, Advanced):
            self._fractions[message.number] = message.fraction
        elif isinstance(message, Noted):
            if message.text not in self._noted:
                self._reporter.note(message.text)
            self._noted.add(message.text)
        elif isinstance(message, Ended):
            self._ended(self._close(message.number), message.result)
        elif isinstance(message, Died):
            self._died(self._close(message.number), message)
        elif isinstance(message, Hung):
            self._hung(self._close(message.number), message.reason)

    def _close(self, number: int) -> Batch:
        self._fractions.pop(number, None)
        return self._running.pop(number)

    def _ended(self, batch: Batch, result: Result) -> None:
        if isinstance(result, Unwritable):
            raise StorageError(result.reason)
        if isinstance(result, Raised):
            self.gradients_of_failures += result.gradients
            self._split(batch, result)
            return
        self._gradients += batch.gradients
        self.stored.append(result)
        self._write_failures()

    def _died(self, batch: Batch, died: Died) -> None:
        # It may have died between naming its shard and saying so.
        left = batch.without(self._folder.finished_run_ids())
        if left is None:
            self._count_landed(batch)
            return
        if not died.began:
            self._waiting.appendleft(left)
        elif batch.deaths < (DEATHS_OF_MANY if len(batch.units) > 1 else DEATHS_OF_ONE):
            told = f"{died.reason}; its batch of {len(left.requests)} is tried again"
            self._reporter.note(told)
            self._waiting.appendleft(replace(left, deaths=batch.deaths + 1))
        else:
            self._split(left, Raised(died.reason))

    def _count_landed(self, batch: Batch) -> None:
        """Count a batch whose worker died after its shard had landed."""
        outcomes = self._folder.run_outcomes()
        path = self._folder.path / name_of_runs(each.run_id for each in batch.requests)
        counts = Counter(outcomes[each.run_id] for each in batch.requests)
        self._gradients += batch.gradients
        self.stored.append(Stored(path, dict(counts), 0, (), 0.0))

    def _hung(self, batch: Batch, reason: str) -> None:
        # What hangs once hangs again: it is looked for at once.
        left = batch.without(self._folder.finished_run_ids())
        if left is None:
            self._count_landed(batch)
            return
        self._reporter.note(f"{reason} in a batch of {len(left.requests)}")
        self._split(left, Raised(reason))

    def _patience(self, batch: Batch) -> float:
        """Seconds without a sign after which a batch has hung."""
        left = (1.0 - batch.begun) * batch.steps
        step = batch.seconds / max(left, 1.0)
        return self._run_seconds + STEPS_OF_PATIENCE * step + START_SECONDS

    def _split(self, batch: Batch, failure: Raised) -> None:
        if len(batch.units) > 1:
            self._waiting.extendleft(reversed(halves(batch)))
            return
        self._failures.append((batch, failure))
        if not self._nothing_succeeded:
            self._write_failures()
        elif len(self._failures) >= FAILURES_WITHOUT_SUCCESS:
            raise self._failed_one_and_all()

    @property
    def _nothing_succeeded(self) -> bool:
        return self._is_new and not self.stored

    def _failed_one_and_all(self) -> InvalidStudyError:
        count = sum(len(batch.requests) for batch, _ in self._failures)
        which = f"the first {count}" if self._waiting or self._running else f"all {count}"
        return InvalidStudyError(
            f"{which} runs failed one and all, the last with: {self._failures[-1][1].reason}. "
            "Nothing was stored; correct the study and start again."
        )

    def _write_failures(self) -> None:
        for batch, (reason, made, _) in self._failures:
            folder = self._folder.path
            result = write_failed(self._study, batch.requests, folder, reason, made=made)
            if isinstance(result, Unwritable):
                raise StorageError(result.reason)
            self._reporter.note(f"{_runs(batch.requests)} failed: {reason}")
            self._gradients += batch.gradients
            self.stored.append(result)
            self.reasons[reason] += len(batch.requests)
        self._failures.clear()

    def _tell(self) -> None:
        waiting = sum(batch.begun * batch.gradients for batch in self._waiting)
        running = sum(
            self._fractions.get(number, batch.begun) * batch.gradients
            for number, batch in self._running.items()
        )
        self._reporter.update(
            Standing(
                gradients=self._gradients + waiting + running,
                runs=self.run_count,
                running=sum(len(batch.requests) for batch in self._running.values()),
            )
        )


def _runs(requests: Sequence[RunRequest]) -> str:
    first = requests[0]
    where = ", ".join(f"{name} {value}" for name, value in first.controls.items())
    labels = f"disorder {first.disorder}, replica {first.replica}, start {first.start}"
    count = "a run" if len(requests) == 1 else f"a ladder of {len(requests)} runs"
    return f"{count} ({where + ', ' if where else ''}{labels})"
