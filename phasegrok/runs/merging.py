"""Merging studies that were collected apart: one folder with all their runs."""

import difflib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

from phasegrok.errors import FormatError, InvalidValueError, StorageError, StudyChangedError
from phasegrok.runs.arrangement import view_of
from phasegrok.runs.disk import write_new
from phasegrok.runs.folder import DESCRIPTION, HeldFolder, StudyFolder, begin_folder
from phasegrok.runs.merge_plan import KEPT_OVER, MergePlan, Piece, planned_merge
from phasegrok.runs.reading import Shard
from phasegrok.runs.run_contents import load_shard, of_runs
from phasegrok.runs.scanning import corruption, scan
from phasegrok.runs.shard import write_shard
from phasegrok.runs.verification import corrupted
from phasegrok.study import check_unchanged, joined_plan, plain_study, study_from_plain

__all__ = ["MergeReport", "merge_studies"]

_MOST_LINES = 20


@final
@dataclass(frozen=True, kw_only=True)
class MergeReport:
    """What one merge did.

    Parameters
    ----------
    target : Path
        Folder with the runs of all.
    sources : tuple of Path
        Folders they come from, which are as they were.
    runs : int
        Runs that were copied.
    shards : tuple of Path
        Files written by this call.
    rewritten : int
        Those of them that hold only some of the runs of their source, or that tell which
        other copies they were taken over.
    equal : int
        Copies that were there already, bit for bit, and were skipped.
    settled : int
        Copies with other bits that gave way to the first.
    """

    target: Path
    sources: tuple[Path, ...]
    runs: int
    shards: tuple[Path, ...]
    rewritten: int
    equal: int
    settled: int

    def __str__(self) -> str:
        """Write one sentence a fact."""
        lines = [
            f"{self.runs} runs in {len(self.shards)} shards copied from {len(self.sources)} "
            f"studies to {self.target}"
        ]
        if self.equal:
            lines.append(f"{self.equal} copies were there already, equal in every bit")
        if self.settled:
            lines.append(
                f"{self.settled} copies with other bits were left out; the provenance of the "
                "runs that were taken tells which"
            )
        return "\n".join(lines)


def merge_studies(
    sources: Sequence[str | Path],
    target: str | Path,
    *,
    keep: Literal["first"] | None = None,
) -> MergeReport:
    """Copy the runs of several folders of one study into one.

    Parameters
    ----------
    sources : sequence of path
        Folders of studies of one identity, in which nothing is changed. Collectors may work
        there meanwhile: what is finished by now is copied.
    target : path
        Folder for all runs: a new one, or one of a study of the same identity, which is locked
        meanwhile. Its plan will ask for what all ask for. Checkpoints are not copied.
    keep : {"first"} or None
        What to do with runs that are stored twice with other bits, as machines of two types
        make them: refuse, or take the copy of the source that is named first. What a target
        holds already is never replaced.

    Returns
    -------
    MergeReport
        Runs that are stored twice in the same bits are skipped and counted. An interrupted
        merge goes on when it is repeated.

    Raises
    ------
    InvalidValueError
        If a path is none, a folder is named twice or lies within another, or there is no
        source.
    FormatError
        If a source is no study, holds files that are damaged, foreign or corrupted, or runs
        contradict; each is named, and nothing was copied.
    StudyChangedError
        If the identities differ, with a line for each difference.
    StudyBusyError
        If a collector holds the target.
    StorageError
        If the disk is too full or the target cannot be written; whole shards stay valid.
    """
    if keep not in (None, "first"):
        raise InvalidValueError(f"keep must be 'first' or None, received {keep!r}; give one.")
    paths, goal = _checked_paths(sources, target)
    folders = _of_one_study(paths, goal)
    shards = [_sound_shards(StudyFolder.open(path)) for path in paths]
    there = _sound_shards(StudyFolder.open(goal)) if _is_begun(goal) else []
    given = _joined_description(folders)
    _require_one_view([there, *shards], given)
    _check_room(planned_merge(shards, there, keep=keep), goal)
    store = begin_folder(goal, given)
    with store.lock() as held:
        # Anew, since a collector may have begun or grown the study there until now.
        given = _joined_description(_of_one_study(paths, goal))
        held.clear_partial_files()
        there = _sound_shards(store)
        _require_one_view([there, *shards], given)
        plan = planned_merge(shards, there, keep=keep)
        held.store_description(given["study"])
        written = tuple(_copied(piece, held) for piece in plan.pieces)
    return MergeReport(
        target=goal,
        sources=tuple(paths),
        runs=sum(len(piece.run_ids) for piece in plan.pieces),
        shards=written,
        rewritten=sum(_is_rewritten(piece) for piece in plan.pieces),
        equal=plan.equal,
        settled=plan.settled,
    )


def _checked_paths(sources: Any, target: Any) -> tuple[list[Path], Path]:
    listed = isinstance(sources, Sequence) and not isinstance(sources, str | bytes)
    if not listed or not sources:
        raise InvalidValueError(
            f"a merge needs a list of at least one source, received {sources!r}; name the "
            "folders to merge."
        )
    for path in (*sources, target):
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise InvalidValueError(
                f"the folder of a study must be a path, received {path!r}; give it as text."
            )
    paths, goal = [Path(path) for path in sources], Path(target)
    seen: list[Path] = []
    for path in (*paths, goal):
        real = path.resolve()
        for other in seen:
            if real == other or real in other.parents or other in real.parents:
                raise InvalidValueError(
                    "each study of a merge needs a folder of its own, and none may lie within "
                    f"another, received {str(path)!r} beside {str(other)!r}; name others."
                )
        seen.append(real)
    return paths, goal


def _is_begun(folder: Path) -> bool:
    return (folder / DESCRIPTION).exists()


def _of_one_study(paths: Sequence[Path], goal: Path) -> list[StudyFolder]:
    """What is described in the folders by now, the target first where it is begun."""
    folders = [StudyFolder.open(path) for path in paths]
    if _is_begun(goal):
        folders.insert(0, StudyFolder.open(goal))
    for folder in folders[1:]:
        _require_same(folders[0], folder)
    return folders


def _require_one_view(shards: Sequence[Sequence[Shard]], given: Mapping[str, Any]) -> None:
    """Refuse runs that could not be opened together."""
    every = [shard for source in shards for shard in source]
    if every:
        view_of(every, given["study"])


def _require_same(one: StudyFolder, other: StudyFolder) -> None:
    try:
        check_unchanged(one.identity, other.identity)
    except StudyChangedError as error:
        lines = [line for line in str(error).splitlines() if line.startswith("  ")]
        lines += _source_differences(one.plug_in_sources, other.plug_in_sources)
        raise StudyChangedError(
            f"{other.path} holds another study than {one.path}:\n"
            + "\n".join(lines).replace("given", "there")
            + "\nOnly studies that differ in nothing but their plans can be merged."
        ) from error


def _source_differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Lines by which the sources of plug-ins differ."""
    found = []
    for name in sorted(set(one) & set(other)):
        lines = difflib.unified_diff(
            one[name].splitlines(), other[name].splitlines(), name, name, lineterm="", n=1
        )
        found += [f"    {line}" for line in lines]
    more = len(found) - _MOST_LINES
    return found[:_MOST_LINES] + ([f"    and {more} more lines"] if more > 0 else [])


def _sound_shards(folder: StudyFolder) -> list[Shard]:
    """Shards of a folder, none of which is damaged, foreign, twice there or corrupted."""
    shards, problems = scan(folder.shards(), folder.identity)
    problems += corruption(shards)
    if problems:
        raise FormatError(
            f"{folder.path} cannot be merged, nothing was copied:\n"
            + "\n".join(f"  {problem.text}" for problem in problems)
        )
    return shards


def _joined_description(folders: Sequence[StudyFolder]) -> dict[str, Any]:
    first = folders[0]
    given: dict[str, Any] = {
        "identity": first.identity,
        "study": first.study,
        "title": first.title,
        "plug_in_sources": first.plug_in_sources,
    }
    # Not by `identity`, which would import plug-ins that this machine need not have.
    described = [study_from_plain(each.study) for each in folders if each.study is not None]
    if described:
        plan = joined_plan([each.plan for each in described])
        given["study"] = plain_study(replace(described[0], plan=plan))
    return given


def _check_room(plan: MergePlan, goal: Path) -> None:
    needed = sum(piece.path.stat().st_size for piece in plan.pieces)
    real = goal.resolve()
    there = next(each for each in (real, *real.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise StorageError(
            f"the runs to copy need about {needed / 1e6:.0f} MB in {goal}, and "
            f"{free / 1e6:.0f} MB are free; free some space. Nothing was copied."
        )


def _is_rewritten(piece: Piece) -> bool:
    return not piece.is_whole or bool(piece.kept_over)


def _copied(piece: Piece, held: HeldFolder) -> Path:
    """Copy a shard, or write anew what is taken of it, and look at what was written."""
    folder = held.folder.path
    if _is_rewritten(piece):
        notes: dict[str, Any] = {"taken_from": piece.path.name}
        notes |= {KEPT_OVER: piece.kept_over} if piece.kept_over else {}
        copy = write_shard(folder, *of_runs(load_shard(piece.path), piece.run_ids, notes))
    else:
        copy = folder / piece.path.name
        try:
            write_new(copy, piece.path.read_bytes())
        except FileExistsError as error:
            raise FormatError(
                f"{copy} holds other runs than its name says; move it away and merge again."
            ) from error
    wrong = corrupted(copy)
    if wrong:
        copy.unlink()
        raise StorageError(
            f"{copy} was written and holds other numbers than {piece.path} in "
            f"{', '.join(wrong)}; it was removed. Check the disks and merge again."
        )
    return copy
