"""log Z of one coupling and one field as a table, by path sampling, with its error."""

from __future__ import annotations

import logging

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from arviz_stats.base import array_stats
from numpy.typing import ArrayLike, NDArray
from pytensor.tensor.variable import TensorVariable
from rich.progress import Progress

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.ising import Ising
from pymc_ebm.energies.potts import Potts
from pymc_ebm.forward.replicas import OneReplica, Parameters
from pymc_ebm.log_z.estimated.hermite import cell_and_basis, quadrature
from pymc_ebm.log_z.exact.complete import uniform_field
from pymc_ebm.log_z.exact.problem import Problem

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too


class LogPartitionTable:
    """``log Z(K, H)`` of one coupling ``K = βJ`` and one field ``H = βh``, between known nodes.

    Make one with `LogPartitionTable.simulate`, and pass it as ``log_partition=``.

    Parameters
    ----------
    energy : Energy
        `energies.Ising` or `energies.Potts`; only its graph and states matter.
    dataset : Dataset
        On dims (coupling, field): ``slope_K = ⟨S⟩``, ``slope_H = ⟨M⟩``, ``variance = Var S``,
        ``covariance = Cov(S, M)`` and the standard errors ``slope_K_se`` and ``variance_se``; on
        (field,): ``log_z_0``, the exact values at K = 0. S is the sum over coupled pairs, M the
        sum of the spins.

    Attributes
    ----------
    dataset : Dataset
        The same with ``log_z`` and ``log_z_se`` on dims (coupling, field).

    Notes
    -----
    Along K, ``log Z(K + d) − log Z(K) = ½ d (⟨S⟩ + ⟨S⟩′) + d²/12 (Var S − Var S′)`` up to
    ``O(d⁵)``, starting from K = 0 where spins are independent. In between, a cubic Hermite
    interpolant with the simulated slopes, in both directions. Outside the table log Z is +∞, so
    that a posterior stops there instead of being extrapolated.

    References
    ----------
    Gelman, A. and Meng, X.-L. (1998). Simulating normalizing constants. Statistical Science 13.
    """

    def __init__(self, energy: Energy, dataset: xr.Dataset) -> None:
        self.energy = energy
        K = dataset["coupling"].to_numpy()
        weights, curvature = quadrature(K)
        log_z = dataset["log_z_0"].to_numpy() + weights @ dataset["slope_K"].to_numpy()
        log_z += curvature @ dataset["variance"].to_numpy()
        error = weights**2 @ dataset["slope_K_se"].to_numpy() ** 2
        error += curvature**2 @ dataset["variance_se"].to_numpy() ** 2
        dims = ("coupling", "field")
        self.dataset = dataset.assign(log_z=(dims, log_z), log_z_se=(dims, np.sqrt(error)))

    @classmethod
    def simulate(
        cls,
        energy: Energy,
        *,
        coupling: ArrayLike,
        field: ArrayLike = 0.0,
        chains: int = 4,
        draws: int = 1000,
        tune: int = 200,
        random_seed: Any = None,
        progressbar: bool = True,
    ) -> LogPartitionTable:
        """Simulate the means and variances that the table is made of.

        Parameters
        ----------
        energy : Energy
            `energies.Ising` or `energies.Potts` on the graph of the model; parameters are not
            used.
        coupling : array_like, shape (nodes,)
            Increasing values of ``βJ``; 0 is added as the start of the path. Steps should be small
            against ``1 / sd(S)``; `numpy.linspace(0, 0.5, 33)` serves a 32×32 lattice.
        field : array_like, default 0
            Increasing values of ``βh``, for Ising. One value makes a table of the coupling alone.
        chains, draws, tune : int
            Chains at each node, their draws, and the sweeps before.
        random_seed : int or Generator, optional
            Source of randomness.
        progressbar : bool, default True
            Show progress.

        Returns
        -------
        LogPartitionTable

        Raises
        ------
        ValueError
            For another energy, nodes that do not increase, or a field on Potts states.

        Examples
        --------
        >>> import numpy as np, pymc_ebm as ebm
        >>> template = ebm.energies.Ising(1.0, graph=ebm.Graph.square(8, 8))
        >>> table = ebm.LogPartitionTable.simulate(template, coupling=np.linspace(0, 0.4, 9),
        ...     draws=200, random_seed=1, progressbar=False)
        >>> abs(float(table.at(0.4).eval()) - 56.94) < 0.5
        True
        """
        K = np.unique(np.concatenate([[0.0], np.atleast_1d(np.asarray(coupling, float))]))
        H = np.atleast_1d(np.asarray(field, float))
        _check(energy, np.atleast_1d(coupling), H)
        for name, value, least in (("chains", chains, 1), ("draws", draws, 4), ("tune", tune, 0)):
            if value != int(value) or value < least:
                raise ValueError(
                    f"LogPartitionTable: {name} must be {least} or more, and whole, got {value}."
                )
        rng = np.random.default_rng(random_seed)
        shape = (K.size, H.size)
        found = {
            name: np.zeros(shape)
            for name in (
                "slope_K", "slope_H", "variance", "covariance", "slope_K_se", "variance_se"
            )
        }  # fmt: skip
        clusters = bool(np.all(K >= 0)) or isinstance(energy, Ising)
        with Progress(disable=not progressbar) as progress:
            task = progress.add_task("log Z table", total=K.size * H.size * chains)
            for i, j in np.ndindex(*shape):
                parameters = Parameters.of(_at(energy, float(K[i]), float(H[j])))
                series = np.empty((2, chains, draws))
                for chain in range(chains):
                    replica = OneReplica(parameters, clusters, rng)
                    replica.advance(tune)
                    for t in range(draws):
                        replica.advance(1)
                        series[:, chain, t] = _sums(energy, replica.values()[0])
                    progress.advance(task)
                S, M = series
                centred = S - S.mean()
                found["slope_K"][i, j], found["slope_H"][i, j] = S.mean(), M.mean()
                found["variance"][i, j] = np.mean(centred**2)
                found["covariance"][i, j] = np.mean(centred * M)
                found["slope_K_se"][i, j] = _mcse(S)
                found["variance_se"][i, j] = _mcse(centred**2)
        graph = energy.graph  # type: ignore[attr-defined]
        n = graph.n_vertices
        if isinstance(energy, Potts):
            at_zero = np.full(H.size, n * np.log(energy.n_states))
        else:
            at_zero = n * np.logaddexp(H, -H)
        dataset = xr.Dataset(
            {name: (("coupling", "field"), values) for name, values in found.items()},
            coords={"coupling": K, "field": H},
        ).assign(log_z_0=("field", at_zero))
        table = cls(energy, dataset)
        error = float(table.dataset["log_z_se"].max())
        moving = dataset["variance"].where(dataset["variance"] > 0)  # frozen nodes have no spread
        share = float((dataset["slope_K_se"] / np.sqrt(moving)).max())
        _log.info(
            f"log Z table of {K.size} × {H.size} nodes: standard error up to {error:.2g}; that of "
            f"a slope is up to {share:.1%} of its spread between configurations"
        )
        return table

    def __call__(self, energy: Energy) -> TensorVariable:
        """Return log Z of an energy with one coupling and one field, as ``log_partition=`` needs.

        `energy`: already multiplied by β.
        """
        return self.at(*self._arguments(energy))

    def uncertain(self, name: str = "log_z_error") -> Callable[[Energy], TensorVariable]:
        """Return a function for ``log_partition=`` that carries the table's error into the model.

        Every node's slope gets a standard normal variable, scaled by its standard error, so the
        posterior is wider by what the simulation left open.

        Parameters
        ----------
        name : str
            Of the vector of errors in the model.
        """

        def log_z(energy: Energy) -> TensorVariable:
            se = self.dataset["slope_K_se"].to_numpy()
            model = pm.modelcontext(None)
            if name not in model.named_vars:
                pm.Normal(name, shape=se.shape).tag.log_partition_table = self
            error = model[name]
            if getattr(error.tag, "log_partition_table", None) is not self:
                raise ValueError(
                    f"LogPartitionTable: the model's {name!r} is not this table's error. Give the "
                    "error another name: table.uncertain('other')."
                )
            return self.at(*self._arguments(energy), slope_error=error * se)

        return log_z

    def at(self, K: Any, H: Any = None, *, slope_error: Any = None) -> TensorVariable:
        """Return log Z at a coupling and a field.

        Parameters
        ----------
        K : scalar tensor_like
            ``βJ``.
        H : scalar tensor_like, optional
            ``βh``; by default the table's one value.
        slope_error : tensor_like, shape (nodes, fields), optional
            Added to the simulated slopes along K.

        Returns
        -------
        TensorVariable, shape ()
        """
        data, K = self.dataset, pt.as_tensor_variable(K)
        knots_K, knots_H = data["coupling"].to_numpy(), data["field"].to_numpy()
        value, slope = (pt.as_tensor_variable(data[k].to_numpy()) for k in ("log_z", "slope_K"))
        if slope_error is not None:
            value = value + pt.as_tensor_variable(quadrature(knots_K)[0]) @ slope_error
            slope = slope + slope_error
        cell, basis, inside = cell_and_basis(K, knots_K)
        along = (value[cell], slope[cell], value[cell + 1], slope[cell + 1])
        if knots_H.size == 1:
            if H is not None:
                inside &= pt.eq(pt.as_tensor_variable(H), knots_H[0])
            log_z = sum(b * v[0] for b, v in zip(basis, along, strict=True))
            return pt.switch(inside, log_z, np.inf)
        slope_H, mixed = (data[k].to_numpy() for k in ("slope_H", "covariance"))
        across = tuple(
            pt.as_tensor_variable(table)[k] for k in (cell, cell + 1) for table in (slope_H, mixed)
        )
        column, basis_H, inside_H = cell_and_basis(pt.as_tensor_variable(H), knots_H)
        log_z = pt.zeros(())
        for b, value_row, slope_row in zip(basis, along, across, strict=True):
            ends = (
                value_row[column],
                slope_row[column],
                value_row[column + 1],
                slope_row[column + 1],
            )
            log_z += b * sum(c * v for c, v in zip(basis_H, ends, strict=True))
        return pt.switch(inside & inside_H, log_z, np.inf)

    def _arguments(self, energy: Energy) -> tuple[TensorVariable, TensorVariable | None]:
        """Read K and H off an energy."""
        problem = Problem(energy)
        mine, form = self.energy.graph, problem.form  # type: ignore[attr-defined]
        same = form is not None and form.graph.shape == mine.shape
        if not same or not np.array_equal(problem.graph.edges, mine.edges):
            raise ValueError(
                f"LogPartitionTable: the energy lives on another graph than the table's {mine!r}."
            )
        if problem.q != len(self.energy.states or ()):
            raise ValueError(
                f"LogPartitionTable: the energy has {problem.q} states, the table's another number."
            )
        J = problem.uniform_J
        if J is None:
            raise ValueError("LogPartitionTable: the energy has a coupling of its own an edge.")
        if not problem.is_spin or isinstance(self.energy, Potts):
            scale = 2.0 if problem.is_spin else 1.0  # two Potts states are spins with J / 2
            return scale * J, None
        h = uniform_field(problem)
        if h is None:
            raise ValueError("LogPartitionTable: the energy's field differs between spins.")
        return J, h


def _check(energy: Energy, coupling: NDArray, field: NDArray) -> None:
    if not isinstance(energy, Ising | Potts):
        raise ValueError(
            f"LogPartitionTable: energy is {type(energy).__name__}; pass energies.Ising or "
            "energies.Potts on the model's graph."
        )
    for name, nodes in (("coupling", coupling), ("field", field)):
        if nodes.ndim != 1 or not np.all(np.isfinite(nodes)) or np.any(np.diff(nodes) <= 0):
            raise ValueError(f"LogPartitionTable: {name} must increase, got {nodes.tolist()}.")
    if isinstance(energy, Potts) and np.any(field):
        raise ValueError("LogPartitionTable: a table of Potts states has no field.")
    if coupling.size < 2:
        raise ValueError("LogPartitionTable: pass two or more nodes of the coupling.")


def _at(energy: Energy, K: float, H: float) -> Energy:
    graph = energy.graph  # type: ignore[attr-defined]
    if isinstance(energy, Potts):
        return Potts(K, q=energy.n_states, graph=graph)
    return Ising(K, H, graph=graph)


def _sums(energy: Energy, x: NDArray[np.int8]) -> tuple[float, float]:
    """Return the sum over coupled pairs and the sum of the spins."""
    first, second = energy.graph.edges.T  # type: ignore[attr-defined]
    if isinstance(energy, Potts):
        return float(np.count_nonzero(x[first] == x[second])), 0.0
    return float(np.sum(x[first] * x[second], dtype=np.int64)), float(x.sum(dtype=np.int64))


def _mcse(series: NDArray[np.float64]) -> float:
    if np.ptp(series) == 0:
        return 0.0
    ess = float(array_stats.ess(series, chain_axis=0, draw_axis=1, method="mean"))
    return float(series.std() / np.sqrt(ess))
