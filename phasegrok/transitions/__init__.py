"""Signatures of transitions: what speaks for phases that coexist, and how surely."""

from phasegrok.transitions.coexistence import (
    CoexistenceFit,
    Decision,
    fit_coexistence,
    fit_coexistence_labelled,
)

__all__ = ["CoexistenceFit", "Decision", "fit_coexistence", "fit_coexistence_labelled"]
