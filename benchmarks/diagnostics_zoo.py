"""Detection and false-alarm rates of the ergodicity report, on chains whose health is known.

Run with ``python -m benchmarks.diagnostics_zoo [seeds]`` (50 by default): about a quarter of an
hour on two cores. Writes ``docs/zoo_results.md``. The report without a model and ArviZ's verdicts,
which are there for comparison, are taken on the first ten seeds.
"""

from __future__ import annotations

import os
import sys
import time

from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import arviz as az
import numpy as np

import pymc_ebm as ebm

from benchmarks.zoo_cases import HEALTHY, SICK

RESULTS = Path(__file__).parents[1] / "docs" / "zoo_results.md"
CASES = [*SICK, *HEALTHY]
COMPARED = 10  # seeds
WHO = ("report", "without model", "diagnose", "rhat_ess")


def judge(number: int, seeds: range) -> dict:
    """Run one case on all seeds; count who raises the alarm."""
    case = CASES[number]
    caught = Counter()
    by_check: Counter[str] = Counter()
    seconds = []
    model = case.model()
    for seed in seeds:
        idata = case.run(1000 * number + seed)
        start = time.perf_counter()
        report = ebm.ergodicity(idata, model, probe=case.probe, quiet=True)
        seconds.append(time.perf_counter() - start)
        caught["report"] += not report.passed
        by_check.update(set(report.failures["check"]))
        if len(seconds) > COMPARED:
            continue
        alarm, found = az.diagnose(idata, show_diagnostics=False, return_diagnostics=True)
        caught["diagnose"] += bool(alarm)
        caught["rhat_ess"] += bool(found["rhat"]["bad_params"]) or bool(found["ess"]["bad_params"])
        blind = ebm.ergodicity(idata, quiet=True)
        caught["without model"] += not blind.passed
    return {
        "number": number,
        "n": len(seeds),
        "caught": caught,
        "by_check": by_check,
        "seconds": float(np.median(seconds)),
    }


def runs_of(result: dict, who: str) -> int:
    """Return on how many seeds this judge was asked."""
    return result["n"] if who == "report" else min(result["n"], COMPARED)


def table(results: list[dict], sick: bool) -> str:
    """Write one half of the zoo as Markdown."""
    lines = [
        "| chains | report with model | without model | `az.diagnose` | R-hat, ESS | "
        + ("caught by | needs |" if sick else "alarms of |"),
        "|---|---|---|---|---|---|" + ("---|" if sick else ""),
    ]
    for r in results:
        case = CASES[r["number"]]
        if case.sick != sick:
            continue
        shares = [f"{r['caught'][who] / runs_of(r, who):.0%}" for who in WHO]
        checks = ", ".join(f"{name} {k}" for name, k in r["by_check"].most_common(4)) or "–"
        tail = [checks, case.needs or "–"] if sick else [checks]
        lines.append("| " + " | ".join([case.name, *shares, *tail]) + " |")
    rows = [r for r in results if CASES[r["number"]].sick == sick]
    total = [
        f"{sum(r['caught'][who] for r in rows) / sum(runs_of(r, who) for r in rows):.1%}"
        for who in WHO
    ]
    lines.append("| **all** | " + " | ".join(total) + " | |" + (" |" if sick else ""))
    return "\n".join(lines)


def main() -> None:
    """Judge the zoo, print, write."""
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
    chosen = [int(k) for k in sys.argv[2:]] or range(len(CASES))
    # two processes with a pool of threads each wait for one another
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with get_context("spawn").Pool(2) as pool:
        jobs = [pool.apply_async(judge, (number, seeds)) for number in chosen]
        results = []
        for job in jobs:
            r = job.get()
            results.append(r)
            print(
                f"{CASES[r['number']].name:28s}"
                + "".join(f" {who} {r['caught'][who]:3d}" for who in WHO)
                + f" of {r['n']}  {r['seconds']:.2f} s  {dict(r['by_check'].most_common(5))}",
                flush=True,
            )  # fmt: skip
    if len(sys.argv) > 2:
        return
    text = (
        "# The zoo\n\nWritten by `python -m benchmarks.diagnostics_zoo`; do not edit. Each row is "
        f"{len(seeds)} runs of four chains with 1 000 draws each: how often somebody raised the "
        f"alarm; columns 3 to 5 are {min(len(seeds), COMPARED)} of these runs.\n\n"
        "## Sick chains: detection\n\n"
        + table(results, sick=True)
        + "\n\n## Healthy chains: false alarms\n\n"
        + table(results, sick=False)
        + "\n\nMedian time of a report with its model: "
        + f"{np.median([r['seconds'] for r in results]):.2f} s, longest "
        + f"{max(r['seconds'] for r in results):.2f} s.\n"
    )
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
