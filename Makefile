# `make test` is all a newcomer needs: it sets up .venv from the locked requirements and runs
# every check. Another interpreter: make test PYTHON=/usr/bin/python3.11

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
# The stamp's name holds what the environment was made from, so it is set up again only when the
# lock, the project's metadata or the place of the checkout changed.
STAMP := $(VENV)/.ctid-$(shell { cat $(LOCK) pyproject.toml; pwd; } | cksum | tr ' ' '-')
RUN := $(BIN)/python -bb -m
PYTEST_ARGS ?=

# An environment that cannot run (other machine, interpreter gone) is made again whatever the stamp.
ifneq ($(shell test -x $(BIN)/python && \
    $(BIN)/python -c 'import pip, sys; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := test
.PHONY: test demo test-long bench lint format wheel lock clean setup

test: lint
	$(RUN) pytest $(PYTEST_ARGS)

demo: $(STAMP)
	@$(BIN)/ctid demo $(DEMO_ARGS)

test-long: $(STAMP)
	$(RUN) pytest -m long $(PYTEST_ARGS)

bench: $(STAMP)
	$(RUN) tests.benchmarks $(BENCH_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(STAMP)
	$(RUN) build --wheel --no-isolation --outdir dist

setup: $(STAMP)

$(STAMP): $(LOCK) pyproject.toml
	@sh .ci/check-python "$(PYTHON)"
	@echo "setting up (about a minute the first time)"
	@sh .ci/make-venv "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install -qq --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --no-index -e .
	@rm -f $(VENV)/.ctid-*
	@touch $@

# Resolves the newest releases that pyproject.toml allows. Needs uv, which it gets by itself.
lock: $(STAMP)
	$(BIN)/python -m venv --clear .cache/uv
	.cache/uv/bin/pip install --quiet uv
	for name in runtime dev; do \
	    extra=postgresql; test $$name = dev && extra=dev; \
	    .cache/uv/bin/uv pip compile --quiet --no-config --upgrade --universal \
	        --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	        --no-emit-find-links --custom-compile-command 'make lock' --extra $$extra \
	        pyproject.toml -o requirements/$$name.txt || exit 1; \
	done
	@! grep -nE '[a-z]+://' requirements/*.txt

clean:
	rm -rf dist build .cache/uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
