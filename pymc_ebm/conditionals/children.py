"""What the children of a discrete variable say about it."""

from __future__ import annotations

from dataclasses import dataclass

import pymc as pm

from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.elementwise import Terms
from pymc_ebm.dependence import is_smooth


@dataclass(frozen=True)
class Children:
    """The children of a discrete variable whose log-probability depends on it.

    `all`: variables and potentials; `terms`: their log-probabilities, sorted; `tying`: those that
    tie several entries together.
    """

    all: list[TensorVariable]
    terms: Terms
    tying: list[TensorVariable]

    @classmethod
    def of(cls, model: pm.Model, rv: TensorVariable, jacobian: bool = True) -> Children:
        """Find them in a model; log-probabilities are over value variables."""
        value_var = model.rvs_to_values[rv]
        others = children_of(model, rv)
        terms = model.logp(vars=others, jacobian=jacobian, sum=False) if others else []
        found, children, tying = Terms(value_var), [], []
        for child, term in zip(others, terms, strict=True):
            if value_var not in ancestors([term]):
                continue  # a child of a child: it depends on the variable, its density does not
            ties = len(found.tied)
            found.add(term)
            children.append(child)
            if len(found.tied) > ties:
                tying.append(child)
        return cls(children, found, tying)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [str(child.name) for child in self.all]

    @property
    def smooth(self) -> bool:
        """Whether what they say has a gradient that tells how it changes."""
        said = [*(summand for summand, _ in self.terms.single), *self.terms.tied]
        return all(is_smooth(summand, self.terms.variable) for summand in said)

    def require_elementwise(self, owner: str, rv: TensorVariable) -> None:
        """Raise if a child ties several entries together."""
        if self.tying:
            raise ValueError(
                f"{owner}: {self.tying[0].name!r} ties several entries of {rv.name!r} together, so "
                "it is not an external field. Write the likelihood elementwise in "
                f"{rv.name!r}, put interactions between its entries into the couplings, or use "
                f"step=ebm.ChromaticGibbs([{rv.name}])."
            )


def children_of(model: pm.Model, rv: TensorVariable) -> list[TensorVariable]:
    """Return the variables and potentials that a variable enters."""
    others = [*model.free_RVs, *model.observed_RVs, *model.potentials]
    return [v for v in others if v is not rv and rv in ancestors([v])]
