"""Milliseconds per run and Langevin step: phasegrok beside its peers, in one process.

Every contender makes the same Euler steps of two-layer erf networks on the same data, noise
included. Times are medians over rounds in which all contenders take turns, so that a slow
moment of the machine hits them alike; compare the ratios.

    python benchmarks/throughput.py            # the two sizes of the documentation
    python benchmarks/throughput.py --tiny     # seconds: does it still run?
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import torch

from phasegrok.dynamics import build_run
from phasegrok.dynamics.batch import build_batch
from phasegrok.study import Energy, Plan, Recording, Study, part, requested_runs


class Size(NamedTuple):
    """One network and data set."""

    inputs: int
    width: int
    examples: int
    runs: int
    loop_runs: int


SIZES = {"53-88-375": Size(53, 88, 375, 64, 16), "20-16-256": Size(20, 16, 256, 256, 32)}
TINY = {"5-8-32": Size(5, 8, 32, 4, 2)}
STEP, TEMPERATURE, DECAY = 1e-6, 0.18, 1.0

Contender = Callable[[], None]
"""Makes one step of all its runs."""


def study(size: Size) -> Study:
    """Langevin dynamics of many replicas on one disorder."""
    return Study(
        name="throughput",
        seed=1,
        task=part(
            "cubic_teacher",
            input_size=size.inputs,
            example_count=size.examples,
            cubic=-0.3,
            test_count=0,
        ),
        network=part("two_layer", width=size.width, first_variance=0.5, readout_variance=0.03),
        dynamics=part("langevin", step_size=STEP),
        energy=Energy(temperature=TEMPERATURE, weight_decay=DECAY),
        recording=Recording(steps=1),
        plan=Plan(replicas=size.runs),
    )


def phasegrok_steps(size: Size) -> tuple[Contender, int]:
    """The library's own training loop, recording left out."""
    description = study(size)
    runs = [build_run(description, each) for each in requested_runs(description)]
    batch = build_batch(description, runs, torch.device("cpu"))
    batch.integrator.begin(batch.state, batch.system, batch.drive.settings)
    return batch.advance, size.runs


def data(size: Size) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(size.examples, size.inputs, generator=generator)
    return inputs, inputs[:, 0] - 0.3 * (inputs[:, 0] ** 3 - 3.0 * inputs[:, 0])


def weights(size: Size, runs: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Initial weights of many runs."""
    generator = torch.Generator().manual_seed(2)
    first = torch.randn(runs, size.width, size.inputs, generator=generator) / size.inputs**0.5
    return first, torch.randn(runs, size.width, generator=generator) / size.width


def energy(
    first: torch.Tensor, readout: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """U of one run, as a PyTorch user writes it."""
    errors = torch.erf(inputs @ first.T) @ readout - targets
    decay = 0.5 * DECAY * (first.square().sum() + readout.square().sum())
    return 0.5 * errors.square().sum() + decay


def torch_loop(size: Size) -> tuple[Contender, int]:
    """A Python loop over single networks, the usual way."""
    inputs, targets = data(size)
    firsts, readouts = weights(size, size.loop_runs)
    networks = [
        (first.clone().requires_grad_(), readout.clone().requires_grad_())
        for first, readout in zip(firsts, readouts, strict=True)
    ]
    amplitude = math.sqrt(2.0 * STEP * TEMPERATURE)

    def step() -> None:
        for parameters in networks:
            gradients = torch.autograd.grad(energy(*parameters, inputs, targets), parameters)
            with torch.no_grad():
                for value, gradient in zip(parameters, gradients, strict=True):
                    value.sub_(gradient, alpha=STEP)
                    value.add_(torch.randn_like(value), alpha=amplitude)

    return step, size.loop_runs


def torch_vmap(size: Size) -> tuple[Contender, int]:
    """``vmap(grad)`` over the runs."""
    inputs, targets = data(size)
    parameters = weights(size, size.runs)
    gradient = torch.func.vmap(
        torch.func.grad(energy, argnums=(0, 1)), in_dims=(0, 0, None, None)
    )
    amplitude = math.sqrt(2.0 * STEP * TEMPERATURE)

    def step() -> None:
        for value, slope in zip(
            parameters, gradient(*parameters, inputs, targets), strict=True
        ):
            value.sub_(slope, alpha=STEP)
            value.add_(torch.randn_like(value), alpha=amplitude)

    return step, size.runs


def jax_vmap(size: Size) -> tuple[Contender, int]:
    """``jit(vmap(grad))`` over the runs, noise inside."""
    inputs, targets = (jnp.asarray(each.numpy()) for each in data(size))
    state = [
        tuple(jnp.asarray(each.numpy()) for each in weights(size, size.runs)),
        jax.random.key(0),
    ]
    amplitude = math.sqrt(2.0 * STEP * TEMPERATURE)

    def one_energy(first: jax.Array, readout: jax.Array) -> jax.Array:
        errors = jax.scipy.special.erf(inputs @ first.T) @ readout - targets
        decay = 0.5 * DECAY * (jnp.sum(first**2) + jnp.sum(readout**2))
        return 0.5 * jnp.sum(errors**2) + decay

    def update(
        parameters: tuple[jax.Array, ...], key: jax.Array
    ) -> tuple[tuple[jax.Array, ...], jax.Array]:
        slopes = jax.vmap(jax.grad(one_energy, argnums=(0, 1)))(*parameters)
        key, *own = jax.random.split(key, 3)
        moved = tuple(
            value - STEP * slope + amplitude * jax.random.normal(source, value.shape)
            for value, slope, source in zip(parameters, slopes, own, strict=True)
        )
        return moved, key

    compiled = jax.jit(update)

    def step() -> None:
        state[:] = compiled(*state)
        next(iter(state[0])).block_until_ready()

    return step, size.runs


def kernels(size: Size) -> tuple[Contender, int]:
    """The unavoidable: two large products, two small ones, erf, its slope, noise.

    Pieces fit the cache and every result has its buffer; nothing is assembled or updated.
    """
    pieces, per_piece = 8, 4 if size.width > 40 else 16
    first, readout = weights(size, per_piece)
    inputs, _ = data(size)
    columns = inputs.T.contiguous().expand(per_piece, -1, -1)
    pair = readout[:, None].expand(-1, 2, -1).contiguous()
    hidden = torch.empty(per_piece, size.width, size.examples)
    value, slope, gradient = (
        torch.empty_like(hidden),
        torch.empty_like(hidden),
        torch.empty_like(first),
    )
    answers = torch.empty(per_piece, 2, size.examples)
    small = torch.empty_like(pair)
    noise = torch.empty(first[0].numel() + readout[0].numel())
    generator = torch.Generator().manual_seed(3)
    zero, rate = torch.zeros(()), -math.log2(math.e)

    def step() -> None:
        for _ in range(pieces):
            torch.bmm(first, columns, out=hidden)
            torch.erf(hidden, out=value)
            torch.addcmul(zero, hidden, hidden, value=rate, out=slope).exp2_()
            torch.bmm(pair, value, out=answers)
            torch.bmm(answers, value.transpose(1, 2), out=small)
            torch.bmm(slope, columns.transpose(1, 2), out=gradient)
            for _ in range(per_piece):
                noise.normal_(generator=generator)

    return step, pieces * per_piece


CONTENDERS = {
    "kernels": kernels,
    "phasegrok": phasegrok_steps,
    "jax jit(vmap(grad))": jax_vmap,
    "torch vmap(grad)": torch_vmap,
    "torch loop": torch_loop,
}


def measure(size: Size, rounds: int) -> dict[str, float]:
    """Median milliseconds per run and step of each contender, all taking turns."""
    made = {name: make(size) for name, make in CONTENDERS.items()}
    times: dict[str, list[float]] = {name: [] for name in made}
    for step, _ in made.values():
        step()
    for _ in range(rounds):
        for name, (step, runs) in made.items():
            began = time.perf_counter()
            step()
            step()
            times[name].append((time.perf_counter() - began) * 500.0 / runs)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="one small size, two rounds")
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sizes, rounds = (TINY, 2) if arguments.tiny else (SIZES, arguments.rounds)
    for label, size in sizes.items():
        times = measure(size, rounds)
        own = times["phasegrok"]
        print(f"\n{label} (inputs-hidden-examples), {size.runs} runs, float32, one thread")
        print(f"{'':22s} {'ms/run/step':>12s} {'over phasegrok':>15s}")
        for name, value in times.items():
            print(f"{name:22s} {value:12.4f} {value / own:15.2f}")


if __name__ == "__main__":
    main()
