"""What must hold for every model: each check raises AssertionError with the model's seed."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt

from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from scipy.special import logsumexp
from scipy.stats import norm

import pymc_ebm as ebm

from pymc_ebm.conditionals.conditional import Conditional
from pymc_ebm.dependence import PY
from pymc_ebm.log_z.exact.log_partition import METHODS, one_row
from tests.fuzz import oracle


def close(got, want, scale, what, case, digits=1e-9):
    got, want = np.asarray(got, float), np.asarray(want, float)
    message = f"{what}\n{case}"
    assert got.shape == want.shape, f"shapes {got.shape} and {want.shape}: {message}"
    np.testing.assert_allclose(got, want, rtol=digits, atol=digits * (1 + scale), err_msg=message)


def size_of(case):
    """Return how large energies are, with which rounding grows."""
    every = case.every
    most = 0.0
    for r in range(case.n_rows):
        most = max(most, float(np.abs(case.row(r)[1] * case.energies_of(every, r)).max()))
        parts, beta = case.row(r)
        most = max(most, *(abs(beta) * float(np.abs(p).max(initial=0)) for p in parts.values()
                           if not isinstance(p, list)))  # fmt: skip
    # PyMC itself is good for eight digits here
    name = getattr(case.child, "name", "")
    return most * 1e3 + 1e3 if "multinomial" in name or name == "censored" else most


def whole_point(case):
    point = dict(case.point)
    if case.child is not None:
        point |= case.child.point
    return point


def log_probability(case, value, log_z=None):
    """Return the joint log-probability by the formulas."""
    if case.log_partition == "pseudo":
        total = 0.0
        every, flat = case.every, value.reshape(case.n_rows, -1)
        for r in range(case.n_rows):
            total += oracle.pseudo(
                case.energies_of(every, r), case.row(r)[1], every, flat[r].tolist(),
                case.spec.values, case.spec.counts,
            )  # fmt: skip
    else:
        total = case.log_weight(value)
        if case.log_partition is not None:
            total -= float(np.sum(case.log_z() if log_z is None else log_z))
    total += case.log_prior()
    if case.child is not None:
        total += float(case.child.logp(value))
    return total


RAW = Mode(linker="py", optimizer=None)


def compiled(inputs, outputs, case):
    """Compile; mostly without rewriting, which takes ten times as long."""
    mode = PY if case.seed % 5 == 0 else RAW
    return pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")


def check_energy_and_logp(case, rng):
    """Energy of each row, and the joint log-probability."""
    model, scale = case.model, size_of(case)
    op = case.rv.owner.op
    energy, _beta, _ = op.bind(case.rv.owner.inputs[2:])
    x = pt.tensor("configuration", shape=case.shape, dtype="int64")
    [bound] = model.replace_rvs_by_values([energy(x)])
    logp = model.logp(jacobian=False)
    inputs = list(model.value_vars)
    f = compiled([*inputs, x], [bound, logp], case)
    point = whole_point(case)
    log_z = case.log_z()
    for _ in range(4):
        value = case.random_value(rng) if case.observed is None else case.observed
        given = [np.asarray(point.get(v.name, value), v.dtype) for v in inputs]
        got_energy, got_logp = f(*given, value)
        close(
            np.broadcast_to(got_energy, case.rows).reshape(-1), case.rows_energy(value), scale,
            "energy", case,
        )  # fmt: skip
        close(got_logp, log_probability(case, value, log_z), scale * case.n_rows, "logp", case)
        if case.observed is not None:
            break


def check_log_z(case):
    """Every method that applies, and its gradients."""
    model, scale = case.model, size_of(case)
    op = case.rv.owner.op
    energy, beta, _ = op.bind(case.rv.owner.inputs[2:])
    problem, _rows = one_row(energy, beta)
    point = whole_point(case)
    want = case.log_z()
    outputs, names = [], []
    # gradients with respect to random parameters
    free = [v for v in model.value_vars if v.name in case.point]
    for name, method in METHODS.items():
        if method.obstacle(problem) is not None:
            continue
        log_z = ebm.log_partition(energy, beta=beta, method=name)
        [log_z] = model.replace_rvs_by_values([log_z])
        gradient = pt.grad(log_z.sum(), free, disconnected_inputs="ignore") if free else []
        outputs += [log_z, *gradient]
        names.append(name)
    if not names:
        return names
    f = compiled(list(model.value_vars), outputs, case)
    values = [
        np.asarray(point[v.name] if v.name in point else case.random_value(np.random.default_rng(0)),
                   v.dtype) for v in model.value_vars
    ]  # fmt: skip
    results = f(*values)
    each = 1 + len(free)
    slopes = [slope_of_log_z(case, v.name) for v in free]
    for k, name in enumerate(names):
        got, *gradient = results[each * k : each * (k + 1)]
        if name == "transfer_matrix" and np.any(np.isnan(got)):
            continue  # says so
        if got.size == 1:
            distinct = np.full(case.n_rows, got.reshape(()))
        else:
            distinct = np.broadcast_to(got, case.rows).reshape(-1)
        digits = 1e-6 if name in ("torus", "planar", "complete") else 1e-9
        close(distinct, want, scale, f"log Z by {name}", case, digits)
        factor = 1.0 if got.size > 1 or case.n_rows == 1 else case.n_rows
        for v, g, slope in zip(free, gradient, slopes, strict=True):
            close(
                g * factor, slope, np.abs(slope).max(initial=0),
                f"gradient of log Z by {name} in {v.name}", case, max(digits, 2e-6),
            )  # fmt: skip
    return names


def slope_of_log_z(case, name):
    """Return the derivative of ``Σ_rows log Z`` in a parameter: minus β⟨∂E/∂θ⟩."""
    every = case.every
    if name == "beta":
        parameter = case.beta
        out = np.zeros(np.shape(parameter.value))
        for r in range(case.n_rows):
            energies = case.energies_of(every, r)
            weights = -case.row(r)[1] * energies
            mean = np.exp(weights - logsumexp(weights)) @ energies
            _add_row(out, parameter, r, -mean)
        return out
    key = name[2:]
    parameter = case.spec.parameters[key]
    out = np.zeros(np.shape(parameter.value))
    for r in range(case.n_rows):
        values, beta = case.row(r)
        weights = -beta * case.spec.formula(every, **values)
        probabilities = np.exp(weights - logsumexp(weights))
        own = np.asarray(values[key], float)
        gradient = np.zeros(own.shape)
        symmetric = own.ndim == 2 and key[-1] in "JW" and "RBM" not in case.spec.name
        for index in np.ndindex(*own.shape):
            step = 1.0 if case.spec.linear else 1e-4 * max(1.0, abs(own[index]))
            ends = []
            for sign in (1, -1):
                there = own.copy()
                there[index] += sign * step
                ends.append(case.spec.formula(every, **{**values, key: there}))
            gradient[index] = -beta * probabilities @ (ends[0] - ends[1]) / (2 * step)
        if symmetric:  # a matrix is read above its diagonal, and ours at (i, j) of each edge
            pass
        _add_row(out, parameter, r, gradient)
    return out


def _add_row(out, parameter, r, value):
    if out.ndim <= parameter.core:
        out += value
    else:
        flat = out.reshape(-1, *out.shape[out.ndim - parameter.core :])
        flat[0 if len(flat) == 1 else r] += value


def check_conditional(case, rng):
    """Couplings, fields and what is evaluated reproduce differences of the joint."""
    conditional = Conditional(
        "fuzz", case.rv, case.model, {"mode": PY if case.seed % 5 == 0 else RAW}, evaluate=True
    )
    point, scale = whole_point(case), size_of(case)
    where = {v.name: np.asarray(point[v.name], v.dtype) for v in case.model.value_vars
             if v.name in point}  # fmt: skip
    conditions = conditional.at(where)
    graph, states = conditional.graph, conditional.states
    values = [case.random_value(rng) for _ in range(6)]
    for value in list(values[:2]):  # all neighbours by one entry
        for k in range(value.size):
            other = value.copy().reshape(-1)
            limit = np.broadcast_to(case.spec.counts, (case.n_rows, case.spec.counts.size))
            other[k] = case.spec.values[int(rng.integers(limit.reshape(-1)[k]))]
            values.append(other.reshape(value.shape))
    got, want = [], []
    tied = np.zeros(len(values))
    if conditional.ties_entries:
        dtype = case.model.rvs_to_values[case.rv].dtype
        tied = conditional.tied(np.stack(values).astype(dtype), where)
    for value, ties in zip(values, tied, strict=True):
        x = conditional.encode(value)
        total = float(ties)
        for r in range(case.n_rows):
            J = np.broadcast_to(conditions.coupling[r], (graph.n_edges,))
            code = x[r].astype(int)
            for e, (i, j) in enumerate(graph.edges):
                if conditional.is_spin:
                    total += J[e] * code[i] * code[j]
                else:
                    K = conditions.interaction[r]
                    K = K[e] if K.ndim == 3 else K
                    total += J[e] * K[code[i], code[j]]
            f = conditions.field[r]
            total += float((f * code).sum() if conditional.is_spin
                           else f[np.arange(len(code)), code].sum())  # fmt: skip
        got.append(total)
        want.append(log_probability(case, value, 0.0))
        assert np.array_equal(conditional.decode(x, np.dtype("int64")), value), f"codes\n{case}"
    got, want = np.array(got), np.array(want)
    magnitude = (
        scale * case.n_rows
        + np.abs(want).max()
        + np.abs(conditions.field[np.isfinite(conditions.field)]).max(initial=0)
    )
    close(got - got[0], want - want[0], magnitude, "conditional", case, 1e-9)
    assert states.kind in ("signs", "labels", "numbers")
    return conditional.ties_entries


def check_relaxed(case, rng):
    """Hold the relaxed density to the sum over configurations; return False if it does not apply."""
    from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
    from pymc_ebm.variables.copying import untransformed

    n = int(np.prod(case.shape))
    per_row = len(case.every)
    hidden = case.spec.parameters["W"].value.shape[1] if case.spec.name == "RBM" else 0
    if per_row**case.n_rows * 2 ** (hidden * case.n_rows) > 3000:
        return False
    try:
        relaxed = untransformed(ebm.relax(case.model))
    except ValueError as error:
        return str(error)
    plain = untransformed(case.model)
    variable = RelaxedVariable(plain, plain["x"], "auto", "fuzz")
    rows = np.indices((per_row,) * case.n_rows).reshape(case.n_rows, -1).T
    every = case.every[rows].reshape(-1, *case.shape)
    weights = np.array([log_probability(case, value) for value in every])
    flat_hidden = oracle.configurations([0, 1], [2] * (hidden * case.n_rows)) if hidden else None
    x = []
    if hidden:
        W, c = case.spec.parameters["W"].value, case.spec.parameters["c"].value
        joint = []
        for value, weight in zip(every, weights, strict=True):
            odds = np.broadcast_to(c, hidden) + value.reshape(case.n_rows, -1) @ W
            for h in flat_hidden.reshape(-1, case.n_rows, hidden):
                joint.append(weight - np.logaddexp(0, (1 - 2 * h) * odds).sum())
                x.append(variable.encode(value, h.reshape(*case.rows, hidden)))
        weights = np.array(joint)
    else:
        x = [variable.encode(value) for value in every]
    x = np.stack(x)
    configuration = pt.tensor("z_of", shape=x.shape[1:], dtype=x.dtype)
    centres = vectorize_graph(variable.centre(configuration), {configuration: pt.constant(x)})
    point = whole_point(case)
    others = [v for v in plain.value_vars if v is not plain.rvs_to_values[plain["x"]]]
    f = compiled(others, centres, case)
    centre = np.asarray(f(*[np.asarray(point[v.name], v.dtype) for v in others]), float)
    z_value = relaxed.rvs_to_values[relaxed["x_field"]]
    inputs = [v for v in relaxed.value_vars if v is not z_value]
    g = compiled([*inputs, z_value], relaxed.logp(jacobian=False), case)
    scale = size_of(case) * case.n_rows + np.abs(weights).max() + (centre**2).max(initial=0)
    for _ in range(3):
        z = centre[rng.integers(len(centre))] + rng.normal(size=centre.shape[1:])
        axes = tuple(range(1, centre.ndim))
        want = logsumexp(weights + norm.logpdf(z, centre).sum(axis=axes))
        got = g(*[np.asarray(point[v.name], v.dtype) for v in inputs], z)
        close(got, want, scale, "relaxed density", case, 1e-9)
    return n > 0
