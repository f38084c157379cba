"""The loop that all methods share: what it accepts, keeps, writes and says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
import xarray as xr

from scipy import stats

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.learn.layer_descent import LayerDescent
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.rows import Rows
from tests.learn.small import ALL, DISCRETE, REAL, draws

pytestmark = pytest.mark.usefixtures("interpreted")

RBM = DISCRETE["RBM"]
ROWS = draws(RBM, 120, 1)


def fitted(energy=RBM, data=ROWS, **kwargs):
    options = {"method": ebm.PCD(chains=10), "epochs": 3, "random_seed": 1, "progressbar": False}
    return ebm.fit(energy, data, **{**options, **kwargs})


def numbers(energy):
    return {name: np.asarray(v.eval(mode=PY)) for name, v in energy.parameters.items()}


def same(first, second):
    return all(np.array_equal(a, numbers(second)[k]) for k, a in numbers(first).items())


LAZY = {
    "frame": pd.DataFrame,
    "labelled": lambda rows: xr.DataArray(rows, dims=("row", "unit")),
    "list": lambda rows: rows.tolist(),
    "bool": lambda rows: rows.astype(bool),
    "dask": lambda rows: pytest.importorskip("dask.array").from_array(rows, chunks=(50, -1)),
    "zarr": lambda rows: pytest.importorskip("zarr").array(rows),
    "labelled dask": lambda rows: xr.DataArray(rows, dims=("row", "unit")).chunk(row=50),
}


@pytest.mark.parametrize("kind", LAZY)
def test_rows_may_come_in_any_container(kind):
    assert same(fitted(data=LAZY[kind](ROWS), batch_size=32).energy, fitted(batch_size=32).energy)


def test_single_precision_stays_single():
    found = fitted(data=ROWS.astype(np.float32))
    from pymc_ebm.learn.learned import Learned

    assert Learned(RBM, dtype="float32").free["W"].dtype == "float32"
    assert np.isfinite(found.history.log_likelihood).all()


BAD = {
    "an energy a row": ({"energy": ebm.energies.Ising(np.zeros((120, 3)), graph=ebm.Graph.complete(3)),
                         "data": np.ones((120, 3))}, "differs from row to row.*covariates"),
    "value": ({"data": np.where(np.arange(480).reshape(120, 4) == 6, 3, ROWS)},
              "data has 3 at row 1, column 2; RBM wants one of \\(0, 1\\)"),
    "missing": ({"data": np.where(np.arange(480).reshape(120, 4) == 9, np.nan, ROWS)},
                "nan at row 2, column 1.*impute=True"),
    "width": ({"data": ROWS[:, :3]}, r"data has shape \(120, 3\); RBM wants \(rows, 4\)"),
    "one configuration": ({"data": ROWS[0]}, "one configuration; pass rows"),
    "no rows": ({"data": ROWS[:0]}, "no rows"),
    "text": ({"data": ROWS.astype(str)}, "numbers"),
    "empty batch": ({"batch_size": 0}, "batch_size must be a whole number, 2 or more, got 0"),
    "one row a batch": ({"batch_size": 1}, "2 or more, got 1"),
    "masked": ({"data": np.ma.masked_array(ROWS, np.arange(480).reshape(120, 4) == 9)},
               "nan at row 2, column 1.*impute=True"),
    "pandas' gap": ({"data": pd.DataFrame(ROWS).drop(index=3).reindex(range(120)).astype("Int64")},
                    "nan at row 3, column 0"),
    "words": ({"data": np.array([[0, "a", 1, 1]] * 3, object)}, "could not convert.*'a'"),
    "no epochs": ({"epochs": None}, "whole number, 1 or more, got None"),
    "patience of none": ({"patience": 0, "validation": ROWS}, "patience must be .*1 or more"),
    "no objective": ({"validation": ROWS, "score_every": 0}, "PCD follows no objective"),
    "endless decay": ({"weight_decay": np.inf}, "number, 0 or more, got inf"),
    "decay's word": ({"weight_decay": "a"}, "number, 0 or more, got 'a'"),
    "schedule": ({"schedule": [1, 2]}, "pass a function"),
    "schedule's result": ({"schedule": lambda epoch: float("nan")}, r"schedule\(0\) = nan"),
    "callbacks": ({"callbacks": [3]}, "list of callbacks"),
    "fixed by number": ({"fixed": 1}, "pass names of parameters"),
    "ladder of nothing": ({"method": lambda: ebm.TemperedPCD(ladder=[0.0, np.nan, 1.0])}, "must increase"),
    "log Z": ({"method": lambda: ebm.MaximumLikelihood("bogus")}, "'bogus' is none of auto, "),
    "noise outside": ({"method": ebm.NoiseContrastive(stats.multivariate_normal(np.zeros(4)))},
                      r"wants one of \(0, 1\).*Leave out noise="),
    "noise of another width": ({"method": ebm.NoiseContrastive(stats.multivariate_normal(np.zeros(3)))},
                               r"1000 rows of noise have shape \(1000, 3\)"),
    "epochs": ({"epochs": 0}, "epochs"),
    "method": ({"method": ebm.ScoreMatching()},
               r"ScoreMatching does not fit: RBM has binary values.*MaximumLikelihood\(\), CD\(\)"),
    "method's class": ({"method": ebm.PCD}, r"pass PCD\(...\)"),
    "method's name": ({"method": "pcd"}, r"ebm.PCD\(\)"),
    "optimizer": ({"optimizer": "adam"}, r"pm.adam\(learning_rate=0.01\)"),
    "learning rate": ({"optimizer": pm.adam(learning_rate=-1.0)}, "positive number, got -1"),
    "fixed": ({"fixed": "J"}, r"\['J'\] are no parameters of RBM"),
    "all fixed": ({"fixed": ("W", "b", "c")}, "nothing to learn"),
    "decay": ({"weight_decay": {"V": 1.0}}, "'V'; learned are"),
    "patience": ({"patience": 3}, "needs validation="),
    "score": ({"score_every": -1}, "score_every"),
    "validation": ({"validation": ROWS + 1}, "validation has 2 at row"),
    "ladder": ({"method": lambda: ebm.TemperedPCD(ladder=[0.5, 0.2, 1.0])}, "must increase"),
    "ladder's end": ({"method": lambda: ebm.TemperedPCD(ladder=[0.0, 0.5])}, "to 1"),
    "chains": ({"method": lambda: ebm.PCD(chains=0)}, "chains must be a whole number, 1 or more"),
    "sigma": ({"method": lambda: ebm.DenoisingScoreMatching(-1.0)}, "sigma must be positive"),
    "noise": ({"method": lambda: ebm.NoiseContrastive(noise=3)}, "multivariate_normal"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_way_out(case):
    kwargs, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        method = kwargs.get("method")
        if callable(method) and not isinstance(method, type):
            kwargs = {**kwargs, "method": method()}
        fitted(**kwargs)


def test_random_parameters_are_a_model_and_no_fit():
    with pm.Model():
        energy = ebm.energies.RBM(pm.Normal("W", shape=(4, 2)))
        with pytest.raises(ValueError, match=r"prior on it, this is a model for pm\.sample"):
            fitted(energy)


def test_shared_variables_are_learned_once_and_left_alone():
    strength = pytensor.shared(0.5, name="strength")
    energy = ebm.energies.Custom(lambda x: strength * x.sum() ** 2 + strength**2 * x[0], (3,))
    data = np.random.default_rng(1).normal(0, 0.4, (200, 3))
    found = fitted(energy, data, method=ebm.ScoreMatching(), epochs=20)
    assert strength.get_value() == 0.5
    learned = numbers(found.energy)
    assert len(set(np.round(list(learned.values()), 6))) <= 2
    assert not np.isclose(next(iter(learned.values())), 0.5)


def test_validation_rows_choose_the_epoch_and_patience_ends():
    found = fitted(
        method=ebm.MaximumLikelihood(), data=ROWS[:20], validation=draws(RBM, 300, 9), epochs=300,
        patience=5, optimizer=pm.adam(learning_rate=0.2),
    )  # fmt: skip
    held_out = found.history.validation_log_likelihood
    assert found.history.attrs["ended"] == "patience"
    assert found.history.sizes["epoch"] == int(held_out.values.argmax()) + 1 + 5
    scored = ebm.score(found.energy, draws(RBM, 300, 9)).log_likelihood.mean()
    assert float(scored) == pytest.approx(float(held_out.max()))
    gap = found.history.log_likelihood - found.history.validation_log_likelihood
    np.testing.assert_allclose(found.history.free_energy_gap, gap)


def test_validation_rows_among_the_training_rows_are_counted():
    wide = np.random.default_rng(1).integers(0, 2, (50, 30))
    energy = ebm.energies.RBM.random(30, 2)
    with pytest.warns(UserWarning, match="20 of 25 validation rows are among"):
        fitted(energy, wide, validation=np.concatenate([wide[:20], 1 - wide[:5]]))


def test_an_interrupt_returns_the_best_so_far():
    def interrupt(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    found = fitted(callbacks=[interrupt], epochs=10)
    assert found.history.sizes["epoch"] == 2
    assert found.history.attrs["ended"] == "interrupted"
    assert same(found.energy, fitted(epochs=2).energy)


def test_an_interrupt_inside_an_epoch_goes_back_to_its_start(monkeypatch):
    """An optimiser's step without what settles it would leave parameters of no step."""
    whole, steps = fitted(batch_size=40, epochs=1), []
    right = LayerDescent.settle

    def interrupt(self):
        steps.append(1)
        if len(steps) == 5:
            raise KeyboardInterrupt
        right(self)

    monkeypatch.setattr(LayerDescent, "settle", interrupt)
    assert same(fitted(batch_size=40, epochs=3).energy, whole.energy)


def test_the_log_z_of_noise_belongs_to_the_parameters_returned():
    """The best epoch's, not the last one's: the density it normalises sums to one."""
    energy = REAL["Gaussian"]
    found = fitted(
        energy, draws(energy, 300, 1), method=ebm.NoiseContrastive(), epochs=40, score_every=1,
        validation=draws(energy, 50, 2), optimizer=pm.adam(learning_rate=0.3),
    )  # fmt: skip
    exact = float(ebm.log_partition(found.energy).eval())
    best = int(found.history.validation_log_likelihood.values.argmax())
    assert best + 1 < found.history.sizes["epoch"]
    assert abs(found.history.attrs["log_partition"] - exact) < 0.3


def test_a_run_that_lost_patience_stays_ended(tmp_path):
    options = {
        "method": ebm.MaximumLikelihood(), "validation": draws(RBM, 300, 9), "patience": 2,
        "data": ROWS[:20], "epochs": 300, "optimizer": pm.adam(learning_rate=0.2),
        "checkpoint": tmp_path / "run.nc",
    }  # fmt: skip
    first, again = fitted(**options), fitted(**options)
    assert again.history.sizes == first.history.sizes
    assert again.history.attrs["ended"] == "patience"
    assert same(first.energy, again.energy)


def test_layers_made_of_shared_variables_are_learned_through_them():
    """Weights that are −2 times a shared matrix: the gradient by chains is the exact one."""
    W = pytensor.shared(-0.5 * np.asarray(RBM.parameters["W"].eval()), name="b", shape=(4, 2))
    energy = ebm.energies.RBM(-2 * W, RBM.parameters["b"], RBM.parameters["c"])
    rows, rng = Rows(ROWS, energy), np.random.default_rng(1)
    learned = Learned(energy, fixed=("c",))
    exact = ebm.MaximumLikelihood().descent(learned, rows, rng).gradient(rows.whole(), rng)[1]
    chains = ebm.PCD(chains=2000).descent(learned, rows, rng)
    for _ in range(20):
        chains.gradient(rows.whole(), rng)
    found = np.mean([chains.gradient(rows.whole(), rng)[1]["b"] for _ in range(20)], axis=0)
    # 40 000 draws of products of zeros and ones, doubled: standard error .005
    np.testing.assert_allclose(found, exact["b"], atol=0.03)


def test_a_callback_sees_the_energy_and_may_end_the_run():
    seen = []
    found = fitted(callbacks=[lambda e: seen.append(e.freeze()) or e.number == 2], epochs=10)
    assert found.history.attrs["ended"] == "callback"
    assert same(seen[-1], found.energy)


def test_divergence_keeps_the_last_good_parameters():
    def rule(loss_or_grads, params, learning_rate=1.0):
        return {
            p: p - 1e200 * learning_rate * g * (1 + p**2)
            for p, g in zip(params, loss_or_grads, strict=True)
        }

    with pytest.warns(
        UserWarning, match="step [23] of epoch 1, learning rate 1.*ten times smaller"
    ):
        found = fitted(optimizer=rule, batch_size=40)
    assert found.history.attrs["ended"] == "diverged"
    assert same(found.energy, RBM)


def test_schedules_decay_and_fixed_parameters_do_what_they_say():
    found = fitted(schedule=lambda epoch: 0.5**epoch, fixed="b")
    np.testing.assert_allclose(found.history.learning_rate, [0.01, 0.005, 0.0025])
    assert np.array_equal(numbers(found.energy)["b"], numbers(RBM)["b"])
    pulled = fitted(weight_decay={"W": 1e4}, optimizer=pm.sgd(learning_rate=1e-4), epochs=1)
    assert np.abs(numbers(pulled.energy)["W"]).max() < 1e-3


METHODS = {
    "exact": (RBM, ebm.MaximumLikelihood()),
    "cd": (RBM, ebm.CD()),
    "pcd": (RBM, ebm.PCD(chains=7)),
    "tempered": (RBM, ebm.TemperedPCD(chains=4, ladder=4)),
    "heat bath": (DISCRETE["Ising"], ebm.TemperedPCD(chains=4, ladder=3)),
    "hamiltonian": (REAL["mixture"], ebm.PCD(chains=6)),
    "hamiltonian from data": (REAL["mixture"], ebm.CD()),
    "both layers": (DISCRETE["spins"], ebm.CD()),
    "hidden vertex": (DISCRETE["hidden vertex"], ebm.TemperedPCD(chains=4, ladder=3)),
    "some noise": (
        REAL["Gaussian"],
        ebm.NoiseContrastive(stats.multivariate_normal(np.zeros(2), 4)),
    ),
    "noise": (REAL["Gaussian"], ebm.NoiseContrastive(ratio=2)),
    "denoising": (REAL["Gaussian"], ebm.DenoisingScoreMatching(0.5)),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_killed_run_goes_on_bit_for_bit(name, tmp_path):
    energy, method = METHODS[name]
    rows = draws(energy, 60, 2)
    options = {
        "method": method, "batch_size": 20, "epochs": 6, "validation": draws(energy, 30, 3),
        "optimizer": pm.adam(learning_rate=0.05),
    }  # fmt: skip
    whole = fitted(energy, rows, **options)

    def kill(epoch):
        if epoch.number in (2, 5):
            raise SystemExit

    path = tmp_path / "run.nc"
    for _ in range(2):
        with pytest.raises(SystemExit):
            fitted(energy, rows, checkpoint=path, callbacks=[kill], **options)
    resumed = fitted(energy, rows, checkpoint=path, **options)
    assert same(whole.energy, resumed.energy)
    assert set(whole.history.data_vars) == set(resumed.history.data_vars)
    for variable in set(whole.history.data_vars) - {"seconds"}:
        np.testing.assert_array_equal(whole.history[variable], resumed.history[variable])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": ebm.PCD(chains=11)}, "its method is PCD.*chains=10"),
        ({"data": ROWS[::-1]}, "its data is"),
        ({"random_seed": 2}, "its random_seed is 1"),
        ({"energy": ebm.energies.RBM.random(4, 3)}, "its energy is RBM"),
        ({"optimizer": pm.sgd(learning_rate=0.1)}, "its optimizer is adam"),
        ({"weight_decay": 0.1}, "its weight_decay is"),
        ({"fixed": "b"}, "its learned is"),
        ({"validation": ROWS[:9]}, "its validation is none"),
        ({"energy": ebm.energies.RBM.random(4, 2)}, "its start is"),
        ({"schedule": lambda epoch: 0.5**epoch, "epochs": 5}, "learning rate in epoch 2 was 0.01"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change, message, tmp_path):
    fitted(checkpoint=tmp_path / "run.nc")
    with pytest.raises(ValueError, match=message):
        fitted(checkpoint=tmp_path / "run.nc", **change)


@pytest.mark.parametrize("name", [n for n in ALL if n != "levels"])
def test_what_is_saved_is_what_is_loaded(name, tmp_path):
    energy = ALL[name]
    found = fitted(energy, draws(energy, 30, 1), method=None, epochs=2)
    found.save(tmp_path / "energy.nc")
    loaded = ebm.load(tmp_path / "energy.nc")
    assert type(loaded.energy) is type(energy)
    assert same(found.energy, loaded.energy)
    rows = draws(energy, 10, 2)
    np.testing.assert_array_equal(
        found.energy(rows).eval(mode=PY), loaded.energy(rows).eval(mode=PY)
    )
    xr.testing.assert_identical(
        found.history.drop_attrs(), loaded.history.drop_attrs().astype(float)
    )
    assert loaded.history.attrs["data"] == found.history.attrs["data"]


OTHERS = {
    "Potts": ebm.energies.Potts(0.3, q=3, graph=ebm.Graph.square(3, 3)),
    "Clock": ebm.energies.Clock(0.3, q=4, graph=ebm.Graph.square(2, 3, periodic=False)),
    "Ordinal": ebm.energies.Ordinal(0.2, n_categories=[2, 3, 4], graph=ebm.Graph.complete(3)),
    "Hopfield": ebm.energies.Hopfield([[1, -1, 1, 1.0]]),
    "Blume–Capel": ebm.energies.BlumeCapel(0.2, 0.1, 0.3, graph=ebm.Graph.complete(3)),
    "MLP": ebm.energies.MLP.random((2, 4, 1), random_seed=1),
    "Ring": ebm.energies.Ring(2.0, 0.3).with_event_shape((2,)),
    "no edges": ebm.energies.Ising(0.0, [0.3], graph=ebm.Graph.from_edges([], 1)),
    "named": ebm.energies.Ising(0.2, graph=ebm.Graph([(0, 1), (1, 2)], (3,), ["a", "b", "c"])),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_family_can_be_saved(name, tmp_path):
    from pymc_ebm.learn.saving import save

    energy = OTHERS[name]
    save(tmp_path / "energy.nc", energy, xr.Dataset())
    loaded = ebm.load(tmp_path / "energy.nc").energy
    assert repr(loaded) == repr(energy)
    assert same(energy, loaded)
    assert loaded.event_shape == energy.event_shape
    graph = getattr(energy, "graph", None)
    if graph is not None:
        assert np.array_equal(loaded.graph.edges, graph.edges)
        assert (loaded.graph.lattice, loaded.graph.names) == (graph.lattice, graph.names)


def test_files_that_are_none_are_refused(tmp_path):
    path = tmp_path / "energy.nc"
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ebm.load(path)
    found = fitted()
    found.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(ValueError, match="truncated, or no netCDF file"):
        ebm.load(path)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"the file holds RBM with.*energy= is Ising with"):
        ebm.load(path, energy=ebm.energies.Ising(0.1, graph=ebm.Graph.complete(3)))
    newer = xr.load_dataset(path, engine="scipy").assign_attrs(format_version=99)
    newer.to_netcdf(path, engine="scipy")
    with pytest.raises(ValueError, match="format version 99"):
        ebm.load(path)
    xr.Dataset({"x": 1.0}).to_netcdf(path, engine="scipy")
    with pytest.raises(ValueError, match="holds 'something else'"):
        ebm.load(path)


def test_custom_energies_are_put_into_one_that_is_given(tmp_path):
    energy = DISCRETE["levels"]
    found = fitted(energy, draws(energy, 50, 1), method=ebm.PseudoLikelihood())
    found.save(tmp_path / "energy.nc")
    with pytest.raises(ValueError, match="Pass energy="):
        ebm.load(tmp_path / "energy.nc")
    assert same(found.energy, ebm.load(tmp_path / "energy.nc", energy=energy).energy)


def test_scores_are_normalised_and_their_errors_hold():
    """The estimate lies within four of its standard errors of what is exact."""
    wide = ebm.energies.RBM(np.random.default_rng(1).normal(0, 0.4, (12, 5)))
    rows = np.random.default_rng(2).integers(0, 2, (7, 12))
    exact = ebm.score(wide, rows)
    assert exact.log_partition_se == 0.0
    assert exact.attrs["log_partition"] == "exact"
    from pymc_ebm.learn.log_likelihood import LogLikelihood
    from pymc_ebm.learn.rows import Rows

    estimated = LogLikelihood(wide, Rows(rows, wide), lambda: wide, affordable=0.0)
    assert estimated.how == "estimated"
    log_z, error = estimated.log_z(np.random.default_rng(3))
    assert 0 < error < 0.2
    assert abs(log_z - float(exact.log_partition)) < 4 * error


def test_the_default_method_says_itself(caplog):
    with caplog.at_level("INFO", logger="pymc.ebm"):
        fitted(method=None, epochs=1)
        wide = ebm.energies.RBM.random(40, 40)
        ebm.fit(
            wide, np.random.default_rng(1).integers(0, 2, (20, 40)), epochs=1, score_every=0,
            progressbar=False,
        )  # fmt: skip
        free = ebm.energies.Custom(lambda x: pytensor.shared(1.0) * (x**4).sum(), (2,))
        ebm.fit(free, np.ones((5, 2)), epochs=1, progressbar=False)
    said = caplog.text
    assert "RBM by MaximumLikelihood" in said
    assert "RBM by PCD(chains=100" in said
    assert "Custom by ScoreMatching" in said


def test_two_samples_of_one_distribution_are_told_apart_as_often_as_stated():
    """p-values below 5 % in 100 runs: at most 13, false alarm 0.1 %; a shift is always seen."""
    rng = np.random.default_rng(1)
    small, shifted = 0, 0
    for seed in range(100):
        x, y = rng.normal(size=(2, 40, 2))
        options = {"permutations": 99, "random_seed": seed}
        statistic = "energy" if seed % 2 else "mmd"
        small += float(ebm.two_sample(x, y, statistic=statistic, **options).p_value) <= 0.05
        shifted += float(ebm.two_sample(x, y + 1.5, statistic=statistic, **options).p_value) <= 0.05
    assert small <= 13
    assert shifted == 100
    with pytest.raises(ValueError, match="nan at row 3"):
        ebm.two_sample(np.where(np.arange(10)[:, None] == 3, np.nan, 1.0), np.ones((4, 1)))
    with pytest.raises(ValueError, match="2 columns, and data 3"):
        ebm.two_sample(np.ones((4, 2)), np.ones((4, 3)))


def test_the_history_says_how_the_chains_did():
    found = fitted(method=ebm.PCD(chains=20), batch_size=10, optimizer=pm.sgd(learning_rate=1e-6))
    history = found.history
    assert np.all(history.chain_rhat < 1.1)
    assert np.all((history.chain_ess > 20) & (history.chain_ess < 20 * 12 * 3))
    # two modes that no chain leaves
    stuck = ebm.energies.RBM(np.full((4, 2), 9.0), -8.5, -17.0)
    rows = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], 60, axis=0)
    parted = fitted(stuck, rows, method=ebm.PCD(chains=20), batch_size=10,
                    optimizer=pm.sgd(learning_rate=1e-9))  # fmt: skip
    assert np.all(parted.history.chain_rhat > 1.5)
