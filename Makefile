# The targets create the environment .venv if it is missing; PYTHON chooses its interpreter.
PYTHON ?= $(firstword $(shell command -v python3.11 python3 python))
SPACE ?= quickstart
STUDY ?= $(notdir $(basename $(SPACE)))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
PEERS_READY := $(PEERS)/.ready

LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check .
TYPES := $(BIN)/python -m mypy
# Two more than the CPUs that may be used: many tests wait for processes that they have started.
WORKERS = $(shell $(BIN)/python -c \
	"from dse.machine.affinity import available_cpus; print(len(available_cpus()) + 2)")
# Lint and types are checked while the tests run; what they found is told after the tests. The tests
# are collected once beforehand, so that their byte code is there for every process that runs them.
TEST = export PYTHONDONTWRITEBYTECODE=; \
	($(LINT); lint=$$?; $(TYPES) && exit $$lint) > $(VENV)/checks.txt 2>&1 & checks=$$!; \
	$(BIN)/python -m pytest --collect-only -q > $(VENV)/collected.txt; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 40 $(1); tests=$$?; \
	wait $$checks; checked=$$?; cat $(VENV)/checks.txt; exit $$((tests + checked))

.PHONY: explore test test-all environments large-environments lint types bench bench-search \
	peers bench-peers runtimes docs clean

explore: $(READY)
	$(BIN)/dse explore $(SPACE) --study $(STUDY)

# Everything but the tests that are marked `long`: those prove more of what others prove once.
test: environments
	@$(call TEST,-m 'not long')

# Everything, with 500 examples of each property instead of 25.
test-all: environments large-environments
	@$(call TEST,--hypothesis-profile nightly)

# Of the runtimes that have a Python 3.11 of their own; kept between runs. Where they can't be had,
# their tests are skipped and say why, so this may fail.
environments: $(READY)
	-DSE_CACHE_DIR='$(CURDIR)/$(VENV)/cache' $(BIN)/dse backends install deepsparse tflite-runtime ncnn

# Of the runtimes that every run of the tests does without: three gigabytes.
large-environments: $(READY)
	-DSE_CACHE_DIR='$(CURDIR)/$(VENV)/cache' $(BIN)/dse backends install \
		pytorch executorch tensorflow onnxruntime-openvino

lint: $(READY)
	$(LINT)

types: $(READY)
	$(TYPES)

# Apart from the tests: a benchmark needs a machine that does nothing else.
bench: $(READY)
	$(BIN)/python -m benchmarks.harness_overhead
	$(BIN)/python -m benchmarks.runtimes
	$(BIN)/python -m benchmarks.bookkeeping

# Of recorded tables: the machine may do other things as well. Optuna's GP sampler keeps its figures.
bench-search: $(READY)
	$(BIN)/python -m benchmarks.search --page

# The samplers of other projects, with torch: an environment of its own, of 1.4 GB.
peers: $(PEERS_READY)

# Takes half an hour of a core.
bench-peers: $(PEERS_READY)
	$(PEERS)/bin/python -m benchmarks.search --peers

# Takes an hour, most of it ExecuTorch's exporter; the runtimes with an environment of their own must be installed.
runtimes: $(READY)
	$(BIN)/python -m tests.runtimes_page

docs: $(READY)
	$(BIN)/python -m tests.help_pages
	$(BIN)/python -m tests.python_page

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
	touch $@

# The wheels of torch on PyPI are built for CUDA; those for CPUs lie elsewhere.
$(PEERS_READY): pyproject.toml
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --editable . \
		--group peers --extra-index-url https://download.pytorch.org/whl/cpu
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
