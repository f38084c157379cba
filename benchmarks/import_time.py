"""What `import pymc_ebm` adds to `import pymc`."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.measurement import Row

CODE = """
import time
import pymc
start = time.perf_counter()
import pymc_ebm
print(time.perf_counter() - start)
"""
BASE = "import time; start = time.perf_counter(); import pymc; print(time.perf_counter() - start)"


def seconds(code: str) -> float:
    """Run code in a fresh interpreter and return the seconds it prints."""
    return float(subprocess.check_output([sys.executable, "-c", code]))


def measure() -> list[Row]:
    """Return the rows of the results table."""
    seconds(CODE)
    added = statistics.median(seconds(CODE) for _ in range(7))
    base = statistics.median(seconds(BASE) for _ in range(3))
    return [
        Row("import pymc_ebm after pymc", "import pymc", added, base, "s", added / base, "≤ 0.3 s")
    ]
