"""The energy of stored runs as terms that temperature and controls multiply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, did_you_mean
from phasegrok.schema import HALF_SQUARE_NORM, PENALTY, RECORD, RUN
from phasegrok.statistics.kinds import real_numbers, require_dataset, require_mapping
from phasegrok.statistics.samples import FloatArray

__all__ = ["TEMPERATURE", "EnergyTerms", "energy_terms", "summed"]

TEMPERATURE: Final = "temperature"
DECAY: Final = "weight_decay"
CENTER: Final = "umbrella.center"
STRENGTH: Final = "umbrella.strength"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class EnergyTerms:
    """U = X_0 + Σ_k g_k X_k of every record, so that U/T = Σ_k (g_k/T) X_k with g_0 = 1.

    Attributes
    ----------
    controls : tuple of str
        Temperature, then each g_k.
    terms : tuple of DataArray
        X_0, X_k, (run, record); where runs were biased also (q - c) and ½(q - c)², with which
        a bias κ/2 (q - q₀)² is linear as well.
    coefficients : (run, term) array
        g_k/T of each run; those of a bias come last.
    """

    controls: tuple[str, ...]
    terms: tuple[xr.DataArray, ...]
    coefficients: FloatArray

    def coefficients_at(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """Coefficients of targets without a bias.

        Parameters
        ----------
        values : mapping of str to (target,) array
            Temperature and every g_k.

        Returns
        -------
        (target, term) array
        """
        heat = values[TEMPERATURE]
        columns = [1.0 / heat, *(values[name] / heat for name in self.controls[1:])]
        result = np.zeros((heat.size, len(self.terms)))
        result[:, : len(columns)] = np.stack(columns, axis=1)
        return result


def energy_terms(
    dataset: xr.Dataset,
    *,
    fields: Mapping[str, str | Sequence[str]] | None = None,
    rest: str | None = None,
    umbrella: str | Sequence[str] | None = None,
) -> EnergyTerms:
    """Read which part of the energy each control multiplies.

    Parameters
    ----------
    dataset : Dataset
        Runs at fixed controls, with ``temperature`` and every control on run.
    fields : mapping of str to str or sequence of str, optional
        Control to the variable (run, record) that it multiplies in U, or to several whose sum
        it does. By default the weight decay and ½ Σ_l |θ_l|².
    rest : str, optional
        Variable that is the energy without these; by default the ``loss``, and where there is
        none the ``energy`` less what the fields say.
    umbrella : str or sequence of str, optional
        Variable q, or those whose sum it is, on which runs were biased by κ/2 (q - q₀)², κ
        and q₀ being the coordinates ``umbrella.strength`` and ``umbrella.center``.

    Returns
    -------
    EnergyTerms

    Raises
    ------
    FormatError
        Where a variable or a control is missing.
    InvalidValueError
        For temperatures that are not positive, penalties or a bias that nothing names, or
        layers whose decays differ.
    """
    require_dataset("runs to be reweighted", dataset)
    chosen = _fields(dataset, fields)
    heat = _on_run(dataset, TEMPERATURE)
    if not (heat > 0.0).all():
        raise InvalidValueError(
            f"reweighting needs temperatures above zero, received {heat.min():g}; leave runs "
            "without noise out."
        )
    values = [_on_run(dataset, name) for name in chosen]
    parts = [summed(dataset, names) for names in chosen.values()]
    terms = [_rest(dataset, rest, chosen, list(zip(values, parts, strict=True))), *parts]
    columns = [1.0 / heat, *(value / heat for value in values)]
    if umbrella is not None:
        biased, coefficients = _bias(dataset, _names(umbrella), heat)
        terms, columns = [*terms, *biased], [*columns, *coefficients]
    elif STRENGTH in dataset.coords and _on_run(dataset, STRENGTH).any():
        raise InvalidValueError(
            f"runs with {STRENGTH!r} other than zero were biased; name the biased variable by "
            "umbrella=, or leave these runs out."
        )
    return EnergyTerms(
        controls=(TEMPERATURE, *chosen),
        terms=tuple(each.drop_attrs() for each in terms),
        coefficients=np.stack(columns, axis=1),
    )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _fields(
    dataset: xr.Dataset, fields: Mapping[str, str | Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    if fields is not None:
        require_mapping("fields", fields)
        return {str(name): _names(each) for name, each in fields.items()}
    norms = tuple(
        str(each) for each in dataset.data_vars if str(each).startswith(HALF_SQUARE_NORM)
    ) or tuple({"half_square_norm"} & set(map(str, dataset.data_vars)))
    if not norms:
        raise FormatError(
            f"reweighting needs the variables {HALF_SQUARE_NORM}<layer> on ({RUN}, {RECORD}), "
            "received none; name what each control multiplies by fields=."
        )
    decays = [f"{DECAY}_{name.removeprefix(HALF_SQUARE_NORM)}" for name in norms]
    known = [_on_run(dataset, name) for name in decays if name in dataset.coords]
    if known and DECAY in dataset.coords:
        known.append(_on_run(dataset, DECAY))
    if any(not np.allclose(each, known[0], rtol=1e-12, atol=0.0) for each in known[1:]):
        raise InvalidValueError(
            f"the weight decays {decays} differ; name what each multiplies by fields=, such as "
            f"{{{decays[0]!r}: {norms[0]!r}}}."
        )
    return {DECAY if DECAY in dataset.coords or not known else decays[0]: norms}


def _on_run(dataset: xr.Dataset, name: str) -> FloatArray:
    if name not in dataset.coords or dataset[name].dims != (RUN,):
        raise FormatError(
            f"reweighting needs the coordinate {name!r} on {RUN!r}; give every run its value."
            + did_you_mean(name, [each for each in dataset.coords])
        )
    values = dataset[name].to_numpy()
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise InvalidValueError(
            f"reweighting needs finite numbers in {name!r}, received {values.tolist()[:5]} of "
            f"{values.dtype}; choose runs with numbers there."
        )
    return values.astype(np.float64)


def summed(dataset: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """Sum of variables.

    Parameters
    ----------
    dataset : Dataset
        Runs.
    names : sequence of str
        At least one variable on (run, record).

    Returns
    -------
    DataArray
        (run, record).

    Raises
    ------
    FormatError
        Where one is missing.
    InvalidValueError
        Where one holds no real numbers.
    """
    for name in names:
        if name not in dataset.data_vars or set(dataset[name].dims) != {RUN, RECORD}:
            raise FormatError(
                f"reweighting needs the variable {name!r} on ({RUN}, {RECORD})."
                + did_you_mean(name, dataset.data_vars)
            )
    first = dataset[names[0]].transpose(RUN, RECORD)
    rows = [
        real_numbers(f"the variable {name!r}", dataset[name].transpose(RUN, RECORD).to_numpy())
        for name in names
    ]
    with np.errstate(over="ignore", invalid="ignore"):  # What is no number is refused later.
        return first.copy(data=np.sum(rows, axis=0))


def _rest(
    dataset: xr.Dataset,
    rest: str | None,
    fields: Mapping[str, tuple[str, ...]],
    parts: Sequence[tuple[FloatArray, xr.DataArray]],
) -> xr.DataArray:
    if rest is not None:
        return summed(dataset, [rest])
    named = {name for names in fields.values() for name in names}
    extra = [str(n) for n in dataset.data_vars if str(n).startswith(PENALTY)]
    missing = sorted(set(extra) - named)
    if missing:
        raise InvalidValueError(
            f"{missing} are stored without strengths; name by fields= the coordinate that "
            "multiplies each."
        )
    if "loss" in dataset.data_vars or "energy" not in dataset.data_vars:
        return summed(dataset, ["loss"])
    energy = summed(dataset, ["energy"])
    with np.errstate(over="ignore", invalid="ignore"):
        for value, part in parts:
            energy = energy - xr.DataArray(value, dims=RUN) * part
    return energy


def _bias(
    dataset: xr.Dataset, names: tuple[str, ...], heat: FloatArray
) -> tuple[list[xr.DataArray], list[FloatArray]]:
    """Terms of κ/2 (q - q₀)² about a middle c, and their coefficients, less a constant."""
    strength, center = _on_run(dataset, STRENGTH), _on_run(dataset, CENTER)
    middle = float(center.mean())
    away = summed(dataset, names) - middle
    linear = -strength * (center - middle) / heat
    return [away, 0.5 * away**2], [linear, strength / heat]
