"""Recording of a training loop that is not phasegrok's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import (
    FormatError,
    InvalidValueError,
    did_you_mean,
    one_line,
    reason_of,
)
from phasegrok.runs.attribute import control_names
from phasegrok.runs.column import Column, logged_number, logged_step
from phasegrok.runs.disk import exclusive_lock
from phasegrok.runs.folder import RECORDING_LOCK, begin_folder
from phasegrok.runs.recorded import (
    Described,
    Origin,
    RecordedRun,
    RefusedControlError,
    control_value,
    recorded_dataset,
    whole_number,
)
from phasegrok.runs.scanning import scan
from phasegrok.runs.shard import write_shard
from phasegrok.runs.validation import validate
from phasegrok.schema import Outcome
from phasegrok.seeding import canonical_json
from phasegrok.study import RunRequest

__all__ = ["Recorder", "record"]


@final
class Recorder:
    """Records of one run, kept in memory until the run ends; made by `record`."""

    def __init__(
        self, *, labels: Mapping[str, Any], controls: Mapping[str, Any], title: str
    ) -> None:
        self._labels = labels
        self._controls = controls
        self._title = title
        self._outcome = Outcome.FINISHED
        self._outcome_reason = ""
        self._columns: dict[str, Column] = {}
        self._descriptions: dict[str, Described] = {}
        self._last_step = -1
        self._ended = False

    def describe(
        self,
        name: str,
        *,
        units: str = "dimensionless",
        long_name: str = "",
        symmetry: str = "none",
        dims: tuple[str, ...] = (),
    ) -> None:
        """Say what a variable means.

        Parameters
        ----------
        name : str
            The variable.
        units, long_name, symmetry, dims
            See `Described`.

        Raises
        ------
        InvalidValueError
            For a symmetry that is not known, or dimensions that do not fit the array.
        """
        before = dict(self._descriptions)
        self._descriptions[name] = Described(
            units=units, long_name=long_name, symmetry=symmetry, dims=dims
        )
        if self._columns:
            try:
                self._require_storable(
                    {each: column.latest() for each, column in self._columns.items()}
                )
            except InvalidValueError:
                self._descriptions = before
                raise

    def log(self, *, step: Any, time: float | None = None, **values: Any) -> None:
        """Record the state at one step.

        Parameters
        ----------
        step : whole number
            Number of updates made; larger at every call.
        time : float, optional
            Sum of the step sizes used; without it the step counts as the time.
        **values
            Numbers, or arrays of one shape per name: Python, numpy or torch. Every call gives
            the same names. At the first NaN the run counts as diverged: its records until
            then are kept, and later calls record nothing.

        Raises
        ------
        InvalidValueError
            If the step does not increase, the names or a shape differ from the call before,
            a name is taken by the schema, or a value is not made of real numbers.
        """
        if self._ended:
            return
        taken = {name: logged_number(name, value) for name, value in values.items()}
        taken["step"] = np.asarray(logged_step(step, self._last_step))
        taken["time"] = logged_number("time", taken["step"] if time is None else time).astype(
            float
        )
        if taken["time"].ndim:
            raise InvalidValueError(f"time must be one number, received {time!r}.")
        if self._columns:
            self._require_same(taken)
        else:
            # Now, since at the end of the run a refusal would cost its records.
            self._require_storable(taken)
        absent = [name for name, value in taken.items() if np.isnan(value).any()]
        if absent:
            self.end("diverged", f"{absent[0]} is NaN at step {step}")
            return
        for name, value in taken.items():
            self._columns.setdefault(name, Column(name)).append(value)
        self._last_step = step

    def end(self, outcome: str, reason: str) -> None:
        """Say how the run ended, where it did not finish; later calls of `log` do nothing.

        Parameters
        ----------
        outcome : {"finished", "truncated", "diverged", "failed"}
            How; a run that is never told to end counts as finished.
        reason : str
            Why; kept as one line.

        Raises
        ------
        InvalidValueError
            For another word.
        """
        known = [each.value for each in Outcome]
        if outcome not in known:
            raise InvalidValueError(
                f"there is no outcome {outcome!r}." + did_you_mean(outcome, known)
            )
        self._outcome, self._ended = Outcome(outcome), True
        self._outcome_reason = one_line(str(reason))

    def dataset(self) -> xr.Dataset:
        """Give the run as it stands, in the schema."""
        return self._dataset({name: column.values() for name, column in self._columns.items()})

    def _require_same(self, taken: Mapping[str, npt.NDArray[Any]]) -> None:
        if taken.keys() != self._columns.keys():
            differing = sorted(taken.keys() ^ self._columns.keys())
            raise InvalidValueError(
                f"every call of log must give the same names; {differing} are not in all of "
                "them. Log them at every record, or record two runs."
            )
        for name, column in self._columns.items():
            column.require_shape(taken[name].shape)

    def _require_storable(self, values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Refuse names and shapes that a shard could not hold, by making one record of them."""
        columns = {name: np.nan_to_num(value, nan=0.0)[None] for name, value in values.items()}
        breaches = validate(self._dataset(columns))
        if breaches:
            raise InvalidValueError("this cannot be recorded:\n  " + "\n  ".join(breaches))

    def _dataset(self, columns: Mapping[str, npt.NDArray[Any]]) -> xr.Dataset:
        ended = {"outcome": self._outcome.value, "outcome_reason": self._outcome_reason}
        variables = {"step": np.empty(0, dtype=np.int64), "time": np.empty(0), **columns}
        run = RecordedRun(
            labels={**self._labels, **ended},
            controls=self._controls,
            step=variables.pop("step"),
            time=variables.pop("time"),
            variables=variables,
        )
        origin = Origin(title=self._title, descriptions=self._descriptions)
        return recorded_dataset([run], origin)


@contextmanager
def record(
    folder: str | Path,
    *,
    controls: Mapping[str, Any],
    disorder: int = 0,
    replica: int = 0,
    start: str = "recorded",
    integrator: str = "recorded",
    name: str = "recorded",
) -> Iterator[Recorder]:
    """Record a training loop of your own as one run of a study.

    Parameters
    ----------
    folder : path
        The study; made where it is missing. Several processes may record into it.
    controls : mapping
        What is varied in this study, with the values of this run: numbers or text.
    disorder, replica : int
        Which draw of the data; which initial state and noise. Numbered from 0.
    start : str
        How the initial state was made.
    integrator : str
        Name of the dynamics.
    name : str
        Title of the study, the same for all its runs.

    Yields
    ------
    Recorder
        Call its `log` in the loop. The run is stored when the block ends: as ``finished``; as
        ``failed`` with the reason if an exception leaves it, as ``truncated`` for Ctrl-C. The
        exception goes on.

    Raises
    ------
    InvalidValueError
        If the controls are no mapping, a value is neither a finite number nor text, or a label
        is none; nothing is stored then.
    FormatError
        If the folder holds this run already, runs with other controls, or another study.
    StudyBusyError
        If another process is recording this very run.
    StorageError
        If the folder cannot be written, or the disk is full when the run ends.

    Examples
    --------
    >>> with record("my_study", controls={"weight_decay": 0.1}) as run:  # doctest: +SKIP
    ...     for step in range(1000):
    ...         run.log(step=step, loss=train_one_step())
    """
    if not isinstance(controls, Mapping):
        raise InvalidValueError(
            "controls must map names to values, such as {'weight_decay': 0.1}; received "
            f"{controls!r}."
        )
    chosen = {each: control_value(each, value) for each, value in controls.items()}
    request = RunRequest(
        controls=chosen,
        disorder=whole_number("disorder", disorder),
        replica=whole_number("replica", replica),
        start=start,
    )
    labels = {
        "run_id": request.run_id,
        "disorder": request.disorder,
        "replica": request.replica,
        "start": start,
        "integrator": integrator,
    }
    recorder = Recorder(labels=labels, controls=chosen, title=name)
    recorder._require_storable({})
    lock = Path(folder) / f"{RECORDING_LOCK}{request.run_id}"
    with exclusive_lock(lock, "another recorder of this run"):
        try:
            _require_new(folder, request, Origin(title=name))
            try:
                yield recorder
            except BaseException as error:
                # A run that cannot bear its controls would bar the folder to all others.
                if recorder._columns or not isinstance(error, RefusedControlError):
                    _end_by(recorder, error)
                    write_shard(folder, recorder.dataset())
                raise
            write_shard(folder, recorder.dataset())
        finally:
            lock.unlink(missing_ok=True)


def _require_new(folder: str | Path, request: RunRequest, origin: Origin) -> None:
    given = {
        "identity": origin.identity(),
        "study": None,
        "title": origin.title,
        "plug_in_sources": {},
    }
    stored = begin_folder(folder, given)
    if canonical_json(stored.identity) != canonical_json(given["identity"]):
        raise FormatError(
            f"{folder} holds the study {stored.title!r}, and runs recorded as {origin.title!r} "
            "belong to another; choose another folder, or give the name of that study."
        )
    for shard in scan(stored.shards(), stored.identity, names=("run_id",))[0]:
        if request.run_id in shard.run_ids:
            raise FormatError(
                f"{folder} holds a run with controls {dict(request.controls)}, disorder "
                f"{request.disorder}, replica {request.replica} and start {request.start!r} "
                f"already, in {shard.path.name}; give this one another replica, or move that "
                "file away to make the run again."
            )
        known = control_names([shard.attribute])
        if {*known} != {*request.controls}:
            raise FormatError(
                f"{folder} holds runs with the controls {sorted(known)}, such as "
                f"{shard.path.name}, and this one has {sorted(request.controls)}; give every "
                "run the same controls, or choose another folder."
            )


def _end_by(recorder: Recorder, error: BaseException) -> None:
    reason = reason_of(error, with_place=False)
    recorder.end("failed" if isinstance(error, Exception) else "truncated", reason)
