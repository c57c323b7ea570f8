"""A start at given weights."""

from typing import Any

import torch

from phasegrok.dynamics import StartContext
from phasegrok.networks import Parameters

ROW: Any = None


def stored(context: StartContext) -> Parameters:
    rows = torch.as_tensor(ROW)[None].to(context.dtype)
    return {
        name: view[0].clone() for name, view in context.network.layout().split(rows).items()
    }
