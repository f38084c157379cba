"""Which sampler fits a discrete variable, decided by the structure of its energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm

from pymc.pytensorf import rvs_in_graph
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.boltzmann import is_discrete_boltzmann
from pymc_ebm.children.elementwise import NotElementwiseError, field_from_terms
from pymc_ebm.children.fields import children_of
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.frustration import find_frustration

PY = Mode(linker="py", optimizer="fast_compile")


@dataclass(frozen=True)
class Recommendation:
    """The sampler of one discrete variable.

    Parameters
    ----------
    variable : str
        Name of the variable.
    step : str
        Name of the step method in `pymc_ebm`.
    reason : str
        The structure that decided.
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

    Parameters
    ----------
    choices : tuple of Recommendation
        One a variable.
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
    heat bath. Any other energy, or a child that ties several
    entries together: proposals informed by the gradient.

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


# a decision is kept until the model gains variables, which may be children
_chosen: WeakKeyDictionary[TensorVariable, tuple[int, Recommendation | None]] = WeakKeyDictionary()


def recommended_step(rv: TensorVariable) -> str | None:
    """Return the name of the step method for a variable; None if it is no discrete energy.

    Parameters
    ----------
    rv : TensorVariable
        A free variable of the model on the context stack.
    """
    choice = _choose(rv)
    return None if choice is None else choice.step


def is_pairwise_with_fields(rv: TensorVariable, model: pm.Model) -> bool:
    """Tell whether a variable is a pairwise discrete energy whose children act as fields.

    Parameters
    ----------
    rv : TensorVariable
        A free variable.
    model : Model
        Its model.
    """
    op: Any = getattr(rv.owner, "op", None)
    if not is_discrete_boltzmann(rv):
        return False
    return op.energy.pairwise_form() is not None and _child_that_ties_entries(rv, model) is None


def _choose(rv: TensorVariable) -> Recommendation | None:
    model = pm.modelcontext(None)
    size = len(model.basic_RVs) + len(model.potentials)
    if rv not in _chosen or _chosen[rv][0] != size:
        _chosen[rv] = size, _decide(rv, model)
    return _chosen[rv][1]


def _decide(rv: TensorVariable, model: pm.Model) -> Recommendation | None:
    op: Any = getattr(rv.owner, "op", None)
    if not is_discrete_boltzmann(rv):
        return None
    energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
    name = str(rv.name)
    tied = _child_that_ties_entries(rv, model)
    if tied is not None:
        return Recommendation(
            name, "GibbsWithGradients", f"{tied} ties several of its entries together"
        )
    if isinstance(energy, RBM):
        return Recommendation(name, "BlockGibbs", "its units form two layers")
    form = energy.pairwise_form()
    if form is None:
        return Recommendation(
            name, "GibbsWithGradients", f"{type(energy).__name__} is not pairwise"
        )
    return Recommendation(name, *_for_pairwise(form, beta))


def _for_pairwise(form: Pairwise, beta: TensorVariable) -> tuple[str, str]:
    """Decide by the signs of the couplings."""
    if rvs_in_graph([form.J, beta]):
        sides = find_frustration(form.graph, np.full(form.graph.n_edges, -1.0)).gauge
        if sides is None:
            return "ChromaticGibbs", "the signs of its couplings are random"
        return "BlockGibbs", "its graph has two sides, and the signs of its couplings are random"
    J = np.asarray(form.J.eval(mode=PY))
    if J.ndim > 1 and len({np.sign(row).tobytes() for row in J.reshape(-1, J.shape[-1])}) > 1:
        return "ChromaticGibbs", "its batch mixes different signs of the couplings"
    row = J.reshape(-1, J.shape[-1])[0] if J.ndim else J
    if not np.any(row) or form.graph.n_edges == 0:
        return "ChromaticGibbs", "its entries are not coupled"
    if len(form.states) > 2 and form.states[0] == 0:  # Potts
        if np.all(row >= 0):
            return "SwendsenWang", "its couplings attract"
        return "ParallelTempering", "some of its Potts couplings repel"
    cycle = find_frustration(form.graph, row).cycle
    if cycle:
        shown = " – ".join(map(str, cycle[:6])) + (" – …" if len(cycle) > 6 else "")
        return "ParallelTempering", f"its couplings are frustrated (cycle {shown})"
    return "SwendsenWang", "its couplings are unfrustrated"


def _child_that_ties_entries(rv: TensorVariable, model: pm.Model) -> str | None:
    """Name a child that is no elementwise likelihood, if there is one."""
    if rv not in model.rvs_to_values:
        return None
    others = children_of(model, rv)
    terms = model.logp(vars=others, sum=False) if others else []
    value_var = model.rvs_to_values[rv]
    states = rv.owner.op.energy.states
    for child, term in zip(others, terms, strict=True):
        try:
            field_from_terms([term], value_var, states[0], states[-1])
        except NotElementwiseError:
            return repr(child.name)
    return None
