"""What is recorded of a batch, collected in arrays and handed over as a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
import xarray as xr
from torch import Tensor

from phasegrok.dynamics.batch import Batch
from phasegrok.dynamics.exchange import RUNG
from phasegrok.dynamics.ramps import control_now
from phasegrok.networks import Layout
from phasegrok.observables import Observable
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
        record: int,
        *,
        rungs: Tensor | None = None,
    ) -> None:
        """Record the live state; where no run is left, only make the columns.

        Parameters
        ----------
        batch : Batch
            Live.
        loss : (row,) float64 tensor
            Full training loss.
        runs : sequence of int
            Run of each row; negative rows are no runs and are left out.
        record : int
            Which record.
        rungs : (row,) int64 tensor or None
            Present rung of each walker of an exchange ladder.
        """
        rows = [row for row, run in enumerate(runs) if run >= 0]
        kept = [runs[row] for row in rows]
        measurement = batch.measurement()

        def put(name: str, values: Tensor, **about: Any) -> None:
            numbers = values[rows].cpu().numpy()
            self._column(name, numbers, **about).values[kept, record] = numbers

        put("loss", loss, long_name="training loss L, as it enters the energy")
        self._put_norms(put, batch.system.layout, measurement.rows)
        for penalty in batch.system.penalties:
            energy = penalty.energy(measurement.rows, batch.system.layout)
            put(PENALTY + penalty.name, energy, long_name=f"energy {penalty.name}, unweighted")
        self._put_controls(put, batch)
        if rungs is not None:
            put(RUNG, rungs, long_name="rung of the exchange ladder, counted from 0")
        for name, meaning in batch.integrator.records().items():
            put(name, batch.state.buffers[name][:, 0], long_name=meaning)
        for observable in self.observables:
            self._put_observable(put, observable, observable.measure(measurement))
        self.counts[kept] = record + 1
        self._keep_weights(measurement.rows, rows, kept, record)

    def variables(self) -> dict[str, xr.Variable]:
        """All columns; entries beyond a run's record count are fill."""
        return {name: column.variable() for name, column in self.columns.items()}

    def _put_norms(self, put: Any, layout: Layout, rows: Tensor) -> None:
        for layer, norm in layout.half_square_norms(rows).items():
            put(HALF_SQUARE_NORM + layer, norm, long_name=f"½|θ|² of the layer {layer}")

    def _put_controls(self, put: Any, batch: Batch) -> None:
        put("time", batch.state.time, long_name="sum of the step sizes used")
        changing = [ramp.control for ramp in self.study.ramps]
        if self.study.exchange is not None:
            changing.append(self.study.exchange.control)
        for control in changing:
            now = control_now(control, batch.system, batch.drive.settings)
            put(control + NOW, now, long_name=f"{control} at the record")

    def _put_observable(self, put: Any, observable: Observable, values: Tensor) -> None:
        put(
            observable.name,
            values.float() if observable.dims else values.double(),
            long_name=observable.long_name,
            units=observable.units,
            symmetry=observable.symmetry.value,
            dims=observable.dims,
        )

    def _column(self, name: str, numbers: npt.NDArray[Any], **about: Any) -> Column:
        if name not in self.columns:
            dims = (RUN, RECORD, *about.pop("dims", ()))
            shape = (self.run_count, self.record_count, *numbers.shape[1:])
            fill = -1 if numbers.dtype.kind == "i" else np.nan
            values = np.full(shape, fill, dtype=numbers.dtype)
            self.columns[name] = Column(values=values, dims=dims, **about)
        return self.columns[name]

    def _keep_weights(
        self, rows_now: Tensor, rows: list[int], kept: list[int], record: int
    ) -> None:
        if self.study.recording.states == "none":
            return
        last_only = self.study.recording.states == "last"
        numbers = rows_now[rows].cpu().numpy()
        if self.weights is None:
            count = 1 if last_only else self.record_count
            shape = (self.run_count, count, numbers.shape[1])
            self.weights = np.full(shape, np.nan, dtype=numbers.dtype)
        self.weights[kept, 0 if last_only else record] = numbers
