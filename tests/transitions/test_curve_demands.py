"""What is no curve is refused by all that is read off curves; what is unknown stays so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.transitions import (
    Finding,
    MomentCurves,
    crossings_of,
    curve_table,
    minima_of,
    peaks_of,
)
from phasegrok.transitions.scaling.cells import QUANTITIES

GRID = np.linspace(0.0, 1.0, 21)


def curves(size: float = 10.0) -> MomentCurves:
    """A hump of the variance and a slope, all known, with draws that differ."""
    draws = np.ones((4, len(QUANTITIES), GRID.size))
    draws[:, QUANTITIES.index("variance")] = 1.0 - (GRID - 0.5) ** 2
    draws[:, QUANTITIES.index("mean")] = size * (GRID - 0.4)
    draws *= 1.0 + 0.01 * np.arange(4)[:, np.newaxis, np.newaxis]
    return MomentCurves(size=size, volume=size, controls=GRID, draws=draws)


def mean(each: MomentCurves) -> Any:
    return each.of("mean")


SIZES = [curves(10.0), curves(20.0), curves(40.0)]
READERS: dict[str, Callable[[Any], Any]] = {
    "curve_table": curve_table,
    "peaks_of": peaks_of,
    "minima_of": lambda given: minima_of(given, mean),
    "crossings_of": lambda given: crossings_of(given, mean),
}
# As what is read at every reader; a curve of one size is none of several.
OTHERS: dict[str, Any] = {
    "nothing": None,
    "a word": "curves",
    "a number": 1.0,
    "one curve": SIZES[0],
    "a table": curve_table(SIZES),
    "an array": SIZES[0].draws,
    "a dictionary": {10.0: SIZES[0]},
    "a generator": (each for each in SIZES),
    "words": ["a", "b"],
    "draws": [each.draws for each in SIZES],
    "a curve and nothing": [SIZES[0], None],
}
WITHOUT_MEANING: dict[str, tuple[dict[str, Any], str]] = {
    "controls of NaN": ({"controls": np.full(21, np.nan)}, "finite numbers along one dim"),
    "endless controls": ({"controls": np.append(GRID[:-1], np.inf)}, "finite numbers along"),
    "no controls": ({"controls": GRID[:0]}, "finite numbers along one dimension"),
    "controls of two dimensions": ({"controls": GRID[np.newaxis]}, "along one dimension"),
    "controls as words": ({"controls": GRID.astype(str)}, "array of real numbers"),
    "controls as no array": ({"controls": None}, "array of real numbers"),
    "falling controls": ({"controls": GRID[::-1]}, "rise in equal steps"),
    "uneven controls": ({"controls": GRID**2}, "rise in equal steps"),
    "huge controls": ({"controls": GRID * 1e300}, "change the unit"),
    "draws without quantities": ({"draws": SIZES[0].draws[:, 0]}, r"\(draw, quantity, cont"),
    "draws without draws": ({"draws": SIZES[0].draws[0]}, r"\(draw, quantity, control\)"),
    "too few quantities": ({"draws": SIZES[0].draws[:, :4]}, "of 6 quantities"),
    "too few controls": ({"draws": SIZES[0].draws[..., :9]}, "at 21 controls"),
    "too few draws": ({"draws": SIZES[0].draws[:2]}, "3 draws or more"),
    "no draws": ({"draws": SIZES[0].draws[:0]}, "3 draws or more"),
    "complex draws": ({"draws": SIZES[0].draws * 1j}, "array of real numbers"),
    "endless draws": ({"draws": np.full((4, 6, 21), np.inf)}, "put NaN where it is unknown"),
    "huge draws": ({"draws": SIZES[0].draws * 1e250}, "put NaN where it is unknown"),
    "no volume": ({"volume": 0.0}, "volume of a curve must be positive"),
    "a huge volume": ({"volume": 1e70}, "change the unit"),
    "a size that is none": ({"size": np.nan}, "size of a curve must be positive"),
    "a size that is a word": ({"size": "a"}, "size of a curve must be positive"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("reader", READERS)
def test_what_are_no_curves_is_refused(reader: str, kind: str) -> None:
    with pytest.raises(InvalidValueError, match=r"sequence of MomentCurves.*by moment_curves"):
        READERS[reader](OTHERS[kind])


@pytest.mark.parametrize("kind", WITHOUT_MEANING)
@pytest.mark.parametrize("reader", READERS)
def test_a_curve_without_meaning_is_refused(reader: str, kind: str) -> None:
    changed, message = WITHOUT_MEANING[kind]
    with pytest.raises(InvalidValueError, match=message):
        READERS[reader]([SIZES[0], replace(SIZES[1], **changed)])


@pytest.mark.parametrize("reader", READERS)
def test_curves_of_unequal_shapes_are_refused(reader: str) -> None:
    fewer = replace(SIZES[1], draws=SIZES[1].draws[:3])
    coarse = replace(SIZES[1], controls=GRID[::2], draws=SIZES[1].draws[..., ::2])
    for other in (fewer, coarse):
        with pytest.raises(InvalidValueError, match="as many draws and controls"):
            READERS[reader]([SIZES[0], other])


@pytest.mark.parametrize("reader", READERS)
def test_no_size_is_too_few(reader: str) -> None:
    with pytest.raises(InsufficientSamplesError, match="received 0"):
        READERS[reader]([])


def test_one_size_crosses_nothing_and_is_read_by_the_others() -> None:
    with pytest.raises(InsufficientSamplesError, match=r"crossings .* least 2 .* received 1"):
        crossings_of(SIZES[:1], mean)
    for reader in ("curve_table", "peaks_of", "minima_of"):
        table = READERS[reader](SIZES[:1])
        assert table["size"].values.tolist() == [10.0]
    assert peaks_of(SIZES[:1])["fluctuation_control"].item() == pytest.approx(0.5)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 1], [2, 1, 0]], ids=str)
def test_sizes_that_do_not_rise_are_refused(order: list[int]) -> None:
    with pytest.raises(InvalidValueError, match="larger than the one before"):
        crossings_of([SIZES[index] for index in order], mean)


WRONG_QUANTITIES: dict[str, tuple[Any, str]] = {
    "nothing": (None, "function of the curves"),
    "a name": ("mean", "function of the curves"),
    "one draw": (lambda each: each.of("mean")[0], r"array \(draw, control\)"),
    "a number": (lambda each: each.volume, r"array \(draw, control\)"),
    "words": (lambda each: each.of("mean").astype(str), "array of real numbers"),
    "infinite": (
        lambda each: np.full_like(each.of("mean"), np.inf),
        "put NaN where it is unknown",
    ),
    "huge": (lambda each: each.of("mean") * 1e200, "change the unit"),
    "unknown": (lambda each: each.of("meen"), "Did you mean 'mean'"),
}


@pytest.mark.parametrize("kind", WRONG_QUANTITIES)
@pytest.mark.parametrize("reader", [minima_of, crossings_of])
def test_what_is_no_quantity_is_refused(reader: Callable[..., Any], kind: str) -> None:
    quantity, message = WRONG_QUANTITIES[kind]
    with pytest.raises(InvalidValueError, match=message):
        reader(SIZES, quantity)


UNKNOWN: dict[str, MomentCurves] = {
    "NaN": replace(SIZES[0], draws=np.full_like(SIZES[0].draws, np.nan), refusal="unread"),
    "one control": replace(
        SIZES[0], controls=GRID[:1], draws=SIZES[0].draws[..., :1], refusal="one control"
    ),
    "one control many times": replace(SIZES[0], controls=np.full(21, 0.3)),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_is_unknown_is_a_finding(kind: str) -> None:
    """Sizes that could not be read are rows as any other."""
    one = UNKNOWN[kind]
    both = [one, replace(one, size=20.0)]
    assert curve_table(both)["refusal"].values.tolist() == [one.refusal] * 2
    assert (peaks_of(both)["fluctuation_finding"] == Finding.REFUSED).all()
    assert (minima_of(both, mean)["finding"] == Finding.REFUSED).all()
    assert (crossings_of(both, mean)["finding"] == Finding.REFUSED).all()


def test_ratios_of_what_does_not_fluctuate_are_unknown() -> None:
    still = replace(SIZES[0], draws=np.zeros_like(SIZES[0].draws))
    assert np.isnan(still.cumulant).all()
    assert np.isnan(still.kurtosis).all()
    one = SIZES[0]
    np.testing.assert_array_equal(
        one.cumulant, 1.0 - one.of("fourth") / (3.0 * one.of("second") ** 2)
    )


def test_the_sign_of_zero_is_no_crossing() -> None:
    signs = np.where(np.arange(GRID.size) == 10, -0.0, 0.0)
    slope = np.where(np.arange(GRID.size) < 5, -1.0, np.where(np.arange(21) > 15, 1.0, signs))

    def flat(each: MomentCurves) -> Any:
        return np.tile(slope if each.size > 10.0 else np.zeros(21), (4, 1))

    table = crossings_of(SIZES[:2], flat)
    assert np.isfinite(table["control"].item())
