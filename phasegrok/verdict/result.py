"""A verdict: the answer, its probabilities and grounds, and what speaks against it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, final

import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.verdict.answers import UNDETERMINED

__all__ = ["Verdict"]

_ATTRIBUTE: Final = "phasegrok_verdict"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """An answer with its grounds.

    Parameters
    ----------
    order : str
        "first-order", "continuous", "crossover" or "undetermined".
    probabilities : mapping
        Each of these four to a number; they sum to one.
    grounds, against : tuple of str
        Sentences on what speaks for the answer, and what against it or makes it unsafe.
    wanted : str
        What data would settle it; empty where an answer is named.
    table : Dataset
        Along ``size``: ``volume``, every feature with its ``_error``, ``transition`` (control
        of the largest variance) with ``transition_spread`` over disorders, ``gap`` between the
        means of the phases and ``mixing``. Along ``kind``: ``log_evidence`` with its
        ``_error``, ``predictive`` and ``probability``. Along ``grid_volume``: the ``predicted``
        features of every kind with ``predicted_lower`` and ``predicted_upper``, a 68 %
        interval. Sizes alone where fewer than three were usable.
    """

    order: str
    probabilities: Mapping[str, float]
    grounds: tuple[str, ...]
    against: tuple[str, ...]
    wanted: str
    table: xr.Dataset

    def __str__(self) -> str:
        """As a paragraph."""
        chances = ", ".join(
            f"{answer} {chance:.3f}" for answer, chance in self.probabilities.items()
        )
        varied = self.table.attrs["control"]
        parts = [f"As {varied} is varied, the transition is {self.order} ({chances})."]
        head = "Measured" if self.order == UNDETERMINED else "For it"
        parts += [f"{head}: {'; '.join(self.grounds)}."] if self.grounds else []
        parts += [f"Against it: {'; '.join(self.against)}."] if self.against else []
        parts += [self.wanted] if self.wanted else []
        return " ".join(parts)

    def save(self, path: str | Path) -> None:
        """Write the verdict to one netCDF file."""
        text = json.dumps(
            {
                "order": self.order,
                "probabilities": dict(self.probabilities),
                "grounds": self.grounds,
                "against": self.against,
                "wanted": self.wanted,
            }
        )
        self.table.assign_attrs({_ATTRIBUTE: text}).to_netcdf(path, engine="h5netcdf")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        FormatError
            If the file holds no verdict.
        """
        with xr.open_dataset(path, engine="h5netcdf") as stored:
            table = stored.load()
        if _ATTRIBUTE not in table.attrs:
            raise FormatError(f"{path} holds no verdict; write one with Verdict.save.")
        plain: dict[str, Any] = json.loads(table.attrs.pop(_ATTRIBUTE))
        return cls(
            order=plain["order"],
            probabilities=plain["probabilities"],
            grounds=tuple(plain["grounds"]),
            against=tuple(plain["against"]),
            wanted=plain["wanted"],
            table=table,
        )
