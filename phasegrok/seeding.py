"""Seeds by labels, never by position: adding a run changes no other run."""

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["Label", "canonical_json", "digest", "seed"]

Label: TypeAlias = str | int | float | bool | None


def canonical_json(value: object) -> str:
    """Write plain data so that equal data give equal text.

    Parameters
    ----------
    value : object
        Dictionaries, lists, strings, numbers, booleans and None.

    Returns
    -------
    str
        JSON with sorted keys and no spaces. 1 and 1.0 differ; floats keep all digits.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object, *, length: int = 16) -> str:
    """Hash plain data to hexadecimal digits.

    Parameters
    ----------
    value : object
        As for `canonical_json`.
    length : int
        Number of digits kept, at most 64.

    Returns
    -------
    str
        The leading digits of the SHA-256 of the canonical JSON.
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def seed(study_seed: int, role: str, labels: Mapping[str, Label]) -> int:
    """Derive the seed of one stream of random numbers.

    Parameters
    ----------
    study_seed : int
        Seed of the study.
    role : str
        What the numbers are for, such as "teacher" or "noise".
    labels : mapping
        What the stream belongs to. Streams with equal labels are equal; the teacher carries
        only its disorder, so it is the same at every value of every control.

    Returns
    -------
    int
        Between 0 and 2⁶³ - 1, accepted by numpy and torch generators alike.
    """
    value = digest([study_seed, role, dict(labels)], length=16)
    return int(value, 16) >> 1
