"""Random models end to end: recommended steps, runs of `pm.sample`, and forward draws."""

import logging
import warnings

import numpy as np
import pymc as pm
import pytensor
import pytest

from scipy.special import logsumexp
from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from tests.fuzz import checks, children, models
from tests.statistics import bonferroni_limit, z_scores

RUNS = 30
MOST = 5_000  # configurations of all rows together


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("pymc").setLevel(logging.ERROR)
    with warnings.catch_warnings(), pytensor.config.change_flags(traceback__limit=0):
        warnings.simplefilter("ignore")
        yield


def latent_cases(seeds, child_of=children.random_child):
    """Return latent models whose other variables integrate to one: the formulas give all means."""
    for seed in seeds:
        try:
            case = models.random_case(seed, child_of, latent=True, plain=True)
        except ValueError:
            continue
        small = len(case.every) ** case.n_rows <= MOST
        alone = not case.point and not (case.child and case.child.point)
        if small and alone:
            yield case


def configurations_of(case):
    rows = np.indices((len(case.every),) * case.n_rows).reshape(case.n_rows, -1).T
    return case.every[rows].reshape(-1, *case.shape)


def probabilities_of(case, values):
    weights = np.array([checks.log_probability(case, value, 0.0) for value in values])
    return np.exp(weights - logsumexp(weights))


def products(values):
    flat = values.reshape(*values.shape[:1], -1).astype(float)
    i, j = np.triu_indices(flat.shape[-1], k=1)
    return np.concatenate([flat, flat[:, i] * flat[:, j], flat**2], axis=1)


def first(cases, count):
    return [case for _, case in zip(range(count), cases, strict=False)]


@pytest.mark.slow
def test_runs_have_the_means_of_the_formula():
    scores = []
    for case in first(latent_cases(range(50_000, 50_400)), RUNS):
        values = configurations_of(case)
        exact = probabilities_of(case, values) @ products(values)
        with case.model:
            idata = pm.sample(
                draws=500, tune=200, chains=2, cores=1, random_seed=case.seed, progressbar=False,
                compute_convergence_checks=False, compile_kwargs={"mode": PY},
            )  # fmt: skip
        drawn = idata.posterior["x"].values
        q = products(drawn.reshape(-1, *case.shape)).reshape(*drawn.shape[:2], -1)
        moving = q.reshape(-1, q.shape[-1]).std(axis=0) > 0
        assert np.allclose(exact[~moving], q[0, 0, ~moving], atol=0.05), str(case)
        scores.append((str(case), z_scores(q[..., moving], exact[moving])))
    assert len(scores) == RUNS
    limit = bonferroni_limit(sum(z.size for _, z in scores))
    wrong = [f"{np.abs(z).max():.1f}: {case}" for case, z in scores if np.abs(z).max() > limit]
    assert not wrong, "\n".join(wrong)


def build_recommended(seed):
    """Return what was recommended, or None if there is no such model; the step is built."""
    try:
        case = models.random_case(seed, children.random_child, latent=True)
    except ValueError:
        return None
    name = ebm.recommend(case.model)["x"].step
    step = getattr(ebm, name)([case.rv], model=case.model, compile_kwargs={"mode": PY})
    point = case.model.initial_point(seed)
    for _ in range(2):
        point, _stats = step.step(point)
    assert case.rv.owner.op.energy.states.allowed(point["x"]).all()
    return name


def test_a_few_recommended_steps_can_be_taken():
    assert sum(build_recommended(seed) is not None for seed in range(60_000, 60_004)) >= 2


@pytest.mark.slow
def test_recommended_steps_can_be_taken():
    found = [build_recommended(seed) for seed in range(60_100, 60_300)]
    assert len(set(found) - {None}) >= 4


@pytest.mark.slow
def test_forward_draws_have_the_probabilities_of_the_formula():
    p_values = []
    for case in first(latent_cases(range(70_000, 70_400), None), 60):
        values = configurations_of(case)
        if len(values) > 500:
            continue
        expected = 3_000 * probabilities_of(case, values)
        drawn = pm.draw(case.rv, 3_000, random_seed=case.seed, mode=PY).reshape(3_000, -1)
        number = {tuple(v): k for k, v in enumerate(values.reshape(len(values), -1).tolist())}
        counts = np.bincount([number[tuple(v)] for v in drawn.tolist()], minlength=len(values))
        order = np.argsort(expected)
        pooled = int(np.searchsorted(np.cumsum(expected[order]), 5.0)) + 1
        rare, common = order[:pooled], order[pooled:]
        if common.size == 0:
            continue
        observed = np.append(counts[common], counts[rare].sum())
        p = chisquare(observed, np.append(expected[common], expected[rare].sum())).pvalue
        p_values.append((p, str(case)))
    # a false alarm in one of 100 runs at most
    assert min(p_values)[0] > 0.01 / len(p_values), min(p_values)[1]
