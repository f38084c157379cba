"""All plots that a report calls for."""

from __future__ import annotations

from typing import Any

import xarray as xr

from arviz_plots import PlotCollection

from pymc_ebm.plots.autocorrelation import plot_autocorrelation
from pymc_ebm.plots.basins import plot_basins
from pymc_ebm.plots.energy import plot_energy
from pymc_ebm.plots.energy_rank import plot_energy_rank
from pymc_ebm.plots.energy_trace import plot_energy_trace
from pymc_ebm.plots.ladder import plot_ladder
from pymc_ebm.plots.quantities import chosen
from pymc_ebm.plots.transitions import plot_transitions


def overview(tree: xr.DataTree, *, backend: str | None = None) -> dict[str, PlotCollection]:
    """Draw trace, overlap, autocorrelation, ranks, and basins and ladder where there are any.

    `tree`: what `ErgodicityReport.to_datatree` gives; `backend`: by default that of
    ``arviz.rcParams``.
    """
    options: dict[str, Any] = {"backend": backend}
    if "posterior" not in tree.children or not tree["posterior"].data_vars:
        return {}
    posterior = tree["posterior"].to_dataset()
    moving = [n for n in chosen(tree, None) if float(posterior[n].std()) > 0]
    plots = {"trace": plot_energy_trace(tree, **options)}
    if moving:
        plots["energy"] = plot_energy(tree, var_names=moving, **options)
        plots["autocorrelation"] = plot_autocorrelation(tree, var_names=moving, **options)
        plots["rank"] = plot_energy_rank(tree, var_names=moving, **options)
    groups = tree["basins"].children if "basins" in tree.children else {}
    if any(group.sizes.get("basin", 0) > 1 for group in groups.values()):
        plots["basins"] = plot_basins(tree, **options)
        plots["transitions"] = plot_transitions(tree, **options)
    if "sample_stats" in tree.children and "round_trips" in tree["sample_stats"]:
        plots["ladder"] = plot_ladder(tree, **options)
    return plots
