"""Random discrete models: an energy of the package, and the same by the formulas of `oracle`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from scipy.stats import norm

import pymc_ebm as ebm

from tests.fuzz import oracle

SCALES = [1e-8, 1e-3, 0.3, 0.5, 0.5, 0.8, 1.0, 3.0, 30.0, 1e3]
MOST = 300  # configurations of one event


@dataclass
class Parameter:
    """A parameter's value, and how many of its last axes belong to one row."""

    value: Any
    core: int = 0
    as_is: bool = False  # cannot be a variable: a list of arrays, a matrix without a graph

    def row(self, r: int) -> Any:
        """Return the value in row r."""
        if self.as_is or np.ndim(self.value) <= self.core:
            return self.value
        flat = self.value.reshape(-1, *self.value.shape[self.value.ndim - self.core :])
        return flat[0 if len(flat) == 1 else r]


@dataclass
class Spec:
    """An energy in words: how the package builds it, and what the formula says."""

    name: str
    build: Callable[..., Any]  # tensors by name -> energy
    formula: Callable[..., np.ndarray]  # (K, n), parameters of one row -> (K,)
    parameters: dict[str, Parameter]
    values: list[int]
    shape: tuple[int, ...]
    counts: np.ndarray  # of each vertex, flat
    linear: bool = True  # in each parameter
    dist: Callable[..., Any] | None = None  # declare by the family's own variable
    shape_needed: bool = False
    custom: Any = None  # a function of x and the parameters
    support: str = ""


def random_graph(rng, most=5):
    """Return a graph: tree, cycle, complete, lattice, masked, in pieces, without edges."""
    kind = rng.choice(
        ["tree", "cycle", "complete", "square", "king", "masked", "pieces", "empty", "random",
         "chain", "cylinder"]
    )  # fmt: skip
    n = int(rng.integers(2, most + 1))
    G = ebm.Graph
    if kind == "tree":
        return G.from_edges([(int(rng.integers(0, j)), j) for j in range(1, n)], n)
    if kind == "chain":
        return G.from_edges([(j, j + 1) for j in range(n - 1)], n)
    if kind == "cycle":
        n = max(n, 3)
        return G.from_edges([(j, (j + 1) % n) for j in range(n)], n)
    if kind == "complete":
        return G.complete(n)
    if kind in ("square", "king", "cylinder"):
        rows, columns = [(2, 2), (1, 3), (3, 1), (2, 3), (1, 4), (3, 2)][int(rng.integers(6))]
        if rows * columns > most:
            rows, columns = 2, 2
        periodic = {"cylinder": (True, False)}.get(kind, bool(rng.integers(2)))
        try:
            return G.square(rows, columns, periodic=periodic, neighbors=8 if kind == "king" else 4)
        except ValueError:
            return G.square(rows, columns, periodic=False)
    if kind == "masked":
        mask = np.ones((2, 3), bool)
        mask[0, int(rng.integers(3))] = False
        return G.square(2, 3, periodic=False, mask=mask)
    if kind == "pieces":
        return G.from_edges([(0, 1), (2, 3)], max(n, 4))
    if kind == "empty":
        return G.from_edges(np.empty((0, 2), int), n)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if rng.random() < 0.5]
    return G.from_edges(np.array(pairs, int).reshape(-1, 2), n)


def rows_of(rng, rows, core_shape, scale, core):
    """Return a parameter: for all rows, one a row, or one row of a leading axis of one."""
    lead = ()
    if rows and rng.random() < 0.5:
        lead = rows if rng.random() < 0.8 else (1,) * len(rows)
    return Parameter(rng.normal(0, scale, (*lead, *core_shape)), core)


def coupling(rng, graph, rows, scale, matrices=True):
    """Return couplings in any accepted form."""
    m, n = graph.n_edges, graph.n_vertices
    form = rng.choice(["scalar", "edges", "rows", "matrix"])
    if form == "matrix" and matrices:
        matrix = np.zeros((n, n))
        matrix[tuple(graph.edges.T)] = rng.normal(0, scale, m)
        return Parameter(matrix + matrix.T, 2)
    if form == "scalar" or m == 0:
        return Parameter(np.asarray(rng.normal(0, scale)))
    if form == "rows" and rows and (*rows, m) != (n, n):
        return (
            rows_of(rng, rows, (m,), scale, 1)
            if (1, m) != (n, n)
            else Parameter(rng.normal(0, scale, m), 1)
        )
    return Parameter(rng.normal(0, scale, m), 1)


def vertex_field(rng, graph, rows, scale):
    if rng.random() < 0.3:
        return Parameter(np.asarray(rng.normal(0, scale)))
    return rows_of(rng, rows, graph.shape, scale, len(graph.shape))


def state_field(rng, graph, rows, q, scale):
    form = rng.integers(3)
    if form == 0:
        return Parameter(np.asarray(rng.normal(0, scale)))
    if form == 1:
        return Parameter(rng.normal(0, scale, q), 1)
    return rows_of(rng, rows, (*graph.shape, q), scale, len(graph.shape) + 1)


def spec_ising(rng, graph, rows, scale):
    return Spec(
        "Ising",
        lambda J, h: ebm.energies.Ising(J, h, graph=graph),
        lambda x, J, h: oracle.ising(x, graph.edges, J, h),
        {"J": coupling(rng, graph, rows, scale), "h": vertex_field(rng, graph, rows, scale)},
        [-1, 1], graph.shape, np.full(graph.n_vertices, 2),
        dist=lambda name, J, h, **kw: ebm.Ising(name, J, h, graph=graph, **kw),
    )  # fmt: skip


def spec_boltzmann_machine(rng, graph, rows, scale):
    return Spec(
        "BoltzmannMachine",
        lambda W, b: ebm.energies.BoltzmannMachine(W, b, graph=graph),
        lambda x, W, b: oracle.ising(x, graph.edges, W, b),
        {"W": coupling(rng, graph, rows, scale), "b": vertex_field(rng, graph, rows, scale)},
        [0, 1], graph.shape, np.full(graph.n_vertices, 2),
    )  # fmt: skip


def few_states(rng, n, most=4):
    q = int(rng.integers(2, most + 1))
    while q > 2 and q**n > MOST:
        q -= 1
    return q


def spec_potts(rng, graph, rows, scale):
    q = few_states(rng, graph.n_vertices)
    return Spec(
        "Potts",
        lambda J, h: ebm.energies.Potts(J, h, q=q, graph=graph),
        lambda x, J, h: oracle.potts(x, graph.edges, J, h, q),
        {"J": coupling(rng, graph, rows, scale), "h": state_field(rng, graph, rows, q, scale)},
        list(range(q)), graph.shape, np.full(graph.n_vertices, q),
        dist=lambda name, J, h, **kw: ebm.Potts(name, J, h, q=q, graph=graph, **kw),
    )  # fmt: skip


def spec_clock(rng, graph, rows, scale):
    q = few_states(rng, graph.n_vertices)
    return Spec(
        "Clock",
        lambda J, h: ebm.energies.Clock(J, h, q=q, graph=graph),
        lambda x, J, h: oracle.clock(x, graph.edges, J, h, q),
        {"J": coupling(rng, graph, rows, scale), "h": state_field(rng, graph, rows, q, scale)},
        list(range(q)), graph.shape, np.full(graph.n_vertices, q),
    )  # fmt: skip


def spec_blume_capel(rng, graph, rows, scale):
    return Spec(
        "BlumeCapel",
        lambda J, h, D: ebm.energies.BlumeCapel(J, h, D, graph=graph),
        lambda x, J, h, D: oracle.blume_capel(x, graph.edges, J, h, D),
        {"J": coupling(rng, graph, rows, scale), "h": vertex_field(rng, graph, rows, scale),
         "D": vertex_field(rng, graph, rows, scale)},
        [-1, 0, 1], graph.shape, np.full(graph.n_vertices, 3),
    )  # fmt: skip


def spec_ordinal(rng, graph, rows, scale):
    n = graph.n_vertices
    q = few_states(rng, n)
    counts = np.full(n, q) if rng.random() < 0.4 else rng.integers(2, q + 1, n)
    top = int(counts.max())
    given = top if np.all(counts == top) else counts.reshape(graph.shape)
    return Spec(
        "Ordinal",
        lambda J, thresholds: ebm.energies.Ordinal(
            J, thresholds, n_categories=given, graph=graph),
        lambda x, J, thresholds: oracle.ordinal(x, graph.edges, J, thresholds, top),
        {"J": coupling(rng, graph, rows, scale),
         "thresholds": state_field(rng, graph, rows, top - 1, scale)},
        list(range(top)), graph.shape, counts,
    )  # fmt: skip


def spec_random_field(rng, graph, rows, scale):
    n, m = graph.n_vertices, graph.n_edges
    q = few_states(rng, n)
    form = rng.choice(["shared", "edges", "rows", "unequal"])
    if m == 0:
        form = "shared"
    counts = np.full(n, q)
    if form == "unequal":
        counts = rng.integers(2, q + 1, n)
        tables = Parameter(
            [rng.normal(0, scale, (counts[i], counts[j])) for i, j in graph.edges], as_is=True
        )
        fields = Parameter([rng.normal(0, scale, k) for k in counts], as_is=True)
    else:
        shape = (q, q) if form == "shared" else (m, q, q)
        tables = Parameter(rng.normal(0, scale, shape), len(shape))
        if form == "rows":
            tables = rows_of(rng, rows, shape, scale, 3)
        fields = state_field(rng, graph, rows, q, scale)
    top = int(counts.max())
    J = Parameter(np.asarray(1.0))
    if rng.random() < 0.5 and m:
        J = (
            rows_of(rng, rows, (m,), 1.0, 1)
            if rng.random() < 0.5
            else Parameter(np.asarray(rng.normal()))
        )
        if rows and rng.random() < 0.3:
            J = Parameter(rng.normal(0, 1, (*rows, 1)), 1)
    extra = {"n_states": counts} if form == "unequal" else {"n_states": q}

    def build(tables, fields, J):
        return ebm.energies.MarkovRandomField(tables, fields, J=J, graph=graph, **extra)

    return Spec(
        "MarkovRandomField", build,
        lambda x, tables, fields, J: oracle.random_field(
            x, graph.edges, tables, fields, J, top),
        {"tables": tables, "fields": fields, "J": J},
        list(range(top)), graph.shape, counts,
        dist=lambda name, tables, fields, J, **kw: ebm.MarkovRandomField(
            name, tables, fields, J=J, graph=graph, **extra, **kw),
    )  # fmt: skip


def spec_hopfield(rng, graph, rows, scale):
    n, patterns = graph.n_vertices, int(rng.integers(1, 4))
    b = rng.normal(0, scale, n if rng.random() < 0.5 else ())
    return Spec(
        "Hopfield",
        lambda patterns, b: ebm.energies.Hopfield(patterns, b),
        oracle.hopfield,
        {"patterns": Parameter(rng.choice([-1.0, 1.0], (patterns, n)), 2),
         "b": Parameter(b, b.ndim)},
        [-1, 1], (n,), np.full(n, 2), linear=False,
        dist=lambda name, patterns, b, **kw: ebm.Hopfield(name, patterns, b, **kw),
    )  # fmt: skip


def spec_rbm(rng, graph, rows, scale):
    n, hidden = graph.n_vertices, int(rng.integers(1, 4))
    b = rng.normal(0, scale, n if rng.random() < 0.6 else ())
    c = rng.normal(0, scale, hidden if rng.random() < 0.6 else ())
    return Spec(
        "RBM",
        lambda W, b, c: ebm.energies.RBM(W, b, c),
        oracle.rbm,
        {"W": Parameter(rng.normal(0, scale, (n, hidden)), 2), "b": Parameter(b, b.ndim),
         "c": Parameter(c, c.ndim)},
        [0, 1], (n,), np.full(n, 2), linear=False,
    )  # fmt: skip


def spec_custom(rng, graph, rows, scale):
    """Functions of a tensor: of many entries at once, that index by states, over row data."""
    n = graph.n_vertices
    support = str(rng.choice(["spin", "binary", "spin-1", "categorical"]))
    values = {"spin": [-1, 1], "binary": [0, 1], "spin-1": [-1, 0, 1]}.get(support)
    if values is None:
        values = list(range(few_states(rng, n)))
    if len(values) ** n > MOST:
        support, values = "spin", [-1, 1]
    q, low, step = len(values), values[0], values[1] - values[0]
    a = Parameter(np.asarray(rng.normal(0, scale)))
    b = rows_of(rng, rows, (n,), scale, 1)
    kind = rng.choice(
        ["all", "squares", "state", "state of vertex", "matrix", "hardest", "row data", "logs"]
    )

    symbolic = [True]

    def linear(x, b):
        return (x * b).sum(axis=-1)

    def everything(x, a, b):
        product = x[..., 0] * x[..., 1]
        for k in range(2, n):
            product = product * x[..., k]
        return a * product + linear(x, b)

    def squares(x, a, b):
        return a * ((x[..., 1:] - x[..., :-1]) ** 2).sum(axis=-1) + linear(x, b)

    def number(x):
        return x if (low, step) == (0, 1) else (x - low) // step

    def held(b):
        return pt.as_tensor(b) if isinstance(b, np.ndarray) and symbolic[0] else b

    def state(x, a, b):  # b: one a state
        return held(b)[number(x)].sum(axis=-1) + a * x[..., 0]

    def of_vertex(x, a, b):  # b: one a vertex and state
        return a * held(b)[np.arange(n), number(x)].sum(axis=-1)

    def matrix(x, a, b):
        return a * ((x @ b) * x).sum(axis=-1)

    def hardest(x, a, b):
        return a * x.max(axis=-1) + linear(x, b)

    def logs(x, a, b):
        xp = np if isinstance(x, np.ndarray) else pt
        return xp.log(1.5 + x.sum(axis=-1) ** 2) * a + linear(x, b)

    function = {
        "all": everything, "squares": squares, "state": state, "state of vertex": of_vertex,
        "matrix": matrix, "hardest": hardest, "row data": squares, "logs": logs,
    }[str(kind)]  # fmt: skip
    if kind == "state":
        b = Parameter(rng.normal(0, scale, q), 1)
    if kind == "state of vertex":
        b = Parameter(rng.normal(0, scale, (n, q)), 2)
    if kind == "matrix":
        b = Parameter(rng.normal(0, 1, (n, n)), 2)
    if kind == "row data" and rows:
        b = Parameter(rng.normal(0, scale, (*rows, n)), 1)
    kw = {"n_states": q} if support == "categorical" else {}

    def build(a, b):
        return ebm.energies.Custom(lambda x: function(x, a, b), (n,), support=support, **kw)

    def formula(x, a, b):
        symbolic[0] = False
        try:
            return function(x.astype(int), a, b)
        finally:
            symbolic[0] = True

    return Spec(
        f"Custom: {kind}", build, formula,
        {"a": a, "b": b}, values, (n,), np.full(n, q), linear=kind not in ("matrix",
        "state of vertex"), shape_needed=True, custom=function, support=support,
    )  # fmt: skip


def spec_sum(rng, graph, rows, scale):
    """Return a multiple of one energy, or a sum of two of one kind on two graphs."""
    n = graph.n_vertices
    maker = [spec_ising, spec_boltzmann_machine, spec_blume_capel, spec_ordinal, spec_potts,
             spec_clock][int(rng.integers(6))]  # fmt: skip
    state = rng.bit_generator.state
    first = maker(rng, graph, rows, scale)
    factor = Parameter(np.asarray(rng.normal(1, 0.5)))
    renamed = {f"u_{k}": v for k, v in first.parameters.items()}
    if rng.random() < 0.3:

        def multiple(factor, **p):
            return factor * first.build(**{k[2:]: v for k, v in p.items()})

        def formula(x, factor, **p):
            return factor * first.formula(x, **{k[2:]: v for k, v in p.items()})

        return Spec(f"multiple of {first.name}", multiple, formula,
                    {"factor": factor, **renamed}, first.values, first.shape, first.counts,
                    linear=False)  # fmt: skip
    keep = rng.bit_generator.state
    rng.bit_generator.state = state  # the same states
    other_graph = graph
    if len(graph.shape) == 1 and maker is not spec_ordinal:
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        chosen = [pair for k, pair in enumerate(pairs) if k % 2 == 0]
        other_graph = ebm.Graph.from_edges(np.array(chosen, int).reshape(-1, 2), n)
    second = maker(rng, other_graph, rows, scale)
    if second.values != first.values or not np.array_equal(second.counts, first.counts):
        rng.bit_generator.state = state
        other_graph = graph
        second = maker(rng, graph, rows, scale)
    rng.bit_generator.state = keep
    more = {f"v_{k}": Parameter(v.value if v.as_is else v.value * 0.7, v.core, v.as_is)
            for k, v in second.parameters.items()}  # fmt: skip

    def parts(p, letter):
        return {k[2:]: v for k, v in p.items() if k.startswith(letter)}

    def total(factor, **p):
        return first.build(**parts(p, "u_")) + factor * second.build(**parts(p, "v_"))

    def formula_of_sum(x, factor, **p):
        return first.formula(x, **parts(p, "u_")) + factor * second.formula(x, **parts(p, "v_"))

    return Spec(f"sum of {first.name}", total, formula_of_sum,
                {"factor": factor, **renamed, **more}, first.values, first.shape, first.counts,
                linear=False)  # fmt: skip


SPECS = [
    spec_ising, spec_boltzmann_machine, spec_potts, spec_clock, spec_blume_capel, spec_ordinal,
    spec_random_field, spec_random_field, spec_hopfield, spec_rbm, spec_custom, spec_custom,
    spec_sum,
]  # fmt: skip


@dataclass
class Case:
    """A model, a point of its other variables, and what the formula says of both."""

    seed: int
    spec: Spec
    rows: tuple[int, ...]
    beta: Parameter
    forms: dict[str, str]
    model: pm.Model
    rv: Any
    observed: np.ndarray | None
    log_partition: str | None
    point: dict[str, np.ndarray] = field(default_factory=dict)
    child: Any = None

    def __str__(self) -> str:
        """Say all that is needed to see what is special about the model."""
        shapes = {
            k: (self.forms[k], "list" if p.as_is else np.shape(p.value))
            for k, p in {**self.spec.parameters, "beta": self.beta}.items()
        }
        return (
            f"seed {self.seed}: {self.spec.name} shape {self.spec.shape} rows {self.rows} "
            f"{shapes} log_partition={self.log_partition} observed={self.observed is not None} "
            f"child={getattr(self.child, 'name', None)}"
        )

    @property
    def n_rows(self) -> int:
        return int(np.prod(self.rows)) if self.rows else 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.rows, *self.spec.shape)

    def row(self, r: int) -> tuple[dict[str, Any], float]:
        return {k: p.row(r) for k, p in self.spec.parameters.items()}, float(self.beta.row(r))

    @property
    def every(self) -> np.ndarray:
        return oracle.configurations(self.spec.values, self.spec.counts)

    def energies_of(self, x: np.ndarray, r: int) -> np.ndarray:
        return self.spec.formula(x, **self.row(r)[0])

    def log_z(self) -> np.ndarray:
        every = self.every
        return np.array(
            [oracle.log_z(self.energies_of(every, r), self.row(r)[1]) for r in range(self.n_rows)]
        )

    def rows_energy(self, value: np.ndarray) -> np.ndarray:
        """Return the energies of the rows of one value of the variable."""
        flat = value.reshape(self.n_rows, -1)
        return np.array([self.energies_of(flat[r : r + 1], r)[0] for r in range(self.n_rows)])

    def log_weight(self, value: np.ndarray) -> float:
        """Return −βE, summed over rows."""
        betas = np.array([self.row(r)[1] for r in range(self.n_rows)])
        return float(-(betas * self.rows_energy(value)).sum())

    def log_prior(self) -> float:
        total = 0.0
        for name, form in self.forms.items():
            if form == "random":
                p = self.beta if name == "beta" else self.spec.parameters[name]
                if name == "beta":  # exponential of mean 1
                    total += float(-np.sum(p.value))
                else:
                    total += float(norm.logpdf(p.value, 0.0, spread(p.value)).sum())
        return total

    def random_value(self, rng) -> np.ndarray:
        numbers = rng.integers(
            0, np.broadcast_to(self.spec.counts, (self.n_rows, self.spec.counts.size))
        )
        return np.asarray(self.spec.values)[numbers].reshape(self.shape)


def spread(value):
    return float(max(1.0, np.abs(value).max(initial=0.0)))


def form_of(rng, parameter, allow_random):
    if parameter.as_is:
        return "as is"
    choices = ["constant", "constant", "data", "expression"] + ["random"] * (2 * allow_random)
    if 1 in np.shape(parameter.value)[: max(np.ndim(parameter.value) - parameter.core, 0)]:
        choices = ["constant", "random"]  # pm.Data do not say that they broadcast
    return str(rng.choice(choices))


def given(name, parameter, form):
    """Turn a value into what a user would pass."""
    value = parameter.value
    if form in ("constant", "as is"):
        return value
    if form == "data":
        return pm.Data(f"data_{name}", value)
    if form == "expression":
        return 2.0 * pm.Data(f"half_{name}", value / 2)
    if name == "beta":
        return pm.Exponential(name, 1.0, shape=np.shape(value), default_transform=None)
    return pm.Normal(f"p_{name}", 0.0, spread(value), shape=np.shape(value))


def random_case(seed, child_of=None, makers=SPECS, latent=None, plain=False):
    """Return a random model; ValueError if the package refuses it."""
    rng = np.random.default_rng(seed)
    maker = makers[int(rng.integers(len(makers)))]
    rows = [(), (), (), (2,), (3,), (4,), (2, 2), (1,)][int(rng.integers(8))]
    if maker in (spec_hopfield, spec_rbm) and rng.random() < 0.5:
        rows = ()
    scale = float(rng.choice([0.5] if plain else SCALES))
    graph = random_graph(rng)
    spec = maker(rng, graph, rows, scale)
    is_latent = bool(rng.random() < 0.5) if latent is None else latent
    beta = Parameter(np.asarray(1.0))
    if rng.random() < 0.5:
        beta = rows_of(rng, rows, (), 1.0, 0)
        beta.value = np.abs(beta.value) + 0.1
        if spec.custom is not None and beta.value.ndim:
            beta.value = beta.value
    forms = {k: form_of(rng, p, True) for k, p in spec.parameters.items()}
    forms["beta"] = form_of(rng, beta, True)
    if rng.random() < 0.3:
        forms = {k: "as is" if f == "as is" else "constant" for k, f in forms.items()}
    free = "random" in forms.values()
    method = None
    if free or rng.random() < 0.4:
        method = str(rng.choice(["auto", "auto", "enumerate", "pseudo"]))
        if method == "pseudo" and is_latent:
            method = "auto"
    case = Case(seed, spec, rows, beta, forms, None, None, None, method)
    value = None if is_latent else case.random_value(rng)
    case.observed = value
    as_function = spec.custom is not None and rng.random() < 0.5
    by_family = spec.dist is not None and rng.random() < 0.5
    # rows of a captured parameter can only be read by the function of the whole variable
    has_rows = any(not p.as_is and np.ndim(p.value) > p.core for p in spec.parameters.values())
    if spec.custom is not None and has_rows:
        as_function = True
    with pm.Model() as model:
        tensors = {k: given(k, p, forms[k]) for k, p in spec.parameters.items()}
        kw = {"beta": given("beta", beta, forms["beta"])}
        if value is not None:
            kw["observed"] = value
        elif rows or spec.shape_needed or rng.random() < 0.5:
            kw["shape"] = case.shape
        if method is not None:
            kw["log_partition"] = method
        if as_function:
            extra = {"n_states": len(spec.values)} if spec.support == "categorical" else {}
            rv = ebm.Boltzmann(
                "x", lambda x: spec.custom(x, **tensors), support=spec.support,
                **{**kw, **({"shape": case.shape} if value is None else {}), **extra},
            )  # fmt: skip
        elif by_family:
            rv = spec.dist("x", **tensors, **kw)
        else:
            rv = ebm.Boltzmann("x", spec.build(**tensors), **kw)
        if value is None and child_of is not None:
            case.child = child_of(rng, case, rv)
    case.model, case.rv = model, rv
    for name, form in forms.items():
        if form == "random":
            p = beta if name == "beta" else spec.parameters[name]
            case.point["beta" if name == "beta" else f"p_{name}"] = np.asarray(p.value, float)
    return case
