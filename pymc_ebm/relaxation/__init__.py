"""Discrete variables as Gaussian fields with their exact density."""
