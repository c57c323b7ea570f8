"""Time that means something: the one refusal of runs whose time does not."""

import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.transitions.demands import real_numbers

__all__ = ["refuse_sampler_time", "require_physical_time"]

KINETICS = "physical_kinetics"


def require_physical_time(what: str, dataset: xr.Dataset) -> None:
    """Refuse runs whose time is not that of the Langevin equation, or that do not say.

    Parameters
    ----------
    what : str
        What is to be estimated, in the plural: it begins the sentence.
    dataset : Dataset
        With the coordinate ``physical_kinetics``.

    Raises
    ------
    FormatError
        Where it is missing, or is not 1 for every run.
    """
    if KINETICS not in dataset.variables:
        raise FormatError(
            f"{what} need the variable {KINETICS!r} on run, which is not there; follow the "
            "schema, with 1 where time is that of the Langevin equation."
        )
    refuse_sampler_time(what, dataset)


def refuse_sampler_time(what: str, table: xr.Dataset) -> None:
    """Refuse what says that its time is that of a sampler.

    Parameters
    ----------
    what : str
        See `require_physical_time`, also for what is raised.
    table : Dataset
        Runs, or a table made from them; one that says nothing passes.
    """
    stated = table.variables.get(KINETICS)
    values = table.attrs.get(KINETICS, 1) if stated is None else stated.to_numpy()
    kinds = real_numbers(f"the variable {KINETICS!r}", values)
    if not (kinds == 1).all():
        raise FormatError(
            f"{what} need runs whose time has a physical meaning ({KINETICS} 1), received "
            f"{int((kinds != 1).sum())} of {kinds.size} without; samplers that share only the "
            "stationary law and exchange ladders have none; take Langevin runs."
        )
