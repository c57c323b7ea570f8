"""The law of the overlaps at a point, against a density known exactly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from phasegrok.report.overlaps import overlap_table, overlap_theory
from phasegrok.report.places import open_study
from phasegrok.report.predictions import systems_of
from phasegrok.theory import solve_finite_size

MakeStudyFolder = Callable[..., Path]


def test_the_density_is_that_of_the_draws(make_study_folder: MakeStudyFolder) -> None:
    data = open_study(make_study_folder(neurons=60))
    table = overlap_table(data).isel(point=0)
    centre = table["bin_center"].to_numpy()
    exact = 0.5 * (centre / 0.2) ** 2 + np.log(0.2 * np.sqrt(2.0 * np.pi))
    seen = table["total_count"].to_numpy() > 200
    deviation = (table["negative_log_density"].to_numpy() - exact)[seen]
    error = 1.0 / np.sqrt(table["total_count"].to_numpy()[seen])
    assert seen.sum() > 8
    # Bins have width; the density of their mean differs from that of their centre a little.
    assert np.abs(deviation / (error + 0.01)).max() < 4.5
    assert np.sqrt(np.mean((deviation / error) ** 2)) < 2.0


def test_the_density_of_theory_is_normalised_over_both_signs(
    make_study_folder: MakeStudyFolder,
) -> None:
    data = open_study(make_study_folder(neurons=4))
    systems = systems_of(data)
    assert systems is not None
    theory = overlap_theory(systems, data.places, end=2.0)
    density = np.exp(-theory["negative_log_density"].to_numpy())
    width = float(theory["overlap"][1])
    integral = width * (density.sum(axis=-1) - 0.5 * density[:, 0])
    np.testing.assert_allclose(integral, 0.5, rtol=1e-4)
    solved = solve_finite_size(systems.at[0])
    assert float(theory["negative_log_density"][0, 0]) == pytest.approx(
        float(solved.negative_log_density(0.0))
    )
