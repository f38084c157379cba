# `make demo` and `make test` set up everything they need in .venv.

# Python 3.12 or newer: the first of these that is.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal
BIN := $(VENV)/bin

.PHONY: demo gallery test test-all test-wheel check lint types arrows docs format benchmarks clean

demo: $(VENV)/.examples
	$(BIN)/python examples/denoise_silhouette.py

gallery: $(VENV)/.examples
	$(BIN)/python examples/run_all.py
	cp examples/output/*.png docs/gallery/figures/

test: check
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term

test-all: check
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m "" $(PARALLEL) --cov --cov-report=term

# the wheel, installed where nothing else is, runs the README as written
test-wheel: $(VENV)/.dev
	$(BIN)/python -m tests.docs.wheel

check: lint types arrows docs

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

arrows: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(VENV)/.benchmarks
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) docs/_build examples/output .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "pymc_ebm needs Python 3.12 or newer; found none. \
	Install one, or run: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.examples: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[examples]"
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

$(VENV)/.benchmarks: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[examples,benchmarks]"
	touch $@
