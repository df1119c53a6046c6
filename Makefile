# Two commands matter: `make demo` and `make test`. Each sets up its own .venv first.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3; do \
	$$each -c '$(SUITABLE)' 2>/dev/null && echo $$each && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NAME   ?=
# What an installation depends on; C code is compiled by it.
BUILT  := pyproject.toml constraints.txt hatch_build.py $(wildcard src/isthmus/crypto/kernel/source/*)
# Whole runs wait much, so there are more workers than cores.
WORKERS  ?= $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))
TOGETHER := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-long check format bench bench-test install clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/core.stamp  ## two organisations align, train, score and report over mutual TLS
	$(BIN)/isthmus simulate examples/health/job.toml

test: $(VENV)/dev.stamp  ## all tests
	$(BIN)/python -m pytest $(TOGETHER) -m "not long"

test-long: $(VENV)/bench.stamp  ## those too that the gate samples: minutes more, examples by the hundred
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest $(TOGETHER) tests benchmarks/tests

check: $(VENV)/dev.stamp  ## the whole gate: format, lint, types, contracts, dead code, spelling, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pydoclint --quiet src
	$(BIN)/vulture
	$(BIN)/codespell
	$(MAKE) test

format: $(VENV)/dev.stamp  ## rewrite the code in the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/bench.stamp  ## list the benchmarks; `make bench NAME=regression` runs one
	@$(BIN)/python -m benchmarks $(NAME)

bench-test: $(VENV)/bench.stamp  ## tests of the benchmarks, which are no part of `make test`
	$(BIN)/python -m pytest $(TOGETHER) benchmarks/tests

install: $(VENV)/all.stamp  ## .venv with every extra

clean:  ## remove .venv and everything that a run wrote
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/python.stamp:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 here: install one of them, or name it: make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# A larger set of extras satisfies a smaller one: each stamp is laid for the sets below it too.
$(VENV)/core.stamp: $(VENV)/python.stamp $(BUILT)
	$(PIP) -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp $(BUILT)
	$(PIP) -e '.[dev]'
	@touch $(VENV)/core.stamp $@

$(VENV)/all.stamp: $(VENV)/python.stamp $(BUILT)
	$(PIP) -e '.[all,dev]'
	@touch $(VENV)/core.stamp $(VENV)/dev.stamp $@

$(VENV)/bench.stamp: $(VENV)/python.stamp $(BUILT)
	$(PIP) -e '.[bench,dev]'
	@touch $(VENV)/core.stamp $(VENV)/dev.stamp $@
