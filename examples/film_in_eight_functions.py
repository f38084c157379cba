"""A film in eight basis functions.

Four hundred frames of two blobs that circle each other are memories on a line of time. A discrete
network stores every frame; the continuous one stores a curve, eight numbers a pixel. Shown the left
half of a noisy frame, both return the frame; more functions sharpen the picture, and how many
frames there were no longer matters.

What to learn: `energies.ContinuousHopfield`.

Run it: ``python examples/film_in_eight_functions.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SIDE, FRAMES, SEED, BETA = 16, 400, 1, 4.0
COUNTS = (2, 4, 8, 16, 32, 64)


def film() -> np.ndarray:
    """Return frames, shape (FRAMES, SIDE²)."""
    t = (np.arange(FRAMES) + 0.5) / FRAMES
    y, x = np.indices((SIDE, SIDE)) / (SIDE - 1) - 0.5
    frames = np.zeros((FRAMES, SIDE, SIDE))
    for sign, turns in ((1, 0.5), (-1, 0.7)):
        a, b = 0.3 * np.cos(2 * np.pi * turns * t), 0.3 * np.sin(2 * np.pi * turns * t)
        distance = (x - sign * a[:, None, None]) ** 2 + (y - sign * b[:, None, None]) ** 2
        frames += sign * np.exp(-distance / 0.02)
    return frames.reshape(FRAMES, -1)


def main() -> None:
    """Store, show half, compare."""
    OUTPUT.mkdir(exist_ok=True)
    frames, rng = film(), np.random.default_rng(SEED)
    chosen = np.linspace(20, FRAMES - 20, 6).astype(int)
    noisy = frames[chosen] + 0.2 * rng.standard_normal((6, SIDE**2))
    cues = np.where(np.arange(SIDE**2) % SIDE < SIDE // 2, noisy, np.nan)
    discrete = ebm.energies.ModernHopfield(frames, beta=BETA)
    exact = discrete.retrieve(cues, steps=3).state.values
    rows, errors = {"film": frames[chosen], "shown": cues, f"all {FRAMES} frames": exact}, []
    for count in COUNTS:
        network = ebm.energies.ContinuousHopfield(frames, count, beta=BETA)
        back = network.retrieve(cues, steps=3).state.values
        errors.append(np.sqrt(np.mean((back - exact) ** 2)))
        print(
            f"  {count:2d} functions: root mean square distance from the discrete network's "
            f"answer {errors[-1]:.4f}"
        )
        if count in (8, 32):
            rows[f"{count} functions"] = back
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    grid = figure.add_gridspec(len(rows), 9)
    for row, (name, images) in enumerate(rows.items()):
        for column, image in enumerate(images):
            ax = figure.add_subplot(grid[row, column])
            ax.imshow(image.reshape(SIDE, SIDE), cmap="RdBu", vmin=-1, vmax=1)
            ax.set(xticks=[], yticks=[])
            if column == 0:
                ax.set_ylabel(name, fontsize=8)
    ax = figure.add_subplot(grid[:, 6:])
    ax.loglog(COUNTS, errors, "o-")
    ax.set(
        xlabel="basis functions",
        ylabel="distance from the discrete network",
        xticks=COUNTS,
        xticklabels=COUNTS,
    )
    ax.minorticks_off()
    figure.savefig(OUTPUT / "film_in_eight_functions.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
