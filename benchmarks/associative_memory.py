"""Associative memories against theory: ``python -m benchmarks.associative_memory [parts]``.

Parts: ``overlap``, ``collapse``, ``warm``, ``rules``, ``digits``, ``modern``, ``speed``,
``sphere``, ``curve``, ``relaxed``, ``mixture``; by default all, half an hour.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings

from collections.abc import Callable
from functools import partial

import numpy as np
import pymc as pm

from arviz_stats.base import array_stats
from scipy.special import lambertw, softmax
from sklearn.datasets import load_digits

import pymc_ebm as ebm

SIZES = (500, 1000, 2000, 5000)
RULES = (ebm.Hebb(), ebm.Storkey(), ebm.PseudoInverse(), ebm.Perceptron(margin=0.5))


def overlap() -> None:
    """Overlaps of retrieved memories at zero temperature, extrapolated in 1/N."""
    networks = {500: 200, 1000: 100, 2000: 50, 5000: 16}
    for load in (0.05, 0.10, 0.13):
        means, errors = [], []
        for n in SIZES:
            found = ebm.capacity(
                ebm.Hebb(), n, load, networks=networks[n], cues=40, random_seed=n,
                progressbar=False,
            )  # fmt: skip
            means.append(float(found.overlap.squeeze()))
            errors.append(float(found.overlap_se.squeeze()))
        limit, error = extrapolated(means, errors)
        theory = ebm.replica_overlap(load)
        print(
            f"overlap at load {load:.2f}: {', '.join(f'{m:.5f}' for m in means)} for N = {SIZES}; "
            f"N → ∞ {limit:.6f} ± {error:.6f}, theory {theory:.6f}, "
            f"{abs(limit - theory) / error:.1f} standard errors",
            flush=True,
        )


def extrapolated(means: list[float], errors: list[float]) -> tuple[float, float]:
    """Fit a straight line in 1/N by weighted least squares; return what it says at 0."""
    design = np.column_stack([np.ones(len(SIZES)), 1 / np.array(SIZES)])
    weight = 1 / np.maximum(np.array(errors), 1e-7)
    covariance = np.linalg.inv((design * weight[:, None] ** 2).T @ design)
    return float((covariance @ (design.T @ (weight**2 * means)))[0]), float(covariance[0, 0] ** 0.5)


def collapse() -> None:
    """Find the load at which half of the memories are lost."""
    loads, halves = np.arange(0.135, 0.2001, 0.005), []
    networks = {500: 60, 1000: 30, 2000: 12, 5000: 4}
    for n in SIZES:
        found = ebm.capacity(
            ebm.Hebb(), n, loads, networks=networks[n], cues=20, random_seed=n, progressbar=False,
            steps=300,
        )  # fmt: skip
        shares = found.retrieved.values[0]
        halves.append(float(np.interp(-0.5, -np.minimum.accumulate(shares), loads)))
        print(
            f"collapse, N = {n}: {' '.join(f'{s:.2f}' for s in shares)}; half at {halves[-1]:.4f}",
            flush=True,
        )
    for power in (1.0, 0.5):
        slope = np.polyfit(np.array(SIZES) ** -power, halves, 1)
        print(f"collapse: N → ∞ {slope[1]:.4f}, straight in N^-{power}")
    print(
        f"collapse: theory {ebm.replica_capacity():.5f}, overlap there "
        f"{ebm.replica_overlap(ebm.replica_capacity()):.4f}",
        flush=True,
    )


def warm() -> None:
    """Overlaps at positive temperature, by heat bath from the memory, against theory."""
    n, networks = 1000, 8
    for load, temperature in ((0.02, 0.3), (0.02, 0.6), (0.05, 0.3), (0.05, 0.5), (0.08, 0.2)):
        values = []
        for seed in range(networks):
            patterns = np.random.default_rng(seed).choice([-1, 1], (round(load * n), n))
            runs = ebm.simulate(
                ebm.energies.Hopfield(patterns), betas=1 / temperature, chains=16, draws=2,
                tune=300, method="heat_bath", initval=patterns[0], random_seed=seed,
                progressbar=False,
            )  # fmt: skip
            values.append(float((runs["last_state"]["state"].values @ patterns[0] / n).mean()))
        error = np.std(values, ddof=1) / networks**0.5
        theory = ebm.replica_overlap(load, temperature)
        print(
            f"warm: load {load}, T = {temperature}: {np.mean(values):.4f} ± {error:.4f}, theory "
            f"{theory:.4f}; memories vanish at load {ebm.replica_capacity(temperature):.4f}",
            flush=True,
        )


def rules() -> None:
    """Share of random memories that come back from cues with a tenth of the spins wrong."""
    loads = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    for n in (200, 1000):
        for rule in RULES[: 3 if n > 200 else 4]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = ebm.capacity(
                    rule, n, loads, networks=5 if n < 1000 else 2, noise=0.1, cues=20,
                    random_seed=1, progressbar=False,
                )  # fmt: skip
            shares = " ".join(
                f"{a}: {v:.2f}" for a, v in zip(loads, found.retrieved.values[0], strict=True)
            )
            print(f"rules, N = {n}, {type(rule).__name__}: {shares}", flush=True)


def digits() -> None:
    """Ten digits, one a kind: how many come back from cues with a tenth of the pixels wrong."""
    images, kinds = load_digits(return_X_y=True)
    spins = np.where(images >= 8, 1.0, -1.0)
    chosen = [np.flatnonzero(kinds == k)[:2] for k in range(10)]
    for per_kind in (1, 2):
        patterns = spins[np.concatenate([rows[:per_kind] for rows in chosen])]
        for name, network in digit_networks(patterns).items():
            rng, hits = np.random.default_rng(1), []
            for pattern in patterns:
                cues = np.tile(pattern, (50, 1))
                for cue in cues:
                    cue[rng.choice(64, 6, replace=False)] *= -1
                back = network.retrieve(cues, random_seed=rng)
                agrees = (np.sign(back.state.values) == pattern).all(axis=1)
                hits.append(agrees.mean())
            print(f"digits, {len(patterns)} patterns, {name}: {np.mean(hits):.2f}", flush=True)


def digit_networks(patterns: np.ndarray) -> dict:
    """Return networks that remember the same pictures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classical = {
            type(rule).__name__: ebm.energies.Hopfield(patterns, rule=rule) for rule in RULES
        }
    dense = ebm.energies.DenseAssociativeMemory(patterns, 10)
    return {**classical, "dense, n = 10": dense, "modern": ebm.energies.ModernHopfield(patterns)}


def on_sphere(rng: np.random.Generator, m: int, d: int, radius: float) -> np.ndarray:
    """Draw points of a sphere."""
    x = rng.normal(size=(m, d))
    return radius * x / np.linalg.norm(x, axis=1, keepdims=True)


def modern(retrievals: int = 100_000) -> None:
    """Ramsauer et al. (2021), theorems 3 and 5."""
    beta, K, d, p = 1.0, 3.0, 20, 0.001
    a = 2 / (d - 1) * (1 + np.log(2 * beta * K**2 * p * (d - 1)))
    b = 2 * K**2 * beta / 5
    c = b / lambertw(np.exp(a + np.log(b))).real
    bound = np.sqrt(p) * c ** ((d - 1) / 4)
    m, radius = int(np.ceil(bound)), K * np.sqrt(d - 1)
    rng, failures, worst, done = np.random.default_rng(1), 0, 0.0, 0
    while done < retrievals:
        xi = on_sphere(rng, m, d, radius)
        found = ebm.energies.ModernHopfield(xi, beta).retrieve(xi, steps=1)
        state = found.state.values
        separation = (xi * xi).sum(axis=1) - np.max(
            np.where(np.eye(m, dtype=bool), -np.inf, xi @ xi.T), axis=1
        )
        # a fixed point near the pattern; its distance is bounded by that of the step
        error = np.linalg.norm(state - xi, axis=1)
        allowed = 2 * (m - 1) * np.exp(-beta * separation) * radius
        worst = max(worst, float((error / np.maximum(allowed, 1e-12)).max()))
        failures += int((error > radius * np.sqrt(2) / 2).sum())
        done += m
    print(
        f"modern: c = {c:.4f}, bound N ≥ {bound:.2f}; {m} patterns, {failures} failures in {done} "
        f"retrievals ({failures / done:.5f}, allowed {p}); error of a step at most {worst:.3f} of "
        "the theorem's",
        flush=True,
    )


def speed(rounds: int = 9) -> None:
    """One step of 1 000 queries over 10 000 memories of 64 entries, float32."""
    rng = np.random.default_rng(1)
    xi = rng.normal(size=(10_000, 64)).astype(np.float32)
    x = rng.normal(size=(1000, 64)).astype(np.float32)
    energy = ebm.energies.ModernHopfield(xi, beta=0.125)
    numbers, _ = energy._numbers()
    free = np.ones(x.shape, bool)

    def ours() -> np.ndarray:
        return energy._advance(x, free, "synchronous", rng, numbers)

    def theirs() -> np.ndarray:
        return softmax(np.float32(0.125) * (x @ xi.T), axis=1) @ xi

    np.testing.assert_allclose(ours(), theirs(), atol=1e-4)
    ratio, times = [], []
    for _ in range(rounds):
        pair = [seconds(f) for f in (ours, theirs)]
        times.append(pair)
        ratio.append(pair[1] / pair[0])
    best = 1e3 * np.min(times, axis=0)
    print(
        f"speed: one step {best[0]:.1f} ms, SciPy's softmax with BLAS {best[1]:.1f} ms; "
        f"{np.median(ratio):.2f} times its throughput",
        flush=True,
    )


def seconds(function: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def sphere() -> None:
    """Threshold of the exponential memory on the sphere (Lucibello and Mézard 2024).

    A memory is at rest while its own ``exp(λN)`` outweighs the sum of all others'. Their overlaps t
    with it are independent, with density ∝ (1 − t²)^{(N−3)/2}, so the sum over ``e^{αN}`` of them
    is drawn exactly, bin by bin, however many there are.
    """
    for sharpness in (0.5, 1.0, 2.0, 4.0):
        q = (np.sqrt(1 + 4 * sharpness**2) - 1) / (2 * sharpness)
        theory = sharpness * (1 - q) - 0.5 * np.log(1 - q**2)
        sizes, thresholds = (100, 200, 400, 800), []
        for n in sizes:
            thresholds.append(threshold(sharpness, n, theory))
        slope = np.polyfit(np.log(sizes) / np.array(sizes), thresholds, 1)
        print(
            f"sphere, λ = {sharpness}: {' '.join(f'{t:.4f}' for t in thresholds)} for N = {sizes}, "
            f"N → ∞ {slope[1]:.4f}, theory {theory:.4f} ({slope[1] / theory - 1:+.1%})",
            flush=True,
        )


def threshold(sharpness: float, n: int, guess: float, trials: int = 200) -> float:
    """Return the load at which the sum of the others outweighs the memory in half of the trials."""
    rng = np.random.default_rng(n)
    t = np.linspace(-1, 1, 20_001)
    middle = 0.5 * (t[1:] + t[:-1])
    logs = 0.5 * (n - 3) * np.log1p(-(middle**2))
    logs -= np.logaddexp.reduce(logs)
    low, high = 0.5 * guess, 1.5 * guess
    for _ in range(14):
        load = 0.5 * (low + high)
        expected = np.exp(np.minimum(load * n + logs, 700.0))
        counted = (expected > 1e-9) & (expected < 1e6)  # beyond, a count is its mean
        many = expected >= 1e6
        sure = np.logaddexp.reduce((load * n + logs + sharpness * n * middle)[many], initial=-1e300)
        counts = rng.poisson(expected[counted], (trials, int(counted.sum())))
        with np.errstate(divide="ignore"):
            terms = np.log(counts) + sharpness * n * middle[counted]
        noise = np.logaddexp(np.logaddexp.reduce(terms, axis=1), sure)
        wins = int((noise < sharpness * n).sum())
        low, high = (load, high) if wins > trials / 2 else (low, load)
    return 0.5 * (low + high)


def curve() -> None:
    """Memories along a smooth curve of 1 000 points: error and cost against basis functions."""
    t = (np.arange(1000) + 0.5) / 1000
    rng = np.random.default_rng(1)
    coefficients = rng.normal(size=(2, 6, 32)) / (1 + np.arange(6))[None, :, None]
    angles = 2 * np.pi * np.outer(t, np.arange(6))
    points = np.cos(angles) @ coefficients[0] + np.sin(angles) @ coefficients[1]
    queries = points[rng.choice(1000, 200)] + 0.3 * rng.normal(size=(200, 32))
    discrete = ebm.energies.ModernHopfield(points, beta=1.0)
    exact = discrete.retrieve(queries, steps=1).state.values
    truth = np.abs(exact).mean()
    for count in (4, 8, 16, 32, 64, 128):
        network = ebm.energies.ContinuousHopfield(points, count, beta=1.0, ridge=1e-9)
        error = np.abs(network.retrieve(queries, steps=1).state.values - exact).mean()
        print(
            f"curve: {count} functions, error {error / truth:.2e} of the discrete network's state"
        )
    costs = []
    for length in (1000, 10_000, 100_000):
        every = np.interp(np.linspace(0, 999, length), np.arange(1000), np.arange(1000)).astype(int)
        network = ebm.energies.ContinuousHopfield(points[every], 32, beta=1.0)
        costs.append(min(seconds(partial(one_step, network, queries)) for _ in range(20)))
    shown = ", ".join(f"{1e3 * c:.2f}" for c in costs)
    print(f"curve: a step of 200 queries takes {shown} ms for 1 000, 10 000, 100 000 points")


def one_step(network: ebm.energies.ModernHopfield, x: np.ndarray) -> np.ndarray:
    """Take one step on numbers."""
    numbers, _ = network._numbers()
    return network._advance(x, np.ones(x.shape, bool), "", np.random.default_rng(0), numbers)


def relaxed() -> None:
    """NUTS in M = 5 coordinates against tempering, N = 2 000 spins."""
    rng = np.random.default_rng(1)
    m, n, beta = 5, 2000, 1.3
    patterns = rng.choice([-1.0, 1.0], (m, n))
    with pm.Model() as model:
        ebm.Hopfield("s", patterns, beta=beta)
    settings = {"chains": 4, "cores": 2, "random_seed": 1, "progressbar": False, "quiet": True}
    start = time.perf_counter()
    tempered = ebm.temper(ebm.relax(model), progressbar=False, random_seed=1)
    with tempered:
        trace = pm.sample(2000, tune=1000, **settings)
    trace = ebm.untemper(trace, random_seed=1)
    trace = ebm.recover(trace, model, random_seed=1, progressbar=False)
    describe("tempered NUTS in five coordinates", trace, patterns, time.perf_counter() - start)
    start = time.perf_counter()
    with model:
        trace = pm.sample(500, tune=200, step=ebm.ParallelTempering([model["s"]]), **settings)
    describe("parallel tempering of spins", trace, patterns, time.perf_counter() - start)


def describe(name: str, trace, patterns: np.ndarray, elapsed: float) -> None:
    """Print the two largest overlaps, and effective draws a second."""
    overlaps = np.abs(trace["posterior"]["s"].values @ patterns.T / patterns.shape[1])
    largest, axes = np.sort(overlaps, axis=-1)[..., ::-1], {"chain_axis": 0, "draw_axis": 1}
    said, ess = [], []
    for k in range(2):
        error = float(array_stats.mcse(largest[..., k], method="mean", **axes))
        said.append(f"{largest[..., k].mean():.5f} ± {error:.5f}")
        ess.append(float(array_stats.ess(largest[..., k], method="bulk", **axes)))
    print(
        f"relaxed: {name}: largest overlap {said[0]}, second {said[1]}; "
        f"{min(ess) / elapsed:.1f} effective draws/s in {elapsed:.0f} s",
        flush=True,
    )


def mixture() -> None:
    """Moments and log Z of a modern network, d = 8 and M = 5, by tempered NUTS against formulas."""
    rng, beta = np.random.default_rng(1), 1.5
    xi = on_sphere(rng, 5, 8, 3.0) * rng.uniform(0.9, 1.1, (5, 1))
    energy = ebm.energies.ModernHopfield(xi, beta)
    weight = softmax(0.5 * beta * (xi**2).sum(axis=1))
    mean = weight @ xi
    second = np.eye(8) / beta + (xi * weight[:, None]).T @ xi
    exact = float(ebm.log_partition(energy, beta=beta).eval())
    with pm.Model() as model:
        ebm.ModernHopfield("x", xi, beta)
    tempered = ebm.temper(model, random_seed=1, progressbar=False)
    with tempered:
        trace = pm.sample(4000, tune=1000, chains=4, cores=2, random_seed=1, progressbar=False)
    facts = ebm.untemper(trace, resample=False)
    w = facts["tempering"]["weight"].to_numpy() * facts["tempering"]["weight"].size
    x = facts["posterior"]["x"].to_numpy()
    z = [weighted_z(w, x[..., i], mean[i]) for i in range(8)]
    z += [
        weighted_z(w, x[..., i] * x[..., j], second[i, j]) for i in range(8) for j in range(i + 1)
    ]
    off = (float(facts["tempering"]["log_z"]) - exact) / float(facts["tempering"]["log_z_se"])
    print(
        f"mixture: log Z {float(facts['tempering']['log_z']):.4f} ± "
        f"{float(facts['tempering']['log_z_se']):.4f}, exact {exact:.4f} ({off:+.1f} standard "
        f"errors); {len(z)} moments, largest {np.abs(z).max():.1f} standard errors, root mean "
        f"square {np.sqrt(np.mean(np.square(z))):.2f}",
        flush=True,
    )


def weighted_z(w: np.ndarray, values: np.ndarray, expected: float) -> float:
    """Return how many standard errors a weighted mean lies from what is expected."""
    series = w * (values - expected)
    error = array_stats.mcse(series, chain_axis=-2, draw_axis=-1, method="mean")
    return float(series.mean() / error)


PARTS: dict[str, Callable[[], None]] = {
    f.__name__: f
    for f in (
        overlap,
        collapse,
        warm,
        rules,
        digits,
        modern,
        speed,
        sphere,
        curve,
        relaxed,
        mixture,
    )
}


def main() -> None:
    """Run the parts that are asked for."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    for name in sys.argv[1:] or PARTS:
        start = time.perf_counter()
        PARTS[name]()
        print(f"[{name}: {time.perf_counter() - start:.0f} s]", flush=True)


if __name__ == "__main__":
    main()
