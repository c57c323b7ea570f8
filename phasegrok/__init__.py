"""Measure neural-network training the way physicists measure matter."""
