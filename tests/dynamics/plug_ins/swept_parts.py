"""A task in whose numbers targets are affine, quadratic, or not alone in what changes."""

from dataclasses import dataclass

import numpy as np

from phasegrok.seeding import seed
from phasegrok.tasks import Examples, TaskData


@dataclass(frozen=True, kw_only=True)
class Line:
    """y = slope · x + curvature² · x² on inputs times stretch."""

    slope: float = 1.0
    curvature: float = 0.0
    stretch: float = 1.0
    example_count: int = 9
    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (2,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        source = np.random.default_rng(seed(study_seed, "line", {"disorder": disorder}))
        inputs = self.stretch * source.standard_normal((self.example_count, 2))
        x = inputs[:, 0]
        targets = self.slope * x + self.curvature**2 * x**2
        return TaskData(train=Examples(inputs=inputs, targets=targets))


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Nothing goes in and nothing shall come out: the loss is zero, whatever the weights."""

    example_count: int = 2
    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (2,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        del study_seed, disorder
        nothing = np.zeros((self.example_count, 2))
        return TaskData(train=Examples(inputs=nothing, targets=nothing[:, 0]))
