# Every target sets up .venv by itself from a bare Python 3.11 with pip, and again only when the pins change.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-processors test-plain test-onednn test-slow test-versions fuzz bench lint format clean

demo: $(READY)
	$(BIN)/parity check golden/parts_ssd golden/parts_free --report reports

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

# Libraries choose their kernels by the processor, and with them the last bits of every sum. These are
# other processors' choices, as far as one machine can be told to make them: PLAIN is one without AVX,
# where TensorFlow runs without oneDNN (its default where there is no VNNI), ONEDNN runs with it, on
# kernels for SSE 4.1, and with exact integers in ONNX Runtime where those of the processor saturate.
# The float kernels of ONNX Runtime and those of LiteRT take no orders.
PLAIN := TF_ENABLE_ONEDNN_OPTS=0 ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default \
	MKL_CBWR=COMPATIBLE NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR" \
	OPENCV_CPU_DISABLE=AVX,AVX2,AVX512-SKX
ONEDNN := TF_ENABLE_ONEDNN_OPTS=1 ONEDNN_MAX_CPU_ISA=SSE41
NUMBERS ?= $(addprefix tests/,agreement decode export faults layers preprocess roundtrip runtimes)

test-processors: test-plain test-onednn

test-plain: $(READY)
	$(PLAIN) $(BIN)/python -m pytest -n auto --dist loadfile $(NUMBERS)

test-onednn: $(READY)
	$(ONEDNN) $(BIN)/python -m pytest -n auto --dist loadfile -p tests.exact_integers $(NUMBERS)

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
