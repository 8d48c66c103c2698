# make demo: install into .venv and run the demonstration. make test: the same with the tests. make paper: Ho et al. (2017).
PYTHON ?= $(shell for p in python3.13 python3.14 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))' 2>/dev/null \
	&& { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin

.PHONY: demo paper studies test test-long test-page dist wheel-test soak bench-smoke lint lint-packaging format clean notebooks docs

demo: .venv/.installed
	$(BIN)/bayescannon demo --overwrite

paper: .venv/.installed
	$(BIN)/python studies/ho2017/run.py

# hours; STUDIES="ho2017 real_lamost" for some, BAYESCANNON_TEST_DATA for those on real spectra
studies: .venv/.installed
	$(BIN)/python studies/run_all.py $(STUDIES)

test: .venv/.installed-test
	$(BIN)/python -m pytest -n 2 --dist loadscope

test-long: .venv/.installed-test
	$(BIN)/python -m pytest -n 2 --dist loadscope -m long

# needs Chromium, of the system's packages
test-page: .venv/.installed-page
	$(BIN)/python -m pytest -m browser tests/oracle/app/report

dist: .venv/.installed-packaging
	rm -rf dist
	$(BIN)/python -m build --outdir dist

# the wheel in an environment of its own, some minutes; DIST=dist for files that are built already
wheel-test: .venv/.installed-packaging
	$(BIN)/python scripts/wheel_test.py $(if $(DIST),--dist $(DIST))

# all of it anew: what is generated depends on the code and the README
docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs build/docs
	@echo build/docs/index.html

soak: .venv/.installed-test
	$(BIN)/python -m pytest -n 2 --dist loadscope -m soak

bench-smoke: .venv/.installed
	$(BIN)/python benchmarks/smoke.py

# run, with outputs kept in notebooks/*.ipynb and the same cells as scripts in notebooks/text; NOTEBOOKS=01_first_steps for one
notebooks: .venv/.installed-test
	$(BIN)/python scripts/update_notebooks.py $(NOTEBOOKS)

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-packaging: .venv/.installed-packaging
	$(BIN)/hadolint packaging/Dockerfile

format: .venv/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo paper build dist
	find bayescannon -name "*.nb[ic]" -delete

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))' 2>/dev/null || { \
	echo "bayescannon needs Python 3.12, 3.13 or 3.14, but '$(PYTHON)' is not one: install Python 3.13 and run make again, or name an interpreter with make PYTHON=/path/to/python3.13." >&2; \
	exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/python -m bayescannon.app.compile_kernels || echo "kernels are compiled when they are first used" >&2
	@touch $@

.venv/.installed-test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	$(BIN)/python -m bayescannon.app.compile_kernels || echo "kernels are compiled when they are first used" >&2
	@touch $@ .venv/.installed

.venv/.installed-page: pyproject.toml | .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,browser]"
	@touch $@

.venv/.installed-packaging: pyproject.toml | .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,packaging]"
	@touch $@

.venv/.installed-docs: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	@touch $@
