"""The ergodicity report: verdicts, what they mean, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pymc_ebm.diagnostics.basins import Basins
from pymc_ebm.diagnostics.finding import FALSE_ALARM, ORDER, Finding, number

FILE_WIDTH = 150  # of a table that goes to a file or a pipe
WIDE = 110  # columns from which meaning and remedy fit beside the numbers
SHOWN_FAILURES = 8  # of a check


@dataclass(frozen=True)
class ErgodicityReport:
    """Verdicts on a trace.

    Parameters
    ----------
    findings : sequence of Finding
        One a check and quantity.
    notes : sequence of str
        What was left out.
    quantities : Dataset
        Energies, order parameters and variables that were judged, dims (chain, draw).
    sampler : Dataset
        Statistics of the sampler.
    basins : sequence of Basins
        Local minima that the draws lead to.
    false_alarm : float
        Nominal probability that any of the statistical tests fails for a correct, stationary
        sample.

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
    quantities: xr.Dataset = field(default_factory=xr.Dataset)
    sampler: xr.Dataset = field(default_factory=xr.Dataset)
    basins: Sequence[Basins] = ()
    false_alarm: float = FALSE_ALARM

    @property
    def judged(self) -> list[Finding]:
        """The findings that pass or fail; the others are facts."""
        return [f for f in self.findings if f.verdict != "info"]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.judged) and all(f.verdict == "pass" for f in self.judged)

    @property
    def table(self) -> pd.DataFrame:
        """All findings, one a row."""
        columns = list(Finding.__dataclass_fields__)
        return pd.DataFrame([asdict(f) for f in self.findings], columns=columns)

    @property
    def failures(self) -> pd.DataFrame:
        """The rows that did not pass."""
        table = self.table
        return table[table["verdict"].isin(["fail", "not enough"])].reset_index(drop=True)

    @property
    def verdict(self) -> str:
        """One sentence: passed or failed, and how many checks say so."""
        failed = sum(f.verdict != "pass" for f in self.judged)
        if self.passed:
            return f"PASSED: {len(self.judged)} checks found nothing wrong."
        return f"FAILED: {failed} of {len(self.judged)} checks did not pass."

    def summary(self) -> list[tuple[Finding, int, int]]:
        """Return, for each check, its worst finding, how many failed and how many there are."""
        rows = []
        for name in dict.fromkeys(f.check for f in self.findings):
            members = [f for f in self.findings if f.check == name]
            failed = sum(f.verdict in ("fail", "not enough") for f in members)
            rows.append((min(members, key=lambda f: f.goodness), failed, len(members)))
        return sorted(rows, key=lambda row: ORDER[row[0].verdict])

    def to_datatree(self) -> xr.DataTree:
        """Return findings, quantities, sampler statistics and basins as one tree.

        Returns
        -------
        DataTree
            Groups ``findings`` (dim finding), ``posterior`` (the judged quantities, dims chain and
            draw, as ArviZ's plots expect), ``sample_stats``, and ``basins/<variable>`` with labels
            (chain, quench), transitions (basin, to_basin), energy and occupancy.
        """
        findings = xr.Dataset.from_dataframe(self.table.rename_axis("finding"))
        findings.attrs = {
            "passed": int(self.passed),
            "verdict": self.verdict,
            "notes": list(self.notes),
            "false_alarm": self.false_alarm,
        }
        tree = {"findings": findings, "posterior": self.quantities, "sample_stats": self.sampler}
        for basins in self.basins:
            tree[f"basins/{basins.variable}"] = xr.Dataset(
                {
                    "label": (("chain", "quench"), basins.labels),
                    "transitions": (("basin", "to_basin"), basins.transitions),
                    "energy": ("basin", basins.energies),
                    "occupancy": (("chain", "basin"), basins.occupancy),
                    "position": (("basin", "entry"), basins.minima),
                },
                attrs={"spacing": basins.spacing, "alone": basins.alone},
            )
        return xr.DataTree.from_dict(tree)

    def plot(self, *, backend: str | None = None) -> dict[str, Any]:
        """Draw what was judged.

        Parameters
        ----------
        backend : {"matplotlib", "plotly", "bokeh"}, optional
            By default that of ``arviz.rcParams["plot.backend"]``.

        Returns
        -------
        dict of str to PlotCollection
            ``trace`` and ``energy`` (histograms a chain), ``autocorrelation``, ``rank``; ``basins``
            and ``transitions`` where draws lead to several minima; ``ladder`` after tempering.
        """
        from pymc_ebm import plots

        return plots.overview(self.to_datatree(), backend=backend)

    def to_html(self, path: str | Path) -> Path:
        """Write one self-contained page that is readable on a phone.

        Parameters
        ----------
        path : str or Path
            The file. Figures are inside it where matplotlib is installed; nothing is loaded from
            the network.

        Returns
        -------
        Path
            The file.
        """
        from pymc_ebm.diagnostics.html import page

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(self), encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        """Render in a notebook."""
        from pymc_ebm.diagnostics.html import fragment

        return fragment(self)

    def shown(self) -> list[Finding]:
        """Return the rows for a reader: of each check the failures, eight at most, or the worst."""
        chosen: list[Finding] = []
        for worst, failed, _count in self.summary():
            members = [f for f in self.findings if f.check == worst.check]
            failures = [f for f in members if f.verdict in ("fail", "not enough")]
            chosen += (
                sorted(failures, key=lambda f: f.goodness)[:SHOWN_FAILURES] if failed else [worst]
            )
        return [f for f in self.findings if f in chosen]

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
        table = Table(title="Ergodicity: the worst of each check", title_justify="left")
        for column in ("check", "quantity", "value", "threshold", "verdict"):
            numeric = column in ("value", "threshold")
            table.add_column(column, justify="right" if numeric else "left")
        if wide:
            table.add_column("what it means")
            table.add_column("what to do", max_width=48)
        colors = {"pass": "green", "fail": "bold red", "not enough": "yellow", "info": "dim"}
        shown = self.shown()
        for f in shown:
            words = (f.meaning, f.remedy or "–") if wide else ()
            table.add_row(
                f.check,
                escape(f.quantity),
                number(f.value),
                number(f.threshold),
                f"[{colors[f.verdict]}]{f.verdict}[/]",
                *map(escape, words),
            )
        console.print(table)
        if not wide:
            self._show_remedies(console)
        for note in self.notes:
            console.print(f"  note: {note}", style="dim", markup=False)
        hidden = len(self.findings) - len(shown)
        if hidden:
            console.print(f"  {hidden} more rows in report.table.", style="dim")
        console.print(self.verdict, style="bold green" if self.passed else "bold red")

    def _show_remedies(self, console: Console) -> None:
        """Print below a narrow table what its failed checks mean, one line a check."""
        for worst, failed, _count in self.summary():
            if failed:
                console.print(f"  {worst.check}: {worst.meaning}. {worst.remedy}", markup=False)
