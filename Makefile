# One command per habit. `make help` lists them. Needs Python 3.11 or newer, make, and a package registry.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8501

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help run test test-engine test-engine-image test-engine-first test-engine-others test-quick lint format bench pictures install clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: $(INSTALLED) ## start the console on 127.0.0.1:8501 (PORT=… and HOST=… change that)
	@$(BIN)/python -m loader.checkpoint >/dev/null
	@$(BIN)/python -m dashboard serve --host $(HOST) --port $(PORT)

# Two tests at a time. `worksteal` leaves a file to one process where it can: what it has opened serves all its tests
test: $(INSTALLED_DEV) ## run the whole test suite (against a real Docker engine too: as root on Linux)
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/engine
	$(MAKE) --no-print-directory test-engine

# An engine is not shared, because tests kill it. Each of three parts has one of its own: they wait a lot, for engines
# that start and stop, and the image alone takes minutes to build
ON_ENGINE = $(BIN)/python tests/engine/private_engine.py $(BIN)/python -m pytest
IMAGE_TESTS := tests/engine/test_image.py
FIRST_TESTS := $(filter-out $(IMAGE_TESTS),$(wildcard tests/engine/test_[a-l]*.py))
OTHER_TESTS := $(filter-out $(IMAGE_TESTS) $(FIRST_TESTS),$(wildcard tests/engine/test_*.py))
test-engine: $(INSTALLED_DEV) ## … only the tests against a private, throw-away Docker engine
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target test-engine-image test-engine-first test-engine-others
test-engine-image: $(INSTALLED_DEV)
	$(ON_ENGINE) $(IMAGE_TESTS)
test-engine-first: $(INSTALLED_DEV)
	$(ON_ENGINE) $(FIRST_TESTS)
test-engine-others: $(INSTALLED_DEV)
	$(ON_ENGINE) $(OTHER_TESTS)

test-quick: $(INSTALLED_DEV) ## … without the tests that load a model or open a browser
	$(BIN)/python -m pytest -m "not model and not browser and not slow"

.PHONY: corpus fuzz
corpus: $(INSTALLED_DEV) ## judge the corpus of logs, as a table beside what grep -c says of it
	@$(BIN)/python -m tests.corpus

fuzz: $(INSTALLED_DEV) ## fuzz the parser of logs for ten minutes (SECONDS=… changes that)
	$(BIN)/python -m tests.dashboard.fuzz $(or $(SECONDS),600)

lint: $(INSTALLED_DEV) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## put the code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED_DEV) ## measure, each figure beside its peer (ONLY="ready-path …", JSON=FILE, SHAPE=7b)
	$(BIN)/python -m benchmarks $(ONLY) $(if $(JSON),--json $(JSON)) $(if $(SHAPE),--model-shape $(SHAPE))

pictures: $(INSTALLED_DEV) ## make the pictures of every page, light and dark, from the real console
	$(BIN)/python docs/pictures.py

install: $(INSTALLED) ## make .venv and install what the console needs

clean: ## remove .venv and every cache (the demo checkpoint and the history stay in the data folder)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Loadonce needs Python 3.11 or newer; $$($(PYTHON) --version 2>&1) is what '$(PYTHON)' starts. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(INSTALLED): requirements.txt $(VENV)/bin/python
	@echo "Installing what the console needs into $(VENV) (some minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
