"""Chromatic Gibbs sampling: heat-bath sweeps over the colours of a graph."""

from __future__ import annotations

from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.step_methods.pairwise_step import PairwiseStep, new_heat_bath


class ChromaticGibbs(PairwiseStep):
    r"""Heat-bath sweeps over the colours of a graph.

    Each update draws one variable from its exact conditional; for spins
    ``P(s_i = +1 | rest) = 1 / (1 + exp(−2β(h_i + Σ_j J_ij s_j)))``. Vertices of one colour do not
    interact, so they are updated in a row. Fits every discrete energy.

    An energy that is not pairwise, or a child that ties several entries together, costs one
    vectorised evaluation of its log-probability an entry, some microseconds instead of nanoseconds;
    no gradient is needed.

    Elementwise children (a Normal, Bernoulli or Poisson likelihood, a custom flip channel, missing
    pixels) enter exactly, as the field ``½(ℓ_i(+1) − ℓ_i(−1))`` (for q states as ``ℓ_i(state)``),
    evaluated anew in every step because their parameters may be sampled too.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable. With several, each gets a step of its own, or with ``blocked=True``
        one step moves them in turn.
    sweeps : int, optional
        Sweeps a draw. By default chosen while tuning so that draws are nearly independent in
        energy and magnetisation, at most about a million spin updates (and never less than 32
        sweeps) a draw.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Values of the other variables for a chain's first sweeps (see Notes); by default the
        model's initial point.
    compile_kwargs : dict, optional
        Passed to the compilation of the fields.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If a variable is no discrete energy, or if `sweeps` is not positive.

    Notes
    -----
    The sampler's statistics are ``spin_energy`` (E(s), not multiplied by β; a batch is summed),
    ``magnetization`` (mean value; for Potts states ``(q f − 1) / (q − 1)``, f being the fraction in
    the commonest state) and ``sweeps``. They are not called ``energy``
    because ArviZ reserves that name for the Hamiltonian of HMC.

    Chains start at arbitrary spins. Likelihood parameters that had adapted to those would describe
    noise, and could hold the spins in a metastable state for ever. So where children exert a
    field, the first iteration of tuning draws each entry from its likelihood alone (unless the
    variable has an `initval`) and sweeps 50 times, both at the parameters' *initial* values.

    Sequential heat bath keeps the distribution but is not reversible. Near a critical point it
    slows down as L^2.17, and in a frustrated model it stays in one basin; `pymc_ebm.ergodicity`
    says so when it happens.

    References
    ----------
    Gonzalez, J., Low, Y., Gretton, A. and Guestrin, C. (2011). Parallel Gibbs sampling: from
    colored fields to thin junction trees. AISTATS 15, 324-332.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(8, 8))
    ...     step = ebm.ChromaticGibbs([s], sweeps=2)
    >>> point, [stats] = step.step(model.initial_point(1))
    >>> point["s"].shape, stats["sweeps"]
    ((8, 8), 2)
    """

    name = "chromatic_gibbs"

    evaluates = True

    def _new_move(self, conditions: Conditions, entry: int) -> HeatBath:
        return new_heat_bath(self._conditional.graph, conditions, entry)

    def _describe(self) -> str:
        graph = self._conditional.graph
        if 2 * graph.n_edges == graph.n_vertices * (graph.n_vertices - 1):
            return f"heat-bath sweeps over {graph.n_vertices} entries, all of them coupled"
        colors = int(graph.coloring().max()) + 1
        return f"heat-bath sweeps over {colors} colours of {graph.n_vertices} entries"
