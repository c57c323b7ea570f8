"""What a merge has to do: which runs are new, which are there already, which contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

from phasegrok.errors import FormatError
from phasegrok.runs.reading import Shard, read_shard
from phasegrok.runs.run_contents import LoadedShard, differences, fingerprint, load_shard
from phasegrok.schema import STATES_GROUP

__all__ = ["KEPT_OVER", "MergePlan", "Piece", "planned_merge"]

KEPT_OVER: Final = "kept_over"
"""Key of the provenance that tells which other copies of a run were not taken."""

_MOST_NAMED: Final = 5


@final
@dataclass(kw_only=True)
class Piece:
    """Runs of one shard that will be copied."""

    path: Path
    run_ids: list[str]
    is_whole: bool
    """Whether these are all runs of the shard."""
    kept_over: list[dict[str, Any]] = field(default_factory=list)


@final
@dataclass(frozen=True, kw_only=True)
class MergePlan:
    """What is to be copied, and what is not."""

    pieces: tuple[Piece, ...]
    equal: int
    """Copies of runs that are there already, bit for bit."""
    settled: int
    """Copies with other bits that gave way."""


@final
@dataclass(frozen=True, kw_only=True)
class _Conflict:
    run_id: str
    names: tuple[str, ...]
    held: Shard
    given: Shard
    is_in_target: bool

    def __str__(self) -> str:
        names = ", ".join(self.names[:_MOST_NAMED])
        more = len(self.names) - _MOST_NAMED
        return (
            f"the run {self.run_id} differs in {names}{f' and {more} more' if more > 0 else ''}"
            f": {_told(self.held)} against {_told(self.given)}"
        )


def planned_merge(
    sources: Sequence[Sequence[Shard]], target: Sequence[Shard], *, keep: str | None
) -> MergePlan:
    """Tell what a merge will copy, reading only runs that occur twice.

    Parameters
    ----------
    sources : sequence of sequence of Shard
        Shards of each source, in the order of the sources.
    target : sequence of Shard
        What is there already.
    keep : {"first"} or None
        Whether of copies with other bits the first is taken.

    Returns
    -------
    MergePlan

    Raises
    ------
    FormatError
        For runs of other bits, with the runs, files, variables, machines and versions.
    """
    holders: dict[str, tuple[Shard, Piece | None]] = {
        run_id: (shard, None) for shard in target for run_id in shard.run_ids
    }
    loaded = lru_cache(maxsize=4)(load_shard)
    pieces: list[Piece] = []
    conflicts: list[_Conflict] = []
    equal = settled = 0
    for shard in (shard for source in sources for shard in source):
        twice = [run_id for run_id in shard.run_ids if run_id in holders]
        for run_id in twice:
            held, piece = holders[run_id]
            names = _differing(run_id, held, shard, loaded)
            if not names:
                equal += 1
            elif keep == "first" and (
                piece is not None or _is_settled(run_id, held, shard, loaded)
            ):
                settled += 1
                if piece is not None:
                    piece.kept_over.append(_note(run_id, shard, names, loaded))
            else:
                conflicts.append(
                    _Conflict(
                        run_id=run_id,
                        names=tuple(names),
                        held=held,
                        given=shard,
                        is_in_target=piece is None,
                    )
                )
        new = [run_id for run_id in shard.run_ids if run_id not in holders]
        if new:
            piece = Piece(path=shard.path, run_ids=new, is_whole=not twice)
            pieces.append(piece)
            holders.update({run_id: (shard, piece) for run_id in new})
    if conflicts:
        raise FormatError(_refusal(conflicts, keep))
    return MergePlan(pieces=tuple(pieces), equal=equal, settled=settled)


def _differing(run_id: str, held: Shard, given: Shard, loaded: Any) -> list[str]:
    if held.run_ids == given.run_ids and _sums(held) == _sums(given):
        return []  # The checksums of everything agree.
    return differences(run_id, loaded(held.path), loaded(given.path))


def _sums(shard: Shard) -> list[Mapping[str, Any]]:
    return [shard.contents, read_shard(shard.path, (), group=f"{STATES_GROUP}/").contents]


def _is_settled(run_id: str, held: Shard, given: Shard, loaded: Any) -> bool:
    """Whether an earlier merge took this copy over that one."""
    notes = held.attribute["provenance"].get(KEPT_OVER, ())
    mine = [note["fingerprint"] for note in notes if note["run_id"] == run_id]
    return bool(mine) and fingerprint(run_id, loaded(given.path)) in mine


def _note(run_id: str, given: Shard, names: Sequence[str], loaded: Any) -> dict[str, Any]:
    copy: LoadedShard = loaded(given.path)
    return {
        "run_id": run_id,
        "fingerprint": fingerprint(run_id, copy),
        "differs_in": list(names),
        "provenance": dict(copy.attribute["provenance"]),
    }


def _told(shard: Shard) -> str:
    """A file with the machine and the versions that made it."""
    origin = shard.attribute["provenance"]
    machine = origin.get("machine_type", {})
    parts = [str(machine.get("processor") or origin.get("machine", "an unknown machine"))]
    parts += [str(machine[name]) for name in ("instruction_set", "device") if name in machine]
    packages = origin.get("packages", {})
    parts += [f"{name} {packages[name]}" for name in ("phasegrok", "torch") if name in packages]
    return f"{shard.path} ({', '.join(parts)})"


def _refusal(conflicts: Sequence[_Conflict], keep: str | None) -> str:
    runs = len({each.run_id for each in conflicts})
    more = len(conflicts) - _MOST_NAMED
    lines = [f"  {each}" for each in conflicts[:_MOST_NAMED]]
    lines += [f"  and {more} more"] if more > 0 else []
    advice = (
        "Runs from machines of other types agree in distribution only. To take the copy of the "
        "source that is named first, give keep='first'; the others are named in its provenance."
    )
    if any(each.is_in_target for each in conflicts):
        advice = (
            "What the target holds is never changed. Merge into a new folder with "
            "keep='first', and name first the study whose runs are to be taken."
        )
    if keep is None or any(each.is_in_target for each in conflicts):
        lines.append(advice)
    count = "a run is" if runs == 1 else f"{runs} runs are"
    return "\n".join(
        [f"{count} stored with other bits in two places, nothing was copied:", *lines]
    )
