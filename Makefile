# Two commands matter: `make demo` and `make test`. Each sets up its own .venv first.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NAME   ?=

.PHONY: help demo test check format bench install clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(VENV)/core.stamp  ## two organisations align, train, score and report over mutual TLS
	$(BIN)/isthmus simulate examples/health/job.toml

test: $(VENV)/dev.stamp  ## all tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

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

bench: $(VENV)/dev.stamp  ## list the benchmarks; `make bench NAME=regression` runs one
	@$(BIN)/python -m benchmarks $(NAME)

install: $(VENV)/all.stamp  ## .venv with every extra

clean:  ## remove .venv and everything that a run wrote
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/python.stamp:
	$(PYTHON) -m venv $(VENV)
	@touch $@

# A larger set of extras satisfies a smaller one: each stamp is laid for the sets below it too.
$(VENV)/core.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(PIP) -e '.[dev]'
	@touch $(VENV)/core.stamp $@

$(VENV)/all.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(PIP) -e '.[all,dev]'
	@touch $(VENV)/core.stamp $(VENV)/dev.stamp $@
