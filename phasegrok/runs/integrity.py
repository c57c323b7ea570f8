"""Whether a study is what was written, whole and consistent: one pass over its files."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, final

from phasegrok.errors import FormatError, InvalidStudyError, InvalidValueError
from phasegrok.runs.copies import Copies
from phasegrok.runs.findings import Finding, IntegrityReport, Severity
from phasegrok.runs.folder import DESCRIPTION, StudyFolder
from phasegrok.runs.inspection import maker_of, named_first, shard_findings, unusable
from phasegrok.runs.labels import requests_of
from phasegrok.runs.leftovers import leftovers
from phasegrok.runs.reading import Shard, read_shard
from phasegrok.runs.scanning import common_identity, foreign_text, shard_paths
from phasegrok.runs.twins import Twins
from phasegrok.runs.verification import read_whole
from phasegrok.seeding import canonical_json
from phasegrok.study import RunRequest, as_stored

__all__ = ["check_study"]

_IN_DISTRIBUTION: Final = "long runs agree in distribution only"


def check_study(path: str | Path) -> IntegrityReport:
    """Look for everything that can be wrong with the files of a study.

    All data are read once, one file in memory at a time. Nothing is written, so that a
    read-only folder, or one that is being collected into, can be checked.

    Parameters
    ----------
    path : path
        Folder of the study, a single shard, or what `consolidate` made. Of one file nothing
        is said of missing runs, which are elsewhere.

    Returns
    -------
    IntegrityReport
        With every finding; docs/studies.md lists the kinds.

    Raises
    ------
    InvalidValueError
        If it is no path.
    FormatError
        If it is neither the folder of a study nor a file that could be one of its shards.
    """
    begin = time.monotonic()
    folder = _checked(path)
    # Of one moment, since a collector may be adding more.
    paths = shard_paths(folder) if folder.is_dir() else [folder]
    check = _Check(folder, paths)
    for each in paths:
        check.look_at(each)
    findings = [*check.findings, *check.closing()]
    ranks = list(Severity)
    return IntegrityReport(
        folder=folder,
        findings=tuple(sorted(findings, key=lambda each: ranks.index(each.severity))),
        shards=check.shards,
        runs=len(check.stored),
        missing=len(check.missing()),
        size=check.size,
        seconds=time.monotonic() - begin,
    )


@final
class _Check:
    """What was seen so far of a study."""

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.study: StudyFolder | None = None
        self.shards = 0
        self.size = 0
        if folder.is_dir():
            self._describe()
        seen = list(_readable(paths))
        expected = None if self.study is None else canonical_json(self.study.identity)
        self._identity = common_identity(seen) if expected is None else expected
        ours = [shard for shard in seen if shard.identity == self._identity]
        self.stored = {run_id for shard in ours for run_id in shard.run_ids}
        self._copies = Copies({shard.path: shard.run_ids for shard in ours})
        latest = None if self.study is None else self.study.study
        self._twins = Twins([{"study": latest}, *(shard.attribute for shard in ours)])
        self._made_by: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def look_at(self, path: Path) -> None:
        """Check one file."""
        try:
            whole = read_whole(path)
            size = path.stat().st_size
        except FileNotFoundError:
            return
        except FormatError as error:
            # If not, it was set aside or moved away meanwhile.
            if path.exists() or path.is_symlink():
                self.shards += 1
                self.findings.append(unusable(path, error))
            return
        self.shards += 1
        self.size += size
        if whole.shard.identity != self._identity:
            text = foreign_text(whole.shard, self._identity)
            self._add("foreign", Severity.ERROR, path, text)
            return
        self.findings += shard_findings(whole, described=self.study is not None)
        self._copies.look_at(whole)
        self._twins.look_at(whole)
        for what, value in maker_of(whole).items():
            self._made_by[what][value].append(path.name)

    def closing(self) -> Iterator[Finding]:
        """Findings on the study as a whole."""
        yield from self._copies.findings()
        yield from self._twins.findings()
        yield from self._plan()
        yield from self._mixture()
        if self.folder.is_dir():
            yield from leftovers(self.folder, self.stored)

    def missing(self) -> list[str]:
        """Runs that are asked for and not stored."""
        try:
            return [each for each in self._requests() if each not in self.stored]
        except InvalidStudyError:
            return []

    def _requests(self) -> Mapping[str, RunRequest]:
        asked = requests_of(None if self.study is None else self.study.study)
        return {each.run_id: each for each in as_stored(asked.values(), self.stored)}

    def _add(self, kind: str, severity: Severity, path: Path, text: str) -> None:
        self.findings.append(Finding(kind=kind, severity=severity, path=path, text=text))

    def _describe(self) -> None:
        file = self.folder / DESCRIPTION
        if not (file.exists() or file.is_symlink()):
            text = (
                f"{self.folder} has no {DESCRIPTION}: nothing says which runs were asked for; "
                "collecting into it writes one."
            )
            self._add("description", Severity.NOTE, self.folder, text)
            return
        try:
            self.study = StudyFolder.open(self.folder)
        except FormatError as error:
            self._add("description", Severity.ERROR, file, str(error))

    def _mixture(self) -> Iterator[Finding]:
        for what, makers in self._made_by.items():
            if len(makers) < 2:
                continue
            told = "; ".join(
                f"{value} ({len(names)}, such as {names[0]})"
                for value, names in sorted(makers.items())
            )
            so = "all of them are read" if what == "schema version" else _IN_DISTRIBUTION
            text = f"the shards of {self.folder} differ in {what}: {told}; {so}."
            yield Finding(kind="mixed", severity=Severity.NOTE, path=self.folder, text=text)

    def _plan(self) -> Iterator[Finding]:
        if self.study is None or self.study.study is None:
            return
        file = self.folder / DESCRIPTION
        try:
            requests = self._requests()
        except InvalidStudyError as error:
            text = f"no plan follows from {file}: {error}"
            yield Finding(kind="description", severity=Severity.ERROR, path=file, text=text)
            return
        missing = self.missing()
        if missing:
            asked = Counter(_point(each) for each in requests.values())
            lacking = Counter(_point(requests[run_id]) for run_id in missing)
            points = [f"{point}: {n} of {asked[point]}" for point, n in lacking.items()]
            text = (
                f"{len(missing)} of {len(requests)} runs are to be collected, at "
                f"{named_first(points, '; ')}."
            )
            yield Finding(kind="missing", severity=Severity.NOTE, path=self.folder, text=text)
        extra = sorted(self.stored - requests.keys())
        if extra:
            text = (
                f"{len(extra)} stored runs are not asked for by the plan in {file}, such as "
                f"{named_first(extra)}: they are opened like all others."
            )
            yield Finding(
                kind="unrequested", severity=Severity.NOTE, path=self.folder, text=text
            )


def _checked(path: str | Path) -> Path:
    if not isinstance(path, str | Path):
        raise InvalidValueError(
            f"checking needs the path of a study, received {type(path).__name__}."
        )
    folder = Path(path)
    if folder.is_file() and folder.name != DESCRIPTION:
        return folder
    if not folder.is_dir():
        raise FormatError(
            f"a study is a folder, and {str(path)!r} is none; give the folder that was named "
            "when the study was collected."
        )
    file = folder / DESCRIPTION
    if not (file.exists() or file.is_symlink() or shard_paths(folder)):
        raise FormatError(
            f"a study is a folder with a {DESCRIPTION} or with shards, and {str(path)!r} has "
            "neither; give the folder that was named when the study was collected."
        )
    return folder


def _readable(paths: Sequence[Path]) -> Iterator[Shard]:
    for path in paths:
        try:
            yield read_shard(path, names=("run_id",))
        except FormatError:
            continue  # Told when it is looked at.


def _point(request: RunRequest) -> str:
    named = [f"{name} {value}" for name, value in request.controls.items()]
    return ", ".join(named) or "the one point"
