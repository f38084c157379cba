"""Attention is one Hopfield step.

A modern Hopfield network walks downhill by ``x ← softmax(β x ξᵀ) ξ``. Take projected tokens for the
memories ξ, a projected token for the state x and ``β = 1/√d``: the step is attention, to the last
digit. β says what attention does: at a low one all memories are averaged, at a high one the nearest
is returned, and in between groups of alike memories have a minimum of their own. And as an energy
has a Boltzmann distribution, attention has one: a mixture of normals around the keys, drawn exactly
or by NUTS.

What to learn: `energies.ModernHopfield`, its `update`, and its random variable.

Run it: ``python examples/attention_is_a_hopfield_step.py``. Writes a figure to
``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from scipy.special import softmax

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 1
KEYS = np.array([[2.0, 0.0], [1.7, 0.8], [-1.5, 1.3], [-0.6, -1.9]])
SHARPNESS = (0.2, 1.0, 8.0)


def attention(tokens: np.ndarray, width: int, rng: np.random.Generator) -> float:
    """Compare attention with one step; return the largest difference."""
    W_q, W_k, W_v = rng.normal(size=(3, tokens.shape[1], width))
    queries, keys, values = tokens @ W_q, tokens @ W_k, tokens @ W_v
    expected = softmax(queries @ keys.T / np.sqrt(width), axis=1) @ values
    network = ebm.energies.ModernHopfield(keys, beta=1 / np.sqrt(width))
    return float(np.abs(network.update(queries, values).eval() - expected).max())


def main() -> None:
    """Compare, walk, sample."""
    OUTPUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    print(f"  attention and one step differ by {attention(rng.normal(size=(50, 16)), 8, rng):.1e}")
    side = np.linspace(-3, 3, 121)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    starts = rng.uniform(-2.8, 2.8, (40, 2))
    figure, axes = plt.subplots(1, 4, figsize=(14, 3.8), layout="constrained")
    for ax, beta in zip(axes, SHARPNESS, strict=False):
        network = ebm.energies.ModernHopfield(KEYS, beta=beta)
        ax.contourf(side, side, network(plane).eval(), 20, cmap="viridis")
        path = [starts]
        for _ in range(30):
            path.append(network.retrieve(path[-1], steps=1).state.values)
        for walk in np.stack(path, axis=1):
            ax.plot(*walk.T, color="white", lw=0.6)
        ends = np.unique(path[-1].round(2), axis=0)
        print(f"  β = {beta}: {len(starts)} walks end in {len(ends)} places")
        ax.plot(*KEYS.T, "o", color="C1")
        ax.plot(*path[-1].T, "x", color="white")
        ax.set(title=f"β = {beta}", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    with pm.Model() as model:
        ebm.ModernHopfield("x", KEYS, beta=SHARPNESS[1])
        idata = pm.sample(
            1000, tune=1000, chains=4, cores=2, random_seed=SEED, progressbar=False, quiet=True
        )
    x = idata.posterior["x"].values.reshape(-1, 2)
    exact = pm.draw(model["x"], 20_000, random_seed=SEED)
    print(f"  mean by NUTS {x.mean(axis=0).round(2)}, of exact draws {exact.mean(axis=0).round(2)}")
    axes[3].plot(*x[::4].T, ".", ms=2, alpha=0.5)
    axes[3].plot(*KEYS.T, "o", color="C1")
    axes[3].set(title="NUTS, β = 1", xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal")
    figure.savefig(OUTPUT / "attention_is_a_hopfield_step.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "attention_is_a_hopfield_step_report.html")


if __name__ == "__main__":
    main()
