"""Which sampler fits a discrete variable, decided by the structure of its energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.pytensorf import rvs_in_graph
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.children import Children
from pymc_ebm.dependence import PY, is_smooth
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import constant_value
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import cluster_form
from pymc_ebm.step_methods.feasible_start import start_feasible
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann


@dataclass(frozen=True)
class Recommendation:
    """The sampler of one discrete variable.

    `variable`: name of the variable; `step`: name of the step method in `pymc_ebm`; `reason`: the
    structure that decided.
    """

    variable: str
    step: str
    reason: str

    def __str__(self) -> str:
        """Write one line."""
        return f"{self.variable}: {self.step}, because {self.reason}"


@dataclass(frozen=True)
class Recommendations:
    """The samplers of a model's discrete energies, as `pymc.sample` would assign them.

    `choices`: one a variable.
    """

    choices: tuple[Recommendation, ...]

    def __str__(self) -> str:
        """Write one line a variable."""
        return "\n".join(map(str, self.choices)) or "no discrete energy in this model"

    __repr__ = __str__

    def __getitem__(self, variable: str) -> Recommendation:
        """Return the recommendation for a variable, by name."""
        for choice in self.choices:
            if choice.variable == variable:
                return choice
        raise KeyError(variable)


def recommend(model: pm.Model | None = None) -> Recommendations:
    """Say which sampler each discrete energy of a model gets, and why.

    Parameters
    ----------
    model : Model, optional
        By default the model on the context stack.

    Returns
    -------
    Recommendations
        Prints one line a variable; ``result["s"].step`` and ``.reason`` for programs.

    Notes
    -----
    Couplings that no cycle contradicts (unfrustrated): cluster moves mixed with heat-bath sweeps.
    Frustrated couplings: parallel tempering. A restricted Boltzmann machine, or random couplings
    of unknown signs on a graph with two sides: block updates. Random couplings on any other graph:
    heat bath. What couples a pair of states decides which clusters fit, if any; without clusters:
    parallel tempering, and heat bath on trees. Any other energy, or a child that ties several
    entries together: proposals informed by the gradient where there is one, else heat bath by
    compiled evaluations.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.4, graph=ebm.Graph.square(8, 8))
    >>> ebm.recommend(model)
    s: SwendsenWang, because its couplings are unfrustrated
    """
    model = pm.modelcontext(model)
    with model:
        choices = [_choose(rv) for rv in model.free_RVs]
    return Recommendations(tuple(choice for choice in choices if choice is not None))


@dataclass(frozen=True)
class _Decision:
    """What was decided, and what it was decided on."""

    variables: int
    data: tuple[NDArray, ...]
    choice: Recommendation | None


# kept until the model gains variables, which may be children, or other data
_decided: WeakKeyDictionary[TensorVariable, _Decision] = WeakKeyDictionary()


def recommended_step(rv: TensorVariable) -> str | None:
    """Return the name of the step method for a variable; None if it is no discrete energy.

    `rv`: A free variable of the model on the context stack.
    """
    choice = _choose(rv)
    return None if choice is None else choice.step


def _choose(rv: TensorVariable) -> Recommendation | None:
    model = pm.modelcontext(None)
    if not is_discrete_boltzmann(rv):
        return None
    size = len(model.basic_RVs) + len(model.potentials)
    data = tuple(v.get_value(borrow=True) for v in model.data_vars if hasattr(v, "get_value"))
    last = _decided.get(rv)
    if (
        last is None
        or last.variables != size
        or len(last.data) != len(data)
        or any(a is not b for a, b in zip(last.data, data, strict=True))
    ):
        start_feasible(model, rv)
        _decided[rv] = last = _Decision(size, data, _decide(rv, model))
    return last.choice


def _decide(rv: TensorVariable, model: pm.Model) -> Recommendation:
    op: Any = rv.owner.op
    energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
    name, family = str(rv.name), type(energy).__name__
    children = Children.of(model, rv)
    form = Coded.of(energy)
    ties = repr(children.tying[0].name) if children.tying else None
    known = constant_value(beta)
    layered = isinstance(energy, RBM) and known is not None and bool(np.all(known == 1.0))
    if ties is not None or (form is None and not layered):
        why = f"{family} is not pairwise"
        if ties:
            why = f"{ties} ties several of its entries together"
        elif isinstance(energy, RBM):
            why = "beta scales its free energy, which is no RBM (ebm.RBM scales both layers)"
        value = model.rvs_to_values[rv]
        if children.smooth and is_smooth(energy(value), value):
            return Recommendation(name, "GibbsWithGradients", why)
        return Recommendation(
            name, "ChromaticGibbs", f"{why}, and its log-probability has no useful gradient"
        )
    if layered:
        return Recommendation(name, "BlockGibbs", "its units form two layers")
    assert form is not None
    return Recommendation(name, *_for_pairwise(form, beta))


def _for_pairwise(form: Coded, beta: TensorVariable) -> tuple[str, str]:
    """Decide by what couples the states, and by the signs of the couplings."""
    graph = form.graph
    if graph.n_edges == 0:
        return "ChromaticGibbs", "its entries are not coupled"
    if rvs_in_graph([form.J, beta]) or (form.has_tables and rvs_in_graph([form.interaction])):  # type: ignore[list-item]
        sides = find_frustration(graph, np.full(graph.n_edges, -1.0)).gauge
        if sides is None:
            return "ChromaticGibbs", "the signs of its couplings are random"
        return "BlockGibbs", "its graph has two sides, and the signs of its couplings are random"
    J = np.asarray(form.J.eval(mode=PY))
    if J.ndim > 1 and len({np.sign(row).tobytes() for row in J.reshape(-1, J.shape[-1])}) > 1:
        return "ChromaticGibbs", "its batch mixes different signs of the couplings"
    row = J.reshape(-1, J.shape[-1])[0] if J.ndim else J
    if not np.any(row):
        return "ChromaticGibbs", "its entries are not coupled"
    if form.is_spin:
        return _for_signs(graph, row)
    clusters = None if form.has_tables else cluster_form(np.asarray(form.interaction))
    if clusters is None:
        if has_cycle(graph):
            return "ParallelTempering", "what couples its states fits no clusters"
        return "ChromaticGibbs", "what couples its states fits no clusters, and its graph is a tree"
    if clusters.kind == "spins":
        return _for_signs(graph, clusters.scale * row)
    if np.all(clusters.scale * row >= 0):
        return "SwendsenWang", "its couplings attract"
    return "ParallelTempering", "some of its Potts couplings repel"


def _for_signs(graph: Graph, row: NDArray) -> tuple[str, str]:
    """Decide by frustration."""
    cycle = find_frustration(graph, row).cycle
    if cycle:
        shown = " – ".join(map(str, cycle[:6])) + (" – …" if len(cycle) > 6 else "")
        return "ParallelTempering", f"its couplings are frustrated (cycle {shown})"
    return "SwendsenWang", "its couplings are unfrustrated"


def has_cycle(graph: Graph) -> bool:
    """Tell whether a graph has a cycle: more edges than a forest over its vertices."""
    parent = list(range(graph.n_vertices))

    def root(v: int) -> int:
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    for i, j in graph.edges.tolist():
        a, b = root(i), root(j)
        if a == b:
            return True
        parent[a] = b
    return False
