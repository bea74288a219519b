# Everything there is to do here; `make` alone tells. Every target sets up what it needs.

PYTHON ?= $(shell tools/python)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Tests start hundreds of processes; without bytecode each would compile again all that it imports.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest
# A real browser on a busy computer: what fails is run once more, and the summary names it. Failing twice fails.
PATIENT := $(PYTEST) --reruns 1 -rfER
NOTEBOOK ?= notebooks/README.md

# As root, JupyterLab asks to be told; without a screen there is no browser to open, only a URL to print.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root)
LAB_FLAGS += $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname))),,--no-browser)

# Tests in browsers wait half of their time: beside them runs, at a lower priority, what computes. All else runs one
# after the other, whatever -j says.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
TWO = $(MAKE) --no-print-directory -j2 BESIDE=yes
# Makes targets one after the other, and says how long each took: $(call EACH,make's options,targets).
EACH = for target in $(2); do \
		begun=$$(date +%s); $(MAKE) --no-print-directory BESIDE=no $(1) $$target || exit; \
		echo "make $$target: $$(($$(date +%s) - begun)) s"; \
	done
# Without a Chromium its tests are left out, and named at the end.
BROWSER = CHROMIUM="$$(tools/chromium)"
# The files of the other hosts and of the wheel take long: in one run, the last of them are beside each other.
BY_FILE = $(BROWSER) $(PATIENT) -n 3 --dist loadfile
# `make check` runs what `make test` left: tests/tiers.py says which is which.
TIER =
# What was left out, for lack of a program; each run of pytest adds its own.
export VMWIDGETS_LEFT_OUT := $(CURDIR)/.cache/left-out.txt
BEGIN = @mkdir -p .cache && rm -f $(VMWIDGETS_LEFT_OUT)
define END
@echo "make $@: all passed"
@! [ -s $(VMWIDGETS_LEFT_OUT) ] || { echo "make $@: left out:"; sort -u $(VMWIDGETS_LEFT_OUT); }
endef

# Programs for the day of a release alone, in an environment that uv keeps.
RELEASING = $(BIN)/uv tool run --quiet --constraints tools/requirements/site.txt

.DEFAULT_GOAL := help
ifneq ($(BESIDE),yes)
.NOTPARALLEL:
endif
.PHONY: help lab test check lint course fast unit javascript doctests shortest notebooks browser hosts site site-test wheel sweep beside
.PHONY: real reach mutants tiers format bench pictures listing build changes locks programs clean newest oldest essential pages access
.PHONY: made budget prose environment-lab environment-test environment-hosts bundle ruff mypy layers biome tsc workflows
.PHONY: hosts-and-packages test-waits test-computes check-waits check-computes

help: ## Say what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-11s %s\n", $$1, $$2 }'

lab: environment-lab bundle ## Open JupyterLab on the labs' first page (or NOTEBOOK=…)
	JUPYTER_CONFIG_PATH="$(CURDIR)/vmwidgets/cli/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		$(BIN)/jupyter lab $(LAB_FLAGS) --LabApp.default_url='/lab/tree/$(NOTEBOOK)'

test: environment-test bundle ## Run what finds most bugs: before each commit
	$(BEGIN)
	+$(TWO) test-waits test-computes
	$(END)

check: environment-hosts bundle ## Run what a change must pass beside `make test`
	$(BEGIN)
	+@$(call EACH,TIER=--tier=rest,newest doctests shortest)
	+$(TWO) TIER=--tier=rest check-waits check-computes
	$(END)

test-waits:
	+@$(call EACH,,essential fast)

test-computes:
	+@renice -n 10 $$$$ >/dev/null; $(call EACH,$(SYNC),lint javascript)

check-waits:
	+@$(call EACH,,pages access hosts-and-packages)

check-computes:
	+@renice -n 10 $$$$ >/dev/null; $(call EACH,$(SYNC),oldest notebooks)

lint: ruff mypy layers made budget prose biome tsc workflows ## Check style, types, layers, weights and workflow files

ruff: environment-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

mypy: environment-test
	$(BIN)/mypy

layers: environment-test
	$(BIN)/lint-imports
	$(BIN)/python -m tools.reach

made: environment-test bundle
	$(BIN)/python -m tools.labs --check
	$(BIN)/python -m tools.listing --check
	$(BIN)/python -m tools.face --check

budget: environment-test
	$(BIN)/python -m tools.budget

prose: environment-test
	$(BIN)/python -m tools.prose

biome: environment-test bundle
	tools/npm run lint

tsc: environment-test bundle
	tools/npm run types

workflows: environment-test bundle
	tools/npm run workflows

UNIT = tests $(patsubst %,--ignore=tests/%,benchmarks browser hosts packaging site)

fast: environment-test bundle ## Run the unit tests that find most, and the students' notebooks
	$(PYTEST) -n 2 --dist worksteal --tier fast $(UNIT)

essential: environment-test bundle
	$(BROWSER) $(PATIENT) -n 2 --dist worksteal --tier fast tests/browser

unit: environment-test bundle ## Run the unit tests, on the oldest and the newest Python here
	$(BIN)/python -m tools.unit

newest oldest: environment-test bundle
	$(BIN)/python -m tools.unit --rest --on $@

javascript: environment-test bundle ## Run the front end's own tests
	tools/npm test

doctests: environment-test bundle ## Run the examples of docstrings, README and docs
	$(PYTEST) -n 2 --doctest-modules --doctest-glob='*.md' vmwidgets tools README.md CONTRIBUTING.md docs

shortest: environment-test bundle ## Run each part of the bench with the least of everything
	$(PYTEST) -n 2 tests/benchmarks

notebooks: environment-test bundle ## Run the notebooks from top to bottom
	$(PYTEST) -n 2 --dist worksteal $(TIER) tests/notebooks

browser: pages access ## Run the tests in JupyterLab and Chromium

pages: environment-test bundle
	$(BROWSER) $(PATIENT) -n 3 --dist worksteal $(TIER) tests/browser --ignore tests/browser/test_access.py

# One notebook with all pictures, which no other page may slow down.
access: environment-test bundle
	$(BROWSER) $(PATIENT) tests/browser/test_access.py

hosts-and-packages: environment-hosts bundle
	$(BY_FILE) $(TIER) tests/hosts tests/packaging

hosts: environment-hosts bundle ## Run the tests in JupyterLite, Notebook, Voilà, marimo, nbconvert, Firefox, Dask, nbgrader, Otter
	$(BY_FILE) tests/hosts

site: environment-test bundle ## Build the site into build/site: start page, documents, labs in the browser
	$(BROWSER) $(BIN)/python -m tools.site

site-test: site ## Test the built site in Chromium, which reaches no other host
	$(BROWSER) $(PATIENT) tests/site

wheel: environment-test bundle ## Install the wheel, and what Binder installs, in clean environments
	$(BY_FILE) tests/packaging

sweep: environment-hosts bundle site ## Run the long searches, and all else that `make check` leaves out
	VMWIDGETS_HYPOTHESIS=sweep $(PYTEST) -n 2 -m 'sweep and not kernel' $(UNIT)
	$(BROWSER) $(PATIENT) -n 2 -m 'sweep and not kernel' $(patsubst %,tests/%,browser hosts packaging site)
	$(BIN)/python -m tests.engine.mmu.unicorn_sweep
	$(BIN)/python -m tests.engine.machine.linux.sweep
	$(BIN)/python -m tests.beside --lives 3000 --seed 100000
	VMWIDGETS_GESTURES=1000 $(PYTEST) tests/browser/test_monkey.py

beside: environment-test bundle ## Live random lives in the engine before its redesign and in today's, and compare (LIVES=1000 SEED=0)
	$(BIN)/python -m tests.beside --lives $(or $(LIVES),1000) --seed $(or $(SEED),0)

real: environment-test bundle ## Install emulators and a RISC-V compiler (Debian), and run real kernels in them (VMWIDGETS_XV6=FOLDER)
	tools/real
	$(PYTEST) -n 2 -m 'kernel or not sweep' tests/real

reach: environment-test bundle ## Run all unit tests once and keep their times, and which lines each runs (Python 3.12)
	$(BIN)/python -m tools.finders

mutants: environment-test bundle ## Change one line at a time: how many changes do the tests find? (SEED=1 COUNT=20 FOLDER=vmwidgets, or LIST=tests/changes.txt; MATRIX=FILE names the tests that find each)
	$(BIN)/python -m tools.mutants --seed $(or $(SEED),1) --count $(or $(COUNT),20) --folder $(or $(FOLDER),vmwidgets) \
		$(if $(LIST),--list $(LIST)) $(if $(MATRIX),--matrix $(MATRIX))

tiers: environment-test ## Choose the tests of `make test` and `make check` by what they find (MATRIX=FILE): writes tests/tiers.txt
	$(BIN)/python -m tools.tiers $(MATRIX)

format: environment-test bundle ## Rewrite the sources in the house's style
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	tools/npm run format

bench: environment-test bundle ## Measure speed, side by side with what others do (COMMIT=288187fe: with an earlier commit)
	$(BROWSER) $(BIN)/python -m tools.benchmarks $(if $(COMMIT),--beside $(COMMIT))

pictures: environment-test bundle ## Make the README's pictures from the real thing
	$(BROWSER) $(BIN)/python -m tools.pictures

build: environment-test ## Build the sdist, and from it the wheel, into dist/, and check them for PyPI
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist
	$(RELEASING) twine check --strict dist/*.whl dist/*.tar.gz

changes: environment-test ## Show the next release's changes (RELEASE=0.2.0: write them into CHANGELOG.md)
	$(RELEASING) towncrier build $(if $(RELEASE),--yes --version $(RELEASE),--draft --version next)

course: environment-test ## Write the notebooks from their sources in course/, and the rubrics in docs/labs/
	$(BIN)/python -m tools.labs

listing: environment-test ## Write the lists of pictures from their registrations, and the public face
	$(BIN)/python -m tools.listing
	$(BIN)/python -m tools.face

# Each lock has hashes, and is for all supported Pythons and platforms at once; `page` is for Pyodide.  A lock that is
# narrower than `test` takes the versions from there; Sphinx's readers, beside the programs of a release, need older ones.
LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --custom-compile-command "make locks" \
	$(if $(UPGRADE),--upgrade) $(if $(PACKAGE),--upgrade-package $(PACKAGE)) pyproject.toml
EVERYWHERE = --universal --python-version 3.10
LOCKS := tools/requirements
NARROW = --constraint $(LOCKS)/test.txt

locks: environment-test ## Lock the versions again (UPGRADE=1: take the newest; PACKAGE=NAME: of this one alone)
	$(LOCK) $(EVERYWHERE) --extra lab --group build --group uv --group test --output-file $(LOCKS)/test.txt
	$(LOCK) $(EVERYWHERE) $(NARROW) --extra lab --group build --output-file $(LOCKS)/lab.txt
	$(LOCK) $(EVERYWHERE) $(NARROW) --group hosts --output-file $(LOCKS)/hosts.txt
	$(LOCK) $(EVERYWHERE) --group site --group release --output-file $(LOCKS)/site.txt
	$(LOCK) --python-version 3.14 --python-platform wasm32-pyodide2024 $(NARROW) --group page --output-file $(LOCKS)/page.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --custom-compile-command "make locks" $(EVERYWHERE) \
		$(NARROW) --group uv --output-file $(LOCKS)/uv.txt

programs: ## Install strace, Valgrind, Firefox and librsvg (Debian, as root), which some tests need
	tools/program --install strace valgrind firefox rsvg-convert

clean: ## Remove everything that was built, installed or cached here
	rm -rf .venv .cache dist build js/node_modules vmwidgets/static
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .virtual_documents
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment-lab:
	@$(or $(PYTHON),false) tools/environment.py lab

environment-test:
	@$(or $(PYTHON),false) tools/environment.py test

environment-hosts: environment-test
	@$(BIN)/python -m tools.hosts

bundle:
	@$(BIN)/python hatch_build.py
