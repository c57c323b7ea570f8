"""Driven runs: switching fields, loops, their laws and the limits of metastability."""
