# `make run` and `make test` do all set-up themselves; `make help` lists the rest.
# TORCH_INDEX=<url> takes torch from that package index (the README says when one wants that).

PYTHON ?= python3
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENT := $(VENV)/.complete
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
ATHERIS := $(shell sed -n 's/.*"\(atheris==[^"]*\)".*/\1/p' pyproject.toml)
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIP_COMPILE := CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --strip-extras --generate-hashes \
	--unsafe-package torch --no-allow-unsafe --no-emit-find-links --no-emit-index-url \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: help run test check lint types contracts format fonts docs lock bench clean environment

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: $(ENVIRONMENT) ## explain examples/why-0.5514.md in the terminal, and draw it; with DISCORD_TOKEN set, run the bot
ifneq ($(strip $(DISCORD_TOKEN)),)
	@exec $(BIN)/whyloss run
else
	@$(BIN)/whyloss ask examples/why-0.5514.md --card $(CURDIR)/card.png --full $(CURDIR)/derivation.png
endif

test: $(ENVIRONMENT) ## all tests
	@$(BIN)/python -m pytest -q -n 2

check: lint types contracts ## lint, format, types, import contracts

lint: $(ENVIRONMENT)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(ENVIRONMENT)
	@$(BIN)/pyright

contracts: $(ENVIRONMENT)
	@$(BIN)/lint-imports

format: $(ENVIRONMENT) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

fonts: $(ENVIRONMENT) ## cut the cards' fonts from Debian's packages
	@for package in fonts-noto-cjk fonts-noto-core fonts-inter; do \
		dpkg -s $$package >/dev/null 2>&1 || { echo "make fonts reads Debian's $$package: apt-get install $$package"; exit 1; }; \
	done
	@$(BIN)/python -m explainers.cards.make_fonts

lock: $(ENVIRONMENT) ## resolve the dependencies anew; torch itself stays out of the locks
	@$(PIP_COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	@$(PIP_COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@sed -i "s/^atheris==[^ ]*/$(ATHERIS)/" requirements-dev.lock # pip-compile drops the markers of an extra
	@if grep -nE '^nvidia-|^triton==|^[^#]*(://|\+)' requirements.lock requirements-dev.lock; then \
		echo "these lines bind the lock to one kind of machine: run make lock TORCH_INDEX=<index of CPU builds>"; exit 1; fi

docs: $(ENVIRONMENT) ## the pages and cards of docs/losses, from the registry
	@$(BIN)/python -m explainers.reference docs/losses --cards

bench: $(ENVIRONMENT) ## the figures of the README
	@$(BIN)/python benchmarks/answer.py
	@$(BIN)/python -m benchmarks.chat

clean: ## remove the environment and everything made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache card.png derivation.png

environment: $(ENVIRONMENT) ## make .venv, or bring it up to date

$(ENVIRONMENT): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "whyloss needs Python 3.11 or later as $(PYTHON); name another one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) can't make environments here; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Filling $(VENV) with $(TORCH) and what requirements-dev.lock names; this happens once."
	@$(PIP) install --quiet $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-dev.lock
	@PYTHONWARNINGS='ignore:Editable installation' $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@
