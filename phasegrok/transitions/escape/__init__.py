"""Lifetimes of metastable phases, censored or dated between two looks."""
