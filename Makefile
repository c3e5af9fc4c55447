# The words of the project. A fresh Debian or Ubuntu needs python3 (3.11 or newer) and make.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
export PORT

.DEFAULT_GOAL := help
.PHONY: help run lab test lint format typecheck coverage bench simulate history fuzz pictures snapshots conformance audit lock environment services clean

help:  ## say what can be asked for
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run:  ## start the example application on 127.0.0.1:$(PORT)
	@$(PYTHON) scripts/environment.py run
	@$(PYTHON) scripts/run.py

lab:  ## start the Lab on 127.0.0.1:8600: every strategy side by side, from real runs
	@$(PYTHON) scripts/environment.py run
	@$(BIN)/limen lab

test: environment services  ## every test, what they prove, then lint; with CI=true a skipped test is a failure
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder
	$(BIN)/python scripts/conformance.py --check
	$(MAKE) --no-print-directory lint

lint: environment  ## style, format, types, layers, dangerous calls
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit -q -c pyproject.toml -r src

format: environment  ## let ruff repair and format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: environment services  ## the tests again, with a report of what they do not reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 4 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

bench:  ## measure Limen beside its peers, 25 minutes; BENCH="measure ..." ONLY=... QUICK=1
	@$(PYTHON) -m bench.environments
	@.limen/bench/limen/bin/python -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') $(BENCH)

simulate: environment  ## simulate 1 to 10,000 nodes and write the tables of docs/scaling.md again
	$(BIN)/python -m bench.simulation --write docs/scaling.md

history: environment services  ## many processes, many faults, every operation judged; OPS=1000000
	$(BIN)/python scripts/history.py $(OPS)

fuzz: environment  ## feed every reader of foreign octets; MINUTES=10 for each, ONLY="token cookie"
	$(BIN)/python -m fuzz $(ONLY) $(if $(MINUTES),--minutes $(MINUTES))

pictures: environment services  ## take the README's pictures again from a running Lab, 2 minutes
	$(BIN)/python scripts/pictures.py

snapshots: environment  ## write public_api.txt and the generated reference tables again
	$(BIN)/python scripts/public_api.py
	$(BIN)/python scripts/reference.py
	$(BIN)/python docs/generate_reference.py

conformance: environment  ## write docs/conformance.md from what the tests say that they prove
	$(BIN)/python -m pytest --collect-only -q > /dev/null
	$(BIN)/python scripts/conformance.py

audit: environment  ## hold every lock against advisories in OSV format; ADVISORIES=file or folder
	$(BIN)/python scripts/supply_chain.py
	$(BIN)/python scripts/supply_chain.py licences
	$(if $(ADVISORIES),$(BIN)/python scripts/supply_chain.py audit '$(ADVISORIES)')

lock: environment  ## resolve requirements/*.lock again
	$(BIN)/python scripts/lock.py

environment:  ## .venv from requirements/dev.lock, if it is not up to date
	@$(PYTHON) scripts/environment.py dev

services:  ## install what tests drive: PostgreSQL, Redis, Chromium, Node, wrk
	@$(PYTHON) scripts/services.py

clean:  ## remove what can be made again, the example's database included
	rm -rf .venv .limen .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf .coverage .coverage.* dist build tests/npm/node_modules
	rm -rf examples/node_modules examples/*/.next examples/*/next-env.d.ts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
