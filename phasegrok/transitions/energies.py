"""The energy beside the order parameter: of the same runs and records, or refused."""

import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.transitions.demands import require_array

__all__ = ["energy_beside"]


def energy_beside(samples: xr.DataArray, energy: xr.DataArray) -> xr.DataArray:
    """Give the energy the labels of the order parameter, and no symmetry.

    Parameters
    ----------
    samples : DataArray
        Order parameter of dims (run, record) or (run, step).
    energy : DataArray
        Energy on the same runs and records; it may lack coordinates.

    Returns
    -------
    DataArray
        On the dims of the samples in their order.

    Raises
    ------
    InvalidValueError
        For what is no labelled array, other dimensions, or coordinates that both have and in
        which they differ: records in another order would be weighed by energies not theirs.
    """
    require_array("an order parameter", samples)
    require_array("the energy", energy)
    if set(energy.dims) != set(samples.dims) or dict(energy.sizes) != dict(samples.sizes):
        raise InvalidValueError(
            f"the energy must have the runs and records of the order parameter, "
            f"{dict(samples.sizes)}, received {dict(energy.sizes)}; take both from one dataset."
        )
    for name in set(energy.coords) & set(samples.coords):
        own, other = energy.coords[name].variable, samples.coords[name].variable
        alike = set(own.dims) == set(other.dims) and own.transpose(*other.dims).equals(other)
        if (own.dims or other.dims) and not alike:
            raise InvalidValueError(
                f"the energy and the order parameter must come from the same runs and records, "
                f"but their coordinates {name!r} differ; take both from one dataset."
            )
    beside = samples.copy(data=energy.transpose(*samples.dims).data)
    beside.attrs = {}
    return beside
