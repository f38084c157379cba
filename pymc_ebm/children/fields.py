"""What the children of a discrete variable say about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress

import pymc as pm
import pytensor.tensor as pt

from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.children.elementwise import (
    NotElementwiseError,
    columns_from_terms,
    field_from_terms,
    rest_of_terms,
)


def children_of(model: pm.Model, rv: TensorVariable) -> list[TensorVariable]:
    """Return the variables and potentials whose log-probability depends on a variable.

    Parameters
    ----------
    model : Model
        The model.
    rv : TensorVariable
        A free variable of it.
    """
    others = [*model.free_RVs, *model.observed_RVs, *model.potentials]
    return [v for v in others if v is not rv and rv in ancestors([v])]


def children_field(
    model: pm.Model, rv: TensorVariable, states: tuple[int, ...], owner: str
) -> tuple[list[str], TensorVariable | None]:
    """Name the children of a discrete variable and write what they exert on it.

    Parameters
    ----------
    model : Model
        The model.
    rv : TensorVariable
        The discrete variable.
    states : tuple of int
        Its values.
    owner : str
        What error messages call the step.

    Returns
    -------
    names : list of str
        The children.
    field : TensorVariable or None
        For two states ``½ (ℓ(high) − ℓ(low))`` in the variable's shape; for q states ``ℓ(state)``
        with an axis of length q behind it. None without children.

    Raises
    ------
    ValueError
        If a child ties several entries of the variable together.
    """
    value_var = model.rvs_to_values[rv]
    others = children_of(model, rv)
    fields, names = [], []
    terms = model.logp(vars=others, sum=False) if others else []
    for child, term in zip(others, terms, strict=True):
        with naming_the_child(child, rv, owner):
            if len(states) == 2:
                field = field_from_terms([term], value_var, *states)
            else:
                columns = columns_from_terms([term], value_var, states)
                field = None if columns is None else pt.stack(columns, axis=-1)
        if field is not None:
            fields.append(field)
            names.append(str(child.name))
    return names, (sum(fields[1:], fields[0]) if fields else None)


def children_columns(
    model: pm.Model, rv: TensorVariable, states: tuple[int, ...], owner: str
) -> tuple[list[TensorVariable], list[TensorVariable] | None, TensorVariable]:
    """Write the children's whole log-probability, what does not depend on the variable included.

    Parameters
    ----------
    model, rv, states, owner
        As for `children_field`. Log-probabilities are those of the children's own values, without
        the Jacobians of transformations.

    Returns
    -------
    children : list of TensorVariable
        The children.
    columns : list of TensorVariable or None
        ``ℓ(state)`` of each entry in the variable's shape, one tensor a state; None without
        children.
    rest : TensorVariable, shape ()
        The children's log-probability is this and ``ℓ(state)`` of each entry's state.

    Raises
    ------
    ValueError
        If a child ties several entries of the variable together.
    """
    value_var = model.rvs_to_values[rv]
    others = children_of(model, rv)
    terms = model.logp(vars=others, jacobian=False, sum=False) if others else []
    # children of children depend on the variable, but their log-probability does not
    direct = [value_var in ancestors([term]) for term in terms]
    children, terms = list(compress(others, direct)), list(compress(terms, direct))
    found = []
    for child, term in zip(children, terms, strict=True):
        with naming_the_child(child, rv, owner):
            columns = columns_from_terms([term], value_var, states)
        if columns is not None:
            found.append(columns)
    summed = [pt.add(*column) for column in zip(*found, strict=True)] if found else None
    return children, summed, rest_of_terms(terms, value_var)


@contextmanager
def naming_the_child(child: TensorVariable, rv: TensorVariable, owner: str) -> Iterator[None]:
    """Say which child ties entries of which variable together, and what to do.

    Parameters
    ----------
    child, rv : TensorVariable
        The child and the discrete variable.
    owner : str
        What error messages call the caller.
    """
    try:
        yield
    except NotElementwiseError as error:
        raise ValueError(
            f"{owner}: {child.name!r} ties several entries of {rv.name!r} together "
            f"({error}), so it is not an external field. Write the likelihood elementwise in "
            f"{rv.name!r}, put interactions between its entries into the couplings, or use "
            f"step=ebm.GibbsWithGradients([{rv.name}])."
        ) from None
