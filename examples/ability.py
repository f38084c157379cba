"""The ability items: read the answers, and show what the network of items looks like.

A Bayesian Ising network: right and wrong answers of 1 248 people to 16 items are spins; an edge
says that two items go together beyond what all others explain, and how sure that is.
Every coupling is drawn from a spike (no edge to speak of) or a slab, and log Z is exact: 65 536
configurations are summed at every step of NUTS.

What to learn: a posterior over networks that never forgets Z, edge inclusion with its uncertainty,
and how the pseudo-likelihood compares.

Run it: ``python examples/ability.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import pymc as pm

from scipy.stats import norm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 1
SPIKE, SLAB = 0.03, 0.3  # scales of couplings: an edge of 0.03 shifts an answer's odds by 6 %
COLORS = {"reason": "C0", "letter": "C1", "matrix": "C2", "rotate": "C3"}


def load() -> pd.DataFrame:
    """Return the answers, 1 right and 0 wrong, NaN where an item was not asked."""
    return pd.read_csv(Path(__file__).parent / "data" / "ability.csv", index_col=0)


def build_model(answers: pd.DataFrame, log_partition: str = "auto") -> pm.Model:
    """Declare spike-and-slab couplings between all pairs of items."""
    items = list(answers.columns)
    graph = ebm.Graph.complete(len(items))
    edges = [f"{items[i]} – {items[j]}" for i, j in graph.edges]
    with pm.Model(coords={"item": items, "edge": edges, "person": answers.index}) as model:
        share = pm.Beta("share", 2, 2)
        weights = pm.math.stack([1 - share, share])
        J = pm.NormalMixture("J", w=weights, mu=0.0, sigma=np.array([SPIKE, SLAB]), dims="edge")
        h = pm.Normal("h", 0, 1, dims="item")
        ebm.Ising(
            "answers", J, h, graph=graph, observed=2 * answers.to_numpy(dtype=int) - 1,
            dims=("person", "item"), log_partition=log_partition,
        )  # fmt: skip
    return model


def inclusion(posterior) -> np.ndarray:
    """Return the posterior probability that each coupling comes from the slab."""
    J, share = posterior["J"].to_numpy(), posterior["share"].to_numpy()[..., None]
    slab = share * norm.pdf(J, scale=SLAB)
    return (slab / (slab + (1 - share) * norm.pdf(J, scale=SPIKE))).mean(axis=(0, 1))


def main() -> None:
    """Fit both ways, print, draw."""
    OUTPUT.mkdir(exist_ok=True)
    answers = load().dropna()
    graph = ebm.Graph.complete(answers.shape[1])
    with build_model(answers) as model:
        idata = pm.sample(cores=2, random_seed=SEED, progressbar=False)
    with build_model(answers, "pseudo"):
        pseudo = pm.sample(cores=2, random_seed=SEED, progressbar=False)
    J, odds = idata.posterior["J"].mean(["chain", "draw"]).to_numpy(), inclusion(idata.posterior)
    other = pseudo.posterior["J"].mean(["chain", "draw"]).to_numpy()
    print(f"{len(answers)} people, {graph.n_edges} possible edges")
    print(f"  with probability > 0.95: {np.sum(odds > 0.95)}; < 0.5: {np.sum(odds < 0.5)}")
    print("  the strongest:")
    for k in np.argsort(-np.abs(J))[:5]:
        spread = float(idata.posterior["J"][..., k].std())
        name = model.coords["edge"][k]
        print(f"    {name:24s} J = {J[k]:+.2f} ± {spread:.2f}, inclusion {odds[k]:.3f}")
    print(f"  pseudo-likelihood: couplings differ by up to {np.abs(J - other).max():.3f}")

    net = nx.Graph()
    net.add_nodes_from(answers.columns)
    for (i, j), strength, probability in zip(graph.edges, J, odds, strict=True):
        if probability > 0.5:
            net.add_edge(answers.columns[i], answers.columns[j], J=strength, p=probability)
    place = nx.spring_layout(net, weight="J", seed=SEED, k=0.6)
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", width_ratios=[3, 2])
    kinds = [COLORS[name.split(".")[0]] for name in net]
    nx.draw_networkx_nodes(net, place, ax=axes[0], node_color=kinds, node_size=500, alpha=0.9)
    nx.draw_networkx_labels(
        net, place, {name: name.split(".")[1] for name in net}, ax=axes[0], font_size=9,
        font_color="white",
    )  # fmt: skip
    for a, b, edge in net.edges(data=True):
        nx.draw_networkx_edges(
            net, place, [(a, b)], ax=axes[0], width=14 * abs(edge["J"]),
            edge_color="0.3" if edge["J"] > 0 else "C3", alpha=float(edge["p"]) ** 2,
        )  # fmt: skip
    axes[0].set(title="edges with inclusion > 0.5: width J, opacity probability")
    axes[0].axis("off")
    for kind, color in COLORS.items():
        axes[0].scatter([], [], color=color, label=kind)
    axes[0].legend(frameon=False)
    axes[1].scatter(J, odds, s=14, label="exact Z")
    axes[1].scatter(other, inclusion(pseudo.posterior), s=14, marker="x", label="pseudo-likelihood")
    axes[1].set(xlabel="posterior mean of J", ylabel="inclusion probability")
    axes[1].legend()
    figure.savefig(OUTPUT / "ability.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "ability_report.html")


if __name__ == "__main__":
    main()
