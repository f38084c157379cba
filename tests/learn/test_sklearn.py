"""The scikit-learn door."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import pymc_ebm as ebm

from pymc_ebm.sklearn import METHODS, RBM
from tests.learn.small import DISCRETE, draws

pytestmark = pytest.mark.usefixtures("interpreted")

ROWS = draws(DISCRETE["RBM"], 200, 1)


def test_it_is_an_estimator():
    failed = [
        (check["check_name"], check["exception"])
        for check in check_estimator(RBM(3, n_iter=2, n_chains=4), on_fail=None)
        if check["status"] == "failed"
    ]
    assert failed == []


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_normalised_log_likelihoods(method):
    machine = RBM(2, method=method, n_iter=3, random_state=1).fit(ROWS)
    exact = ebm.score(machine.energy_, ROWS).log_likelihood
    np.testing.assert_allclose(machine.score_samples(ROWS), exact)
    assert machine.log_partition_se_ == 0.0
    assert machine.score(ROWS) == pytest.approx(float(exact.mean()))
    everything = np.array(
        [[a, b, c, d] for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1)]
    )
    assert np.exp(machine.score_samples(everything)).sum() == pytest.approx(1.0)


def test_steps_one_by_one_learn_and_survive_pickling():
    machine = RBM(2, method="cd", learning_rate=0.05, random_state=1)
    scores = []
    for _ in range(60):
        scores.append(machine.partial_fit(ROWS).score(ROWS))
    again = pickle.loads(pickle.dumps(machine))
    assert scores[-1] > scores[0] + 0.1
    assert again.score(ROWS) == scores[-1]
    assert again.partial_fit(ROWS).score(ROWS) > scores[0] + 0.1


def test_a_pipeline_in_a_grid_search():
    pipeline = make_pipeline(RBM(2, n_iter=3, random_state=1), LogisticRegression())
    search = GridSearchCV(pipeline, {"rbm__n_components": [1, 3]}, cv=2)
    search.fit(ROWS, ROWS[:, 0])
    assert search.best_score_ > 0.5
    by_likelihood = GridSearchCV(RBM(2, n_iter=3, random_state=1), {"n_components": [1, 2]}, cv=2)
    assert np.isfinite(by_likelihood.fit(ROWS).best_score_)


def test_gibbs_draws_follow_the_machine():
    """Moments of long chains within five standard errors of independent draws' ones."""
    machine = RBM(2, n_iter=1, random_state=1).fit(ROWS)
    v = np.zeros((5000, 4))
    for _ in range(30):
        v = machine.gibbs(v)
    values = (np.arange(16)[:, None] >> np.arange(4)) & 1
    mean = np.exp(machine.score_samples(values)) @ values
    assert np.abs((v.mean(axis=0) - mean) / np.sqrt(mean * (1 - mean) / 5000)).max() < 5


def test_values_that_are_not_zero_and_one_are_refused_without_a_threshold():
    with pytest.raises(ValueError, match=r"X has 0\.3 at row 0, column 0.*binarize=0\.5"):
        RBM(2, binarize=None).fit(np.full((4, 3), 0.3))
    with pytest.raises(ValueError, match="none of pcd, cd, tempered, exact"):
        RBM(2, method="magic").fit(ROWS)


def test_settings_that_change_between_steps_count():
    machine = RBM(2, random_state=1, learning_rate=np.float32(0.01)).partial_fit(ROWS)
    with pytest.raises(ValueError, match="none of pcd, cd"):
        machine.set_params(method="magic").partial_fit(ROWS)
    with pytest.raises(ValueError, match="n_components=3, and 2 units"):
        machine.set_params(method="cd", n_components=3).partial_fit(ROWS)
    with pytest.raises(ValueError, match=r"n_components must be .*got 2\.5"):
        RBM(2.5).fit(ROWS)
    with pytest.raises(NotFittedError):
        _ = RBM(2).log_partition_


def test_outputs_may_be_frames():
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    machine = RBM(2, n_iter=1).set_output(transform="pandas").fit(frame)
    assert list(machine.transform(frame).columns) == ["rbm0", "rbm1"]
    assert machine.gibbs(frame).shape == (200, 4)
