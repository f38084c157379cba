"""The relaxed density, constants included, against sums over all configurations."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from scipy.special import logsumexp
from scipy.stats import norm

import pymc_ebm as ebm

from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann
from pymc_ebm.variables.copying import untransformed
from tests import small_models
from tests.oracles import products
from tests.small_models import MODELS, all_states, build, two_states
from tests.statistics import bonferroni_limit, z_scores

PY = Mode(linker="py", optimizer="fast_compile")
POINTS = 25
CASES = [(declare, kind) for declare, kinds in MODELS.items() for kind in kinds]
CASES += [  # one of the above each
    pytest.param(declare, "auto", marks=() if declare is two_states else pytest.mark.slow)
    for declare in MODELS
]


def discrete_variable(model):
    """Return the one discrete Boltzmann variable of a model."""
    [rv] = [v for v in model.free_RVs if is_discrete_boltzmann(v)]
    return rv


def joint_configurations(variable):
    """Return values of the variable, of its hidden units, and what `centre` takes, one a row."""
    n = int(np.prod(variable.shape))
    values = all_states(n, variable.states).reshape(-1, *variable.shape)
    hidden = all_states(variable.field.n_hidden, (0, 1))
    first, second = np.divmod(np.arange(len(values) * len(hidden)), len(hidden))
    values, hidden = values[first], hidden[second]
    flat = np.stack([variable.encode(v, np.broadcast_to(h, (*variable.batch, h.size)))
                     for v, h in zip(values, hidden, strict=True)])  # fmt: skip
    return values, hidden, flat


def log_densities(declare, kind, points=POINTS, seed=0):
    """Return the relaxed log-density and the sum over configurations at random points."""
    model = build(declare)
    relaxed = untransformed(ebm.relax(model, factor=kind))
    plain = untransformed(model)
    variable = RelaxedVariable(plain, discrete_variable(plain), kind, "test")
    values, hidden, x = joint_configurations(variable)
    value_var = plain.rvs_to_values[discrete_variable(plain)]
    others = [v for v in plain.value_vars if v is not value_var]

    configuration = pt.tensor("x", shape=x.shape[1:], dtype=x.dtype)
    centre = variable.centre(configuration)
    many = pt.tensor("values", shape=values.shape, dtype=value_var.dtype)
    all_x = pt.constant(x)
    log_odds = variable.hidden_log_odds(value_var)
    outputs = vectorize_graph(
        [plain.logp(jacobian=False), pt.zeros(0) if log_odds is None else log_odds],
        {value_var: many},
    )
    centres = vectorize_graph(centre, {configuration: all_x})
    discrete = pm.compile([*others, many], [*outputs, centres], mode=PY, on_unused_input="ignore")
    inputs = [relaxed.rvs_to_values[relaxed[v.name]] for v in others]
    z_value = relaxed.rvs_to_values[relaxed[variable.field_name]]
    relaxed_logp = pm.compile([*inputs, z_value], relaxed.logp(jacobian=False), mode=PY)

    rng = np.random.default_rng(seed)
    draws = pm.draw([plain[v.name] for v in others], points, random_seed=rng) if others else []
    got, want = [], []
    for k in range(points):
        theta = [np.asarray(draw[k]) for draw in draws]
        logp, odds, means = discrete(*theta, values.astype(value_var.dtype))
        if hidden.shape[1]:
            logp = logp - np.logaddexp(0, (1 - 2 * hidden) * odds).sum(axis=-1)
        z = means[rng.integers(len(means))] + rng.normal(size=means.shape[1:])
        axes = tuple(range(1, means.ndim))
        want.append(logsumexp(logp + norm.logpdf(z, means).sum(axis=axes)))
        got.append(float(relaxed_logp(*theta, z)))
    return np.array(got), np.array(want)


@pytest.mark.parametrize(("declare", "kind"), CASES, ids=lambda c: getattr(c, "__name__", c))
def test_the_density_is_the_sum_over_configurations(declare, kind):
    got, want = log_densities(declare, kind)
    assert np.ptp(want) > 0.5, "the points are all alike"
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


def pair_with_noise():
    """Declare two spins, one coordinate."""
    s = ebm.Ising("s", J=0.6, h=[0.2, -0.1], graph=ebm.Graph.complete(2))
    pm.Normal("y", mu=s, sigma=pm.HalfNormal("sigma"), observed=[0.5, -1.5])


def pair_with_unknown_coupling():
    """Declare two units in {0, 1} and a coupling of unknown sign, two coordinates."""
    J = pm.Normal("J")
    energy = ebm.energies.BoltzmannMachine(J, [0.2, -0.1], graph=ebm.Graph.complete(2))
    log_z = small_models.summed(all_states(2, (0, 1)))
    v = ebm.Boltzmann("v", energy, log_partition=log_z)
    pm.Normal("y", mu=v, sigma=1.0, observed=[0.5, -1.5])


@pytest.mark.parametrize("declare", [pair_with_noise, pair_with_unknown_coupling])
def test_integrating_the_field_out_gives_the_marginal_of_the_parameters(declare):
    """The trapezoidal rule is exact to rounding for such smooth densities."""
    model = build(declare)
    plain, relaxed = untransformed(model), untransformed(ebm.relax(model, factor="edges"))
    rv = discrete_variable(plain)
    grid = np.arange(-14, 14, 0.1)
    field = relaxed[f"{rv.name}_field"]
    z = np.stack(np.meshgrid(*[grid] * field.type.shape[0], indexing="ij"), -1)
    z = z.reshape(-1, field.type.shape[0])
    for value in (0.4, 1.7):
        densities = []
        for m, var, points in ((plain, rv, all_states(2, rv.owner.op.energy.states)),
                               (relaxed, field, z)):  # fmt: skip
            values = m.rvs_to_values[m[var.name]]
            [theta] = [v for v in m.value_vars if v is not values]
            many = pt.tensor("many", shape=points.shape, dtype=values.dtype)
            logp = vectorize_graph(m.logp(jacobian=False), {values: many})
            function = pm.compile([theta, many], logp, mode=PY)
            densities.append(logsumexp(function(value, points.astype(values.dtype))))
        discrete, integral = densities
        integral += z.shape[1] * np.log(0.1)
        assert integral == pytest.approx(discrete, abs=1e-9)


def absent_couplings():
    """Declare a temperature to be found, and an edge whose coupling is 0."""
    beta = pm.Uniform("beta", 0.2, 2.0)
    graph = ebm.Graph.from_edges([(0, 1), (1, 2)])
    log_z = small_models.summed(all_states(3, (-1, 1)))
    ebm.Ising("s", [0.5, 0.0], graph=graph, beta=beta, log_partition=log_z)


@pytest.mark.parametrize("declare", [absent_couplings, pair_with_unknown_coupling])
def test_gradients_exist_where_couplings_vanish(declare):
    """Against central differences; the unknown coupling is 0 itself."""
    relaxed = ebm.relax(build(declare), factor="edges")
    point = relaxed.initial_point()
    point = {name: np.asarray(v + (0.3 if "field" in name else 0)) for name, v in point.items()}
    logp, gradient = relaxed.compile_logp(mode=PY), relaxed.compile_dlogp(mode=PY)
    differences = []
    for v in relaxed.value_vars:
        for index in np.ndindex(point[v.name].shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {name: value.copy() for name, value in point.items()}
                moved[v.name][index] += step
                ends.append(float(logp(moved)))
            differences.append((ends[0] - ends[1]) / 2e-6)
    np.testing.assert_allclose(gradient(point), differences, atol=1e-7)


def test_the_rest_of_the_model_stays():
    with pm.Model(coords={"row": list("abc"), "col": range(3), "k": [10, 20]}) as model:
        s = ebm.Ising("s", J=0.4, graph=ebm.Graph.square(3, 3), dims=("row", "col"))
        noise = pm.Data("noise", np.ones((3, 3)), dims=("row", "col"))
        theta = pm.Beta("theta", 2, 2, dims="k", initval=[0.3, 0.6])
        x = pm.Uniform("x", -1, 1, dims="k")
        pm.Normal("y", mu=s * noise, sigma=theta.sum(), observed=np.ones((3, 3)))
        pm.Normal("z", mu=x, sigma=1, observed=[1.0, 2.0], dims="k")
        pm.Deterministic("total", s.sum())
        pm.Deterministic("double", 2 * theta, dims="k")
    relaxed = ebm.relax(model)
    assert {v.name for v in relaxed.free_RVs} == {"theta", "x", "s_field"}
    assert [v.name for v in relaxed.observed_RVs] == ["z"]
    assert [v.name for v in relaxed.deterministics] == ["double"]
    assert relaxed.coords["row"] == ("a", "b", "c")
    assert relaxed.coords["k"] == (10, 20)
    assert relaxed.named_vars_to_dims["s_field"] == ("s_fourier",)
    assert relaxed.named_vars_to_dims["double"] == ("k",)
    np.testing.assert_allclose(relaxed.initial_point()["theta_logodds__"], np.log([3 / 7, 1.5]))
    np.testing.assert_array_equal(model.rvs_to_initial_values[model["theta"]], [0.3, 0.6])
    assert all(v.dtype.startswith("float") for v in relaxed.value_vars)
    logp, start = relaxed.compile_logp(mode=PY), relaxed.initial_point()
    before = logp(start)
    with relaxed:
        pm.set_data({"noise": 2 * np.ones((3, 3))})
    assert logp(start) != before


def tied_child():
    s = ebm.Ising("s", J=0.4, graph=small_models.GRAPHS[3])
    pm.Normal("total", mu=s.sum(), sigma=1, observed=1.0)


def cubic_energy():
    ebm.Boltzmann("s", lambda s: s[0] * s[1] * s[2], support="spin", shape=3)


def discrete_child():
    s = ebm.Ising("s", J=0.4, graph=small_models.GRAPHS[3])
    pm.Bernoulli("b", p=0.5 + 0.4 * s, shape=3)


def two_parents():
    s = ebm.Ising("s", J=0.4, graph=small_models.GRAPHS[3])
    t = ebm.Ising("t", J=0.4, graph=small_models.GRAPHS[3])
    pm.Normal("y", mu=s + t, observed=np.zeros(3))


def moving_range():
    s = ebm.Ising("s", J=0.4, graph=small_models.GRAPHS[3])
    a = pm.Normal("a")
    pm.TruncatedNormal("x", mu=s, sigma=1, lower=a, shape=3)


def nothing_discrete():
    pm.Normal("x")


def scaled_free_energy():
    ebm.Boltzmann("v", ebm.energies.RBM(small_models.WEIGHTS), beta=2.0)


@pytest.mark.parametrize(
    ("declare", "options", "message"),
    [
        (tied_child, {}, "'total' ties several entries of 's'.*ChromaticGibbs"),
        (cubic_energy, {}, "'s' is not pairwise.*GibbsWithGradients"),
        (discrete_child, {}, "'b' is discrete, unobserved, and depends on 's'.*RelaxedNUTS"),
        (two_parents, {}, r"'y' depends on the discrete variables \['s', 't'\] together"),
        (moving_range, {}, "the range of 'x' depends on other variables"),
        (nothing_discrete, {}, "no free discrete Boltzmann variable .its free variables: x."),
        (scaled_free_energy, {}, "'v' scales a free energy by beta.*ebm.RBM"),
        (pair_with_noise, {"factor": "waves"}, "factor='waves' for 's' is none of auto, edges"),
        (pair_with_noise, {"factor": "fourier"}, "needs a periodic square or cubic lattice"),
        (pair_with_noise, {"factor": "patterns"}, "needs a Hopfield network"),
        (pair_with_unknown_coupling, {"factor": "modes"}, "needs known couplings.*factor='edges'"),
        (pair_with_noise, {"factor": {"t": "edges"}}, r"names \['t'\].*\['s'\]"),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_what_cannot_be_relaxed_says_why(declare, options, message):
    with pytest.raises(ValueError, match=message):
        ebm.relax(build(declare), **options)


def test_relaxed_nuts_in_pm_sample():
    """Two discrete variables with a common child, moments against enumeration; 1 % false alarm."""
    with pm.Model() as model:
        s = ebm.Ising("s", J=0.4, h=0.2, graph=small_models.GRAPHS[3])
        t = ebm.Ising("t", J=-0.3, graph=small_models.GRAPHS[3])
        pm.Normal("y", mu=s + 0.5 * t, sigma=1.0, observed=[0.3, -1.0, 0.8])
        steps = [ebm.RelaxedNUTS([s]), ebm.RelaxedNUTS([t])]
        assert {v.name for v in model.free_RVs} == {"s", "t"}
        idata = pm.sample(1500, tune=300, chains=2, cores=1, step=steps, random_seed=1,
                          progressbar=False, compute_convergence_checks=False)  # fmt: skip
    assert {"field_tree_depth", "field_diverging"} <= set(idata.sample_stats.data_vars)
    states = all_states(6, (-1, 1))
    a, b = states[:, :3], states[:, 3:]
    i, j = small_models.GRAPHS[3].edges.T
    log_p = 0.4 * (a[:, i] * a[:, j]).sum(1) + 0.2 * a.sum(1) - 0.3 * (b[:, i] * b[:, j]).sum(1)
    log_p = log_p + norm.logpdf([0.3, -1.0, 0.8], a + 0.5 * b).sum(axis=1)
    exact = np.exp(log_p - logsumexp(log_p)) @ products(states)
    drawn = np.concatenate([idata.posterior["s"], idata.posterior["t"]], axis=-1)
    z = z_scores(products(drawn), exact)
    assert np.abs(z).max() < bonferroni_limit(z.size)


def test_relaxed_nuts_refuses_other_variables():
    with pm.Model():
        n = pm.Poisson("n", 3.0)
        with pytest.raises(ValueError, match="cannot sample 'n'"):
            ebm.RelaxedNUTS([n])
