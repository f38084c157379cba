"""The report: what it collects, prints, and passes."""

import io

import arviz as az
import dask.array
import numpy as np
import pymc as pm
import pytest
import xarray as xr

from rich.console import Console

import pymc_ebm as ebm

SMALL = ebm.Graph.square(3, 3)
LARGE = ebm.Graph.square(12, 12)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def trace(**variables):
    return az.from_dict({"posterior": variables})


@pytest.fixture(scope="module")
def free_spins():
    """Uncoupled spins, of which independent draws are easily had."""
    with pm.Model() as model:
        ebm.Ising("s", 0.0, 0.3, graph=ebm.Graph.square(20, 20))
    return model


@pytest.fixture(scope="module")
def ising_model():
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=LARGE)
    return model


def spins(mean, rng, draws=400, side=12):
    up = rng.random((len(mean), draws, side, side)) < (1 + np.reshape(mean, (-1, 1, 1, 1))) / 2
    return np.where(up, 1, -1).astype(np.int8)


def right_spins(rng, chains=2, draws=400):
    return spins([np.tanh(0.3)] * chains, rng, draws, side=20)


def test_order_parameters_speak_for_a_large_array(free_spins, rng):
    good = ebm.ergodicity(trace(s=right_spins(rng)), free_spins, quiet=True)
    assert good.passed, good.failures
    judged = set(good.table[good.table["check"] == "R-hat"]["quantity"])
    assert judged == {"s_energy", "s_magnetization", "slow direction 1", "slow direction 2"}
    assert any("400 entries" in note for note in good.notes)


def test_the_right_draws_of_a_wrong_model_fail(ising_model, rng):
    """Chains agree and have mixed; only the model says that they are draws of something else."""
    x = trace(s=spins([0.0, 0.0], rng))
    assert ebm.ergodicity(x, quiet=True).passed
    report = ebm.ergodicity(x, ising_model, quiet=True)
    assert {"identities", "identities together"} <= set(report.failures["check"])
    assert "R-hat" not in set(report.failures["check"])


def test_chains_in_opposite_phases_fail_on_the_magnetisation(ising_model, rng):
    report = ebm.ergodicity(trace(s=spins([0.9, -0.9], rng)), ising_model, quiet=True)
    failed = report.failures
    at_fault = set(failed[failed["check"] == "R-hat"]["quantity"])
    assert "s_magnetization" in at_fault
    assert "s_energy" not in at_fault
    assert failed["remedy"].str.len().min() > 10


def test_every_raw_variable_could_hide_it(rng):
    """Each spin alone looks fine; the energy shows that the chains differ."""
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=SMALL)
    free = rng.choice([-1, 1], size=(1, 2000, 3, 3))
    aligned = np.broadcast_to(rng.choice([-1, 1], size=(1, 2000, 1, 1)), (1, 2000, 3, 3))
    report = ebm.ergodicity(trace(s=np.concatenate([free, aligned])), model, quiet=True)
    failed = report.failures
    assert "s_energy" in set(failed["quantity"])
    assert not failed[failed["check"] == "R-hat"]["quantity"].str.startswith("s[").any()


def test_any_trace_without_a_model(rng):
    report = ebm.ergodicity(trace(x=rng.normal(size=(4, 500, 3))), quiet=True)
    assert report.passed
    assert {"x[0]", "x[1]", "x[2]"} <= set(report.table["quantity"])
    assert "No model was given" in report.notes[0]
    assert "identities" in report.notes[0]


def test_a_model_without_energies_is_judged_by_its_log_density(rng):
    with pm.Model() as model:
        pm.Normal("x", 0, 1, shape=3)
    report = ebm.ergodicity(trace(x=rng.normal(size=(4, 500, 3))), model, quiet=True)
    assert report.passed, report.failures
    assert "−log p" in set(report.table["quantity"])
    wide = ebm.ergodicity(trace(x=1.2 * rng.normal(size=(4, 500, 3))), model, quiet=True)
    assert set(wide.failures["check"]) >= {"identities", "kernel Stein"}


def test_it_prints_a_verdict_and_a_remedy_a_row(ising_model, rng):
    report = ebm.ergodicity(trace(s=spins([0.9, -0.9], rng)), ising_model, quiet=True)
    out = io.StringIO()
    report.show(Console(file=out, width=200))
    text = out.getvalue()
    for words in ("R-hat", "s_magnetization", "fail", "FAILED", "tempering"):
        assert words in text
    narrow = io.StringIO()
    report.show(Console(file=narrow, width=80))
    assert max(len(line) for line in narrow.getvalue().splitlines()) <= 80
    assert "R-hat: chains have not reached one distribution. Run longer" in narrow.getvalue()
    html = report._repr_html_()
    assert html.count("<tr") == len(report.shown()) + 1
    assert "FAILED" in html


def test_quiet_prints_nothing(free_spins, rng, capsys):
    x = trace(s=right_spins(rng))
    ebm.ergodicity(x, free_spins, quiet=True)
    assert capsys.readouterr().out == ""
    ebm.ergodicity(x, free_spins)
    assert "PASSED" in capsys.readouterr().out


def test_the_same_trace_gives_the_same_report(free_spins, rng):
    x = trace(s=right_spins(rng))
    first, second = (ebm.ergodicity(x, free_spins, quiet=True) for _ in range(2))
    assert first.table.equals(second.table)


def test_an_empty_report_has_not_passed():
    assert not ebm.ErgodicityReport(()).passed


def test_to_datatree_holds_everything(rng):
    with pm.Model() as model:
        energy = ebm.energies.GaussianMixture([[-3.0], [3.0]])
        ebm.Boltzmann("x", energy, shape=1)
    x = rng.choice([-3, 3], size=(4, 400, 1)) + rng.normal(size=(4, 400, 1))
    tree = ebm.ergodicity(trace(x=x), model, quiet=True).to_datatree()
    assert tree["findings"].sizes["finding"] > 20
    assert tree["findings"].attrs["passed"] == 1
    assert "x_energy" in tree["posterior"]
    basins = tree["basins/real variables"]
    assert basins.sizes["basin"] == 2
    assert int(basins["transitions"].sum()) == 4 * (basins.sizes["quench"] - 1)


def test_bad_traces_are_refused(ising_model, rng):
    with pytest.raises(ValueError, match="no group 'posterior'"):
        ebm.ergodicity(az.from_dict({"prior": {"x": rng.normal(size=(2, 50))}}))
    broken = rng.normal(size=(2, 50))
    broken[1, 3] = np.nan
    with pytest.raises(ValueError, match="'x' has NaN or infinite draws, the first in chain 1 at"):
        ebm.ergodicity(trace(x=broken))
    with pytest.raises(ValueError, match="Is this the model that was sampled"):
        ebm.ergodicity(trace(x=rng.normal(size=(2, 50))), ising_model)
    with pytest.raises(ValueError, match=r"shape \(3, 3\) in the trace and \(12, 12\)"):
        ebm.ergodicity(trace(s=rng.choice([-1, 1], size=(2, 50, 3, 3))), ising_model)
    states = rng.choice([-1, 0, 1], size=(2, 50, 12, 12))
    with pytest.raises(ValueError, match=r"draw 0, and its values are \[-1, 1\]"):
        ebm.ergodicity(trace(s=states), ising_model)
    with pytest.raises(ValueError, match="no dimension \\['chain'\\]"):
        flat = xr.Dataset({"x": ("draw", np.zeros(9))})
        ebm.ergodicity(xr.DataTree.from_dict({"posterior": flat}))
    with pytest.raises(ValueError, match="two groups of equal size"):
        ebm.ergodicity(trace(x=rng.normal(size=(4, 50))), superchains=[0, 0, 0, 1])


def test_one_chain_and_few_draws_are_not_enough(rng):
    one = ebm.ergodicity(trace(x=rng.normal(size=(1, 500))), quiet=True)
    assert set(one.failures["verdict"]) == {"not enough"}
    few = ebm.ergodicity(trace(x=rng.normal(size=(4, 10))), quiet=True)
    assert not few.passed
    assert set(few.failures["verdict"]) == {"not enough"}


def test_a_trace_that_lacks_a_variable_does_not_pass(rng):
    """Draws of x alone fit any joint density of x and y: nothing of the model was tested."""
    with pm.Model() as model:
        pm.Normal("x")
        pm.Normal("y")
    report = ebm.ergodicity(trace(x=rng.normal(size=(4, 500))), model, quiet=True)
    assert report.failures[["check", "quantity", "verdict"]].values.tolist() == [
        ["variables", "y", "not enough"]
    ]
    assert any("no draws of y" in note for note in report.notes)
    with pytest.raises(ValueError, match="none of the model's variables"):
        ebm.ergodicity(trace(z=rng.normal(size=(4, 500))), model, quiet=True)


def test_a_variable_without_a_list_of_states_is_noted(rng):
    with pm.Model() as model:
        pm.Poisson("k", 3.0)
    report = ebm.ergodicity(trace(k=rng.poisson(3.0, size=(4, 500))), model, quiet=True)
    assert any("k has no finite list of states" in note for note in report.notes)


def test_a_lazy_trace_is_never_loaded_whole(free_spins, rng):
    """Blocks of 200 draws of one chain at most are in memory at a time, thinned draws apart."""
    values = right_spins(rng, chains=4, draws=1000)
    largest = 0

    def watch(block):
        nonlocal largest
        largest = max(largest, block.size)
        return block

    lazy = dask.array.from_array(values, chunks=(1, 50, 20, 20)).map_blocks(
        watch, dtype=np.int8, meta=np.empty((0,) * 4, np.int8)
    )
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"s": (("chain", "draw", "a", "b"), lazy)})}
    )
    report = ebm.ergodicity(tree, free_spins, quiet=True)
    assert report.passed, report.failures
    assert largest == 50 * 400
    assert isinstance(tree["posterior"]["s"].data, dask.array.Array)
    eager = ebm.ergodicity(trace(s=values), free_spins, quiet=True)
    np.testing.assert_allclose(report.table["value"], eager.table["value"])


def test_a_compiled_model_is_kept_until_the_model_changes():
    from pymc_ebm.diagnostics.gather import compiled_model

    with pm.Model() as model:
        pm.Normal("x")
    first = compiled_model(model)
    assert compiled_model(model) is first
    with model:
        pm.Normal("y")
    assert compiled_model(model) is not first


def test_new_data_are_seen(rng):
    with pm.Model() as model:
        data = pm.Data("data", np.zeros(50))
        mu = pm.Normal("mu", 0, 10)
        pm.Normal("y", mu, 1, observed=data)
    x = rng.normal(0, 1 / np.sqrt(50.01), size=(4, 500))
    assert ebm.ergodicity(trace(mu=x), model, quiet=True).passed
    with model:
        pm.set_data({"data": np.ones(50)})
    assert not ebm.ergodicity(trace(mu=x), model, quiet=True).passed
    assert ebm.ergodicity(trace(mu=x + 50 / 50.01), model, quiet=True).passed


def test_variables_entries_and_draws_are_chosen_as_in_arviz(rng):
    x, y = rng.normal(size=(4, 600, 3)), np.zeros((4, 600))
    y[:, 300:] = rng.normal(size=(4, 300))
    idata = az.from_dict({"posterior": {"x": x, "y": y}})
    assert not ebm.ergodicity(idata, quiet=True).passed
    late = ebm.ergodicity(idata, coords={"draw": slice(300, None)}, quiet=True)
    assert late.passed, late.failures
    assert late.quantities.sizes["draw"] == 300
    named = ebm.ergodicity(idata, var_names="x", coords={"x_dim_0": [0, 2]}, quiet=True)
    assert {"x[0]", "x[1]"} <= set(named.table["quantity"])
    assert not {"x[2]", "y"} & set(named.table["quantity"][named.table["check"] == "R-hat"])
    prior = az.from_dict({"prior": {"x": x}})
    assert ebm.ergodicity(prior, group="prior", quiet=True).passed


def test_a_trace_that_never_moves_does_not_pass(free_spins, rng):
    """With a model that would move it is wrong; without one nobody can tell."""
    x = np.broadcast_to(rng.choice([-1, 1], size=(20, 20)), (2, 100, 20, 20)).astype(np.int8)
    report = ebm.ergodicity(trace(s=x), free_spins, quiet=True)
    assert {"movement", "frozen entries"} <= set(report.failures["check"])
    assert not ebm.ergodicity(trace(x=np.full((4, 100), 0.3)), quiet=True).passed


def test_what_cannot_move_is_no_fault_and_no_pass():
    """A magnet with 10⁻⁶ changes to be expected: drawn all alike, and rightly so."""
    with pm.Model() as model:
        ebm.Ising("s", 2.0, 1.0, graph=SMALL)
    report = ebm.ergodicity(trace(s=np.ones((2, 200, 3, 3), np.int8)), model, quiet=True)
    assert set(report.failures["verdict"]) == {"not enough"}
    assert "changes were to be expected" in report.failures["meaning"][0]


def test_an_energy_that_is_constant_by_definition_is_not_judged(rng):
    """Fair coins drawn exactly, judged as an RBM without weights; nominal level .5 %."""
    with pm.Model() as model:
        ebm.RBM("v", np.zeros((4, 2)))
    report = ebm.ergodicity(trace(v=rng.integers(0, 2, (4, 500, 4))), model, quiet=True)
    assert report.passed, report.failures
    assert any("same for every configuration" in note for note in report.notes)
