# Every target sets up .venv by itself from a bare Python 3.11 with pip, and again only when the pins change.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow test-versions fuzz bench lint format clean

demo: $(READY)
	$(BIN)/parity check golden/parts_ssd golden/parts_free --report reports

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

test-versions: $(READY)
	$(BIN)/python -m pytest -m versions

# FUZZ mutated model files are looked at and loaded: how often each class was seen is printed.
FUZZ ?= 3000
fuzz: $(READY)
	PARITY_FUZZ=$(FUZZ) $(BIN)/python -m pytest -m "slow or not slow" -s \
		tests/inspecting/test_inspect_fuzz.py tests/inspecting/test_load_fuzz.py

bench: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable ".[all-cpu]"
	touch $@

clean:
	rm -rf $(VENV) reports/*
