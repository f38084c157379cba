"""log Z of the Ising model on a periodic square lattice without a field, in closed form."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.partition.problem import Method, Problem


def _directional_J(problem: Problem) -> tuple[TensorVariable, TensorVariable] | None:
    """Return the couplings along the two axes, if each axis has one."""
    uniform = problem.uniform_J
    if uniform is not None:
        return uniform, uniform
    known, graph = problem.known_J, problem.graph
    if known is None:
        return None
    # neighbours along the second axis share a row
    same_row = graph.edges[:, 0] // graph.shape[1] == graph.edges[:, 1] // graph.shape[1]
    along, across = known[~same_row], known[same_row]
    if np.ptp(along) > 0 or np.ptp(across) > 0:
        return None
    return pt.as_tensor_variable(along[0]), pt.as_tensor_variable(across[0])


def _obstacle(problem: Problem) -> str | None:
    if not problem.is_spin:
        return "it is written for spins with pairwise couplings"
    graph = problem.graph
    if graph.lattice != "square" or not all(graph.periodic):
        return "the graph is no Graph.square with both axes periodic"
    if problem.has_field:
        return "there is a field, and the closed form has none"
    if _directional_J(problem) is None:
        return "couplings differ along an axis; the closed form wants one an axis"
    return None


def _build(problem: Problem) -> TensorVariable:
    couplings = _directional_J(problem)
    assert couplings is not None
    K = [problem.beta * J for J in couplings]
    return torus_log_z(K[0], K[1], *problem.graph.shape) + problem.offset()


def torus_log_z(
    K_first: TensorVariable, K_second: TensorVariable, rows: int, columns: int
) -> TensorVariable:
    """Return log Z of the ``rows × columns`` torus.

    ``Z = 2^{N-1} (P_aa + P_ap + P_pa − P_pp)``, where P is the square root, with its sign, of the
    product over momenta (p: periodic, multiples of 2π/L; a: antiperiodic, half-integer ones) of
    ``cosh 2K₁ cosh 2K₂ − sinh 2K₁ cos k₁ − sinh 2K₂ cos k₂``. The product over the second momentum
    is taken in closed form. Couplings may have any signs.

    Parameters
    ----------
    K_first, K_second : TensorVariable, shape ()
        ``βJ`` along the first and the second axis.
    rows, columns : int
        Shape of the lattice.

    References
    ----------
    Kaufman, B. (1949). Crystal statistics II. Physical Review 76, 1232, equation (53).
    McCoy, B. M. and Wu, T. T. (1973). The Two-Dimensional Ising Model, chapter IV.
    """
    logs, signs = [], []
    for first_shift, second_shift in ((0.5, 0.5), (0.5, 0.0), (0.0, 0.5), (0.0, 0.0)):
        log_p, sign = _sector(K_first, K_second, rows, columns, first_shift, second_shift)
        logs.append(log_p)
        signs.append(sign if first_shift or second_shift else -sign)
    top = pt.stack(logs).max()
    terms = [sign * pt.exp(log_p - top) for log_p, sign in zip(logs, signs, strict=True)]
    return (rows * columns - 1) * np.log(2.0) + top + pt.log(sum(terms))


def _sector(
    K_first: TensorVariable,
    K_second: TensorVariable,
    rows: int,
    columns: int,
    first_shift: float,
    second_shift: float,
) -> tuple[TensorVariable, TensorVariable]:
    """Return a factor whose logarithm is safe, and one that carries the sign and may vanish.

    With ``A = cosh 2K₁ cosh 2K₂ − sinh 2K₁ cos k₁``, ``B = sinh 2K₂``, ``R = √(A² − B²)`` and
    ``r = B / (A + R)``, the root of the product over k₂ is ``((A + R) / 2)^{L/2} (1 ∓ r^L)``.
    Momenta k and −k together contribute a square; k₁ = 0 and π stand alone, and there R is a
    polynomial that may be negative.
    """
    k = 2 * np.pi * (np.arange(rows) + first_shift) / rows
    alone = np.isclose(np.abs(np.cos(k)), 1.0)
    pairs = (k > 0) & (k < np.pi) & ~alone
    minus = 1.0 if second_shift == 0.0 else -1.0
    B = pt.sinh(2 * K_second)
    both = pt.cosh(2 * K_first) * pt.cosh(2 * K_second)
    log_p, sign = pt.zeros(()), pt.ones(())
    if pairs.any():
        A = both - pt.sinh(2 * K_first) * np.cos(k[pairs])
        R = pt.sqrt(A**2 - B**2)
        root = (B / (A + R)) ** columns
        log_p += (columns * pt.log((A + R) / 2) + 2 * pt.log1p(-minus * root)).sum()
    t_first, t_second = pt.tanh(K_first), pt.tanh(K_second)
    for cosine in np.sign(np.cos(k[alone])):
        A = both - pt.sinh(2 * K_first) * cosine
        R = (pt.cosh(K_first) * pt.cosh(K_second)) ** 2
        R = R * (1 - cosine * t_first - t_second - cosine * t_first * t_second)
        R = R * (1 - cosine * t_first + t_second + cosine * t_first * t_second)
        size = pt.switch(R >= 0, R, -R)
        root = (B / (A + size)) ** columns
        parity = pt.switch(B >= 0, 1.0, (-1.0) ** columns)
        log_p += 0.5 * columns * pt.log((A + size) / 2)
        sign *= pt.switch(R >= 0, 1 - minus * root, parity * (root - minus))
    return log_p, sign


TORUS = Method(
    "torus",
    _obstacle,
    lambda p: 1e-5 + 1e-7 * p.graph.shape[0],
    _build,
    lambda p: f"Kaufman's closed form for the {p.graph.shape[0]}×{p.graph.shape[1]} torus",
)
