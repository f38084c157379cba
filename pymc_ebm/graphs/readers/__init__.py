"""Graphs and models of other libraries and file formats, one reader a file."""

from pymc_ebm.graphs.readers.dimod import from_dimod
from pymc_ebm.graphs.readers.libpysal import from_libpysal
from pymc_ebm.graphs.readers.networkx import from_networkx
from pymc_ebm.graphs.readers.pandas import from_pandas
from pymc_ebm.graphs.readers.scipy import from_scipy

__all__ = ["from_dimod", "from_libpysal", "from_networkx", "from_pandas", "from_scipy"]
