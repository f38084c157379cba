"""How much associative memories hold: measured, and by theory."""

from pymc_ebm.memory.basin import basin
from pymc_ebm.memory.capacity import capacity
from pymc_ebm.memory.replica_theory import replica_capacity, replica_overlap

__all__ = ["basin", "capacity", "replica_capacity", "replica_overlap"]
