"""Numba inner loops: arrays in, arrays out, no PyMC, no validation.

Numba takes half a second to import, so a kernel's module is loaded when it is first used: write
``kernels.heat_bath.weighted_sweeps(...)``.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Load a kernel's module."""
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
