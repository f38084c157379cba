"""Random likelihoods of a discrete variable, in PyMC and in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from scipy import stats
from scipy.special import expit, gammaln, logsumexp, softmax


@dataclass
class Child:
    """What was declared, and its log-probability of a value of the variable in NumPy."""

    name: str
    logp: Callable[[np.ndarray], float]
    ties: bool | None = None  # None: not known beforehand
    point: dict[str, np.ndarray] = field(default_factory=dict)


def moves(rng, ndim):
    """Return steps that take an array somewhere, as pairs of functions (PyTensor, NumPy).

    Each is told the array of now, to choose axes and indices.
    """
    return [
        transpose, flatten, take, take_data, reverse, slice_, boolean_mask, repeat, tile, stack,
        concatenate, scale, shift, square, switch, tabulate, cumulate, difference, total_of_axis,
        mean_of_axis, maximum_of_axis, matrix, weigh, softmax_of, written, incremented, expand,
        outer, sort, roll, group, one_hot, take_along, broadcast, diagonal, mix, flip_index,
        where_equal, clip, dot_all, added_up,
    ]  # fmt: skip


_count = 0


def fresh(stem):
    global _count
    _count += 1
    return f"{stem}_{_count}"


def transpose(rng, a):
    if a.ndim < 2:
        return None
    axes = tuple(int(k) for k in rng.permutation(a.ndim))
    return lambda v: v.transpose(*axes), lambda v: v.transpose(axes)


def flatten(rng, a):
    return lambda v: v.flatten(), lambda v: v.reshape(-1)


def take(rng, a):
    index = rng.integers(0, a.shape[0], int(rng.integers(1, 6)))
    return lambda v: v[index], lambda v: v[index]


def take_data(rng, a):
    index = rng.integers(0, a.shape[-1], int(rng.integers(1, 6)))
    held = pm.Data(fresh("index"), index)
    return lambda v: v[..., held], lambda v: v[..., index]


def group(rng, a):
    if a.ndim < 2:
        return None
    i = rng.integers(0, a.shape[0], 4)
    j = rng.integers(0, a.shape[1], 4)
    return lambda v: v[i, j], lambda v: v[i, j]


def reverse(rng, a):
    return lambda v: v[::-1], lambda v: v[::-1]


def flip_index(rng, a):
    return lambda v: v[..., -1], lambda v: v[..., -1]


def slice_(rng, a):
    if a.shape[-1] < 2:
        return None
    return lambda v: v[..., 1:], lambda v: v[..., 1:]


def boolean_mask(rng, a):
    mask = rng.random(a.shape) < 0.6
    if not mask.any():
        return None
    return lambda v: v[mask], lambda v: v[mask]


def repeat(rng, a):
    axis = int(rng.integers(a.ndim))
    return lambda v: pt.repeat(v, 2, axis=axis), lambda v: np.repeat(v, 2, axis=axis)


def tile(rng, a):
    reps = (2,) * a.ndim
    return lambda v: pt.tile(v, reps), lambda v: np.tile(v, reps)


def stack(rng, a):
    return lambda v: pt.stack([v, 2 * v], axis=-1), lambda v: np.stack([v, 2 * v], axis=-1)


def concatenate(rng, a):
    other = rng.normal(size=a.shape)
    return (
        lambda v: pt.concatenate([v, pt.as_tensor(other), v[:1]], axis=0),
        lambda v: np.concatenate([v, other, v[:1]], axis=0),
    )


def scale(rng, a):
    w = rng.normal(size=a.shape)
    return lambda v: w * v, lambda v: w * v


def weigh(rng, a):
    w = rng.normal(size=a.shape[-1:])
    return lambda v: v * pt.as_tensor(w), lambda v: v * w


def shift(rng, a):
    c = rng.normal()
    return lambda v: v + c, lambda v: v + c


def square(rng, a):
    return lambda v: 0.3 * v**2 - v, lambda v: 0.3 * v**2 - v


def clip(rng, a):
    return lambda v: pt.clip(v, -0.5, 0.5), lambda v: np.clip(v, -0.5, 0.5)


def switch(rng, a):
    return (
        lambda v: pt.switch(v > 0.2, 0.7, pt.exp(0.1 * v)),
        lambda v: np.where(v > 0.2, 0.7, np.exp(0.1 * v)),
    )


def where_equal(rng, a):
    if a.dtype.kind == "f":  # sums of the same numbers in another order are no equals
        near = a.flat[0]
        return (
            lambda v: pt.lt(pt.abs(v - near), 1e-6) * 1.3,
            lambda v: np.less(np.abs(v - near), 1e-6) * 1.3,
        )
    return lambda v: pt.eq(v, a.flat[0]) * 1.3, lambda v: np.equal(v, a.flat[0]) * 1.3


def tabulate(rng, a):
    """Look rounded values up, in another row for each last axis."""
    table = rng.normal(size=(a.shape[-1], 5))
    return (
        lambda v: pt.as_tensor(table)[np.arange(a.shape[-1]),
                                      pt.clip(pt.round(1.0 * v).astype("int64") % 5, 0, 4)],
        lambda v: table[np.arange(a.shape[-1]), np.round(v).astype(int) % 5],
    )  # fmt: skip


def one_hot(rng, a):
    levels = np.unique(np.round(a, 6))[:4]
    return (
        lambda v: pt.exp(-((v[..., None] - levels) ** 2)),
        lambda v: np.exp(-((v[..., None] - levels) ** 2)),
    )


def cumulate(rng, a):
    axis = int(rng.integers(a.ndim))
    return lambda v: pt.cumsum(v, axis=axis), lambda v: np.cumsum(v, axis=axis)


def difference(rng, a):
    if a.shape[-1] < 2:
        return None
    return lambda v: pt.diff(v, axis=-1), lambda v: np.diff(v, axis=-1)


def total_of_axis(rng, a):
    axis = int(rng.integers(a.ndim))
    keep = bool(rng.integers(2))
    return lambda v: v.sum(axis=axis, keepdims=keep), lambda v: v.sum(axis=axis, keepdims=keep)


def mean_of_axis(rng, a):
    axis = int(rng.integers(a.ndim))
    return lambda v: v.mean(axis=axis), lambda v: v.mean(axis=axis)


def maximum_of_axis(rng, a):
    axis = int(rng.integers(a.ndim))
    return lambda v: v.max(axis=axis), lambda v: v.max(axis=axis)


def matrix(rng, a):
    w = rng.normal(size=(a.shape[-1], 2))
    if rng.random() < 0.5:
        w[: a.shape[-1] // 2] = 0.0
    return lambda v: v @ w, lambda v: v @ w


def dot_all(rng, a):
    w = rng.normal(size=a.size)
    return lambda v: pt.dot(pt.as_tensor(w), v.flatten()), lambda v: np.dot(w, v.reshape(-1))


def softmax_of(rng, a):
    axis = int(rng.integers(a.ndim))
    return lambda v: pt.special.softmax(1.0 * v, axis=axis), lambda v: softmax(v, axis=axis)


def written(rng, a):
    index = rng.integers(0, a.shape[0], 2)
    other = rng.normal(size=(2, *a.shape[1:]))
    other[1] = other[0]

    def in_numpy(v):
        v = np.array(v, float)
        v[index] = other
        return v

    return lambda v: pt.as_tensor(1.0 * v)[index].set(other), in_numpy


def incremented(rng, a):
    """Entries of the variable added up at random places of a vector."""
    index = rng.integers(0, 3, a.size)

    def in_numpy(v):
        out = np.zeros(4)
        np.add.at(out, index, v.reshape(-1))
        return out

    return lambda v: pt.zeros(4)[index].inc(1.0 * v.flatten()), in_numpy


def expand(rng, a):
    return lambda v: v[None, ..., None], lambda v: v[None, ..., None]


def outer(rng, a):
    w = rng.normal(size=2)
    return lambda v: v[..., None] * w, lambda v: v[..., None] * w


def sort(rng, a):
    return lambda v: pt.sort(v, axis=-1), lambda v: np.sort(v, axis=-1)


def roll(rng, a):
    k = int(rng.integers(1, 3))
    return lambda v: pt.roll(v, k, axis=0), lambda v: np.roll(v, k, axis=0)


def take_along(rng, a):
    index = rng.integers(0, a.shape[-1], (*a.shape[:-1], 2))
    return (
        lambda v: pt.take_along_axis(v, pt.as_tensor(index), axis=-1),
        lambda v: np.take_along_axis(v, index, axis=-1),
    )


def broadcast(rng, a):
    return (
        lambda v: pt.broadcast_to(v, (3, *a.shape)),
        lambda v: np.broadcast_to(v, (3, *a.shape)),
    )


def diagonal(rng, a):
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        return None
    return lambda v: pt.diagonal(v), lambda v: np.diagonal(v)


def mix(rng, a):
    """Entries of the variable by themselves and their total, in one expression."""
    return lambda v: v + 0.1 * v.sum(), lambda v: v + 0.1 * v.sum()


def added_up(rng, a):
    w = rng.normal(size=a.shape)
    return lambda v: (v * w).sum() - 0.5 * v.mean(), lambda v: (v * w).sum() - 0.5 * v.mean()


def moved(rng, case, rv):
    """Take a few random steps, and end in a normal likelihood, another, or a potential."""
    start = case.random_value(rng).astype(float)
    steps = []
    a = np.asarray(start, float)
    names = []
    available = moves(rng, a.ndim)
    for _ in range(int(rng.integers(1, 5))):
        step = available[int(rng.integers(len(available)))]
        if a.ndim == 0:
            break
        made = step(rng, a)
        if made is None:
            continue
        b = np.asarray(made[1](a), float)
        if b.size > 80 or b.size == 0:
            continue
        steps.append(made)
        names.append(step.__name__)
        a = b
    whole = bool(rng.integers(2))  # start from the integers themselves

    def through(x):
        v = np.asarray(x, float)
        for _, in_numpy in steps:
            v = in_numpy(v)
        return np.asarray(v, float)

    v = rv if whole else 1.0 * rv
    for in_pytensor, _ in steps:
        v = in_pytensor(v)
    v = 1.0 * v
    y = rng.normal(size=a.shape)
    end = rng.choice(["normal", "potential", "poisson", "bernoulli", "latent", "sigma", "total"])
    name = f"{' > '.join(names)} > {end}"
    if end == "normal":
        pm.Normal("y", v, 0.8, observed=y)
        return Child(name, lambda x: stats.norm.logpdf(y, through(x), 0.8).sum())
    if end == "sigma":
        pm.Normal("y", 0.3, pt.exp(0.3 * v), observed=y)
        return Child(name, lambda x: stats.norm.logpdf(y, 0.3, np.exp(0.3 * through(x))).sum())
    if end == "latent":
        pm.Normal("y", v, 0.8, shape=a.shape)
        return Child(name, lambda x: stats.norm.logpdf(y, through(x), 0.8).sum(), point={"y": y})
    if end == "poisson":
        counts = rng.poisson(1.5, a.shape)
        pm.Poisson("y", pt.exp(0.2 * v), observed=counts)
        return Child(name, lambda x: stats.poisson.logpmf(counts, np.exp(0.2 * through(x))).sum())
    if end == "bernoulli":
        ones = rng.integers(0, 2, a.shape)
        pm.Bernoulli("y", logit_p=v, observed=ones)
        return Child(name, lambda x: stats.bernoulli.logpmf(ones, expit(through(x))).sum())
    if end == "total":
        pm.Potential("y", -0.3 * v.sum() / 2 + 0.1)
        return Child(name, lambda x: float(-0.3 * through(x).sum() / 2 + 0.1))
    pm.Potential("y", -0.3 * v)
    return Child(name, lambda x: float(-0.3 * through(x).sum()))


def numbers(case, rv):
    """Return state numbers, in PyTensor and as a function of values."""
    values = case.spec.values
    low, step = values[0], values[1] - values[0]
    return (rv - low) // step, lambda x: (np.asarray(x) - low) // step


def by_state(rng, case, rv):
    """Likelihoods whose parameters a table gives, state by state."""
    q, shape = len(case.spec.values), case.shape
    k, number = numbers(case, rv)
    kind = rng.choice(
        ["categorical", "mvnormal", "multinomial", "zero inflated", "ordered", "mixture",
         "group and state", "binomial", "student", "dirichlet multinomial", "switch", "two",
         "censored", "masked", "custom", "same index twice", "random walk", "lookup of mean"]
    )  # fmt: skip
    n = int(np.prod(shape))
    if kind == "categorical":
        p = softmax(rng.normal(size=(q, 3)), axis=1)
        y = rng.integers(0, 3, shape)
        pm.Categorical("y", p=pt.as_tensor(p)[k], observed=y)

        def logp(x):
            return np.log(np.take_along_axis(p[number(x)], y[..., None], -1)).sum()
    elif kind == "mvnormal":
        means, cov = rng.normal(size=(q, 2)), np.array([[1.0, 0.4], [0.4, 0.7]])
        y = rng.normal(size=(*shape, 2))
        pm.MvNormal("y", pt.as_tensor(means)[k], cov=cov, observed=y)

        def logp(x):
            return sum(
                stats.multivariate_normal.logpdf(a, m, cov)
                for a, m in zip(y.reshape(-1, 2), means[number(x)].reshape(-1, 2), strict=True)
            )
    elif kind == "multinomial":
        p = softmax(rng.normal(size=(q, 3)), axis=1)
        y = rng.multinomial(5, [0.3, 0.3, 0.4], shape)
        pm.Multinomial("y", 5, pt.as_tensor(p)[k], observed=y)
        ways = (gammaln(6) - gammaln(y + 1).sum(axis=-1)).sum()

        def logp(x):
            return ways + (y * np.log(p[number(x)])).sum()
    elif kind == "dirichlet multinomial":
        a = np.exp(rng.normal(size=(q, 3)))
        y = rng.multinomial(5, [0.3, 0.3, 0.4], shape)
        pm.DirichletMultinomial("y", 5, pt.as_tensor(a)[k], observed=y)

        def logp(x):
            return sum(
                stats.dirichlet_multinomial.logpmf(b, c, 5)
                for b, c in zip(y.reshape(-1, 3), a[number(x)].reshape(-1, 3), strict=True)
            )
    elif kind == "zero inflated":
        rates = np.exp(rng.normal(size=q))
        y = rng.poisson(1.0, shape)
        pm.ZeroInflatedPoisson("y", 0.7, pt.as_tensor(rates)[k], observed=y)

        def logp(x):
            return np.log(0.7 * stats.poisson.pmf(y, rates[number(x)]) + 0.3 * (y == 0)).sum()
    elif kind == "ordered":
        y = rng.integers(0, 3, shape)
        pm.OrderedLogistic("y", eta=0.7 * rv, cutpoints=[-1.0, 1.0], observed=y)

        def logp(x):
            below = expit(np.array([-np.inf, -1.0, 1.0, np.inf]) - 0.7 * np.asarray(x)[..., None])
            return np.log(np.take_along_axis(np.diff(below, axis=-1), y[..., None], -1)).sum()

    elif kind == "mixture":
        y = rng.normal(size=shape)
        pm.NormalMixture(
            "y", w=[0.3, 0.7], mu=pt.stack([1.0 * rv, -1.0 * rv], axis=-1), sigma=1.0, observed=y
        )

        def logp(x):
            parts = [stats.norm.logpdf(y, x, 1.0), stats.norm.logpdf(y, -np.asarray(x), 1.0)]
            return logsumexp(np.stack(parts) + np.log([0.3, 0.7]).reshape(2, *[1] * y.ndim),
                             axis=0).sum()  # fmt: skip

    elif kind == "group and state":
        groups = rng.integers(0, 3, shape)
        table, y = rng.normal(size=(3, q)), rng.normal(size=shape)
        mu = pm.Normal("mu", 0, 1, shape=(3, q))
        index = pm.Data("group", groups)
        pm.Normal("y", mu[index, k], 0.9, observed=y)
        return Child(
            str(kind),
            lambda x: (
                stats.norm.logpdf(table).sum()
                + stats.norm.logpdf(y, table[groups, number(x)], 0.9).sum()
            ),
            False,
            {"mu": table},
        )
    elif kind == "binomial":
        y = rng.integers(0, 4, shape)
        p = expit(rng.normal(size=q))
        pm.Binomial("y", n=3, p=pt.as_tensor(p)[k], observed=y)

        def logp(x):
            return stats.binom.logpmf(y, 3, p[number(x)]).sum()
    elif kind == "student":
        y = rng.normal(size=(2, *shape))
        pm.StudentT("y", nu=3.0 + k, mu=0.4 * rv, sigma=1.0 + 0.2 * k, observed=y)

        def logp(x):
            return stats.t.logpdf(
                y, 3.0 + number(x), 0.4 * np.asarray(x), 1.0 + 0.2 * number(x)
            ).sum()
    elif kind == "switch":
        y = rng.normal(size=shape)
        pm.Normal("y", pt.switch(pt.eq(k, 0), 0.3, -1.0), pt.switch(k > 0, 0.3, 2.0), observed=y)

        def logp(x):
            return stats.norm.logpdf(
                y, np.where(number(x) == 0, 0.3, -1.0), np.where(number(x) > 0, 0.3, 2.0)
            ).sum()
    elif kind == "two":
        y, w = rng.normal(size=shape), rng.normal(size=shape)
        pm.Normal("y", 0.5 * rv, 1.0, observed=y)
        pm.Potential("tilt", (w * rv).sum() - 0.2 * rv.mean())

        def logp(x):
            return stats.norm.logpdf(y, 0.5 * np.asarray(x), 1.0).sum() + (
                (w * x).sum() - 0.2 * np.mean(x)
            )
    elif kind == "censored":
        y = np.minimum(rng.normal(size=shape), 0.5)
        pm.Censored("y", pm.Normal.dist(0.5 * rv, 1.0), lower=None, upper=0.5, observed=y)

        def logp(x):
            return np.where(
                    y >= 0.5, stats.norm.logsf(0.5, 0.5 * np.asarray(x)),
                    stats.norm.logpdf(y, 0.5 * np.asarray(x)),
                ).sum()  # fmt: skip
    elif kind == "masked":
        mask = rng.random(shape) < 0.5
        if not mask.any():
            mask.flat[0] = True
        y = rng.normal(size=int(mask.sum()))
        pm.Normal("y", 2.0 * rv[mask], 1.0, observed=y)

        def logp(x):
            return stats.norm.logpdf(y, 2.0 * np.asarray(x)[mask], 1.0).sum()
    elif kind == "custom":
        y = rng.integers(0, q, shape)

        def said(value, k):
            return pt.log(pt.switch(pt.eq(value, k), 0.8, 0.2 / max(q - 1, 1)))

        pm.CustomDist("y", k, logp=said, observed=y)

        def logp(x):
            return np.log(np.where(y == number(x), 0.8, 0.2 / max(q - 1, 1))).sum()
    elif kind == "same index twice":
        index = rng.integers(0, n, (2, 3))
        y = rng.normal(size=3)
        v = rv.flatten()
        pm.Normal("y", v[index[0]] * 1.0 - v[index[1]], 1.0, observed=y)

        def logp(x):
            return stats.norm.logpdf(
                y, np.asarray(x).reshape(-1)[index[0]] - np.asarray(x).reshape(-1)[index[1]]
            ).sum()
    elif kind == "random walk":
        v = 1.0 * rv.flatten()
        pm.Normal("y", pt.concatenate([v[:1], v[:-1] + v[1:]]), 1.0, observed=np.arange(n) / n)

        def logp(x):
            v = np.asarray(x, float).reshape(-1)
            mu = np.concatenate([v[:1], v[:-1] + v[1:]])
            return stats.norm.logpdf(np.arange(n) / n, mu).sum()

    else:  # lookup of mean
        table = rng.normal(size=n * (q - 1) + 1)
        pm.Normal("y", pt.as_tensor(table)[k.sum()], 1.0, observed=0.3)

        def logp(x):
            return float(stats.norm.logpdf(0.3, table[number(x).sum()]))

    return Child(str(kind), logp)


def random_child(rng, case, rv):
    """Return one or no likelihood."""
    kind = rng.random()
    if kind < 0.1:
        return None
    return moved(rng, case, rv) if kind < 0.65 else by_state(rng, case, rv)
