# One command for each thing a reader does. Needs Python 3.11 or newer and nothing else.

VENV := .venv
PY := $(VENV)/bin/python
ARGS ?=

.PHONY: help demo test docs site scan bench manifests measure chaos record lock venv
.DEFAULT_GOAL := help

help: ## this list
	@echo "make TARGET [ARGS=...]"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: venv ## the whole stack: UI and API on http://127.0.0.1:8001/, guide on /guide/
	@exec $(PY) -m demo up $(ARGS)

test: venv ## all tests, with a browser and proxies that are fetched when there are none
	@$(PY) -m site_src._tools.fetch
	@$(PY) -m tests.browser
	@$(PY) -m tests.proxies
	@$(PY) -m pytest $(ARGS)

docs: venv ## the guide with live reload on http://127.0.0.1:8002/
	@$(PY) -m site_src._tools.fetch
	@NO_MKDOCS_2_WARNING=1 exec $(PY) -m mkdocs serve --no-strict -a 127.0.0.1:8002 $(ARGS)

site: venv ## the guide as static files in site/; PUBLISH=1 is strict about expired facts
	@$(PY) -m site_src._tools.fetch
	@NO_MKDOCS_2_WARNING=1 PUBLISH=$(PUBLISH) $(PY) -m mkdocs build --strict $(ARGS)

bench: venv ## performance of the stack on this machine, into build/bench.json
	@$(PY) -m tests.bench $(ARGS)

measure: venv ## what one process needs on this machine, into build/measure.json, for the calculator
	@PYTHONPATH=. $(PY) snippets/sizing/measure.py $(ARGS)

manifests: venv ## the chart rendered to build/manifests/; ARGS=FILE lays your values over the example's
	@$(PY) snippets/sizing/manifests.py $(ARGS)

chaos: venv ## faults at random against the stack and a check of all it told, into build/chaos.json
	@$(PY) -m tests.chaos $(ARGS)

scan: ## secrets, image file, workflows, manifests, packages; needs the network
	@.ci/scan

record: venv ## what the guide shows of runs, HTTP and proofs, recorded anew from this machine
	@$(PY) -m tests.record
	@RECORD=1 $(PY) -m pytest -q tests/site/test_transcripts.py tests/site/test_sequence.py \
	  tests/snippets/test_tutorial.py tests/snippets/test_antipatterns*.py tests/system/test_stopping.py \
	  tests/snippets/test_migrating.py
	@$(PY) -m pytest -q -p tests.proofs --record-proofs -m claim $(ARGS)

lock: ## the lock files anew from pyproject.toml and the scanners' lists
	@set -e; $(FIND_PYTHON); \
	test -x build/uv/bin/uv || "$$python" -m venv build/uv; \
	build/uv/bin/python -m pip install --quiet --upgrade uv; \
	lock() { \
	  echo "Resolving $$1"; out=$$1; shift; \
	  build/uv/bin/uv pip compile "$$@" --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-config \
	    --custom-compile-command "make lock" --output-file $$out; \
	}; \
	lock requirements.lock pyproject.toml --extra local --extra docs --extra test $(ARGS); \
	lock demo/deploy/requirements.lock pyproject.toml $(ARGS); \
	lock demo/deploy/flower.lock pyproject.toml --extra flower $(ARGS); \
	lock demo/deploy/helm.lock --group helm $(ARGS); \
	lock .ci/scan.lock .ci/scan.in $(ARGS); \
	lock .ci/checkov.lock .ci/checkov.in $(ARGS)

# The first Python on the path that is new enough; PYTHON=... chooses another.
FIND_PYTHON = python=; \
	for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer is needed and was not found; PYTHON=/path/to/python names one." >&2; \
	  exit 1; \
	fi

# Compared by content: a fresh checkout gives the lock a new date, not new packages.
venv:
	@cmp -s requirements.lock $(VENV)/requirements.lock && test -x $(PY) || { \
	  set -e; $(FIND_PYTHON); \
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python has no venv module (on Debian and Ubuntu: the package python3-venv)." >&2; \
	    exit 1; \
	  fi; \
	  echo "Installing the packages of requirements.lock into $(VENV); this happens once."; \
	  test -x $(PY) || "$$python" -m venv --clear $(VENV); \
	  $(PY) -m pip install --disable-pip-version-check --require-hashes --only-binary :all: \
	    -r requirements.lock; \
	  cp requirements.lock $(VENV)/requirements.lock; \
	}
