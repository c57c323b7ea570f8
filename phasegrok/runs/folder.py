"""The folder of a study: its description, its lock, and what its shards hold."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, final

from phasegrok.errors import DamagedShardError, FormatError, InvalidStudyError
from phasegrok.runs.disk import exclusive_lock, partial_files, write_new, write_over
from phasegrok.runs.scanning import Problem, corruption, scan, shard_paths
from phasegrok.runs.versions import DESCRIPTION_LIFTS, sealed, unsealed
from phasegrok.seeding import canonical_json
from phasegrok.study import (
    Study,
    check_unchanged,
    identity,
    plain_study,
    plug_in_sources,
    study_from_plain,
)

__all__ = ["DESCRIPTION", "LOCK", "HeldFolder", "StudyFolder", "begin_folder"]

DESCRIPTION = "study.json"
LOCK = ".lock"
DAMAGED = ".damaged"
RECORDING_LOCK = ".recording-"
"""Prefix of the locks of runs that are being recorded, one a run."""

_RESTORE = (
    "Move it away and restore it from the description that the study was begun with: "
    "collecting into the same folder writes it anew, and no shard is touched."
)

_KINDS: dict[str, tuple[type, ...]] = {
    "identity": (dict,),
    "study": (dict, NoneType),
    "title": (str,),
    "plug_in_sources": (dict,),
}


@final
@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """All runs of one description, on disk.

    Parameters
    ----------
    path : Path
        The folder.
    identity : mapping
        What may not change.
    study : mapping or None
        The latest description as plain data; None for a folder of recorded runs.
    title : str
        Name of the study.
    plug_in_sources : mapping
        ``module:object`` to the source it was begun with.
    """

    path: Path
    identity: Mapping[str, Any]
    study: Mapping[str, Any] | None
    title: str
    plug_in_sources: Mapping[str, str]

    @classmethod
    def create(cls, path: str | Path, study: Study) -> "StudyFolder":
        """Begin a study, or continue the same one.

        Parameters
        ----------
        path : path
            The folder; made where it is missing.
        study : Study
            The description. The plan of a study that was begun before stays as it is until
            `HeldFolder.store_plan`.

        Returns
        -------
        StudyFolder

        Raises
        ------
        StudyChangedError
            If the folder holds a study of another identity, with a line for each difference.
        StorageError
            If the folder cannot be written.
        """
        given = _description(study)
        folder = begin_folder(path, given)
        check_unchanged(folder.identity, given["identity"])
        return folder

    @classmethod
    def open(cls, path: str | Path) -> "StudyFolder":
        """Read the description in a folder.

        Parameters
        ----------
        path : path
            The folder of a study.

        Returns
        -------
        StudyFolder

        Raises
        ------
        FormatError
            If the folder holds no study, one of a newer schema, or a description that is not
            what was written.
        """
        file = Path(path) / DESCRIPTION
        if file.exists() and not file.is_file():
            # A pipe would be waited for without an end.
            raise FormatError(f"{file} is no file. {_RESTORE}")
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            newest = unsealed(stored, str(file), DESCRIPTION_LIFTS, in_file=True)
            del newest["schema_version"]
            _require_kinds(newest)
            return cls(path=Path(path), **newest)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FormatError(
                f"a study is a folder with a {DESCRIPTION}, and {str(path)!r} has none; give "
                "the folder that was named when the study was collected."
            ) from error
        except DamagedShardError as error:
            raise FormatError(f"{error} {_RESTORE}") from error
        except FormatError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise FormatError(
                f"{file} cannot be read as the description of a study ({error}). {_RESTORE}"
            ) from error

    def description(self) -> Study:
        """Give the latest description, to collect what is left of it.

        Raises
        ------
        InvalidStudyError
            If the runs were recorded, so that there is nothing to collect.
        """
        if self.study is None:
            raise InvalidStudyError(
                f"{self.path} holds recorded runs and no description to collect from; collect "
                "into another folder."
            )
        return study_from_plain(self.study)

    def shards(self) -> list[Path]:
        """All finished shards, by name."""
        return shard_paths(self.path)

    def run_outcomes(self) -> dict[str, str]:
        """How each stored run ended, by its run_id, reading two coordinates of each shard.

        Files with problems do not count; `problems` names them.
        """
        shards, _ = scan(self.shards(), self.identity, names=("run_id", "outcome"))
        return {
            run_id: str(outcome)
            for shard in shards
            for run_id, outcome in zip(shard.run_ids, shard.coordinates["outcome"], strict=True)
        }

    def finished_run_ids(self) -> set[str]:
        """Identifiers of the runs that need not be made again, however they ended."""
        shards, _ = scan(self.shards(), self.identity, names=("run_id",))
        return {run_id for shard in shards for run_id in shard.run_ids}

    def problems(self) -> list[Problem]:
        """Every file that cannot be used, found without reading the data.

        What opening the study would refuse is found, since the same coordinates are read.
        """
        return scan(self.shards(), self.identity)[1]

    def corruption(self) -> list[Problem]:
        """Every shard whose numbers are not those that were written; reads all data.

        Files that `problems` names are left out.
        """
        shards, _ = scan(self.shards(), self.identity)
        return corruption(shards)

    @contextmanager
    def lock(self) -> Iterator["HeldFolder"]:
        """Hold the folder against other collectors until the process ends, however it ends.

        Raises
        ------
        StudyBusyError
            If another process holds it.
        """
        with exclusive_lock(self.path / LOCK, "another collector") as descriptor:
            yield HeldFolder(folder=self, lock=descriptor)


@final
@dataclass(frozen=True, kw_only=True)
class HeldFolder:
    """What only the collector that holds the lock may do.

    Parameters
    ----------
    folder : StudyFolder
        The folder.
    lock : int
        Descriptor of the lock, which worker processes hold too.
    """

    folder: StudyFolder
    lock: int

    def store_plan(self, study: Study) -> StudyFolder:
        """Replace the description by one of the same identity, whose plan may have grown.

        Raises
        ------
        StudyChangedError
            If the identity differs.
        StorageError
            If the folder cannot be written.
        """
        given = _description(study)
        check_unchanged(self.folder.identity, given["identity"])
        path = self.folder.path
        # By its bytes, so that the description of an older version is written in this one.
        if (path / DESCRIPTION).read_bytes() != _description_bytes(given):
            write_over(path / DESCRIPTION, _description_bytes(given))
        return StudyFolder.open(path)

    def store_description(self, study: Mapping[str, Any] | None) -> StudyFolder:
        """Replace the description by one of the same identity, given as plain data.

        Unlike `store_plan` it imports none of the plug-ins, which need not be here.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        path = self.folder.path
        before = StudyFolder.open(path)
        if before.study != study:
            given = {
                "identity": before.identity,
                "study": study,
                "title": before.title,
                "plug_in_sources": before.plug_in_sources,
            }
            write_over(path / DESCRIPTION, _description_bytes(given))
        return StudyFolder.open(path)

    def clear_partial_files(self) -> list[Path]:
        """Remove what killed writers left behind."""
        stale = partial_files(self.folder.path)
        for path in stale:
            path.unlink(missing_ok=True)
        return stale

    def set_aside_damaged(self) -> list[Path]:
        """Rename damaged shards, so that their runs count as not made.

        Returns
        -------
        list of Path
            The new names, which end in ``.damaged``.
        """
        moved = []
        for problem in self.folder.problems():
            if problem.kind == "damaged":
                target = _free_name(problem.path)
                os.rename(problem.path, target)
                moved.append(target)
        return moved


def begin_folder(path: str | Path, given: Mapping[str, Any]) -> StudyFolder:
    """Write the description of a folder unless it has one, and read what stands there.

    Parameters
    ----------
    path : path
        The folder.
    given : mapping
        ``identity``, ``study``, ``title`` and ``plug_in_sources``.

    Returns
    -------
    StudyFolder
        What is stored, which may be another study: compare the identities.
    """
    file = Path(path) / DESCRIPTION
    if not file.exists():
        # Of several processes that begin one folder, the first wins and the others read it.
        with suppress(FileExistsError):
            write_new(file, _description_bytes(given))
    return StudyFolder.open(path)


def _description(study: Study) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(
        canonical_json(
            {
                "identity": identity(study),
                "study": plain_study(study),
                "title": study.name,
                "plug_in_sources": plug_in_sources(study),
            }
        )
    )
    return given


def _description_bytes(given: Mapping[str, Any]) -> bytes:
    text = json.dumps(sealed(given), indent=1, ensure_ascii=False, sort_keys=True)
    return text.encode()


def _require_kinds(stored: Mapping[str, Any]) -> None:
    wrong = [name for name, kind in _KINDS.items() if not isinstance(stored[name], kind)]
    if wrong:
        raise ValueError(f"of another kind than expected are {wrong}")


def _free_name(path: Path) -> Path:
    target = path.with_name(path.name + DAMAGED)
    count = 1
    while target.exists():
        count += 1
        target = path.with_name(f"{path.name}{DAMAGED}-{count}")
    return target
