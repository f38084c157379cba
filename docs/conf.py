"""Sphinx configuration."""

from importlib import metadata

project = "pymc_ebm"
author = "The pymc_ebm developers"
copyright = "The pymc_ebm developers"
release = metadata.version("pymc_ebm")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"  # shapes and meanings are in the docstrings
autodoc_member_order = "bysource"
default_role = "code"
exclude_patterns = ["_build"]

html_theme = "sphinx_book_theme"
html_title = "pymc_ebm"
html_theme_options = {"show_toc_level": 2}
