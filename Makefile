# Runline's tasks. `make` alone lists them. Whatever a task needs and can be installed without root is set up by it.

VENV = .venv
BIN = $(VENV)/bin
RUN = $(BIN)/python -m
FOR ?= 5m
KILLS ?= 50
UPGRADE ?=
CHECKED = $(wildcard src tests tools benchmarks)

.DEFAULT_GOAL := help
.SUFFIXES:

## help: list the tasks
.PHONY: help
help:
	@echo 'make TASK, where TASK is one of'
	@sed -n 's/^## \([a-z-]*\): \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-10s %s\n", $$1, $$2 }'

## demo: show Runline working on a page: a house, two books, a real baseball day (FOR=2m makes it shorter)
.PHONY: demo
demo: $(VENV)/.package $(VENV)/.console
	@echo '==> runline demo --for $(FOR)'
	@$(BIN)/runline demo --for $(FOR)

## cluster: PostgreSQL with a standby, three nodes and two gateways on this machine, the demo's day in them, keys that kill (FOR=2m)
.PHONY: cluster
cluster: $(VENV)/.dev $(VENV)/.console
	@echo '==> python tools/cluster.py --for $(FOR)'
	@$(BIN)/python tools/cluster.py --for $(FOR)

## console: build the pages for people into the package
.PHONY: console
console: $(VENV)/.console
	@echo 'console: built into src/runline/console'

## reference: write the pages of docs/reference anew, which follow from the source
.PHONY: reference
reference: $(VENV)/.dev
	@$(BIN)/python tools/reference.py docs/reference
	@echo 'reference: written into docs/reference'

## docs: build the documentation's site into build/site
.PHONY: docs
docs: reference
	@NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict --quiet
	@echo 'docs: built into build/site'

## pictures: take the pictures of the console and of the terminal from running demos
.PHONY: pictures
pictures: $(VENV)/.dev $(VENV)/.console
	@$(BIN)/python tools/console_pictures.py
	@$(BIN)/python tools/terminal_picture.py

## setup: set up everything that development needs, in .venv
.PHONY: setup
setup: $(VENV)/.dev
	@echo 'setup: ready in $(VENV)'

## test: all that must hold: check, integration, the pages in a browser, a minute of simulated runs; side by side, with their times
.PHONY: test
test: $(VENV)/.dev $(VENV)/.console
	@$(BIN)/python tools/stages.py test

## check: what takes under a minute: ruff, mypy, import-linter, the lints of tools/, unit tests
.PHONY: check
check: $(VENV)/.dev
	@$(BIN)/python tools/stages.py check

## quick: what takes seconds: ruff, import-linter, the lints of tools/
.PHONY: quick
quick: $(VENV)/.dev
	@$(BIN)/python tools/stages.py quick

## hooks: have git run the quick checks before each commit
.PHONY: hooks
hooks:
	@hook=$$(git rev-parse --git-path hooks)/pre-commit; \
	if [ -e "$$hook" ] && ! grep -q "make --no-print-directory quick" "$$hook"; then \
	    echo "hooks: $$hook is there already and is not ours; remedy: call 'make quick' from it, or move it away" >&2; exit 1; \
	fi; \
	mkdir -p "$$(dirname "$$hook")" && install -m 755 tools/pre-commit "$$hook" && echo "hooks: $$hook runs 'make quick'"

## test-long: what takes longer: the crash tests with 50 kills (KILLS=N), 50 kills of owners and stops in each point of a commit, 20 failovers of PostgreSQL, 10 by Patroni, 250 flipped bits, 50 screens cut 100 times, 1,000 seeds, planted faults, small changes of the domain
.PHONY: test-long
test-long: $(VENV)/.dev $(VENV)/.patroni
	@TEST_KILLS=$(KILLS) $(BIN)/python tools/stages.py long

## mutants: plant 98 faults, one at a time, and see what catches each, more than an hour (ONLY="push-lost" for some)
.PHONY: mutants
mutants: $(VENV)/.dev
	@$(BIN)/python tools/mutants.py $(ONLY) $(if $(INTO),--into $(INTO))

## mutmut: change the domain in all small ways, hours, and see which no unit test notices (ONLY="grading placing" for some modules)
.PHONY: mutmut
mutmut: $(VENV)/.dev
	@$(BIN)/python tools/survivors.py $(ONLY)

## bench: measure the budgets: benchmarks/RESULTS.md and plots, half an hour (ONLY="http both" for some)
.PHONY: bench
bench: $(VENV)/.dev
	@$(BIN)/python benchmarks/run.py $(ONLY)
	@$(BIN)/python benchmarks/plots.py

## flames: record flame graphs under full load (INTO=folder, by default benchmarks/flames/after)
.PHONY: flames
flames: $(VENV)/.dev
	@$(BIN)/python benchmarks/flames.py $(INTO)

## format: put the code into its form, and mend what ruff can mend
.PHONY: format
format: $(VENV)/.dev
	@$(RUN) ruff check --fix $(CHECKED)
	@$(RUN) ruff format $(CHECKED)

## pins: compile requirements/*.txt anew (UPGRADE=--upgrade takes newer versions); needs uv
.PHONY: pins
pins:
	@command -v uv >/dev/null || { echo 'pins: uv is missing; remedy: python3 -m pip install uv' >&2; exit 1; }
	@compile() { \
	    UV_CUSTOM_COMPILE_COMMAND='make pins' \
	    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) "$$@"; \
	}; \
	set -e; \
	compile pyproject.toml -o requirements/run.txt; \
	compile requirements/build.in -c requirements/run.txt -o requirements/build.txt; \
	compile pyproject.toml requirements/dev.in --extra postgresql -o requirements/dev.txt; \
	compile pyproject.toml --extra postgresql -c requirements/dev.txt -o requirements/postgresql.txt; \
	compile requirements/patroni.in -o requirements/patroni.txt

## clean: remove everything that these tasks have made
.PHONY: clean
clean:
	rm -rf $(VENV) console/node_modules src/runline/console .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis build dist
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Setting up. Each step leaves a stamp in .venv, so that it is done again only when what it reads has changed.

PINS = $(RUN) pip install -qq --disable-pip-version-check --no-input --require-hashes

# $(call INSTALL,what,pip's arguments): a line that says what is being done, and how long it took.
INSTALL = @printf 'setup: installing %s ... ' '$(1)'; at=$$(date +%s); \
	$(2) || { echo 'failed'; echo 'setup: pip could not install $(1); its reason is above (pip config list shows which index it asks)' >&2; exit 1; }; \
	echo "$$(($$(date +%s) - at)) s"

# A virtual environment knows its own folder: one that was moved, copied or has lost its Python is made anew.
ifneq ($(shell test -x $(BIN)/python && cat $(VENV)/.made 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo 'setup: Python 3.11 or newer is missing.' >&2; \
	    echo '  Debian, Ubuntu: apt-get install python3 python3-venv    Fedora: dnf install python3    macOS: brew install python' >&2; \
	    echo '  Is it installed under another name? make PYTHON=/path/to/python3' >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "setup: $$found lacks the modules venv and ensurepip." >&2; \
	    echo '  Debian, Ubuntu: apt-get install python3-venv' >&2; exit 1; \
	fi; \
	echo "setup: $$($$found --version) ($$(command -v $$found))"; \
	echo 'setup: making $(VENV)'; \
	rm -rf $(VENV); $$found -m venv $(VENV) && echo '$(CURDIR)' > $@

$(VENV)/.run: requirements/run.txt requirements/build.txt $(VENV)/.made
	$(call INSTALL,what Runline runs on (requirements/run.txt),$(PINS) -r requirements/run.txt -r requirements/build.txt)
	@touch $@

$(VENV)/.package: pyproject.toml src/runline/__init__.py $(VENV)/.run
	$(call INSTALL,runline itself from src,$(RUN) pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.package
	$(call INSTALL,what checks Runline (requirements/dev.txt),$(PINS) -r requirements/dev.txt)
	@touch $@

$(VENV)/.patroni: requirements/patroni.txt $(VENV)/.dev
	$(call INSTALL,what fails databases over (requirements/patroni.txt),$(PINS) -r requirements/patroni.txt)
	@touch $@

# The console: its types come from the API's own document, so that a page that asks for what is not there does not build.

CONSOLE = $(filter-out console/src/lib/api-types.ts, $(wildcard console/*.json console/*.ts console/*.html console/src/*.* console/src/*/*.* console/src/*/*/*.*))
NPM = npm --prefix console --loglevel=error

$(VENV)/.npm: console/package.json console/package-lock.json $(VENV)/.made
	@command -v npm >/dev/null || { \
	    echo 'setup: npm is missing; the console needs Node 20 or newer.' >&2; \
	    echo '  Debian, Ubuntu: apt-get install nodejs npm    Fedora: dnf install nodejs    macOS: brew install node' >&2; exit 1; }
	$(call INSTALL,what builds the console (console/package-lock.json),$(NPM) ci --no-progress >/dev/null)
	@touch $@

$(VENV)/.console: $(filter-out console/openapi.json,$(CONSOLE)) $(wildcard src/runline/gateway/*.py src/runline/domain/*.py) tools/openapi.py $(VENV)/.npm $(VENV)/.package
	@printf 'setup: building the console ... '; at=$$(date +%s); \
	{ $(BIN)/python tools/openapi.py console/openapi.json && $(NPM) run --silent types && $(NPM) run --silent check && $(NPM) run --silent build; } >$(VENV)/console.log 2>&1 \
	|| { echo 'failed'; cat $(VENV)/console.log >&2; exit 1; }; echo "$$(($$(date +%s) - at)) s"
	@touch $@
