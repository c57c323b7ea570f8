"""Phases of the neurons of a network: coexistence at the level of neurons."""
