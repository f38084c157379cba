"""The ergodicity report: run every check, say what it means and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pymc_ebm.diagnostics import bfmi, chain_agreement, ess, mcse, movement, rhat
from pymc_ebm.diagnostics.finding import Finding
from pymc_ebm.diagnostics.quantities import collect

SERIES_CHECKS = (movement.check, rhat.check, ess.check, mcse.check, chain_agreement.check)
TRACE_CHECKS = (bfmi.check,)
FILE_WIDTH = 150  # of a table that goes to a file or a pipe
WIDE = 110  # columns from which meaning and remedy fit beside the numbers
SHOWN_FAILURES = 8  # of the entries of variables; energies and order parameters are always shown


@dataclass(frozen=True)
class ErgodicityReport:
    """Verdicts on a trace.

    Parameters
    ----------
    findings : sequence of Finding
        One a check and quantity.
    notes : sequence of str
        What was left out.

    Attributes
    ----------
    passed : bool
        Whether every check passed. It says that nothing was found wrong: a mode that no chain has
        visited leaves no trace.
    table : pandas.DataFrame
        Columns check, quantity, kind, value, threshold, verdict, meaning, remedy.
    failures : pandas.DataFrame
        The rows that did not pass.
    """

    findings: Sequence[Finding]
    notes: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.findings) and all(f.verdict == "pass" for f in self.findings)

    @property
    def table(self) -> pd.DataFrame:
        """All findings, one a row."""
        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame([asdict(f) for f in self.findings], columns=columns)

    @property
    def failures(self) -> pd.DataFrame:
        """The rows that did not pass."""
        table = self.table
        return table[table["verdict"] != "pass"].reset_index(drop=True)

    def _shown(self) -> list[Finding]:
        """Rows for a reader: what speaks for the model, the worst entry a check, some failures."""
        main = [f for f in self.findings if f.kind != "variable"]
        entries = [f for f in self.findings if f.kind == "variable"]
        failed = [f for f in entries if f.verdict != "pass"][:SHOWN_FAILURES]
        worst = []
        for name in dict.fromkeys(f.check for f in entries):
            rows = [f for f in entries if f.check == name and f not in failed]
            if rows:
                worst.append(max(rows, key=_severity))
        chosen = [*main, *failed, *worst]
        return [f for f in self.findings if f in chosen]

    def _verdict(self) -> str:
        failed = sum(f.verdict != "pass" for f in self.findings)
        if self.passed:
            return f"PASSED: {len(self.findings)} checks found nothing wrong."
        return f"FAILED: {failed} of {len(self.findings)} checks did not pass."

    def show(self, console: Console | None = None) -> None:
        """Print the table.

        Parameters
        ----------
        console : rich.console.Console, optional
            Where to print.
        """
        if console is None:
            console = Console()
            if not console.is_terminal:
                console = Console(width=FILE_WIDTH)
        wide = console.width >= WIDE
        table = Table(title="Ergodicity", title_justify="left")
        for column in ("check", "quantity", "value", "threshold", "verdict"):
            numeric = column in ("value", "threshold")
            table.add_column(column, justify="right" if numeric else "left")
        if wide:
            table.add_column("what it means")
            table.add_column("what to do", max_width=48)
        colors = {"pass": "green", "fail": "bold red", "not enough": "yellow"}
        for f in self._shown():
            words = (f.meaning, f.remedy or "–") if wide else ()
            table.add_row(
                f.check,
                escape(f.quantity),
                _number(f.value),
                _number(f.threshold),
                f"[{colors[f.verdict]}]{f.verdict}[/]",
                *words,
            )
        console.print(table)
        if not wide:
            self._show_remedies(console)
        for note in self.notes:
            console.print(f"  note: {note}", style="dim", markup=False)
        hidden = len(self.findings) - len(self._shown())
        if hidden:
            console.print(f"  {hidden} more rows in report.table.", style="dim")
        console.print(self._verdict(), style="bold green" if self.passed else "bold red")

    def _show_remedies(self, console: Console) -> None:
        """Print below a narrow table what its failed checks mean, one line a check."""
        for name in dict.fromkeys(f.check for f in self._shown() if f.verdict != "pass"):
            failed = [f for f in self._shown() if f.check == name and f.verdict != "pass"]
            console.print(f"  {name}: {failed[0].meaning}. {failed[0].remedy}", markup=False)

    def _repr_html_(self) -> str:
        """Render in a notebook."""
        rows = pd.DataFrame([asdict(f) for f in self._shown()])
        notes = "".join(f"<li>{note}</li>" for note in self.notes)
        body = (
            rows.drop(columns="kind").to_html(index=False, float_format=_number)
            if len(rows)
            else ""
        )
        return f"<p><b>{self._verdict()}</b></p>{body}<ul>{notes}</ul>"


def ergodicity(
    idata: xr.DataTree, model: pm.Model | None = None, *, quiet: bool = False
) -> ErgodicityReport:
    """Judge whether chains were ergodic and mixed, on the quantities that matter.

    The energy and the order parameters of every Boltzmann variable and potential are computed for
    each draw and judged next to the entries of the variables: rank-normalised R-hat, bulk and tail
    ESS, MCSE, agreement of the chains' means, movement, and E-BFMI where HMC ran.

    Parameters
    ----------
    idata : DataTree
        What `pymc.sample` returned, or any trace ArviZ understands.
    model : Model, optional
        The sampled model. Without it the variables are judged alone.
    quiet : bool, default False
        Do not print the table.

    Returns
    -------
    ErgodicityReport
        ``.passed``, ``.table``, ``.failures``; prints, and renders in a notebook.

    Raises
    ------
    ValueError
        If there is no posterior group, or draws are NaN or infinite.

    Notes
    -----
    Chains that all sit in one of several modes look perfect. Start them far apart (spin variables
    do so by themselves), and read a pass as "nothing was found", not as a proof.

    Examples
    --------
    >>> import arviz as az, numpy as np, pymc_ebm as ebm
    >>> draws = np.random.default_rng(1).normal(size=(4, 500))
    >>> report = ebm.ergodicity(az.from_dict({"posterior": {"x": draws}}), quiet=True)
    >>> report.passed
    True
    """
    series, notes = collect(idata, model)
    findings = [f for check in SERIES_CHECKS for f in check(series)]
    findings += [f for check_trace in TRACE_CHECKS for f in check_trace(idata)]
    report = ErgodicityReport(tuple(findings), tuple(notes))
    if not quiet:
        report.show()
    return report


def _severity(finding: Finding) -> float:
    """Order findings of one check: larger is worse."""
    higher_is_worse = finding.check in ("R-hat", "MCSE / sd")
    value = finding.value if np.isfinite(finding.value) else np.inf
    return value if higher_is_worse else -value


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.4g}"
