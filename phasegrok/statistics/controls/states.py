"""Runs at several temperatures and controls, solved as one body of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError, did_you_mean
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics.controls.energy_terms import (
    TEMPERATURE,
    EnergyTerms,
    energy_terms,
    summed,
)
from phasegrok.statistics.kinds import real_numbers, require_dataset, require_mapping
from phasegrok.statistics.labelled.lifting import valid_counts
from phasegrok.statistics.multistate import (
    MINIMUM_SHARED_SAMPLES,
    Multistate,
    independent_units,
    resampled_runs,
    resampled_states,
    solve_states,
)
from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.statistics.selection import finished

__all__ = ["ControlStates", "solve_controls"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ControlStates:
    """A solution that knows its controls and its observables.

    Attributes
    ----------
    energy : EnergyTerms
        What each control multiplies.
    solution : Multistate
        See `phasegrok.statistics.multistate`.
    dataset : Dataset
        The runs that entered.
    start_record : int
        First record that enters.
    unit : (run,) integer array or None
        Runs that stand or fall together in a bootstrap.
    """

    energy: EnergyTerms
    solution: Multistate
    dataset: xr.Dataset
    start_record: int
    unit: IntArray | None

    @property
    def controls(self) -> tuple[str, ...]:
        """Temperature, then the controls that multiply terms."""
        return self.energy.controls

    def points(self) -> dict[str, FloatArray]:
        """Controls of every run, by name, (run,)."""
        return {
            name: self.dataset[name].to_numpy().astype(np.float64) for name in self.controls
        }

    def coefficients(self, at: Mapping[str, ArrayLike]) -> FloatArray:
        """Coefficients of targets, unbiased, (target, term).

        Raises
        ------
        InvalidValueError
            For controls that are missing or unknown, not numbers, or temperatures that are
            not positive.
        """
        require_mapping("controls of targets", at)
        wrong = sorted(set(self.controls) ^ set(at))
        if wrong:
            raise InvalidValueError(
                f"targets need each of the controls {list(self.controls)} and no other, "
                f"received {sorted(at)}." + did_you_mean(wrong[0], self.controls)
            )
        given = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(at[name], dtype=np.float64)) for name in self.controls)
        )
        values = {name: each.ravel() for name, each in zip(self.controls, given, strict=True)}
        sound = all(np.isfinite(each).all() for each in values.values())
        if not sound or not (values[TEMPERATURE] > 0.0).all():
            raise InvalidValueError(
                "targets need finite controls and temperatures above zero, received "
                f"{ {name: each.tolist()[:3] for name, each in values.items()} }; leave the "
                "others out."
            )
        return self.energy.coefficients_at(values)

    def samples_of(self, observable: str | Sequence[str] | xr.DataArray) -> FloatArray:
        """Observable of all samples in the order of the solution, (sample,).

        A name, several names whose sum it is, or an array on the runs and records of
        `dataset`.

        Raises
        ------
        InvalidValueError
            For an array of another shape, or a name that is not there.
        """
        return np.concatenate(self.rows_of(observable))

    def rows_of(self, observable: str | Sequence[str] | xr.DataArray) -> list[FloatArray]:
        """As `samples_of`, run by run."""
        array = observable if isinstance(observable, xr.DataArray) else self._named(observable)
        wanted = {name: self.dataset.sizes[name] for name in (RUN, RECORD)}
        if dict(array.sizes) != wanted:
            raise InvalidValueError(
                f"an observable must lie on the runs and records that entered, {wanted}, "
                f"received {dict(array.sizes)}; compute it from ControlStates.dataset."
            )
        rows = _rows(array, self.dataset, self.start_record)
        if not all(np.isfinite(row).all() for row in rows):
            raise InvalidValueError(
                "an observable must be finite in every valid record, received others; leave "
                "the runs they belong to out."
            )
        return rows

    def _named(self, names: str | Sequence[str]) -> xr.DataArray:
        listed = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in listed if name not in self.dataset.data_vars]
        if unknown or not listed:
            raise InvalidValueError(
                f"no variable {unknown}."
                + did_you_mean(unknown[0] if unknown else "", self.dataset.data_vars)
            )
        return summed(self.dataset, listed)

    @property
    def error_units(self) -> str:
        """What errors count as independent: "runs", or "blocks" where a state has one only."""
        strata = independent_units(self.solution, unit=self.unit)
        return "runs" if all(len(each) > 1 for each in strata) else "blocks"

    def redrawn(self, generator: np.random.Generator) -> Multistate:
        """Solve again with independent runs, or blocks of the runs, drawn with replacement."""
        if self.error_units == "runs":
            return resampled_runs(self.solution, generator=generator, unit=self.unit)
        return resampled_states(self.solution, generator=generator)


def solve_controls(
    dataset: xr.Dataset,
    *,
    fields: Mapping[str, str | Sequence[str]] | None = None,
    rest: str | None = None,
    umbrella: str | Sequence[str] | None = None,
    start_record: int = 0,
    unit: str | None = None,
    minimum_shared_samples: float = MINIMUM_SHARED_SAMPLES,
) -> ControlStates:
    """Solve for the free energies of all points of a dataset at once.

    Parameters
    ----------
    dataset : Dataset
        Runs in equilibrium at fixed controls, in the schema; those that did not finish are
        left out. Walkers of an exchange ladder go through `at_rungs` before.
    fields, rest, umbrella
        See `energy_terms`.
    start_record : int
        First record that enters; earlier ones are burn-in.
    unit : str, optional
        Coordinate on run whose equal values mark runs that are not independent, such as
        ``ladder`` of `at_rungs`.
    minimum_shared_samples : float
        See `phasegrok.statistics.solve_states`.

    Returns
    -------
    ControlStates

    Raises
    ------
    FormatError, InvalidValueError
        See `energy_terms`.
    InsufficientSamplesError
        For no finished run, a run of fewer than two records, or points that do not overlap.
    NoConvergenceError
        Where the equations could not be solved.
    """
    require_dataset("runs to be reweighted", dataset)
    kept = finished(dataset)
    if not kept.sizes[RUN]:
        raise InsufficientSamplesError("reweighting (finished runs)", required=1, received=0)
    energy = energy_terms(kept, fields=fields, rest=rest, umbrella=umbrella)
    columns = [_rows(term, kept, start_record) for term in energy.terms]
    solution = solve_states(
        [np.stack(run) for run in zip(*columns, strict=True)],
        coefficients=energy.coefficients,
        minimum_shared_samples=minimum_shared_samples,
    )
    if unit is not None and (unit not in kept.coords or kept[unit].dims != (RUN,)):
        raise InvalidValueError(
            f"unit must name a coordinate on {RUN!r}, received {unit!r}."
            + did_you_mean(unit, kept.coords)
        )
    label = None if unit is None else np.unique(kept[unit].to_numpy(), return_inverse=True)[1]
    return ControlStates(
        energy=energy, solution=solution, dataset=kept, start_record=start_record, unit=label
    )


def _rows(array: xr.DataArray, dataset: xr.Dataset, start: int) -> list[FloatArray]:
    """Valid records of each run from the first that enters."""
    values = real_numbers("an observable", array.transpose(RUN, RECORD).to_numpy())
    counts = [values.shape[1]] * len(values)
    if "record_count" in dataset.coords:
        counts = valid_counts(dataset["record_count"], values.shape[1])
    return [row[start:count] for row, count in zip(values, counts, strict=True)]
