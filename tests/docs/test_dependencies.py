"""What the package imports is declared: needed to import it, or behind an extra."""

import ast
import functools
import subprocess
import sys
import tomllib

from importlib.metadata import packages_distributions

import pytest

from tests.docs.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHERWISE = {"jax", "nutpie", "numpyro"}  # taken where the user has installed them

distributions = functools.cache(packages_distributions)


def imports(tree, at_top):
    """Yield the modules a file imports; with `at_top`, those it needs to be imported itself."""
    nodes = tree.body if at_top else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def names(requirements):
    """Return the names of requirements, spelt alike."""
    cut = [requirement.partition(">=")[0].partition("==")[0] for requirement in requirements]
    return {name.partition("[")[0].replace("_", "-").lower() for name in cut}


@pytest.mark.parametrize("at_top", [True, False])
def test_every_import_is_declared(at_top):
    declared = names(PROJECT["dependencies"])
    if not at_top:
        declared |= OTHERWISE.union(*map(names, PROJECT["optional-dependencies"].values()))
    installed = distributions()
    missing = {}
    for file in sorted((ROOT / "pymc_ebm").rglob("*.py")):
        for module in imports(ast.parse(file.read_text(encoding="utf-8")), at_top):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top == "pymc_ebm":
                continue
            if not names(installed.get(top, [top])) & declared:
                missing[top] = str(file.relative_to(ROOT))
    assert missing == {}


def test_importing_the_package_leaves_what_is_slow_for_later():
    code = (
        "import sys, pymc; before = set(sys.modules); import pymc_ebm; "
        "print(*set(sys.modules) - before)"
    )
    new = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    slow = {"numba", "arviz", "arviz_stats", "arviz_plots", "matplotlib.pyplot", "sklearn"}
    assert slow.isdisjoint(new)
