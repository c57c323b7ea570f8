"""A verdict: the answer, its probabilities and grounds, and what speaks against it."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Final, Self, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, StorageError
from phasegrok.verdict.answers import ANSWERS, CROSSOVER, UNDETERMINED

__all__ = ["Verdict"]

_ATTRIBUTE: Final = "phasegrok_verdict"

_ROUNDING: Final = 1e-9
"""By which probabilities may miss one."""


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
        of the largest variance) with ``transition_spread`` over disorders, the
        ``relative_variance`` R of those largest variances over disorders, ``gap`` between the
        means of the phases, ``mixing``, the number of ``disorders``, and 1 or 0 for whether the
        barrier is a lower bound, ``barrier_bounded``, and the slope counts, ``slope_known``.
        Along ``kind``: ``log_evidence`` with its ``_error``, ``predictive`` and
        ``probability``, that before any check. Along ``grid_volume``: the ``predicted``
        features of every kind with ``predicted_lower`` and ``predicted_upper``, a 68 %
        interval. Those of an energy begin with ``energy_``. Sizes alone where fewer than three
        were usable.
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
        answer = f"a {CROSSOVER}" if self.order == CROSSOVER else self.order
        parts = [f"As {varied} is varied, the transition is {answer} ({chances})."]
        head = "Measured" if self.order == UNDETERMINED else "For it"
        parts += [f"{head}: {_listed(self.grounds)}"] if self.grounds else []
        parts += [f"Against it: {_listed(self.against)}"] if self.against else []
        parts += [self.wanted] if self.wanted else []
        return " ".join(parts)

    def save(self, path: str | Path) -> None:
        """Write the verdict to one netCDF file.

        An older file of that name is replaced, by a whole one or not at all; a folder that is
        missing is made.

        Raises
        ------
        InvalidValueError
            For what is no path.
        StorageError
            If nothing can be written there.
        """
        path = _place(path)
        text = json.dumps(
            {
                "order": self.order,
                "probabilities": dict(self.probabilities),
                "grounds": self.grounds,
                "against": self.against,
                "wanted": self.wanted,
            }
        )
        partial = path.with_name(f".partial-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.table.assign_attrs({_ATTRIBUTE: text}).to_netcdf(partial, engine="h5netcdf")
            os.replace(partial, path)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({_reason(error)}); choose another place for the "
                "verdict."
            ) from error
        finally:
            if partial.exists():
                partial.unlink()

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        InvalidValueError
            For what is no path.
        FormatError
            If the file is missing or damaged, or holds no verdict.
        """
        path = _place(path)
        try:
            with xr.open_dataset(path, engine="h5netcdf") as stored:
                table = stored.load()
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            raise FormatError(
                f"{path} cannot be read ({_reason(error)}); give a whole file that "
                "Verdict.save wrote."
            ) from error
        if _ATTRIBUTE not in table.attrs:
            raise FormatError(f"{path} holds no verdict; write one with Verdict.save.")
        plain = _parsed(table.attrs.pop(_ATTRIBUTE))
        if plain is None or not _named(table.attrs):
            raise FormatError(
                f"{path} holds a verdict that is damaged or of another version; write it anew "
                "with Verdict.save."
            )
        return cls(table=table, **plain)


def _place(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise InvalidValueError(
            f"a place for a verdict must be a path, received {type(path).__name__}; give the "
            "name of a file."
        )
    return Path(path)


def _listed(sentences: Sequence[str]) -> str:
    """As one sentence; those of errors and questions come with an end of their own."""
    text = "; ".join(each.rstrip(".") for each in sentences)
    return text if text.endswith("?") else f"{text}."


def _reason(error: Exception) -> str:
    """What the system says, without the file name and flags that HDF5 adds."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def _parsed(text: object) -> dict[str, Any] | None:
    """Fields beside the table, or None where these are not what `Verdict.save` writes."""
    try:
        plain = json.loads(str(text))
        found: dict[str, Any] = {
            "order": plain["order"],
            "probabilities": {name: plain["probabilities"][name] for name in ANSWERS},
            "grounds": tuple(plain["grounds"]),
            "against": tuple(plain["against"]),
            "wanted": plain["wanted"],
        }
    except (KeyError, TypeError, ValueError):
        return None
    sound = (
        found["order"] in ANSWERS
        and len(plain["probabilities"]) == len(ANSWERS)
        and _sums_to_one(list(found["probabilities"].values()))
        and all(isinstance(plain[name], list) for name in ("grounds", "against"))
        and all(isinstance(each, str) for each in (*found["grounds"], *found["against"]))
        and isinstance(found["wanted"], str)
    )
    return found if sound else None


def _sums_to_one(chances: Sequence[object]) -> bool:
    numbers = [each for each in chances if type(each) in (int, float)]
    chance = np.array(numbers, dtype=np.float64)
    inside = len(numbers) == len(chances) and bool(np.all((chance >= 0.0) & (chance <= 1.0)))
    return inside and abs(float(chance.sum()) - 1.0) <= _ROUNDING


def _named(attributes: Mapping[str, object]) -> bool:
    """Whether a table says what was varied, what its sizes are, and in which dimension."""
    names = [attributes.get(name) for name in ("control", "size")]
    words = all(isinstance(name, str) and name for name in names)
    return words and isinstance(attributes.get("dimension"), Integral)
