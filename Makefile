# Everything that is done with this repository. `make` alone explains each target.
# All paths are relative, so that a folder with spaces in its name works.

PYTHON ?=
export PYTHON

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench bench-insights bench-cluster backtest torture lock clean

RUN_READY := .venv/ready-run
DEV_READY := .venv/ready-dev
BENCH_READY := .venv-bench/ready-bench
BIN := .venv/bin

help: ## Explain every target (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY) ## Install what is needed and run the platform in the foreground; Ctrl-C stops it
	@$(BIN)/parcours run

test: $(DEV_READY) ## Install what the tests need and run them all
	@$(BIN)/python -m tests.suite

check: $(DEV_READY) ## Lint, format, types, import rules, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

bench: $(DEV_READY) ## Measure this machine: events a second, time to queryable, bytes a journey
	@$(BIN)/python -m tests.benchmarks

bench-insights: $(DEV_READY) ## Measure pages and figures over 1, 5 and 20 million synthetic events (an hour, 8 GB of disk)
	@$(BIN)/python -m tests.benchmarks.insights

bench-cluster: $(DEV_READY) $(BENCH_READY) ## Measure the detector on Kafka beside other stream processors (needs Java 17 and Maven)
	@$(BIN)/python -m tests.benchmarks.cluster

backtest: $(DEV_READY) ## Judge 200 quiet days of 100 series every minute: how many give a false alert (a few minutes)
	@$(BIN)/python -m tests.alerts_judging.quiet_days

torture: $(DEV_READY) ## Kill every part 200 times at random moments, 200 rounds of faults on a cluster, and compare
	@$(BIN)/python -m tests.torture
	@$(BIN)/python -m tests.cluster

lock: ## Resolve requirements/*.in again into the lock files with hashes (needs the network)
	@requirements/install lock

clean: ## Remove the environment and the tools' caches; the data folder stays
	rm -rf .venv .venv-bench .venv-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find services shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_READY): requirements/run.lock requirements/install
	@requirements/install run

$(DEV_READY): requirements/dev.lock requirements/install $(RUN_READY)
	@requirements/install dev

$(BENCH_READY): requirements/bench.lock requirements/install
	@requirements/install bench
