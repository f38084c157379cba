"""log Z with an error bar: numbers, and tables for posteriors."""

from pymc_ebm.estimation.estimate import estimate_log_partition
from pymc_ebm.estimation.table import LogPartitionTable

__all__ = ["LogPartitionTable", "estimate_log_partition"]
