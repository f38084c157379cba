"""Are the posteriors calibrated? Simulation-based calibration of every route around log Z.

``python -m benchmarks.calibration`` writes docs/calibration_results.md, in about fifteen minutes;
``... compare`` prints one posterior by every route.
A coupling is drawn from its prior and a 32×32 torus from the coupling, both exactly; the rank of
the truth among posterior draws is uniform if, and only if, the route is right (Talts et al. 2018).
"""

from __future__ import annotations

import sys

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymc as pm

from scipy.stats import chisquare, norm

import pymc_ebm as ebm

from pymc_ebm.forward.coupling_from_the_past import draw_ferromagnet

SIDE, LOW, HIGH = 32, 0.30, 0.42
GRAPH = ebm.Graph.square(SIDE, SIDE)
GRID = np.linspace(LOW, HIGH, 601)
RANKS, BINS = 99, 10
RESULTS = Path(__file__).parent.parent / "docs" / "calibration_results.md"


def simulate(replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw couplings from the prior, and one perfect configuration for each."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(LOW, HIGH, replicates)
    field = np.zeros(GRAPH.n_vertices)
    data = [draw_ferromagnet(GRAPH, np.full(GRAPH.n_edges, J), field, rng, 1)[0] for J in truth]
    return truth, np.array(data).reshape(-1, SIDE, SIDE)


def declare(log_partition) -> pm.Model:
    """Declare the model with data that can be replaced."""
    with pm.Model() as model:
        y = pm.Data("y", np.ones((SIDE, SIDE), np.int8))
        J = pm.Uniform("J", LOW, HIGH)
        ebm.Ising("s", J, graph=GRAPH, observed=y, log_partition=log_partition)
    return model


def on_a_grid(log_partition) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Return data → posterior draws, by the model's own log-density on a fine grid."""
    model = declare(log_partition)
    [value] = model.free_RVs
    likelihood = model.logp(vars=model.observed_RVs)
    transformed = model.value_vars[0]
    back = pm.compile([transformed], model.replace_rvs_by_values([value])[0])
    points = np.log((GRID[1:-1] - LOW) / (HIGH - GRID[1:-1]))
    inner = np.array([back(p) for p in points])
    evaluate = pm.compile([transformed], likelihood)

    def draws(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        pm.set_data({"y": data.astype(np.int8)}, model=model)
        log_p = np.array([float(evaluate(p)) for p in points])
        cumulative = np.cumsum(np.exp(log_p - log_p.max()))
        return np.interp(rng.random(RANKS) * cumulative[-1], cumulative, inner)

    return draws


def by_exchange(tune: int = 250, thin: int = 12) -> Callable:
    """Return data → posterior draws of the exchange algorithm."""
    model = declare("exchange")
    with model:
        step = ebm.ExchangeMH([model["J"]])
    [value] = model.value_vars

    def draws(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        pm.set_data({"y": data.astype(np.int8)}, model=model)
        step.setup_chain(rng, tune, RANKS * thin)
        point, kept = {value.name: np.array(0.0)}, []
        for t in range(tune + RANKS * thin):
            if t == tune:
                step.stop_tuning()
            point, _ = step.step(point)
            if t >= tune and (t - tune) % thin == thin - 1:
                kept.append(float(point[value.name]))
        return LOW + (HIGH - LOW) / (1 + np.exp(-np.array(kept)))

    return draws


def calibrate(name: str, draws: Callable, replicates: int, seed: int) -> str:
    """Return the row of a route."""
    truth, data = simulate(replicates, seed)
    rng = np.random.default_rng(seed + 1)
    posteriors = np.array([draws(y, rng) for y in data])
    ranks = (posteriors < truth[:, None]).sum(axis=1)
    counts = np.bincount(ranks * BINS // (RANKS + 1), minlength=BINS)
    p = chisquare(counts).pvalue
    z = (posteriors.mean(axis=1) - truth) / posteriors.std(axis=1)
    low, high = np.quantile(posteriors, [0.03, 0.97], axis=1)
    inside = np.mean((low <= truth) & (truth <= high))
    middle = np.quantile(posteriors, [0.25, 0.75], axis=1)
    half = np.mean((middle[0] <= truth) & (truth <= middle[1]))
    row = (
        f"| {name} | {replicates} | {p:.3f} | {half:.0%} | {inside:.0%} | {z.mean():+.2f} | "
        f"{z.std():.2f} |"
    )
    print(row, counts.tolist(), flush=True)
    return row


def compare(J: float = 0.38, seed: int = 3) -> None:
    """Print one posterior by every route, beside the exact one on the grid."""
    data = pm.draw(ebm.Ising.dist(J, graph=GRAPH), random_seed=seed)
    template, rng = ebm.energies.Ising(1.0, graph=GRAPH), np.random.default_rng(seed)
    table = ebm.LogPartitionTable.simulate(
        template, coupling=np.linspace(0, 0.45, 31), random_seed=7, progressbar=False
    )
    routes = {
        "exact": on_a_grid("torus"),
        "table": on_a_grid(table),
        "pseudo": on_a_grid("pseudo"),
        "exchange": by_exchange(),
    }
    for name, draws in routes.items():
        found = np.concatenate([draws(data, rng) for _ in range(20)])
        error = found.std() / np.sqrt(found.size)
        print(f"{name:9s} mean {found.mean():.4f} ± {error:.4f}  sd {found.std():.4f}")


def main(replicates: int = 400, of_exchange: int = 120) -> None:
    """Calibrate all routes and write the table."""
    template = ebm.energies.Ising(1.0, graph=GRAPH)
    table = ebm.LogPartitionTable.simulate(
        template, coupling=np.linspace(0, 0.45, 31), random_seed=7, progressbar=False
    )
    rows = [
        calibrate('exact (`"torus"`)', on_a_grid("torus"), replicates, 1),
        calibrate("table (`LogPartitionTable`)", on_a_grid(table), replicates, 2),
        calibrate("pseudo-likelihood", on_a_grid("pseudo"), replicates, 3),
        calibrate("exchange (`ExchangeMH`)", by_exchange(), of_exchange, 4),
    ]
    error = norm.ppf(0.975) * np.sqrt(0.94 * 0.06 / replicates)
    RESULTS.write_text(
        "| route | data sets | p of uniform ranks | 50 % intervals hold | 94 % intervals hold | "
        "mean z | sd of z |\n|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"J ~ Uniform({LOW}, {HIGH}) on a {SIDE}×{SIDE} torus; z = (posterior mean − truth) / "
        f"posterior sd. {replicates} data sets tell coverage to ± {error:.0%}. Written by "
        "`python -m benchmarks.calibration`.\n"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["compare"]:
        compare()
    else:
        main(*(int(a) for a in sys.argv[1:]))
