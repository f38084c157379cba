"""log Z with an error bar: numbers, and tables for posteriors."""

from pymc_ebm.log_z.estimated.estimate import estimate_log_partition
from pymc_ebm.log_z.estimated.table import LogPartitionTable

__all__ = ["LogPartitionTable", "estimate_log_partition"]
