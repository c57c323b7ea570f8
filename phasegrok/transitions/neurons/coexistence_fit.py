"""What a fit of coexistence found: its summary in numbers and words, and how it is stored."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Self, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.inference.chains import Health
from phasegrok.inference.effective import EffectiveNumbers
from phasegrok.inference.evidence import Evidence
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.neurons.decision import Decision

__all__ = ["CoexistenceFit"]

ATTRIBUTE: Final = "phasegrok_coexistence"
"""Attribute of a stored fit that holds, as JSON, all that is not an array."""

LEVELS: Final = {
    "lower_95": 0.025,
    "lower_68": 0.16,
    "median": 0.5,
    "upper_68": 0.84,
    "upper_95": 0.975,
}
"""Quantile at each bound of the summary."""


@final
@dataclass(frozen=True, kw_only=True)
class CoexistenceFit:
    """The law of the folded overlaps at one point, and what it says about two phases.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws (chain, draw) of the parameters of the two-phase family and of the phases read
        off each drawn density: position, width, weight, valley, depth, barrier.
    density : xarray.Dataset
        Per bin: counts and the median and 95 % bounds of p(|q|), per unit of |q|.
    two_phase_evidence, one_phase_evidence : Evidence
        ln Z of either family.
    two_phase_predictive, one_phase_predictive : float
        Posterior-predictive probability of the deviance: near 0 the family does not fit.
    health : Health
        Of the draws.
    effective : EffectiveNumbers
        What the overlaps are worth, and what was taken as independent.
    valley_probability : float
        Share of the drawn densities that have a second maximum.
    decision : Decision
        Whether two phases coexist, and why.
    """

    posterior: xr.Dataset
    density: xr.Dataset
    two_phase_evidence: Evidence
    one_phase_evidence: Evidence
    two_phase_predictive: float
    one_phase_predictive: float
    health: Health
    effective: EffectiveNumbers
    valley_probability: float
    decision: Decision

    @property
    def two_phases(self) -> bool | None:
        """True, False, or None where the data do not tell."""
        return self.decision.two_phases

    @property
    def log_evidence_difference(self) -> float:
        """Ln Z of two phases less ln Z of one."""
        return self.two_phase_evidence.log_evidence - self.one_phase_evidence.log_evidence

    @property
    def summary(self) -> xr.Dataset:
        """Median and central 68 % and 95 % bounds of every quantity, along ``level``.

        Draws without a second maximum have no second phase and are left out of position,
        width, weight, valley and barrier: read them with `valley_probability`.
        """
        levels = xr.DataArray(list(LEVELS), dims="level", name="level")
        quantiles = {
            name: ("level", _quantiles(variable.values))
            for name, variable in self.posterior.data_vars.items()
        }
        described = xr.Dataset(quantiles, coords={"level": levels})
        for name, variable in self.posterior.data_vars.items():
            described[name].attrs.update(variable.attrs)
        return described

    def __str__(self) -> str:
        found = {True: "Two phases coexist", False: "One phase", None: "Undetermined"}
        parts = [f"{found[self.two_phases]}: {self.decision.reason}."]
        if self.valley_probability > 0:
            parts.append(f"Droplet phase: {self._phrase()} (95 % intervals).")
        effective = self.effective
        parts.append(
            f"{effective.number} overlaps in {effective.groups} independent groups "
            f"({effective.kind}), worth {effective.balance_share * effective.number:.0f} for "
            f"the weight; chains {self.health.grade}."
        )
        return " ".join(parts)

    def _phrase(self) -> str:
        summary = self.summary
        words = []
        for name in ("position", "width", "weight"):
            at = {level: float(summary[name].sel(level=level)) for level in LEVELS}
            words.append(
                f"{name} {at['median']:.4g} [{at['lower_95']:.4g}, {at['upper_95']:.4g}]"
            )
        return ", ".join(words)

    def to_dataset(self) -> xr.Dataset:
        """Return everything as one dataset that netCDF can hold."""
        numbers = {
            "two_phase_evidence": asdict(self.two_phase_evidence),
            "one_phase_evidence": asdict(self.one_phase_evidence),
            "two_phase_predictive": self.two_phase_predictive,
            "one_phase_predictive": self.one_phase_predictive,
            "health": asdict(self.health),
            "effective": asdict(self.effective),
            "valley_probability": self.valley_probability,
            "decision": asdict(self.decision),
        }
        names = {name: f"bin_{name}" for name in self.density.data_vars}
        merged = xr.merge([self.posterior, self.density.rename(names)])
        return merged.assign_attrs({ATTRIBUTE: json.dumps(numbers)})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Rebuild what `to_dataset` returned.

        Raises
        ------
        FormatError
            Where the dataset holds no fit of coexistence.
        """
        if ATTRIBUTE not in dataset.attrs:
            message = (
                f"a stored fit has the attribute {ATTRIBUTE!r}, received only "
                f"{sorted(map(str, dataset.attrs))}; write it with CoexistenceFit.to_dataset."
            )
            raise FormatError(message)
        numbers = json.loads(dataset.attrs[ATTRIBUTE])
        bins = [name for name in dataset.data_vars if "bin" in dataset[name].dims]
        renamed = {name: str(name).removeprefix("bin_") for name in bins}
        return cls(
            posterior=dataset.drop_dims("bin").drop_attrs(deep=False),
            density=dataset[bins].rename(renamed).drop_attrs(deep=False),
            two_phase_evidence=Evidence(**numbers["two_phase_evidence"]),
            one_phase_evidence=Evidence(**numbers["one_phase_evidence"]),
            two_phase_predictive=numbers["two_phase_predictive"],
            one_phase_predictive=numbers["one_phase_predictive"],
            health=Health(**numbers["health"]),
            effective=EffectiveNumbers(**numbers["effective"]),
            valley_probability=numbers["valley_probability"],
            decision=Decision(**numbers["decision"]),
        )


def _quantiles(draws: FloatArray) -> FloatArray:
    defined = draws[np.isfinite(draws)]
    if not defined.size:
        return np.full(len(LEVELS), np.nan)
    quantiles: FloatArray = np.quantile(defined, list(LEVELS.values()))
    return quantiles
