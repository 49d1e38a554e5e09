# Everything a developer runs. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Small models train faster on one thread than on two; thread pools would only fight.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help install servers demo planted gauntlet withdrawal test test-fast check format bench docs clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,serve,ray,evidence,secrets,postgres,s3,dev]"
	@touch $(STAMP)

install: $(STAMP) ## Make .venv and install everything, pinned by constraints.txt

demo: $(STAMP) ## Run the whole flow on real support text: messy file to released adapter
	$(BIN)/headgate run --file examples/support/headgate.toml

planted: $(STAMP) ## Run the same flow with six planted failures and a clean control
	$(BIN)/python examples/planted/run.py

gauntlet: $(STAMP) ## Run a good adapter through the gate, and others that must fail there, each for its own reason
	$(BIN)/python examples/gauntlet/run.py

withdrawal: $(STAMP) ## A person withdraws after a release: models, case, training without them, erasure, evidence
	$(BIN)/python examples/withdrawal/run.py

servers:
	@$(PYTHON) tests/backends/postgres_server.py || { \
	  test "$$(id -u)" = 0 || { echo "the tests start a PostgreSQL server: apt-get install postgresql (as root)"; exit 1; }; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql > /dev/null; }

test: $(STAMP) servers ## Run all tests; as root, installs the PostgreSQL server that they start
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: $(STAMP) servers ## Run the tests that train nothing
	$(BIN)/python -m pytest -n 2 -m "not training"

check: $(STAMP) ## Format, lint, types and house contracts; silent when fine
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports --no-cache > .lint-imports.tmp || { cat .lint-imports.tmp; rm -f .lint-imports.tmp; exit 1; }
	@rm -f .lint-imports.tmp

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## Measure speed beside peers; writes benchmarks/speed/results
	$(BIN)/python benchmarks/speed/run.py

docs: $(STAMP) ## Write the generated pages
	$(BIN)/python -m headgate.rules.page docs/rules
	$(BIN)/python docs/make_reference.py

clean: ## Remove what the targets made, but not .venv
	rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis examples/*/.headgate examples/*/out
