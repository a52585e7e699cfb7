# Each target is one line that calls the real tool. Needs Python 3.11, make and a package index; nothing else.
PYTHON ?= python3.11
export PIP_DISABLE_PIP_VERSION_CHECK = 1

demo: .venv/run
	.venv/bin/jcml demo

test: .venv/test
	.venv/bin/python -m pytest -n auto

test-spark: .venv/test
	JCML_SPARK=all .venv/bin/python -m pytest -n auto --dist worksteal tests/spec tests/property tests/spark

bench: .venv/test
	.venv/bin/python -m benchmarks

check: .venv/test
	.venv/bin/python -m pytest tests/test_architecture.py

docs: .venv/test
	.venv/bin/python docs/build.py

.venv/run: locks/run.lock pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q --require-hashes -r locks/run.lock
	.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv/test: locks/test.lock .venv/run
	.venv/bin/python -m pip install -q --require-hashes -r locks/test.lock
	touch $@

lock:
	uv pip compile pyproject.toml locks/build.in --extra plots --extra review --generate-hashes --no-annotate --no-header -q -o locks/run.lock
	uv pip compile pyproject.toml locks/build.in --extra plots --extra review --extra postgresql --extra oidc --extra spark --group dev -c locks/run.lock --generate-hashes --no-annotate --no-header -q -o locks/test.lock

.PHONY: demo test test-spark bench check docs lock
