# Every habit of this repository is a target here; .ci/run uses the same ones.
# Needed: git, make and Python 3.11 or newer. `make setup PYTHON=/path/to/python` picks another one.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo up check test test-system lint format deep long hostile fuzz resets imports lists capacity two-acts rolling soak chaos weather outages bench docs lock smoke versions browser second-opinion packages containers chart schemas typescript clean temporal-programs temporal-cluster

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := .venv-bench
VERSIONS := .venv-versions
CHART := .venv-chart
NPM := .npm-schemas
TYPESCRIPT := clients/typescript
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## say what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## install everything into .venv (only if something changed)

$(STAMP): requirements/dev.txt pyproject.toml clients/python/pyproject.toml
	@set -e; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  for candidate in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    [ -n "$$candidate" ] || continue; \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'No Python 3.11 or newer with the venv module was found.' >&2; \
	    echo 'Install one (Debian: apt-get install python3 python3-venv), or name it:' >&2; \
	    echo '  make setup PYTHON=/path/to/python3.12' >&2; \
	    exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $(STAMP)

demo: setup ## real orders through the saga on one machine, start to end
	$(BIN)/python -m ordersaga demo

up: setup ## start the whole stack on this machine; Ctrl-C stops it
	$(BIN)/python -m ordersaga up

PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: setup lint ## before each commit: lint, and all tests that need no server
	$(PYTEST) -q -m "not servers" tests/unit tests/contract tests/architecture

# What failed beside all the others is tried once more alone: the first failure stays to be read.
AGAIN := $(BIN)/python -m pytest --exitfirst --last-failed --last-failed-no-failures none

test: setup ## every test that needs only git, make and Python; servers start by themselves
	$(PYTEST) || { [ $$? -eq 1 ] && $(AGAIN); }

test-system: packages ## what needs packages of the system or an environment of its own, in short
	$(MAKE) versions smoke browser
	$(MAKE) $(CHART)/.installed $(NPM)/.installed typescript
	$(PYTEST) -m system || { [ $$? -eq 1 ] && $(AGAIN) -m system; }
	ORDERSAGA_TEST_POOLED=1 $(PYTEST) -q -m servers $(wildcard tests/contract/test_event_store_*.py)

OF_CONTAINERS := podman buildah runc containernetworking-plugins dnsmasq-base \
	golang-github-containernetworking-plugin-dnsname debootstrap iptables

packages: ## install the Debian packages that test-system needs, where one may
	@scripts/system_packages.sh chromium postgresql-15 pgbouncer
	@scripts/system_packages.sh $(OF_CONTAINERS) || echo 'The test of containers will be skipped.' >&2

containers: setup ## the whole docker-compose.yml on Podman: orders, kills, a deployment, an end; needs root; by hand
	@scripts/system_packages.sh $(OF_CONTAINERS)
	$(BIN)/python -m benchmarks.containers $(CONTAINERS)

deep: setup ## the property tests with 40 times the examples and new ones each time; by hand
	$(PYTEST) -m hypothesis --hypothesis-profile deep

long: setup ## the full forms of tests that run in short otherwise: floods, resets, acts by hand; by hand
	$(PYTEST) -m long

hostile: setup ## hostile values at every way in: 20,000 at the parsers, 500 at each; by hand
	$(BIN)/python -m benchmarks.hostile

fuzz: setup ## requests at random from the API's own description, for 20 minutes, by hand; FUZZ="--minutes 5"
	$(BIN)/python -m benchmarks.fuzz $(FUZZ)

resets: setup ## each saga of the fault matrix, reset to each of its events; by hand
	$(BIN)/python -m benchmarks.resets

lint: setup ## style, types and architecture contracts
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy clients/python/ordersaga_client
	$(BIN)/lint-imports --no-cache

format: setup ## let ruff rewrite what it can
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

smoke: setup ## build the wheel and try it in an environment of its own
	$(BIN)/python scripts/wheel_smoke.py

versions: $(VERSIONS)/.installed ## the store's contract and feed on the oldest PostgreSQL; ALL=--all: all of its tests on 15 to 17
	$(BIN)/python scripts/postgres_versions.py $(VERSIONS) $(ALL)

browser: setup ## a stuck saga in Temporal's pages, seen by a real browser, as the documents show it
	@mkdir -p build/pictures
	$(BIN)/python -m tests.support.stack.screenshots --into build/pictures on_hold

chart: $(CHART)/.installed ## render the Helm chart and validate it
	$(PYTEST) -q -m "" $(wildcard tests/*/deployment/test_chart*.py tests/architecture/test_chart.py)

$(CHART)/.installed: requirements/chart.txt $(STAMP)
	$(BIN)/python -m venv --clear $(CHART)
	$(CHART)/bin/python -m pip install --quiet --require-hashes -r requirements/chart.txt
	@touch $@

schemas: $(NPM)/.installed ## the JSON Schemas before ajv's strictest mode, and their TypeScript types
	$(PYTEST) -q -m "" tests/integration/schemas

$(NPM)/.installed: requirements/npm/package-lock.json $(STAMP)
	@command -v npm >/dev/null || scripts/system_packages.sh nodejs npm
	rm -rf $(NPM)
	mkdir $(NPM)
	cp requirements/npm/package.json requirements/npm/package-lock.json requirements/npm/.npmrc $(NPM)
	cd $(NPM) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

typescript: $(TYPESCRIPT)/node_modules/.installed ## build the client for TypeScript
	cd $(TYPESCRIPT) && npm run --silent build

$(TYPESCRIPT)/node_modules/.installed: $(TYPESCRIPT)/package-lock.json
	@command -v npm >/dev/null || scripts/system_packages.sh nodejs npm
	cd $(TYPESCRIPT) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

imports: setup ## an import of 100,000 lines: orders a second and peak memory; BEFORE=FOLDER compares an earlier checkout; by hand
	$(BIN)/python -m benchmarks.imports $(if $(BEFORE),--before $(BEFORE))

two-acts: setup ## what a payment in two acts costs an order beside a charge in one call; by hand
	$(BIN)/python -m benchmarks.two_acts

lists: setup ## lists of a million orders beside lists of ten thousand, through the API; by hand
	$(BIN)/python -m benchmarks.lists

capacity: setup ## what an order costs, by process; by hand
	$(BIN)/python -m benchmarks.cost

second-opinion: setup ## the rules of Stripe's documentation on localstripe; by hand
	ORDERSAGA_TEST_STRIPE=localstripe $(PYTEST) -q tests/contract/stripe_api

$(VERSIONS)/.installed: requirements/versions.txt $(STAMP)
	$(BIN)/python -m venv --clear $(VERSIONS)
	$(VERSIONS)/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/versions.txt
	@touch $@

bench: $(BENCH)/.installed ## measure the event store against its peers on this machine
	$(BENCH)/bin/python -m benchmarks $(BENCHMARK)

$(BENCH)/.installed: requirements/bench.txt $(STAMP)
	$(BIN)/python -m venv --clear $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

rolling: setup ## replace every process by the version before and back, with 200 orders in flight; by hand
	$(BIN)/python -m benchmarks.rolling

soak: setup ## twenty minutes of steady load: memory and descriptors of our processes; MINUTES=20; by hand
	$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),20)

chaos: setup ## real orders while everything is killed at random; CHAOS="--orders 2000 --minutes 10"
	$(BIN)/python -m benchmarks.chaos $(CHAOS)

weather: packages setup ## troubles of the database and Temporal beside open orders, in full; TROUBLE="read-only frozen"
	$(BIN)/python -m benchmarks.weather $(TROUBLE)

outages: setup ## fifteen minutes of each trouble of a provider beside open orders; TROUBLE="payment-401 carrier-down"
	$(BIN)/python -m benchmarks.weather $(or $(TROUBLE),providers)

temporal-programs: setup ## build Temporal's server from its Go module, and the version before it; needs Go, twenty minutes
	$(BIN)/python -m tests.support.cluster.programs

# Where the embedded server would be, there is a cluster on PostgreSQL; see docs/temporal-cluster.md.
temporal-cluster: temporal-programs ## acceptance tests, an upgrade, chaos and the saga benchmark on a Temporal cluster; needs Go, an hour
	ORDERSAGA_TEST_TEMPORAL=cluster $(BIN)/python -m pytest -n 2 --dist loadfile -m "not system and not long" tests/acceptance
	$(BIN)/python -m benchmarks.chaos --cluster $(or $(CHAOS),--orders 300 --minutes 6)
	$(BIN)/python -m benchmarks.sagas_on_cluster

docs: setup ## write docs/cli.md, the documents of the API, the list of errors, the JSON Schemas, the clients' types, examples/orders and domain/codes.py
	$(BIN)/python scripts/write_code_tables.py
	$(BIN)/python scripts/write_country_names.py
	$(BIN)/python scripts/write_cli_docs.py
	$(BIN)/python scripts/write_api_docs.py
	$(BIN)/python -m tests.support.repository.write_schema
	$(BIN)/python scripts/write_client_types.py
	$(BIN)/python -m tests.support.repository.write_examples
	$(BIN)/python -m tests.support.chart.settings_schema

LOCK := -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-package ordersaga-client --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: setup ## renew requirements/*.txt; UPGRADE=--upgrade takes new versions
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python $(LOCK) $(UPGRADE) --extra embedded pyproject.toml -o requirements/runtime.txt
	$(BIN)/python $(LOCK) -c requirements/runtime.txt pyproject.toml \
	  -o requirements/production.txt
	$(BIN)/python $(LOCK) $(UPGRADE) --extra embedded -c requirements/runtime.txt \
	  pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(BIN)/python $(LOCK) $(UPGRADE) --extra embedded -c requirements/runtime.txt \
	  pyproject.toml requirements/bench.in -o requirements/bench.txt
	$(BIN)/python $(LOCK) $(UPGRADE) --no-deps requirements/versions.in -o requirements/versions.txt
	$(BIN)/python $(LOCK) $(UPGRADE) requirements/chart.in -o requirements/chart.txt

clean: ## remove what the tools made, .venv included
	rm -rf $(VENV) $(BENCH) $(VERSIONS) $(CHART) $(NPM) $(TYPESCRIPT)/node_modules $(TYPESCRIPT)/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
