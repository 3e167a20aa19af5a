# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
BIOME := tools/biome/node_modules/.bin/biome
PIP_OPTIONS := --quiet --disable-pip-version-check --constraint constraints.txt

# Without this, make deletes the environments' python as an intermediate file.
.SECONDARY:

.PHONY: help demo install test check docs lint lint-page format matrix dist clean

help:
	@echo "make demo     install into $(VENV), then see the whole workflow, from data to reading"
	@echo "make install  install into $(VENV), to use and to develop"
	@echo "make test     every check - lint, types, tests - in an environment of its own"
	@echo "make check    the same checks in $(VENV), without installing"
	@echo "make lint     those of them that run no code: ruff, mypy, Biome"
	@echo "make docs     build the documentation site into site/"
	@echo "make matrix   the quick tests with every Python found, and with the lowest declared versions"
	@echo "make dist     build the packages of a release into dist/, and check them"
	@echo "make format   format the code"
	@echo "make clean    remove environments, caches and what the demo made"

demo: $(VENV)/.installed
	$(VENV)/bin/inkread demo

install: $(VENV)/.installed-dev

test: $(TEST_VENV)/.installed-dev
	$(MAKE) --no-print-directory check VENV=$(TEST_VENV)

check: lint
	$(VENV)/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: lint-page
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

# The environment has a Node.js of its own, for where there is none.
lint-page: export PATH := $(abspath $(VENV))/bin:$(PATH)
lint-page: $(BIOME)
	cd tools/biome && node_modules/.bin/biome lint --error-on-warnings ../../src

$(BIOME): export PATH := $(abspath $(VENV))/bin:$(PATH)
$(BIOME): tools/biome/package-lock.json
	npm ci --prefix tools/biome --no-audit --no-fund --no-update-notifier --loglevel error
	@touch $@

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --clean

matrix: $(VENV)/.installed-dev
	$(VENV)/bin/nox

dist: $(VENV)/.installed-dev
	rm -rf dist
	$(VENV)/bin/python -m build
	$(VENV)/bin/twine check --strict dist/*

format:
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean:
	rm -rf .venv .venv-test .nox tools/biome/node_modules dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis demo

# Debian and Ubuntu keep a part of venv in a package of its own; pip can stand in for it.
%/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"expected Python 3.11 to 3.13, received {v[0]}.{v[1]}; name another: make PYTHON=python3.12" if not (3, 11) <= v[:2] <= (3, 13) else 0)'
	$(PYTHON) -m venv $* 2>/dev/null \
	|| { rm -rf $*; $(PYTHON) -m venv --without-pip $* && $(PYTHON) -m pip --python $*/bin/python install --quiet pip; } \
	|| { rm -rf $*; echo "expected venv or pip: install Debian's package python3-venv or python3-pip"; exit 1; }

%/.installed: pyproject.toml constraints.txt | %/bin/python
	$*/bin/python -m pip install $(PIP_OPTIONS) --editable '.[train]'
	@touch $@

%/.installed-dev: pyproject.toml constraints.txt | %/bin/python
	$*/bin/python -m pip install $(PIP_OPTIONS) --editable '.[dev]'
	@touch $@
