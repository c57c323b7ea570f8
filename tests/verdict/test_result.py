"""A verdict in words and in a file: what goes in comes out, bit by bit, or is refused."""

import json
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.special import softmax

from phasegrok.errors import FormatError, InvalidValueError, StorageError
from phasegrok.exact import GaussianMixture, concatenated, gaussian_mixture
from phasegrok.verdict import Verdict, order_of_transition

ORDERS = ("first-order", "continuous", "crossover", "undetermined")


def small_table() -> xr.Dataset:
    """Numbers that a careless file would change: NaN, infinities, a denormal, minus zero."""
    return xr.Dataset(
        {
            "volume": ("size", [64.0, 256.0, 1024.0]),
            "log_slope": ("size", [0.1 + 0.2, -0.0, 5e-324]),
            "transition_spread": ("size", [np.nan, np.inf, -np.inf]),
            "log_evidence": ("kind", [-1.0 / 3.0, -1e300]),
            "predicted": (("kind", "feature"), [[1.0, 2.0], [3.0, np.pi]]),
        },
        coords={
            "size": [8.0, 16.0, 32.0],
            "kind": ["first-order", "none"],
            "feature": ["log_slope", "barrier"],
        },
        attrs={"control": "g", "size": "L", "dimension": 2},
    )


def make(
    order: str = "continuous",
    *,
    chances: tuple[float, float, float, float] = (0.03, 0.95, 0.0, 0.02),
    grounds: tuple[str, ...] = ("the variance grows", "fit: probability 0.3"),
    against: tuple[str, ...] = ("it may be weak",),
    wanted: str = "",
    table: xr.Dataset | None = None,
) -> Verdict:
    return Verdict(
        order=order,
        probabilities=dict(zip(ORDERS, chances, strict=True)),
        grounds=grounds,
        against=against,
        wanted=wanted,
        table=small_table() if table is None else table,
    )


def assert_same_bits(one: xr.Dataset, other: xr.Dataset) -> None:
    xr.testing.assert_identical(one, other)
    assert list(one.dims) == list(other.dims)
    for name in one.variables:
        left, right = one[name].to_numpy(), other[name].to_numpy()
        assert left.dtype == right.dtype
        assert left.tobytes() == right.tobytes()


def assert_same(one: Verdict, other: Verdict) -> None:
    assert one.order == other.order
    assert list(one.probabilities.items()) == list(other.probabilities.items())
    assert one.grounds == other.grounds
    assert one.against == other.against
    assert one.wanted == other.wanted
    assert isinstance(other.grounds, tuple)
    assert isinstance(other.against, tuple)
    assert str(one) == str(other)
    assert_same_bits(one.table, other.table)


ENERGY = xr.Dataset(
    {
        "energy_volume": ("size", [64.0, 256.0, np.nan]),
        "energy_probability": ("energy_kind", [0.9, 0.1]),
    },
    coords={"size": [8.0, 16.0, 32.0], "energy_kind": ["first-order", "no latent heat"]},
)

STORED: dict[str, Callable[[], Verdict]] = {
    "first-order": lambda: make("first-order", chances=(1.0 - 2.0**-53, 0.0, 0.0, 2.0**-53)),
    "continuous": make,
    "crossover": lambda: make("crossover", chances=(5e-324, 1e-17, 0.9, 0.1)),
    "undetermined": lambda: make(
        "undetermined", chances=(0.1 + 0.2, 0.3, 0.1, 0.3), wanted="Give more."
    ),
    "nothing said": lambda: make("undetermined", grounds=(), against=()),
    "sizes alone": lambda: make(table=small_table()[["volume", "log_slope"]]),
    "no usable size": lambda: make(
        "undetermined", table=small_table()[["volume"]].isel(size=slice(0))
    ),
    "with an energy": lambda: make(table=small_table().merge(ENERGY)),
    "silent loops and lifetimes": lambda: make(
        against=("the loops say nothing: three rates are needed.", "the lifetimes say nothing")
    ),
    "other alphabets": lambda: make(grounds=('χ² 3.1 of "m"', "naïve\\path", "温度")),
    "very long": lambda: make(against=("x" * 200_000,) * 3),
}


@pytest.mark.parametrize("name", STORED)
def test_a_verdict_comes_back_as_it_was_saved(name: str, tmp_path: Path) -> None:
    verdict = STORED[name]()
    verdict.save(tmp_path / "verdict.nc")
    assert_same(Verdict.load(tmp_path / "verdict.nc"), verdict)
    # A second round changes no more than the first.
    Verdict.load(str(tmp_path / "verdict.nc")).save(str(tmp_path / "again.nc"))
    assert_same(Verdict.load(tmp_path / "again.nc"), verdict)


def test_saving_leaves_the_verdict_alone(tmp_path: Path) -> None:
    verdict = make()
    verdict.save(tmp_path / "verdict.nc")
    assert_same_bits(verdict.table, small_table())
    assert set(Verdict.load(tmp_path / "verdict.nc").table.attrs) == {
        "control",
        "size",
        "dimension",
    }


def test_a_loaded_verdict_needs_its_file_no_longer(tmp_path: Path) -> None:
    make().save(tmp_path / "verdict.nc")
    loaded = Verdict.load(tmp_path / "verdict.nc")
    (tmp_path / "verdict.nc").unlink()
    assert_same(loaded, make())


def test_xarray_opens_what_is_saved(tmp_path: Path) -> None:
    make().save(tmp_path / "verdict.nc")
    with xr.open_dataset(tmp_path / "verdict.nc") as stored:
        assert_same_bits(stored.load().drop_attrs(deep=False), small_table().drop_attrs())
        plain = json.loads(stored.attrs["phasegrok_verdict"])
    assert plain["order"] == "continuous"
    assert plain["probabilities"]["continuous"] == 0.95
    with xr.open_datatree(tmp_path / "verdict.nc") as tree:
        found = tree["predicted"].sel(kind="none", feature="barrier")
        assert float(found) == np.pi


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "verdict.nc"
    make(against=("x" * 100_000,)).save(path)
    make("crossover").save(path)
    assert Verdict.load(path).order == "crossover"
    path.write_text("not a verdict at all")
    make().save(path)
    assert Verdict.load(path).order == "continuous"
    assert [each.name for each in tmp_path.iterdir()] == ["verdict.nc"]


def test_a_verdict_that_cannot_be_stored_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "verdict.nc"
    make().save(path)
    older = path.read_bytes()
    with pytest.raises(TypeError):
        make(table=small_table().assign_attrs(control={"g": 1})).save(path)
    assert path.read_bytes() == older
    assert [each.name for each in tmp_path.iterdir()] == ["verdict.nc"]


def test_a_missing_folder_is_made_and_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    make().save(tmp_path / "a" / "b" / "verdict.nc")
    assert Verdict.load(tmp_path / "a" / "b" / "verdict.nc").order == "continuous"
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written .*choose another place"):
        make().save(tmp_path / "file" / "verdict.nc")


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "verdict.nc").mkdir()
    with pytest.raises(StorageError, match=r"cannot be written \(Is a directory\)"):
        make().save(tmp_path / "verdict.nc")
    assert [each.name for each in tmp_path.iterdir()] == ["verdict.nc"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(share: float, tmp_path: Path) -> None:
    make().save(tmp_path / "verdict.nc")
    whole = (tmp_path / "verdict.nc").read_bytes()
    (tmp_path / "part.nc").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FormatError, match=r"part\.nc cannot be read .*that Verdict.save wrote"):
        Verdict.load(tmp_path / "part.nc")


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"cannot be read \(No such file or directory\)"):
        Verdict.load(tmp_path / "missing.nc")
    with pytest.raises(FormatError, match=r"cannot be read \(Is a directory\)"):
        Verdict.load(tmp_path)
    (tmp_path / "text.nc").write_text("order: continuous\n" * 100)
    with pytest.raises(FormatError, match=r"text\.nc cannot be read"):
        Verdict.load(tmp_path / "text.nc")
    small_table().to_netcdf(tmp_path / "table.nc", engine="h5netcdf")
    with pytest.raises(FormatError, match=r"table\.nc holds no verdict; write one"):
        Verdict.load(tmp_path / "table.nc")


FIELDS: dict[str, object] = {
    "order": "continuous",
    "probabilities": dict.fromkeys(ORDERS, 0.25),
    "grounds": [],
    "against": [],
    "wanted": "",
}


def stored_fields(path: Path, text: object) -> Path:
    small_table().assign_attrs(phasegrok_verdict=text).to_netcdf(path, engine="h5netcdf")
    return path


def test_the_fields_of_a_file_are_these(tmp_path: Path) -> None:
    path = stored_fields(tmp_path / "whole.nc", json.dumps(FIELDS))
    assert Verdict.load(path).probabilities == FIELDS["probabilities"]


@pytest.mark.parametrize(
    "text",
    [
        *[json.dumps({k: v for k, v in FIELDS.items() if k != name}) for name in FIELDS],
        json.dumps(FIELDS)[:-20],
        json.dumps(FIELDS | {"order": "second-order"}),
        json.dumps(FIELDS | {"probabilities": {"continuous": 1.0}}),
        json.dumps(FIELDS | {"probabilities": dict.fromkeys(ORDERS)}),
        json.dumps(FIELDS | {"grounds": None}),
        "[]",
        "",
        7,
    ],
)
def test_damaged_fields_are_refused(text: object, tmp_path: Path) -> None:
    path = stored_fields(tmp_path / "damaged.nc", text)
    with pytest.raises(FormatError, match=r"damaged or of another version; write it anew"):
        Verdict.load(path)


def test_a_verdict_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make().order = "crossover"  # type: ignore[misc]


def test_a_named_answer_as_a_paragraph() -> None:
    assert str(make()) == (
        "As g is varied, the transition is continuous (first-order 0.030, continuous 0.950, "
        "crossover 0.000, undetermined 0.020). For it: the variance grows; fit: probability "
        "0.3. Against it: it may be weak."
    )


def test_an_undetermined_one_says_what_was_measured_and_what_would_settle_it() -> None:
    verdict = make(
        "undetermined", chances=(0.5, 0.2, 0.2, 0.1), wanted="Give a size of L = 64."
    )
    assert str(verdict) == (
        "As g is varied, the transition is undetermined (first-order 0.500, continuous 0.200, "
        "crossover 0.200, undetermined 0.100). Measured: the variance grows; fit: probability "
        "0.3. Against it: it may be weak. Give a size of L = 64."
    )


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("first-order", "the transition is first-order ("),
        ("continuous", "the transition is continuous ("),
        ("crossover", "the transition is a crossover ("),
        ("undetermined", "the transition is undetermined ("),
    ],
)
def test_nothing_follows_where_nothing_was_said(order: str, words: str) -> None:
    text = str(make(order, grounds=(), against=()))
    assert words in text
    assert text.endswith("undetermined 0.020).")
    assert text.count("(") == 1


@pytest.mark.parametrize(
    ("against", "end"),
    [
        (("a",), "Against it: a."),
        (("a", "b"), "Against it: a; b."),
        # Sentences of errors end by themselves.
        (("pool more runs.",), "Against it: pool more runs."),
        (("pool more runs.", "b"), "Against it: pool more runs; b."),
        (("b", "are they of one law?"), "Against it: b; are they of one law?"),
        (("are they of one law?", "b"), "Against it: are they of one law?; b."),
    ],
)
def test_a_list_of_sentences_ends_once(against: tuple[str, ...], end: str) -> None:
    assert str(make(against=against)).endswith(f". {end}")
    assert str(make(against=(), grounds=against)).endswith(end.replace("Against", "For"))


def study(*sizes: int) -> xr.DataArray:
    """Phases 0.8 apart of widths N^(-1/2), whose weights obey logit w = N g."""
    mixture = GaussianMixture(distance=lambda _: 0.8)
    parts = [
        gaussian_mixture(
            mixture,
            size=size,
            field=np.linspace(-8.0, 8.0, 10) / size,
            record_count=300,
            replica_count=4,
            seed=2,
        )
        for size in sizes
    ]
    found: xr.DataArray = concatenated(parts)["order_parameter"]
    return found


def judge(samples: xr.DataArray) -> Verdict:
    return order_of_transition(samples, control="field", size="size", dimension=None)


@pytest.fixture(scope="module")
def measured() -> Verdict:
    return judge(study(25, 50, 100))


def test_a_real_verdict_survives_a_file(measured: Verdict, tmp_path: Path) -> None:
    measured.save(tmp_path / "verdict.nc")
    assert_same(Verdict.load(tmp_path / "verdict.nc"), measured)


def test_probabilities_are_those_of_the_evidences_and_sum_to_one(measured: Verdict) -> None:
    assert tuple(measured.probabilities) == ORDERS
    assert sum(measured.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(0.0 <= each <= 1.0 for each in measured.probabilities.values())
    table = measured.table
    prior = np.array([0.3, 0.3, 0.3, 0.05, 0.05])
    expected = softmax(table["log_evidence"].to_numpy() + np.log(prior))
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-12)
    named = [measured.probabilities[each] for each in ORDERS[:3]]
    np.testing.assert_allclose(named, expected[:3], rtol=1e-12)


def test_a_real_verdict_tells_what_its_table_holds(measured: Verdict) -> None:
    text, table = str(measured), measured.table
    assert text.startswith("As field is varied, the transition is first-order (first-order 0.9")
    for answer, chance in measured.probabilities.items():
        assert f"{answer} {chance:.3f}" in text
    growth = np.log(table["volume"][-1] / table["volume"][0])
    slope = float((table["log_slope"][-1] - table["log_slope"][0]) / growth)
    variance = float((table["log_variance"][-1] - table["log_variance"][0]) / growth)
    assert f"the steepest slope grows as N^{slope:.2f}" in text
    assert re.search(rf"the largest variance grows as N\^-?{abs(variance):.2f}[;.]", text)
    first, last = float(table["gap"][0]), float(table["gap"][-1])
    assert f"the means of the two phases lie {first:.3g} and {last:.3g} apart" in text
    assert text.endswith("Against it: of three sizes none can be left out to be predicted.")
    # Known: phases 0.8 apart, whose slope grows as N and whose variance does not.
    assert last == pytest.approx(0.8, abs=0.05)
    assert slope == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("sizes", "count"), [((50,), "1 usable size,"), ((25, 50), "2 usable")]
)
def test_one_paragraph_tells_that_sizes_are_too_few(
    sizes: tuple[int, ...], count: str, tmp_path: Path
) -> None:
    verdict = judge(study(*sizes))
    assert verdict.probabilities == dict.fromkeys(ORDERS[:3], 0.0) | {"undetermined": 1.0}
    text = str(verdict)
    assert f"Against it: {count}" in text
    assert text.endswith("that mix within each phase.")
    assert "\n" not in text
    verdict.save(tmp_path / "verdict.nc")
    assert_same(Verdict.load(tmp_path / "verdict.nc"), verdict)


NUMBERS = dict.fromkeys(ORDERS, 0.25)
DAMAGED: dict[str, dict[str, object]] = {
    "no number": {"probabilities": NUMBERS | {"continuous": float("nan")}},
    "endless": {"probabilities": NUMBERS | {"continuous": float("inf")}},
    "below zero": {"probabilities": NUMBERS | {"continuous": -0.25, "crossover": 0.75}},
    "too much": {"probabilities": NUMBERS | {"continuous": 0.26}},
    "too little": {"probabilities": dict.fromkeys(ORDERS, 0.0)},
    "one too many": {"probabilities": NUMBERS | {"second-order": 0.0}},
    "a word": {"probabilities": NUMBERS | {"continuous": "0.25"}},
    "truth values": {"probabilities": dict.fromkeys(ORDERS, False) | {"continuous": True}},
    "a list of numbers": {"probabilities": [0.25] * 4},
    "grounds as one sentence": {"grounds": "the variance grows"},
    "grounds by name": {"grounds": {"the variance": "grows"}},
    "grounds of numbers": {"grounds": [1, 2]},
    "doubts as one sentence": {"against": "it may be weak"},
    "doubts of lists": {"against": [["it may be weak"]]},
    "nothing wanted": {"wanted": None},
    "a list wanted": {"wanted": ["Give more."]},
    "a list of orders": {"order": ["continuous"]},
    "orders by name": {"order": {"continuous": 1}},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_fields_of_another_meaning_are_refused(name: str, tmp_path: Path) -> None:
    path = stored_fields(tmp_path / "damaged.nc", json.dumps(FIELDS | DAMAGED[name]))
    with pytest.raises(FormatError, match=r"damaged or of another version; write it anew"):
        Verdict.load(path)


@pytest.mark.parametrize(
    "attributes",
    [
        {"size": "L", "dimension": 2},
        {"control": "g", "dimension": 2},
        {"control": "g", "size": "L"},
        {"control": 3, "size": "L", "dimension": 2},
        {"control": "", "size": "L", "dimension": 2},
        {"control": "g", "size": 3.0, "dimension": 2},
        {"control": "g", "size": "L", "dimension": "two"},
        {"control": "g", "size": "L", "dimension": 2.5},
    ],
)
def test_a_table_without_its_names_is_refused(
    attributes: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.nc"
    table = small_table().drop_attrs()
    table.attrs = attributes | {"phasegrok_verdict": json.dumps(FIELDS)}
    table.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(FormatError, match=r"damaged or of another version; write it anew"):
        Verdict.load(path)


def test_probabilities_may_miss_one_by_rounding(tmp_path: Path) -> None:
    off = {"probabilities": NUMBERS | {"continuous": 0.25 + 1e-12}}
    path = stored_fields(tmp_path / "whole.nc", json.dumps(FIELDS | off))
    assert Verdict.load(path).probabilities["continuous"] == 0.25 + 1e-12


@pytest.mark.parametrize("path", [3, None, 2.5, b"verdict.nc", ["verdict.nc"]])
def test_a_place_is_a_path(path: Any) -> None:
    with pytest.raises(
        InvalidValueError, match="a place for a verdict must be a path, received"
    ):
        make().save(path)
    with pytest.raises(
        InvalidValueError, match="a place for a verdict must be a path, received"
    ):
        Verdict.load(path)
