"""Names of what is recorded: each may be stored, and stands for one variable."""

from collections.abc import Sequence

from phasegrok.dynamics.exchange import RUNG
from phasegrok.dynamics.traffic import TRAFFIC
from phasegrok.errors import InvalidStudyError
from phasegrok.observables import Observable
from phasegrok.schema import (
    HALF_SQUARE_NORM,
    NOW,
    PENALTY,
    RUN_COORDINATES,
    STATES_GROUP,
    fault_of_name,
)
from phasegrok.study import Study, known_controls, penalty_name

__all__ = ["check_names"]

_PREFIXES = (HALF_SQUARE_NORM, PENALTY, "event_", "weight_decay_", "prior_variance_")
_TAKEN = (
    "loss",
    "time",
    "step",
    "gradient_count",
    "example_count",
    "width",
    "noise_variance",
    "first_rung",
    RUNG,
    *TRAFFIC,
    STATES_GROUP,
    *RUN_COORDINATES,
)
"""What every dataset may hold besides the observables."""


def check_names(
    study: Study,
    observables: Sequence[Observable],
    *,
    layers: Sequence[str],
    records: Sequence[str],
) -> None:
    """Refuse names that no file can hold, or that two variables would share.

    Parameters
    ----------
    study : Study
        Description.
    observables : sequence of Observable
        What is recorded.
    layers : sequence of str
        Of the network; each has a recorded norm.
    records : sequence of str
        What the integrator records of itself.

    Raises
    ------
    InvalidStudyError
        With the first such name.
    """
    penalties = study.energy.penalties
    extra_terms = [penalty_name(penalties, index) for index in range(len(penalties))]
    for name in extra_terms:
        _refuse_fault("a penalty", name, fault_of_name(PENALTY + name))
    for name in layers:
        _refuse_fault("a layer of the network", name, fault_of_name(HALF_SQUARE_NORM + name))
    if len(set(extra_terms)) < len(extra_terms):
        raise InvalidStudyError(
            f"every penalty needs a name of its own, received {extra_terms}; give one the "
            "option 'name'."
        )
    taken = {*_TAKEN, *known_controls(study), *records}
    for observable in observables:
        taken.update(observable.dims)
    for observable in observables:
        name = observable.name
        _refuse_fault("an observable", name, fault_of_name(name))
        if name.startswith(_PREFIXES) or name.endswith(NOW) or name in taken:
            raise InvalidStudyError(
                f"an observable cannot be named {name!r}, which is recorded or set already; "
                "give it the option 'name'."
            )


def _refuse_fault(role: str, name: object, fault: str) -> None:
    if fault:
        raise InvalidStudyError(
            f"{role} cannot be named {name!r}: the name {fault}; choose another."
        )
