"""Which order a transition has, how sure, on what grounds, and what speaks against it."""

from phasegrok.verdict.order import order_of_transition
from phasegrok.verdict.result import Verdict

__all__ = ["Verdict", "order_of_transition"]
