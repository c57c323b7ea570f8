"""Crossings of cumulants against the exact law of the Curie-Weiss Ising model."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from phasegrok.exact import (
    concatenated,
    curie_weiss_ising,
    curie_weiss_ising_law,
    curie_weiss_potts,
    curie_weiss_potts_law,
)
from phasegrok.transitions import (
    Finding,
    MomentCurves,
    crossings_of,
    cumulant_crossings,
    cumulant_minima,
    kurtosis_crossings,
)
from phasegrok.transitions.scaling.cells import QUANTITIES

SIZES = (64, 128, 256)
CONTROL = "inverse_temperature"


def sampled(seed: int, *, low: float = 0.8, high: float = 1.25) -> xr.Dataset:
    return concatenated(
        [
            curie_weiss_ising(
                size=size,
                inverse_temperature=np.linspace(low, high, 9),
                record_count=1500,
                seed=seed,
            )
            for size in SIZES
        ]
    )


def exact_cumulant(size: int, control: float) -> float:
    law = curie_weiss_ising_law(size=size, inverse_temperature=control)
    fourth, second = (law.mean("magnetization", power=power) for power in (4, 2))
    return 1.0 - fourth / (3.0 * second**2)


def exact_kurtosis(size: int, control: float) -> float:
    law = curie_weiss_ising_law(size=size, inverse_temperature=control)
    deviation = law.values["order_parameter"] - law.mean("order_parameter")
    return float(law.probability @ deviation**4) / law.variance("order_parameter") ** 2


@pytest.mark.parametrize("with_energy", [True, False])
def test_cumulants_cross_where_the_law_has_it(with_energy: bool) -> None:
    pairs = list(pairwise(SIZES))
    controls = [
        brentq(lambda g, a=a, b=b: exact_cumulant(a, g) - exact_cumulant(b, g), 0.9, 1.2)
        for a, b in pairs
    ]
    values = [exact_cumulant(a, g) for (a, _), g in zip(pairs, controls, strict=True)]
    pulls = []
    for seed in range(3):
        runs = sampled(seed)
        table = cumulant_crossings(
            runs["magnetization"],
            control=CONTROL,
            size="size",
            dimension=None,
            energy=runs["energy"] if with_energy else None,
            seed=seed,
        )
        assert table["smaller"].to_numpy().tolist() == [64.0, 128.0]
        assert table["larger"].to_numpy().tolist() == [128.0, 256.0]
        pulls.append((table["control"] - controls) / table["control_error"])
        pulls.append((table["value"] - values) / table["value_error"])
    # Control and value of neighbouring pairs move together, so that four of these pulls count:
    # 99.8 % of the means of four squares lie between these bounds.
    assert 0.15 < np.sqrt(np.mean(np.square(pulls))) < 2.15
    assert np.abs(pulls).max() < 4.0


def test_a_window_beyond_the_crossing_has_none() -> None:
    runs = sampled(1, low=1.1, high=1.3)
    table = cumulant_crossings(
        runs["magnetization"],
        control=CONTROL,
        size="size",
        dimension=None,
        energy=runs["energy"],
    )
    assert set(table["finding"].to_numpy()) == {Finding.ABSENT.value}
    assert np.isnan(table["control"]).all()
    assert np.isnan(table["control_error"]).all()


def test_sizes_of_one_law_cross_by_chance_only() -> None:
    runs = sampled(3).isel(run=slice(0, 9))
    second = sampled(4).isel(run=slice(0, 9)).assign_coords(size=("run", np.full(9, 65)))
    both = concatenated([runs, second])
    # The size that is asked for differs, the law does not.
    table = cumulant_crossings(
        both["magnetization"],
        control=CONTROL,
        size="size",
        dimension=None,
    )
    assert table["finding"].item() != Finding.FOUND


def test_the_shift_of_the_order_parameter_does_not_move_its_kurtosis_crossing() -> None:
    runs = sampled(2)
    tables = [
        kurtosis_crossings(
            runs["order_parameter"] + shift,
            control=CONTROL,
            size="size",
            dimension=None,
            energy=runs["energy"],
        )
        for shift in (0.0, 5.0)
    ]
    xr.testing.assert_allclose(tables[0], tables[1], rtol=1e-6)
    for pair in tables[0]["pair"].values:
        row = tables[0].isel(pair=pair)
        small, large = int(row["smaller"]), int(row["larger"])
        # At an exact crossing both laws agree; the slope of the difference turns the
        # measured control into a pull.
        g, step = float(row["control"]), 1e-4

        def difference(control: float, a: int = small, b: int = large) -> float:
            return exact_kurtosis(b, control) - exact_kurtosis(a, control)

        slope = (difference(g + step) - difference(g - step)) / (2.0 * step)
        assert abs(difference(g) / slope) < 4.0 * float(row["control_error"])


def constructed(values: dict[str, np.ndarray], size: float) -> MomentCurves:
    """Curves without noise, two draws alike."""
    controls = np.linspace(0.0, 1.0, 101)
    rows = [np.broadcast_to(values.get(name, np.ones(101)), 101) for name in QUANTITIES]
    return MomentCurves(
        size=size, volume=size, controls=controls, draws=np.stack([np.stack(rows)] * 3)
    )


def test_straight_curves_cross_exactly() -> None:
    grid = np.linspace(0.0, 1.0, 101)
    curves = [
        constructed({"mean": slope * (grid - 0.337) + 0.2}, size)
        for slope, size in ((1.0, 10.0), (2.5, 20.0))
    ]
    table = crossings_of(curves, lambda each: each.of("mean"))
    assert table["control"].item() == pytest.approx(0.337, rel=1e-9)
    assert table["value"].item() == pytest.approx(0.2, rel=1e-9)
    assert table["finding"].item() == Finding.FOUND


def test_the_minimum_falls_with_size_where_the_order_parameter_jumps() -> None:
    sizes, controls = (90, 270), np.linspace(2.70, 2.80, 7)
    runs = concatenated(
        [
            curie_weiss_potts(
                size=size, inverse_temperature=controls, record_count=3000, seed=5
            )
            for size in sizes
        ]
    )
    table = cumulant_minima(
        runs["order_parameter"],
        control=CONTROL,
        size="size",
        dimension=None,
        energy=runs["energy"],
    )
    fine = np.linspace(2.70, 2.80, 201)
    for size in sizes:
        cumulants = []
        for control in fine:
            law = curie_weiss_potts_law(size=size, inverse_temperature=control)
            fourth, second = (law.mean("order_parameter", power=power) for power in (4, 2))
            cumulants.append(1.0 - fourth / (3.0 * second**2))
        row = table.sel(size=size)
        error = float(row["minimum_error"])
        assert 0.0 < error < 0.1
        assert abs(float(row["minimum"]) - min(cumulants)) < 4.0 * error
