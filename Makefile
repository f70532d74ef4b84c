# Everything here makes its own environment in .venv; the machine needs Python 3.11+ and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-browser check bench clean
demo: $(READY)  ## compile the shipped course and deliver it to ten people, in under a minute
	$(BIN)/lettercourse demo

test: $(READY)  ## every test, with real servers that the tests start themselves
	$(BIN)/python -m pytest -n 2 --dist loadgroup --ignore tests/browser

test-browser: $(READY)  ## every page in Chromium (Debian: apt-get install chromium)
	$(BIN)/python -m pytest tests/browser

check: $(READY)  ## format, lint, types, and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## ratios against a floor in the same run
	$(BIN)/python bench/run.py

clean:  ## the environment and what the demo wrote
	rm -rf $(VENV) demo

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
