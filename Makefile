# Everything a fresh clone needs is python3 (3.11 or later, with venv), git and make. `make` alone lists what there is.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
# Every hub and sender that starts would compile the whole of it anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup setup-tests run test faults bench check lock

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready  ## .venv with the hub in it, at .venv/bin/tocsin
	@:

run: setup  ## set up, then serve the demonstration on http://127.0.0.1:8080
	@$(BIN)/tocsin serve --demo

test: setup-tests  ## set up, then run every test (ARGS="-k name" for some)
	@$(BIN)/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(ARGS)

faults: .venv/.ready-tests  ## kill, hang, cut power and worse at random points (SEED=n POINTS=m); one line of JSON
	@$(BIN)/python -m tests.faults --seed $(or $(SEED),1) --points $(or $(POINTS),80)

bench: .venv/.ready-tests  ## measure, side by side with the yardsticks (ONLY=name,name for some)
	@.ci/tools
	@ONLY="$(ONLY)" $(BIN)/python -m benchmarks

check: .venv/.ready-tests  ## format, lint, types, import directions
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --no-cache --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

setup-tests: .venv/.ready-tests
	@.ci/browser

# The locks hold names, versions and hashes, nothing of where packages came from. Hashes cover every platform and Python 3.11 to 3.14.
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: setup  ## resolve anew what pyproject.toml asks for, and write the three locks
	@printf 'setuptools>=77\nuv\n' | $(LOCK) - --output-file requirements-setup.lock
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

.venv/.ready: requirements-setup.lock requirements.lock pyproject.toml
	@.ci/venv "$(PYTHON)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-setup.lock
	@.ci/install --require-hashes -r requirements.lock
	@.ci/install --editable .
	@$(BIN)/python -m compileall -q hub channels subscriptions
	@$(BIN)/python -c 'from subscriptions.areas import open_city; open_city("nyc")'
	@touch $@

.venv/.ready-tests: .venv/.ready requirements-dev.lock
	@.ci/install --require-hashes -r requirements-dev.lock
	@touch $@
