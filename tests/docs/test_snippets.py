"""Every Python block of the README and the docs runs, and says what the page says it does."""

import builtins
import warnings

import pytensor
import pytest

import pymc_ebm as ebm

from tests.docs.pages import PAGES, blocks, says

WITH_CODE = [page for page in PAGES if blocks(page)]

# what stands before the first block of a page that speaks of a run made elsewhere
BEFORE = {
    "docs/diagnostics.md": """
import pymc as pm, pymc_ebm as ebm
with pm.Model() as model:
    ebm.Ising("s", J=0.2, graph=ebm.Graph.square(4, 4))
    idata = pm.sample()
"""
}
FEW = {"draws": 50, "tune": 50, "chains": 2, "cores": 1, "quiet": True, "random_seed": 1}


def run_page(page):
    """Run the blocks of a page in one namespace, and check what it quotes."""
    scope = {"__name__": "page"}
    exec(BEFORE.get(page, ""), scope)
    for k, block in enumerate(blocks(page)):
        code = compile(block.code, f"{page}, block {k + 1}", "exec")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            if block.kind is None or block.kind.endswith("Warning"):
                exec(code, scope)
                seen = [str(w.message) for w in warned if w.category.__name__ == block.kind]
            else:
                error = getattr(ebm, block.kind, None) or getattr(builtins, block.kind)
                with pytest.raises(error) as raised:
                    exec(code, scope)
                seen = [str(raised.value)]
        if block.kind is not None:
            assert any(says(message, block.message) for message in seen), (
                f"{page}, block {k + 1}: the page quotes\n{block.message}\nand it says\n{seen}"
            )


SLOW = ("docs/nuts_for_discrete.md",)  # 2 000 draws, or untemper refuses them


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in WITH_CODE],
)
def test_code_blocks_run(page, monkeypatch, tmp_path):
    """Every block, in a run cut short; all but the README's interpreted, which saves compiling."""
    import pymc as pm

    monkeypatch.chdir(tmp_path)  # where a report may be written
    sample, few = pm.sample, FEW.copy()
    if page == "docs/nuts_for_discrete.md":
        few["draws"] = 2000  # untemper refuses a run that is too short
    compiled = page == "README.md" or page in SLOW
    if not compiled:
        few["nuts_sampler"] = "pymc"  # nutpie always compiles
    monkeypatch.setattr(pm, "sample", lambda *_, **kwargs: sample(**(kwargs | few)))
    with pytensor.config.change_flags(**({} if compiled else {"mode": "FAST_COMPILE"})):
        run_page(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE)
def test_code_blocks_run_as_written(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_quotes_are_compared_with_what_is_said():
    """An ellipsis stands for anything, a line break for a space, and nothing else is forgiven."""
    assert says("a b c 3.14 d", "a b\nc … d")
    assert says("a b", "a …")
    assert not says("a x c", "a b c")
    assert not says("a b c", "a b")
