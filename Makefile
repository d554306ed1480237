# `make demo` and `make test` on a fresh machine do all their own set-up; `make` alone says what else there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

# What a shell may carry from another environment must not change what is installed or tested here.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDOR_CONFIG

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUNTIME := $(or $(SONICGRID_RUNTIME),.runtime)
TRAIN := .runtime/train

# An environment that is complete, but of a checkout that stood elsewhere, is made again.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

.PHONY: setup
setup: $(INSTALLED) ## install everything: Python packages, HTCondor, Triton, Envoy, uPlot (at once when it is there)
	@$(BIN)/python -m jobs.pool.install
	@$(BIN)/python -m sonic.server.install --runtime "$(RUNTIME)"
	@$(BIN)/python -m monitoring.web.install

.PHONY: demo
demo: setup ## run a whole campaign on this machine and say where its report is
	@$(BIN)/sonicgrid demo

.PHONY: test
test: setup browser ## run the tests, those with a real pool included (TESTS="tests/jobs -k units" for some)
	@$(BIN)/python -m monitoring.prometheus.install
	@$(BIN)/python -m jobs.storage.install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: browser
browser: $(INSTALLED)
	@$(BIN)/python -m tests.browser.chromium

.PHONY: screenshots
screenshots: setup browser ## take pictures of the dashboard's pages while a campaign runs, for .runtime/screenshots and docs
	$(BIN)/python -m tests.browser.screenshots

.PHONY: lint
lint: $(INSTALLED) ## check style, types (JavaScript's too, which takes npm) and workflow, changing nothing
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	@$(BIN)/python -m monitoring.web.install --required
	"$(RUNTIME)/web/node_modules/.bin/tsc" --project monitoring/web --typeRoots "$(abspath $(RUNTIME))/web/node_modules"
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/python -m snakemake --lint

.PHONY: bench
bench: setup ## run every benchmark; each prints a table and writes benchmarks/results/*.json
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

.PHONY: fuzz
fuzz: $(INSTALLED) ## fuzz the readers of bytes, ten minutes in all (TARGETS="event-log" SECONDS=600 for one alone)
	@for target in $(or $(TARGETS),clusters event-log record shares site spec view-message); do \
		echo "== $$target"; \
		$(BIN)/python -m tests.fuzz.fuzz "$$target" --seconds $(or $(SECONDS),85); \
	done

.PHONY: train
train: $(INSTALLED) ## train the demo network again, in an environment of its own
	@.ci/make-venv $(TRAIN)
	$(TRAIN)/bin/python -m pip install --disable-pip-version-check --constraint requirements.lock --editable '.[train]'
	$(BIN)/python -m jobs.reco.training_set --seed 1 --out $(TRAIN)/training.npz
	$(BIN)/python -m jobs.reco.training_set --seed 2 --natural --events 100 --hits-per-event 400 --out $(TRAIN)/evaluation.npz
	$(TRAIN)/bin/python -m sonic.server.models.train --training $(TRAIN)/training.npz --evaluation $(TRAIN)/evaluation.npz

.PHONY: clean
clean: ## stop a running pool; remove .venv, .runtime and caches
	@if [[ -x $(BIN)/python && -e "$(RUNTIME)/pool" ]]; then $(BIN)/sonicgrid pool down; fi
	rm -rf $(VENV) "$(RUNTIME)" .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml
	@.ci/make-venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --use-pep517 --requirement requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --editable .
	@echo '$(CURDIR)' > $@
