"""The code that users read first must run."""

import re
import warnings

from pathlib import Path

import pytest

import pymc_ebm as ebm

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/getting_started.md"]


@pytest.mark.parametrize("page", PAGES)
def test_code_blocks_run(page, monkeypatch, tmp_path):
    """Run every Python block of a page in order; pm.sample draws little, errors shown are real."""
    import pymc as pm

    text = (ROOT / page).read_text()
    monkeypatch.chdir(tmp_path)  # where a report may be written
    sample = pm.sample
    few = {"draws": 100, "tune": 100, "chains": 2, "cores": 1, "quiet": True, "random_seed": 1}
    monkeypatch.setattr(pm, "sample", lambda **kwargs: sample(**(few | kwargs)))
    scope: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        promised = re.search(r"^# (\w+Error): ", block, flags=re.MULTILINE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if promised is None:
                exec(compile(block, page, "exec"), scope)
                continue
            error = getattr(ebm, promised[1])
            with pytest.raises(error):
                exec(compile(block, page, "exec"), scope)


def test_every_example_has_a_gallery_page():
    examples = {p.stem for p in (ROOT / "examples").glob("*.py")} - {"run_all"}
    pages = {p.stem for p in (ROOT / "docs" / "gallery").glob("*.md")} - {"index"}
    assert examples == pages
