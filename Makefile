# make demo : set everything up and run the main job on bundled uploads of both studies
# make test : set everything up and run format, lint, types, import contracts and all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: demo test test-slow lint format compiled samples bench mutation fuzz sbom lock audit docs clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "cdiscx needs Python 3.11, 3.12 or 3.13, this is " + sys.version.split()[0] + "; run: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/cdiscx demo --out demo

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n auto -m slow

lint: $(STAMP)
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

compiled: $(STAMP)
	$(BIN)/python -m cdiscx.model.spec_compiled

samples: $(STAMP)
	$(BIN)/python tests/golden/rebuild.py

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

mutation: $(STAMP)
	$(BIN)/python benchmarks/mutation.py

fuzz: $(STAMP)
	$(BIN)/python tests/fuzz/fuzzing.py 10000 1

sbom: $(STAMP)
	$(BIN)/python tools/sbom.py

# both ask the network, with a tool beside the lock: pip install uv, pip install pip-audit
lock:
	$(PYTHON) tools/lock.py

audit:
	$(PYTHON) tools/audit.py

docs: $(STAMP)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean:
	rm -rf $(VENV) demo build dist
