"""Transformations that leave a model's log-probability unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.real_target import RealDraws

WITNESSES = 5  # draws on which a candidate must leave the log-probability unchanged
RANDOM_STATES = 48  # random configurations: draws may agree in two entries by chance
TOLERANCE = 1e-9
MOST_COORDINATES = 64  # whose signs and exchanges are tried one by one
FEW_COORDINATES = 16  # where each evaluation takes its time
MOST_COMPONENTS = 16
DESCENTS = 64  # for minima that may be each other's images
MOST_MINIMA = 6
MOST_TURNED = 4096
MOST_SLICES = 16  # along an axis whose slices may be exchanged


@dataclass(frozen=True)
class Symmetry:
    """A transformation of one variable under which the target is invariant."""

    name: str  # what it does
    variable: str  # to which variable
    # (chains, draws, k); statistics whose mean is zero in every sample that has the symmetry
    odd: NDArray[np.float64]
    # (chains, draws); A statistic that changes its sign where the chain crosses from one image to
    # another
    turns: NDArray[np.float64] | None = None


Candidate = tuple[str, Callable[[NDArray], NDArray], NDArray, NDArray | None]


def symmetries_of_states(draws: DiscreteDraws) -> list[Symmetry]:
    """Find the symmetries of a discrete variable, others being fixed.

    Tried: exchanging two states everywhere (for two values the global flip) or in one connected
    component; shifts of a lattice along each axis; exchanges of two local minima of a two-valued
    variable, such as two patterns of a Hopfield network; exchanges of two entries.
    """
    if not draws.fixed:  # other variables may be odd under the same transformation
        return []
    n, q = draws.x.shape[-1], len(draws.values)
    count = RANDOM_STATES if n <= MOST_COORDINATES else WITNESSES
    witnesses = np.random.default_rng(0).integers(q, size=(count, n)).astype(np.int8)
    reference = draws.given.log_densities(witnesses)

    def holds(apply: Callable[[NDArray], NDArray]) -> bool:
        image = apply(witnesses)
        return _equal(draws.given.log_densities(np.ascontiguousarray(image)), reference)

    found = [
        Symmetry(name, draws.name, odd, turns)
        for name, apply, odd, turns in (
            *_exchanged_states(draws),
            *_shifts(draws),
            *_exchanged_minima(draws),
        )
        if holds(apply)
    ]
    if n <= (MOST_COORDINATES if draws.graph is not None else FEW_COORDINATES):
        values = draws.values[draws.x].astype(float)

        def exchanged(i: int, j: int) -> Callable[[NDArray], NDArray]:
            order = np.arange(n)
            order[[i, j]] = j, i
            return lambda x: x[:, order]

        groups = _groups(n, lambda i, j: holds(exchanged(i, j)))
        found += _exchanges(draws.name, values, groups)
    return found


def symmetries_of_reals(draws: RealDraws) -> list[Symmetry]:
    """Find the symmetries of the real variables in unconstrained coordinates.

    Tried: the sign of everything, of each variable, of each coordinate; exchanges of two
    coordinates of one variable; exchanges of two slices along an axis, in one variable and in all
    that have an axis of that length (the labels of a mixture, the hidden units of a network).
    """
    if not draws.fixed:
        return []
    d = draws.x.shape[-1]
    flat = draws.x.reshape(-1, d)
    witnesses = flat[np.linspace(0, len(flat) - 1, WITNESSES).astype(int)]
    reference = np.array([draws.density(u)[0] for u in witnesses])

    def holds(apply: Callable[[NDArray], NDArray]) -> bool:
        for u, expected in zip(witnesses, reference, strict=True):
            if not _equal(np.array([draws.density(apply(u))[0]]), np.array([expected])):
                return False
        return True

    signs = np.sign(draws.x)  # bounded, whatever the tails
    owners = np.array(draws.owners)
    groups: list[tuple[str, str, NDArray]] = [("x → −x", "all variables", np.arange(d))]
    if len(set(draws.owners)) > 1:
        groups += [("x → −x", o, np.flatnonzero(owners == o)) for o in dict.fromkeys(draws.owners)]
    if d <= MOST_COORDINATES:
        singles = [(f"sign of {name}", draws.owners[k], k) for k, name in enumerate(draws.names)]
        groups += [(name, owner, np.array([k])) for name, owner, k in singles if d > 1]
    found = []
    for name, owner, members in groups:
        mirror = np.ones(d)
        mirror[members] = -1

        def reflected(u: NDArray, mirror: NDArray = mirror) -> NDArray:
            return mirror * u

        if holds(reflected):
            turns = draws.x[..., members[0]] if len(members) == 1 else None
            found.append(Symmetry(name, owner, signs[..., members[:MOST_COORDINATES]], turns))
    if d <= MOST_COORDINATES:

        def may(i: int, j: int) -> bool:
            order = np.arange(d)
            order[[i, j]] = j, i
            return owners[i] == owners[j] and holds(lambda u: u[order])

        found += _exchanges("all variables", draws.x, _groups(d, may))
    for name, owner, order in _exchanged_slices(draws):

        def reordered(u: NDArray, order: NDArray = order) -> NDArray:
            return u[order]

        if holds(reordered):
            moved = np.flatnonzero(order > np.arange(d))[:MOST_COORDINATES]
            odd = np.sign(draws.x[..., moved] - draws.x[..., order[moved]])
            found.append(Symmetry(name, owner, odd, odd[..., 0]))
    return found


def _exchanged_slices(draws: RealDraws) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Exchange neighbouring slices along an axis, in each variable and in all that fit."""
    places, start = {}, 0
    for owner, shape in draws.shapes.items():
        size = int(np.prod(shape))
        places[owner] = np.arange(start, start + size).reshape(shape)
        start += size
    axes = [(owner, k, n) for owner, p in places.items() for k, n in enumerate(p.shape)]
    sets = [[axis] for axis in axes if places[axis[0]].ndim > 1]
    for length in dict.fromkeys(n for _, _, n in axes):
        fitting = [axis for axis in axes if axis[2] == length]
        sets += [fitting] if len(fitting) > 1 else []
    for members in sets:
        length = members[0][2]
        if length > MOST_SLICES:
            continue
        owners = ", ".join(dict.fromkeys(owner for owner, _, _ in members))
        for a in range(length - 1):
            order = np.arange(start)
            for owner, axis, _ in members:
                swapped = np.arange(length)
                swapped[[a, a + 1]] = a + 1, a
                here = places[owner]
                order[here] = order[np.take(here, swapped, axis=axis)]
            yield f"slices {a} ↔ {a + 1}", owners, order


def _exchanged_states(draws: DiscreteDraws) -> Iterator[Candidate]:
    """Exchange two states, everywhere or in one connected component."""
    q, x = len(draws.values), draws.x
    parts: list[tuple[str, NDArray]] = [("", np.arange(x.shape[-1]))]
    if draws.graph is not None:
        n = draws.graph.n_vertices
        first, second = draws.graph.edges.T
        pattern = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
        count, labels = connected_components(pattern, directed=False)
        if 1 < count <= MOST_COMPONENTS:
            parts += [(f" of component {c}", np.flatnonzero(labels == c)) for c in range(count)]
    for place, sites in parts:
        for a, b in combinations(range(q), 2):
            table = np.arange(q, dtype=np.int8)
            table[[a, b]] = b, a

            def apply(y: NDArray, table: NDArray = table, sites: NDArray = sites) -> NDArray:
                image = y.copy()
                image[:, sites] = table[y[:, sites]]
                return image

            part = x[..., sites]
            difference = (part == b).mean(axis=-1) - (part == a).mean(axis=-1)
            name = "flip" if q == 2 else f"states {draws.values[a]} ↔ {draws.values[b]}"
            yield name + place, apply, difference[..., None], difference


def _shifts(draws: DiscreteDraws) -> Iterator[Candidate]:
    """Shift a lattice by one site along each axis."""
    if draws.graph is None or len(draws.graph.shape) < 1 or draws.graph.shape != draws.shape:
        return
    shape = draws.shape
    values = draws.values[draws.x].astype(np.float32)
    for axis, length in enumerate(shape):
        if length < 3:
            continue

        def apply(y: NDArray, axis: int = axis) -> NDArray:
            return np.roll(y.reshape(-1, *shape), 1, axis=axis + 1).reshape(len(y), -1)

        others = tuple(k + 2 for k in range(len(shape)) if k != axis)
        profile = values.reshape(*values.shape[:2], *shape).mean(axis=others, dtype=np.float64)
        wave = profile @ np.exp(2j * np.pi * np.arange(length) / length)
        yield (
            f"shift along axis {axis}", apply, np.stack([wave.real, wave.imag], axis=-1), None
        )  # fmt: skip


def _exchanged_minima(draws: DiscreteDraws) -> Iterator[Candidate]:
    """Turn over the spins in which two local minima differ, so that each becomes the other.

    The minima are those that random configurations lead to: a chain need not have seen them. Where
    minima are patterns this exchanges two patterns and, if they are many, all others in pairs.
    """
    n = draws.x.shape[-1]
    if len(draws.values) != 2 or draws.graph is None or n > MOST_TURNED:
        return
    starts = np.random.default_rng(1).integers(2, size=(DESCENTS, n)).astype(np.int8)
    minima, counts = np.unique(draws.given.descend(starts), axis=0, return_counts=True)
    largest = minima[np.argsort(-counts, kind="stable")][:MOST_MINIMA]
    spins = 2.0 * draws.x - 1
    tried: set[bytes] = set()
    for a, b in combinations(range(len(largest)), 2):
        turned = largest[a] != largest[b]
        if turned.all() or turned.tobytes() in tried or (~turned).tobytes() in tried:
            continue  # the flip of everything, or the same exchange again
        tried.add(turned.tobytes())

        def apply(y: NDArray, turned: NDArray = turned) -> NDArray:
            return np.where(turned, 1 - y, y).astype(np.int8)

        overlaps = spins @ (2.0 * largest[[a, b]] - 1).T / n
        difference = overlaps[..., 1] - overlaps[..., 0]
        # a global flip changes the sign of overlaps, and would hide that one is never large
        squares = overlaps[..., 1] ** 2 - overlaps[..., 0] ** 2
        yield f"minima {a} ↔ {b}", apply, np.stack([difference, squares], axis=-1), squares


def _groups(n: int, may: Callable[[int, int], bool]) -> list[list[int]]:
    """Return the sets of entries that may be exchanged among each other."""
    groups: list[list[int]] = []
    for i in range(n):
        for group in groups:
            if may(group[0], i):
                group.append(i)
                break
        else:
            groups.append([i])
    return [group for group in groups if len(group) > 1]


def _exchanges(variable: str, values: NDArray, groups: list[list[int]]) -> list[Symmetry]:
    found = []
    for group in groups:
        members = values[..., group]
        middle, scale = np.median(members), members.std()
        members = np.tanh((members - middle) / (scale or 1.0))  # bounded, whatever the tails
        contrasts = members - members.mean(axis=-1, keepdims=True)
        listed = ", ".join(map(str, group[:4])) + (", …" if len(group) > 4 else "")
        found.append(Symmetry(f"exchange of entries {listed}", variable, contrasts))
    return found


def _equal(first: NDArray, second: NDArray) -> bool:
    return bool(np.all(np.abs(first - second) <= TOLERANCE * (1 + np.abs(second))))
