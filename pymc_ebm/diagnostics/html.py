"""The report as one self-contained page, and as a fragment for notebooks."""

from __future__ import annotations

import base64
import io

from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from pymc_ebm.diagnostics.finding import ORDER, Finding, number

if TYPE_CHECKING:
    from pymc_ebm.diagnostics.report import ErgodicityReport

STYLE = """
:root { --ink: #1c2430; --dim: #5b6675; --line: #dfe4ea; --paper: #ffffff; --back: #f5f7f9;
  --pass: #1a7f4b; --fail: #b3261e; --not: #8a6100; --info: #5b6675; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --dim: #9aa6b5; --line: #333d49;
  --paper: #1b222b; --back: #12171d; --pass: #57c98a; --fail: #ff8a80; --not: #e0b64a;
  --info: #9aa6b5; } img { filter: brightness(.92); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
main { max-width: 1060px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.5rem; margin: .4em 0; } h2 { font-size: 1.15rem; margin: 1.6em 0 .5em; }
.verdict { padding: 14px 16px; border-radius: 8px; background: var(--paper); font-weight: 600;
  border-left: 6px solid var(--fail); } .verdict.passed { border-color: var(--pass); }
.card, details { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 14px; margin: 8px 0; }
.card p { margin: 4px 0; } .do { color: var(--dim); }
.tag { display: inline-block; min-width: 5.2em; font-weight: 700; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .not { color: var(--not); }
.info { color: var(--info); } .dim { color: var(--dim); }
summary { cursor: pointer; display: flex; gap: 10px; flex-wrap: wrap; align-items: baseline; }
summary b { flex: 1 1 9em; } summary .dim { font-size: .92rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin-top: 8px; }
th, td { text-align: left; padding: 6px 8px; border-top: 1px solid var(--line);
  vertical-align: top; } td.n { font-variant-numeric: tabular-nums; }
figure { margin: 14px 0; background: #fff; border: 1px solid var(--line); border-radius: 8px;
  padding: 8px; } figure img { display: block; width: 100%; height: auto; }
figcaption { color: #5b6675; font-size: .92rem; padding: 4px 2px 0; }
@media (max-width: 640px) { thead { display: none; } tr { display: block; padding: 8px 0;
  border-top: 1px solid var(--line); } td { display: block; border: 0; padding: 1px 0; }
  td[data-name]::before { content: attr(data-name) ": "; color: var(--dim); } }
"""
CAPTIONS = {
    "trace": "Energies and order parameters, draw by draw. Chains should cover the same range and "
    "cross it often.",
    "energy": "Their distribution in each chain. The curves should lie on each other.",
    "rank": "Ranks of each chain among all draws. Lines should wander around the middle; black "
    "marks where a chain has too many low or high ones.",
    "autocorrelation": "How long a chain remembers. It should fall to zero well before the end.",
    "basins": "Local minima: position along the first axis against energy; area is the share.",
    "transitions": "Crossings between basins that were seen, and each basin's share.",
    "ladder": "Round trips of the tempering ladder; pale: the most that one ladder can make.",
}
PAGE_WIDTH, ROW_HEIGHT = 9.0, 2.8  # inches


def page(report: ErgodicityReport) -> str:
    """Return a whole HTML document with figures inside."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    failures = "".join(_failure(row) for row in report.summary() if row[1])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Ergodicity report</title><style>{STYLE}</style></head><body><main>"
        "<h1>Ergodicity report</h1>"
        f'<p class="verdict{" passed" if report.passed else ""}">{escape(report.verdict)}</p>'
        f"<p>{_extent(report)} The nominal level of all statistical tests together is "
        f"{report.false_alarm:.1%}. A pass says that nothing was found: a mode that no chain has "
        "visited leaves no trace, unless a symmetry or a probe gives it away.</p>"
        + (f"<h2>What failed, and what to do</h2>{failures}" if failures else "")
        + f"<h2>All checks</h2>{''.join(_details(report, row) for row in report.summary())}"
        + _figures(report)
        + (f"<h2>Left out</h2><ul>{notes}</ul>" if notes else "")
        + "</main></body></html>\n"
    )


def fragment(report: ErgodicityReport) -> str:
    """Return the verdict and the rows worth reading, for a notebook."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    rows = "".join(_row(f, with_check=True) for f in report.shown())
    names = ("check", "quantity", "value", "threshold", "verdict", "what it means", "what to do")
    head = "".join(f"<th>{name}</th>" for name in names)
    return (
        f"<p><b>{escape(report.verdict)}</b></p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table><ul>{notes}</ul>"
    )


def _extent(report: ErgodicityReport) -> str:
    sizes = report.quantities.sizes
    if "chain" not in sizes:
        return ""
    return f"{sizes['chain']} chains of {sizes['draw']} draws."


def _css(verdict: str) -> str:
    return "not" if verdict == "not enough" else verdict


def _failure(row: tuple[Finding, int, int]) -> str:
    worst, failed, count = row
    others = f" <span class='dim'>({failed} of {count} quantities)</span>" if count > 1 else ""
    numbers = ""
    if not np.isnan(worst.threshold):
        numbers = (
            f" <span class='dim'>Value {number(worst.value)}, "
            f"threshold {number(worst.threshold)}.</span>"
        )
    return (
        f'<div class="card"><p><span class="tag {_css(worst.verdict)}">{worst.verdict}</span> '
        f"<b>{escape(worst.check)}</b> · {escape(worst.quantity)}{others}</p>"
        f"<p>{escape(_sentence(worst.meaning))}{numbers}</p>"
        f'<p class="do">→ {escape(worst.remedy)}</p></div>'
    )


def _details(report: ErgodicityReport, row: tuple[Finding, int, int]) -> str:
    worst, failed, count = row
    members = sorted(
        (f for f in report.findings if f.check == worst.check), key=lambda f: ORDER[f.verdict]
    )
    verdict = worst.verdict
    said = f"{failed} of {count} failed" if failed else f"{count}"
    names = ("quantity", "value", "threshold", "verdict", "what it means", "what to do")
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(_row(f) for f in members)
    return (
        f'<details><summary><span class="tag {_css(verdict)}">{verdict}</span>'
        f"<b>{escape(worst.check)}</b><span class='dim'>{said}</span></summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>"
    )


def _row(f: Finding, with_check: bool = False) -> str:
    check = f"<td><b>{escape(f.check)}</b></td>" if with_check else ""
    remedy = f'<td data-name="do">{escape(f.remedy)}</td>' if f.remedy else "<td></td>"
    return (
        f"<tr>{check}<td>{escape(f.quantity)}</td>"
        f'<td class="n" data-name="value">{number(f.value)}</td>'
        f'<td class="n" data-name="threshold">{number(f.threshold)}</td>'
        f'<td class="{_css(f.verdict)}">{f.verdict}</td>'
        f"<td>{escape(f.meaning)}</td>{remedy}</tr>"
    )


def _figures(report: ErgodicityReport) -> str:
    """Draw the report's plots with matplotlib and put them into the page."""
    if not report.quantities.data_vars:
        return ""
    if find_spec("matplotlib") is None:
        return "<p class='dim'>Figures need matplotlib, which is not installed.</p>"
    import matplotlib.pyplot as plt

    backend = plt.get_backend()
    plt.switch_backend("agg")
    parts = ["<h2>Figures</h2>"]
    try:
        for name, collection in report.plot(backend="matplotlib").items():
            figure = collection.viz["figure"].item()
            _arrange(figure)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
            plt.close(figure)
            data = base64.b64encode(buffer.getvalue()).decode()
            caption = CAPTIONS[name]
            parts.append(
                f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
                f"<figcaption>{escape(caption)}</figcaption></figure>"
            )
    finally:
        plt.switch_backend(backend)
    return "".join(parts)


def _arrange(figure: Any) -> None:
    """Give rows of panels room, and long tick labels too."""
    from matplotlib.ticker import MaxNLocator

    grid = figure.axes[0].get_gridspec()
    rows = grid.nrows if grid is not None else 1
    figure.set_size_inches(PAGE_WIDTH, ROW_HEIGHT * max(rows, 1.4))
    figure.set_layout_engine("constrained")
    for axes in figure.axes:
        if isinstance(axes.xaxis.get_major_locator(), MaxNLocator):
            axes.xaxis.set_major_locator(MaxNLocator(5))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "…")) else ".")
