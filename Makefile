# Two commands: `make run` and `make test`. Everything they need is set up by them, once, and again
# only where it changed.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-rest test-whole test-postgresql test-browser test-vllm check bench setup setup-dev packages

help:
	@echo "make run     set up, then start Hintline on this machine (Ctrl-C stops it)"
	@echo "make test    set up, then run the tests"
	@echo "make check   style, types, and the direction of imports"
	@echo "make test-vllm  the contract with a real vLLM, on this CPU (minutes; not part of make test)"
	@echo "make bench   measure, and write tests/bench/RESULTS.md"

run: setup
	@$(BIN)/python -m web start

# Whole sites mostly wait: three of them at a time, the files of tests shared out among them, and
# the other parts beside them. -k: a part that fails hides no other's failures.
# (make test-whole ARGS="-n 0 …" runs one test after the other, for a debugger.)
TEST_PARTS := test-browser test-whole test-rest test-postgresql
test: setup-dev packages
	@$(MAKE) --no-print-directory -k -j3 $(if $(filter output-sync,$(.FEATURES)),-O) $(TEST_PARTS)

test-rest:
	$(BIN)/python -m pytest -p no:playwright -n 2 --dist loadfile --ignore tests/browser --ignore tests/whole $(ARGS)

test-whole:
	$(BIN)/python -m pytest -p no:playwright -n 3 --dist loadfile tests/whole $(ARGS)

# What is stored, once more on PostgreSQL. (Not the thousands of requests of the access matrix, whose
# answers hang on no database.)
test-postgresql:
	TEST_DATABASE=postgresql $(BIN)/python -m pytest -p no:playwright tests/web tests/workers/test_results.py --ignore tests/web/events --ignore tests/web/test_access_matrix.py $(ARGS)

# In a process of their own: Playwright keeps an event loop running in the main thread.
test-browser:
	$(BIN)/python -m pytest tests/browser $(ARGS)

# Not in CI: it fetches 1.5 GB once, and then takes about ten minutes and 8 GB of memory.
test-vllm: setup-dev
	@echo "A real vLLM, twice: about ten minutes, 8 GB of memory; the first time 1.5 GB to fetch."
	PYTHON=$(PYTHON) tests/vllm/serve setup
	$(BIN)/python -m pytest -p no:playwright -p no:randomly -v -s tests/vllm/real.py $(ARGS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m web makemigrations --check --dry-run

bench: setup-dev
	$(BIN)/python -m tests.bench

setup: .venv/run.done .venv/runner.done
setup-dev: .venv/dev.done .venv/runner.done

# The stamp is written last: a set-up that was broken off starts again where it stopped.
.venv/run.done: requirements.txt requirements-local.txt
	@$(PYTHON) -c 'import sys; sys.exit("Hintline needs Python 3.11 or newer; this is "+sys.version.split()[0]+". Try: make run PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	@echo "Setting up .venv (about 250 MB to fetch, once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --only-binary :all: -r requirements.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements-local.txt
	@touch $@

# CPython for students' programs, as WebAssembly: again only where the guest or a version changed.
.venv/runner.done: .venv/run.done web/runner/build.py $(wildcard web/runner/guest/*)
	@$(BIN)/python -m web.runner.build
	@touch $@

.venv/dev.done: .venv/run.done pyproject.toml requirements-otel.txt
	@echo "Setting up the development tools …"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet "pip>=25.1"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --group dev -c requirements.txt -c requirements-otel.txt
	@touch $@

# Of Debian's packages: a browser without a screen, a Korean font for it, and PostgreSQL.
PACKAGES = $(if $(shell command -v chromium-headless-shell),,chromium-headless-shell fonts-noto-cjk) \
	$(if $(shell ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb),,postgresql)
packages:
	@test -z "$(strip $(PACKAGES))" || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $(strip $(PACKAGES)) …"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES) >/dev/null; \
	  else \
	    echo "Some tests need more: sudo apt-get install $(strip $(PACKAGES))" >&2; exit 1; \
	  fi; }
