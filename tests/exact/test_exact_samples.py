"""Seeds by labels, names of runs, and joining of sizes, for every system of the room."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    Chains,
    GaussianMixture,
    autoregressive,
    concatenated,
    curie_weiss_ising,
    curie_weiss_potts,
    double_well,
    driven_single_well,
    gaussian_mixture,
    glauber,
    ising,
    metropolis,
    potts,
)

Sampler = Callable[[Any, int, int], xr.Dataset]


def chains(replicas: int) -> Chains:
    return Chains(record_count=6, replica_count=replicas)


SAMPLERS: dict[str, tuple[str, Sampler]] = {
    "potts": (
        "inverse_temperature",
        lambda controls, replicas, seed: potts(
            state_count=3,
            linear_extent=5,
            inverse_temperature=controls,
            chains=chains(replicas),
            seed=seed,
        ),
    ),
    "ising": (
        "inverse_temperature",
        lambda controls, replicas, seed: ising(
            linear_extent=5, inverse_temperature=controls, chains=chains(replicas), seed=seed
        ),
    ),
    "metropolis": (
        "field",
        lambda controls, replicas, seed: metropolis(
            linear_extent=6,
            inverse_temperature=0.4,
            field=controls,
            chains=chains(replicas),
            seed=seed,
        ),
    ),
    "glauber": (
        "inverse_temperature",
        lambda controls, replicas, seed: glauber(
            linear_extent=6, inverse_temperature=controls, chains=chains(replicas), seed=seed
        ),
    ),
    "curie_weiss_ising": (
        "inverse_temperature",
        lambda controls, replicas, seed: curie_weiss_ising(
            size=30,
            inverse_temperature=controls,
            record_count=6,
            replica_count=replicas,
            seed=seed,
        ),
    ),
    "curie_weiss_potts": (
        "inverse_temperature",
        lambda controls, replicas, seed: curie_weiss_potts(
            size=30,
            inverse_temperature=controls,
            record_count=6,
            replica_count=replicas,
            seed=seed,
        ),
    ),
    "double_well": (
        "temperature",
        lambda controls, replicas, seed: double_well(
            barrier=1.0, temperature=controls, record_count=6, replica_count=replicas, seed=seed
        ),
    ),
    "driven_single_well": (
        "field",
        lambda controls, replicas, seed: driven_single_well(
            size=30, field=controls, record_count=6, replica_count=replicas, seed=seed
        ),
    ),
    "gaussian_mixture": (
        "field",
        lambda controls, replicas, seed: gaussian_mixture(
            GaussianMixture(),
            size=30,
            field=controls,
            record_count=6,
            replica_count=replicas,
            seed=seed,
        ),
    ),
    "autoregressive": (
        "coefficient",
        lambda controls, replicas, seed: autoregressive(
            coefficient=controls, record_count=6, replica_count=replicas, seed=seed
        ),
    ),
}
EVERY = pytest.mark.parametrize(("control", "sampler"), SAMPLERS.values(), ids=SAMPLERS)


def stacked(samples: xr.Dataset) -> np.ndarray[Any, Any]:
    return np.stack([each.values for each in samples.data_vars.values()])


@EVERY
def test_more_controls_and_replicas_change_no_existing_number(
    control: str, sampler: Sampler
) -> None:
    few = sampler([0.4, 0.5], 2, 3)
    many = sampler([0.45, 0.5, 0.3, 0.4], 3, 3)
    assert len(set(many["run_id"].values)) == 12
    for run in range(few.sizes["run"]):
        same = (
            (many[control].values == few[control].values[run])
            & (many["replica"].values == few["replica"].values[run])
        )  # fmt: skip
        match = int(np.flatnonzero(same).item())
        np.testing.assert_array_equal(stacked(many)[:, match], stacked(few)[:, run])
        assert many["run_id"].values[match] == few["run_id"].values[run]


@EVERY
def test_another_label_is_another_stream(control: str, sampler: Sampler) -> None:
    samples = sampler([0.4, 0.41], 2, 3)
    rows = stacked(samples)[0]
    others = stacked(sampler([0.4, 0.41], 2, 4))[0]
    pairs = [(rows[i], rows[j]) for i in range(4) for j in range(i)]
    for one, other in [*pairs, *zip(rows, others, strict=True)]:
        assert not np.array_equal(one, other), control


@EVERY
def test_attribute_states_what_was_made(control: str, sampler: Sampler) -> None:
    samples = sampler([0.4, 0.5], 1, 3)
    assert phasegrok.validate(samples) == []
    attribute = json.loads(samples.attrs["phasegrok"])
    assert attribute["provenance"]["seed"] == attribute["identity"]["seed"] == 3
    assert {"numpy", "scipy", "phasegrok"} <= set(attribute["provenance"]["packages"])
    assert control in attribute["controls"]


def test_an_alone_lattice_is_the_same_in_a_batch_of_many_chunks() -> None:
    # 20 lattices of 64 x 64 are several graphs; the third lies in another chunk when alone.
    betas = np.linspace(0.9, 1.1, 20)
    schedule = Chains(record_count=3, starts=("hot", "cold"))
    many, alone = (
        potts(
            state_count=3, linear_extent=64, inverse_temperature=each, chains=schedule, seed=1
        )
        for each in (betas, betas[7:8])
    )
    np.testing.assert_array_equal(stacked(many)[:, 14:16], stacked(alone))


def test_longer_chains_begin_like_shorter_ones() -> None:
    short, long = (
        metropolis(
            linear_extent=6,
            inverse_temperature=0.4,
            chains=Chains(record_count=count, starts=("up",)),
            seed=1,
        )
        for count in (7, 200)
    )
    np.testing.assert_array_equal(stacked(long)[:, :, :7], stacked(short))


def test_sparser_records_are_those_of_the_same_chain() -> None:
    every, third = (
        ising(linear_extent=6, inverse_temperature=0.4, chains=schedule, seed=1)
        for schedule in (
            Chains(record_count=20),
            Chains(record_count=6, sweeps_per_record=3, discarded_sweeps=2),
        )
    )
    np.testing.assert_array_equal(stacked(every)[:, :, 2:20:3], stacked(third))


def test_sizes_are_joined_with_fill() -> None:
    sizes = [
        ising(
            linear_extent=extent,
            inverse_temperature=[0.4, 0.44],
            chains=Chains(record_count=count, sweeps_per_record=stride),
            seed=1,
        )
        for extent, count, stride in ((4, 10, 1), (6, 7, 2), (8, 10, 1))
    ]
    joined = concatenated(sizes)
    assert phasegrok.validate(joined) == []
    assert joined["linear_extent"].values.tolist() == [4, 4, 6, 6, 8, 8]
    assert joined["record_count"].values.tolist() == [10, 10, 7, 7, 10, 10]
    np.testing.assert_array_equal(joined["energy"].values[:2], sizes[0]["energy"].values)
    np.testing.assert_array_equal(joined["energy"].values[2:4, :7], sizes[1]["energy"].values)
    assert np.isnan(joined["energy"].values[2:4, 7:]).all()
    assert joined["step"].values[2, :7].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert joined["energy"].attrs == sizes[0]["energy"].attrs
    plain = xr.concat([sizes[0], sizes[2]], "run", data_vars="all", coords="all")
    assert phasegrok.validate(plain) == []


def test_what_cannot_be_joined_is_refused() -> None:
    one = ising(linear_extent=4, inverse_temperature=0.4, chains=chains(1), seed=1)
    other = curie_weiss_ising(size=4, inverse_temperature=0.4, record_count=6, seed=1)
    with pytest.raises(InvalidValueError, match="at least one dataset"):
        concatenated([])
    with pytest.raises(InvalidValueError, match="are only in some"):
        concatenated([one, other])
    with pytest.raises(InvalidValueError, match="in one dataset only"):
        concatenated([one, one])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"record_count": 0}, "record_count must be a whole number of at least 1"),
        ({"record_count": True}, "record_count must be a whole number"),
        ({"sweeps_per_record": 0}, "sweeps_per_record must be"),
        ({"discarded_sweeps": -1}, "discarded_sweeps must be a whole number of at least 0"),
        ({"replica_count": 1.0}, "replica_count must be"),
        ({"starts": ()}, "starts must be a tuple"),
        ({"starts": "hot"}, "starts must be a tuple"),
        ({"starts": ("hot", "hot")}, "starts must differ"),
    ],
)
def test_schedules_without_meaning_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Chains(**{"record_count": 3, **change})
