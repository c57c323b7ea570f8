"""Independent draws of a deep linear network with one input and one output, with weight decay.

One hidden layer learns by a continuous transition, two or more by a first-order one, in the
limit of low temperature at fixed width (Ziyin and Ueda, arXiv:2205.12510).
"""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.checking import FloatArray, points, whole_number
from phasegrok.exact.continuous_law import ContinuousLaw
from phasegrok.exact.deep_linear_law import DeepLinearNetwork, deep_linear_law
from phasegrok.exact.deep_linear_norms import sum_of_squares
from phasegrok.exact.labels import Source, laid_out
from phasegrok.exact.limits import moderate_positive
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset

__all__ = ["deep_linear"]


def deep_linear(  # noqa: PLR0913 - the network, its controls and how many runs
    *,
    layer_count: int,
    width: int,
    temperature: ArrayLike,
    weight_decay: ArrayLike,
    record_count: int,
    replica_count: int = 1,
    seed: int,
    target: float = 1.0,
) -> xr.Dataset:
    """Draw all weights from exp(-U/T), U = ½ (s - W_L...W_1)² + (λ/2) Σ_l |W_l|².

    The product of the hidden layers' norms is drawn by the inverse of its distribution
    function, which is off by less than 10⁻⁵ (see `quantile_of`); all else is exact. At fixed
    width the size is 1/T. Where T h is held fixed instead it is the width, by
    ``samples.assign_coords(size=samples["width"])``.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30.
    width : int
        h, neurons of every hidden layer.
    temperature : array_like
        T, above zero; broadcast against the weight decay.
    weight_decay : array_like
        λ, above zero, the same for all layers.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per point.
    seed : int
        Runs with equal labels (L, s, h, T, λ, replica) are equal in every call.
    target : float
        s, above zero: what the output is to be at the input 1.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``, the output m = W_L...W_1; ``energy``, U;
        ``half_square_norm``, ½ Σ_l |W_l|² = ∂U/∂λ. Coordinates ``temperature``,
        ``weight_decay``, ``width``, ``size`` (1/T).

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.
    """
    records = whole_number("record_count", record_count, minimum=1)
    layers = whole_number("layer_count", layer_count, minimum=2)
    neurons = whole_number("width", width, minimum=1)
    aim = moderate_positive("target", target)
    given = {"temperature": temperature, "weight_decay": weight_decay}
    controls = [{**each, "width": neurons} for each in points(given, positive=list(given))]
    source = Source(
        system="deep_linear",
        seed=seed,
        integrator="independent_draws",
        parameters={"layer_count": layers, "target": aim},
    )
    runs = laid_out(controls, replica_count=replica_count)
    require_dataset_memory(runs, records, variable_count=10)
    networks = [
        DeepLinearNetwork.checked(
            layer_count=layers,
            width=neurons,
            temperature=run.controls["temperature"],
            weight_decay=run.controls["weight_decay"],
            target=aim,
        )
        for run in runs
    ]
    generators = [source.generator(run.plain()) for run in runs]
    output, half_norm = _all_draws(networks, generators, records)
    heat = np.array([each.temperature for each in networks])
    decay = np.array([each.weight_decay for each in networks])
    energy = (aim - output) ** 2 / 2 + decay[:, None] * half_norm
    variables = {
        "order_parameter": Observed(values=output, long_name="output of the network"),
        "energy": Observed(values=energy, long_name="energy"),
        "half_square_norm": Observed(values=half_norm, long_name="half of all squared weights"),
    }
    return samples_dataset(
        source, runs, step=np.arange(records), variables=variables, derived={"size": 1 / heat}
    )


def quantile_of(law: ContinuousLaw, probability: FloatArray) -> FloatArray:
    """Place below which each probability lies, the density being log-linear in each cell.

    The mass of every cell is exact, so the error of the distribution function is a small part
    of the mass of one cell: less than 10⁻⁵, which a test of Kolmogorov and Smirnov would
    notice after 10¹⁰ draws. It takes two exponents a cell in place of fifty a draw.

    Parameters
    ----------
    law : ContinuousLaw
        With narrow cells.
    probability : (...) array
        In [0, 1).

    Returns
    -------
    (...) array
    """
    mass = probability * law.normalisation
    cell = np.searchsorted(law.cumulative, mass, side="right") - 1
    cell = np.clip(cell, 0, len(law.edges) - 2)
    share = (mass - law.cumulative[cell]) / np.diff(law.cumulative)[cell]
    fall = np.diff(law.exponent(law.edges))
    # A density that is constant within a cell is the limit; 10⁻⁹ is as good as zero.
    fall = np.where(np.abs(fall) < 1e-9, 1e-9, fall)[cell]
    part = -np.log1p(share * np.expm1(-fall)) / fall
    result: FloatArray = law.edges[cell] + np.clip(part, 0, 1) * np.diff(law.edges)[cell]
    return result


def _all_draws(
    networks: Sequence[DeepLinearNetwork],
    generators: Sequence[np.random.Generator],
    count: int,
) -> FloatArray:
    """Output and ½ Σ_l |W_l|², (quantity, run, record)."""
    result = np.empty((2, len(networks), count))
    previous: DeepLinearNetwork | None = None
    for row, (network, generator) in enumerate(zip(networks, generators, strict=True)):
        # Runs of one point follow each other.
        if network != previous:
            law, previous = deep_linear_law(**asdict(network)), network
        result[:, row] = _draws(network, law, generator, count)
    return result


def _draws(
    network: DeepLinearNetwork, law: ContinuousLaw, generator: np.random.Generator, count: int
) -> tuple[FloatArray, FloatArray]:
    """Output and ½ Σ_l |W_l|² of independent draws, (record,) each."""
    product = np.exp(quantile_of(law, generator.random(count)))
    mean, variance = network.last_layer(product)
    last = mean + np.sqrt(variance) * generator.standard_normal(count)
    spread = network.temperature / network.weight_decay
    square = last**2
    if network.free_count:
        square += spread * generator.chisquare(network.free_count, count)
    # Σ r² in units in which each norm has the weight exp(-r²).
    scaled = np.log(product) - network.hidden_count / 2 * np.log(2 * spread)
    square += 2 * spread * sum_of_squares(network.hidden_count, scaled, generator)
    return product * last, square / 2
