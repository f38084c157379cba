"""How contrastive divergence lies.

A restricted Boltzmann machine of 16 hidden units, whose log Z is a sum over 65 536 states, learns
handwritten digits in five ways: with the exact gradient, by contrastive divergence of one and of
ten sweeps, by persistent chains, and by persistent chains with hot companions; the machine of
scikit-learn stands beside them. Two numbers watch:
the reconstruction error, which is what many libraries print, and the log-likelihood of held-out
digits.

What to learn: a falling reconstruction error says nothing; watch the normalised log-likelihood.

Run it: ``python examples/contrastive_divergence_lies.py``. Writes a figure to
``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
HIDDEN, EPOCHS, BATCH, SEED = 16, 60, 50, 1
METHODS = {
    "exact gradient": ebm.MaximumLikelihood(),
    "CD-1": ebm.CD(k=1),
    "CD-10": ebm.CD(k=10),
    "PCD": ebm.PCD(chains=100),
    "tempered PCD": ebm.TemperedPCD(chains=20, ladder=5),
}


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return 1 400 training digits and 397 others, pixels above half black or white."""
    images = (load_digits().data >= 8).astype(int)
    order = np.random.default_rng(SEED).permutation(len(images))
    return images[order[:1400]], images[order[1400:]]


def reconstruction_error(energy: ebm.energies.Energy, images: np.ndarray) -> float:
    """Return the share of pixels that change in one sweep from the images themselves."""
    W, b = (energy.parameters[name].eval() for name in ("W", "b"))
    up = energy.hidden_means(images).eval()
    hidden = np.random.default_rng(0).random(up.shape) < up
    down = 1 / (1 + np.exp(-(hidden @ W.T + b)))
    return float(np.mean(np.abs(images - down)))


def main() -> None:
    """Learn five times, compare."""
    OUTPUT.mkdir(exist_ok=True)
    train, test = load()
    rate = train.mean(axis=0).clip(0.01, 0.99)
    start = ebm.energies.RBM.random(64, HIDDEN, random_seed=0).replace(b=np.log(rate / (1 - rate)))
    machine = BernoulliRBM(
        HIDDEN, learning_rate=0.05, batch_size=BATCH, n_iter=EPOCHS, random_state=SEED
    ).fit(train)
    theirs = ebm.energies.RBM(
        machine.components_.T, machine.intercept_visible_, machine.intercept_hidden_
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.3), layout="constrained")
    print("                 held-out log-likelihood   reconstruction error")
    for name, method in METHODS.items():
        errors: list[float] = []
        found = ebm.fit(
            start,
            train,
            method=method,
            optimizer=pm.adam(learning_rate=0.01),
            epochs=EPOCHS,
            batch_size=BATCH,
            validation=test,
            score_every=1,
            callbacks=[
                lambda e, errors=errors: errors.append(reconstruction_error(e.freeze(), test))
            ],
            random_seed=SEED,
            progressbar=False,
        )
        held_out = found.history.validation_log_likelihood
        print(f"  {name:16s} {float(held_out[-1]):15.2f} nats {errors[-1]:22.4f}")
        axes[0].plot(found.history.epoch, held_out, label=name)
        axes[1].plot(found.history.epoch, errors)
    score = float(ebm.score(theirs, test).log_likelihood.mean())
    print(f"  scikit-learn     {score:15.2f} nats {reconstruction_error(theirs, test):22.4f}")
    axes[0].set(xlabel="epoch", ylabel="nats a digit", title="held-out log-likelihood, exact")
    axes[0].legend()
    axes[1].set(xlabel="epoch", title="reconstruction error")
    figure.savefig(OUTPUT / "contrastive_divergence_lies.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
