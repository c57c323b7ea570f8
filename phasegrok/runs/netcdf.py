"""A dataset as the bytes of a netCDF file, built in memory."""

import io

import h5netcdf
import h5py
import xarray as xr

__all__ = ["netcdf_image"]


def netcdf_image(dataset: xr.Dataset) -> memoryview:
    """Write a dataset as netCDF-4 without a file.

    The HDF5 library crashes where a disk fills up under it, so that only whole images are
    written; `phasegrok.runs.disk` does.

    Parameters
    ----------
    dataset : Dataset
        Numbers and text, in memory or not.

    Returns
    -------
    memoryview
        What ``dataset.to_netcdf(path, engine="h5netcdf")`` would store.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file, h5netcdf.File(file, "a") as root:
        dataset.dump_to_store(xr.backends.H5NetCDFStore(root))
    return buffer.getbuffer()
