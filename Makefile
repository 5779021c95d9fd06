# make demo   six small models and a report     make test        what to run all day
# make check  lint, format, types, spelling     make test-slow   browser, wheel, crash and long proofs
# make quick  the fast core of the tests        make docs        write docs/results.md again from real runs
# make bench  ours against peers, in pairs; writes docs/performance.md; status 1 where a promise is missed

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
PYTEST_FLAGS ?=

.PHONY: setup demo test test-slow quick check docs bench clean
.DEFAULT_GOAL := test

setup: .venv/dev.done
	@echo "Ready: $(BIN)/bothways --help"

demo: .venv/run.done
	@rm -rf runs/demo
	$(BIN)/bothways compare family:n_families=16 --seeds 2 --set training.steps=700 -o runs/demo

test: .venv/test.done
	$(PYTEST) -q $(PYTEST_FLAGS)

test-slow: .venv/dev.done
	$(PYTEST) -q -m slow $(PYTEST_FLAGS)

quick: .venv/test.done
	$(PYTEST) -q -x -k "not science" $(PYTEST_FLAGS)

check: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/codespell

docs: .venv/run.done
	$(BIN)/python tools/results.py

bench: .venv/bench.done
	OMP_NUM_THREADS=1 $(BIN)/python -m bench $(ROWS)

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of packages: a second call installs nothing, a changed pyproject.toml installs again.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "bothways needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 2; }

.venv/run.done: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing into .venv (a few minutes the first time) ..."
	@$(PIP) -e ".[inject]"
	@touch $@

.venv/test.done: .venv/run.done
	@$(PIP) -e ".[test]"
	@touch $@

.venv/dev.done: .venv/test.done
	@$(PIP) -e ".[all,test,dev]"
	@touch $@

.venv/bench.done: .venv/run.done
	@$(PIP) -e ".[bench]"
	@touch $@
