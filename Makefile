# Two commands: `make all` builds, scores, packages and installs en_clinical_distilled; `make test` checks the project.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
STAMP := $(VENV)/.installed

.PHONY: all test lint install lock clean
.DELETE_ON_ERROR:

all: $(STAMP)
	$(BIN)/python -m spacy project run all
	$(BIN)/pip install --quiet --no-deps --force-reinstall packages/en_clinical_distilled-*.whl
	@echo 'Done: nlp = spacy.load("en_clinical_distilled") works in $(BIN)/python. Scores: metrics/evaluation.json'

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(STAMP)

# torch comes first and alone: which build is right (CPU or a CUDA version) is the machine's business, not the lock's.
# Everything else is pinned with hashes; --no-deps because the lock is complete and leaves out what is not needed.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
	  || { echo "Python 3.10, 3.11 or 3.12 is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Renew the pins (needs uv). torch and sentence-transformers are kept out: see requirements.overrides.
lock:
	uv pip compile pyproject.toml --extra encoder --extra teach --extra train --extra trf --extra package --extra dev \
	  --universal --python-version 3.10 --generate-hashes --overrides requirements.overrides --custom-compile-command "make lock" --output-file requirements.lock

clean:
	rm -rf corpus training packages metrics project.lock
