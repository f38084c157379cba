"""Discrete variables as Gaussian fields: exact, with one real coordinate a factor's column."""
