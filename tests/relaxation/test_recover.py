"""Names, dims, coords, dtypes and seeds of recovered variables; conditional means."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import pymc_ebm as ebm

from tests.small_models import WEIGHTS


@pytest.fixture(scope="module")
def model():
    with pm.Model(coords={"row": list("abc"), "col": [5, 6, 7], "copy": [0, 1]}) as model:
        s = ebm.Ising("s", J=0.4, graph=ebm.Graph.square(3, 3), dims=("row", "col"))
        t = ebm.Potts("t", 0.4, q=3, graph=ebm.Graph.complete(4))
        v = ebm.RBM("v", WEIGHTS, dims=("copy", "unit"), shape=(2, 4))
        sigma = pm.HalfNormal("sigma")
        pm.Normal("y", mu=s, sigma=sigma, observed=np.ones((3, 3)))
        pm.Deterministic("total", s.sum() + t.sum() + v.sum())
    return model


@pytest.fixture(scope="module")
def idata(model):
    """Coordinates of any size do: what is tested is what is made of them."""
    relaxed = ebm.relax(model)
    rng = np.random.default_rng(0)
    data = {
        str(v.name): (
            ("chain", "draw", *relaxed.named_vars_to_dims.get(v.name, ())),
            np.abs(rng.normal(size=(2, 40, *v.type.shape))),
        )
        for v in relaxed.free_RVs
    }
    coords = {"chain": [0, 1], "draw": np.arange(40)}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(data, coords=coords)})


@pytest.mark.usefixtures("interpreted")
def test_labels_and_types(model, idata):
    posterior = ebm.recover(idata, model, random_seed=1, progressbar=False)["posterior"]
    assert posterior["s"].dims == ("chain", "draw", "row", "col")
    assert list(posterior["s"].coords["row"].values) == ["a", "b", "c"]
    assert posterior["t"].dims == ("chain", "draw", "t_dim_0")
    assert posterior["v"].dims == ("chain", "draw", "copy", "unit")
    assert {posterior[name].dtype for name in "stv"} == {np.dtype("int64")}
    assert set(np.unique(posterior["s"])) <= {-1, 1}
    assert set(np.unique(posterior["t"])) <= {0, 1, 2}
    assert set(np.unique(posterior["v"])) <= {0, 1}
    total = sum(posterior[n].sum(list(posterior[n].dims[2:])) for n in "stv")
    np.testing.assert_array_equal(posterior["total"], total)
    assert not [name for name in posterior.data_vars if name.endswith("_field")]
    assert "s_fourier" not in posterior.dims
    assert "s_field" in idata["posterior"]


@pytest.mark.usefixtures("interpreted")
def test_seeds(model, idata):
    first, same, other = (
        ebm.recover(idata, model, random_seed=seed, progressbar=False)["posterior"]["s"]
        for seed in (1, 1, 2)
    )
    assert first.identical(same)
    assert not first.equals(other)


def test_conditional_means_are_what_draws_average_to(model, idata):
    """2 × 40 conditional means against 100 rounds of draws; false alarm 1 %."""
    from tests.statistics import bonferroni_limit

    with_means = ebm.recover(idata, model, means=True, random_seed=0, progressbar=False)
    expected = with_means["posterior"]["s_mean"].to_numpy()
    assert with_means["posterior"]["t_probability"].dims[-1] == "t_state"
    np.testing.assert_allclose(with_means["posterior"]["t_probability"].sum("t_state"), 1.0)
    rounds = 100
    repeated = idata["posterior"].to_dataset().isel(chain=np.repeat([0, 1], rounds))
    repeated = repeated.assign_coords(chain=np.arange(2 * rounds))
    repeated = xr.DataTree.from_dict({"posterior": repeated})
    drawn = ebm.recover(repeated, model, random_seed=1, progressbar=False)["posterior"]["s"]
    average = drawn.to_numpy().reshape(2, rounds, *expected.shape[1:]).mean(axis=1)
    uncertain = np.abs(expected) < 0.9
    error = np.sqrt((1 - expected**2) / rounds)
    z = ((average - expected) / error)[uncertain]
    assert np.abs(z).max() < bonferroni_limit(z.size)


def test_draws_of_another_model_are_refused(model, idata):
    with pm.Model() as other:
        ebm.Ising("u", J=0.4, graph=ebm.Graph.square(3, 3))
    with pytest.raises(ValueError, match=r"no 'u_field'.*not from the relaxed form"):
        ebm.recover(idata, other)
    with pm.Model() as other:
        ebm.Ising("s", J=0.4, graph=ebm.Graph.square(4, 4))
    with pytest.raises(ValueError, match=r"would have .16,. coordinates"):
        ebm.recover(idata, other)
    with pm.Model() as other:
        h = pm.Normal("h")
        ebm.Ising("s", J=0.4, h=h, graph=ebm.Graph.square(3, 3), log_partition=0.0)
    with pytest.raises(ValueError, match=r"no \['h'\], on which 's' depends"):
        ebm.recover(idata, other)
    with pytest.raises(ValueError, match="no discrete energies to recover"):
        ebm.recover(idata, ebm.relax(model))
