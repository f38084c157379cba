"""Numba inner loops: arrays in, arrays out, no PyMC, no validation."""
