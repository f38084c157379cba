"""Energies as PyMC random variables and potentials: declared, checked, registered."""
