"""Chains that are sick in a known way, and healthy ones: the zoo's animals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import arviz as az
import numba
import numpy as np
import pymc as pm

import pymc_ebm as ebm

from pymc_ebm import kernels
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath

CHAINS, DRAWS = 4, 1000
SIDE = 16
WARM, CRITICAL, COLD = 0.3, 0.5 * np.log1p(np.sqrt(2)), 0.6
FIELD = 0.05
SPREADS = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
MODES, WEIGHTS = np.array([[-8.0, 0.0], [8.0, 0.0]]), np.array([0.8, 0.2])  # 16 sd apart
GRAPH = ebm.Graph.square(SIDE, SIDE)


@dataclass(frozen=True)
class Case:
    """One animal.

    Parameters
    ----------
    name : str
        What it is.
    sick : bool
        Whether a report must fail.
    model : callable
        Builds the model that is claimed to be sampled.
    run : callable
        Seed → trace.
    needs : str
        What the report needs to see it: "" for nothing special.
    probe : bool
        Whether ``probe=True`` is passed.
    """

    name: str
    sick: bool
    model: Callable[[], pm.Model]
    run: Callable[[int], Any]
    needs: str = ""
    probe: bool = False


def trace(name: str, draws: np.ndarray, **stats: np.ndarray) -> Any:
    """Return an ArviZ tree of one variable."""
    groups: dict[str, Any] = {"posterior": {name: draws}}
    if stats:
        groups["sample_stats"] = stats
    return az.from_dict(groups)


def sample(model: pm.Model, seed: int, **kwargs: Any) -> Any:
    """Run pm.sample without a word."""
    with model:
        return pm.sample(
            **{"draws": DRAWS, "tune": 500, "chains": CHAINS, "cores": 1} | kwargs,
            random_seed=seed, progressbar=False, quiet=True, compute_convergence_checks=False,
        )  # fmt: skip


# Models


@cache
def gaussian() -> pm.Model:
    """Five independent normal variables of different scales."""
    with pm.Model() as model:
        pm.Normal("x", 0, SPREADS, shape=5)
    return model


@cache
def heavy_tails() -> pm.Model:
    """Student's t with three degrees of freedom, and a log-normal."""
    with pm.Model() as model:
        pm.StudentT("x", nu=3, mu=0, sigma=1)
        pm.LogNormal("y", 0, 1)
    return model


@cache
def two_modes() -> pm.Model:
    """Two normal modes, sixteen standard deviations apart."""
    with pm.Model() as model:
        ebm.Boltzmann("x", ebm.energies.GaussianMixture(MODES, weights=WEIGHTS), shape=2)
    return model


@cache
def near_modes() -> pm.Model:
    """Two normal modes with a passable barrier."""
    energy = ebm.energies.GaussianMixture(MODES / 2.5, weights=WEIGHTS)
    with pm.Model() as model:
        ebm.Boltzmann("x", energy, shape=2)
    return model


@cache
def funnel() -> pm.Model:
    """Neal's funnel, centred."""
    with pm.Model() as model:
        v = pm.Normal("v", 0, 3)
        pm.Normal("x", 0, pm.math.exp(v / 2), shape=9)
    return model


@cache
def ising(coupling: float, field: float = 0.0, side: int = SIDE) -> pm.Model:
    """Spins on a torus."""
    with pm.Model() as model:
        ebm.Ising("s", coupling, field, graph=ebm.Graph.square(side, side))
    return model


@cache
def glass() -> pm.Model:
    """Build a Sherrington–Kirkpatrick glass of 32 spins at β = 1.5."""
    n = 32
    J = np.random.default_rng(7).normal(size=(n, n)) / np.sqrt(n)
    J = np.triu(J, 1) + np.triu(J, 1).T
    with pm.Model() as model:
        ebm.Ising("s", 1.5 * J, 0.1)
    return model


@cache
def rbm() -> pm.Model:
    """Build a small restricted Boltzmann machine."""
    rng = np.random.default_rng(3)
    with pm.Model() as model:
        ebm.RBM("v", rng.normal(0, 0.7, (8, 6)), rng.normal(0, 0.3, 8), rng.normal(0, 0.3, 6))
    return model


@cache
def hidden_field() -> pm.Model:
    """Build a noisy picture with unknown noise."""
    rng = np.random.default_rng(5)
    truth = np.where(np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 16 < 8, 1, -1)
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1.0)
        s = ebm.Ising("s", 0.3, graph=GRAPH)
        pm.Normal("y", s, sigma, observed=truth + rng.normal(size=truth.shape))
    return model


NARROW, WIDE = np.full(5, -3.0), np.full(5, 3.0)
NARROW_WIDTH, NARROW_WEIGHT = 0.25, 0.7


@cache
def narrow_and_wide() -> pm.Model:
    """Two modes in five dimensions: the narrow one has the weight, the wide one the volume."""
    energy = ebm.energies.GaussianMixture(
        [NARROW, WIDE], scales=[NARROW_WIDTH, 1.0], weights=[NARROW_WEIGHT, 1 - NARROW_WEIGHT]
    )
    with pm.Model() as model:
        ebm.Boltzmann("x", energy)
    return model


RBMS = {  # W, b, c
    "rare": (np.array([[1.0], [2.0]]), np.array([0.0, -10.0]), np.array([0.5])),
    "flat": (np.zeros((6, 3)), np.zeros(6), np.zeros(3)),
    "trained": (
        3 * np.random.default_rng(11).normal(size=(10, 5)),
        np.random.default_rng(12).normal(-4, 3, 10),
        np.random.default_rng(13).normal(0, 2, 5),
    ),
}


@cache
def small_rbm(name: str) -> pm.Model:
    """Build a machine with rare units, without weights, or with the strong ones of training."""
    with pm.Model() as model:
        ebm.RBM("v", *RBMS[name])
    return model


@cache
def one_spin() -> pm.Model:
    """One spin in a field."""
    with pm.Model() as model:
        ebm.Ising("s", 0.0, 0.4, graph=ebm.Graph.from_edges(np.zeros((0, 2), int), n=1))
    return model


@cache
def image(side: int, noise: float) -> np.ndarray:
    """Return the README's picture under noise."""
    picture = np.where(np.add.outer(np.arange(side), np.arange(side)) % side < side // 2, 1, -1)
    return picture + np.random.default_rng(1).normal(0, noise, picture.shape)


@cache
def readme_image() -> pm.Model:
    """Build the README's model on 8×8 pixels."""
    with pm.Model() as model:
        s = ebm.Ising("s", J=0.6, graph=ebm.Graph.square(8, 8))
        sigma = pm.HalfNormal("sigma")
        pm.Normal("y", mu=s, sigma=sigma, observed=image(8, 0.8))
    return model


@cache
def precise_image() -> pm.Model:
    """Build a picture whose known noise is low: most pixels are as good as certain."""
    with pm.Model() as model:
        s = ebm.Ising("s", J=0.3, graph=GRAPH)
        pm.Normal("y", mu=s, sigma=0.45, observed=image(SIDE, 0.45))
    return model


# Kernels


def spin_chains(
    seed: int,
    coupling: float,
    *,
    field: float | np.ndarray = 0.0,
    sweeps: int = 2,
    burn_in: int = 200,
    draws: int = DRAWS,
    start: np.ndarray | None = None,
    cluster: bool = False,
    after: Callable[[np.ndarray], None] | None = None,
    chain_seeds: list[int] | None = None,
) -> np.ndarray:
    """Run heat bath or Swendsen–Wang on the torus, shape (chains, draws, side, side)."""
    n = GRAPH.n_vertices
    out = np.empty((CHAINS, draws, n), np.int8)
    rng = np.random.default_rng(seed)
    for c in range(CHAINS):
        chain_rng = np.random.default_rng(chain_seeds[c]) if chain_seeds else rng
        x = start[c].copy() if start is not None else chain_rng.choice([-1, 1], n).astype(np.int8)
        state = kernels.xoshiro.seed_state(chain_rng)
        moves = [HeatBath(GRAPH, np.array(coupling))]
        if cluster:
            moves.append(SwendsenWang(GRAPH, np.array(coupling)))  # type: ignore[arg-type]
        strengths = np.full(n, field)
        for t in range(-burn_in, draws):
            for move in moves:
                move.sweep(x, strengths, sweeps, state)
            if after is not None and t >= 0:
                after(x)
            if t >= 0:
                out[c, t] = x
    return out.reshape(CHAINS, draws, SIDE, SIDE)


@numba.njit(cache=True)
def biased_metropolis(x, neighbors, coupling, bias, sweeps, uniforms):
    """Metropolis whose acceptance probability is `bias` times what it should be."""
    for k in range(sweeps * x.size):
        i = k % x.size
        total = 0
        for e in range(4):
            total += x[neighbors[i, e]]
        if uniforms[k] < bias * np.exp(-2 * coupling * x[i] * total):
            x[i] = -x[i]


@numba.njit(cache=True)
def exchange_spins(x, neighbors, coupling, pairs, uniforms):
    """Kawasaki dynamics: neighbours change places, so that the magnetisation never changes."""
    for k in range(pairs.shape[0]):
        i = pairs[k, 0]
        j = neighbors[i, pairs[k, 1]]
        if x[i] == x[j]:
            continue
        total = 0
        for e in range(4):
            if neighbors[i, e] != j:
                total += x[neighbors[i, e]]
            if neighbors[j, e] != i:
                total -= x[neighbors[j, e]]
        if uniforms[k] < np.exp(-2 * coupling * x[i] * total):
            x[i], x[j] = x[j], x[i]


def neighbor_table() -> np.ndarray:
    """Return the four neighbours of every site."""
    return GRAPH.neighbors[1].reshape(-1, 4)


def normal_chains(seed: int, scale: np.ndarray = SPREADS, draws: int = DRAWS) -> np.ndarray:
    """Return independent draws."""
    return np.random.default_rng(seed).normal(size=(CHAINS, draws, len(scale))) * scale


def metropolis_normal(
    seed: int, *, power: float = 1.0, start: float = 0.0, burn_in: int = 500, thin: int = 10
) -> np.ndarray:
    """Random-walk Metropolis on the five normal variables, chains side by side."""
    rng = np.random.default_rng(seed)
    x = np.full((CHAINS, 5), start) if start else rng.normal(size=(CHAINS, 5))
    out = np.empty((CHAINS, DRAWS, 5))
    for t in range(-burn_in, DRAWS):
        for _ in range(thin):
            y = x + rng.normal(size=x.shape) * 1.1
            log_ratio = 0.5 * power * np.sum(x**2 - y**2, axis=1)
            x = np.where((np.log(rng.random(CHAINS)) < log_ratio)[:, None], y, x)
        if t >= 0:
            out[:, t] = x
    return out * SPREADS


def switching_modes(seed: int, centers: np.ndarray, stay: float, draws: int = DRAWS) -> np.ndarray:
    """Return exact draws of a mixture whose component changes now and then, as in tempering."""
    rng = np.random.default_rng(seed)
    label = (rng.random(CHAINS) > WEIGHTS[0]).astype(int)
    out = np.empty((CHAINS, draws, 2))
    for t in range(draws):
        anew = (rng.random(CHAINS) > WEIGHTS[0]).astype(int)
        label = np.where(rng.random(CHAINS) < stay, label, anew)
        out[:, t] = centers[label] + rng.normal(size=(CHAINS, 2))
    return out


# The sick


def one_mode(seed: int) -> Any:
    """NUTS would do this: all chains in the larger mode."""
    x = MODES[0] + np.random.default_rng(seed).normal(size=(CHAINS, DRAWS, 2))
    return trace("x", x)


def one_phase(seed: int) -> Any:
    """Heat bath in the cold phase, all chains started up."""
    start = np.ones((CHAINS, GRAPH.n_vertices), np.int8)
    return trace("s", spin_chains(seed, COLD, start=start))


def different_modes(seed: int) -> Any:
    """Two chains in each mode."""
    rng = np.random.default_rng(seed)
    x = MODES[[0, 0, 1, 1]][:, None] + rng.normal(size=(CHAINS, DRAWS, 2))
    return trace("x", x)


def slow(seed: int) -> Any:
    """Heat bath at the critical point, one sweep a draw."""
    return trace("s", spin_chains(seed, CRITICAL, sweeps=1))


def no_burn_in(seed: int) -> Any:
    """Walk at random from twenty standard deviations away, nothing dropped."""
    return trace("x", metropolis_normal(seed, start=20.0, burn_in=0))


def periodic(seed: int) -> Any:
    """All spins are turned over after every draw."""

    def turn(x: np.ndarray) -> None:
        x *= -1

    return trace("s", spin_chains(seed, COLD, after=turn))


def reducible(seed: int) -> Any:
    """Kawasaki dynamics: the magnetisation of the start stays for ever."""
    rng = np.random.default_rng(seed)
    neighbors, n = neighbor_table(), GRAPH.n_vertices
    out = np.empty((CHAINS, DRAWS, n), np.int8)
    for c in range(CHAINS):
        x = rng.choice([-1, 1], n).astype(np.int8)
        for t in range(-100, DRAWS):
            pairs = np.column_stack([rng.integers(n, size=4 * n), rng.integers(4, size=4 * n)])
            exchange_spins(x, neighbors, WARM, pairs, rng.random(4 * n))
            if t >= 0:
                out[c, t] = x
    return trace("s", out.reshape(CHAINS, DRAWS, SIDE, SIDE))


def biased(seed: int, bias: float = 1.05) -> Any:
    """Metropolis that accepts five per cent too often."""
    rng = np.random.default_rng(seed)
    neighbors, n = neighbor_table(), GRAPH.n_vertices
    out = np.empty((CHAINS, DRAWS, n), np.int8)
    for c in range(CHAINS):
        x = rng.choice([-1, 1], n).astype(np.int8)
        for t in range(-100, DRAWS):
            biased_metropolis(x, neighbors, WARM, bias, 2, rng.random(2 * n))
            if t >= 0:
                out[c, t] = x
    return trace("s", out.reshape(CHAINS, DRAWS, SIDE, SIDE))


def unadjusted(seed: int) -> Any:
    """Unadjusted Langevin with a step of 0.3: the variance is 18 % too large."""
    rng = np.random.default_rng(seed)
    step, x = 0.3, rng.normal(size=(CHAINS, 5))
    out = np.empty((CHAINS, DRAWS, 5))
    for t in range(-100, DRAWS):
        for _ in range(5):
            x = x - step * x + np.sqrt(2 * step) * rng.normal(size=x.shape)
        if t >= 0:
            out[:, t] = x
    return trace("x", out * SPREADS)


def frozen_sites(seed: int) -> Any:
    """One site in eight is never updated."""
    rng = np.random.default_rng(seed)
    still = rng.choice(GRAPH.n_vertices, GRAPH.n_vertices // 8, replace=False)
    kept = {}

    def put_back(x: np.ndarray) -> None:
        key = x.__array_interface__["data"][0]
        if key not in kept:
            kept.clear()
            kept[key] = x[still].copy()
        x[still] = kept[key]

    return trace("s", spin_chains(seed, WARM, sweeps=1, after=put_back))


def broken_ladder(seed: int) -> Any:
    """Tempering with two rungs that hardly overlap, on a glass."""
    model = glass()
    with model:
        step = ebm.ParallelTempering([model["s"]], ladder=[0.0, 1.0], sweeps=1, exchange=False)
    return sample(model, seed, step=step, tune=100)


def same_seed(seed: int) -> Any:
    """Two chains with the same seed and different starts."""
    seeds = [4 * seed, 4 * seed, 4 * seed + 1, 4 * seed + 2]
    start = np.random.default_rng(seed).choice([-1, 1], (CHAINS, GRAPH.n_vertices)).astype(np.int8)
    x = spin_chains(seed, WARM, chain_seeds=seeds, start=start, burn_in=5)
    return trace("s", x)


def wrong_temperature(seed: int) -> Any:
    """Sample three per cent too cold."""
    return trace("s", spin_chains(seed, 1.03 * WARM))


def no_ghost(seed: int) -> Any:
    """Cluster updates that forget the field."""
    return trace("s", spin_chains(seed, WARM, cluster=True))


def divergent_funnel(seed: int) -> Any:
    """NUTS in a funnel's neck."""
    return sample(funnel(), seed, nuts_sampler="nutpie")


def constant_spins(seed: int) -> Any:
    """All chains stand at one configuration."""
    start = np.random.default_rng(seed).choice([-1, 1], (1, 1, SIDE, SIDE)).astype(np.int8)
    return trace("s", np.broadcast_to(start, (CHAINS, DRAWS, SIDE, SIDE)).copy())


def constant_normal(seed: int) -> Any:
    """All chains stand at one point."""
    return trace("x", np.broadcast_to(normal_chains(seed)[:1, :1], (CHAINS, DRAWS, 5)).copy())


def shifted_copies(seed: int) -> Any:
    """Three chains are the first, some draws later."""
    first = normal_chains(seed)[0]
    shifts = [0, *np.random.default_rng(seed).integers(1, DRAWS // 2, CHAINS - 1)]
    return trace("x", np.stack([np.roll(first, -k, axis=0) for k in shifts]))


def reversed_copies(seed: int) -> Any:
    """Two chains are the others backwards."""
    x = spin_chains(seed, WARM)
    return trace("s", np.concatenate([x[:2], x[:2, ::-1]]))


def half_a_trace(seed: int) -> Any:
    """Drop one of the model's variables from the trace."""
    return trace("x", np.random.default_rng(seed).standard_t(3, (CHAINS, DRAWS)))


def two_widths(seed: int, narrow: float) -> Any:
    """Return exact draws of each mode, the narrow one with this weight."""
    rng = np.random.default_rng(seed)
    inside = rng.random((CHAINS, DRAWS, 1)) < narrow
    noise = rng.normal(size=(CHAINS, DRAWS, 5))
    return trace("x", np.where(inside, NARROW + NARROW_WIDTH * noise, WIDE + noise))


# The healthy


def exact_normal(seed: int) -> Any:
    """Independent draws."""
    return trace("x", normal_chains(seed))


def exact_tails(seed: int) -> Any:
    """Independent draws with heavy tails."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_t(3, (CHAINS, DRAWS)), rng.lognormal(size=(CHAINS, DRAWS))
    return az.from_dict({"posterior": {"x": x, "y": y}})


@cache
def exact_spins() -> tuple[np.ndarray, np.ndarray]:
    """Return all configurations of a 4×4 torus in a field, and their probabilities."""
    x = (2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1) - 1).astype(np.int8)
    graph = ebm.Graph.square(4, 4)
    pairs = (x[:, graph.edges[:, 0]] * x[:, graph.edges[:, 1]]).sum(axis=1, dtype=float)
    weight = np.exp(WARM * pairs + FIELD * x.sum(axis=1, dtype=float))
    return x, np.cumsum(weight / weight.sum())


def perfect_spins(seed: int) -> Any:
    """Independent draws by enumeration."""
    x, cumulative = exact_spins()
    u = np.random.default_rng(seed).random((CHAINS, DRAWS))
    return trace("s", x[np.searchsorted(cumulative, u)].reshape(CHAINS, DRAWS, 4, 4))


def exact_rbm(name: str, seed: int) -> Any:
    """Independent draws of a small machine by enumeration."""
    W, b, c = RBMS[name]
    v = np.arange(2 ** len(b))[:, None] >> np.arange(len(b)) & 1
    log_p = v @ b + np.logaddexp(0, c + v @ W).sum(axis=1)
    cumulative = np.cumsum(np.exp(log_p - np.logaddexp.reduce(log_p)))
    u = np.random.default_rng(seed).random((CHAINS, DRAWS))
    return trace("v", v[np.minimum(np.searchsorted(cumulative, u), len(v) - 1)].astype(np.int8))


def exact_spin(seed: int) -> Any:
    """Independent draws of one spin."""
    up = np.random.default_rng(seed).random((CHAINS, DRAWS, 1)) < 1 / (1 + np.exp(-2 * 0.4))
    return trace("s", np.where(up, 1, -1).astype(np.int8))


def sharp_pixels(seed: int) -> Any:
    """Heat bath on a picture with little noise: the likelihood is a field of y / σ²."""
    field = image(SIDE, 0.45).ravel() / 0.45**2
    return trace("s", spin_chains(seed, 0.3, field=field, sweeps=5, burn_in=50))


def readme_pixels(seed: int) -> Any:
    """Clusters and heat bath for the pixels, NUTS for the noise."""
    return sample(readme_image(), seed, tune=300)


def clusters(seed: int) -> Any:
    """Swendsen–Wang at the critical point."""
    return trace("s", spin_chains(seed, CRITICAL, cluster=True))


def heat_bath(seed: int) -> Any:
    """Heat bath in the warm phase, in a field."""
    return trace("s", spin_chains(seed, WARM, field=FIELD))


def nuts(seed: int) -> Any:
    """NUTS on the normal variables."""
    return sample(gaussian(), seed, nuts_sampler="nutpie")


def tempered_modes(seed: int) -> Any:
    """Two modes that every chain crosses between, as a tempered sampler does."""
    return trace("x", switching_modes(seed, MODES, 0.7))


def random_walk(seed: int) -> Any:
    """Random-walk Metropolis, thinned."""
    return trace("x", metropolis_normal(seed))


def tempered_glass(seed: int) -> Any:
    """Tempering with a tuned ladder on a glass."""
    return sample(glass(), seed)


def block_gibbs(seed: int) -> Any:
    """Block Gibbs on a small RBM."""
    return sample(rbm(), seed)


def noisy_picture(seed: int) -> Any:
    """Spins by clusters and heat bath, the noise by NUTS."""
    return sample(hidden_field(), seed)


SICK = [
    Case("all chains in one mode", True, two_modes, one_mode, "probe=True", probe=True),
    Case("all chains in one phase", True, lambda: ising(COLD), one_phase, "symmetry"),
    Case("chains in different modes", True, two_modes, different_modes),
    Case("critical slowing down", True, lambda: ising(CRITICAL), slow),
    Case("no burn-in", True, gaussian, no_burn_in),
    Case("periodic kernel", True, lambda: ising(COLD), periodic),
    Case("reducible kernel", True, lambda: ising(WARM), reducible),
    Case("acceptance 5 % too high", True, lambda: ising(WARM), biased, "model"),
    Case("ULA, step 0.3", True, gaussian, unadjusted, "model"),
    Case("frozen sub-lattice", True, lambda: ising(WARM), frozen_sites),
    Case("broken ladder", True, glass, broken_ladder),
    Case("same seed in two chains", True, lambda: ising(WARM), same_seed),
    Case("temperature 3 % wrong", True, lambda: ising(WARM), wrong_temperature, "model"),
    Case("ghost spin dropped", True, lambda: ising(WARM, FIELD), no_ghost, "model"),
    Case("funnel with divergences", True, funnel, divergent_funnel),
    Case("constant draws, spins", True, lambda: ising(WARM), constant_spins),
    Case("constant draws, normal", True, gaussian, constant_normal),
    Case("shifted copies of a chain", True, gaussian, shifted_copies),
    Case("reversed copies of chains", True, lambda: ising(WARM), reversed_copies),
    Case("trace without a variable", True, heavy_tails, half_a_trace, "model"),
    Case(
        "narrow mode nearly missed", True, narrow_and_wide, partial(two_widths, narrow=0.00125),
        "probe=True", probe=True,
    ),
    Case(
        "narrow mode missed", True, narrow_and_wide, partial(two_widths, narrow=0.0),
        "probe=True", probe=True,
    ),
]  # fmt: skip
HEALTHY = [
    Case("independent normal draws", False, gaussian, exact_normal),
    Case("independent heavy tails", False, heavy_tails, exact_tails),
    Case("independent spins", False, lambda: ising(WARM, FIELD, 4), perfect_spins),
    Case("Swendsen–Wang, critical", False, lambda: ising(CRITICAL), clusters),
    Case("heat bath in a field", False, lambda: ising(WARM, FIELD), heat_bath),
    Case("NUTS, normal", False, gaussian, nuts),
    Case("two modes, tempered", False, two_modes, tempered_modes, probe=True),
    Case("random walk, thinned", False, gaussian, random_walk),
    Case("glass, tempered", False, glass, tempered_glass),
    Case("RBM, block Gibbs", False, rbm, block_gibbs),
    Case("hidden field and noise", False, hidden_field, noisy_picture),
    Case("a unit that is never on", False, lambda: small_rbm("rare"), partial(exact_rbm, "rare")),
    Case("RBM without weights", False, lambda: small_rbm("flat"), partial(exact_rbm, "flat")),
    Case(
        "RBM with strong weights", False, lambda: small_rbm("trained"),
        partial(exact_rbm, "trained"), probe=True,
    ),
    Case("one spin", False, one_spin, exact_spin),
    Case("precise picture, 16×16", False, precise_image, sharp_pixels),
    Case("the README's picture, 8×8", False, readme_image, readme_pixels),
    Case(
        "narrow and wide mode, exact", False, narrow_and_wide,
        partial(two_widths, narrow=NARROW_WEIGHT), probe=True,
    ),
]  # fmt: skip
