# One command for each thing a developer does. Each does its own set-up: a virtual environment in
# .venv with pinned versions, made on first use and again when pyproject.toml or constraints.txt change.
#
#   make demo     profile real data and say which page to open (installs the base package only)
#   make test     the whole test suite             PYTEST_ARGS="tests/core -x" narrows it
#   make floor    the tests that meet DuckDB, on the oldest DuckDB supported
#   make check    linters, format, types, import rules
#   make bench    speed and memory against peers   BENCH_ARGS="--only profile" narrows it
#   make docs     check the documentation
#   make pins     choose new versions for constraints.txt
#   make clean    remove what these commands made

# Compiled modules are kept, whatever the caller's shell says of other Pythons: without them, each
# command compiles everything it imports again.
export PYTHONDONTWRITEBYTECODE :=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?=
DEMO_ARGS ?=

say = @printf '\033[1m==> %s\033[0m\n' "$(1)"
# PYTHON=/path/to/python chooses; otherwise the first of these that runs and is 3.11 or newer.
PYTHON ?=
find_python = for candidate in $(PYTHON) python3.11 python3 python3.13 python3.12 python; do \
	if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo "$$candidate"; exit 0; fi; done; \
	echo "Voyant needs Python 3.11 or newer with its venv module (Debian: apt-get install python3 python3-venv)." >&2; \
	echo "None of python3.11, python3, python3.13, python3.12, python is one; name yours: make PYTHON=/path/to/python" >&2; \
	exit 1
# Compiled when first imported: to compile all of it takes half of the installation's time.
pip = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

.PHONY: help
help:
	@sed -n 's/^#   make/  make/p' Makefile

# ------------------------------------------------------------------------------------------- set-up

$(BIN)/python:
	$(call say,Making $(VENV))
	@python="$$($(find_python))"; "$$python" --version; "$$python" -m venv $(VENV)

$(VENV)/.voyant-base: pyproject.toml constraints.txt | $(BIN)/python
	$(call say,Installing Voyant)
	@$(pip) --editable .
	@touch $@

$(VENV)/.voyant-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(call say,Installing Voyant and the development tools)
	@$(pip) --editable '.[dev]'
	@touch $(VENV)/.voyant-base $@

$(VENV)/.voyant-bench: pyproject.toml constraints.txt | $(BIN)/python
	$(call say,Installing Voyant and what it is measured against)
	@$(pip) --editable '.[bench]'
	@touch $(VENV)/.voyant-base $@

# ----------------------------------------------------------------------------------------- commands

.PHONY: demo
demo: $(VENV)/.voyant-base
	$(call say,Running the demo)
	@$(BIN)/voyant demo $(DEMO_ARGS)

# What checks pages for accessibility. Tests of pages open a Chromium that is already there; without
# it, or without npm, they say so and are skipped (and fail where CI is set).
AXE := node_modules/axe-core/axe.min.js
# dclint brings the published schema of compose files. Together, or npm would remove the other one.
COMPOSE_SCHEMA := node_modules/dclint/schemas/compose.schema.json
$(AXE) $(COMPOSE_SCHEMA) &:
	$(call say,Installing axe-core and the schema of compose files)
	@npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent axe-core@4 dclint@3

.PHONY: test
test: $(VENV)/.voyant-dev $(if $(shell command -v npm),$(AXE) $(COMPOSE_SCHEMA))
	$(call say,Running the tests)
	@$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

# The range in pyproject.toml starts at this DuckDB; a range nobody tests is a guess.
FLOOR := 1.5.5
# Those that meet DuckDB: what its answers are, and what stops its queries.
FLOOR_TESTS := $(filter-out tests/engines/test_spark%,$(wildcard tests/demo tests/engines/test_[d-s]*.py)) \
	tests/conformance/test_demo_tables.py tests/cli/test_end_to_end.py

# That DuckDB, and else what .venv has: an installation of everything takes minutes.
.venv-floor/.voyant-floor: $(VENV)/.voyant-dev
	$(call say,Installing DuckDB $(FLOOR))
	@$(BIN)/python -m venv --clear .venv-floor
	@.venv-floor/bin/python -m pip install --quiet --disable-pip-version-check --no-deps duckdb==$(FLOOR)
	@echo "import site; site.addsitedir('$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')" \
		> "$$(.venv-floor/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/voyant-dev.pth"
	@.venv-floor/bin/python -c 'import duckdb, sys; sys.exit(duckdb.__version__ != "$(FLOOR)")'
	@touch $@

.PHONY: floor
floor: .venv-floor/.voyant-floor
	$(call say,Running the tests on DuckDB $(FLOOR))
	@.venv-floor/bin/python -m pytest -n $(WORKERS) $(FLOOR_TESTS) $(PYTEST_ARGS)

.PHONY: check lint format mypy pyright pyright-voyant pyright-tests imports
check: lint format mypy pyright imports
pyright: pyright-voyant pyright-tests

lint: $(VENV)/.voyant-dev
	$(call say,ruff)
	@$(BIN)/ruff check .

format: $(VENV)/.voyant-dev
	$(call say,format)
	@$(BIN)/ruff format --check .

mypy: $(VENV)/.voyant-dev
	$(call say,mypy)
	@$(BIN)/mypy

pyright-voyant: $(VENV)/.voyant-dev
	$(call say,pyright)
	@$(BIN)/pyright

pyright-tests: $(VENV)/.voyant-dev
	$(call say,pyright of the tests)
	@$(BIN)/pyright --project tests

imports: $(VENV)/.voyant-dev
	$(call say,import rules)
	@$(BIN)/lint-imports --no-cache

.PHONY: bench
bench: $(VENV)/.voyant-bench
	$(call say,Running the benchmarks)
	@$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

# The documentation is checked by tests: headings, links, and code that runs.
.PHONY: docs
docs: $(VENV)/.voyant-dev
	$(call say,Checking the documentation)
	@$(BIN)/python -m pytest $(wildcard tests/docs) tests/project/test_documents.py $(PYTEST_ARGS)

.PHONY: pins
pins:
	$(call say,Choosing versions)
	@rm -rf build/pins && mkdir -p build
	@python="$$($(find_python))"; "$$python" -m venv build/pins
	@build/pins/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@{ sed '/^[^#]/,$$d' constraints.txt; \
	   build/pins/bin/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' | LC_ALL=C sort -f; \
	 } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/pins
	@git --no-pager diff --stat -- constraints.txt

.PHONY: clean
clean:
	$(call say,Removing what these commands made)
	@rm -rf $(VENV) .venv-floor node_modules build dist benchmarks/.cache benchmarks/results
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find voyant tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
