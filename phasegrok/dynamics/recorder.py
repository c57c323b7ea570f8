"""What is recorded of a batch, collected in arrays and handed over as a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import Tensor

from phasegrok.dynamics.batch import Batch
from phasegrok.dynamics.exchange import RUNG
from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.errors import InvalidStudyError
from phasegrok.observables import Measurement, Observable
from phasegrok.schema import HALF_SQUARE_NORM, NOW, PENALTY, RECORD, RUN, Symmetry
from phasegrok.study import Study

__all__ = ["Column", "Recorder"]


@final
@dataclass(kw_only=True)
class Column:
    """One variable, filled record by record."""

    values: npt.NDArray[Any]
    dims: tuple[str, ...]
    long_name: str
    units: str = "1"
    symmetry: str = Symmetry.NONE.value

    def variable(self) -> xr.Variable:
        """With its description."""
        attrs = {"units": self.units, "long_name": self.long_name, "symmetry": self.symmetry}
        return xr.Variable(self.dims, self.values, attrs)


@final
@dataclass(kw_only=True)
class Recorder:
    """Arrays for all records of all runs of a batch.

    Parameters
    ----------
    study : Study
        Names the ramps and the states to keep.
    observables : sequence of Observable
        What is measured besides loss and norms.
    run_count, record_count : int
        Sizes.
    """

    study: Study
    observables: Sequence[Observable]
    run_count: int
    record_count: int
    columns: dict[str, Column] = field(default_factory=dict)
    counts: npt.NDArray[np.int64] = field(init=False)
    weights: npt.NDArray[Any] | None = None

    def __post_init__(self) -> None:
        """No run has a record yet."""
        self.counts = np.zeros(self.run_count, dtype=np.int64)

    def take(
        self,
        batch: Batch,
        loss: Tensor,
        runs: Sequence[int],
        records: Sequence[int],
        *,
        rungs: Tensor | None = None,
    ) -> dict[int, str]:
        """Record the live state; where no run makes a record, only make the columns.

        Parameters
        ----------
        batch : Batch
            Live.
        loss : (row,) float64 tensor
            Full training loss.
        runs : sequence of int
            Run of each row; negative rows are no runs and are left out.
        records : sequence of int
            Which record each row makes, -1 for none.
        rungs : (row,) int64 tensor or None
            Present rung of each walker of an exchange ladder.

        Returns
        -------
        dict
            Runs of which a value is not a number, with the reason: they have no such record.
        """
        measurement = batch.measurement()
        values = list(self._values(batch, measurement, loss, rungs))
        looked = [run if record >= 0 else -1 for run, record in zip(runs, records, strict=True)]
        unsound = _unsound(values, looked)
        rows = [row for row, run in enumerate(looked) if run >= 0 and run not in unsound]
        kept, now = [runs[row] for row in rows], np.array([records[row] for row in rows], int)
        numbers = [each.values[rows].cpu().numpy() for each in values]
        weights = self._weights_now(measurement.rows, rows)
        columns = [self._column(*pair) for pair in zip(values, numbers, strict=True)]
        # From here on nothing raises: a record is there with all of its numbers or not at all.
        for column, each in zip(columns, numbers, strict=True):
            column.values[kept, now] = each
        if self.weights is not None:
            self.weights[kept, np.minimum(now, self._weights_count - 1)] = weights
        self.counts[kept] = now + 1
        return unsound

    def variables(self) -> dict[str, xr.Variable]:
        """All columns; entries beyond a run's record count are fill."""
        return {name: column.variable() for name, column in self.columns.items()}

    def snapshot(self) -> Snapshot:
        """Give the records so far; what is still to be filled is left out."""
        made = int(self.counts.max(initial=0))
        columns = {
            name: {
                "values": torch.from_numpy(column.values[:, :made].copy()),
                "dims": list(column.dims),
                "long_name": column.long_name,
                "units": column.units,
                "symmetry": column.symmetry,
            }
            for name, column in self.columns.items()
        }
        weights = None if self.weights is None else self.weights[:, :made].copy()
        return {
            "columns": columns,
            "counts": torch.from_numpy(self.counts.copy()),
            "weights": None if weights is None else torch.from_numpy(weights),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Set the records of a snapshot."""
        self.counts = snapshot["counts"].numpy().copy()
        if snapshot["weights"] is not None:
            self.weights = _filled_up(snapshot["weights"], self._weights_count)
        for name, stored in snapshot["columns"].items():
            self.columns[name] = Column(
                values=_filled_up(stored["values"], self.record_count),
                dims=tuple(stored["dims"]),
                long_name=stored["long_name"],
                units=stored["units"],
                symmetry=stored["symmetry"],
            )

    def _values(
        self, batch: Batch, measurement: Measurement, loss: Tensor, rungs: Tensor | None
    ) -> Iterator["_Value"]:
        rows, system = measurement.rows, batch.system
        yield _Value("loss", loss, "training loss L, as it enters the energy")
        for layer, norm in system.layout.half_square_norms(rows).items():
            yield _Value(HALF_SQUARE_NORM + layer, norm, f"½|θ|² of the layer {layer}")
        for penalty in system.penalties:
            energy = penalty.energy(rows, system.layout)
            yield _Value(PENALTY + penalty.name, energy, f"energy {penalty.name}, unweighted")
        yield _Value("time", batch.state.time, "sum of the step sizes used")
        for control in self.study.moving_controls:
            yield _Value(control + NOW, batch.control_now(control), f"{control} at the record")
        if rungs is not None:
            yield _Value(RUNG, rungs, "rung of the exchange ladder, counted from 0")
        for name, meaning in batch.integrator.records().items():
            yield _Value(name, batch.state.buffers[name][:, 0], meaning)
        for observable in self.observables:
            yield _observed(observable, measurement)

    def _column(self, value: "_Value", numbers: npt.NDArray[Any]) -> Column:
        if value.name not in self.columns:
            shape = (self.run_count, self.record_count, *numbers.shape[1:])
            self.columns[value.name] = Column(
                values=_unfilled(shape, numbers.dtype),
                dims=(RUN, RECORD, *value.dims),
                long_name=value.long_name,
                units=value.units,
                symmetry=value.symmetry,
            )
        column = self.columns[value.name]
        before, now = column.values.shape[2:], numbers.shape[1:]
        if before != now:
            raise InvalidStudyError(
                f"the observable {value.name!r} must keep its sizes, received {now} after "
                f"{before} at earlier records; give it one size along {value.dims}."
            )
        return column

    def _weights_now(self, rows_now: Tensor, rows: list[int]) -> npt.NDArray[Any] | None:
        if self.study.recording.states == "none":
            return None
        numbers: npt.NDArray[Any] = rows_now[rows].cpu().numpy()
        if self.weights is None:
            shape = (self.run_count, self._weights_count, numbers.shape[1])
            self.weights = _unfilled(shape, numbers.dtype)
        return numbers

    @property
    def _weights_count(self) -> int:
        return 1 if self.study.recording.states == "last" else self.record_count


def _unfilled(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    kind = np.dtype(dtype)
    return np.full(shape, -1 if kind.kind == "i" else np.nan, dtype=kind)


def _filled_up(made: Tensor, count: int) -> npt.NDArray[Any]:
    """Records (run, record, ...) so far, with room for the rest."""
    values = _unfilled((made.shape[0], count, *made.shape[2:]), made.numpy().dtype)
    values[:, : made.shape[1]] = made.numpy()
    return values


class _Value(NamedTuple):
    """One variable of all rows at one record."""

    name: str
    values: Tensor
    long_name: str
    units: str = "1"
    symmetry: str = Symmetry.NONE.value
    dims: tuple[str, ...] = ()


def _observed(observable: Observable, measurement: Measurement) -> _Value:
    values = observable.measure(measurement)
    expected = (measurement.rows.shape[0], 1 + len(observable.dims))
    received = (values.shape[0] if values.dim() else 0, values.dim())
    if received != expected:
        raise InvalidStudyError(
            f"the observable {observable.name!r} must give one value per run with dims "
            f"{(RUN, *observable.dims)}, so {expected[0]} runs and {expected[1]} dims; "
            f"received the shape {tuple(values.shape)}."
        )
    if values.is_complex():
        raise InvalidStudyError(
            f"the observable {observable.name!r} must give real numbers, received "
            f"{values.dtype}; give its real and imaginary part as observables of their own."
        )
    return _Value(
        observable.name,
        values.float() if observable.dims else values.double(),
        observable.long_name,
        observable.units,
        observable.symmetry.value,
        observable.dims,
    )


def _unsound(values: Sequence[_Value], runs: Sequence[int]) -> dict[int, str]:
    """Runs with a value that is not a number, and what it was."""
    unsound: dict[int, str] = {}
    for each in values:
        flat = each.values.reshape(each.values.shape[0], -1)
        for row in flat.isnan().any(dim=1).nonzero().flatten().tolist():
            if runs[row] >= 0:
                unsound.setdefault(runs[row], f"{each.name!r} was not a number")
    return unsound
