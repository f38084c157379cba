"""The page: complete in itself, and readable on a phone."""

import json
import re
import shutil
import subprocess

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import pymc_ebm as ebm

CHROMIUM = next(
    (p for p in ("chromium", "chromium-browser", "google-chrome") if shutil.which(p)), None
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=5000",
]  # fmt: skip
NAME = "a_variable_with_a_rather_long_name"
MEASURE = """<script>
window.errors = []; window.addEventListener("error", e => errors.push(String(e.message)));
window.addEventListener("load", () => { document.querySelectorAll("details").forEach(d => d.open = true);
  const images = [...document.images];
  const wide = [...document.querySelectorAll("body *")].filter(
    e => e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.tagName);
  window.parent.postMessage(JSON.stringify({inner: window.innerWidth, errors,
    scroll: document.documentElement.scrollWidth, images: images.length, wide,
    shown: images.filter(i => i.complete && i.naturalWidth > 50 && i.clientWidth > 200).length}), "*"); });
</script>"""


FRAME = """<!doctype html><title></title><script>
window.addEventListener("message", e => { document.title = e.data; });
</script><iframe src="measured.html" style="border:0;width:WIDTHpx;height:900px"></iframe>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Write a report with failures, basins, long names and figures."""
    rng = np.random.default_rng(1)
    with pm.Model() as model:
        ebm.Boltzmann(
            NAME,
            ebm.energies.GaussianMixture([[-3.0, 0], [3.0, 0]]), shape=2,
        )  # fmt: skip
    x = rng.normal(size=(4, 300, 2))
    x[:2, :, 0] += 3
    x[2:, :, 0] -= 3
    x[3, 150:, 0] += 6
    data = xr.Dataset({NAME: (("chain", "draw", "k"), x)})
    report = ebm.ergodicity(xr.DataTree.from_dict({"posterior": data}), model, quiet=True)
    return report, report.to_html(tmp_path_factory.mktemp("page") / "below" / "report.html")


def test_the_page_is_complete_and_loads_nothing(page):
    report, path = page
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]*", "", text)
    assert text.count("<figure>") == 6
    assert report.verdict in text
    for check in set(report.failures["check"]):
        assert f"<b>{check}</b>" in text


def test_names_are_escaped():
    draws = xr.Dataset(
        {"<b>x": (("chain", "draw"), np.random.default_rng(1).normal(size=(4, 200)))}
    )
    report = ebm.ergodicity(xr.DataTree.from_dict({"posterior": draws}), quiet=True)
    assert "<b>x" not in report._repr_html_()
    assert "&lt;b&gt;x" in report._repr_html_()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_nothing_scrolls_sideways_and_all_figures_show(page, width, tmp_path):
    _report, path = page
    measured = tmp_path / "measured.html"
    text = path.read_text(encoding="utf-8")
    measured.write_text(text.replace("<head>", "<head>" + MEASURE), encoding="utf-8")
    frame = tmp_path / "frame.html"  # a window cannot be as narrow as a phone, a frame can
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=1400,1000", "--dump-dom", frame.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout).group(1)
    seen = json.loads(title.replace("&quot;", '"'))
    assert seen["inner"] == width
    assert seen["scroll"] <= width, seen["wide"]
    assert seen["errors"] == []
    assert seen["images"] == seen["shown"] == 6
    assert "CONSOLE" not in done.stderr
