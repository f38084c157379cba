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
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
        raise RuntimeError(
            "pymc_ebm keeps compiled kernels beside its source or in the user's cache, and neither "
            f"can be written ({error}). Set the environment variable NUMBA_CACHE_DIR to a folder "
            "that can, before Python starts: NUMBA_CACHE_DIR=/tmp/numba. PyTensor's own is set by "
            "PYTENSOR_FLAGS=base_compiledir=/tmp/pytensor."
        ) from None
