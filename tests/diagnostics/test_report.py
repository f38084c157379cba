"""The report: what it collects, prints, and passes."""

import io

import arviz as az
import numpy as np
import pymc as pm
import pytest

from rich.console import Console

import pymc_ebm as ebm

RNG = np.random.default_rng(3)
SMALL = ebm.Graph.square(3, 3)
LARGE = ebm.Graph.square(12, 12)


def trace(**variables):
    return az.from_dict({"posterior": variables})


@pytest.fixture(scope="module")
def ising_model():
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=LARGE)
    return model


def spins(mean, chains=2, draws=400):
    up = RNG.random((chains, draws, 12, 12)) < (1 + np.reshape(mean, (-1, 1, 1, 1))) / 2
    return np.where(up, 1, -1).astype(np.int8)


def test_order_parameters_speak_for_a_large_array(ising_model):
    good = ebm.ergodicity(trace(s=spins([0.3, 0.3])), ising_model, quiet=True)
    assert good.passed, good.failures
    assert set(good.table["quantity"]) == {"s_energy", "s_magnetization"}
    assert any("144 entries" in note for note in good.notes)


def test_chains_in_opposite_phases_fail_on_the_magnetisation_only(ising_model):
    report = ebm.ergodicity(trace(s=spins([0.9, -0.9])), ising_model, quiet=True)
    assert not report.passed
    failed = report.failures
    assert set(failed[failed["check"] == "R-hat"]["quantity"]) == {"s_magnetization"}
    assert failed["remedy"].str.len().min() > 10


def test_every_raw_variable_could_hide_it():
    """Each spin alone looks fine; the energy shows that the chains differ."""
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=SMALL)
    free = RNG.choice([-1, 1], size=(1, 2000, 3, 3))
    aligned = np.broadcast_to(RNG.choice([-1, 1], size=(1, 2000, 1, 1)), (1, 2000, 3, 3))
    report = ebm.ergodicity(trace(s=np.concatenate([free, aligned])), model, quiet=True)
    failed = report.failures
    assert "s_energy" in set(failed["quantity"])
    assert not failed[failed["check"] == "R-hat"]["quantity"].str.startswith("s[").any()


def test_any_trace_without_a_model():
    report = ebm.ergodicity(trace(x=RNG.normal(size=(4, 500, 3))), quiet=True)
    assert report.passed
    assert set(report.table["quantity"]) == {"x[0]", "x[1]", "x[2]"}
    assert "No model was given" in report.notes[0]


def test_it_prints_a_verdict_and_a_remedy_a_row(ising_model):
    report = ebm.ergodicity(trace(s=spins([0.9, -0.9])), ising_model, quiet=True)
    out = io.StringIO()
    report.show(Console(file=out, width=200))
    text = out.getvalue()
    assert "R-hat" in text
    assert "s_magnetization" in text
    assert "fail" in text
    assert "FAILED" in text
    assert "tempering" in text
    narrow = io.StringIO()
    report.show(Console(file=narrow, width=80))
    assert max(len(line) for line in narrow.getvalue().splitlines()) <= 80
    assert "R-hat: chains have not reached one distribution. Run longer" in narrow.getvalue()
    html = report._repr_html_()
    assert html.count("<tr") == len(report.table) + 1
    assert "FAILED" in html


def test_quiet_prints_nothing(ising_model, capsys):
    ebm.ergodicity(trace(s=spins([0.0, 0.0])), ising_model, quiet=True)
    assert capsys.readouterr().out == ""
    ebm.ergodicity(trace(s=spins([0.0, 0.0])), ising_model)
    assert "PASSED" in capsys.readouterr().out


def test_an_empty_report_has_not_passed():
    assert not ebm.ErgodicityReport(()).passed


def test_bad_traces_are_refused(ising_model):
    with pytest.raises(ValueError, match="no posterior group"):
        ebm.ergodicity(az.from_dict({"prior": {"x": RNG.normal(size=(2, 50))}}))
    broken = RNG.normal(size=(2, 50))
    broken[1, 3] = np.nan
    with pytest.raises(ValueError, match="'x' has NaN or infinite draws"):
        ebm.ergodicity(trace(x=broken))
    with pytest.raises(ValueError, match="Is this the model that was sampled"):
        ebm.ergodicity(trace(x=RNG.normal(size=(2, 50))), ising_model)
