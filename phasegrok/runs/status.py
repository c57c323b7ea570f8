"""What a study has, what it lacks, what failed and why, and whether somebody collects it."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from phasegrok.errors import InvalidValueError
from phasegrok.runs.durations import readable_time
from phasegrok.runs.folder import StudyFolder
from phasegrok.runs.live import Live, read_live
from phasegrok.runs.reading import Shard
from phasegrok.runs.scanning import Problem, scan
from phasegrok.runs.unfinished import begun_runs
from phasegrok.schema import Outcome
from phasegrok.study import as_stored, requested_runs

__all__ = ["Reason", "StudyStatus", "study_status"]

_MOST_REASONS: Final = 5
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|\binf\b|\bnan\b)", re.IGNORECASE)


class Reason(NamedTuple):
    """Why runs ended as they did; the first of those that differ in their numbers alone."""

    outcome: str
    runs: int
    text: str
    is_one_of_several: bool


@final
@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """How far a study is.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    title : str
        Name of the study.
    requested : int or None
        Number of runs that the description asks for; None where runs were recorded.
    stored : int
        Number of runs in usable shards, however they ended.
    left : int
        Number of runs that are requested and not stored.
    beyond : int
        Number of runs that are stored and not requested, of a plan that has shrunk.
    begun : int
        Number of runs that are not stored and have a checkpoint to go on from.
    outcomes : mapping
        Outcome to number of stored runs.
    reasons : tuple of Reason
        Why runs did not finish; the most frequent first.
    problems : tuple of Problem
        Files that cannot be used.
    live : Live or None
        What the collector says, where one runs.
    """

    folder: Path
    title: str
    requested: int | None
    stored: int
    left: int
    beyond: int
    begun: int
    outcomes: Mapping[str, int]
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...]
    live: Live | None

    @property
    def running(self) -> int:
        """Number of runs that are carried out now."""
        return 0 if self.live is None else self.live.running

    def as_plain(self) -> dict[str, Any]:
        """Give all of it as plain data, for JSON."""
        live = self.live
        plain = {
            name: getattr(self, name)
            for name in ("title", "requested", "stored", "left", "beyond", "begun")
        }
        collector = None
        if live is not None:
            ahead = {"rate": live.rate, "seconds_left": live.seconds_left}
            collector = {**asdict(live), **ahead}
        return {
            "folder": str(self.folder),
            **plain,
            "running": self.running,
            "outcomes": {each.value: self.outcomes.get(each.value, 0) for each in Outcome},
            "reasons": [
                {"outcome": each.outcome, "runs": each.runs, "text": each.text}
                for each in self.reasons
            ],
            "problems": [
                {"path": str(each.path), "kind": each.kind, "text": each.text}
                for each in self.problems
            ],
            "collector": collector,
        }

    def __str__(self) -> str:
        """Write counts, reasons, problems, and how long it will take."""
        return "\n".join(
            [
                f"{self.title}: {self.stored} runs stored, {self.left} left to do",
                *self._counts(),
                *_told(self.reasons),
                *(f"  {problem.kind}: {problem.text}" for problem in self.problems),
                *([] if self.live is None else [_collecting(self.live)]),
            ]
        )

    def _counts(self) -> list[str]:
        counts = {each.value: self.outcomes.get(each.value, 0) for each in Outcome}
        rows = {
            **counts,
            "running": self.running,
            "with checkpoints": self.begun,
            "not asked for": self.beyond,
        }
        return [f"  {name:<16} {count}" for name, count in rows.items() if count]


def study_status(path: str | Path) -> StudyStatus:
    """Look how far a study is; nothing is changed and no lock is taken.

    Parameters
    ----------
    path : path
        Folder of a study, whether somebody collects it or not.

    Returns
    -------
    StudyStatus
        From the coordinates of the shards; files that cannot be used are named and do not
        count.

    Raises
    ------
    InvalidValueError
        If it is no path.
    FormatError
        If the folder holds no study.
    """
    if not isinstance(path, str | Path):
        raise InvalidValueError(
            f"a status needs the path of a study, received {type(path).__name__}."
        )
    folder = StudyFolder.open(path)
    # Before the shards are listed: what lands in between is then counted twice, never lost.
    live = read_live(folder.path, now=time.time())
    shards, problems = scan(folder.shards(), folder.identity)
    stored = {run_id for shard in shards for run_id in shard.run_ids}
    requested = None
    if folder.study is not None:
        requests = as_stored(requested_runs(folder.description()), stored)
        requested = {each.run_id for each in requests}
    endings = list(_endings(shards))
    return StudyStatus(
        folder=folder.path,
        title=folder.title,
        requested=None if requested is None else len(requested),
        stored=len(stored),
        left=0 if requested is None else len(requested - stored),
        beyond=0 if requested is None else len(stored - requested),
        begun=len(begun_runs(folder.path) - stored),
        outcomes=Counter(outcome for outcome, _ in endings),
        reasons=_reasons(endings),
        problems=tuple(problems),
        live=live,
    )


def _endings(shards: Iterable[Shard]) -> Iterable[tuple[str, str]]:
    for shard in shards:
        outcomes, reasons = (shard.coordinates[key] for key in ("outcome", "outcome_reason"))
        yield from ((str(a), str(b)) for a, b in zip(outcomes, reasons, strict=True))


def _reasons(endings: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    # Step and value differ from run to run where the cause is one; the first stands for all.
    kinds: dict[tuple[str, str], list[str]] = {}
    for outcome, text in endings:
        if outcome != Outcome.FINISHED:
            kinds.setdefault((outcome, _NUMBER.sub("#", text)), []).append(text)
    ranked = sorted(kinds.items(), key=lambda each: -len(each[1]))
    return tuple(
        Reason(outcome, len(texts), texts[0], len(set(texts)) > 1)
        for (outcome, _), texts in ranked
    )


def _told(reasons: tuple[Reason, ...]) -> list[str]:
    lines = [
        f"  {each.outcome} ({each.runs}): {each.text}"
        + (" and the like" if each.is_one_of_several else "")
        for each in reasons[:_MOST_REASONS]
    ]
    rest = reasons[_MOST_REASONS:]
    if rest:
        count = sum(each.runs for each in rest)
        lines.append(f"  others ({count}): {len(rest)} more reasons")
    return lines


def _collecting(live: Live) -> str:
    ahead = live.seconds_left
    left = "" if ahead is None else f", {readable_time(ahead)} left"
    since = f"collects since {readable_time(live.seconds)}"
    return (
        f"  process {live.process} on {live.host} {since}: "
        f"{live.runs_done} of {live.runs} runs, {live.rate:.3g} gradients/s{left}"
    )
