# What a developer types. Needs python3 (3.11 or newer), make and git; everything else is installed
# into .venv, which is built here and again only when pyproject.toml changes.

SHELL := /bin/sh
# Tests start many processes, and each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.SUFFIXES:

# Which Python builds .venv; empty means the first one that is new enough.
PYTHON ?=
# Which benchmarks to run; empty means all.
NAMES ?=
# How long the desk is driven at random on each store, and how many steps a story has.
FUZZ_SECONDS ?= 60
FUZZ_STEPS ?= 80
# How many steps silence is driven for.
SILENCE_STEPS ?= 200000
# How long the fault tests run: assignments over all races, kills of each kind, fail-overs.
ASSIGNMENTS ?= 50000
CRASH_CLIENT ?= 1000
CRASH_CLIENT_POSTGRES ?= 100
CRASH_SERVER ?= 20
FAILOVER_ROUNDS ?= 10
# Beside how many other conversations statements are counted.
OTHERS ?= 100000
# How many processes share the tests; 0 runs them in one, as a debugger wants it.
JOBS ?= 2
# Extra arguments: make test ARGS="-k lifecycle", make bench ARGS=--json, make mutants ARGS="-k ID".
ARGS ?=

PY := .venv/bin/python
CANDIDATES := $(PY) python3 python3.14 python3.13 python3.12 python3.11
NEW_ENOUGH := import sys; sys.exit(not (3, 11) <= sys.version_info < (4,))

# Sets $$python to a Python that runs and is new enough, or stops with advice.
define find_python
python=''; \
for candidate in $(if $(PYTHON),$(PYTHON),$(CANDIDATES)); do \
  if "$$candidate" -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then python="$$candidate"; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "error: omniroute needs Python 3.11 or newer." >&2; \
  echo "       Found: $(or $(PYTHON),python3) is $$($(or $(PYTHON),python3) --version 2>&1 | head -n 1)." >&2; \
  echo "       Install a newer one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
  exit 1; \
fi
endef

.PHONY: help
help: ## Show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

# Always looked at, rarely rebuilt: make_venv.py compares a stamp inside .venv with pyproject.toml.
.PHONY: .venv
.venv:
	@$(find_python); "$$python" tools/make_venv.py .venv

.PHONY: demo
demo: .venv ## Drive a whole desk through signed webhooks, in virtual time
	@.venv/bin/omniroute demo

.PHONY: test
test: .venv ## Run the tests, on two cores: make test JOBS=0 ARGS="-k lifecycle"
	@$(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS)

.PHONY: test-all
test-all: ## Run the tests on every installed CPython from 3.11 on
	@$(find_python); "$$python" tools/test_all.py $(ARGS)

.PHONY: docs
docs: .venv ## Build the documentation into docs/_build/html, warnings are errors
	@$(PY) -m sphinx -E -q -W --keep-going -b html docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

.PHONY: check
check: .venv ## Lint, format, types, layers, documentation, wheel
	@echo "== ruff check" && $(PY) -m ruff check .
	@echo "== ruff format" && $(PY) -m ruff format --check .
	@echo "== mypy" && $(PY) -m mypy
	@echo "== layers" && $(PY) tools/layering.py
	@echo "== requirements" && $(PY) tools/requirements.py --quiet
	@echo "== docs" && $(MAKE) --no-print-directory docs
	@echo "== wheel" && $(PY) tools/check_wheel.py

.PHONY: bench
bench: .venv ## Measure beside peers: make bench NAMES="import" ARGS=--json
	@$(PY) tools/make_venv.py .venv --extra bench
	@$(PY) -m benchmarks $(NAMES) $(ARGS)

.PHONY: fuzz
fuzz: .venv ## Drive desks on every store at random: make fuzz FUZZ_SECONDS=600 FUZZ_STEPS=100
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_STEPS=$(FUZZ_STEPS) $(PY) -m pytest -o faulthandler_timeout=0 \
	  tests/property/test_desk_machine.py tests/property/test_wide_machine.py \
	  tests/property/test_configuration_machine.py \
	  tests/integration/test_desk_on_postgres.py $(ARGS)

.PHONY: silence
silence: .venv ## Drive timers at random against an oracle: make silence SILENCE_STEPS=50000
	@SILENCE_STEPS=$(SILENCE_STEPS) $(PY) -m pytest -o faulthandler_timeout=0 \
	  tests/property/test_silence_machine.py tests/property/test_late_desk.py $(ARGS)

.PHONY: races
races: .venv ## Let processes race on PostgreSQL: make races ASSIGNMENTS=8000 ARGS=--fsync
	@$(PY) -m tests.faults.races --assignments $(ASSIGNMENTS) $(ARGS)

.PHONY: crash
crash: .venv ## Kill clients and servers at random points: make crash CRASH_CLIENT=100
	@$(PY) -m tests.faults.crash --client-sqlite $(CRASH_CLIENT) \
	  --client-postgres $(CRASH_CLIENT_POSTGRES) --server $(CRASH_SERVER) $(ARGS)

.PHONY: failover
failover: .venv ## Kill the primary under load, promote its standby: make failover FAILOVER_ROUNDS=3
	@$(PY) -m tests.faults.failover --rounds $(FAILOVER_ROUNDS) $(ARGS)

.PHONY: counts
counts: .venv ## Count statements beside 100,000 other conversations: make counts OTHERS=5000
	@OMNIROUTE_OTHERS=$(OTHERS) $(PY) -m pytest -q tests/integration/test_statement_counts.py $(ARGS)

.PHONY: requirements
requirements: .venv ## List the rules that no test names yet
	@$(PY) tools/requirements.py $(ARGS)

.PHONY: mutants
mutants: .venv ## Prove that each deliberate fault turns its test red
	@$(PY) tools/mutants.py $(ARGS)

.PHONY: clean
clean: ## Remove environments, caches and builds
	rm -rf .venv .venv.lock .venv-3.* build dist docs/_build
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage htmlcov
	find src tests tools benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
