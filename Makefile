# Everything a developer does, from a machine that has Python, make and a package registry. `make` lists it.
#
#   PYTHON=python3.12   which Python makes the virtual environment
#   ARGS="…"            goes to the program that a target starts: make test ARGS="-k undo -x"

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
UV ?= $(BIN)/uv
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install -qq --require-hashes

# Two stamps in one environment: who only wants to run Tidings does not wait for a PostgreSQL and a type checker.
RUN := .venv/.run
DEV := .venv/.dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test check format bench soak widget lock clean

help: ## List these targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-14s %s\n' "$$name" "$$text"; done

run: $(RUN) ## Serve the demo world on http://127.0.0.1:8800 and say what to try
	@$(BIN)/tidings demo $(ARGS)

test: $(DEV) ## Run the whole suite: on SQLite, on a PostgreSQL that it starts, and in Chromium
	@$(BIN)/python -m pytest $(ARGS)

check: $(DEV) ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright

format: $(DEV) ## Format the code, and repair what the linter can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(DEV) ## Measure against the usual one-row-per-recipient table, and over HTTP; figures go to bench/results/
	@$(BIN)/python -m bench $(ARGS)

soak: $(DEV) ## Run random histories against the oracle for as long as you like: make soak ARGS="--minutes 60"
	@$(BIN)/python -m tests.soak $(ARGS)

widget: $(DEV) ## Build the inbox element from widget/ into the package, which keeps what is built
	@$(BIN)/python -m tests.npm run build
	@$(BIN)/python -m tests.npm run size

setup: $(DEV) ## Make .venv with all that the other targets need (they do it by themselves)

lock: $(DEV) ## Pin the dependencies of pyproject.toml anew (UPGRADE=--upgrade: at their newest versions)
	@set -e; compile="$(UV) pip compile --quiet --universal --generate-hashes --no-header $(UPGRADE)"; \
	$$compile pyproject.toml --group dev --output-file requirements/dev.txt; \
	$$compile pyproject.toml --constraint requirements/dev.txt --output-file requirements/run.txt; \
	$$compile requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt

clean: ## Remove the environment and everything that was built or cached
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .screenshots widget/node_modules tests/browser/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml
	@$(check_python)
	@echo "Setting up .venv: what Tidings needs to run (about a minute) …"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(INSTALL) -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Setting up .venv: what its tests and checks need …"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

define python_is_fit
import sys
if sys.version_info < (3, 11):
    sys.exit("Tidings needs Python 3.11 or newer; %s is %d.%d. Name another one: make PYTHON=python3.12 …"
             % ((sys.executable,) + tuple(sys.version_info[:2])))
try:
    import ensurepip, venv
except ImportError:
    sys.exit("%s cannot make virtual environments: it lacks the modules venv and ensurepip. "
             "On Debian and Ubuntu they come with the package python3-venv." % sys.executable)
endef
export python_is_fit

define check_python
command -v $(PYTHON) >/dev/null || { \
	echo "There is no $(PYTHON) here. Tidings needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3 …" >&2; \
	exit 1; }; $(PYTHON) -c "$$python_is_fit"
endef
