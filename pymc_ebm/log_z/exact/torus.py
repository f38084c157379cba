"""log Z of the Ising model on a periodic square lattice without a field, in closed form."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.log_z.exact.problem import Method, Problem, known_value

TINY = 1e-300  # stands for a coupling of 0 in logarithms: its powers are nothing, with no slope
LOST_DIGITS = 1e-8  # least relative difference of two sectors that may still be taken


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
    known = problem.known_J
    if known is not None and np.all(known < 0) and all(side % 2 for side in graph.shape):
        log_z = known_value(_build(problem))
        if log_z is not None and np.isnan(log_z):
            return "both axes are odd and frustrated, and so cold that too few digits are left"
    return None


def _build(problem: Problem) -> TensorVariable:
    couplings = _directional_J(problem)
    assert couplings is not None
    K = [problem.beta * J for J in couplings]
    return torus_log_z(K[0], K[1], *problem.graph.shape) + problem.offset()


def torus_log_z(
    K_first: TensorVariable, K_second: TensorVariable, rows: int, columns: int
) -> TensorVariable:
    """Return log Z of the ``rows × columns`` torus, ``K = βJ`` of any sign along each axis.

    Turning every second line over makes a negative coupling positive; along an odd axis a seam of
    negative couplings is left, and every line along it is frustrated. The transfer matrix then runs
    along the other axis, where all its terms are positive: see `_Modes`. With seams along both axes
    two nearly equal numbers are subtracted; where that takes more than eight digits, NaN.

    References
    ----------
    Kaufman, B. (1949). Crystal statistics II. Physical Review 76, 1232, equation (53).
    Schultz, T. D., Mattis, D. C. and Lieb, E. H. (1964). Two-dimensional Ising model as a soluble
    problem of many fermions. Reviews of Modern Physics 36, 856.
    """
    first, second = (pt.switch(K >= 0, K, -K) for K in (K_first, K_second))
    modes = _Modes(first, second, rows, columns)
    log_z = modes.log_z()
    if rows % 2:
        log_z = pt.switch(K_first < 0, modes.with_seam(), log_z)
    if columns % 2:
        across = _Modes(second, first, columns, rows).with_seam()
        if rows % 2:
            seams = (K_first < 0) & (K_second < 0)
            across = pt.switch(K_first < 0, modes.with_both_seams(seams), across)
        log_z = pt.switch(K_second < 0, across, log_z)
    return log_z


class _Modes:
    """The free fermions of a row of n spins, carried m steps by the transfer matrix.

    With ``S = sinh 2K′`` of the coupling between rows, ``A = cosh 2K cosh 2K′ − sinh 2K cos k`` and
    ``R = √(A² − S²)``, a mode of momentum k weighs ``(A + R)^{m/2}`` if empty and, if occupied,
    ``x = (S / (A + R))^m`` times that. Momenta are multiples of 2π/n (p) or lie halfway in between
    (a). Z is the sum over states with an even number of particles in a and, counting the mode k = 0
    as it is in the disordered phase, with an odd number in p; a seam along the row makes it odd in
    a and even in p. All is divided by ``C = cosh 2K cosh 2K′``, and x is kept as a logarithm.
    """

    def __init__(self, along: TensorVariable, across: TensorVariable, n: int, m: int) -> None:
        self._a, self._b = 2 * along, 2 * across
        self._n, self._m = n, m
        halfway = 2 * np.pi * (np.arange(n) + 0.5) / n
        self._empty_a, self._log_d_a = self._sector(halfway)
        self._empty_p, self._log_d_p = self._sector(2 * np.pi * np.arange(1, n) / n)
        # the mode k = 0, empty and occupied: its root is a polynomial, without a cusp
        log_sinh = across + pt.log(pt.maximum(-pt.expm1(-self._b), TINY)) - np.log(2.0)
        self._low = m * (0.5 * np.log(2.0) + _log_cosh(across) - along)
        self._high = m * (0.5 * np.log(2.0) + log_sinh + along)
        common = np.log(2.0) + _log_cosh(self._a) + _log_cosh(self._b)
        self._common_a = 0.5 * n * m * common
        # the mode k = 0 has not been divided by C
        self._common_p = 0.5 * (n - 1) * m * common + 0.5 * m * np.log(2.0)

    def _sector(self, k: NDArray[np.float64]) -> tuple[TensorVariable, TensorVariable]:
        """Return ``log Π (A + R)^{m/2} (1 + x)`` and ``log log Π (1 + x) / (1 − x)``."""
        sech_a, sech_b = (pt.exp(-_log_cosh(v)) for v in (self._a, self._b))
        tanh_a, tanh_b = pt.tanh(self._a), pt.tanh(self._b)
        S = tanh_b * sech_a
        gap = (sech_a * sech_b - tanh_a * tanh_b) ** 2 / (1 + tanh_a * sech_b + S)
        gap = gap + 2 * tanh_a * sech_b * np.sin(0.5 * k) ** 2  # A − S, in positive terms
        log_empty = pt.log(gap + S + pt.sqrt(gap * (gap + 2 * S)))
        log_S = pt.log(pt.maximum(tanh_b, TINY)) - _log_cosh(self._a)
        log_x = self._m * (log_S - log_empty)
        x = pt.exp(log_x)
        small = x < 1e-5
        safe = pt.switch(small, 0.5, x)
        ratio = pt.switch(small, 2 + x**2 * (2 / 3), (pt.log1p(safe) - pt.log1p(-safe)) / safe)
        log_d = pt.logsumexp(log_x + pt.log(ratio))
        return (0.5 * self._m * log_empty + pt.log1p(x)).sum(), log_d

    def _parities(self, log_d: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
        """Return the logs of the shares of even and odd numbers, ``(1 ± e^{−d}) / 2``."""
        small = log_d < -30
        d = pt.exp(pt.switch(small, 0.0, log_d))
        odd = pt.switch(small, log_d, pt.log(-pt.expm1(-d)))
        even = pt.log1p(pt.exp(-pt.exp(log_d)))
        return even - np.log(2.0), odd - np.log(2.0)

    def _sums(self, with_seam: bool) -> tuple[TensorVariable, TensorVariable]:
        """Return the logs of the two sectors' sums."""
        even, odd = self._parities(self._log_d_a)
        a = self._common_a + self._empty_a + (odd if with_seam else even)
        even, odd = self._parities(self._log_d_p)
        low, high = (even, odd) if with_seam else (odd, even)
        p = pt.logaddexp(self._low + low, self._high + high)
        return a, self._common_p + self._empty_p + p

    def log_z(self) -> TensorVariable:
        """Return log Z of the ferromagnet."""
        return pt.logaddexp(*self._sums(with_seam=False))

    def with_seam(self) -> TensorVariable:
        """Return log Z where each row holds a negative coupling."""
        return pt.logaddexp(*self._sums(with_seam=True))

    def with_both_seams(self, asked: TensorVariable) -> TensorVariable:
        """Return log Z where each row and each column holds one.

        The seam between rows turns all spins over, which counts the sector a as negative. Value and
        gradient are NaN if `asked` for where too few digits are left.
        """
        a, p = self._sums(with_seam=True)
        enough = p - a > LOST_DIGITS * (1 + pt.abs(p))
        difference = pt.switch(enough, p - a, 1.0)
        lost = pt.switch(asked & ~enough, np.nan, 0.0)
        return p + pt.log(-pt.expm1(-difference)) + lost * p


def _log_cosh(v: TensorVariable) -> TensorVariable:
    """Return ``log cosh v`` for v ≥ 0."""
    return v + pt.log1p(pt.exp(-2 * v)) - np.log(2.0)


TORUS = Method(
    "torus",
    _obstacle,
    lambda p: 1e-5 + 1e-7 * p.graph.shape[0],
    _build,
    lambda p: f"Kaufman's closed form for the {p.graph.shape[0]}×{p.graph.shape[1]} torus",
)
