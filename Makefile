# Needs git, make and Python 3.11, 3.12 or 3.13. Everything else is installed below .cache/ from requirements/.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)

# The tests see the installed wheel only: nothing of the caller's Python or Airflow settings, nothing of this
# directory on the import path (here and in every process that a test starts).
CLEAN := env -u PYTHONPATH -u PYTHONHOME PYTHONSAFEPATH=1
ENVIRONMENT := $(PYTHON) scripts/environments.py
PYTEST := -m pytest -p no:cacheprovider

.PHONY: help python version demo test huwise browser e2e bench emulator ui matrix lint distribution lock clean

help: ## show the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11, 3.12 or 3.13 is needed: no python3, python3.13, python3.12 or python3.11 on PATH is one" >&2; exit 1; }

version: python
	@$(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'

demo: python ## run the main job on real data: emulator, Airflow, publications and rollbacks
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) PYTHONPATH=scripts $$python scripts/demo.py

test: python ## run the tests on the Python that is found (ARGS="-k word" for a part)
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) $$python $(PYTEST) --numprocesses 2 $(ARGS)

huwise: python ## run a client of Opendatasoft that is not ours against the emulator; needs Python 3.12
	@python=$$($(ENVIRONMENT) python huwise) && $(CLEAN) $$python $(PYTEST) --confcutdir tests/huwise tests/huwise $(ARGS)

browser: python ## sign in with a real browser (Chromium), which is installed when it is missing
	@$(PYTHON) scripts/chromium.py && python=$$($(ENVIRONMENT) python browser) \
	&& $(CLEAN) $$python $(PYTEST) --confcutdir tests/browser tests/browser $(ARGS)

e2e: python ## the tests under a real scheduler: processes are killed at every point of the flow
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) $$python $(PYTEST) -m scheduler --all-kill-points $(ARGS)

bench: python ## measure speed and memory beside sodapy and socrata-py; writes benchmarks/latest.json
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) $$python benchmarks/run.py $(ARGS)

emulator: python ## run a portal on http://127.0.0.1:8181 (ARGS="--tls" for https)
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) $$python -m airflow_socrata.emulator --host 127.0.0.1 --port 8181 $(ARGS)

ui: python ## run an Airflow with the example DAGs, and both emulators, to look at
	@python=$$($(ENVIRONMENT) python airflow-3.3) && $(CLEAN) PYTHONPATH=scripts $$python scripts/ui.py

matrix: python ## run the tests on every Airflow and Python that is claimed, and on the lowest versions
	@$(PYTHON) scripts/matrix.py $(ARGS)

lint: python ## ruff (with its Airflow rules) and mypy --strict
	@python=$$($(ENVIRONMENT) python lint) && bin=$$(dirname $$python) \
	&& $$bin/ruff check . && $$bin/ruff format --check . && $(CLEAN) $$bin/mypy --strict airflow_socrata

distribution: python ## build wheel and sdist and check them
	@$(PYTHON) scripts/distribution.py

lock: python ## write requirements/*.txt anew from what pyproject.toml allows today (ARGS="huwise" for one)
	@$(ENVIRONMENT) lock $(ARGS)

clean: ## remove everything that these targets made
	rm -rf .cache dist
