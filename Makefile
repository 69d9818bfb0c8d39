# Needs only make and Python 3.11. Another interpreter: make PYTHON=/path/to/python3.11 test
find_python = $(firstword $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python3) $(shell python$(1) -c 'import sys; print(sys.executable)' 2>/dev/null))
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REQUIREMENTS ?= requirements-dev.txt
# Whoever has nothing left to do takes tests from the others. PARALLEL= runs all in one process, for a debugger.
PARALLEL ?= --numprocesses logical --maxprocesses 8 --dist worksteal
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Wherever keeping bytecode is switched off, every process that tests start would compile fitfeed anew, and pytest all tests.
unexport PYTHONDONTWRITEBYTECODE

ENGINES := .engines
PINNED := tests/servers/engines

.PHONY: help demo test tests slow lanes pythons tests-of-lane same-in-lanes fuzz soak engines docs installed lint bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 8

demo: $(READY) ## convert the pictures in examples/ to TFRecord and HDF5 and train on both
	@$(BIN)/python examples/demo.py

test: $(READY) ## check style, types and imports, and beside that run the tests, in a process for each CPU
	@$(MAKE) --no-print-directory --jobs=2 lint tests

tests: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL)

slow: $(READY) ## run the slow tests: soak and fault tests, pages, benchmarks
	@$(BIN)/python -m pytest $(PARALLEL) -m slow

# Lanes: the ends and the middle of the ranges in pyproject.toml. The newest has the versions of `make test`, with a newer Python.
LANES ?= oldest middle newest
PYTHON_OF_oldest := 3.11
PYTHON_OF_middle := 3.12
PYTHON_OF_newest := 3.13
REQUIREMENTS_OF_newest := requirements-dev.txt
# Where versions differ: what TensorFlow, NumPy, OpenCV, h5py and protobuf compute, and how they call each other.
LANE_TESTS ?= tests/schemas tests/pipelines tests/end_to_end tests/golden tests/converters tests/fitfeed/bench tests/fitfeed/estimate tests/lanes

lanes: pythons $(LANES:%=lane-%) same-in-lanes ## run the tests with the oldest, a middle and the newest TensorFlow, each with a Python of its own

lane-newest: LANE_TESTS := tests
lane-%:
	@[ -n "$(PYTHON_OF_$*)" ] || { echo "There is no lane $*. Expected one of: oldest, middle, newest." >&2; exit 1; }
	@rm -rf .lanes/$* # what an earlier run left, so that only lanes of this run are compared
	@if [ -n "$(call find_python,$(PYTHON_OF_$*))" ]; then \
	  $(MAKE) --no-print-directory PYTHON=$(call find_python,$(PYTHON_OF_$*)) VENV=.venv-$* \
	    REQUIREMENTS=$(or $(REQUIREMENTS_OF_$*),requirements-$*.txt) LANE=$* LANE_TESTS="$(LANE_TESTS)" tests-of-lane; \
	else $(call missing,$*); fi

pythons: ## say which lanes lack their Python
	@$(foreach lane,$(LANES),[ -z "$(PYTHON_OF_$(lane))" ] || [ -n "$(call find_python,$(PYTHON_OF_$(lane)))" ] || $(call missing,$(lane));) true

# With FITFEED_REQUIRE_LANES=1 it is an error.
missing = { echo "Skipped the lane $(1): Python $(PYTHON_OF_$(1)) is neither below ~/.pyenv/versions nor on PATH." >&2; [ -z "$$FITFEED_REQUIRE_LANES" ] || exit 1; }

tests-of-lane: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL) $(LANE_TESTS)
	@$(BIN)/python -m tests.lanes .lanes/$(LANE)

# Bytes of conversions and batches of epochs, of all lanes that were just tried.
same-in-lanes: $(LANES:%=lane-%)
	@made= count=0; for lane in $(LANES); do \
	  [ ! -d .lanes/$$lane ] || { made="$$made .lanes/$$lane" count=$$((count + 1)) python=.venv-$$lane/bin/python; }; \
	done; if [ $$count -gt 1 ]; then $$python -m tests.lanes.compare $$made; \
	else echo "Compared nothing: it takes two lanes, and this run tried $$count."; fi

FITFEED_FUZZ_SECONDS ?= 60
fuzz: $(READY) ## give damaged files to all that reads foreign ones, a minute for each target, two at a time
	@$(BIN)/python -m tests.fuzz all --seconds $(FITFEED_FUZZ_SECONDS) --jobs 2

# Both matrices, with their tables; SOAK="--sample TEXT" is a twentieth of them.
soak: $(READY) ## let all go wrong with each object store and on each engine; needs make engines
	@$(BIN)/python -m tests.soak $(or $(SOAK),--table benchmarks/results/stores_under_faults.md)
	@$(BIN)/python -m tests.soak.engines $(or $(SOAK),--table benchmarks/results/engines_under_faults.md)

engines: $(ENGINES)/versitygw $(ENGINES)/prism $(ENGINES)/node_modules/.ready ## install the servers that tests start: stores, a Beam engine; needs Go and Node.js

$(ENGINES)/versitygw: PACKAGE := github.com/versity/versitygw/cmd/versitygw
$(ENGINES)/prism: PACKAGE := github.com/apache/beam/sdks/v2/go/cmd/prism
$(ENGINES)/versitygw $(ENGINES)/prism: $(PINNED)/go.mod $(PINNED)/go.sum
	@echo "Building $(@F) (once; a few minutes) ..."
	@cd $(PINNED) && go build -o $(CURDIR)/$@ $(PACKAGE)
	@touch $@

$(ENGINES)/node_modules/.ready: $(PINNED)/package.json $(PINNED)/package-lock.json
	@echo "Installing azurite and axe-core (once) ..."
	@mkdir -p $(ENGINES) && cp $^ $(ENGINES)
	@cd $(ENGINES) && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

installed: $(READY) ## install the built wheel where nothing else is, use it, then add Dask, TensorFlow, tensorflow-io; some minutes
	@$(BIN)/python -m tests.clean_install

lint: $(READY) ## check style, types and imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

docs: $(VENV)/.ready-docs ## make the site of the documentation, docs/_build/index.html
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build
	@echo "docs/_build/index.html"

bench: $(READY) ## measure conversion and feeding on this machine
	@$(BIN)/python -m benchmarks

clean: ## remove everything that make and the tests left
	@rm -rf $(VENV) $(LANES:%=.venv-%) .lanes .stacks $(ENGINES) docs/_build build dist findings *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready-docs: $(READY) requirements-docs.txt
	@$(PIP) install --require-hashes --requirement requirements-docs.txt
	@$(PIP) check
	@touch $@

$(READY): requirements.txt $(REQUIREMENTS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || \
	  { echo "fitfeed needs Python 3.11 or newer as $(PYTHON). Name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; downloads TensorFlow and Beam) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --requirement $(REQUIREMENTS)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@
