# Everything here makes its own environment in .venv; the machine needs Python 3.11+ and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-browser chaos chaos-full golden check bench bench-peers bench-large clean
demo: $(READY)  ## compile the shipped course and deliver it to ten people, in under a minute
	$(BIN)/lettercourse demo

test: $(READY)  ## every test, with real servers that the tests start themselves
	$(BIN)/python -m pytest -n 2 --dist loadgroup --ignore tests/browser -m "not chaos"

test-browser: $(READY)  ## every page and letter in Chromium (Debian: apt-get install chromium spamassassin npm)
	$(BIN)/python -m pytest tests/browser

CHAOS = CHAOS_TABLE=$(or $(TABLE),chaos.md) $(BIN)/python -m pytest tests/chaos -n 2
ONE_ROW = $(if $(ROW), and row(name='$(ROW)'))

chaos: $(READY)  ## the fault matrix, or one ROW=name of it; its table goes to chaos.md
	$(CHAOS) --session-timeout 900 -m "not every_seed$(ONE_ROW)"

chaos-full: $(READY)  ## the same with every seed, for as long as it takes
	$(CHAOS) -m "(chaos or not chaos)$(ONE_ROW)"

golden: $(READY)  ## write the documents in tests/fixtures/golden anew; then read the diff
	$(BIN)/python -m tests.golden

check: $(READY)  ## format, lint, types, and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## ratios against a floor in the same run, with plots in bench/results
	$(BIN)/python -m bench

bench-peers: $(READY)  ## beside django-post-office and nodemailer + BullMQ (npm and node 20 or newer)
	$(BIN)/python -m bench.peers

bench-large: $(READY)  ## ten million enrollments, a million letters, a list of a million: half an hour, 10 GB
	$(BIN)/python -m bench.large

clean:  ## the environment, and what the demo and the bench wrote
	rm -rf $(VENV) demo bench/.cache bench/results

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch $@
