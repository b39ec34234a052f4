# Each target sets up what it needs: on a fresh machine, `make demo` and `make test` work on their own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

CIFAR ?= data/cifar10.npz
DATA ?= data

.PHONY: demo test check fuzz torture damage exports imports accuracy speed format schema reference golden clean

demo: $(VENV)/installed  ## check, summarize, train, evaluate and reload a network, on real images
	$(BIN)/specbuild check specs/digits_cnn.yaml
	$(BIN)/specbuild summary specs/digits_cnn.yaml
	rm -rf runs/demo
	$(BIN)/specbuild train specs/digits_cnn.yaml --run runs/demo
	$(BIN)/specbuild evaluate runs/demo
	$(BIN)/specbuild reload runs/demo

test: $(VENV)/installed-dev  ## the whole suite
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

check: $(VENV)/installed-dev  ## what CI checks before the tests: style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(VENV)/installed-dev  ## 200,000 inputs drawn at random, and the documents that mean harm
	$(BIN)/python benchmarks/fuzz.py --count 200000 --seed 0 --processes 2
	$(BIN)/python benchmarks/hostile.py

torture: $(VENV)/installed-dev  ## 300 SIGKILLs, 50 SIGTERMs and full disks: all trainings go on to the bits of one left alone
	$(BIN)/python -m tests.kill.torture
	$(BIN)/python -m tests.kill.full_disk
	$(BIN)/python -m tests.kill.processes 10

damage: $(VENV)/installed-dev  ## 5,000 damaged runs, and 10,000 damaged or forged ones under an audit hook
	$(BIN)/python benchmarks/damage.py --damaged 5000 --forged 10000 --processes 2

exports: $(VENV)/installed-dev  ## every ready spec in every format, every layer as source and ONNX: gigabytes, half an hour
	$(BIN)/python -m tests.exporting.ready_specs
	$(BIN)/python -m tests.exporting.every_layer 25
	$(BIN)/python -m tests.exporting.ready_specs_formats
	$(BIN)/python -m tests.exporting.onnx_layers
	SPECBUILD_DATA=$(DATA) $(BIN)/python -m tests.exporting.trainings

imports: $(VENV)/installed-dev  ## torchvision's 80 classifiers as specs, every ready spec back from its source: gigabytes
	$(BIN)/python -m tests.importing.torchvision_models
	$(BIN)/python -m tests.importing.test_round_trip
	$(BIN)/python -m tests.importing.onnx_files

accuracy: $(VENV)/installed  ## train fashion_cnn and cifar_resnet9 on the real sets, which are fetched to data/
	$(BIN)/specbuild train specs/fashion_cnn.yaml --run runs/accuracy/fashion_cnn
	$(BIN)/specbuild evaluate runs/accuracy/fashion_cnn
	$(BIN)/specbuild train specs/cifar_resnet9.yaml --run runs/accuracy/cifar_resnet9
	$(BIN)/specbuild evaluate runs/accuracy/cifar_resnet9

speed: $(VENV)/installed  ## training beside other loops, on CIFAR-10 as an .npz file: make speed CIFAR=data/cifar10.npz
	$(INSTALL) --editable .[bench]
	$(BIN)/python benchmarks/training.py --data $(CIFAR)
	$(BIN)/python benchmarks/stepping.py
	$(BIN)/python benchmarks/batches.py $(CIFAR)
	$(BIN)/python benchmarks/gpu.py --data $(CIFAR)

format: $(VENV)/installed-dev  ## put the code in its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/installed  ## write the JSON Schemas in schemas/ anew
	$(BIN)/specbuild schema > schemas/specbuild-v1.schema.json.new
	mv schemas/specbuild-v1.schema.json.new schemas/specbuild-v1.schema.json
	$(BIN)/specbuild schema diagnostics > schemas/diagnostics-v1.schema.json.new
	mv schemas/diagnostics-v1.schema.json.new schemas/diagnostics-v1.schema.json

reference: $(VENV)/installed  ## write the reference pages in docs/reference and docs/codes anew
	rm -rf docs/reference docs/codes
	$(BIN)/python -m specbuild.reports.reference docs/reference
	$(BIN)/python -m specbuild.reports.codes docs/codes

golden: $(VENV)/installed-dev  ## write the expected output of every broken spec anew; read the diff
	$(BIN)/python -m pytest tests/test_broken_specs.py --rewrite

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .[dev]
	touch $@ $(VENV)/installed
