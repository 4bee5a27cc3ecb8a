# One page of commands; `make help` lists them. Only Python 3.11+, pip and make are needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
DEMO   := demo
PACK   ?= 610900-ankang
PEOPLE ?=
PORT   ?= 8000
SIZE   ?= 1000000
ON_BOTH := tests/base tests/apps tests/site tests/site_commands tests/gauntlet/test_gauntlet_service.py tests/stories tests/guides

.PHONY: help setup demo demo-batch test check types lint contracts bench bench-smoke mutation reference lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## a virtual environment with everything pinned

$(STAMP): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## five synthetic counties with logins, served at localhost (PORT=8000, PEOPLE=300, FRESH=1, DEMO_ONCE=1)
	@$(BIN)/tuodi demo --home $(DEMO) --port $(PORT) $(if $(PEOPLE),--people $(PEOPLE)) $(if $(FRESH),--fresh) $(if $(DEMO_ONCE),--no-serve)

demo-batch: setup ## a synthetic county in files: settled, summarised, one bill explained (PACK=, PEOPLE=; in ./demo/batch)
	@PACK=$(PACK) PEOPLE=$(or $(PEOPLE),2000) BIN=$(BIN) sh tools/demo.sh $(DEMO)/batch

test: setup ## the whole suite; what knows a database runs on both
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m pytest -n 2 --database postgres $(ON_BOTH)

check: setup lint types contracts test ## everything that a change must pass

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports

bench: setup ## the table of docs/reference/bench.md, measured here
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m tests.benchmarks --size $(SIZE) --write docs/reference/bench.md

reference: setup ## make docs/reference again from the code
	$(BIN)/python -m tests.reference

mutation: setup ## mutate what has changed of the money path (docs/reference/mutation.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m tests.mutation

lock: setup ## resolve the pinned requirements again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev --group bench -o requirements/bench.txt

clean:
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis
