"""Which normaliser is chosen, and what is said where none reaches."""

import logging
import warnings

import networkx as nx
import numpy as np
import pymc as pm
import pytest

import pymc_ebm as ebm

from pymc_ebm.graphs.elimination_order import plan_elimination
from pymc_ebm.log_z.exact.log_partition import choose
from pymc_ebm.log_z.exact.problem import Problem

E = ebm.energies


@pytest.mark.parametrize(
    ("energy", "method"),
    [
        (E.Ising(0.1, 0.3, graph=ebm.Graph.complete(500)), "complete"),
        (E.Ising(0.4, graph=ebm.Graph.square(64, 64)), "torus"),
        (E.RBM(np.ones((784, 12))), "layers"),
        (E.Ising(np.linspace(-1, 1, 190), 0.1, graph=ebm.Graph.complete(20)), "enumerate"),
        (E.Ising(0.4, 0.1, graph=ebm.Graph.square(12, 200, periodic=False)), "transfer_matrix"),
        (
            E.Ising(0.4, 0.1, graph=ebm.Graph.from_edges([(k, k + 1) for k in range(999)])),
            "elimination",
        ),
        (E.Potts(0.4, q=3, graph=ebm.Graph.square(5, 5, periodic=False)), "elimination"),
        (E.Ising(0.4, graph=ebm.Graph.square(20, 20, periodic=False)), "planar"),
        (E.Ising(0.4, 0.1, graph=ebm.Graph.square(20, 20)), None),
    ],
)
def test_the_cheapest_that_fits(energy, method):
    chosen = choose(Problem(energy))
    assert (chosen.name if chosen else None) == method


def test_it_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="pymc.ebm"):
        ebm.log_partition(E.Ising(0.4, graph=ebm.Graph.square(8, 8)))
    assert "Kaufman's closed form for the 8×8 torus" in caplog.text


def test_tree_widths():
    """Known tree-widths: tree 1, cycle 2, complete n - 1; a strip costs no more than sweeping it."""
    assert plan_elimination(ebm.Graph.from_networkx(nx.balanced_tree(2, 6))).width == 1
    assert plan_elimination(ebm.Graph.from_networkx(nx.cycle_graph(50))).width == 2
    assert plan_elimination(ebm.Graph.square(5, 40, periodic=False)).entries(2) <= 200 * 2**5
    assert plan_elimination(ebm.Graph.complete(9)).width == 8


@pytest.mark.parametrize(
    ("energy", "method", "message"),
    [
        (E.Ising(np.linspace(-1, 1, 780), 0.1, graph=ebm.Graph.complete(40)), "auto",
            r"(?s)40 variables.*2\^40 configurations.*tree-width 39.*bytes.*ExchangeMH"),
        (E.Ising(0.4, graph=ebm.Graph.square(20, 20)), "enumerate", r"2\^400.*Use 'torus'"),
        (E.Ising(0.4, graph=ebm.Graph.from_networkx(nx.petersen_graph())), "planar", "not planar.*K3,3"),
        (E.Ising(0.4, graph=ebm.Graph.complete(5)), "planar", "10 edges on 5 vertices"),
        (E.Ising(0.4, 0.2, graph=ebm.Graph.square(5, 5, periodic=False)), "planar", "there is a field"),
        (E.Ising(0.4, 0.2, graph=ebm.Graph.square(5, 5)), "torus", "there is a field"),
        (E.Ising(0.4, graph=ebm.Graph.square(30, 30, periodic=False)), "transfer_matrix", "30 sites"),
        (E.Ising(0.4, graph=ebm.Graph.complete(4)), "transfer_matrix", "no Graph.square"),
        (E.RBM(np.ones((40, 30))), "auto", "smaller of its layers"),
        (E.Ising(0.4, graph=ebm.Graph.complete(4)), "magic", "none of auto"),
        (E.Ring(), "auto", "does not know the shape"),
        (E.MLP.random([3, 4, 1]), "auto", "estimate_log_partition"),
        (E.Ising(0.4, graph=ebm.Graph.complete(4)) * 2.0 + E.Custom(lambda s: s[..., 0] * s[..., 1] * s[..., 2], (4,), support="spin"), "torus", "pairwise couplings. Use .enumerate"),
    ],
)  # fmt: skip
def test_beyond_reach(energy, method, message):
    with pytest.raises(ValueError, match=message):
        ebm.log_partition(energy, method=method)


def test_in_a_model_the_error_names_the_variable():
    with pm.Model():
        J = pm.Normal("J", shape=780)
        with pytest.raises(ValueError, match=r"Ising 's': no exact method reaches these 40"):
            ebm.Ising(
                "s", J, graph=ebm.Graph.complete(40), observed=np.ones(40), log_partition="auto"
            )
        with pytest.raises(ebm.MissingPartitionError, match=r"'J'.*No exact method"):
            ebm.Ising("s", J, graph=ebm.Graph.complete(40), observed=np.ones(40))


@pytest.mark.parametrize("method", ["pseudo", "exchange"])
def test_only_data_do_without_a_normaliser(method):
    with pm.Model(), pytest.raises(ValueError, match="latent"):
        ebm.Ising("s", pm.Normal("J"), graph=ebm.Graph.square(3, 3), log_partition=method)


def test_an_item_that_everyone_got_right_is_named():
    data = np.random.default_rng(0).choice([-1, 1], (50, 4))
    data[:, 2] = 1
    graph = ebm.Graph.complete(4)
    with pm.Model():
        h = pm.Normal("h", shape=4)
        with pytest.warns(UserWarning, match=r"in all 50 observations .* entry 2\."):
            ebm.Ising("s", 0.1, h, graph=graph, observed=data, log_partition="auto")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ebm.Ising("fixed", 0.1, graph=graph, observed=data)
            ebm.Ising(
                "varied", 0.1, h, graph=graph, observed=data[:, [0, 1, 3, 0]], log_partition="auto"
            )
