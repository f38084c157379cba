"""Run the benchmarks and write their table: ``python -m benchmarks.run``.

A module that fails is reported at the end, and its rows are missing.
"""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback

from pathlib import Path

import numba
import numpy as np
import pymc as pm

from benchmarks import (
    diagnostics_speed,
    discrete,
    gradients,
    import_time,
    jax_peers,
    learning,
    partition,
    relaxation,
    spin_updates,
)
from benchmarks.measurement import Row

RESULTS = Path(__file__).parent / "results.md"


def number(value: float) -> str:
    """Write a figure with three significant digits and thousands apart."""
    return f"{float(f'{value:.3g}'):,.10g}".replace(",", " ")


def table(rows: list[Row]) -> str:
    """Write rows as Markdown."""
    lines = [
        "| job | peer | ours | theirs | unit | ratio | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        cells = (r.job, r.peer, number(r.ours), number(r.theirs), r.unit, number(r.ratio), r.goal)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    rows: list[Row] = []
    failed = []
    for module in (
        import_time,
        gradients,
        spin_updates,
        discrete,
        jax_peers,
        learning,
        relaxation,
        partition,
        diagnostics_speed,
    ):
        print(f"{module.__name__} …", flush=True)
        start = time.perf_counter()
        try:
            rows += module.measure()
        except Exception:
            traceback.print_exc()
            failed.append(module.__name__)
        print(f"{module.__name__}: {time.perf_counter() - start:.0f} s", flush=True)
    text = (
        "# Benchmarks\n\nWritten by `make benchmarks`; do not edit. The figures of a row come from "
        "one run, taken in turn: the best of each, and the median of the paired ratios.\n\n"
        f"{table(rows)}\n\n"
        f"{os.cpu_count()} cores, Python {platform.python_version()}, PyMC {pm.__version__}, "
        f"NumPy {np.__version__}, numba {numba.__version__}.\n"
    )
    RESULTS.write_text(text)
    print(f"\n{text}\nin {RESULTS}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
