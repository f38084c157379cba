"""log Z of discrete energies, exactly, one method a file."""

from pymc_ebm.log_z.exact.log_partition import log_partition

__all__ = ["log_partition"]
