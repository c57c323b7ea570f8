"""What a training loop logs under one name: taken as plain numbers, and kept in blocks."""

from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidValueError
from phasegrok.runs.recorded import plain_number

__all__ = ["BLOCK", "Column", "logged_number", "logged_step"]

BLOCK = 256
"""Records that are joined into one array at a time, which keeps memory near the raw numbers."""


@runtime_checkable
class _Tensor(Protocol):
    """What torch's tensors can do, known without importing torch."""

    def detach(self) -> Any: ...
    def cpu(self) -> Any: ...


@final
class Column:
    """Values of one name in the order they were logged, joined in blocks.

    Parameters
    ----------
    name : str
        The variable.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._blocks: list[npt.NDArray[Any]] = []
        self._latest: list[npt.NDArray[Any]] = []
        self._shape: tuple[int, ...] | None = None

    def append(self, value: npt.NDArray[Any]) -> None:
        """Keep one value."""
        if self._shape is None:
            self._shape = value.shape
        self._latest.append(value)
        if len(self._latest) == BLOCK:
            self._blocks.append(np.stack(self._latest))
            self._latest = []

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse a value of another shape than those before."""
        if shape != self._shape:
            raise InvalidValueError(
                f"{self._name!r} must keep its shape {self._shape}, received {shape}; give "
                "another shape another name."
            )

    def latest(self) -> npt.NDArray[Any]:
        """The value given last."""
        latest = self._latest or [self._blocks[-1][-1]]
        return latest[-1]

    def values(self) -> npt.NDArray[Any]:
        """All values, (record, ...)."""
        latest = [np.stack(self._latest)] if self._latest else []
        return np.concatenate([*self._blocks, *latest])


def logged_number(name: str, value: Any) -> npt.NDArray[Any]:
    """Take a number or an array from a training loop, whatever library made it.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : object
        Python, numpy or torch.

    Returns
    -------
    ndarray
        In main memory, detached from any gradient, of a type that a shard can hold.

    Raises
    ------
    InvalidValueError
        If it is not made of real numbers.
    """
    if isinstance(value, _Tensor):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except TypeError:  # bfloat16, which numpy lacks.
        array = np.asarray(value.float())
    except ValueError as error:
        raise InvalidValueError(
            f"{name!r} must be a number or an array whose rows have one length: {error}."
        ) from error
    return plain_number(name, array)


def logged_step(step: Any, last: int) -> np.int64:
    """Take the step of a record.

    Parameters
    ----------
    step : object
        A whole number, of whatever type.
    last : int
        The step before; -1 for the first.

    Raises
    ------
    InvalidValueError
        If it is no whole number, or not larger than the last.
    """
    try:
        number = float(step)
        whole = np.int64(int(step)) if np.isfinite(number) else None
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or isinstance(step, str) or whole != step or whole <= last:
        raise InvalidValueError(
            f"step must be a whole number that increases from 0; received {step!r} after "
            f"{last}."
        )
    return whole
