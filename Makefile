# The menu: `make` lists what can be done. `make run` and `make test` do all their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HOST ?= 127.0.0.1
export PORT ?= 8000
PYTEST_ARGS ?= -ra
BENCH := $(VENV)/bench
BENCH_LOCK := tests/benchmarks/requirements-bench.txt
BENCH_OUT ?= var/bench
SIZES ?= 10000 100000 230000

.DEFAULT_GOAL := help
.PHONY: help run test lint relevance screenshots bench lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 13

$(VENV)/.run: requirements.lock pyproject.toml $(wildcard indexer/native/*.[ch])
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Wenqu needs Python 3.11 or newer / 需要 Python 3.11 以上")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

run: $(VENV)/.run ## set everything up and serve the demo on http://HOST:PORT
	$(BIN)/kb init --demo
	exec $(BIN)/kb serve

test: $(VENV)/.test ## run all tests
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

lint: $(VENV)/.test ## lint, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

relevance: $(VENV)/.test ## does the shipped library answer judged fault reports? success@1/3/10 by area, and the misses
	$(BIN)/python -m tests.relevance.shipped --misses

screenshots: $(VENV)/.test ## make the pictures of README anew: a demo with some work in it, seen by Chromium
	$(BIN)/python -m tests.web.screenshots

$(BENCH)/.done: requirements.lock $(BENCH_LOCK) pyproject.toml $(wildcard indexer/native/*.[ch])
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(BENCH_LOCK)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

bench: $(BENCH)/.done ## search speed beside other engines; KB_BENCH_DATA=Markdown KB_BENCH_QUERIES=BEIR [KB_BENCH_JARS=Lucene] SIZES='10000 100000'
	$(BENCH)/bin/python -m tests.benchmarks.run $(SIZES:%=--size %) --json $(BENCH_OUT).json --svg $(BENCH_OUT).svg --markdown $(BENCH_OUT).md $(BENCH_ARGS)

lock: ## pin dependencies: versions and hashes, no addresses
	uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header -q -o requirements-dev.lock
	printf 'bm25s\nnumba\ntantivy\n' | uv pip compile - -c requirements.lock --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q -o $(BENCH_LOCK)

clean: ## remove the environment and caches; data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
