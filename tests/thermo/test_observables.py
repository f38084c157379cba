"""Observables of a trace, recomputed from the draws by hand."""

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import pymc_ebm as ebm

GRAPH = ebm.Graph.square(3, 3)
pytestmark = pytest.mark.usefixtures("interpreted")


@pytest.fixture(scope="module")
def model_and_draws():
    rng = np.random.default_rng(0)
    with pm.Model() as model:
        J = pm.Normal("J")
        s = ebm.Ising("s", J, 0.1, graph=GRAPH, shape=(2, 3, 3), log_partition=J**2)
        ebm.Boltzmann("x", ebm.energies.Ring(2.0, 0.5), shape=2)
        ebm.Boltzmann("v", ebm.energies.BoltzmannMachine([[0, 1.0], [1.0, 0]]))
        ebm.energy_potential("pull", pt.sum((J * s) ** 2), beta=2.0)
        pm.Normal("y", J, observed=1.0)
    draws = {
        "J": rng.normal(size=(2, 5)),
        "s": rng.choice([-1, 1], size=(2, 5, 2, 3, 3)).astype(np.int8),
        "x": rng.normal(size=(2, 5, 2)),
        "v": rng.integers(0, 2, size=(2, 5, 2)).astype(np.int8),
    }
    return model, draws


def test_every_observable_by_hand(model_and_draws):
    model, draws = model_and_draws
    got = ebm.observables(az.from_dict({"posterior": draws}), model)
    flat = draws["s"].reshape(2, 5, 2, 9).astype(float)
    i, j = GRAPH.edges.T
    pairs = (flat[..., i] * flat[..., j]).sum((-1, -2))
    np.testing.assert_allclose(got["s_energy"], -draws["J"] * pairs - 0.1 * flat.sum((-1, -2)))
    np.testing.assert_allclose(got["s_magnetization"], flat.mean((-1, -2)))
    np.testing.assert_allclose(got["s_abs_magnetization"], abs(flat.mean((-1, -2))))
    norm = np.linalg.norm(draws["x"], axis=-1)
    np.testing.assert_allclose(got["x_energy"], (norm - 2) ** 2 / 0.5)
    np.testing.assert_allclose(got["x_norm"], norm)
    np.testing.assert_allclose(got["x_mean"], draws["x"].mean(-1))
    np.testing.assert_allclose(got["v_energy"], -draws["v"].prod(-1).astype(float))
    np.testing.assert_allclose(got["v_magnetization"], draws["v"].mean(-1))
    assert "v_abs_magnetization" not in got
    np.testing.assert_allclose(got["pull_energy"], 2 * 18 * draws["J"] ** 2)
    assert got["s_energy"].attrs["kind"] == "energy"
    assert got["s_energy"].dims == ("chain", "draw")


def test_what_is_not_in_the_trace_is_left_out(model_and_draws):
    model, draws = model_and_draws
    only_x = az.from_dict({"posterior": {"x": draws["x"]}})
    assert set(ebm.observables(only_x, model)) == {"x_energy", "x_mean", "x_norm"}


def test_a_trace_of_another_model_is_refused(model_and_draws):
    model, draws = model_and_draws
    with pytest.raises(ValueError, match=r"holds \['other'\].*Is this the model that was sampled"):
        ebm.observables(az.from_dict({"posterior": {"other": draws["J"]}}), model)
    with pytest.raises(ValueError, match="no group 'posterior'"):
        ebm.observables(az.from_dict({"prior": {"J": draws["J"]}}), model)


def test_what_holds_known_values_fast_is_no_energy():
    """Imputation pins the known entries by a potential that is 0 wherever a draw can be."""
    data = np.array([[1.0, -1, 1], [1, np.nan, -1]])
    with pm.Model() as model:
        ebm.Ising("s", 0.3, graph=ebm.Graph.complete(3), observed=data, impute=True)
    draws = np.broadcast_to(np.nan_to_num(data, nan=1.0).astype(np.int8), (2, 5, 2, 3))
    idata = az.from_dict({"posterior": {"s": draws}})
    assert set(ebm.observables(idata, model)) == {
        "s_energy", "s_magnetization", "s_abs_magnetization",
    }  # fmt: skip
