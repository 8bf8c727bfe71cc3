# The same two commands as in README.md, and the parts of the second one.
VENV := .venv/bin

.PHONY: open test unit ui style scripts requirements lock audit hooks

open: .venv/open
	$(VENV)/python app.py

test: .venv/dev
	$(VENV)/python -m tests

unit: .venv/dev
	$(VENV)/python -m pytest -m "not ui and not slow"

ui: .venv/dev
	$(VENV)/python -m pytest -m ui

style: .venv/dev
	$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy

# Linter, types and unit tests of the page's scripts. Node is for this alone: the page needs no build step.
scripts: node_modules
	npm run check

node_modules: package-lock.json
	npm ci && touch $@

# The requirements files as pyproject.toml wants them, and the locks with the newest versions that it allows.
requirements: .venv/dev
	$(VENV)/python -m tools.requirements

lock: requirements
	$(VENV)/pip install --upgrade --upgrade-strategy eager -r requirements-dev.txt
	$(VENV)/python -m tools.requirements --lock

# Which locked versions have known vulnerabilities, as PyPI says; needs the network.
audit: .venv/dev
	$(VENV)/python -m tools.audit

# The checks of .pre-commit-config.yaml, on every file.
hooks: .venv/dev
	PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/pre-commit run --all-files

.venv/open: requirements.txt
	python3 -m venv .venv && $(VENV)/pip install -r requirements.txt && touch $@

.venv/dev: requirements.txt requirements-dev.txt
	python3 -m venv .venv && $(VENV)/pip install -r requirements-dev.txt && touch $@
