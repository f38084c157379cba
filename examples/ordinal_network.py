"""Ordinal items as a Blume–Capel network.

Where 944 voters of 1996 see themselves, Clinton and Dole between liberal and conservative, and
which party they lean to: four items of three ordered values, -1, 0 and +1. The Blume–Capel energy
has a coupling for each pair, a field that shifts an item, and a crystal field that says how rarely
its middle is chosen. All 81 configurations are summed, so log Z is exact.

What to learn: ordinal data without a latent Gaussian, and model comparison by LOO with normalised
likelihoods.

Run it: ``python examples/ordinal_network.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 1


def load() -> pd.DataFrame:
    """Return the items as -1 (liberal, Democrat), 0 and +1 (conservative, Republican)."""
    raw = pd.read_csv(Path(__file__).parent / "data" / "anes96.csv")
    centre = pd.Series({"self": 4, "clinton": 4, "dole": 4, "party": 3})
    return np.sign(raw - centre).astype(int)


def build_model(items: pd.DataFrame, coupled: bool = True) -> pm.Model:
    """Declare couplings, fields and crystal fields."""
    graph = ebm.Graph.complete(items.shape[1])
    edges = [f"{items.columns[i]} – {items.columns[j]}" for i, j in graph.edges]
    with pm.Model(coords={"item": list(items), "edge": edges}) as model:
        J = pm.Normal("J", 0, 0.5, dims="edge") if coupled else np.zeros(graph.n_edges)
        h = pm.Normal("h", 0, 1, dims="item")
        D = pm.Normal("D", 0, 1, dims="item")
        energy = ebm.energies.BlumeCapel(J, h, D, graph=graph)
        ebm.Boltzmann("x", energy, observed=items.to_numpy(), log_partition="auto")
    return model


def main() -> None:
    """Fit with and without couplings, compare, draw."""
    OUTPUT.mkdir(exist_ok=True)
    items = load()
    fits, models = {}, {}
    for name, coupled in (("coupled", True), ("independent", False)):
        with build_model(items, coupled) as model:
            fits[name] = pm.sample(cores=2, random_seed=SEED, progressbar=False)
            pm.compute_log_likelihood(fits[name], progressbar=False)
        models[name] = model
    J = fits["coupled"].posterior["J"]
    for edge in J["edge"].to_numpy():
        low, high = np.quantile(J.sel(edge=edge), [0.03, 0.97])
        print(f"  {edge:16s} {float(J.sel(edge=edge).mean()):+.2f}  94 % {low:+.2f} to {high:+.2f}")
    print(az.compare(fits)[["rank", "elpd", "elpd_diff", "dse"]])

    predicted = pm.draw(
        ebm.Boltzmann.dist(
            ebm.energies.BlumeCapel(
                *(fits["coupled"].posterior[k].mean(["chain", "draw"]).to_numpy() for k in "JhD"),
                graph=ebm.Graph.complete(4),
            ),
            shape=(20_000, 4),
        ),
        random_seed=SEED,
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    draws = J.to_numpy().reshape(-1, J.sizes["edge"])
    axes[0].violinplot(draws, orientation="horizontal", showmeans=True, showextrema=False)
    axes[0].set_yticks(np.arange(1, 7), J["edge"].to_numpy())
    axes[0].axvline(0, color="k", lw=1)
    axes[0].set(title="couplings")
    answers = np.array(list(np.ndindex(3, 3, 3, 3))) - 1
    shares = [
        [np.mean(np.all(rows == answer, axis=1)) for answer in answers]
        for rows in (items.to_numpy(), predicted)
    ]
    axes[1].loglog(*np.maximum(shares, 5e-4), ".")
    axes[1].plot([5e-4, 0.3], [5e-4, 0.3], color="0.7", zorder=0)
    axes[1].set(xlabel="share of voters", ylabel="share in the model", title="all 81 answers")
    figure.savefig(OUTPUT / "ordinal_network.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(fits["coupled"], models["coupled"])
    report.to_html(OUTPUT / "ordinal_network_report.html")


if __name__ == "__main__":
    main()
