"""Models of the user's own: named parameters with a prior, a likelihood, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import final

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.inference.chains import Chains
from phasegrok.inference.evidence import Evidence, climb_together, combine
from phasegrok.inference.ladder import Schedule
from phasegrok.inference.priors import ParameterSpace
from phasegrok.inference.sampling import Budget, log_numbers, sample
from phasegrok.statistics.kinds import require_mapping
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed

__all__ = ["Model", "Posterior", "compare", "fit_model"]


Likelihood = Callable[[Mapping[str, FloatArray]], FloatArray]
"""Maps named values (walker,) to log likelihoods (walker,); -inf where a value has none."""


@final
@dataclass(frozen=True, kw_only=True)
class Model:
    """What data are fitted by.

    Parameters
    ----------
    name : str
        In words.
    space : ParameterSpace
        Parameters with their prior.
    log_likelihood : callable
        Maps named values (walker,) to normalised log likelihoods (walker,): evidences of
        models are compared, so constants count.

    Examples
    --------
    >>> import numpy as np
    >>> from phasegrok.inference import Model, ParameterSpace, uniform
    >>> data = np.array([0.1, -0.4, 0.3])
    >>> def log_likelihood(values):
    ...     squares = np.sum((data - values["mean"][:, None]) ** 2, axis=1)
    ...     return -0.5 * (squares + data.size * np.log(2 * np.pi))
    >>> mean = uniform("mean", -1.0, 1.0, meaning="mean of the data")
    >>> model = Model(
    ...     name="one mean", space=ParameterSpace((mean,)), log_likelihood=log_likelihood
    ... )
    """

    name: str
    space: ParameterSpace
    log_likelihood: Likelihood

    def log_likelihood_at(self, standard: FloatArray) -> FloatArray:
        """Log likelihoods (walker,) at standard coordinates (walker, parameter).

        Raises
        ------
        InvalidValueError
            Where these are not one real number for each walker, or NaN or +inf.
        """
        name = f"the log likelihood of {self.name!r}"
        returned = self.log_likelihood(self.space.values(standard))
        found = log_numbers(name, returned, standard.shape[:-1])
        wrong = int(np.count_nonzero(np.isnan(found) | (found == np.inf)))
        if wrong:
            raise InvalidValueError(
                f"{name} is NaN or +inf at {wrong} of {found.size} values; return -inf where "
                "the data are impossible, and a finite number elsewhere."
            )
        return found


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """A model fitted to data.

    Parameters
    ----------
    model : str
        Its name.
    chains : Chains
        Draws of the parameters, with their health.
    evidence : Evidence
        ln of the probability of the data under the model, by two estimates.
    """

    model: str
    chains: Chains
    evidence: Evidence

    def to_datatree(self) -> xr.DataTree:
        """Lay the draws out as ArviZ opens them.

        Returns
        -------
        DataTree
            Group ``posterior`` with one variable (chain, draw) for each parameter. Every walker
            is a chain of its own, so that autocorrelation along ``draw`` means something;
            walkers of one ensemble are not independent of each other.
        """
        draws = self.chains.draws
        walkers = self.chains.walkers
        variables = {
            name: (("chain", "draw"), _by_walker(values.to_numpy(), walkers))
            for name, values in draws.data_vars.items()
        }
        health = self.chains.to_dataset().attrs
        attributes = {
            "model": self.model,
            "log_evidence": self.evidence.log_evidence,
            "log_evidence_error": self.evidence.standard_error,
            "inference_library": "emcee",
            **health,
        }
        return xr.DataTree.from_dict({"posterior": xr.Dataset(variables, attrs=attributes)})


def _by_walker(values: FloatArray, walkers: int) -> FloatArray:
    """Turn (ensemble, step and walker) into (ensemble and walker, step)."""
    ensembles, count = values.shape
    steps = values.reshape(ensembles, count // walkers, walkers)
    return np.moveaxis(steps, 1, 2).reshape(ensembles * walkers, count // walkers)


def fit_model(
    model: Model, *, seed: int, schedule: Schedule | None = None, budget: Budget | None = None
) -> Posterior:
    """Find the evidence and the posterior of a model.

    Parameters
    ----------
    model : Model
        With its data inside.
    seed : int
        The only source of randomness.
    schedule : Schedule, optional
        Of the tempered ladders that climb from the prior to the posterior.
    budget : Budget, optional
        Of the chains that begin where the ladders end.

    Returns
    -------
    Posterior
        Modes that the ladders found keep their weights: they are integrated from the prior on,
        and chains do not have to hop. Chains that did not converge are graded, not refused.

    Raises
    ------
    InvalidValueError
        Where the likelihood is not one real number for each walker, or NaN or +inf anywhere.
    NoConvergenceError
        Where a ladder does not reach the posterior.
    """
    space = model.space
    first, second = np.random.SeedSequence(checked_seed(seed)).spawn(2)
    ladders = climb_together(space, model.log_likelihood_at, seeds=[first], schedule=schedule)

    def log_density(standard: FloatArray) -> FloatArray:
        return space.log_prior(standard) + model.log_likelihood_at(standard)

    chains = sample(
        log_density,
        np.stack([ladder.positions for ladder in ladders]),
        names=space.names,
        seed=int(second.generate_state(1)[0]),
        budget=budget,
    )
    flat = np.stack([chains.draws[name].to_numpy() for name in space.names], axis=-1)
    values = space.values(flat)
    draws = xr.Dataset({name: (("chain", "draw"), values[name]) for name in space.names})
    return Posterior(
        model=model.name,
        chains=Chains(draws=draws, health=chains.health, walkers=chains.walkers),
        evidence=combine(ladders),
    )


def compare(
    posteriors: Sequence[Posterior], *, prior: Mapping[str, float] | None = None
) -> xr.Dataset:
    """Weigh models of the same data against each other.

    Parameters
    ----------
    posteriors : sequence of Posterior
        At least two, of different names.
    prior : mapping, optional
        Name to probability beforehand, of any positive scale; equal by default.

    Returns
    -------
    Dataset
        Along ``model``, the likeliest first: ``probability``; ``log_evidence`` with its
        ``_error``; and ``consistent``, 0 where the two estimates of an evidence disagree, so
        that no probability here can be trusted.

    Raises
    ------
    InvalidValueError
        For fewer than two models, equal names, an evidence that is no number, or a prior that
        is not finite and positive for these models and no others.
    """
    _refuse_others(posteriors)
    names = [each.model for each in posteriors]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvalidValueError(
            f"comparing needs two or more models with names of their own, received {names}."
        )
    weights = dict.fromkeys(names, 1.0) if prior is None else _checked_prior(prior, names)
    evidences = np.array([each.evidence.log_evidence for each in posteriors])
    for name, found in zip(names, evidences, strict=True):
        if not np.isfinite(found):
            raise InvalidValueError(
                f"evidences must be finite to be compared, the log evidence of {name!r} is "
                f"{found}; fit the model again."
            )
    joint = evidences + np.log([weights[name] for name in names])
    table = xr.Dataset(
        {
            "probability": ("model", np.exp(joint - logsumexp(joint))),
            "log_evidence": ("model", evidences),
            "log_evidence_error": (
                "model",
                [each.evidence.standard_error for each in posteriors],
            ),
            "consistent": ("model", [int(each.evidence.consistent) for each in posteriors]),
        },
        coords={"model": names},
    )
    return table.isel(model=np.argsort(-joint))


def _refuse_others(posteriors: Sequence[Posterior]) -> None:
    listed = isinstance(posteriors, Sequence) and not isinstance(posteriors, str | bytes)
    others = [each for each in posteriors if not isinstance(each, Posterior)] if listed else []
    if not listed or others:
        received = (
            f"a list with one {type(others[0]).__name__}"
            if others
            else type(posteriors).__name__
        )
        raise InvalidValueError(
            f"comparing needs a list of posteriors, received {received}; give what fit_model "
            "returns for each model."
        )


def _checked_prior(prior: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Numbers for these models and no others."""
    require_mapping("the prior", prior)
    weights = dict(prior)
    for name in names:
        if name not in weights:
            raise InvalidValueError(
                f"the prior needs a number for every model, {name!r} has none; add it."
            )
    for name, weight in weights.items():
        if name not in names:
            raise InvalidValueError(
                f"the prior is for the models compared, {name!r} is no model of these."
                + did_you_mean(name, names)
            )
        real = isinstance(weight, Real) and not isinstance(weight, bool)
        if not real or not 0.0 < weight < np.inf:
            raise InvalidValueError(
                f"the prior needs a positive and finite number for every model, {name!r} has "
                f"{weight!r}; give a probability on any scale."
            )
    return weights
