# Everything there is to do here; `make` alone tells. Every target sets up what it needs.

PYTHON ?= $(shell scripts/python)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Tests start hundreds of processes; without bytecode each would compile again all that it imports.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest
# A real browser on a busy computer: what fails is run once more, and the summary names it. Failing twice fails.
PATIENT := $(PYTEST) --reruns 1 -rfER
NOTEBOOK ?= notebooks/01-maps.ipynb

# As root, JupyterLab asks to be told; without a screen there is no browser to open, only a URL to print.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root)
LAB_FLAGS += $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname))),,--no-browser)

# Two jobs at once are for what keeps one processor busy (`make test`); all else runs one after the other, whatever -j says.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# The files of the other hosts and of the wheel take long: in one run, the last of them are beside each other.
BY_FILE = CHROMIUM="$$(scripts/chromium)" $(PATIENT) -n 3 --dist loadfile

.DEFAULT_GOAL := help
ifneq ($(BESIDE),yes)
.NOTPARALLEL:
endif
.PHONY: help lab test lint course unit javascript doctests shortest notebooks browser hosts site site-test wheel sweep real format bench pictures build locks clean
.PHONY: made prose environment-lab environment-test environment-hosts bundle chromium strace ruff mypy layers locked biome tsc workflows pages access

help: ## Say what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-11s %s\n", $$1, $$2 }'

lab: environment-lab bundle ## Open JupyterLab on lab 01 (or NOTEBOOK=…)
	JUPYTER_CONFIG_PATH="$(CURDIR)/vmwidgets/cli/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		$(BIN)/jupyter lab $(LAB_FLAGS) --LabApp.default_url='/lab/tree/$(NOTEBOOK)'

test: environment-hosts bundle chromium strace ## Run every check that a change must pass
	$(MAKE) --no-print-directory -j2 BESIDE=yes $(SYNC) lint access javascript
	$(MAKE) --no-print-directory doctests shortest unit notebooks pages
	$(BY_FILE) tests/hosts tests/packaging
	@echo "make test: all passed"

lint: ruff mypy layers locked made prose biome tsc workflows ## Check style, types, layers, locks and workflow files

ruff: environment-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

mypy: environment-test
	$(BIN)/mypy

layers: environment-test
	$(BIN)/lint-imports

locked: environment-test
	$(BIN)/python scripts/lock.py --check

made: environment-test
	$(BIN)/python -m scripts.labs --check

prose: environment-test
	$(BIN)/python -m scripts.prose

biome: environment-test bundle
	scripts/npm run lint

tsc: environment-test bundle
	scripts/npm run types

workflows: environment-test bundle
	scripts/npm run workflows

unit: environment-test bundle strace ## Run the unit tests, on the oldest and the newest Python here
	STRACE="$$(scripts/strace)" $(BIN)/python -m scripts.unit

javascript: environment-test bundle ## Run the front end's own tests
	scripts/npm test

doctests: environment-test bundle ## Run the examples of docstrings, README and docs
	$(PYTEST) -n 2 --doctest-modules --doctest-glob='*.md' vmwidgets README.md CONTRIBUTING.md docs

shortest: environment-test bundle ## Run each part of the bench in its shortest form
	$(PYTEST) -n 2 tests/benchmarks

notebooks: environment-test bundle ## Run the notebooks from top to bottom
	$(PYTEST) -n 2 --dist worksteal tests/notebooks

browser: pages access ## Run the tests in JupyterLab and Chromium

pages: environment-test bundle chromium
	CHROMIUM="$$(scripts/chromium)" $(PATIENT) -n 3 --dist worksteal tests/browser --ignore tests/browser/test_access.py

# One notebook with all pictures, which no other page may slow down.
access: environment-test bundle chromium
	CHROMIUM="$$(scripts/chromium)" $(PATIENT) tests/browser/test_access.py

hosts: environment-hosts bundle chromium ## Run the tests in JupyterLite, Notebook, Voilà, marimo, nbconvert, Firefox, Dask, nbgrader, Otter
	$(BY_FILE) tests/hosts

site: environment-test bundle chromium ## Build the site into build/site: start page, documents, labs in the browser
	CHROMIUM="$$(scripts/chromium)" $(BIN)/python -m scripts.site

site-test: site ## Test the built site in Chromium, which reaches no other host
	CHROMIUM="$$(scripts/chromium)" $(PATIENT) tests/site

wheel: environment-test bundle chromium ## Install the wheel, and what Binder installs, in clean environments
	$(BY_FILE) tests/packaging

sweep: environment-hosts bundle chromium strace site ## Run the long random searches that `make test` leaves out
	CHROMIUM="$$(scripts/chromium)" STRACE="$$(scripts/strace)" VMWIDGETS_HYPOTHESIS=sweep $(PYTEST) -n 2 -m sweep tests
	$(BIN)/python -m tests.engine.mmu.unicorn_sweep
	$(BIN)/python -m tests.engine.machine.linux.sweep
	VMWIDGETS_GESTURES=1000 $(PYTEST) tests/browser/test_monkey.py

real: environment-test bundle ## Install emulators and a RISC-V compiler (Debian), and run real kernels in them
	scripts/real
	$(PYTEST) -n 2 tests/real

format: environment-test bundle ## Rewrite the sources in the house's style
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	scripts/npm run format

bench: environment-test bundle chromium ## Measure speed, side by side with what others do
	CHROMIUM="$$(scripts/chromium)" $(BIN)/python -m benchmarks

pictures: environment-test bundle chromium ## Make the README's pictures from the real thing
	CHROMIUM="$$(scripts/chromium)" $(BIN)/python scripts/pictures.py

build: environment-test ## Build the sdist, and from it the wheel, into dist/
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

course: environment-test ## Write the notebooks from their sources in course/, and the rubrics in docs/labs/
	$(BIN)/python -m scripts.labs

locks: environment-test ## Lock the versions again (UPGRADE=1: take the newest)
	$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove everything that was built, installed or cached here
	rm -rf .venv .cache dist build js/node_modules vmwidgets/static
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .virtual_documents
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment-lab:
	@$(or $(PYTHON),false) scripts/environment.py lab

environment-test:
	@$(or $(PYTHON),false) scripts/environment.py test

environment-hosts: environment-test
	@$(BIN)/python -m scripts.hosts

bundle:
	@$(BIN)/python hatch_build.py

strace:
	@scripts/strace >/dev/null

chromium: environment-test
	@scripts/chromium >/dev/null
