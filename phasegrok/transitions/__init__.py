"""Signatures of transitions: what speaks for phases that coexist, and how surely."""

from phasegrok.transitions.coexistence import fit_coexistence, fit_coexistence_labelled
from phasegrok.transitions.coexistence_fit import CoexistenceFit
from phasegrok.transitions.decision import Decision

__all__ = ["CoexistenceFit", "Decision", "fit_coexistence", "fit_coexistence_labelled"]
