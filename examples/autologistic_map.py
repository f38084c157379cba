"""Autologistic regression of a map, with an exact posterior of the coupling.

Whether a neighbourhood of Columbus, Ohio, had more crime than the median of 1980 depends on its
income, on the value of its houses, and on its neighbours: do these matter once the rest is known?
The map has 49 tracts and a low tree-width, so log Z is exact, gradients included, with a field that
differs from tract to tract.

What to learn: covariates are fields, space is a coupling, and the coupling has a posterior.

Run it: ``python examples/autologistic_map.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
DATA = Path(__file__).parent / "data"
SEED = 1


def main() -> None:
    """Fit, print, draw."""
    OUTPUT.mkdir(exist_ok=True)
    tracts = pd.read_csv(DATA / "columbus.csv", index_col="tract")
    pairs = pd.read_csv(DATA / "columbus_neighbors.csv").to_numpy() - 1
    graph = ebm.Graph.from_edges(pairs, len(tracts))
    high = np.where(tracts["crime"] > tracts["crime"].median(), 1, -1)
    covariates = tracts[["income", "house_value"]]
    standard = ((covariates - covariates.mean()) / covariates.std()).to_numpy()

    coords = {"tract": tracts.index, "covariate": list(covariates.columns)}
    with pm.Model(coords=coords) as model:
        intercept = pm.Normal("intercept", 0, 0.5)
        slope = pm.Normal("slope", 0, 0.5, dims="covariate")
        J = pm.Normal("J", 0, 0.3)
        ebm.Ising(
            "high", J, intercept + standard @ slope, graph=graph, observed=high, dims="tract",
            log_partition="auto",
        )  # fmt: skip
        idata = pm.sample(cores=2, random_seed=SEED, progressbar=False, target_accept=0.9)
    posterior = idata.posterior
    for name, draws in (
        ("coupling of neighbours", posterior["J"]),
        ("income, per sd", posterior["slope"].sel(covariate="income")),
        ("house value, per sd", posterior["slope"].sel(covariate="house_value")),
    ):
        low, high_end = np.quantile(draws, [0.03, 0.97])
        print(f"  {name:24s} {float(draws.mean()):+.2f}  94 % from {low:+.2f} to {high_end:+.2f}")
    print(f"  P(J > 0) = {float((posterior['J'] > 0).mean()):.3f}")

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    x, y = tracts["x"].to_numpy(), tracts["y"].to_numpy()
    for i, j in graph.edges:
        axes[0].plot(x[[i, j]], y[[i, j]], color="0.85", zorder=0)
    axes[0].scatter(x, y, c=np.where(high > 0, "C3", "C0"), s=60)
    axes[0].set(title="crime above (red) and below the median; lines join neighbours")
    axes[0].set_aspect("equal")
    axes[0].axis("off")
    axes[1].hist(posterior["J"].to_numpy().ravel(), 50, density=True, alpha=0.8)
    axes[1].axvline(0, color="k", lw=1)
    axes[1].set(xlabel="coupling between neighbours", title="posterior, covariates given")
    figure.savefig(OUTPUT / "autologistic_map.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "autologistic_map_report.html")


if __name__ == "__main__":
    main()
