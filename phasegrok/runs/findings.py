"""What a check of a study may find, and what it reports."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, final

__all__ = ["Finding", "IntegrityReport", "Severity"]

_MEGABYTE: Final = 1e6


class Severity(StrEnum):
    """How much a finding matters, the worst first."""

    ERROR = "error"
    """The study, or a part of it, cannot be used as it is."""
    WARNING = "warning"
    """Every number is as it was written; something should be looked at."""
    NOTE = "note"
    """Nothing is wrong."""


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check of a study found.

    Parameters
    ----------
    kind : str
        In a word; docs/studies.md lists all of them.
    severity : Severity
        How much it matters.
    path : Path
        File or folder.
    text : str
        What was found and what to do.
    """

    kind: str
    severity: Severity
    path: Path
    text: str

    def as_plain(self) -> dict[str, str]:
        """Plain data, for JSON."""
        return {
            "kind": self.kind,
            "severity": self.severity.value,
            "path": str(self.path),
            "text": self.text,
        }


@final
@dataclass(frozen=True, kw_only=True)
class IntegrityReport:
    """What a check of a study found.

    Parameters
    ----------
    folder : Path
        Of the study, or the one file that was checked.
    findings : tuple of Finding
        The worst first.
    shards, runs : int
        Number of files looked at, and of distinct runs in those that can be read.
    missing : int
        Runs that are asked for and not stored.
    size : int
        Bytes of the shards that were read.
    seconds : float
        Duration of the check.
    """

    folder: Path
    findings: tuple[Finding, ...]
    shards: int
    runs: int
    missing: int
    size: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes are no errors."""
        return self.counts["error"] == 0

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of findings by severity, all severities."""
        counted = Counter(finding.severity.value for finding in self.findings)
        return {severity.value: counted[severity.value] for severity in Severity}

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """All findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def __str__(self) -> str:
        """Write one line a finding, the worst first, then the counts."""
        lines = [f"{each.severity} ({each.kind}): {each.text}" for each in self.findings]
        counts = ", ".join(
            f"{count} {name}{'' if count == 1 else 's'}" for name, count in self.counts.items()
        )
        megabytes = self.size / _MEGABYTE
        rate = megabytes / self.seconds if self.seconds > 0.0 else 0.0
        return "\n".join(
            [
                *lines,
                f"{self.shards} shards, {self.runs} runs, {self.missing} to be collected: "
                f"{counts} ({megabytes:.1f} MB at {rate:.0f} MB/s)",
            ]
        )

    def as_plain(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "folder": str(self.folder),
            "ok": self.ok,
            "counts": dict(self.counts),
            "shards": self.shards,
            "runs": self.runs,
            "missing": self.missing,
            "bytes": self.size,
            "seconds": self.seconds,
            "findings": [finding.as_plain() for finding in self.findings],
        }
