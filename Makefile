# Two commands do everything on a fresh machine: `make verify` and `make test`.
# Needed: Python 3.11 or newer, make and a package registry. Everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help verify test lint types unit wheel browser peers samples bench audit clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

verify: $(STAMP)  ## run the main job against the embedded mocked target
	$(BIN)/stagecheck verify

test: $(STAMP) lint types unit wheel  ## lint, types, every test, the built wheel

lint: $(STAMP)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy, strict
	$(BIN)/mypy

unit: $(STAMP)  ## every test; branch coverage is gated, and measured in all but the long ones
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile -m 'not long'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/python -m pytest -n 2 --dist loadfile -m long

wheel: $(STAMP)  ## build the wheel, install it elsewhere, run it there
	$(BIN)/python tests/wheel.py

browser: $(STAMP)  ## the HTML page in real Chromium; installs Chromium and axe-core where they are missing
	$(BIN)/python tests/install.py browser
	STAGECHECK_BROWSER=1 $(BIN)/python -m pytest tests/browser

peers: $(STAMP)  ## programs of other makers, from npm: Prism verified, the vendor's client against the mock; needs Node
	$(BIN)/python tests/install.py peers
	STAGECHECK_PEERS=1 $(BIN)/python -m pytest tests/third_party

samples: $(STAMP)  ## make the sample reports of reports/samples/ anew
	$(BIN)/python tests/sample_reports.py

audit: $(STAMP)  ## the kill matrix of all seeded defects
	$(BIN)/stagecheck audit

bench: $(STAMP)  ## measure: requests per second, overhead, requests to first detection
	$(BIN)/python -m benchmarks

clean:  ## remove what was built
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .coverage* .browser .peers
