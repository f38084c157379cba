"""Every plot, on matplotlib and on an interactive backend."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytest
import xarray as xr

import pymc_ebm as ebm

mpl.use("agg")
BACKENDS = ["matplotlib", "plotly"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def report():
    """Two basins, and the statistics of a ladder."""
    rng = np.random.default_rng(1)
    with pm.Model() as model:
        ebm.Boltzmann("x", ebm.energies.GaussianMixture([[-3.0, 0], [3.0, 0]]), shape=2)
    label = rng.random((4, 300)) < 0.5
    x = rng.normal(size=(4, 300, 2))
    x[..., 0] += np.where(label, 3, -3)
    dims = ("chain", "draw")
    stats = {
        "round_trips": (dims, rng.poisson(0.3, (4, 300))),
        "barrier": (dims, np.full((4, 300), 1.5)),
        "swap_rejection": (dims, np.full((4, 300), 0.4)),
    }
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"x": ((*dims, "k"), x)}), "sample_stats": xr.Dataset(stats)}
    )
    return ebm.ergodicity(tree, model, quiet=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_report_draws_all_that_it_judged(report, backend):
    plots = report.plot(backend=backend)
    assert list(plots) == [
        "trace", "energy", "autocorrelation", "rank", "basins", "transitions", "ladder",
    ]  # fmt: skip
    assert all(plot.backend == backend for plot in plots.values())


def lines(plot):
    return [line for axes in plot.viz["figure"].item().axes for line in axes.get_lines()]


def points(plot):
    figure = plot.viz["figure"].item()
    return np.concatenate(
        [c.get_offsets() for axes in figure.axes for c in axes.collections if len(c.get_offsets())]
    )


def test_traces_are_the_draws(report):
    plot = ebm.plot_energy_trace(report, var_names="x_energy", backend="matplotlib")
    drawn = np.stack([line.get_ydata() for line in lines(plot)])
    np.testing.assert_allclose(drawn, report.quantities["x_energy"])


def test_the_basin_map_puts_minima_where_they_are(report):
    plot = ebm.plot_basins(report, backend="matplotlib")
    np.testing.assert_allclose(np.sort(np.abs(points(plot)[:, 0])), [3, 3], atol=1e-3)


def test_the_ladder_counts_round_trips(report):
    plot = ebm.plot_ladder(report, backend="matplotlib")
    ends = [line.get_ydata()[-1] for line in lines(plot)]
    trips = report.sampler["round_trips"].sum("draw").values
    np.testing.assert_allclose(ends[:4], trips)
    np.testing.assert_allclose(ends[4:], 300 / (2 + 2 * 1.5))
    assert len(ends) == 8


@pytest.mark.parametrize("backend", BACKENDS)
def test_snapshots_of_a_lattice(backend):
    rng = np.random.default_rng(2)
    spins = rng.choice([-1, 1], size=(2, 20, 6, 5)).astype(np.int8)
    draws = xr.Dataset({"s": (("chain", "draw", "row", "column"), spins)})
    plot = ebm.plot_lattice(draws, "s", draws=[3], backend=backend)
    if backend == "matplotlib":
        kept = np.isfinite(points(plot)[:, 0])
        assert kept.sum() == 30
        up = points(plot)[30:]
        up = up[np.isfinite(up[:, 0])].astype(int)
        assert {(5 - b, a) for a, b in up} == set(zip(*np.nonzero(spins[0, 3] == 1), strict=True))
    with pytest.raises(ValueError, match="no 't', only"):
        ebm.plot_lattice(draws, "t")
    with pytest.raises(ValueError, match="there must be two"):
        ebm.plot_lattice(draws.isel(row=0), "s")


@pytest.mark.parametrize("backend", BACKENDS)
def test_observables_against_temperature(backend):
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(3, 2, 100)) + np.arange(3)[:, None, None]
    data = xr.Dataset(
        {"energy": (("temperature", "chain", "draw"), draws)},
        coords={"temperature": [1.0, 1.5, 3.0]},
    )
    plot = ebm.plot_sweep(data, backend=backend)
    if backend == "matplotlib":
        [line] = lines(plot)
        np.testing.assert_allclose(line.get_xdata(), [1.0, 1.5, 3.0])
        np.testing.assert_allclose(line.get_ydata(), draws.mean(axis=(1, 2)))
    with pytest.raises(ValueError, match="'beta' is none of the dimensions"):
        ebm.plot_sweep(data, x="beta")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_history_shows_training_and_validation_together(backend):
    scored = np.array([np.nan, -5.0, np.nan, -4.0, -3.9])
    history = xr.Dataset(
        {
            "log_likelihood": ("epoch", scored + 0.5),
            "validation_log_likelihood": ("epoch", scored),
            "loss": ("epoch", np.arange(5.0)),
            "learning_rate": ("epoch", np.full(5, 0.1)),
        },
        coords={"epoch": np.arange(1, 6)},
    )
    plot = ebm.plot_learning(history, backend=backend)
    if backend == "matplotlib":
        found = lines(plot)
        assert len(found) == 3  # two of the likelihood, the loss; a constant rate is not drawn
        np.testing.assert_allclose(found[1].get_ydata()[1:], [-5.0, -4.5, -4.0, -3.9])
    with pytest.raises(ValueError, match=r"and not \['energy'\]"):
        ebm.plot_learning(history, var_names="energy")


def test_what_is_not_there_is_named(report):
    with pytest.raises(ValueError, match="no 'z' to plot, only x_energy"):
        ebm.plot_energy(report, var_names="z")
    with pytest.raises(ValueError, match="no basins of 'y'"):
        ebm.plot_basins(report, variable="y")
    bare = ebm.ErgodicityReport((), quantities=report.quantities)
    with pytest.raises(ValueError, match="no basins to plot"):
        ebm.plot_basins(bare)
    with pytest.raises(ValueError, match="no ladder to plot"):
        ebm.plot_ladder(bare)
    with pytest.raises(ValueError, match="nothing to plot"):
        ebm.plot_energy_trace(ebm.ErgodicityReport(()))


MACHINE = ebm.energies.RBM(np.arange(48).reshape(16, 3) - 20.0, 0.1, 0.2)
ROWS = np.random.default_rng(2).integers(0, 2, (30, 16))


@pytest.mark.parametrize("backend", BACKENDS)
def test_pictures_of_a_machine(backend):
    for plot in (
        ebm.plot_filters(MACHINE, (4, 4), backend=backend),
        ebm.plot_fantasies(ROWS, (4, 4), backend=backend),
        ebm.plot_reconstructions(MACHINE, ROWS, (4, 4), backend=backend),
        ebm.plot_free_energy(MACHINE, {"rows": ROWS, "others": 1 - ROWS}, backend=backend),
    ):
        assert plot.backend == backend


def test_every_pixel_of_every_filter_is_drawn():
    plot = ebm.plot_filters(MACHINE, (4, 4), units=[0, 1, 2], backend="matplotlib")
    places = points(plot)
    assert len(places) == 3 * 16
    assert len(np.unique(places, axis=0)) == 3 * 16
    assert places.max() == 8  # two pictures of four and a gap


def test_fantasies_of_a_trace():
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"v": (("chain", "draw", "pixel"), ROWS.reshape(2, 15, 16))})}
    )
    from_trace = points(ebm.plot_fantasies(tree, (4, 4), backend="matplotlib"))
    from_rows = points(ebm.plot_fantasies(ROWS, (4, 4), backend="matplotlib"))
    np.testing.assert_array_equal(from_trace, from_rows)


def test_free_energies_add_up_to_all_rows():
    plot = ebm.plot_free_energy(MACHINE, {"rows": ROWS, "few": ROWS[:5]}, backend="matplotlib")
    for line in lines(plot)[:2]:
        x, y = line.get_data()
        assert np.sum(y[::2]) == pytest.approx(1)
        assert x.min() == pytest.approx(float(MACHINE(ROWS).eval().min()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ebm.plot_filters(MACHINE, (3, 4)), "16 entries are no picture"),
        (lambda: ebm.plot_filters(ebm.energies.Ring(), (1, 2)), "no matrix of weights"),
        (lambda: ebm.plot_reconstructions(ebm.energies.Ring(), ROWS, (4, 4)), "is no RBM"),
        (lambda: ebm.plot_free_energy(MACHINE, {}), "there are no rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
