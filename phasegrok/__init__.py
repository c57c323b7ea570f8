"""Measure neural-network training the way physicists measure matter.

The names a user types every day are here and are loaded when they are first used, as are the
rooms of the analysis side: ``phasegrok.verdict.order_of_transition``. What needs torch stays in
its room: ``from phasegrok.collect import collect``.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from phasegrok.runs import from_frame, grid_view, open_runs, open_tree, record, validate
    from phasegrok.study import Energy, Plan, Recording, Study, part, read_study

    __version__: str

__all__ = [
    "Energy",
    "Plan",
    "Recording",
    "Study",
    "__version__",
    "from_frame",
    "grid_view",
    "open_runs",
    "open_tree",
    "part",
    "read_study",
    "record",
    "validate",
]

_HOMES: Final = {
    **dict.fromkeys(
        ("from_frame", "grid_view", "open_runs", "open_tree", "record", "validate"), "runs"
    ),
    **dict.fromkeys(("Energy", "Plan", "Recording", "Study", "part", "read_study"), "study"),
}
_ROOMS: Final = (
    "exact",
    "inference",
    "plotting",
    "runs",
    "statistics",
    "study",
    "theory",
    "transitions",
    "verdict",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        found: Any = importlib.import_module("importlib.metadata").version("phasegrok")
    elif name in _ROOMS:
        found = importlib.import_module(f"phasegrok.{name}")
    elif name in _HOMES:
        found = getattr(importlib.import_module(f"phasegrok.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
