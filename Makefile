# releaseflow: try it, test it, check it. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
# Dozens of processes of a test run import the same modules: compile each once, also where the environment says not to.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# What is imported is compiled then; most of what is installed never is.
INSTALL := $(BIN)/python -m pip install -qq --no-compile --require-hashes
# For the gates only: settings want a key, and nothing may touch a database.
comma := ,
GATE := env DEMO=1 DATABASE_URL=sqlite://:memory:
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-strip-extras --python-version 3.11 $(if $(UPGRADE),--upgrade)
PACKAGES := accounts bench crq deployments notifications releaseflow workflow tests manage.py

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: demo
demo: .venv/app.stamp ## try the application on http://localhost:8000, with twelve weeks of made-up data
	@DEMO=1 $(BIN)/python manage.py demo

.PHONY: test
test: .venv/dev.stamp ## run every test: on SQLite, on PostgreSQL, with real services and a browser
	@$(BIN)/python -m tests.support.suite

.PHONY: coverage
coverage: .venv/dev.stamp ## run the tests on SQLite and say which lines they never reach
	@$(BIN)/python -m pytest -q -n auto --cov --cov-report=term --cov-report=html

.PHONY: bench
bench: .venv/dev.stamp ## measure the pages beside the least that a Django page can cost; SIZES=10k,100k,1m
	@DEMO=1 $(BIN)/python manage.py collectstatic --noinput -v 0
	@$(BIN)/python -m bench --sizes $(or $(SIZES),10k$(comma)100k)

.PHONY: check types style
check: .venv/dev.stamp ## run every gate: style, types, templates, layers, migrations, generated documents
	@$(MAKE) --jobs=2 --output-sync types style

types: # takes as long as all the others together
	$(GATE) $(BIN)/mypy

style:
	$(BIN)/ruff check $(PACKAGES)
	$(BIN)/ruff format --check $(PACKAGES)
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/djlint templates --check --quiet
	$(BIN)/lint-imports
	$(GATE) $(BIN)/python manage.py check
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" SITE_URL=https://releaseflow.example.com \
	    DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(GATE) $(BIN)/python manage.py makemigrations --check --dry-run
	$(GATE) $(BIN)/python manage.py document_states --check

.PHONY: fmt
fmt: .venv/dev.stamp ## put the code and the templates into shape
	$(BIN)/ruff check --fix $(PACKAGES)
	$(BIN)/ruff format $(PACKAGES)
	$(BIN)/djlint templates --reformat --quiet
	$(GATE) $(BIN)/python manage.py document_states

.PHONY: lock
lock: .venv/dev.stamp ## renew the locked requirements from the .in files; UPGRADE=1 takes newer versions
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

.PHONY: secrets
secrets: ## make the secrets that docker-compose.yml reads, in var/secrets; existing ones stay
	@mkdir -p var/secrets && chmod 700 var/secrets
	@random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }; \
	if [ ! -s var/secrets/secret_key ]; then random > var/secrets/secret_key; fi; \
	if [ ! -s var/secrets/database_password ]; then \
	    random > var/secrets/database_password; \
	    printf 'postgres://releaseflow:%s@db:5432/releaseflow' "$$(cat var/secrets/database_password)" > var/secrets/database_url; \
	fi
	@chmod 444 var/secrets/*

.PHONY: clean
clean: ## remove what the other targets made, except the data in var/
	rm -rf .venv .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles test-results
	find $(filter-out manage.py,$(PACKAGES)) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The virtual environment: made once, filled again only when a requirements file changes ------------------
.venv/bin/python:
	@found=; for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo 'releaseflow needs Python 3.11 or newer, and none was found. Install it, or name it: make PYTHON=/path/to/python' >&2; \
	    exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	    exit 1; \
	fi; \
	"$$found" -m venv .venv

.venv/app.stamp: requirements.txt | .venv/bin/python
	@echo 'Installing what releaseflow runs on (the first time takes a minute).'
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo 'Installing what releaseflow runs on, and what tests and gates need (the first time takes a minute).'
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch .venv/app.stamp $@
