"""A netCDF file made in memory is the one that xarray would write."""

from pathlib import Path

import numpy as np
import xarray as xr

from phasegrok.runs.netcdf import netcdf_image


def test_the_image_opens_as_what_it_was(tmp_path: Path) -> None:
    dataset = xr.Dataset(
        {
            "mean": (("quantity", "point"), [[0.1, np.nan], [1.0, -2.0]], {"units": "nats"}),
            "told": ("point", np.array([1, -1], dtype=np.int8)),
            "reason": ("point", np.array(["σ² is high", ""], dtype=object)),
            "empty": ("nothing", np.empty(0)),
        },
        {"quantity": np.array(["b", "c"], dtype=object), "beside": ((), 3)},
        {"cut": 4, "name": "made"},
    )
    (tmp_path / "image.nc").write_bytes(netcdf_image(dataset))
    dataset.to_netcdf(tmp_path / "file.nc", engine="h5netcdf")
    with (
        xr.open_dataset(tmp_path / "image.nc", engine="h5netcdf") as image,
        xr.open_dataset(tmp_path / "file.nc", engine="h5netcdf") as file,
    ):
        xr.testing.assert_identical(image.load(), file.load())
        xr.testing.assert_equal(image, dataset)
