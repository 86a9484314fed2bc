# The only commands to remember; `make` alone lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
PG15 := /usr/lib/postgresql/15/bin
# Named after what the requirements say, so that a second run has nothing to do.
RUNS := $(VENV)/.runs-$(shell cksum < requirements.txt | cut -d' ' -f1)
READY := $(VENV)/.ready-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Compiled once, whatever the surroundings say: tests start hundreds of processes, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run demo check documents test test-slow fuzz coverage test-pg15 bench-ingest bench-launch bench-fanout bench-idle bench-api bench-attach bench-memory bench-wakeups bench-check bench-dashboard bench-console bench-export bench-recovery bench-webhooks screenshots read-plans sweep-plans property-long crash-matrix crash-matrix-short crash-matrix-labels clean

help: ## list the commands
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | awk -F'\t' '{printf "make %-20s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with everything from requirements-dev.txt

$(READY): $(RUNS)
	$(INSTALL) -r requirements-dev.txt
	@rm -f $(VENV)/.ready-*
	@touch $@

# What is needed to run, not to test: a first look should not wait for type checkers.
$(RUNS):
	@python=""; \
	for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed (Debian: apt-get install python3)"; exit 1; fi; \
	if ! $$python -c 'import ensurepip' 2>/dev/null; then \
		echo "$$python cannot make virtual environments (Debian: apt-get install python3-venv)"; exit 1; \
	fi; \
	[ -x $(BIN)/python ] || $$python -m venv $(VENV)
	@echo "installing what Signalbox runs on ..."
	$(INSTALL) -r requirements.txt
	@rm -f $(VENV)/.runs-*
	@touch $@

run: $(RUNS) ## start everything: database, web, observer, queue
	$(BIN)/python manage.py up

demo: $(RUNS) ## start everything and show a real run live; ONCE=1 stops after it
	$(BIN)/python manage.py demo $(if $(ONCE),--once)

check: setup ## every gate but the tests: style, types, imports, migrations, system checks, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check
	$(BIN)/python manage.py env_example --check
	$(BIN)/python manage.py documents --check

documents: setup ## write docs/openapi.json and docs/asyncapi.json from the code
	$(BIN)/python manage.py documents

test: setup ## all tests but the slow ones, on a throw-away PostgreSQL
	$(PYTEST) -n 2 -m "not slow" --durations=15

test-slow: setup ## the slow ones: processes that are killed, frozen and cut off, long random walks, the drill
	$(PYTEST) -n 2 -m slow --durations=15

fuzz: setup ## ask every route for what docs/openapi.json allows and forbids, 300 times each (FUZZ_EXAMPLES)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} $(PYTEST) -n 2 tests/integration/documents/test_fuzz.py

coverage: setup ## the same, slower, with a table of the lines that no test reaches
	$(PYTEST) -n 2 --cov --cov-report=term:skip-covered

test-pg15: setup ## the tests that need a database, on PostgreSQL 15 (PGBIN names another folder of programs)
	PGBIN=$${PGBIN:-$(PG15)} $(PYTEST) -n 2 -m "not slow" tests/integration tests/contracts

property-long: setup ## the property test of the run machine at random, for hours
	PROPERTIES=long $(PYTEST) tests/integration/runs/test_run_machine.py

crash-matrix-short: setup ## kill a process at every crash point once, restart, and see that the run ends as it should
	$(BIN)/python -m tests.crash_matrix --short

crash-matrix: setup ## the same for every path, process and crash point; takes 40 minutes and writes docs/crash-matrix.md
	$(BIN)/python -m tests.crash_matrix --seed 1 --write

crash-matrix-labels: setup ## write the list of crash points, tests/crash_matrix/labels.txt
	$(BIN)/python -m tests.crash_matrix --write-labels

bench-ingest: setup ## how fast a runtime's messages become events
	$(BIN)/python -m tests.benchmarks.ingest

bench-launch: setup ## how long from POST /runs to the first event of the runtime
	$(BIN)/python -m tests.benchmarks.launch

bench-fanout: setup ## how soon a crowd sees an event, and what it costs
	$(BIN)/python -m tests.benchmarks.fanout

bench-idle: setup ## what ten thousand idle streams need
	$(BIN)/python -m tests.benchmarks.idle

bench-api: setup ## what a read costs the web process that answers it
	$(BIN)/python -m tests.benchmarks.api

bench-attach: setup ## how soon somebody who comes late sees a long run
	$(BIN)/python -m tests.benchmarks.attach

bench-memory: setup ## what an observer needs for 1 000 live runs
	$(BIN)/python -m tests.benchmarks.memory

bench-wakeups: setup ## how soon a nudge wakes who waits for it, by NOTIFY and by Redis
	$(BIN)/python -m tests.benchmarks.wakeups

bench-check: setup ## how fast a million events are rebuilt and checked
	$(BIN)/python -m tests.benchmarks.checking

bench-dashboard: setup ## how fast the dashboard counts 100 000 runs
	$(BIN)/python -m tests.benchmarks.dashboard

bench-console: setup ## how fast the console is: the page of a run of 50 000 events, all lists at a million runs; 20 minutes
	$(BIN)/python -m tests.benchmarks.console

bench-export: setup ## what it takes to export a run of 100 000 events, to a reader that stops, too
	$(BIN)/python -m tests.benchmarks.export

bench-recovery: setup ## what is lost when an observer is killed, and how long until its runs have another; half an hour
	$(BIN)/python -m tests.benchmarks.recovery
	$(BIN)/python -m tests.benchmarks.takeover
	$(BIN)/python -m tests.benchmarks.orphans

bench-webhooks: setup ## how soon receivers hear, how many a second, beside a dead one, and what it takes; ten minutes
	$(BIN)/python -m tests.benchmarks.webhooks

screenshots: setup ## a picture of every page, three widths, two themes, in FOLDER; AXE=1 says what axe-core finds; DOCS=1: those of docs/
	$(BIN)/python -m tests.screenshots $(FOLDER) $(if $(AXE),--axe) $(if $(DOCS),--docs)

read-plans: setup ## the plan of every hot read on a million events
	$(BIN)/python -m tests.benchmarks.read_plans

sweep-plans: setup ## the plan of every claim and sweep on a million ended runs
	$(BIN)/python -m tests.benchmarks.sweep_plans

clean: ## remove caches and the virtual environment; data in .signalbox stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* build staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
