# Everything starts here. Needs Python 3.11 or newer, make and a package index, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CPUS ?= 2
PEERS := .venv-bench
ROUNDS ?= 5
DEVICES ?= 10000
DAYS ?= 8
NIGHTS ?= 30

.PHONY: help demo test test-all check house names docs bench campaign crashes lock clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# Dependencies are pinned with their hashes in constraints.txt; the project itself is installed in place.
$(READY): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q $(VENV)/lib >/dev/null || true
	touch $(READY)

demo: $(READY)  ## score three fictitious centres, from generated files to scorecards
	$(BIN)/suanheng demo demo

# Whoever is done first takes tests from the end of the other's list, so that both are done at about the same time.
test: $(READY)  ## run the tests, but for those that take long
	$(BIN)/python -m pytest -n $(CPUS) --dist worksteal -q -m "not long"

test-all: $(READY)  ## run the rest of the tests: shared warehouses, deployments, the whole demo, published numbers
	$(BIN)/python -m pytest -n $(CPUS) --dist worksteal -q -m long

check: $(READY) names  ## format, lint, types, and the structure of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .names/suanheng
	$(BIN)/python -m tests.house

house: $(READY)  ## count rooms, arrows and levels, and refuse what must not come back
	$(BIN)/python -m tests.house

names:  ## links that let a type checker see the folders as the package they install as
	@mkdir -p .names/suanheng
	@for part in config flows schemas transforms warehouse; do ln -sfn ../../$$part .names/suanheng/$$part; done

docs: $(READY)  ## write the pages that contracts, recipes and the methodology decide
	$(BIN)/python docs/generate.py

# The tools that the scale job is compared with live apart: they are no part of the product.
$(PEERS)/.ready: bench/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --no-deps --require-hashes -r bench/requirements.txt
	touch $(PEERS)/.ready

bench: $(READY) $(PEERS)/.ready  ## measure, as ratios within one run; small: ROUNDS=1 DEVICES=100 DAYS=2
	$(BIN)/python bench/scale.py --order-of-time --rounds $(ROUNDS) --devices $(DEVICES) --days $(DAYS) --peers $(PEERS)/bin/python
	$(BIN)/python bench/nightly.py
	$(BIN)/python bench/uncertainty.py
	$(BIN)/python bench/pieces.py --rounds $(ROUNDS) --devices $(DEVICES)
	$(BIN)/python bench/backfill.py --repetitions $(ROUNDS)
	$(BIN)/python bench/dask_workers.py --rounds $(ROUNDS)
	$(BIN)/python bench/catalogue.py
	$(BIN)/python bench/routes.py --days $(NIGHTS)

campaign: $(READY)  ## the long form of the property tests: hours, many seeds
	HYPOTHESIS_PROFILE=campaign $(BIN)/python -m pytest tests/transforms/scoring tests/transforms/analysis -n $(CPUS) -q
	SUANHENG_EXAMPLES=300 $(BIN)/python -m pytest tests/promises/test_order_independence.py -q
	SUANHENG_FUZZ_ROUNDS=200 $(BIN)/python -m pytest tests/flows/sources/test_hostile_samples.py -n $(CPUS) -q

crashes: $(READY)  ## kill the nightly and the backfill at fifty moments each, and compare
	$(BIN)/python -m tests.promises.crash_campaign --processes $(CPUS)

lock: $(READY)  ## choose the newest pins that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-strip-extras --generate-hashes --no-header \
		--extra dev pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-strip-extras --generate-hashes --no-header \
		bench/requirements.in -o bench/requirements.txt

clean:  ## remove what was made
	rm -rf $(VENV) $(PEERS) .names demo bench/data build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
