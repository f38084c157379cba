"""DNA: a Markov random field that beats the neural nets.

3 186 stretches of 60 letters around splice junctions, a data set on which neural density estimators
are compared. That literature codes a letter by three bits, 100, 010, 001 or 000; the coding is one
to one, so log-likelihoods of a sequence compare. Here a letter is one variable of four states: a
chain of neighbours, and one hidden vertex of six states that all of them see, which is what kind of
sequence this is. Its log Z, and the sum over the hidden vertex, are exact, by elimination.

What to learn: hidden vertices, exact maximum likelihood with early stopping, and that the right
structure is worth more than depth.

Run it: ``python examples/dna.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import pymc_ebm as ebm

HERE = Path(__file__).parent
OUTPUT = HERE / "output"
SITES, LETTERS, KINDS = 60, 4, 6
SEED = 1
PUBLISHED = {  # nats a sequence on the test part (Germain et al. 2015, table 2)
    "mixture of Bernoullis": -98.19,
    "RBM, 23 hidden units": -96.74,
    "NADE": -84.81,
    "MADE, 16 orders": -79.66,
}


def load() -> dict[str, np.ndarray]:
    """Return letters 0 to 3 of training, validation and test sequences."""
    with np.load(HERE / "data" / "dna.npz") as stored:
        return {part: stored[part].astype(np.int64) for part in ("train", "validation", "test")}


def start(rows: np.ndarray, pairs: list[tuple[int, int]], kinds: int = 0) -> ebm.energies.Energy:
    """Return a field whose letters have the data's frequencies, and hardly interact."""
    rng = np.random.default_rng(0)
    n, q = SITES + (kinds > 0), max(LETTERS, kinds)
    fields = np.zeros((n, q))
    shares = (rows[:, :, None] == np.arange(LETTERS)).mean(axis=0)
    fields[:SITES, :LETTERS] = np.log(shares + 1e-3)
    tables = rng.normal(0, 0.1 if kinds else 0.01, (len(pairs), q, q))
    return ebm.energies.MarkovRandomField(
        tables,
        fields,
        graph=ebm.Graph.from_edges(sorted(pairs), n),
        n_states=[LETTERS] * SITES + [kinds] * (kinds > 0),
        hidden=[SITES] if kinds else [],
    )


def learn(energy: ebm.energies.Energy, data: dict[str, np.ndarray], epochs: int, decay: float):
    """Fit by maximum likelihood; validation sequences choose the epoch."""
    return ebm.fit(
        energy,
        data["train"],
        method=ebm.MaximumLikelihood(),
        optimizer=pm.adam(learning_rate=0.02),
        schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / epochs)),
        weight_decay={"tables": decay},
        fixed="J",
        epochs=epochs,
        batch_size=100,
        validation=data["validation"],
        random_seed=SEED,
        progressbar=False,
    )


def as_bits(letters: np.ndarray) -> np.ndarray:
    """Code a letter by three bits, as the literature does: 3 becomes 000."""
    return (letters[:, :, None] == np.arange(3)).reshape(len(letters), -1).astype(np.float32)


def learn_rbm(data: dict[str, np.ndarray]):
    """Fit the literature's RBM, 23 hidden units on 180 bits, by persistent chains."""
    bits = {part: as_bits(rows) for part, rows in data.items()}
    rate = bits["train"].mean(axis=0).clip(0.01, 0.99)
    first = ebm.energies.RBM.random(180, 23, scale=0.01, random_seed=0)
    first = first.replace(b=np.log(rate / (1 - rate)))
    return bits, ebm.fit(
        first,
        bits["train"],
        method=ebm.PCD(chains=200, k=5),
        optimizer=pm.adam(learning_rate=0.005),
        schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / 150)),
        epochs=150,
        batch_size=100,
        validation=bits["validation"],
        score_every=50,  # 2^23 states are summed each time
        random_seed=SEED,
        progressbar=False,
    )


def main() -> None:
    """Fit three fields and an RBM, and compare them with what is published."""
    OUTPUT.mkdir(exist_ok=True)
    data = load()
    chain = [(i, i + 1) for i in range(SITES - 1)]
    hub = [(i, SITES) for i in range(SITES)]
    fits = {
        "independent letters": learn(start(data["train"], []), data, 60, 0.0),
        "chain": learn(start(data["train"], chain), data, 60, 1e-3),
        "chain, hidden vertex": learn(start(data["train"], chain + hub, KINDS), data, 150, 2e-3),
    }
    table = dict(PUBLISHED)
    for name, fitted in fits.items():
        table[name] = float(ebm.score(fitted.energy, data["test"]).log_likelihood.mean())
    bits, machine = learn_rbm(data)
    table["RBM, 23 hidden units, ours"] = float(
        ebm.score(machine.energy, bits["test"]).log_likelihood.mean()
    )
    for name, nats in sorted(table.items(), key=lambda entry: entry[1]):
        print(f"  {nats:8.2f} nats  {name}{'  (published)' if name in PUBLISHED else ''}")

    best = fits["chain, hidden vertex"].energy
    kinds = best.hidden_probabilities(data["test"]).eval()[:, 0, :KINDS]
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    names = sorted(table, key=table.get)
    colors = ["0.7" if name in PUBLISHED else "C0" for name in names]
    axes[0].barh(names, [table[name] + 100 for name in names], color=colors)
    axes[0].set_xticks(range(0, 25, 5), [str(t - 100) for t in range(0, 25, 5)])
    axes[0].set(xlabel="test log-likelihood, nats a sequence", title="gray: published")
    order = np.lexsort((kinds.max(axis=1), kinds.argmax(axis=1)))
    axes[1].imshow(data["test"][order], aspect="auto", cmap="viridis", interpolation="nearest")
    ends = np.cumsum(np.bincount(kinds.argmax(axis=1), minlength=KINDS))
    for end in ends[:-1]:
        axes[1].axhline(end, color="w", lw=1.5)
    axes[1].set(
        xlabel="site", ylabel="test sequence", title="sequences by their likeliest hidden state"
    )
    figure.savefig(OUTPUT / "dna.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
